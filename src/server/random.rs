//! Random bytes from the operating system, and the texts made of them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::support::secret::Secret;

/// The operating system gave no random bytes. Nothing secret can be made then.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandom(getrandom::Error);

fn bytes<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandom)?;
    Ok(bytes)
}

/// A number from 0 to 1, for waits that should not be in step. Without random bytes it is one half.
pub(super) fn fraction() -> f64 {
    bytes::<4>().map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// A refresh token: 264 random bits.
pub(super) fn refresh_token() -> Result<String, NoRandom> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<33>()?))
}

/// A station token: 264 random bits, shaped as Basic credentials, because clients of a WATS server send it verbatim after "Basic"
/// and proxies between may want to decode it. 64 letters and digits.
pub(super) fn station_token() -> Result<String, NoRandom> {
    Ok(STANDARD.encode(format!("stn:{}", URL_SAFE_NO_PAD.encode(bytes::<33>()?))))
}

/// A code for a mail: six digits, each of the million codes as likely as the others.
pub(super) fn six_digits() -> Result<Secret, NoRandom> {
    const CODES: u32 = 1_000_000;
    // Numbers beyond the last whole million are drawn again, else the first codes would come up more often.
    loop {
        let number = u32::from_le_bytes(bytes()?);
        if number < u32::MAX - u32::MAX % CODES {
            return Ok(Secret::new(format!("{:06}", number % CODES)));
        }
    }
}

/// From 0 to 1, for waits that should not fall together. Not for secrets.
pub(super) fn chance() -> f64 {
    bytes().map_or(0.5, |drawn| f64::from(u32::from_le_bytes(drawn)) / f64::from(u32::MAX))
}

/// What the database keeps of a token: SHA-256 in hexadecimal. A token is random enough to need no salt.
pub(super) fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_token_is_64_letters_and_digits_and_never_the_same() {
        let tokens: Vec<String> = (0..200).map(|_| station_token().unwrap()).collect();
        assert!(tokens.iter().all(|token| token.len() == 64 && token.chars().all(|c| c.is_ascii_alphanumeric())), "{tokens:?}");
        assert_eq!(tokens.iter().collect::<std::collections::HashSet<_>>().len(), 200);
    }

    #[test]
    fn codes_are_six_digits_and_spread_over_all_of_them() {
        let codes: Vec<u32> = (0..6000)
            .map(|_| {
                let code = six_digits().unwrap();
                assert!(code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()), "{}", code.expose());
                code.expose().parse().unwrap()
            })
            .collect();
        // Sixty buckets of a hundred on average: a fair draw strays past 50 or 160 less than once in a million runs.
        for bucket in 0..60 {
            let hits = codes.iter().filter(|code| **code * 60 / 1_000_000 == bucket).count();
            assert!((50..160).contains(&hits), "{hits} of 6000 codes in bucket {bucket}");
        }
    }

    #[test]
    fn a_digest_is_sha_256() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
