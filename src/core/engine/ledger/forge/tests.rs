use jiff::SignedDuration;

use super::super::pace::{HOUR, MINUTE, SECOND};
use super::*;
use crate::config::ForgeKind;
use crate::engine::event::Left;

const WHOLE: &str = "vitrine/prod";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn commit(digit: char) -> Revision {
    Revision::parse(&digit.to_string().repeat(40)).unwrap()
}

fn forge(kind: ForgeKind) -> Forge {
    let settings = config::Forge { kind, ..config::Forge::sample(true) };
    Forge::new(InstanceName::parse("prod").unwrap(), settings, None)
}

fn line(context: &str, state: CommitState) -> CommitStatus {
    CommitStatus {
        state,
        context: context.to_owned(),
        description: format!("{state:?}"),
        url: String::new(),
    }
}

fn use_(n: usize) -> String {
    format!("vitrine/prod/s{n:03}")
}

type Wanted = BTreeMap<Revision, Vec<CommitStatus>>;

fn wanted(digit: char, lines: &[(&str, CommitState)]) -> Wanted {
    let lines = lines.iter().map(|(context, state)| line(context, *state));
    [(commit(digit), lines.collect())].into()
}

/// What is asked now, as the context of what is posted or `read`.
fn asks(forge: &mut Forge, wanted: &Wanted, now: Timestamp) -> Vec<String> {
    let lines = forge.lines(wanted);
    let calls = forge.calls(lines, None, false, now);
    let text = |call| match call {
        Call::Tell(_, line) => format!("{} {}", line.state.as_str(), line.context),
        Call::Read(commit) => format!("read {}", commit.short()),
    };
    calls.into_iter().map(text).collect()
}

fn yes() -> Reply<()> {
    Reply { result: Ok(()), left: None }
}

fn no<T>(refusal: Refusal) -> Reply<T> {
    Reply { result: Err(refusal), left: None }
}

fn read(lines: Vec<CommitStatus>) -> Reply<Vec<CommitStatus>> {
    Reply { result: Ok(lines), left: None }
}

use crate::status::CommitState::{self, Error, Failure, Pending, Success};

#[test]
fn what_stands_there_is_not_told_again_and_what_nobody_knows_is_read_first() {
    let mut forge = forge(ForgeKind::Gitea);
    let all = wanted('a', &[(WHOLE, Success)]);
    assert_eq!(asks(&mut forge, &all, at(0)), ["read aaaaaaa"]);
    assert_eq!(asks(&mut forge, &all, at(0)), [""; 0], "while it is read");
    forge.has(&commit('a'), read(vec![line(WHOLE, Success)]), at(0));
    assert_eq!(asks(&mut forge, &all, at(1)), [""; 0]);
    assert!(forge.is_quiet());
    // A commit that is younger than the daemon needs no look.
    forge.is_new(&commit('b'));
    let all = wanted('b', &[(WHOLE, Success)]);
    assert_eq!(asks(&mut forge, &all, at(1)), ["success vitrine/prod"]);
    assert!(!forge.is_quiet());
    forge.told(&commit('b'), yes(), at(2));
    assert_eq!(asks(&mut forge, &all, at(2)), [""; 0]);
    assert!(forge.is_quiet());
}

#[test]
fn what_the_notes_have_was_told_unless_they_say_otherwise() {
    let said = vec![line(WHOLE, Success), line(&use_(1), Failure)];
    let all = wanted('a', &[(WHOLE, Success), (&use_(1), Failure)]);
    let mut known = forge(ForgeKind::Gitea);
    known.load(&commit('a'), &said);
    assert_eq!(asks(&mut known, &all, at(0)), [""; 0]);
    // Another line of that commit: there may be more than the notes have.
    let more = wanted('a', &[(WHOLE, Success), (&use_(2), Success)]);
    assert_eq!(asks(&mut known, &more, at(0)), ["read aaaaaaa"]);
    let mut owes = forge(ForgeKind::Gitea);
    let mark = line("vitrine/prod#gitea", Pending);
    owes.load(&commit('a'), &[said[0].clone(), said[1].clone(), mark]);
    assert_eq!(asks(&mut owes, &all, at(0)), ["read aaaaaaa"]);
}

