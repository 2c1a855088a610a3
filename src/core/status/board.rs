//! The board: what is known about every solution at one moment.
//!
//! The engine publishes a copy whenever something changed. The page, `/status.json` and the
//! terminal show the same one, so they cannot disagree.

use jiff::Timestamp;

use crate::doctor::Finding;
use crate::model::{ContentHash, InstanceName, Revision};
use crate::plan::{HELD_DIGITS, Harm};

use super::verdict::Verdict;
use super::verdicts::Verdicts;
use super::word::{self, needs_a_person};
use super::{Health, Sync};

/// What one daemon knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// The daemon's instance.
    pub instance: InstanceName,
    /// Whether this daemon writes nothing and only says what would be done.
    pub reports: bool,
    /// The commit that the verdicts speak of; absent until the repository was read once.
    pub revision: Option<Revision>,
    /// Where the catalogue lies. Without credentials: everyone who sees the board reads it.
    pub repository: String,
    /// When the repository was last asked, with or without an answer.
    pub checked_at: Option<Timestamp>,
    /// Set while the repository cannot be read. The verdicts are then the last known ones.
    pub unknown: Option<Outage>,
    /// Set while the API server tells nothing: how what was published does, nobody knows.
    pub cluster: Option<Outage>,
    /// One for each solution and each refused folder.
    pub verdicts: Verdicts,
    /// One for each preview of a pull request. They are counted nowhere.
    pub previews: Verdicts,
    /// Deletions, and moves of addresses, that wait for a person.
    pub held: Option<Held>,
    /// What belongs to no single solution and somebody should know: a fault of `platform.yaml`,
    /// a note that could not be pushed. One sentence each.
    pub problems: Vec<String>,
    /// What the platform lacks, or what in it is dangerous, as the daemon found at its start.
    /// It is no verdict: solutions may be published all the same.
    pub findings: Vec<Finding>,
}

/// Since when the repository, or the cluster, cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first read failed after the last good one.
    pub since: Timestamp,
    /// One sentence, without credentials.
    pub cause: String,
}

/// What the brake holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Names exactly this harm; what `vitrine approve` is given.
    pub hash: ContentHash,
    /// Why they are held: `would remove 3 of 4 solutions`.
    pub reason: String,
    /// Everything that the hash stands for.
    pub harm: Harm,
    /// What `vitrine approve` needs here besides the hash, to be typed as it stands; empty where the
    /// caller's own kubeconfig leads to the cluster.
    pub options: String,
}

impl Held {
    /// The command that lets the held deletions run. `approve` takes the first digits.
    pub fn command(&self) -> String {
        let hash = self.hash.first(HELD_DIGITS);
        format!("vitrine approve {hash} {}", self.options).trim_end().to_owned()
    }
}

impl Board {
    /// The same board for people whose `vitrine approve` needs these options, wherever the command
    /// is told.
    #[must_use]
    pub fn approved_with(&self, options: &str) -> Self {
        let mut board = self.clone();
        let Some(held) = &mut board.held else { return board };
        let bare = held.command();
        held.options = options.to_owned();
        let whole = held.command();
        for at in 0..board.verdicts.len() {
            if !board.verdicts[at].next.contains(&bare) {
                continue;
            }
            if let Some(verdict) = board.verdicts.edit(at) {
                verdict.next = verdict.next.replace(&bare, &whole);
            }
        }
        board
    }

    /// A board before the repository was read for the first time.
    pub fn new(instance: InstanceName, repository: impl Into<String>) -> Self {
        Self {
            instance,
            reports: false,
            revision: None,
            repository: repository.into(),
            checked_at: None,
            unknown: None,
            cluster: None,
            verdicts: Verdicts::default(),
            previews: Verdicts::default(),
            held: None,
            problems: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The board in one line: `4 solutions: 3 Synced, 1 Failed`, or why there is none.
    pub fn summary(&self) -> String {
        let count = match self.verdicts.len() {
            0 if self.revision.is_none() => return "the repository has not been read yet".into(),
            0 => return "no solution: no folder of the catalogue holds a solution.yaml".into(),
            1 => "1 solution".to_owned(),
            n => format!("{n} solutions"),
        };
        // What is as the catalogue says and broken all the same is not counted with what is well.
        let broken = |v: &Verdict| v.sync == Sync::Synced && !v.is_good();
        let of = |is: &dyn Fn(&Verdict) -> bool, word: &str| {
            let n = self.verdicts.iter().filter(|verdict| is(verdict)).count();
            (n > 0).then(|| format!("{n} {word}"))
        };
        let mut parts: Vec<String> = word::SYNCS
            .into_iter()
            .filter_map(|sync| of(&|v| v.sync == sync && !broken(v), word::sync(sync)))
            .collect();
        parts.extend(of(&broken, word::health(Health::Degraded)));
        format!("{count}: {}", parts.join(", "))
    }

    /// The verdicts that wait for a person.
    pub fn waiting_for_people(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|v| needs_a_person(v.party))
    }
}

#[cfg(test)]
mod tests {
    use crate::status::{read_status_json, sample, status_json};

    #[test]
    fn what_is_broken_is_not_counted_with_what_is_well() {
        use crate::status::{Health, Sync};
        let mut board = sample::board();
        for at in 0..3 {
            let verdict = board.verdicts.edit(at).unwrap();
            (verdict.sync, verdict.health) = (Sync::Synced, Some(Health::Healthy));
        }
        assert_eq!(board.summary(), "3 solutions: 3 Synced");
        board.verdicts.edit(1).unwrap().health = Some(Health::Degraded);
        assert_eq!(board.summary(), "3 solutions: 2 Synced, 1 Degraded");
    }

    #[test]
    fn a_command_with_options_is_told_whole_wherever_it_is_told() {
        let bare = sample::troubled();
        let options = "--kubeconfig '/a b/kubeconfig'";
        let board = bare.approved_with(options);
        let command = board.held.as_ref().map(super::Held::command).unwrap_or_default();
        assert_eq!(command, format!("vitrine approve 3f2a3f2a3f2a {options}"));
        let rows = |board: &super::Board| {
            board.verdicts.iter().filter(|v| v.next.contains(&command)).count()
        };
        let held = bare.verdicts.iter().filter(|v| v.next.contains("vitrine approve")).count();
        assert_eq!(rows(&board), held);
        let document: serde_json::Value = serde_json::from_str(&status_json(&board)).unwrap();
        assert_eq!(read_status_json(&document), Ok(board));
    }
}
