//! The steps of one simulated run: groups, measurements of every kind, a few that no reader knows.

use std::fmt::Write;

use super::{DRIFT_PERIOD, Random};
use crate::domain::report::Status;

/// A numeric step: name, unit, comparison, low, high, usual value, its spread.
type Numeric = (&'static str, &'static str, &'static str, f64, Option<f64>, f64, f64);

const NUMERIC: [Numeric; 6] = [
    ("Output voltage", "V", "GELE", 47.5, Some(48.5), 48.02, 0.1),
    ("Ripple", "mV", "LT", 20.0, None, 8.0, 1.5),
    ("Isolation", "MΩ", "GT", 100.0, None, 480.0, 30.0),
    ("Hold current", "A", "GTLT", 0.1, Some(0.4), 0.25, 0.02),
    ("Ciśnienie wejściowe", "bar", "GELT", 2.0, Some(8.0), 4.1, 0.3),
    ("Öffnungsdruck", "bar", "GELE", 1.5, Some(2.5), 2.0, 0.1),
];
const CHECKS: [&str; 4] = ["LED grün", "Door closed", "Naklejka obecna", "Connector seated"];
const ACTIONS: [(&str, &str); 4] =
    [("Action", "Connect fixture"), ("NI_Wait", "Stabilise"), ("Statement", "Locals.Ready = True"), ("Acme_Vision", "Label inspection")];
const BOOT_LOG: &str = "Ym9vdCBvawpzZWxmLXRlc3Qgb2sKcmVhZHkK";
/// Highest leak rate that passes, in standard cm³ a minute.
const LEAK_LIMIT: f64 = 0.5;

/// Writes the tree of one run.
pub struct Sequence<'r> {
    random: &'r mut Random,
    out: String,
    result: Status,
    /// Steps still to be written.
    left: usize,
    id: u32,
    seconds: f64,
    /// Whether the step to blame is still to come.
    to_fail: bool,
}

