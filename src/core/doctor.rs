//! Is this cluster ready for a platform? What is missing or dangerous, and what mends it.
//!
//! In: [`Facts`] and the [`Patient`]. Out: [`Examination`]: a [`Finding`] for everything that could
//! be judged, and the questions whose answers are not among the facts yet. Whoever asks brings them
//! and examines again, until no question is open; so what is asked and what is judged cannot
//! disagree. Only what the platform uses is asked for. Secrets never are.

mod command;
mod edge;
mod finding;
mod gateway;
mod kinds;
mod nodes;
mod partner;
mod rights;
mod tally;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
mod visit;
mod wake;

use crate::plan::facts::Facts;
pub use finding::{Demand, Examination, Finding, Grade, Patient};
pub use gateway::gateway_fault;
pub use nodes::machines;
pub use partner::may_stop;
pub use rights::{optional, rights};
pub use tally::{answer, demand, lines, summary};
use visit::Visit;

/// Judges everything that the facts tell.
pub fn examine(patient: &Patient<'_>, facts: &Facts) -> Examination {
    let mut visit = Visit { patient, facts, found: Examination::default() };
    kinds::version(&mut visit);
    kinds::kinds(&mut visit);
    edge::edge(&mut visit);
    wake::activation(&mut visit);
    wake::mesh(&mut visit);
    wake::monitoring(&mut visit);
    nodes::nodes(&mut visit);
    visit.namespace(patient.namespace, "kubectl apply -f deploy/rbac.yaml");
    if patient.rights {
        rights::review(&mut visit);
    }
    visit.found
}
