//! The lines of a note, and what becomes of them when new ones come.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_core::status::{CommitState, CommitStatus};

/// The note with these lines; a line replaces the one of its context, all others stay.
pub fn merge(note: &str, statuses: &[CommitStatus]) -> String {
    let contexts: BTreeSet<String> =
        statuses.iter().map(|status| one_line(&status.context)).collect();
    let stays = |line: &&str| {
        let context = line.split('\t').nth(1);
        !context.is_some_and(|context| contexts.contains(context))
    };
    let mut lines: BTreeSet<String> = note
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter(stays)
        .map(str::to_owned)
        .collect();
    let latest: BTreeMap<&str, &CommitStatus> =
        statuses.iter().map(|status| (status.context.as_str(), status)).collect();
    lines.extend(latest.into_values().map(line));
    lines.into_iter().fold(String::new(), |note, line| note + &line + "\n")
}

fn line(status: &CommitStatus) -> String {
    let CommitStatus { state, context, description, url } = status;
    let (context, description, url) = (one_line(context), one_line(description), one_line(url));
    format!("{}\t{context}\t{description}\t{url}", state.as_str())
}

/// Nothing that would end a line or a field.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A line as a status; `None` for what someone else wrote.
pub fn parse(line: &str) -> Option<CommitStatus> {
    let mut fields = line.split('\t');
    let state = match fields.next()? {
        "pending" => CommitState::Pending,
        "success" => CommitState::Success,
        "failure" => CommitState::Failure,
        "error" => CommitState::Error,
        _ => return None,
    };
    let mut field = || fields.next().map(str::to_owned);
    let (context, description) = (field()?, field()?);
    Some(CommitStatus { state, context, description, url: field().unwrap_or_default() })
}
