//! Limits as a person reads them: `47.5 ≤ x ≤ 48.5`.

use crate::domain::report::{Comparison, Measured, Measurement, Number};

/// The limits of `measurement`, or nothing where it has none. `or` is the word between two sides, `any_case` says that case is ignored.
pub(super) fn limits(measurement: &Measurement, or: &str, any_case: &str) -> String {
    use Comparison as C;
    let text = |number: &Option<Number>| number.as_ref().map_or_else(String::new, |number| number.text.clone());
    let (low, high) = (text(&measurement.low), text(&measurement.high));
    let expected = measurement.expected.as_ref().map_or_else(|| low.clone(), |text| format!("“{text}”"));
    let inside = |left: &str, right: &str| match (low.is_empty(), high.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("x {} {low}", mirrored(left)),
        (true, false) => format!("x {right} {high}"),
        (false, false) => format!("{low} {left} x {right} {high}"),
    };
    let outside = |left: &str, right: &str| format!("x {left} {low} {or} x {right} {high}");
    let one = |sign: &str| if expected.is_empty() { String::new() } else { format!("x {sign} {expected}") };
    match measurement.comparison {
        None if low.is_empty() && high.is_empty() => measurement.expected.as_ref().map_or_else(String::new, |_| one("=")),
        None => inside("≤", "≤"),
        Some(C::Log) => String::new(),
        Some(C::Eq | C::CaseSensitive) => one("="),
        Some(C::IgnoreCase) if expected.is_empty() => String::new(),
        Some(C::IgnoreCase) => format!("{} {any_case}", one("=")),
        Some(C::EqTolerance) => one("≈"),
        Some(C::Ne) => one("≠"),
        Some(C::Lt) => one("<"),
        Some(C::Le) => one("≤"),
        Some(C::Gt) => one(">"),
        Some(C::Ge) => one("≥"),
        Some(C::GtLt) => inside("<", "<"),
        Some(C::GtLe) => inside("<", "≤"),
        Some(C::GeLt) => inside("≤", "<"),
        Some(C::GeLe) => inside("≤", "≤"),
        Some(C::LtGt) => outside("<", ">"),
        Some(C::LtGe) => outside("<", "≥"),
        Some(C::LeGt) => outside("≤", ">"),
        Some(C::LeGe) => outside("≤", "≥"),
    }
}

/// `low ≤ x` said from the other side: `x ≥ low`.
fn mirrored(sign: &str) -> &'static str {
    if sign == "<" { ">" } else { "≥" }
}

/// The value as it came.
pub(super) fn value(measurement: &Measurement) -> &str {
    match &measurement.value {
        Measured::Number(number) => &number.text,
        Measured::Text(text) => text,
        Measured::Nothing => "",
    }
}

/// Low and high end of the band in which a value passes, where it is one band.
pub(super) fn band(measurement: &Measurement) -> Option<(f64, Option<f64>, Option<f64>)> {
    use Comparison as C;
    let Measured::Number(number) = &measurement.value else { return None };
    let end = |number: &Option<Number>| number.as_ref().map(|number| number.value);
    let (low, high) = (end(&measurement.low), end(&measurement.high));
    match measurement.comparison? {
        C::GtLt | C::GtLe | C::GeLt | C::GeLe => Some((number.value, low, high)),
        C::Gt | C::Ge => Some((number.value, low, None)),
        C::Lt | C::Le => Some((number.value, None, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Number> {
        (!text.is_empty()).then(|| Number { text: text.to_owned(), value: text.parse().unwrap_or(f64::NAN) })
    }

    fn said(comparison: Option<Comparison>, low: &str, high: &str, expected: Option<&str>) -> String {
        let measurement = Measurement {
            comparison,
            low: number(low),
            high: number(high),
            expected: expected.map(str::to_owned),
            ..Measurement::default()
        };
        limits(&measurement, "or", "in any case")
    }

    #[test]
    fn limits_keep_their_digits_and_say_which_end_belongs() {
        use Comparison as C;
        assert_eq!(said(Some(C::GeLe), "47.50", "48.5", None), "47.50 ≤ x ≤ 48.5");
        assert_eq!(said(Some(C::GtLe), "0", "1", None), "0 < x ≤ 1");
        assert_eq!(said(Some(C::LtGt), "1", "2", None), "x < 1 or x > 2");
        assert_eq!(said(Some(C::Le), "5.0", "", None), "x ≤ 5.0");
        assert_eq!(said(Some(C::GeLe), "5", "", None), "x ≥ 5");
        assert_eq!(said(Some(C::GtLt), "", "7", None), "x < 7");
        assert_eq!(said(Some(C::CaseSensitive), "", "", Some("v1.2")), "x = “v1.2”");
        assert_eq!(said(Some(C::IgnoreCase), "", "", Some("ok")), "x = “ok” in any case");
        assert_eq!(said(Some(C::Log), "1", "2", None), "");
        assert_eq!(said(None, "", "", None), "");
        assert_eq!(said(None, "1", "2", None), "1 ≤ x ≤ 2");
    }
}
