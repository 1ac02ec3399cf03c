//! What a password or a PIN is checked against on this PC: argon2id, with a salt of its own; and what a keeper of such works with.

use std::io;
use std::path::PathBuf;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::vault::Vault;
use crate::domain::InstanceId;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

const SALT: usize = 16;
const TAG: usize = 32;

/// How much work one check is. RFC 9106, section 4, "second recommended option", for machines without memory to spare:
/// argon2id with 3 passes, 4 lanes, 64 MiB, a salt of 128 bits and a tag of 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    pub(crate) const RECOMMENDED: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    #[cfg(test)]
    pub(crate) const SMALL: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    /// As much work as was asked for when the verifier was made, within what is sane to do.
    fn argon2(self) -> Option<Argon2<'static>> {
        let sane = self.memory_kib <= 4 * Cost::RECOMMENDED.memory_kib && self.passes <= 16 && self.lanes <= 16;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(TAG)).ok().filter(|_| sane)?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// What whoever keeps verifiers on disk works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) id: InstanceId,
    pub(crate) folder: PathBuf,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) cost: Cost,
}

/// A verifier. It is never written but sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verifier {
    #[serde(flatten)]
    cost: Cost,
    salt: String,
    tag: String,
}

impl Verifier {
    /// Takes a good part of a second, on purpose.
    pub(crate) fn of(password: &Secret, cost: Cost) -> io::Result<Verifier> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
        let tag = tag(password, &salt, cost).ok_or_else(|| io::Error::other("the password could not be hashed"))?;
        Ok(Verifier { cost, salt: STANDARD_NO_PAD.encode(salt), tag: STANDARD_NO_PAD.encode(tag.as_slice()) })
    }

    /// As slow as making it. What cannot be read fits no password.
    pub(crate) fn fits(&self, password: &Secret) -> bool {
        let salt = STANDARD_NO_PAD.decode(&self.salt).unwrap_or_default();
        let found = tag(password, &salt, self.cost).map(|tag| Secret::new(STANDARD_NO_PAD.encode(tag.as_slice())));
        found.is_some_and(|found| found == Secret::new(self.tag.clone()))
    }
}

fn tag(password: &Secret, salt: &[u8], cost: Cost) -> Option<Zeroizing<[u8; TAG]>> {
    let mut tag = Zeroizing::new([0; TAG]);
    cost.argon2()?.hash_password_into(password.expose().as_bytes(), salt, tag.as_mut()).ok()?;
    Some(tag)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The tools of the instance "eol" in this folder, with a keyring in memory, and hashes that are quick.
    pub(crate) fn tools_in(folder: &std::path::Path, clock: Clock) -> Tools {
        let (id, vault) = (InstanceId::parse("eol").unwrap(), crate::client::vault::tests::vault_on("m1"));
        Tools { id, folder: folder.to_owned(), vault, clock, cost: Cost::SMALL }
    }

    #[test]
    fn a_verifier_fits_its_password_alone_and_never_looks_the_same_twice() {
        let (one, other) = (Secret::new("correct horse"), Secret::new("correct horsf"));
        let verifier = Verifier::of(&one, Cost::SMALL).unwrap();
        assert!(verifier.fits(&one) && !verifier.fits(&other) && !verifier.fits(&Secret::default()));
        assert_ne!(verifier, Verifier::of(&one, Cost::SMALL).unwrap());
        assert!(!Verifier { tag: String::new(), ..verifier.clone() }.fits(&one));
        assert!(!Verifier { cost: Cost { memory_kib: u32::MAX, ..Cost::SMALL }, ..verifier }.fits(&one), "nor does it fill the memory");
    }

    /// The vector for argon2id in RFC 9106, section 5.3, needs a secret and associated data; this one is of the reference
    /// implementation's own tests (`hashtest(version, 2, 16, 1, "password", "somesalt", …, Argon2_id)`).
    #[test]
    fn the_hash_is_argon2id() {
        let tag = tag(&Secret::new("password"), b"somesalt", Cost { memory_kib: 65_536, passes: 2, lanes: 1 }).unwrap();
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }
}
