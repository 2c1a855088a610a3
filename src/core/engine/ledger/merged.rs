//! What became of a merge: the last words on all that its commit changed.
//!
//! In: what the sinks have of the commit, and what the history owes it still. Out: lines for the
//! people of a pull request, or nothing while something of it is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Ledger;
use super::sink::{Sink, is_pending};
use crate::ledger::{self, History};
use crate::model::{ClaimedName, Revision};
use crate::status::{CommitState, CommitStatus, Verdict};

/// What is said of each solution now.
type Verdicts = BTreeMap<ClaimedName, Arc<Verdict>>;

impl Ledger {
    /// What was said to the end of what a commit changed; empty: nothing that is published. `None`
    /// while something of it is open, or nobody knows the commit. `others`: what else belongs to it,
    /// as where several commits were put onto the branch one by one. `is_known`: the catalogue has
    /// the name.
    pub fn last_words(
        &self,
        commit: &Revision,
        others: &BTreeSet<ClaimedName>,
        verdicts: &Verdicts,
        is_known: impl Fn(&ClaimedName) -> bool,
    ) -> Option<Vec<CommitStatus>> {
        let head = self.history.head.as_ref()?;
        let mut names = self.changed_by(commit);
        let speaks = |name: &ClaimedName| {
            let History { removed, lost, .. } = &self.history;
            verdicts.contains_key(name)
                || removed.contains_key(name)
                || self.doubts.names().contains(name)
                || lost.iter().any(|(_, lost)| lost == name)
                || is_known(name)
        };
        // Of a group's folder, and of one that was never a solution, nobody ever says anything.
        names.retain(|key, name| self.line(commit, key).is_some() || speaks(name));
        let mut places: BTreeMap<String, (ClaimedName, &Revision)> =
            names.into_iter().map(|(key, name)| (key, (name, commit))).collect();
        for name in others.iter().filter(|name| speaks(name)) {
            if let Some(record) = self.history.records.get(name) {
                places.entry(self.key(Some(name))).or_insert((name.clone(), record));
            }
        }
        let whole = self.of_the_whole(commit, head);
        if places.is_empty() {
            return whole;
        }
        // It was read, and so were those before it.
        if places.values().all(|(_, record)| *record != commit) {
            whole?;
        }
        let lines = places.into_iter().map(|(key, (name, record))| {
            let said = self.line(record, &key).filter(|line| !is_pending(line))?;
            let url = verdicts.get(&name).and_then(|verdict| verdict.urls.first());
            Some(CommitStatus { url: url.cloned().unwrap_or_default(), ..said.clone() })
        });
        lines.collect()
    }

    /// The names whose folder a commit changed, by what their line is called: also where another
    /// commit changed it since.
    fn changed_by(&self, commit: &Revision) -> BTreeMap<String, ClaimedName> {
        let History { records, overtaken, lost, .. } = &self.history;
        let now = records.iter().filter(|(_, record)| *record == commit).map(|(name, _)| name);
        let owed = overtaken.iter().chain(lost).filter(|(owed, _)| owed == commit);
        let names = now.chain(owed.map(|(_, name)| name));
        let mut names: BTreeMap<String, ClaimedName> =
            names.map(|name| (self.key(Some(name)), name.clone())).collect();
        let said = self.sink().and_then(|sink| sink.written().get(commit));
        for key in said.into_iter().flat_map(BTreeMap::keys) {
            // A head that became the merge has the line of its judgement, too.
            if let Some(Some(name)) = ledger::subject(&self.instance, key)
                && !ledger::is_of_a_head(key)
            {
                names.entry(key.clone()).or_insert(name);
            }
        }
        names
    }

