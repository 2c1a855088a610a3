//! Approvals: ConfigMaps in the daemon's own namespace, which are read one by one.

use super::{Batch, Seen, Sight};
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::observed::Approval;

impl Sight {
    /// Whether an object says that it is one.
    pub(super) fn is_approval(&self, key: &ObjectKey, seen: &Seen) -> bool {
        key.kind == Kind::ConfigMap
            && key.namespace.as_deref() == Some(self.namespace.as_str())
            && seen.meta.label(marks::APPROVAL) == Some("true")
            && seen.meta.label(marks::SOLUTION).is_none()
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
}
