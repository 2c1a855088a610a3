//! What lies in the daemon's own namespace: the Lease; approvals, which are read one by one; and the
//! list of what is held, of which only the label is read.

use super::{Batch, Seen, Sight};
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::held_list;
use crate::plan::observed::{Approval, Record};

impl Sight {
    /// Whether an object says that it is one.
    pub(super) fn is_approval(&self, key: &ObjectKey, seen: &Seen) -> bool {
        key.kind == Kind::ConfigMap
            && key.namespace.as_deref() == Some(self.namespace.as_str())
            && seen.meta.label(marks::APPROVAL) == Some("true")
            && seen.meta.label(marks::SOLUTION).is_none()
    }

    /// Whether an object is the list of what is held.
    pub(super) fn is_held_list(&self, key: &ObjectKey) -> bool {
        key.kind == Kind::ConfigMap
            && key.namespace.as_deref() == Some(self.namespace.as_str())
            && key.name == held_list(&self.instance)
    }

    /// What the list of what is held says: the first digits of a plan's hash. `None`: no list.
    pub fn posted(&self) -> Option<&str> {
        self.posted.as_deref()
    }

    /// The list of what is held says this now, or is gone.
    pub fn post(&mut self, list: Option<String>) {
        self.posted = list;
    }

    /// An approval was read; `None` = it is gone, or is not one. One that was taken away while it
    /// was being read approves nothing.
    pub fn approval(&mut self, name: String, approval: Option<Approval>, batch: &mut Batch) {
        let changed = match approval {
            Some(approval) if self.offered.contains(&name) => {
                self.observed.approvals.insert(name, approval.clone()) != Some(approval)
            }
            Some(_) | None => self.observed.approvals.remove(&name).is_some(),
        };
        batch.approvals |= changed;
    }

    /// The Lease was read, as of this version; `None`: there is none.
    pub fn record(&mut self, record: Record, version: Option<&str>, batch: &mut Batch) {
        self.versions.lease(version);
        self.observed.record = record;
        batch.record = true;
    }

    /// The Lease was written, and has this version now.
    pub fn recorded(&mut self, record: Record, version: &str) {
        self.versions.lease(Some(version));
        self.observed.record = record;
    }
}
