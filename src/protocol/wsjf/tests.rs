//! Real shapes, wrong shapes, and any bytes at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::report::{Comparison, FactKind, Iteration, Measured, ReportKind, Status};

const EXAMPLE: &str = r#"{"id":"5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10","type":"T","pn":"PSU-48V","sn":"PSU-000123","rev":"B","processCode":100,
 "result":"F","machineName":"EOL-01","location":"Hala 2 – Łódź","purpose":"Production","start":"2026-03-04T08:15:30.2500000+01:00", "vendorField":{"kept":[1,2.50]},
 "uut":{"user":"op7","fixtureId":"FX-3","testSocketIndex":0,"batchSN":"LOT-9","execTime":12.4,"errorCode":0,"comment":"zażółć 🎉"},
 "miscInfos":[{"description":"Firmware","text":"1.4.2"},{"description":"Old","numeric":17}],"subUnits":[{"partType":"PCBA","pn":"PCB-7","rev":"A","sn":"PCB-55"}],
 "assets":[{"sn":"DMM-4","usageCount":1}],
 "root":{"stepType":"SequenceCall","group":"M","name":"MainSequence Callback","status":"F","id":1,"totTime":12.4,"seqCall":{"path":"psu.seq"},"steps":[
  {"stepType":"ET_NLT","group":"M","name":"Output voltage","status":"Failed","causedUUTFailure":true,"numericMeas":[{"value":49.610,"unit":"V","compOp":"gele","lowLimit":47.5,"highLimit":4.85e1,"status":"F"}]},
  {"stepType":"ET_MNLT","name":"Rails","status":"P","loop":{"idx":2,"num":5,"passed":1},"numericMeas":[{"name":"3V3","value":"3.31","compOp":"GELE","lowLimit":3.2,"highLimit":3.4,"status":"P"},{"name":"ripple","value":4.0,"compOp":"LT","lowLimit":20.0,"status":"P"}]},
  {"stepType":"ET_PFT","name":"LED","status":"P","loop":{"i":1,"n":3},"booleanMeas":[{"status":"P"}]},
  {"stepType":"ET_SVT","name":"Firmware","status":"P","stringMeas":[{"value":"1.4.2","compOp":"IgnoreCase","limit":"1.4.2","status":"P"}],"attachment":{"name":"boot.log","data":"Ym9vdCBvaw=="}},
  {"stepType":"NI_Wait","name":"Soak","status":"D","steps":[{"stepType":"Acme_Unheard","name":"inner \u0142","status":"S","acme":{"x":[[1]]}}]}]}}"#;

fn refusal(text: &str) -> Unreadable {
    read(text.as_bytes()).expect_err("refused")
}

/// The example with one entry changed or, with null, taken out.
fn with(field: &str, value: Value) -> String {
    let mut report: Value = serde_json::from_str(EXAMPLE).unwrap();
    let object = report.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(field)
    } else {
        object.insert(field.to_owned(), value)
    };
    report.to_string()
}

fn with_steps(steps: Value) -> String {
    with("root", json!({"stepType":"SequenceCall","name":"Main","status":"P","steps":steps}))
}

fn oddities(steps: Value) -> Vec<(String, Oddity)> {
    let findings = read(with_steps(steps).as_bytes()).unwrap().report.findings;
    findings.into_iter().map(|finding| (finding.place, finding.what)).collect()
}

