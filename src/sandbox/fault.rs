//! What can be made to go wrong, on request.

use std::collections::BTreeSet;
use std::time::Duration;

use super::kinds::Resource;
use super::refusal::Refusal;
use vitrine_core::model::Kind;

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
    /// Writes (not deletes) that an admission policy denies.
    pub denials: Vec<Denial>,
    /// The controllers remove no finalizers.
    pub stuck_finalizers: bool,
    /// Terminating namespaces stay.
    pub stuck_namespaces: bool,
    /// The API has no aggregated discovery (as servers before 1.30).
    pub old_discovery: bool,
}

/// What an admission policy denies, and how it says so.
#[derive(Clone, Debug)]
pub struct Denial {
    pub kind: Kind,
    /// Only in this namespace; everywhere if absent.
    pub namespace: Option<String>,
    /// 422 from a policy that gives no reason of its own, else 403.
    pub code: u16,
    /// `Invalid`, `Forbidden`.
    pub reason: &'static str,
    pub message: String,
}

impl Faults {
    /// The denial that a write meets.
    pub(super) fn denial(&self, resource: &Resource, namespace: &str) -> Option<Refusal> {
        let denial = self.denials.iter().find(|denial| {
            let facts = denial.kind.facts();
            let there = denial.namespace.as_deref();
            resource.is(facts.group, facts.plural) && there.is_none_or(|there| there == namespace)
        })?;
        Some(Refusal::denied(denial.code, denial.reason, &denial.message))
    }

    /// The fault that the next request meets, counted down.
    pub(super) fn meet(&mut self) -> Option<Refusal> {
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