impl<'r> Sequence<'r> {
    /// Of `steps` steps in all; at least one.
    pub fn new(random: &'r mut Random, result: Status, steps: usize) -> Sequence<'r> {
        let to_fail = result == Status::Failed;
        Sequence { random, out: String::with_capacity(steps * 200), result, left: steps, id: 0, seconds: 0.0, to_fail }
    }

    /// The root as JSON, and how long the run took in seconds. A leak test's rate drifts with the `made` reports of the line.
    pub fn write(mut self, leak_test: bool, made: u64) -> (String, f64) {
        self.open("SequenceCall", "MainSequence Callback", "M");
        let letter = self.result.letter();
        _ = write!(self.out, r#","status":"{letter}","seqCall":{{"path":"C:\\Tests\\line.seq","name":"Line","version":"3.1"}},"steps":["#);
        let mut first = true;
        while self.left > 0 {
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            // The step to blame comes somewhere in the middle, or where there is room for no other.
            let fails = self.to_fail && (self.left == 1 || self.random.chance(0.15));
            self.to_fail &= !fails;
            match self.random.below(10) {
                _ if leak_test && (fails || self.left == 1) => self.leak(fails, made),
                _ if fails => self.numeric(true),
                0 | 1 if self.left > 3 => self.group(),
                2 => self.rails(),
                3 => self.check(),
                4 => self.firmware(),
                5 | 6 => self.action(),
                7 if self.random.chance(0.3) => self.popup(),
                8 if self.random.chance(0.3) => self.curve(),
                _ => self.numeric(false),
            }
        }
        self.out.push_str("]}");
        (self.out, self.seconds)
    }

    fn open(&mut self, kind: &str, name: &str, group: &str) {
        self.left -= 1;
        self.id += 1;
        let (id, name, seconds) = (self.id, escaped(name), 0.02 + 0.4 * self.random.unit());
        self.seconds += seconds;
        _ = write!(self.out, r#"{{"stepType":"{kind}","group":"{group}","name":"{name}","id":{id},"totTime":{seconds:.4}"#);
    }

    fn blame(&mut self, fails: bool) {
        self.out.push_str(if fails { r#","status":"F","causedUUTFailure":true"# } else { r#","status":"P""# });
    }

    fn numeric(&mut self, fails: bool) {
        let (name, unit, comparison, low, high, usual, spread) = self.random.pick(&NUMERIC);
        let value = match fails {
            false => usual + spread * self.random.normal().clamp(-3.0, 3.0),
            true if comparison == "LT" => low + spread * (1.0 + self.random.unit()),
            true => low - spread * (1.0 + self.random.unit()),
        };
        self.open("ET_NLT", name, "M");
        self.blame(fails);
        self.out.push_str(r#","numericMeas":["#);
        self.measurement("", (value, unit), comparison, (low, high), fails);
        self.out.push_str("]}");
    }

    fn measurement(&mut self, name: &str, (value, unit): (f64, &str), comparison: &str, (low, high): (f64, Option<f64>), fails: bool) {
        let (value, letter) = (digits(value, self.random), if fails { "F" } else { "P" });
        self.out.push('{');
        if !name.is_empty() {
            _ = write!(self.out, r#""name":"{name}","#);
        }
        _ = write!(self.out, r#""value":{value},"unit":"{unit}","compOp":"{comparison}","status":"{letter}","lowLimit":{low:.2}"#);
        if let Some(high) = high {
            _ = write!(self.out, r#","highLimit":{high:.2}"#);
        }
        self.out.push('}');
    }

    /// The rate rises over the drift period, and is past the limit where the unit fails by it.
    fn leak(&mut self, fails: bool, made: u64) {
        let drift = (made % DRIFT_PERIOD) as f64 / DRIFT_PERIOD as f64;
        let usual = 0.22 + 0.16 * drift + 0.02 * self.random.normal();
        let value = if fails { LEAK_LIMIT + 0.02 + 0.1 * self.random.unit() } else { usual.clamp(0.01, LEAK_LIMIT - 0.01) };
        self.open("ET_NLT", "Leak rate", "M");
        self.blame(fails);
        self.out.push_str(r#","numericMeas":["#);
        self.measurement("", (value, "sccm"), "LE", (LEAK_LIMIT, None), fails);
        self.out.push_str("]}");
    }

    fn rails(&mut self) {
        self.open("ET_MNLT", "Rails", "M");
        self.blame(false);
        self.out.push_str(r#","numericMeas":["#);
        for (i, (name, nominal)) in [("3V3", 3.3), ("5V", 5.0), ("12V", 12.0)].into_iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            let value = nominal * (1.0 + 0.005 * self.random.normal().clamp(-3.0, 3.0));
            self.measurement(name, (value, "V"), "GELE", (nominal * 0.95, Some(nominal * 1.05)), false);
        }
        self.out.push_str("]}");
    }

    fn check(&mut self) {
        let name = self.random.pick(&CHECKS);
        self.open("ET_PFT", name, "M");
        self.blame(false);
        self.out.push_str(r#","booleanMeas":[{"status":"P"}]}"#);
    }

    fn firmware(&mut self) {
        self.open("ET_SVT", "Firmware", "S");
        self.blame(false);
        self.out.push_str(r#","stringMeas":[{"value":"1.4.2-ż","compOp":"IgnoreCase","limit":"1.4.2-Ż","status":"P"}]"#);
        if self.random.chance(0.1) {
            _ = write!(self.out, r#","attachment":{{"name":"boot.log","contentType":"text/plain","data":"{BOOT_LOG}"}}"#);
        }
        self.out.push('}');
    }

    fn action(&mut self) {
        let (kind, name) = self.random.pick(&ACTIONS);
        self.open(kind, name, "S");
        self.out.push_str(r#","status":"D""#);
        if kind == "Acme_Vision" {
            self.out.push_str(r#","acme":{"score":0.970,"box":[[1,2],[3,4]]}"#);
        }
        // A wait with a step of its own, as some sequencers write it.
        if kind == "NI_Wait" && self.left > 1 {
            self.out.push_str(r#","steps":["#);
            self.open("Label", "settled", "M");
            self.out.push_str(r#","status":"D"}]"#);
        }
        self.out.push('}');
    }

    fn popup(&mut self) {
        self.open("MessagePopup", "Scan the label", "S");
        self.out.push_str(r#","status":"D","messagePopup":{"response":"OK \u2713","button":1}}"#);
    }

    fn curve(&mut self) {
        self.open("WATS_XYGMNLT", "Pressure curve", "M");
        self.blame(false);
        let pressures: Vec<f64> = (0..40).map(|i| 4.0 * (1.0 - (-f64::from(i) / 8.0).exp()) + 0.01 * self.random.normal()).collect();
        let x: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let y: Vec<String> = pressures.iter().map(|y| format!("{y:.3}")).collect();
        let (x, y) = (x.join(";"), y.join(";"));
        self.out.push_str(r#","chart":{"chartType":"Line","label":"Fill","xLabel":"t","xUnit":"s","yLabel":"p","yUnit":"bar","series":["#);
        _ = write!(self.out, r#"{{"dataType":"XYG","name":"P1","xdata":"{x}","ydata":"{y}"}}]}},"numericMeas":["#);
        self.measurement("peak", (pressures[39], "bar"), "GELE", (3.5, Some(4.5)), false);
        self.out.push_str("]}");
    }

    fn group(&mut self) {
        self.open("SequenceCall", "Podsekwencja zasilania", "M");
        self.blame(false);
        let pass = self.random.below(5);
        _ = write!(self.out, r#","loop":{{"idx":{pass},"num":5,"endingIndex":4,"passed":{pass},"failed":0}},"steps":["#);
        self.numeric(false);
        self.out.push(',');
        self.check();
        self.out.push_str("]}");
    }
}

/// Writers disagree on how a number looks.
fn digits(value: f64, random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("{value:.5e}"),
        1 => format!("{value:.4e}").replace('e', "E+").replace("E+-", "E-"),
        2 => format!("{value:.4}00"),
        _ => format!("{value:.4}"),
    }
}

/// A text inside the quotes of JSON.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{0}'..='\u{1f}' => _ = write!(out, "\\u{:04x}", c as u32),
            _ => out.push(c),
        }
    }
    out
}
