//! What stands on which commit: from verdicts to commit statuses.
//!
//! In: [`Verdict`]s and what the history says. Out: the statuses as they should be, whether they
//! go to a git note or a forge. Has no clock, so that the same world says the same twice.

pub mod forge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{ClaimedName, InstanceName, Party, Revision};
use crate::status::{Cause, CommitState, CommitStatus, Gone, Health, Sync, Verdict};

/// The longest description, in characters: what the strictest forge takes.
const LONGEST: usize = 140;

/// What a line on the head of a pull request is about. No solution is called so.
const VALIDATE: &str = "validate";
/// As [`VALIDATE`]: how the preview of a head does.
const PREVIEW: &str = "preview";

/// What the history says of the solutions.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The branch's head.
    pub head: Option<Revision>,
    /// For each name, the commit that last changed its folder (also that which deleted it).
    pub records: BTreeMap<ClaimedName, Revision>,
    /// Commits that changed a folder and got no last word before a newer commit changed it too:
    /// (commit, name).
    pub overtaken: BTreeSet<(Revision, ClaimedName)>,
    /// The same of commits that the branch does not have any more: what they changed is as it was
    /// before them.
    pub lost: BTreeSet<(Revision, ClaimedName)>,
    /// Commits that were the branch's head and got no last word on the whole before the next was.
    pub passed: BTreeSet<Revision>,
    /// Names that left the catalogue and have nothing on the cluster any more, and what went.
    pub removed: BTreeMap<ClaimedName, Gone>,
    /// Commits of `records` of which all was said everywhere, and nothing has changed since: what
    /// they changed need not be put into words again.
    pub done: BTreeSet<Revision>,
}

impl History {
    /// A commit that changed a name's folder waits for its last word, though another commit is what
    /// that name goes by now. `lost`: the branch does not have it any more.
    pub fn leaves(&mut self, commit: Revision, name: ClaimedName, lost: bool) {
        let waiting = if lost { &mut self.lost } else { &mut self.overtaken };
        waiting.insert((commit, name));
    }

    /// Every commit of which something is or may be said.
    pub fn commits(&self) -> BTreeSet<Revision> {
        let waiting = self.overtaken.iter().chain(&self.lost).map(|(commit, _)| commit);
        let heads = self.passed.iter().chain(&self.head);
        self.records.values().chain(waiting).chain(heads).cloned().collect()
    }
}

/// Every status that the verdicts ask for, by commit.
pub fn statuses(
    instance: &InstanceName,
    verdicts: &BTreeMap<ClaimedName, Arc<Verdict>>,
    history: &History,
) -> BTreeMap<Revision, Vec<CommitStatus>> {
    let mut all: BTreeMap<Revision, Vec<CommitStatus>> = BTreeMap::new();
    let mut put = |commit: &Revision, status| all.entry(commit.clone()).or_default().push(status);
    for (name, commit) in &history.records {
        if history.done.contains(commit) {
            continue;
        }
        if let Some(verdict) = verdicts.get(name) {
            if let Some(status) = solution(instance, verdict) {
                put(commit, status);
            }
        } else if let Some(gone) = history.removed.get(name) {
            put(commit, removed(instance, name, gone));
        }
    }
    // One line a name and commit: two would take turns for ever.
    let mut said = BTreeSet::new();
    for place @ (commit, name) in &history.overtaken {
        let newer = match (history.records.get(name), history.removed.get(name)) {
            (Some(newer), _) if newer != commit => newer,
            // Nobody knows any more which commit removed it: it may be this one.
            (None, Some(gone)) if !verdicts.contains_key(name) => {
                put(commit, removed(instance, name, gone));
                said.insert(place);
                continue;
            }
            _ => continue,
        };
        let (state, words) = match verdicts.get(name) {
            None if history.removed.contains_key(name) => {
                (CommitState::Success, "applied as part of")
            }
            None => continue,
            Some(verdict) if verdict.is_good() => (CommitState::Success, "applied as part of"),
            Some(verdict) if verdict.is_settled() => (CommitState::Error, "overtaken by"),
            Some(_) => (CommitState::Pending, "overtaken by"),
        };
        put(commit, line(instance, Some(name), state, &format!("{words} {}", newer.short()), ""));
        said.insert(place);
    }
    // Of a name that no other commit changed since, its own line speaks.
    let speaks = |commit: &Revision, name: &ClaimedName| {
        let known = verdicts.contains_key(name) || history.removed.contains_key(name);
        known && history.records.get(name) == Some(commit)
    };
    let lost = history.lost.iter().filter(|place| !said.contains(*place));
    for (commit, name) in lost.filter(|(commit, name)| !speaks(commit, name)) {
        if let Some(head) = &history.head {
            let words = format!("not on the branch any more; {} is", head.short());
            put(commit, line(instance, Some(name), CommitState::Error, &words, ""));
        }
    }
    if let Some(head) = &history.head
        && let Some((now, counts)) = aggregate(instance, verdicts, head)
    {
        for commit in history.passed.iter().filter(|commit| *commit != head) {
            let description = format!("overtaken by {}: {counts}", head.short());
            put(commit, line(instance, None, now.state, &description, ""));
        }
        put(head, now);
    }
    for statuses in all.values_mut() {
        statuses.sort();
        statuses.dedup();
    }
    all
}

