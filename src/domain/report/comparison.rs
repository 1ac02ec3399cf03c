//! How measured values are judged against their limits.

/// How a value is compared with its limits: the `compOp` of the wire.
/// One-sided comparisons, LT and LE too, carry their limit in `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    Log,
    Eq,
    /// Equal within a tolerance that the report does not tell: it cannot be judged from here.
    EqTolerance,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Inside two limits; the two letters tell which end belongs.
    GtLt,
    GtLe,
    GeLt,
    GeLe,
    /// Outside two limits.
    LtGt,
    LtGe,
    LeGt,
    LeGe,
    CaseSensitive,
    IgnoreCase,
}

impl Comparison {
    /// From the word on the wire, upper or lower case. `None` for a word nobody has heard of.
    pub fn parse(word: &str) -> Option<Comparison> {
        use Comparison::*;
        const WORDS: [(&str, Comparison); 18] = [
            ("LOG", Log),
            ("EQ", Eq),
            ("EQT", EqTolerance),
            ("NE", Ne),
            ("LT", Lt),
            ("LE", Le),
            ("GT", Gt),
            ("GE", Ge),
            ("GTLT", GtLt),
            ("GTLE", GtLe),
            ("GELT", GeLt),
            ("GELE", GeLe),
            ("LTGT", LtGt),
            ("LTGE", LtGe),
            ("LEGT", LeGt),
            ("LEGE", LeGe),
            ("CASESENSIT", CaseSensitive),
            ("IGNORECASE", IgnoreCase),
        ];
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, comparison)| *comparison)
    }

    /// Whether `value` passes. `None` where that cannot be told: no judging comparison, a limit missing, or NaN in it.
    pub fn judge(self, value: f64, low: Option<f64>, high: Option<f64>) -> Option<bool> {
        use Comparison::*;
        let limit = low.filter(|limit| !limit.is_nan() && !value.is_nan());
        let pair = limit.zip(high.filter(|limit| !limit.is_nan()));
        match self {
            Log | EqTolerance | CaseSensitive | IgnoreCase => None,
            Eq => limit.map(|l| value == l),
            Ne => limit.map(|l| value != l),
            Lt => limit.map(|l| value < l),
            Le => limit.map(|l| value <= l),
            Gt => limit.map(|l| value > l),
            Ge => limit.map(|l| value >= l),
            GtLt => pair.map(|(l, h)| value > l && value < h),
            GtLe => pair.map(|(l, h)| value > l && value <= h),
            GeLt => pair.map(|(l, h)| value >= l && value < h),
            GeLe => pair.map(|(l, h)| value >= l && value <= h),
            LtGt => pair.map(|(l, h)| value < l || value > h),
            LtGe => pair.map(|(l, h)| value < l || value >= h),
            LeGt => pair.map(|(l, h)| value <= l || value > h),
            LeGe => pair.map(|(l, h)| value <= l || value >= h),
        }
    }

    /// Whether a text passes against `expected`. `None` for comparisons of numbers.
    pub fn judge_text(self, value: &str, expected: &str) -> Option<bool> {
        match self {
            Comparison::CaseSensitive | Comparison::Eq => Some(value == expected),
            Comparison::Ne => Some(value != expected),
            Comparison::IgnoreCase => Some(value.to_lowercase() == expected.to_lowercase()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(word: &str, value: f64, low: f64, high: Option<f64>) -> Option<bool> {
        Comparison::parse(word).unwrap().judge(value, Some(low), high)
    }

    #[test]
    fn one_sided_limits_stand_in_low_whichever_way_they_point() {
        assert_eq!(judge("LT", 4.0, 20.0, None), Some(true));
        assert_eq!(judge("le", 20.0, 20.0, None), Some(true));
        assert_eq!(judge("LT", 20.0, 20.0, None), Some(false));
        assert_eq!(judge("GT", 20.0, 20.0, None), Some(false));
        assert_eq!(judge("Ge", 20.0, 20.0, Some(1.0)), Some(true));
        assert_eq!(Comparison::Lt.judge(4.0, None, Some(20.0)), None);
    }

    #[test]
    fn two_limits_hold_the_inside_or_the_outside() {
        for (word, at_low, between, at_high) in [
            ("GTLT", false, true, false),
            ("GTLE", false, true, true),
            ("GELT", true, true, false),
            ("GELE", true, true, true),
            ("LTGT", false, false, false),
            ("LTGE", false, false, true),
            ("LEGT", true, false, false),
            ("LEGE", true, false, true),
        ] {
            let at = |value| judge(word, value, 1.0, Some(2.0));
            assert_eq!((at(1.0), at(1.5), at(2.0)), (Some(at_low), Some(between), Some(at_high)), "{word}");
        }
        assert_eq!(judge("LEGE", 500.0, 500.0, Some(500.0)), Some(true));
        assert_eq!(judge("GELE", f64::NAN, 1.0, Some(2.0)), None);
    }

    #[test]
    fn texts_are_compared_with_and_without_case() {
        assert_eq!(Comparison::parse("IgnoreCase").unwrap().judge_text("ŁÓDŹ", "łódź"), Some(true));
        assert_eq!(Comparison::CaseSensitive.judge_text("a", "A"), Some(false));
        assert_eq!(Comparison::GeLe.judge_text("a", "a"), None);
    }
}
