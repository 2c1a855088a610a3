//! Compares what the catalogue asks for with what is in the cluster.
//!
//! In: [`Outline`], [`Observed`]. Out: [`SolutionPlan`] per solution and one [`Hold`] for all.
//! Every deletion is decided here, where it can be tested without a cluster.

pub mod address;
pub mod approval;
pub(crate) mod brake;
mod deletion;
pub mod facts;
mod gate;
mod ground;
pub mod observed;
mod outline;
pub mod publish;
mod quota;
pub mod remove;
mod rollout;
mod route;
pub mod said;
pub mod setback;
mod solution_plan;
pub mod step;
mod verified;
pub mod verify;

pub use address::Address;
pub use approval::{HELD_DIGITS, Harm, held_list};
pub(crate) use brake::{BrakeSettings, brake, losers, opened};
pub use brake::{Hold, Tally, too_many_deletions};
pub use deletion::{deletions, is_routine};
pub use gate::Gate;
pub use ground::Ground;
pub use observed::{Live, Observed};
#[cfg(any(test, feature = "samples"))]
pub(crate) use outline::addresses;
pub use outline::{Form, Outline, urls_of};
pub use publish::publish;
pub use remove::remove;
pub use rollout::Turns;
pub(crate) use rollout::restarts;
pub(crate) use route::leads;
pub use setback::{Setback, Setbacks};
pub use solution_plan::{Planned, SolutionPlan, When};
pub use step::{Outcome, Rejection, Step, Why};
pub use verified::Verified;

use crate::catalog::Standing;
use crate::model::SolutionName;
pub use crate::render::{Desired, DesiredObject, Phase, Wave};

/// The plan for one name by what the catalogue says of it. `additions` as for [`remove()`].
pub fn of_name(
    name: &SolutionName,
    standing: Standing<&Outline>,
    additions: &[SolutionName],
    ground: &Ground<'_>,
) -> SolutionPlan {
    match standing {
        Standing::Published(outline) => publish(outline, ground),
        Standing::Frozen => SolutionPlan::default(),
        Standing::Gone => remove(name, additions, ground),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
