//! What a DELETE took, until the watch says so too: a late event must not bring it back.

use std::collections::{HashMap, HashSet};

use crate::model::{Kind, ObjectKey, Uid};

/// The objects that are known to be gone though their watch may still show them.
#[derive(Debug, Default)]
pub(super) struct Graves(HashMap<ObjectKey, Grave>);

#[derive(Debug)]
struct Grave {
    uid: Uid,
    /// Whether the list that is under way began after it was known.
    closed: bool,
}

impl Graves {
    /// An object is gone.
    pub fn bury(&mut self, key: ObjectKey, uid: Uid) {
        self.0.insert(key, Grave { uid, closed: false });
    }

    /// A list of a kind begins: what is known to be gone, it cannot show.
    pub fn list(&mut self, kind: Kind) {
        let of_kind = self.0.iter_mut().filter(|(key, _)| key.kind == kind);
        of_kind.for_each(|(_, grave)| grave.closed = true);
    }

    /// Whether an object is the one that is gone.
    pub fn holds(&self, key: &ObjectKey, uid: &Uid) -> bool {
        self.0.get(key).is_some_and(|grave| grave.uid == *uid)
    }

    /// Whether it was known to be gone before the list that shows it began.
    pub fn is_closed(&self, key: &ObjectKey) -> bool {
        self.0.get(key).is_some_and(|grave| grave.closed)
    }

    /// Forgets an object that is gone, if it is this one.
    pub fn forget(&mut self, key: &ObjectKey, uid: &Uid) -> bool {
        let holds = self.holds(key, uid);
        if holds {
            self.0.remove(key);
        }
        holds
    }

    /// Something is there again by this name.
    pub fn open(&mut self, key: &ObjectKey) {
        self.0.remove(key);
    }

    /// Forgets what a list of a kind did not show.
    pub fn listed(&mut self, kind: Kind, came: &HashSet<ObjectKey>) {
        self.0.retain(|key, _| key.kind != kind || came.contains(key));
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