#[test]
fn what_fails_goes_first_then_the_whole_then_what_is_well() {
    let mut forge = forge(ForgeKind::GitHub);
    forge.is_new(&commit('a'));
    let lines = [(WHOLE, Failure), (&*use_(1), Success), (&*use_(2), Error), (&*use_(3), Pending)];
    let all = wanted('a', &lines);
    let mut told = Vec::new();
    for second in 0..8 {
        told.extend(asks(&mut forge, &all, at(second)));
        forge.told(&commit('a'), yes(), at(second));
    }
    let states = ["error vitrine/prod/s002", "failure vitrine/prod", "success vitrine/prod/s001"];
    assert_eq!(told[..3], states);
    assert_eq!(told[3..], ["pending vitrine/prod/s003"], "one write a second, each once");
}

#[test]
fn github_is_never_told_more_than_it_likes() {
    let mut forge = forge(ForgeKind::GitHub);
    // One failing solution on each of 500 commits: nothing of that is left out.
    let all: Wanted = (0..500_u32)
        .map(|n| {
            let commit = Revision::parse(&format!("{n:040x}")).unwrap();
            forge.is_new(&commit);
            (commit, vec![line(&use_(1), Failure)])
        })
        .collect();
    let mut sent: Vec<Timestamp> = Vec::new();
    let mut now = at(0);
    while sent.len() < 500 {
        let lines = forge.lines(&all);
        for call in forge.calls(lines, None, false, now) {
            let Call::Tell(commit, _) = call else { panic!("{call:?}") };
            sent.push(now);
            forge.told(&commit, yes(), now);
        }
        now = forge
            .deadline()
            .filter(|at| *at > now)
            .unwrap_or(now + SignedDuration::from_millis(50));
    }
    for (window, most) in [(SECOND, 1), (MINUTE, 60), (HOUR, 400)] {
        for (i, first) in sent.iter().enumerate() {
            let within = sent[i..].iter().take_while(|at| **at < *first + window).count();
            assert!(within <= most, "{within} writes within {window:?}");
        }
    }
    assert!(sent[59] < at(60), "and never less than it takes");
}

#[test]
fn a_pause_that_is_asked_for_is_kept_exactly() {
    let mut forge = forge(ForgeKind::GitHub);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(WHOLE, Success)]);
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 1);
    forge.told(&commit('a'), no(Refusal::Later(SignedDuration::from_secs(30))), at(0));
    assert_eq!(asks(&mut forge, &all, at(29)), [""; 0]);
    assert_eq!(forge.deadline(), Some(at(30)));
    assert_eq!(asks(&mut forge, &all, at(30)), ["success vitrine/prod"]);
}

#[test]
fn when_little_of_the_hour_is_left_only_what_matters_most_is_told() {
    let left = |remaining| {
        let left = Left { remaining, limit: 1000, resets_in: SignedDuration::from_mins(20) };
        Reply { result: Ok(()), left: Some(left) }
    };
    let all = wanted('a', &[(WHOLE, Success), (&use_(1), Success), (&use_(2), Failure)]);
    let mut forge = forge(ForgeKind::GitHub);
    forge.is_new(&commit('a'));
    assert_eq!(asks(&mut forge, &all, at(0)), ["failure vitrine/prod/s002"]);
    forge.told(&commit('a'), left(200), at(0));
    assert_eq!(asks(&mut forge, &all, at(2)), ["success vitrine/prod"]);
    forge.told(&commit('a'), left(199), at(2));
    assert_eq!(asks(&mut forge, &all, at(4)), [""; 0], "what is well waits");
    assert_eq!(asks(&mut forge, &all, at(1202)), ["success vitrine/prod/s001"]);
    forge.told(&commit('a'), left(99), at(1202));
    let other = wanted('a', &[(&use_(3), Failure)]);
    assert_eq!(asks(&mut forge, &other, at(1210)), [""; 0], "the last tenth is not ours");
    assert_eq!(asks(&mut forge, &other, at(2402)).len(), 1);
}

#[test]
fn after_no_answer_it_is_read_before_it_is_told_again() {
    let mut forge = forge(ForgeKind::Gitea);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(WHOLE, Success)]);
    assert_eq!(asks(&mut forge, &all, at(0)), ["success vitrine/prod"]);
    forge.told(&commit('a'), no(Refusal::Unsure("nobody answers".to_owned())), at(0));
    assert_eq!(forge.trouble().map(String::as_str), Some("nobody answers"));
    assert_eq!(asks(&mut forge, &all, at(0)), [""; 0]);
    assert_eq!(asks(&mut forge, &all, at(1)), ["read aaaaaaa"]);
    forge.has(&commit('a'), read(vec![line(WHOLE, Success)]), at(1));
    assert_eq!(asks(&mut forge, &all, at(2)), [""; 0], "it had stored it");
    assert_eq!(forge.trouble(), None);
}

