//! What is wanted for pull requests, and the words that they are told beside what was found.

use std::time::Duration;

use jiff::SignedDuration;

use super::staging::Show;
use crate::catalog::platform;
use crate::engine::check::Check;
use crate::engine::event::Refusal;
use crate::engine::reviewed::Showing;
use crate::ledger;
use crate::model::markdown::code;
use crate::model::{InstanceName, Revision, duration};
use crate::status::{CommitState, CommitStatus, Verdict};

/// The pause after something that did not work, and after what an operator has to mend.
pub const AGAIN: SignedDuration = SignedDuration::from_secs(30);
const MUCH_LATER: SignedDuration = SignedDuration::from_mins(10);

/// Something to be done for pull requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// List those that are open; `recent`: those too that were merged lately.
    List { recent: bool },
    /// Read what a merge would leave.
    Compare { number: u64, head: Revision, base: Revision },
    /// Tell one what was found: `known`, the comment that stands there.
    Write { number: u64, page: String, known: Option<u64> },
    /// Mark the faults of its head at their lines.
    Mark { number: u64, head: Revision, check: Check },
    /// Ask what became of one that is open no more.
    Ask { number: u64 },
    /// Write the last line onto what stands there.
    Close { number: u64, line: String },
}

/// What an operator should hear of a refusal, and how long to wait after it.
pub fn refused(refusal: Refusal) -> (Option<String>, SignedDuration) {
    match refusal {
        Refusal::Unsure(why) => (Some(why), AGAIN),
        Refusal::Later(wait) => (None, wait),
        Refusal::Shut(why) | Refusal::Never(why) => (Some(why), MUCH_LATER),
        Refusal::NoCommit | Refusal::Full | Refusal::Busy | Refusal::Is(_) => (None, AGAIN),
    }
}

/// What stands where something stood that a later push took back.
pub const NOTHING: &str = "Nothing that is published changes any more.\n";

/// The last line on a pull request that was merged.
pub fn last_line(commit: &Revision, lines: &[CommitStatus]) -> String {
    let short = commit.short();
    let said = lines.iter().map(|line| {
        let name = line.context.rsplit('/').next().unwrap_or_default();
        let url = match line.url.as_str() {
            "" => String::new(),
            url => format!(", {}", code(url)),
        };
        let mark = if line.state == CommitState::Success { "" } else { "**not published:** " };
        format!("- {mark}{}: {}{url}\n", code(name), code(&line.description))
    });
    let said: String = said.collect();
    match said.as_str() {
        "" => format!("**Merged as {short}.** It changed nothing that is published.\n"),
        said => format!("**Merged as {short}.** What became of it:\n\n{said}"),
    }
}

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// How many addresses of previews a comment names.
const ADDRESSES: usize = 10;

/// The paragraph about the preview of a head; `None`: there is nothing to say of one.
pub fn preview(
    show: &Show,
    head: &Revision,
    showing: &Showing,
    settings: &platform::Previews,
) -> Option<String> {
    let (label, head) = (code(&settings.label), head.short());
    let again = format!("take it off and put it on again to see {head}");
    let keep = days(settings.keep_for);
    let words = match show {
        Show::Off | Show::Undecided => return None,
        Show::Unasked => {
            format!("**Preview:** with the label {label} it can be opened before the merge.")
        }
        Show::Stale(old) => format!(
            "**Preview:** the label {label} was put on at {} and counts for that alone; {again}.",
            old.short()
        ),
        Show::Unseen => format!(
            "**Preview:** the label {label} came together with a push and counts for none; {again}."
        ),
        Show::Over => format!(
            "**Preview** of {head}: it was there for {keep} and is gone; take the label {label} off \
             and put it on again to see it once more."
        ),
        Show::Waits => format!(
            "**Preview** of {head}: waits for room, because at most {} solutions are shown at a time.",
            settings.at_most
        ),
        Show::TooMany(many) => format!(
            "**Preview** of {head}: it changes {many} solutions, and at most {} are shown at a time.",
            settings.at_most
        ),
        Show::Shown => {
            let (first, rest) = showing.addresses.split_at(showing.addresses.len().min(ADDRESSES));
            let first: Vec<String> = first.iter().map(|url| format!("<{url}>")).collect();
            let more = match rest.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            let without = match showing.without.len() {
                0 => String::new(),
                _ => {
                    let keys: Vec<String> = showing.without.iter().map(|key| code(key)).collect();
                    format!(" It runs without the Secret {}.", keys.join(", "))
                }
            };
            let at = match first.len() {
                0 => "nothing of it can be opened".to_owned(),
                _ => format!("{}{more}, asleep until somebody opens it", first.join(", ")),
            };
            format!(
                "**Preview** of {head}: {at}. It goes after {keep}, with the label {label}, or with \
                 the end of the pull request.{without}"
            )
        }
    };
    let cannot =
        showing.cannot.iter().map(|(name, why)| format!(" {} is not shown: {why}.", code(name)));
    Some(words + &cannot.collect::<String>())
}

/// `7 days`, or as durations are written.
fn days(time: Duration) -> String {
    match (time.as_secs() / DAY, time.as_secs() % DAY) {
        (1, 0) => "a day".to_owned(),
        (days @ 2.., 0) => format!("{days} days"),
        _ => duration::text(time),
    }
}

/// The line on a head of how its preview does. `verdicts`: of all its solutions, as far as there
/// are any yet.
pub fn preview_line(
    instance: &InstanceName,
    showing: &Showing,
    verdicts: &[Option<&Verdict>],
) -> CommitStatus {
    let url = showing.addresses.first().map(String::as_str).unwrap_or_default();
    let line =
        |state, found: &str, next: &str| ledger::previewed(instance, state, found, next, url);
    let failed = verdicts.iter().flatten().find(|v| v.is_settled() && !v.is_good());
    if let Some(failed) = failed {
        let found = format!("{}: {}", failed.name, &*failed.reason);
        return line(ledger::worse(failed.party), &found, &failed.next);
    }
    if verdicts.iter().any(|verdict| verdict.is_none_or(|verdict| !verdict.is_settled())) {
        return line(CommitState::Pending, "it is being made", "");
    }
    let found = match verdicts.len() {
        1 => format!("ready at {url}"),
        n => format!("{n} solutions are ready, the first at {url}"),
    };
    line(CommitState::Success, &found, "")
}
