//! One line a thing that happened, for whoever reads the log.

use vitrine_core::engine::Happened;
use vitrine_core::plan::{Outcome, Step, Why};
use vitrine_core::status::Sync;

/// Writes the line.
pub(super) fn line(happened: &Happened) {
    match happened {
        Happened::Read { revision, folders } => {
            tracing::info!(revision = revision.short(), folders, "read");
        }
        Happened::Platform(fault) => tracing::warn!("{fault}"),
        Happened::Unreadable { cause, again: false } => {
            tracing::warn!("the repository cannot be read: {cause}");
        }
        Happened::Unreadable { cause, again: true } => {
            tracing::debug!("the repository cannot be read: {cause}");
        }
        Happened::Readable { since } => tracing::info!(%since, "the repository can be read again"),
        Happened::FromMirror { revision, cause } => tracing::warn!(
            revision = revision.short(),
            "the repository cannot be read, going on from the mirror: {cause}"
        ),
        Happened::Trouble { what, problem: Some(problem) } => tracing::warn!(what, "{problem}"),
        Happened::Trouble { what, problem: None } => tracing::info!(what, "can be read again"),
        Happened::Silent { cause } => tracing::warn!("the cluster cannot be read: {cause}"),
        Happened::Answers { since } => tracing::info!(%since, "the cluster can be read again"),
        Happened::Lease(Some(cause)) => tracing::warn!("the Lease could not be written: {cause}"),
        Happened::Lease(None) => tracing::info!("the Lease can be written again"),
        Happened::Notes(Some(cause)) => tracing::warn!("the notes could not be written: {cause}"),
        Happened::Forge(Some(cause)) => {
            tracing::warn!("the statuses of commits could not be written: {cause}");
        }
        Happened::Forge(None) => tracing::info!("the statuses of commits can be written again"),
        Happened::Notes(None) => tracing::info!("the notes can be written again"),
        Happened::Pulls(Some(cause)) => tracing::warn!("pull requests cannot be told: {cause}"),
        Happened::Unseen { pull, why } => tracing::warn!(pull, "of a pull request {why}"),
        Happened::Pulls(None) => tracing::info!("pull requests can be told again"),
        Happened::Posting(Some(cause)) => {
            tracing::warn!("the list of what is held could not be written: {cause}");
        }
        Happened::Posting(None) => tracing::info!("the list of what is held can be written again"),
        Happened::Held(Some((hash, reason))) => {
            tracing::warn!(hash = hash.first(12), "deletions are held: {reason}");
        }
        Happened::Held(None) => tracing::info!("no deletion is held any more"),
        Happened::Removing(solution) => {
            tracing::info!(solution = solution.as_str(), "removing: its folder is gone");
        }
        Happened::Moving(solution) => {
            tracing::info!(solution = solution.as_str(), "moving: it is opened elsewhere now");
        }
        Happened::Removed(solution, gone) => {
            tracing::info!(solution = solution.as_str(), "{}", gone.words(usize::MAX));
        }
        Happened::Step { solution, step, outcome, news } => {
            of_step(solution.as_str(), step, outcome, *news);
        }
        Happened::Finding(finding) => tracing::warn!("platform: {}", finding.line()),
        Happened::Mended(finding) => tracing::info!("platform: fine now: {}", finding.subject),
        Happened::Verdict(change) => {
            let health = change.to.health.map(|health| format!("{health:?}"));
            let (solution, sync) = (change.name.as_str(), change.to.sync);
            let (reason, next, cause) = (&change.reason, &change.next, change.to.cause.as_str());
            match sync {
                Sync::Failed | Sync::Blocked => {
                    tracing::warn!(solution, ?sync, health, cause, "{reason}; {next}");
                }
                Sync::Synced
                | Sync::Progressing
                | Sync::OutOfSync
                | Sync::Removing
                | Sync::Unknown => tracing::info!(solution, ?sync, health, cause, "{reason}"),
            }
        }
        Happened::Backwards(kind) => {
            tracing::warn!(%kind, "the API server's versions went backwards; listing again");
        }
        Happened::Differed { kind, objects } => tracing::warn!(
            %kind,
            objects,
            "the daily list was not what the watch had said; it is taken in"
        ),
        Happened::Lost(what) => tracing::error!("{what} was lost; it is tried again"),
    }
}

/// One line a step; a refusal that is no `news` was told before.
fn of_step(solution: &str, step: &Step, outcome: &Outcome, news: bool) {
    let key = step.key();
    match outcome {
        Outcome::Applied { created: true } => tracing::info!(solution, %key, "created"),
        Outcome::Applied { created: false } => match step {
            Step::Apply { why: Why::Repair { fields, manager }, .. } => {
                tracing::info!(solution, %key, fields = fields.join(" "), manager, "repaired");
            }
            Step::ForceActivation { on, .. } => {
                tracing::info!(solution, %key, on, "woken to be verified");
            }
            Step::Nudge { .. } => tracing::debug!(solution, %key, "KEDA was nudged"),
            Step::Verified { result, .. } => tracing::info!(solution, %key, ?result, "verified"),
            Step::Apply { .. }
            | Step::Birth { .. }
            | Step::Handover { .. }
            | Step::Delete { .. }
            | Step::Survey { .. } => tracing::info!(solution, %key, "applied"),
        },
        Outcome::Deleted => tracing::info!(solution, %key, "deleted"),
        Outcome::Gone | Outcome::Surveyed => tracing::debug!(solution, %key, ?outcome, "done"),
        Outcome::Changed => tracing::debug!(solution, %key, "changed meanwhile, deciding again"),
        Outcome::Rejected(r) if !news => {
            tracing::debug!(solution, %key, code = r.code, "refused again: {}", r.message);
        }
        Outcome::Rejected(r) => {
            tracing::warn!(solution, %key, code = r.code, reason = r.reason, "refused: {}", r.message);
        }
        Outcome::Unavailable { cause, .. } => tracing::warn!(solution, %key, "not done: {cause}"),
    }
}