#[test]
fn pauses_grow_to_a_minute_and_no_further() {
    let mut forge = forge(ForgeKind::Gitea);
    let all = wanted('a', &[(WHOLE, Success)]);
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        assert_eq!(asks(&mut forge, &all, now), ["read aaaaaaa"]);
        forge.has(&commit('a'), no(Refusal::Unsure("down".to_owned())), now);
        assert_eq!(asks(&mut forge, &all, now), [""; 0]);
        let next = forge.deadline().unwrap();
        pauses.push(next.duration_since(now).as_secs());
        now = next;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_refused_credential_is_tried_once_in_ten_minutes() {
    let mut forge = forge(ForgeKind::GitLab);
    let all = wanted('a', &[(WHOLE, Success)]);
    let mut tries = 0;
    for second in 0..3600 {
        if !asks(&mut forge, &all, at(second)).is_empty() {
            tries += 1;
            forge.has(&commit('a'), no(Refusal::Shut("401".to_owned())), at(second));
        }
    }
    assert_eq!(tries, 6);
    assert_eq!(forge.trouble().map(String::as_str), Some("401"));
}

#[test]
fn a_full_context_keeps_only_itself_from_being_told() {
    let mut forge = forge(ForgeKind::GitHub);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(&use_(1), Failure), (&use_(2), Failure)]);
    assert_eq!(asks(&mut forge, &all, at(0)), ["failure vitrine/prod/s001"]);
    forge.told(&commit('a'), no(Refusal::Full), at(0));
    assert_eq!(asks(&mut forge, &all, at(1)), ["failure vitrine/prod/s002"]);
    forge.told(&commit('a'), yes(), at(1));
    assert_eq!(asks(&mut forge, &all, at(2)), [""; 0]);
    assert!(forge.is_quiet() && forge.has_last_word(&commit('a'), &use_(1)));
}

#[test]
fn a_refused_line_waits_until_it_is_another() {
    let mut forge = forge(ForgeKind::GitLab);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(WHOLE, Error)]);
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 1);
    forge.told(&commit('a'), no(Refusal::Never("400: no".to_owned())), at(0));
    assert_eq!(asks(&mut forge, &all, at(3000)), [""; 0]);
    assert_eq!(asks(&mut forge, &wanted('a', &[(WHOLE, Success)]), at(3001)).len(), 1);
}

#[test]
fn a_commit_that_the_forge_does_not_know_is_tried_three_times_more() {
    let mut forge = forge(ForgeKind::Gitea);
    let all = wanted('a', &[(WHOLE, Success)]);
    let mut asked = Vec::new();
    for minute in 0..300 {
        if !asks(&mut forge, &all, at(minute * 60)).is_empty() {
            asked.push(minute);
            forge.has(&commit('a'), no(Refusal::NoCommit), at(minute * 60));
        }
    }
    assert_eq!(asked, [0, 1, 6, 36]);
    assert!(forge.is_quiet() && forge.has_last_word(&commit('a'), WHOLE));
}

#[test]
fn posts_to_one_commit_never_overlap_and_to_others_they_may() {
    let mut forge = forge(ForgeKind::GitLab);
    let mut all = Wanted::new();
    for digit in ['a', 'b', 'c', 'd', 'e'] {
        forge.is_new(&commit(digit));
        all.extend(wanted(digit, &[(&use_(1), Failure), (&use_(2), Failure)]));
    }
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 4);
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 0);
    forge.told(&commit('b'), no(Refusal::Busy), at(0));
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 0, "somebody else writes");
    assert_eq!(asks(&mut forge, &all, at(1)).len(), 1);
}