    /// The last words on a commit that changed no solution.
    fn of_the_whole(&self, commit: &Revision, head: &Revision) -> Option<Vec<CommitStatus>> {
        let key = self.key(None);
        let now = self.line(head, &key).filter(|line| !is_pending(line))?;
        let said = self.line(commit, &key);
        let state = CommitState::Success; // who is not well is named in the words
        let told = |line: &CommitStatus| CommitStatus { state, url: String::new(), ..line.clone() };
        match (self.plain.platform(commit), said) {
            // What it changed, it changed for all of them; or nobody remembers what it was.
            (Some(true), _) | (None, Some(_)) => {
                let line = said.filter(|line| !is_pending(line)).unwrap_or(now);
                Some(vec![told(line)])
            }
            // It was overtaken before it was ever the head.
            (Some(false), None) => {
                let words = match now.state {
                    CommitState::Success => "applied as part of",
                    _ => "overtaken by",
                };
                let short = head.short();
                let description = format!("{words} {short}; it changed nothing that is published");
                Some(vec![CommitStatus { description, ..told(now) }])
            }
            (Some(false), Some(_)) => Some(Vec::new()),
            // It was not read yet, or is long past.
            (None, None) => None,
        }
    }

    /// Where lines stand: in the notes, or else at the forge.
    fn sink(&self) -> Option<&Sink> {
        match &self.forge {
            _ if self.notes_on => Some(&self.notes),
            forge => forge.as_ref().map(|forge| &forge.sink),
        }
    }

    /// What the line of a solution, or of the whole, is called there.
    fn key(&self, name: Option<&ClaimedName>) -> String {
        let context = ledger::context(&self.instance, name);
        match &self.forge {
            Some(forge) if !self.notes_on => forge.key(&context),
            _ => context,
        }
    }