/// The status of one solution; `None` while nothing can be said on a commit.
fn solution(instance: &InstanceName, verdict: &Verdict) -> Option<CommitStatus> {
    let (state, words) = match verdict.sync {
        Sync::Synced if starts(verdict) => {
            let stage = verdict.stage.map_or_else(String::new, |stage| format!(" ({stage:?})"));
            (CommitState::Pending, format!("Synced: applied, not yet seen running{stage}"))
        }
        Sync::Synced if verdict.is_good() => {
            let rests = matches!(verdict.reason.cause, Cause::Suspended | Cause::Expired);
            let words = if rests { &*verdict.reason } else { verdict.proof.words() };
            (CommitState::Success, format!("Synced: {words}"))
        }
        Sync::Synced => (worse(verdict.party), fit("Synced, but", verdict)),
        Sync::Failed => (worse(verdict.party), fit("Failed:", verdict)),
        Sync::Blocked => (worse(verdict.party), fit("Blocked:", verdict)),
        // Somebody holds it up: it may stay so.
        Sync::Removing if verdict.party == Party::Operator => {
            (CommitState::Pending, fit("Removing:", verdict))
        }
        Sync::Progressing | Sync::OutOfSync | Sync::Removing => {
            (CommitState::Pending, format!("{:?}", verdict.sync))
        }
        // The repository cannot be read, so nothing can be written to it either.
        Sync::Unknown => return None,
    };
    Some(line(
        instance,
        Some(&verdict.name),
        state,
        &words,
        verdict.urls.first().map(String::as_str).unwrap_or_default(),
    ))
}

/// The last word on a solution that is gone.
fn removed(instance: &InstanceName, name: &ClaimedName, gone: &Gone) -> CommitStatus {
    line(instance, Some(name), CommitState::Success, &gone.words(LONGEST), "")
}

/// Whether what is asked for was applied and is on its way up: nobody knows yet how that ends.
fn starts(verdict: &Verdict) -> bool {
    verdict.sync == Sync::Synced && verdict.health == Some(Health::Progressing)
}

/// One status for the whole branch, and its counts alone: `4 solutions: 3 Synced, 1 Failed (use)`.
fn aggregate(
    instance: &InstanceName,
    verdicts: &BTreeMap<ClaimedName, Arc<Verdict>>,
    head: &Revision,
) -> Option<(CommitStatus, String)> {
    let mut groups: BTreeMap<(Sync, bool), Vec<&str>> = BTreeMap::new();
    let (mut state, mut well) = (CommitState::Success, 0_usize);
    for verdict in verdicts.values() {
        let broken = verdict.sync == Sync::Synced && !verdict.is_good();
        let group = groups.entry((verdict.sync, broken)).or_default();
        match (verdict.sync, broken) {
            (Sync::Synced, false) => well += 1, // nobody asks who they are
            _ => group.push(verdict.name.as_str()),
        }
        state = state.max(match verdict.sync {
            // What older commits asked for may be waking for a visitor.
            Sync::Synced if starts(verdict) && verdict.revision.as_ref() == Some(head) => {
                CommitState::Pending
            }
            Sync::Synced if verdict.is_good() => CommitState::Success,
            Sync::Synced | Sync::Failed | Sync::Blocked => worse(verdict.party),
            Sync::Progressing | Sync::OutOfSync | Sync::Removing => CommitState::Pending,
            Sync::Unknown => return None,
        });
    }
    // What is told of the whole is told to the end, once nothing of it moves any more.
    let moves = |verdict: &Verdict| {
        matches!(verdict.sync, Sync::Progressing | Sync::Removing)
            || (verdict.sync == Sync::OutOfSync && !verdict.is_settled())
    };
    if verdicts.values().any(|verdict| moves(verdict)) {
        state = CommitState::Pending;
    }
    let n = verdicts.len();
    let mut words = if n == 1 { "1 solution".to_owned() } else { format!("{n} solutions") };
    for (i, ((sync, broken), names)) in groups.iter().enumerate() {
        words.push_str(if i == 0 { ": " } else { ", " });
        words.push_str(&match (sync, broken) {
            (Sync::Synced, false) => format!("{well} Synced"),
            (Sync::Synced, true) => format!("{} Degraded ({})", names.len(), names.join(", ")),
            _ => format!("{} {sync:?} ({})", names.len(), names.join(", ")),
        });
    }
    // One thing to do for all of them is told here too: a commit that changed no folder has no
    // other line.
    let mut steps = verdicts.values().filter(|v| v.is_settled() && !v.is_good()).map(|v| &v.next);
    let step = steps.next().filter(|step| steps.all(|other| other == *step));
    let told = match step.map(|step| one_line(step)) {
        Some(step) => {
            let room = LONGEST.saturating_sub(step.chars().count() + "; ".len());
            format!("{}; {step}", cut(&words, room))
        }
        None => words.clone(),
    };
    Some((line(instance, None, state, &told, ""), words))
}

