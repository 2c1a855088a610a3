//! What can be made to go wrong, on request.

use std::collections::BTreeSet;
use std::time::Duration;

use super::refusal::Refusal;
use crate::model::Kind;

/// The faults in force. Everything off by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Before every answer.
    pub latency: Duration,
    /// The next so many requests (watches too) get a 429 with this `Retry-After`, in seconds.
    pub too_many: (u32, u32),
    /// The next so many requests get a 500.
    pub internal: u32,
    /// The next so many requests are carried out, but their answers are lost.
    pub lost_answers: u32,
    /// Every connection is refused.
    pub down: bool,
    /// Deletes of these kinds get a 403.
    pub no_deletes: BTreeSet<Kind>,
    /// Writes (not deletes) of these kinds get a 403.
    pub no_writes: BTreeSet<Kind>,
    /// The controllers remove no finalizers.
    pub stuck_finalizers: bool,
    /// Terminating namespaces stay.
    pub stuck_namespaces: bool,
    /// The API has no aggregated discovery (as servers before 1.30).
    pub old_discovery: bool,
}

impl Faults {
    /// The fault that the next request meets, counted down.
    pub fn next(&mut self) -> Option<Refusal> {
        if self.too_many.0 > 0 {
            self.too_many.0 -= 1;
            return Some(Refusal::too_many_requests(self.too_many.1));
        }
        if self.internal > 0 {
            self.internal -= 1;
            return Some(Refusal::internal());
        }
        None
    }
}