#[test]
fn a_pending_line_is_told_once_and_never_before_the_notes_have_it() {
    let mut forge = forge(ForgeKind::GitLab);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(WHOLE, Pending)]);
    let calls = |forge: &mut Forge, notes: &Sink, brief| {
        let lines = forge.lines(&all);
        forge.calls(lines, Some(notes), brief, at(0)).len()
    };
    let mut notes = Sink::default();
    assert_eq!(calls(&mut forge, &notes, false), 0);
    notes.set(&commit('a'), line(WHOLE, Pending));
    assert_eq!(calls(&mut forge, &notes, true), 0, "it may end soon");
    assert_eq!(calls(&mut forge, &notes, false), 1);
    // GitLab had it: going from running to running is what it refuses.
    forge.told(&commit('a'), no(Refusal::Is(Pending)), at(0));
    assert_eq!(calls(&mut forge, &notes, false), 0);
    let mut other = all.clone();
    other.get_mut(&commit('a')).unwrap()[0].description = "otherwise".to_owned();
    assert_eq!(asks(&mut forge, &other, at(1)), [""; 0]);
}

#[test]
fn what_is_left_out_counts_as_told_and_what_is_pending_there_gets_its_last_word() {
    let settings = config::Forge { kind: ForgeKind::GitLab, ..config::Forge::sample(false) };
    let mut forge = Forge::new(InstanceName::parse("prod").unwrap(), settings, None);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(&use_(1), Success)]);
    assert_eq!(asks(&mut forge, &all, at(0)), [""; 0]);
    assert!(forge.has_last_word(&commit('a'), &use_(1)));
    let mut forge = Forge { known: BTreeMap::new(), sink: Sink::default(), ..forge };
    assert_eq!(asks(&mut forge, &wanted('a', &[(WHOLE, Success)]), at(1)), ["read aaaaaaa"]);
    let stands = vec![line(WHOLE, Success), line(&use_(1), Pending)];
    forge.has(&commit('a'), read(stands), at(1));
    assert_eq!(asks(&mut forge, &all, at(2)), ["success vitrine/prod/s001"]);
}

#[test]
fn what_was_red_turns_green_also_where_what_is_well_has_no_line() {
    let settings = config::Forge { kind: ForgeKind::GitLab, ..config::Forge::sample(false) };
    let mut forge = Forge::new(InstanceName::parse("prod").unwrap(), settings, None);
    forge.is_new(&commit('a'));
    assert_eq!(asks(&mut forge, &wanted('a', &[(&use_(1), Failure)]), at(0)).len(), 1);
    forge.told(&commit('a'), yes(), at(0));
    let good = wanted('a', &[(&use_(1), Success)]);
    assert_eq!(asks(&mut forge, &good, at(1)), ["success vitrine/prod/s001"]);
    forge.told(&commit('a'), yes(), at(1));
    assert_eq!(asks(&mut forge, &good, at(2)), [""; 0]);
    // A successor that knows nothing looks first.
    forge.known.clear();
    forge.sink = Sink::default();
    assert_eq!(asks(&mut forge, &good, at(3)), ["read aaaaaaa"]);
    forge.has(&commit('a'), read(vec![line(&use_(1), Failure)]), at(3));
    assert_eq!(asks(&mut forge, &good, at(4)), ["success vitrine/prod/s001"]);
}

#[test]
fn a_forge_that_answers_questions_and_takes_nothing_is_asked_less_and_less() {
    let mut forge = forge(ForgeKind::Gitea);
    forge.is_new(&commit('a'));
    let all = wanted('a', &[(WHOLE, Success)]);
    let (mut posts, mut troubles) = (Vec::new(), BTreeSet::new());
    for second in 0..600 {
        let lines = forge.lines(&all);
        for call in forge.calls(lines, None, false, at(second)) {
            match call {
                Call::Tell(commit, _) => {
                    posts.push(second);
                    let refusal = Refusal::Unsure("a fault of its own".to_owned());
                    forge.told(&commit, no(refusal), at(second));
                }
                Call::Read(commit) => forge.has(&commit, read(Vec::new()), at(second)),
            }
        }
        troubles.insert(forge.trouble().cloned());
    }
    assert!(posts.len() < 20, "{posts:?}");
    assert_eq!(troubles.len(), 1, "it does not flap: {troubles:?}");
    assert!(forge.is_quiet(), "nobody waits for it");
}

#[test]
fn what_else_is_answered_meanwhile_makes_no_pause_shorter() {
    let mut forge = forge(ForgeKind::GitLab);
    let mut all = Wanted::new();
    for digit in ['a', 'b', 'c', 'd'] {
        forge.is_new(&commit(digit));
        all.extend(wanted(digit, &[(&use_(1), Failure)]));
    }
    assert_eq!(asks(&mut forge, &all, at(0)).len(), 4);
    forge.told(&commit('a'), no(Refusal::Later(SignedDuration::from_mins(10))), at(0));
    forge.told(&commit('b'), no(Refusal::Busy), at(0));
    forge.told(&commit('c'), no(Refusal::Unsure("broken".to_owned())), at(0));
    forge.told(&commit('d'), yes(), at(0));
    assert_eq!(asks(&mut forge, &all, at(599)), [""; 0]);
    assert_eq!(asks(&mut forge, &all, at(600)).len(), 3);
    // Four that break at once are one failure.
    assert!(forge.is_quiet() || forge.trouble().is_none());
}