/// Red for the author, error for whoever runs the platform.
pub const fn worse(party: Party) -> CommitState {
    match party {
        Party::Author => CommitState::Failure,
        Party::Nobody | Party::Vitrine | Party::Reviewer | Party::Operator => CommitState::Error,
    }
}

fn line(
    instance: &InstanceName,
    name: Option<&ClaimedName>,
    state: CommitState,
    description: &str,
    url: &str,
) -> CommitStatus {
    CommitStatus {
        state,
        context: context(instance, name),
        description: one_line(description),
        url: url.to_owned(),
    }
}

/// What is wrong and what to do next. Where both are too long, the reason gives way: whoever reads
/// it must know what to do, and which commit visitors meet meanwhile.
fn fit(word: &str, verdict: &Verdict) -> String {
    let (reason, next) = (clean(&verdict.reason), one_line(&verdict.next));
    let room = LONGEST.saturating_sub(word.len() + next.chars().count() + "; ".len() + " ".len());
    let serving = verdict.serves_another().map(Revision::short);
    let told = serving.is_none_or(|serving| reason.contains(serving));
    if told && reason.chars().count() <= room {
        return format!("{word} {reason}; {next}");
    }
    let serves = serving.map(|serving| format!("; {serving} serves")).unwrap_or_default();
    let reason = cut(&reason, room.saturating_sub(serves.chars().count()));
    format!("{word} {reason}{serves}; {next}")
}

/// What a status is about: a solution, or the whole branch.
pub fn context(instance: &InstanceName, name: Option<&ClaimedName>) -> String {
    match name {
        Some(name) => format!("vitrine/{instance}/{name}"),
        None => format!("vitrine/{instance}"),
    }
}

/// The line on the head of a pull request: what `validate` found, and what to do next.
pub fn validated(
    instance: &InstanceName,
    state: CommitState,
    found: &str,
    next: &str,
) -> CommitStatus {
    on_head(instance, VALIDATE, state, found, next, "")
}

/// The line on the head of a pull request of how its preview does. No solution is called so.
pub fn previewed(
    instance: &InstanceName,
    state: CommitState,
    found: &str,
    next: &str,
    url: &str,
) -> CommitStatus {
    on_head(instance, PREVIEW, state, found, next, url)
}

fn on_head(
    instance: &InstanceName,
    what: &str,
    state: CommitState,
    found: &str,
    next: &str,
    url: &str,
) -> CommitStatus {
    let name = ClaimedName::of(what);
    let (found, next) = (clean(found), one_line(next));
    let told = match next.as_str() {
        "" => found,
        next => {
            let room = LONGEST.saturating_sub(next.chars().count() + "; ".len());
            format!("{}; {next}", cut(&found, room))
        }
    };
    line(instance, Some(&name), state, &told, url)
}

/// Whether a context is one of the head of a pull request, of whatever instance.
pub fn is_of_a_head(context: &str) -> bool {
    matches!(context.rsplit('/').next(), Some(VALIDATE | PREVIEW))
}

/// What a context of this instance is about; `None`: it is another's.
pub fn subject(instance: &InstanceName, context: &str) -> Option<Option<ClaimedName>> {
    let rest = context.strip_prefix("vitrine/")?.strip_prefix(instance.as_str())?;
    if rest.is_empty() {
        return Some(None);
    }
    Some(Some(ClaimedName::of(rest.strip_prefix('/')?)))
}

