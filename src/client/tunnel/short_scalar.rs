//! OpenSSH writes the secret number of an ECDSA key without its leading zeros. The library that reads keys wants all 32 bytes of P-256:
//! of such keys it refuses one in 512. Here the zeros are put back, where no passphrase hides them.
//! The format: OpenSSH, PROTOCOL.key; its numbers: RFC 4251, section 5.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KIND: &[u8] = b"ecdsa-sha2-nistp256";
/// Bytes of the secret number when it is whole.
const WHOLE: usize = 32;
/// What an unencrypted key is filled up to a multiple of.
const BLOCK: usize = 8;

/// The key with its zeros. Nothing where that is not what ails it.
pub(super) fn lengthen(text: &str) -> Option<Zeroizing<String>> {
    let inner = text.split_once(BEGIN)?.1.split_once(END)?.0;
    let letters: Zeroizing<String> = Zeroizing::new(inner.split_whitespace().collect());
    let bytes = Zeroizing::new(STANDARD.decode(letters.as_bytes()).ok()?);
    let mut rest = bytes.strip_prefix(MAGIC)?;
    if take(&mut rest)? != b"none" {
        return None;
    }
    // How the passphrase is used, which there is none of; one key; its public half.
    let (_, _) = (take(&mut rest)?, take(&mut rest)?);
    let (_, after) = rest.split_at_checked(4)?;
    rest = after;
    take(&mut rest)?;
    let head = &bytes[..bytes.len() - rest.len()];
    let secret = lengthen_secret(take(&mut rest)?)?;
    let whole = Zeroizing::new([head, &length(secret.len())?, &secret].concat());
    Some(Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", *Zeroizing::new(STANDARD.encode(&*whole)))))
}

/// Two equal check words, the kind, the curve, the public point, the secret number, the comment, and what fills the block.
fn lengthen_secret(secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (_, mut rest) = secret.split_at_checked(8)?;
    if take(&mut rest)? != KIND {
        return None;
    }
    let (_, _) = (take(&mut rest)?, take(&mut rest)?);
    let head = &secret[..secret.len() - rest.len()];
    let number = take(&mut rest)?;
    let missing = WHOLE.checked_sub(number.len()).filter(|missing| *missing > 0)?;
    let comment = take(&mut rest)?;
    let zeros = [0; WHOLE];
    let mut whole = Zeroizing::new([head, &length(WHOLE)?, &zeros[..missing], number, &length(comment.len())?, comment].concat());
    let room = whole.len().next_multiple_of(BLOCK) - whole.len();
    whole.extend((1..=BLOCK as u8).take(room));
    Some(whole)
}

/// The next field: its length in four bytes, and itself.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

fn length(bytes: usize) -> Option<[u8; 4]> {
    Some(u32::try_from(bytes).ok()?.to_be_bytes())
}
