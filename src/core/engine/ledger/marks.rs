//! What the notes remember of a forge that was not told everything: a line of its own beside the
//! others, pending until the forge has it all.

use std::collections::BTreeMap;

use super::forge::Forge;
use super::sink::{Sink, is_pending};
use crate::ledger;
use crate::ledger::forge::is_mark;
use crate::model::{InstanceName, Revision};
use crate::status::{CommitState, CommitStatus};

/// Adds to the lines for the notes the marks that they lack, and closes those that are done with.
pub(super) fn add(
    instance: &InstanceName,
    notes: &Sink,
    forge: Option<&Forge>,
    lines: &mut BTreeMap<Revision, Vec<CommitStatus>>,
) {
    let own = forge.map(Forge::owed);
    let lacks = |commit: &Revision| forge.is_some_and(|forge| forge.unsaid().contains(commit));
    // Also what nobody can say anything of just now: what stands in the notes is owed all the same.
    let owes = |commit: &Revision, written: &BTreeMap<String, CommitStatus>| {
        let mut ours = written
            .values()
            .filter(|line| !is_pending(line) && ledger::subject(instance, &line.context).is_some());
        forge.is_some_and(|forge| ours.any(|line| !forge.has_last_word(commit, &line.context)))
    };
    for (commit, written) in notes.written() {
        let is_open = |line: &&CommitStatus| is_pending(line) && is_mark(instance, &line.context);
        for line in written.values().filter(is_open) {
            let words = match own.as_ref() == Some(&line.context) {
                true if lacks(commit) || owes(commit, written) => continue,
                true => "everything was told there",
                false => "nobody tells that forge any more",
            };
            let statuses = lines.entry(commit.clone()).or_default();
            statuses.push(mark(&line.context, CommitState::Success, words));
        }
    }
    for commit in forge.into_iter().flat_map(Forge::unsaid) {
        if let (Some(own), Some(statuses)) = (&own, lines.get_mut(commit)) {
            statuses.push(mark(own, CommitState::Pending, "not everything was told there yet"));
        }
    }
}

fn mark(context: &str, state: CommitState, words: &str) -> CommitStatus {
    let (context, description) = (context.to_owned(), words.to_owned());
    CommitStatus { state, context, description, url: String::new() }
}
