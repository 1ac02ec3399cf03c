//! Reports that other servers stored and did not tell of. Usually their own word comes at once; where it is lost, or there is no way
//! for it, followers hear of them by this server's look at the database.

use std::collections::HashSet;

use uuid::Uuid;

/// Most reports that are remembered. Whoever missed more sees it in the numbers.
const MOST: usize = 1000;

/// Found in the database, and not told yet.
#[derive(Default)]
pub(super) struct Untold {
    found: HashSet<Uuid>,
    /// Found before the last look: nobody tells of them any more.
    due: HashSet<Uuid>,
}

impl Untold {
    pub(super) fn find(&mut self, ids: Vec<Uuid>) {
        let room = MOST.saturating_sub(self.found.len());
        self.found.extend(ids.into_iter().take(room));
    }

    /// Their own server told of them.
    pub(super) fn told<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        for id in ids.filter_map(|id| Uuid::parse_str(id).ok()) {
            self.found.remove(&id);
            self.due.remove(&id);
        }
    }

    /// Those that were found before the last time this was asked, and nobody told of since.
    pub(super) fn take_due(&mut self) -> Vec<Uuid> {
        let due = std::mem::replace(&mut self.due, std::mem::take(&mut self.found));
        due.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_tells_of_is_due_at_the_second_look_and_only_once() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let mut untold = Untold::default();
        untold.find(ids.clone());
        untold.told([ids[0].to_string().as_str(), "odd"].into_iter());
        assert!(untold.take_due().is_empty());
        untold.told([ids[1].to_string().as_str()].into_iter());
        assert_eq!(untold.take_due(), [ids[2]]);
        assert!(untold.take_due().is_empty());
    }
}