    /// What stands on a commit there.
    fn line(&self, commit: &Revision, key: &str) -> Option<&CommitStatus> {
        self.sink()?.line(commit, key)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::catalog::{Change, Changes};
    use crate::config::Config;
    use crate::engine::event::Reply;
    use crate::engine::ledger::Call;
    use crate::model::InstanceName;
    use crate::status::{Sync, sample};

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn verdicts(names: &[(&str, Sync)]) -> Verdicts {
        let good = sample::board().verdicts[2].clone();
        let verdict = |(name, sync): &(&str, Sync)| {
            let name = ClaimedName::of(name);
            (name.clone(), Arc::new(Verdict { name, sync: *sync, ..good.clone() }))
        };
        names.iter().map(verdict).collect()
    }

    /// A ledger, and what is said of the solutions.
    struct Desk {
        ledger: Ledger,
        verdicts: Verdicts,
        seconds: i64,
        /// What else belongs to a merge.
        others: Vec<&'static str>,
    }

    impl Desk {
        /// The names are well. `notes`: they are where lines stand; else it is a forge.
        fn of(names: &[&str], notes: bool) -> Self {
            let forge = (!notes).then(|| crate::config::Forge::sample(true));
            let settings = Config { notes, forge, ..Config::sample() };
            let ledger = Ledger::new(InstanceName::parse("prod").unwrap(), &settings);
            let names: Vec<(&str, Sync)> = names.iter().map(|name| (*name, Sync::Synced)).collect();
            Self { ledger, verdicts: verdicts(&names), seconds: 0, others: Vec::new() }
        }

        /// Commits come, the last one as the new head: what each changes.
        fn take(&mut self, commits: &[(char, &[&str])]) {
            let change = |(digit, folders): &(char, &[&str])| {
                let platform = folders.contains(&"platform.yaml");
                let folders = folders.iter().filter(|folder| **folder != "platform.yaml");
                let folders = folders.map(|folder| (*folder).to_owned()).collect();
                Change { revision: commit(*digit), folders, platform }
            };
            let commits: Vec<Change> = commits.iter().map(change).collect();
            self.ledger.pass(&commits.last().unwrap().revision, |_| true);
            let changes = Changes { commits, rewritten: false };
            self.ledger.take_commit(&changes, BTreeMap::new().into(), &BTreeSet::new(), true);
        }

        /// Everything is said that there is to say.
        fn say(&mut self) {
            for _ in 0..20 {
                self.seconds += 1;
                let now = Timestamp::from_second(self.seconds).unwrap();
                let words = self.ledger.words(&self.verdicts, true, now);
                if words.notes.is_some() {
                    self.ledger.noted(Ok(()), now);
                }
                for call in words.forge {
                    let left = None;
                    match call {
                        Call::Tell(commit, _) => {
                            self.ledger.told(&commit, Reply { result: Ok(()), left }, now);
                        }
                        Call::Read(commit) => {
                            let nothing = Reply { result: Ok(Vec::new()), left };
                            self.ledger.has(&commit, nothing, now);
                        }
                    }
                }
            }
        }

        /// The last words on a commit, without what they are the words of.
        fn told(&self, digit: char) -> Option<Vec<String>> {
            let is_known = |name: &ClaimedName| self.verdicts.contains_key(name);
            let others = self.others.iter().map(|name| ClaimedName::of(name)).collect();
            let lines =
                self.ledger.last_words(&commit(digit), &others, &self.verdicts, is_known)?;
            let words = |line: CommitStatus| format!("{}: {}", line.context, line.description);
            Some(lines.into_iter().map(words).collect())
        }
    }

    #[test]
    fn a_merge_whose_solutions_all_changed_again_is_told_what_it_was_applied_as() {
        for notes in [true, false] {
            let mut desk = Desk::of(&["use", "two"], notes);
            desk.take(&[('0', &[])]);
            desk.say();
            // Before it has its words, newer commits change what it changed.
            desk.take(&[('a', &["use", "two"])]);
            desk.take(&[('b', &["use"]), ('c', &["two"])]);
            assert_eq!(desk.told('a'), None, "they are to come");
            desk.say();
            let words = ["two: applied as part of ccccccc", "use: applied as part of bbbbbbb"];
            assert_eq!(desk.told('a').unwrap(), words.map(|words| format!("vitrine/prod/{words}")));
            // Long after that, too.
            desk.take(&[('d', &["use", "two"])]);
            desk.say();
            assert_eq!(desk.told('a').unwrap().len(), 2, "{notes}");
            // Of what it changed, something is still as it left it.
            desk.take(&[('e', &["use", "two"])]);
            desk.take(&[('f', &["use"])]);
            desk.say();
            let told = desk.told('e').unwrap();
            assert!(told[0].starts_with("vitrine/prod/two: Synced"), "{told:?}");
            assert_eq!(told[1..], ["vitrine/prod/use: applied as part of fffffff"]);
        }
    }

    #[test]
    fn commits_that_were_put_onto_the_branch_one_by_one_are_told_together() {
        let mut desk = Desk::of(&["use", "two"], true);
        desk.take(&[('0', &["use", "two"])]);
        desk.say();
        desk.others = vec!["two", "use"];
        // The forge tells of the merge before the branch is read.
        assert_eq!(desk.told('b'), None);
        desk.take(&[('a', &["use"]), ('b', &[])]);
        desk.say();
        let told = desk.told('b').unwrap();
        assert!(told.iter().any(|line| line.starts_with("vitrine/prod/use: Synced")), "{told:?}");
        desk.others = Vec::new();
        assert_eq!(desk.told('b'), Some(Vec::new()), "nobody remembers the pull request");
    }

    #[test]
    fn what_newer_commits_of_a_merge_come_to_is_waited_for() {
        let mut desk = Desk::of(&["use"], true);
        desk.take(&[('a', &["use"])]);
        desk.take(&[('b', &["use"])]);
        desk.verdicts = verdicts(&[("use", Sync::Progressing)]);
        desk.say();
        assert_eq!(desk.told('a'), None);
        desk.verdicts = verdicts(&[("use", Sync::Failed)]);
        desk.say();
        assert_eq!(desk.told('a').unwrap(), ["vitrine/prod/use: overtaken by bbbbbbb"]);
    }

    #[test]
    fn a_merge_that_was_not_read_yet_is_not_told() {
        for notes in [true, false] {
            let mut desk = Desk::of(&["use"], notes);
            desk.take(&[('a', &["use"])]);
            desk.say();
            // The forge tells of the merge before the branch is read.
            assert_eq!(desk.told('b'), None);
            desk.take(&[('b', &[])]);
            desk.say();
            assert_eq!(desk.told('b'), Some(Vec::new()));
            // It was the head once: what stands on it says that it was read.
            desk.take(&[('c', &["use"])]);
            desk.say();
            assert_eq!(desk.told('b'), Some(Vec::new()));
        }
    }

    #[test]
    fn what_was_found_of_a_head_is_not_what_became_of_it() {
        let mut desk = Desk::of(&["use"], false);
        let instance = InstanceName::parse("prod").unwrap();
        let line = ledger::validated(&instance, CommitState::Success, "nothing changes", "");
        desk.take(&[('0', &["use"])]);
        desk.ledger.heads([(commit('a'), vec![line])].into());
        desk.say();
        // The branch goes on to the head itself.
        desk.ledger.heads(BTreeMap::new());
        desk.take(&[('a', &[])]);
        desk.say();
        assert_eq!(desk.told('a'), Some(Vec::new()));
    }

    #[test]
    fn a_file_in_a_folder_of_no_solution_keeps_no_merge_waiting() {
        let mut desk = Desk::of(&["use"], true);
        desk.take(&[('a', &["group/use", "group"])]);
        desk.say();
        let told = desk.told('a').unwrap();
        assert!(told.len() == 1 && told[0].starts_with("vitrine/prod/use: Synced"), "{told:?}");
        // Of what the catalogue has, something will be said.
        let none = BTreeSet::new();
        let told = desk.ledger.last_words(&commit('a'), &none, &desk.verdicts, |_| true);
        assert_eq!(told, None);
    }

    #[test]
    fn a_merge_that_was_never_the_head_and_changed_no_solution_is_told_so() {
        let overtaken = "bbbbbbb; it changed nothing that is published";
        for (sync, words) in [(Sync::Synced, "applied as part of"), (Sync::Failed, "overtaken by")]
        {
            let mut desk = Desk::of(&["use"], true);
            desk.take(&[('0', &["use"])]);
            desk.say();
            desk.take(&[('a', &[]), ('b', &["use"])]);
            assert_eq!(desk.told('a'), None, "the head has no words yet");
            desk.verdicts = verdicts(&[("use", sync)]);
            desk.say();
            assert_eq!(desk.told('a').unwrap(), [format!("vitrine/prod: {words} {overtaken}")]);
        }
    }

    #[test]
    fn a_merge_that_changed_the_platform_alone_is_told_how_all_are() {
        let mut desk = Desk::of(&["use"], true);
        desk.take(&[('0', &["use"])]);
        desk.say();
        desk.take(&[('a', &["platform.yaml"])]);
        desk.say();
        let words = "1 solution: 1 Synced";
        assert_eq!(desk.told('a').unwrap(), [format!("vitrine/prod: {words}")]);
        // Overtaken before it was the head.
        desk.take(&[('b', &["platform.yaml"]), ('c', &[])]);
        desk.say();
        assert_eq!(desk.told('b').unwrap(), [format!("vitrine/prod: {words}")]);
        // Another life does not remember what it changed, and does not say that it was nothing.
        let noted = desk.ledger.notes.written().clone();
        let noted = noted.into_iter().map(|(c, all)| (c, all.into_values().collect())).collect();
        let mut later = Desk::of(&["use"], true);
        later.take(&[('c', &[])]);
        later.ledger.load(noted, &BTreeSet::new());
        later.say();
        let told = later.told('a').unwrap();
        assert_eq!(told, [format!("vitrine/prod: {words}")], "as on the commit");
    }
}
