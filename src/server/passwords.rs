//! bcrypt, off the async threads, a few at a time: a storm of logins waits for itself and for nobody else.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::domain::credentials::PASSWORD_MAX_BYTES;
use crate::support::secret::Secret;

/// Hashes that may wait for their turn; more are turned away at once.
const WAITING: usize = 200;

/// Hashes and checks passwords.
pub(super) struct Passwords {
    working: Arc<Semaphore>,
    waiting: Semaphore,
    cost: u32,
    width: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting already.
    #[error("too many sign-ins at once")]
    Busy,
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

impl Passwords {
    pub(super) fn new(cost: u32) -> Passwords {
        let width = (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        Passwords { working: Arc::new(Semaphore::new(width)), waiting: Semaphore::new(WAITING), cost, width }
    }

    pub(super) async fn hash(&self, password: &Secret) -> Result<String, PasswordError> {
        let (password, cost) = (password.clone(), self.cost);
        self.run(move || bcrypt::non_truncating_hash(password.expose(), cost).map_err(|error| PasswordError::Failed(error.to_string())))
            .await?
    }

    /// How many hashes are worked on at a time.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Whether a hash was made at the cost of now.
    pub(super) fn is_current(&self, hash: &str) -> bool {
        hash.split('$').nth(2).and_then(|cost| cost.parse().ok()) == Some(self.cost)
    }

    /// Whether `password` is the one of `hash`. Without a hash it takes as long, and is wrong.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<String>) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        // Well formed, and no password's.
        let hash = hash.unwrap_or_else(|| format!("$2b${:02}${}", self.cost, ".".repeat(53)));
        let password = password.clone();
        let fits = password.expose().len() <= PASSWORD_MAX_BYTES;
        let same = self.run(move || bcrypt::verify(password.expose(), &hash).unwrap_or(false)).await?;
        Ok(same && known && fits)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = self.working.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        // The work goes on when its caller hangs up, so it keeps its turn.
        let work = move || {
            let _turn = turn;
            work()
        };
        spawn_blocking(work).await.map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_only_its_own_hash() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash(&Secret::new("zażółć gęślą")).await.unwrap();
        assert!(passwords.verify(&Secret::new("zażółć gęślą"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&Secret::new("zazolc gesla"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_after_the_seventy_second_byte_is_ignored() {
        let passwords = Passwords::new(4);
        let long = "x".repeat(PASSWORD_MAX_BYTES);
        assert!(passwords.hash(&Secret::new(format!("{long}y"))).await.is_err());
        let hash = bcrypt::hash(&long, 4).unwrap();
        assert!(passwords.verify(&Secret::new(long.clone()), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&Secret::new(format!("{long}y")), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn the_hash_of_nobody_is_worked_through_and_never_matches() {
        let nobody = format!("$2b$04${}", ".".repeat(53));
        assert!(matches!(bcrypt::verify("anything", &nobody), Ok(false)), "it must be well formed, else it would answer at once");
        assert!(!Passwords::new(4).verify(&Secret::new("anything"), None).await.unwrap());
    }
}
