//! The Lease: when it is read, what is written onto it, and when the reader of the repository may go.

use super::brake::Entry;
use super::desk::Errand;
use super::{Engine, Now, Order};
use crate::model::ClaimedName;
use crate::plan::observed::Record;

impl Engine {
    /// Sends the reader of the repository off, once it is known from where history counts.
    pub(super) fn send_reader(&mut self, orders: &mut Vec<Order>) {
        let troubled = !self.sight.problems.is_empty();
        if let Some(since) = self.brake.sends_reader(&self.sight.observed.record, troubled) {
            for name in self.brake.begun() {
                self.ledger.doubts.add(ClaimedName::from(name));
            }
            orders.push(Order::Follow(since));
        }
    }

    /// The Lease is read and written one after the other: an answer of before would look like a
    /// step back.
    fn is_lease_busy(&self) -> bool {
        self.desk.any(|errand| matches!(errand, Errand::Record { .. } | Errand::Lease))
    }

    pub(super) fn read_lease(&mut self, now: Now, orders: &mut Vec<Order>) {
        self.reread |= self.sight.reads_lease();
        // Before it was read at all, somebody is at it.
        let unread = self.sight.observed.record == Record::Unread;
        if self.reread && !unread && !self.is_lease_busy() {
            self.reread = false;
            let id = self.send(Errand::Lease, now);
            orders.push(Order::Lease { id });
        }
    }

    /// Writes onto the Lease what it has to know.
    pub(super) fn record(&mut self, now: Now, orders: &mut Vec<Order>) {
        let Some(revision) = self.book.revision().cloned() else { return };
        if self.is_lease_busy() {
            return;
        }
        let complete = self.brake.is_completely_applied(self.is_sound(), &revision);
        let steady = self.steady.at(now);
        let Some(entry) = self.brake.entry(&revision, complete, now.wall, steady) else { return };
        let Entry { applied, complete, removals } = entry;
        let errand =
            Errand::Record { applied: applied.clone(), complete, removals: removals.clone() };
        let id = self.send(errand, now);
        let root = self.settings.repository.path.clone();
        orders.push(Order::Record { id, applied, root, removals });
    }

    /// Whether what the brake counts is all there is. A faulty platform freezes everything: that
    /// nothing is to be deleted then says nothing.
    fn is_sound(&self) -> bool {
        self.book.catalog().is_some_and(|c| c.platform.is_ok())
            && self.book.heard
            && self.book.is_complete()
            && self.book.unknown.is_none()
            && self.dirty.is_empty()
            && self.sight.knows_every_kind()
    }
}
