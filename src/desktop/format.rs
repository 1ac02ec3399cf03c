//! Numbers and times as people read them: fixed widths, the plant's zone, no more digits than are known.

use chrono::{DateTime, FixedOffset, Local, TimeDelta, Utc};

use crate::support::language::Language;

/// The zone that times are shown in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// This machine's own, with its summer time.
    #[default]
    Local,
    /// A fixed one, for pictures that look alike everywhere.
    Fixed(FixedOffset),
}

/// Stands where a value is not known.
pub const NOTHING: &str = "–";
/// Groups thousands without letting a line break there.
const THIN: char = '\u{202f}';

impl Zone {
    /// Universal time.
    pub fn utc() -> Zone {
        FixedOffset::east_opt(0).map_or(Zone::Local, Zone::Fixed)
    }

    fn write(self, at: DateTime<Utc>, pattern: &str) -> String {
        match self {
            Zone::Local => at.with_timezone(&Local).format(pattern).to_string(),
            Zone::Fixed(offset) => at.with_timezone(&offset).format(pattern).to_string(),
        }
    }

    /// `14:02:37`
    pub fn clock(self, at: DateTime<Utc>) -> String {
        self.write(at, "%H:%M:%S")
    }

    /// `14:02`
    pub fn minute(self, at: DateTime<Utc>) -> String {
        self.write(at, "%H:%M")
    }

    /// `2026-03-10`
    pub fn day(self, at: DateTime<Utc>) -> String {
        self.write(at, "%Y-%m-%d")
    }

    /// `2026-03-10 14:02:37`
    pub fn full(self, at: DateTime<Utc>) -> String {
        self.write(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The time alone for today, with the day for any other.
    pub fn moment(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        if self.day(at) == self.day(now) { self.clock(at) } else { self.write(at, "%Y-%m-%d %H:%M") }
    }
}

/// `1 244`, grouped by thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// `96.8` for a ratio of 0.968. Only a ratio of one is written as 100.0.
pub fn percent(ratio: Option<f64>) -> String {
    let Some(ratio) = ratio.filter(|ratio| ratio.is_finite()) else { return NOTHING.to_owned() };
    let percent = if ratio < 1.0 { (ratio * 100.0).min(99.94) } else { 100.0 };
    format!("{percent:.1}")
}

/// `+0.1` or `−95.0`: with its sign, and a true minus.
pub fn signed(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    format!("{:+.1}", tenths as f64 / 10.0).replace('-', "\u{2212}")
}

/// `4.2 MB`, by thousands.
pub fn bytes(n: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// `4:37`, or `1:04:37`: what is left of a countdown. Rounds up, so that 0:00 is the end.
pub fn countdown(left: TimeDelta) -> String {
    let seconds = (left.num_milliseconds().max(0) + 999) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `12 s`, `3 min`, `2 h`, `5 d`: how long ago, coarsely. A time in the future is no age.
pub fn age(at: DateTime<Utc>, now: DateTime<Utc>, language: &Language) -> String {
    let seconds = (now - at).num_seconds().max(0);
    let (key, n) = match seconds {
        0..=99 => ("shell.age.seconds", seconds),
        100..=5_999 => ("shell.age.minutes", seconds / 60),
        6_000..=172_799 => ("shell.age.hours", seconds / 3600),
        _ => ("shell.age.days", seconds / 86_400),
    };
    language.fill(key, &[("n", &n.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_passed_is_a_hundred_percent() {
        assert_eq!(percent(Some(1.0)), "100.0");
        assert_eq!(percent(Some(0.99999)), "99.9");
        assert_eq!(percent(Some(0.968)), "96.8");
        assert_eq!(percent(None), NOTHING);
    }

    #[test]
    fn a_negative_number_has_a_true_minus() {
        assert_eq!([signed(-95.0), signed(0.14), signed(-0.04)], ["\u{2212}95.0", "+0.1", "+0.0"]);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1244), "1\u{202f}244");
        assert_eq!(count(12_345_678), "12\u{202f}345\u{202f}678");
    }

    #[test]
    fn sizes_and_countdowns_stay_short() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(countdown(TimeDelta::milliseconds(277_000)), "4:37");
        assert_eq!(countdown(TimeDelta::seconds(-3)), "0:00");
        assert_eq!(countdown(TimeDelta::seconds(3877)), "1:04:37");
    }

    #[test]
    fn ages_are_coarse_and_never_negative() {
        let language = Language::english();
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let before = |seconds| age(now - TimeDelta::seconds(seconds), now, &language);
        assert_eq!([before(-5), before(12), before(180), before(7200), before(500_000)], ["0 s", "12 s", "3 min", "2 h", "5 d"]);
    }
}
