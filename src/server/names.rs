//! When two user names are one, and when they only look so. People read names, so nobody may pass for somebody else by another way to
//! write the same letters, or by letters of another script. E-mail addresses are not treated like that: mail tells `ß` from `ss`.

use unicode_normalization::UnicodeNormalization;
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::AugmentedScriptSet;

use crate::domain::credentials::{CredentialError, check_user_name};

/// What user names are compared by: without regard to case and to how letters are composed (Unicode NFKC). Upper case first, so that
/// `ß` and `ss` are one, as Unicode's full case folding has it.
pub(super) fn name_key(name: &str) -> String {
    let plain: String = name.trim().nfkc().collect();
    plain.to_uppercase().to_lowercase().nfkc().collect()
}

/// What names that look alike have in common: the skeleton of Unicode's technical standard 39.
pub(super) fn look_key(name: &str) -> String {
    skeleton(&name_key(name)).collect()
}

/// Checks a user name for a new account: as [`check_user_name`], and that its letters are of one script.
pub(super) fn check_new_name(name: &str) -> Result<(), CredentialError> {
    check_user_name(name)?;
    if mixes_scripts(name) { Err(CredentialError::UserNameScripts) } else { Ok(()) }
}

/// Latin letters stand beside those of East Asia everywhere, and none of them look alike.
fn mixes_scripts(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphabetic()).collect();
    if letters.is_single_script() {
        return false;
    }
    let latin = AugmentedScriptSet::for_char('a');
    let others: String = letters.chars().filter(|c| AugmentedScriptSet::for_char(*c) != latin).collect();
    let set = AugmentedScriptSet::for_str(&others);
    !(set.hanb || set.jpan || set.kore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_however_it_is_written() {
        let same = [
            ("ŻÓŁW", "żółw"),
            ("z\u{307}o\u{301}łw", "żółw"),
            ("Bjørn", "BJØRN"),
            ("Ａｎｎａ", "anna"),
            ("ﬁona", "Fiona"),
            ("Weiß", "WEISS"),
            ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
            (" anna ", "Anna"),
        ];
        for (one, other) in same {
            assert_eq!(name_key(one), name_key(other), "{one} {other}");
        }
    }

    #[test]
    fn letters_of_our_languages_are_others_than_those_without_their_marks() {
        for (one, other) in
            [("żółw", "zolw"), ("Łukasz", "Lukasz"), ("Müller", "Muller"), ("Møller", "Moller"), ("Åse", "Ase"), ("op0", "opo")]
        {
            assert_ne!(name_key(one), name_key(other));
            assert_ne!(look_key(one), look_key(other), "{one} {other}");
        }
    }

    #[test]
    fn what_looks_alike_has_one_look() {
        // All Cyrillic; a digit for a letter; two letters for one.
        for (one, other) in [("сосо", "coco"), ("anna1", "annal"), ("rn.nowak", "m.nowak")] {
            assert_ne!(name_key(one), name_key(other));
            assert_eq!(look_key(one), look_key(other), "{one} {other}");
        }
    }

    #[test]
    fn letters_of_two_scripts_make_no_name_but_where_people_write_so() {
        for good in ["m.nowak", "żółw", "Zoë 🔧", "<b>x</b>", "'; --", "Анна", "张三丰", "Anna 张", "ユーザー3", "Jan_2"]
        {
            assert_eq!(check_new_name(good), Ok(()), "{good}");
        }
        for bad in ["аnna", "Αnna", "张аn", "anna м."] {
            assert_eq!(check_new_name(bad), Err(CredentialError::UserNameScripts), "{bad}");
        }
    }
}