/// One line without tabs and controls, of at most [`LONGEST`] characters.
fn one_line(text: &str) -> String {
    cut(&clean(text), LONGEST)
}

fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::status::{Cause, Health, Proof, Stage};

    fn verdict(name: &str, sync: Sync) -> Verdict {
        Verdict {
            name: ClaimedName::of(name),
            sync,
            stage: Some(Stage::Asleep),
            health: Some(Health::Healthy),
            party: Party::Author,
            reason: Cause::Refused.says("solution.yaml:3:1: unknown field"),
            next: "mend the line".to_owned(),
            urls: vec![format!("https://{name}.demo.example")],
            revision: None,
            serving: None,
            objects: 10,
            proof: Proof::Applied,
        }
    }

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn world() -> (InstanceName, BTreeMap<ClaimedName, Arc<Verdict>>, History) {
        let verdicts = [("use", Sync::Synced), ("broken", Sync::Failed)];
        let verdicts =
            verdicts.into_iter().map(|(n, s)| (ClaimedName::of(n), verdict(n, s).into())).collect();
        let history = History {
            head: Some(commit('c')),
            records: [("use", 'a'), ("broken", 'c'), ("gone", 'b')]
                .map(|(n, d)| (ClaimedName::of(n), commit(d)))
                .into(),
            overtaken: [(commit('0'), ClaimedName::of("use"))].into(),
            lost: [(commit('d'), ClaimedName::of("use"))].into(),
            passed: [commit('b')].into(),
            removed: [(ClaimedName::of("gone"), Gone::default())].into(),
            done: BTreeSet::new(),
        };
        (InstanceName::parse("demo").unwrap(), verdicts, history)
    }

    #[test]
    fn every_commit_that_touched_a_solution_gets_an_answer() {
        let (instance, verdicts, history) = world();
        let all = statuses(&instance, &verdicts, &history);
        let said = |digit| {
            all[&commit(digit)]
                .iter()
                .map(|s| (s.state.as_str(), s.description.as_str()))
                .collect::<Vec<_>>()
        };
        assert_eq!(said('a'), [("success", "Synced: applied; starts at the next visit")]);
        assert_eq!(
            said('b'),
            [
                ("success", "removed"),
                ("failure", "overtaken by ccccccc: 2 solutions: 1 Synced, 1 Failed (broken)"),
            ]
        );
        assert_eq!(said('0'), [("success", "applied as part of aaaaaaa")]);
        assert_eq!(said('d'), [("error", "not on the branch any more; ccccccc is")]);
        assert_eq!(
            said('c'),
            [
                ("failure", "2 solutions: 1 Synced, 1 Failed (broken); mend the line"),
                ("failure", "Failed: solution.yaml:3:1: unknown field; mend the line"),
            ]
        );
    }

    #[test]
    fn what_was_said_of_a_commit_is_not_put_into_words_again() {
        let (instance, verdicts, mut history) = world();
        let before = statuses(&instance, &verdicts, &history);
        history.done.insert(commit('a'));
        let after = statuses(&instance, &verdicts, &history);
        assert!(before.contains_key(&commit('a')) && !after.contains_key(&commit('a')));
        assert_eq!(before[&commit('c')], after[&commit('c')], "the whole still counts it");
    }

    #[test]
    fn a_lost_commit_that_a_name_still_goes_by_has_one_line_for_it() {
        let (instance, verdicts, mut history) = world();
        // Nothing on the branch says anything of these two: what stands of them is of before.
        for (name, digit) in [("broken", 'e'), ("gone", 'b')] {
            history.records.insert(ClaimedName::of(name), commit(digit));
            history.lost.insert((commit(digit), ClaimedName::of(name)));
        }
        let all = statuses(&instance, &verdicts, &history);
        for (digit, name, begin) in [('e', "broken", "Failed:"), ('b', "gone", "removed")] {
            let context = context(&instance, Some(&ClaimedName::of(name)));
            let lines = all[&commit(digit)].iter().filter(|line| line.context == context);
            let lines: Vec<&str> = lines.map(|line| line.description.as_str()).collect();
            assert!(matches!(lines[..], [line] if line.starts_with(begin)), "{lines:?}");
        }
    }

    #[test]
    fn a_commit_that_is_overtaken_and_lost_has_one_line_for_a_name() {
        let (instance, verdicts, mut history) = world();
        history.lost.insert((commit('0'), ClaimedName::of("use")));
        let all = statuses(&instance, &verdicts, &history);
        let [line] = all[&commit('0')].as_slice() else { unreachable!("{all:?}") };
        assert_eq!(line.description, "applied as part of aaaaaaa");
    }

    #[test]
    fn what_is_under_way_is_not_a_success() {
        let (instance, mut verdicts, history) = world();
        verdicts.remove("broken");
        for sync in [Sync::Progressing, Sync::OutOfSync, Sync::Removing] {
            verdicts.insert(ClaimedName::of("use"), verdict("use", sync).into());
            verdicts.insert(ClaimedName::of("other"), verdict("other", Sync::Synced).into());
            let all = statuses(&instance, &verdicts, &history);
            for digit in ['c', 'a', '0'] {
                let states = all[&commit(digit)].iter().map(|s| s.state);
                assert_eq!(states.max(), Some(CommitState::Pending), "{sync:?}: {all:?}");
            }
        }
    }

    #[test]
    fn a_removal_that_is_held_up_says_what_holds_it() {
        let (instance, mut verdicts, history) = world();
        let mut stuck = Verdict { party: Party::Operator, ..verdict("use", Sync::Removing) };
        let holds = "1 object left; finalizer.keda.sh of ScaledObject/app holds it";
        (stuck.reason, stuck.next) = (Cause::Removing.says(holds), "look at KEDA".to_owned());
        verdicts.insert(ClaimedName::of("use"), stuck.into());
        let all = statuses(&instance, &verdicts, &history);
        let [line] = all[&commit('a')].as_slice() else { unreachable!() };
        assert_eq!(line.state, CommitState::Pending);
        assert_eq!(line.description, format!("Removing: {holds}; look at KEDA"));
    }

    #[test]
    fn a_commit_is_not_green_because_a_newer_one_failed() {
        let (instance, mut verdicts, history) = world();
        verdicts.insert(ClaimedName::of("use"), verdict("use", Sync::Failed).into());
        let all = statuses(&instance, &verdicts, &history);
        let [status] = all[&commit('0')].as_slice() else { unreachable!() };
        assert_eq!(
            (status.state.as_str(), &*status.description),
            ("error", "overtaken by aaaaaaa")
        );
    }

    #[test]
    fn an_unreadable_repository_says_nothing_on_commits() {
        let (instance, mut verdicts, history) = world();
        for verdict in verdicts.values_mut().map(Arc::make_mut) {
            verdict.sync = Sync::Unknown;
        }
        let all = statuses(&instance, &verdicts, &history);
        assert!(!all.contains_key(&commit('a')) && !all.contains_key(&commit('c')));
    }

    #[test]
    fn the_whole_names_who_is_synced_but_broken() {
        let (instance, mut verdicts, history) = world();
        Arc::make_mut(verdicts.get_mut("use").unwrap()).health = Some(Health::Degraded);
        let all = statuses(&instance, &verdicts, &history);
        let whole = all[&commit('c')].iter().find(|s| s.context == "vitrine/demo").unwrap();
        assert_eq!(
            whole.description,
            "2 solutions: 1 Degraded (use), 1 Failed (broken); mend the line"
        );
    }

    #[test]
    fn a_long_reason_gives_way_to_the_next_step() {
        for (sync, health, word) in [
            (Sync::Failed, Health::Healthy, "Failed: xx"),
            (Sync::Blocked, Health::Healthy, "Blocked: xx"),
            (Sync::Synced, Health::Degraded, "Synced, but xx"),
        ] {
            let mut long = Verdict { health: Some(health), ..verdict("use", sync) };
            long.reason.text = "x".repeat(500);
            let status = solution(&InstanceName::parse("demo").unwrap(), &long).unwrap();
            assert!(status.description.starts_with(word), "{}", status.description);
            assert!(status.description.ends_with("…; mend the line"), "{}", status.description);
            assert_eq!(status.description.chars().count(), 140);
            // What visitors meet meanwhile is not cut off with the reason.
            long.serving = Some(commit('9'));
            let status = solution(&InstanceName::parse("demo").unwrap(), &long).unwrap();
            let end = "…; 9999999 serves; mend the line";
            assert!(status.description.ends_with(end), "{}", status.description);
            assert_eq!(status.description.chars().count(), 140);
        }
    }

    #[test]
    fn a_description_is_one_line_of_at_most_140_characters() {
        let long = one_line(&format!("a\tb\nc {}", "ü".repeat(1000)));
        assert!(long.starts_with("a b c ü") && long.chars().count() == 140, "{long}");
    }
}