#[test]
fn nobody_waits_for_a_forge_that_is_away_or_wants_a_long_pause_and_both_are_told() {
    let all = wanted('a', &[(WHOLE, Success)]);
    let mut away = forge(ForgeKind::Gitea);
    for (n, second) in [0, 1, 3].into_iter().enumerate() {
        assert!(!away.is_quiet() || n == 0);
        assert_eq!(asks(&mut away, &all, at(second)), ["read aaaaaaa"]);
        away.has(&commit('a'), no(Refusal::Unsure("down".to_owned())), at(second));
    }
    assert_eq!(asks(&mut away, &all, at(3)), [""; 0]);
    assert!(away.is_quiet());
    let mut pause = forge(ForgeKind::GitHub);
    assert_eq!(asks(&mut pause, &all, at(0)).len(), 1);
    pause.has(&commit('a'), no(Refusal::Later(SignedDuration::from_mins(90))), at(0));
    asks(&mut pause, &all, at(1));
    assert!(pause.is_quiet());
    let told = pause.trouble().unwrap();
    assert_eq!(told, "the forge wants to be left alone for 90 min");
}

#[test]
fn a_commit_that_always_fails_keeps_no_other_from_being_told() {
    let mut forge = forge(ForgeKind::GitHub);
    let mut all = Wanted::new();
    for digit in ['a', 'b', 'c'] {
        forge.is_new(&commit(digit));
        all.extend(wanted(digit, &[(&use_(1), Failure)]));
    }
    let mut told = BTreeSet::new();
    for second in 0..300 {
        let lines = forge.lines(&all);
        for call in forge.calls(lines, None, false, at(second)) {
            match call {
                Call::Tell(at_, _) if at_ == commit('a') => {
                    forge.told(&at_, no(Refusal::Unsure("broken".to_owned())), at(second));
                }
                Call::Tell(at_, _) => {
                    told.insert(at_.clone());
                    forge.told(&at_, yes(), at(second));
                }
                Call::Read(at_) => forge.has(&at_, read(Vec::new()), at(second)),
            }
        }
    }
    assert_eq!(told, [commit('b'), commit('c')].into());
}

#[test]
fn a_context_that_was_refused_three_times_is_left_alone_and_its_cause_stays_told() {
    let mut forge = forge(ForgeKind::GitLab);
    forge.is_new(&commit('a'));
    forge.is_new(&commit('b'));
    let mut asked = 0;
    for second in 0..100 {
        let mut all = wanted('a', &[(WHOLE, Error)]);
        all.get_mut(&commit('a')).unwrap()[0].description = format!("another text {second}");
        all.extend(wanted('b', &[(WHOLE, Success)]));
        let lines = forge.lines(&all);
        for call in forge.calls(lines, None, false, at(second)) {
            let Call::Tell(at_, _) = call else { panic!("{call:?}") };
            if at_ == commit('a') {
                asked += 1;
                forge.told(&at_, no(Refusal::Never("423: archived".to_owned())), at(second));
            } else {
                forge.told(&at_, yes(), at(second));
            }
        }
    }
    assert_eq!(asked, 3);
    assert!(forge.has_last_word(&commit('a'), WHOLE), "nobody waits for it");
    assert_eq!(forge.trouble().map(String::as_str), Some("423: archived"));
}

#[test]
fn what_a_forge_does_not_know_yet_is_not_called_told() {
    let mut forge = forge(ForgeKind::Gitea);
    let all = wanted('a', &[(WHOLE, Success)]);
    assert_eq!(asks(&mut forge, &all, at(0)), ["read aaaaaaa"]);
    forge.has(&commit('a'), no(Refusal::NoCommit), at(0));
    assert_eq!(asks(&mut forge, &all, at(1)), [""; 0]);
    assert!(forge.unsaid().contains(&commit('a')), "a successor has to know");
    assert!(forge.is_quiet() && !forge.is_telling(&commit('a')), "nobody waits for it");
}
