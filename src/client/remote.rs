//! A value fetched from elsewhere, and the last one known while a new one is on its way.

use std::sync::Arc;

use super::explain::Explanation;

/// Loading and failed keep the previous value: a display goes on showing what it knew.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Remote<T> {
    #[default]
    Idle,
    Loading(Option<Arc<T>>),
    Ready(Arc<T>),
    Failed(Explanation, Option<Arc<T>>),
}

impl<T> Remote<T> {
    /// The newest value known, fresh or not.
    pub fn value(&self) -> Option<&Arc<T>> {
        match self {
            Remote::Idle => None,
            Remote::Loading(value) | Remote::Failed(_, value) => value.as_ref(),
            Remote::Ready(value) => Some(value),
        }
    }

    pub fn error(&self) -> Option<&Explanation> {
        match self {
            Remote::Failed(error, _) => Some(error),
            _ => None,
        }
    }

    pub fn is_loading(&self) -> bool {
        matches!(self, Remote::Loading(_))
    }

    /// The state while the next value is fetched.
    pub fn reloading(&self) -> Remote<T> {
        Remote::Loading(self.value().cloned())
    }

    /// The state after a fetch ended.
    pub fn settled(&self, result: Result<T, Explanation>) -> Remote<T> {
        match result {
            Ok(value) => Remote::Ready(Arc::new(value)),
            Err(error) => Remote::Failed(error, self.value().cloned()),
        }
    }
}
