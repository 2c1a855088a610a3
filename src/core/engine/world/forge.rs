//! A model of a forge: it appends what it is told, and fails in the ways that forges do.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::engine::{Refusal, Reply};
use crate::model::Revision;
use crate::status::{CommitState, CommitStatus};

/// The forge of a world.
#[derive(Debug, Default)]
pub struct Forge {
    /// Every status that was ever posted, the newest last.
    pub rows: Vec<(Revision, CommitStatus)>,
    /// Whether nobody answers.
    pub down: bool,
    /// Whether it sometimes asks for a pause, loses an answer, or is busy.
    pub moody: bool,
}

fn no<T>(refusal: Refusal) -> Reply<T> {
    Reply { result: Err(refusal), left: None }
}

fn unsure<T>() -> Reply<T> {
    no(Refusal::Unsure("the forge cannot be reached".to_owned()))
}

impl Forge {
    /// Posts a status. `chance`: 0 to 1.
    pub fn tell(&mut self, commit: &Revision, line: CommitStatus, chance: f64) -> Reply<()> {
        // Who is both answers questions, and takes nothing.
        if self.down {
            return unsure();
        }
        if self.moody {
            match chance {
                x if x < 0.1 => return no(Refusal::Later(SignedDuration::from_secs(30))),
                x if x < 0.15 => return no(Refusal::Busy),
                x if x < 0.25 => {
                    self.rows.push((commit.clone(), line));
                    return unsure();
                }
                x if x < 0.3 => return unsure(),
                _ => {}
            }
        }
        self.rows.push((commit.clone(), line));
        Reply { result: Ok(()), left: None }
    }

    /// What stands on a commit, the newest of each context.
    pub fn lines(&self, commit: &Revision) -> Reply<Vec<CommitStatus>> {
        if self.down && !self.moody {
            return unsure();
        }
        let lines = self.latest().remove(commit).unwrap_or_default();
        Reply { result: Ok(lines.into_values().collect()), left: None }
    }

    /// What stands on every commit.
    pub fn latest(&self) -> BTreeMap<Revision, BTreeMap<String, CommitStatus>> {
        let mut latest: BTreeMap<Revision, BTreeMap<String, CommitStatus>> = BTreeMap::new();
        for (commit, line) in &self.rows {
            let lines = latest.entry(commit.clone()).or_default();
            lines.insert(line.context.clone(), line.clone());
        }
        latest
    }

    /// What is left pending.
    pub fn pending(&self) -> Vec<String> {
        let latest = self.latest();
        let all = latest.iter().flat_map(|(c, lines)| lines.values().map(move |line| (c, line)));
        all.filter(|(_, line)| line.state == CommitState::Pending)
            .map(|(commit, line)| format!("{} of {commit} is left pending", line.context))
            .collect()
    }
}