#[test]
fn a_report_reads_and_its_text_stays_to_the_letter() {
    let Document { text, report } = read(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(text, EXAMPLE);
    let header = &report.header;
    assert_eq!((header.kind, header.result, header.process_code), (ReportKind::Test, Status::Failed, 100));
    assert_eq!((header.location.as_str(), header.operator.as_str()), ("Hala 2 – Łódź", "op7"));
    assert_eq!(header.start.to_rfc3339(), "2026-03-04T08:15:30.250+01:00");
    assert_eq!((report.step_count, report.execution_secs, report.comment.as_str()), (7, Some(12.4), "zażółć 🎉"));
    assert_eq!(report.findings, []);
    let steps = &report.root.as_ref().unwrap().steps;
    let voltage = &steps[0].measurements[0];
    let Measured::Number(number) = &voltage.value else { panic!("a number") };
    assert_eq!((number.text.as_str(), number.value, voltage.comparison), ("49.610", 49.61, Some(Comparison::GeLe)));
    assert_eq!((voltage.high.as_ref().unwrap().text.as_str(), voltage.judge()), ("4.85e1", Some(false)));
    assert_eq!((steps[1].iteration, steps[2].iteration.map(|i| i.count)), (Some(Iteration { index: 2, count: Some(5) }), Some(Some(3))));
    assert_eq!(steps[3].attachment.as_deref(), Some("boot.log"));
    assert_eq!((steps[4].steps[0].name.as_str(), steps[4].steps[0].step_type.as_str()), ("inner ł", "Acme_Unheard"));
    assert_eq!(report.failed_step().unwrap().path, "Output voltage");
    let facts: Vec<_> = report.facts.iter().map(|fact| (fact.kind, fact.label.as_str(), fact.text.as_str())).collect();
    assert!(facts.contains(&(FactKind::Misc, "Old", "17")) && facts.contains(&(FactKind::SubUnit, "PCBA", "PCB-7 PCB-55 A")));
}

#[test]
fn the_head_alone_reads_the_same() {
    assert_eq!(read_header(EXAMPLE).unwrap(), read(EXAMPLE.as_bytes()).unwrap().report.header);
    assert_eq!(read_header(&with("id", Value::Null)), Err(Unreadable::Missing { field: "id".to_owned() }));
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    let marked = format!("\u{feff}{EXAMPLE}");
    assert_eq!(read(marked.as_bytes()).unwrap().text, EXAMPLE);
}

#[test]
fn a_missing_id_is_made_from_the_content_and_is_the_same_each_time() {
    let source = with("id", Value::Null);
    let (first, again) = (read(source.as_bytes()).unwrap(), read(source.as_bytes()).unwrap());
    assert_eq!(first, again);
    assert_eq!(first.text.replacen(&format!("\"id\":\"{}\",", first.report.header.id), "", 1), source);
    assert!(first.report.findings.contains(&Finding { place: "id".to_owned(), what: Oddity::NoId }));
    assert_eq!(read(first.text.as_bytes()).unwrap().report.header, first.report.header);
    assert_ne!(read(with("id", Value::Null).replace("op7", "op8").as_bytes()).unwrap().report.header.id, first.report.header.id);
}

#[test]
fn an_empty_id_is_filled_in_where_it_stands() {
    for empty in ["null", "\"\"", "\"00000000-0000-0000-0000-000000000000\""] {
        let source = EXAMPLE.replacen("\"5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10\"", empty, 1);
        let document = read(source.as_bytes()).unwrap();
        assert_eq!(document.text, source.replacen(empty, &format!("\"{}\"", document.report.header.id), 1));
        assert_eq!(read_header(&document.text).unwrap().id, document.report.header.id);
    }
    assert_eq!(refusal(&with("id", json!("7"))), Unreadable::wrong("id", "must be a UUID"));
}

#[test]
fn bare_nan_and_infinity_become_texts_and_are_told() {
    let source =
        EXAMPLE.replace("49.610", "NaN").replace("\"lowLimit\":3.2", "\"lowLimit\":-Infinity").replace("op7", "a NaN \\\" Infinity");
    let document = read(source.as_bytes()).unwrap();
    let expected = source.replace("\"value\":NaN", "\"value\":\"NaN\"").replace(":-Infinity", ":\"-Infinity\"");
    assert_eq!(document.text, expected);
    assert_eq!(document.report.header.operator, "a NaN \" Infinity");
    let findings: Vec<_> = document.report.findings.iter().map(|f| (f.place.as_str(), f.what)).collect();
    assert_eq!(findings, [("", Oddity::BareNumber), ("Output voltage", Oddity::NotFinite)]);
    assert!(matches!(refusal(&EXAMPLE.replace("49.610", "NaNo")), Unreadable::NotJson { .. }));
}

#[test]
fn what_is_odd_is_told_with_its_place() {
    let told = oddities(json!([
        {"name":"A","status":"P","numericMeas":[{"value":9,"compOp":"GELE","lowLimit":1,"highLimit":2,"status":"P"}]},
        {"name":"B","status":"P","numericMeas":{"value":"abc","compOp":"ZZ","lowLimit":5,"highLimit":2}},
        {"name":"C","status":"P","steps":[{"name":"D","status":"Melting","numericMeas":[{"value":"NaN","status":"P"}]}]},
        {"name":"E","status":"P","numericMeas":[{"value":1,"compOp":"LE","lowLimit":0.5}]},
        {"name":"F","status":"F","numericMeas":[{"value":1,"compOp":"LE","lowLimit":2}]},
        {"name":"G","status":"F","stringMeas":[{"value":"x","compOp":"EQ","limit":"x","status":"F"}]},
        {"name":"x".repeat(101),"status":"P"},
    ]));
    let odd = |place: &str, what| (place.to_owned(), what);
    let expected = [
        odd("A", Oddity::StatusAgainstLimits),
        odd("B", Oddity::LowAboveHigh),
        odd("B", Oddity::UnknownComparison),
        odd("B", Oddity::NotANumber),
        odd("C/D", Oddity::NotFinite),
        odd("C/D", Oddity::UnknownStatus),
        odd("E", Oddity::StatusAgainstLimits),
        odd("G", Oddity::StatusAgainstLimits),
        odd(&"x".repeat(100), Oddity::TooLong),
    ];
    assert_eq!(told, expected);
    let findings = read(with("sn", json!("A*1")).as_bytes()).unwrap().report.findings;
    assert_eq!(findings, [Finding { place: "sn".to_owned(), what: Oddity::PatternCharacter }]);
}

#[test]
fn each_required_field_is_missed_by_name() {
    for field in ["type", "pn", "sn", "rev", "processCode", "result", "machineName", "location", "purpose", "start", "uut", "root"] {
        assert_eq!(refusal(&with(field, Value::Null)), Unreadable::Missing { field: field.to_owned() }, "{field}");
    }
}

#[test]
fn wrong_values_are_told_by_field() {
    let wrong = [
        ("pn", json!("")),
        ("sn", json!("x".repeat(101))),
        ("location", json!({})),
        ("type", json!("X")),
        ("result", json!("S")),
        ("processCode", json!("ten")),
        ("start", json!("2026-03-04T08:15:30")),
        ("uut", json!([])),
        ("root", json!([])),
        ("miscInfos", json!("none")),
    ];
    for (field, value) in wrong {
        assert!(matches!(refusal(&with(field, value)), Unreadable::Wrong { field: told, .. } if told == field), "{field}");
    }
    assert!(read(with("sn", json!("Ł".repeat(100))).as_bytes()).is_ok());
    assert_eq!(
        refusal(&with_steps(json!({"a":1})).replace("{\"a\":1}", "7")).to_string(),
        "In the report, \"steps\" has a value of the wrong kind."
    );
}

#[test]
fn a_start_in_utc_stands_in_for_one_without_an_offset() {
    let mut report: Value = serde_json::from_str(EXAMPLE).unwrap();
    report["start"] = json!("2026-03-04T08:15:30");
    for utc in ["2026-03-04T07:15:30", "2026-03-04T07:15:30.0000000Z"] {
        report["startUTC"] = json!(utc);
        assert_eq!(read(report.to_string().as_bytes()).unwrap().report.header.start_utc().to_rfc3339(), "2026-03-04T07:15:30+00:00");
    }
}

#[test]
fn a_repair_needs_no_steps() {
    let mut report: Value = serde_json::from_str(EXAMPLE).unwrap();
    let object = report.as_object_mut().unwrap();
    object.remove("root");
    object.remove("uut");
    object["type"] = json!("R");
    object.insert("uur".to_owned(), json!({"user":"rep2","comment":"","execTime":0.0}));
    object["subUnits"] =
        json!([{"pn":"P","sn":"S","rev":"A","partType":"Main","idx":0,"failures":[{"category":"Solder","code":"Cold","comRef":"C12"}]}]);
    let repair = read(report.to_string().as_bytes()).unwrap().report;
    assert_eq!((repair.header.kind, repair.header.operator.as_str(), repair.step_count), (ReportKind::Repair, "rep2", 0));
    assert!(repair.facts.iter().any(|fact| fact.kind == FactKind::Failure && fact.label == "Solder" && fact.text == "Cold C12"));
}

#[test]
fn the_last_of_two_equal_keys_counts_and_both_stay() {
    let source = EXAMPLE.replacen("\"sn\":\"PSU-000123\"", "\"sn\":\"first\",\"sn\":\"second\"", 1);
    let document = read(source.as_bytes()).unwrap();
    assert_eq!((document.report.header.serial_number.as_str(), document.text == source), ("second", true));
}

#[test]
fn what_is_no_report_is_told_in_one_sentence() {
    assert_eq!(refusal(""), Unreadable::NotJson { line: 1, column: 0, what: "EOF while parsing a value".to_owned() });
    assert_eq!((refusal("[1]"), refusal(" 7 ")), (Unreadable::NotAnObject, Unreadable::NotAnObject));
    assert!(matches!(refusal(&format!("{EXAMPLE} x")), Unreadable::NotJson { .. }));
    assert!(matches!(refusal(&EXAMPLE[..900]), Unreadable::NotJson { .. }));
    assert_eq!(read(b"{\"a\":\"\xff\"}").unwrap_err(), Unreadable::NotUtf8 { at: 6 });
    assert_eq!(read(b"\xff\xfe{\0").unwrap_err(), Unreadable::NotUtf8 { at: 0 });
}

#[test]
fn giants_are_refused() {
    let giant = vec![b' '; MAX_REPORT_BYTES + 1];
    assert_eq!(read(&giant).unwrap_err(), Unreadable::TooLarge { found: MAX_REPORT_BYTES + 1, limit: MAX_REPORT_BYTES });
    let many =
        |entry: &str, count: usize| with_steps(json!([])).replace("\"steps\":[]", &format!("\"steps\":[{}]", vec![entry; count].join(",")));
    assert_eq!(refusal(&many("{}", 100_000)), Unreadable::TooManySteps { found: MAX_STEPS + 1, limit: MAX_STEPS });
    assert_eq!(read(many("{}", MAX_STEPS - 1).as_bytes()).unwrap().report.step_count, MAX_STEPS);
    let measurements = format!("{{\"numericMeas\":[{}]}}", vec!["{}"; MAX_MEASUREMENTS + 1].join(","));
    assert!(matches!(refusal(&many(&measurements, 1)), Unreadable::TooManyMeasurements { .. }));
}

#[test]
fn deep_nesting_is_refused_wherever_it_is() {
    let nested = |levels: usize| {
        let steps = "{\"steps\":[".repeat(levels) + &"]}".repeat(levels);
        with_steps(json!([])).replace("\"steps\":[]", &format!("\"steps\":[{steps}]"))
    };
    assert_eq!(read(nested(MAX_DEPTH - 1).as_bytes()).unwrap().report.step_count, MAX_DEPTH);
    assert_eq!(refusal(&nested(MAX_DEPTH)), Unreadable::TooDeep);
    assert_eq!(refusal(&nested(100_000)), Unreadable::TooDeep);
    let brackets = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(refusal(&EXAMPLE.replacen("[1,2.50]", &brackets, 1)), Unreadable::TooDeep);
    assert_eq!(refusal(&EXAMPLE.replacen("[[1]]", &brackets, 1)), Unreadable::TooDeep);
    assert!(read("[".repeat(1_000_000).as_bytes()).is_err());
}

/// A report that is taken is taken again, from its kept text, with the same id; its head alone too.
fn holds_what_it_promises(bytes: &[u8]) {
    if let Ok(Document { text, report }) = read(bytes) {
        let again = read(text.as_bytes()).unwrap();
        assert_eq!((&again.text, &again.report.header), (&text, &report.header));
        assert_eq!(read_header(&text).unwrap(), report.header);
        assert!(report.findings.len() <= MAX_FINDINGS);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds_what_it_promises(&bytes);
    }

    #[test]
    fn a_damaged_report_is_read_or_refused(cuts in prop::collection::vec((0..EXAMPLE.len(), 0..6_usize, prop::sample::select(vec![
        "", "\"", "{", "]", "NaN", "null", "-1e999", "\\ud800", "[[", "}", "-Infinity", ",", "\u{feff}", "0"
    ])), 1..4)) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (at, length, put) in cuts {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, put.bytes());
        }
        holds_what_it_promises(&bytes);
    }

    #[test]
    fn any_object_keeps_its_text(extra in "[ -~ą🎉]{0,40}", number in any::<f64>(), key in "[a-z]{1,8}") {
        let mut report: Value = serde_json::from_str(EXAMPLE).unwrap();
        report[format!("x-{key}")] = json!({"text": extra, "number": number, "list": [null, true, [extra]]});
        for text in [report.to_string(), serde_json::to_string_pretty(&report).unwrap()] {
            prop_assert_eq!(&read(text.as_bytes()).unwrap().text, &text);
        }
    }
}
