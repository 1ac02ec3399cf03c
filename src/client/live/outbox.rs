//! What was said and is not on the server yet. Ids are ours, so what is sent twice is said once.

use std::collections::VecDeque;

use uuid::Uuid;

/// Messages that may wait for the server.
const WAITING: usize = 200;

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    pub id: Uuid,
    /// `line` or `station:NAME`.
    pub room: String,
    pub content: String,
    /// Whether it is for the next shift.
    pub note: bool,
}

/// What the conversation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Say(Unsent),
    /// Never to be sent, or never again: what is on its way already may arrive.
    Withdraw(Uuid),
}

/// Waiting messages, oldest first. They stay until the server has acknowledged them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Unsent, bool)>,
}

impl Outbox {
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn take(&mut self, order: Order) {
        match order {
            Order::Say(unsent) => self.waiting.push_back((unsent, false)),
            Order::Withdraw(id) => self.waiting.retain(|(unsent, _)| unsent.id != id),
        }
    }

    /// The next one that was not sent on this connection. It counts as sent from now on.
    pub(super) fn next(&mut self) -> Option<Unsent> {
        let (unsent, sent) = self.waiting.iter_mut().find(|(_, sent)| !*sent)?;
        *sent = true;
        Some(unsent.clone())
    }

    /// Another connection: everything is sent again.
    pub(super) fn rewind(&mut self) {
        self.waiting.iter_mut().for_each(|(_, sent)| *sent = false);
    }

    /// The server has it, or will never take it.
    pub(super) fn remove(&mut self, id: Option<&str>) -> Option<Uuid> {
        let place = self.waiting.iter().position(|(unsent, _)| Some(unsent.id.to_string().as_str()) == id)?;
        self.waiting.remove(place).map(|(unsent, _)| unsent.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unsent(n: u128) -> Unsent {
        Unsent { id: Uuid::from_u128(n), room: "line".to_owned(), content: n.to_string(), note: false }
    }

    proptest! {
        #[test]
        fn everything_is_sent_in_order_on_each_connection_until_it_is_acknowledged(count in 1_u128..20, acknowledged in any::<u32>()) {
            let mut outbox = Outbox::default();
            (0..count).for_each(|n| outbox.take(Order::Say(unsent(n))));
            let first: Vec<Unsent> = std::iter::from_fn(|| outbox.next()).collect();
            prop_assert_eq!(first.len() as u128, count);
            let kept: Vec<Unsent> = first.into_iter().filter(|unsent| acknowledged >> unsent.id.as_u128() & 1 == 0).collect();
            for n in (0..count).filter(|n| acknowledged >> n & 1 == 1) {
                let id = Uuid::from_u128(n).to_string();
                prop_assert_eq!(outbox.remove(Some(&id)), Some(Uuid::from_u128(n)));
                prop_assert_eq!(outbox.remove(Some(&id)), None);
            }
            prop_assert_eq!(outbox.next(), None);
            outbox.rewind();
            prop_assert_eq!(std::iter::from_fn(|| outbox.next()).collect::<Vec<_>>(), kept);
        }
    }

    #[test]
    fn what_is_withdrawn_is_not_sent_any_more() {
        let mut outbox = Outbox::default();
        (0..3).for_each(|n| outbox.take(Order::Say(unsent(n))));
        assert_eq!(outbox.next(), Some(unsent(0)));
        outbox.take(Order::Withdraw(Uuid::from_u128(0)));
        outbox.take(Order::Withdraw(Uuid::from_u128(1)));
        outbox.rewind();
        assert_eq!((outbox.next(), outbox.next()), (Some(unsent(2)), None));
    }
}
