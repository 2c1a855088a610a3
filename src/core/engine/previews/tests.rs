use std::sync::Arc;

use super::words::NOTHING;
use super::*;
use crate::catalog::Snapshot;
use crate::catalog::fit::Told;
use crate::change::tests::snapshot;
use crate::change::{Comparison, DryRun, How};
use crate::engine::check::Check;
use crate::engine::reviewed::Reviewed;
use crate::ledger;
use crate::model::fault::code;
use crate::model::{ContentHash, Fault, ImageReference, Kind, ObjectKey, Party};
use crate::plan::{DesiredObject, Form, Wave};
use crate::status::CommitState;

fn commit(digit: char) -> Revision {
    Revision::parse(&digit.to_string().repeat(40)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn ok<T>(value: T) -> Reply<T> {
    Reply { result: Ok(value), left: None }
}

fn no<T>(refusal: Refusal) -> Reply<T> {
    Reply { result: Err(refusal), left: None }
}

fn listing(open: &[(u64, char)]) -> Reply<Option<Listing>> {
    let open = open.iter().map(|(number, head)| opened(*number, *head, false));
    ok(Some(Listing { open: open.collect(), merged: Vec::new() }))
}

fn opened(number: u64, head: char, labelled: bool) -> Opened {
    let labels = labelled.then(|| "preview".to_owned()).into_iter().collect();
    Opened { number, head: commit(head), labels, own: false }
}

fn comparison() -> Box<Comparison> {
    let side = |digit| -> Snapshot { snapshot(digit, "", &[]) };
    Box::new(Comparison {
        base: side("a"),
        head: side("b"),
        how: How::Merged,
        earlier: BTreeMap::new(),
    })
}

fn found(page: Option<&str>) -> Reviewed {
    let instance = InstanceName::parse("prod").unwrap();
    let line = ledger::validated(&instance, CommitState::Success, "1 changed", "");
    let (names, asks) = (BTreeSet::new(), BTreeSet::new());
    let check = Check::of(&instance, ".", []);
    let page = page.map(str::to_owned);
    let (tries, unseen) = (Vec::new(), Vec::new());
    Reviewed { line, page, names, showing: None, check, asks, tries, lacks: false, unseen }
}

/// The organ, with nobody's last words.
struct Desk {
    organ: Previews,
    now: i64,
    base: char,
    said: Option<Vec<CommitStatus>>,
    /// Whether the forge takes anything.
    may_write: bool,
}

impl Desk {
    fn new() -> Self {
        let organ = Previews::new(PullRequests::Comment, false);
        Self { organ, now: 0, base: '0', said: None, may_write: true }
    }

    /// One that marks faults at their lines.
    fn marking() -> Self {
        Self { organ: Previews::new(PullRequests::Comment, true), ..Self::new() }
    }

    fn lines(&mut self) -> BTreeMap<Revision, Vec<CommitStatus>> {
        let instance = InstanceName::parse("prod").unwrap();
        self.organ.lines(&instance, |_| None)
    }

    fn wish(&mut self) -> Option<Wish> {
        let base = commit(self.base);
        let wish =
            self.organ.wish(Some(&base), |_, _| self.said.clone(), || self.may_write, at(self.now));
        if let Some(wish) = &wish {
            self.organ.sent(wish.clone());
        }
        wish
    }

    #[track_caller]
    fn lists(&mut self, open: &[(u64, char)]) {
        assert!(matches!(self.wish(), Some(Wish::List { .. })));
        self.organ.listed(listing(open), at(self.now));
    }

    /// What a merge of the next one would leave is read.
    #[track_caller]
    fn compares(&mut self) -> u64 {
        let Some(Wish::Compare { number, .. }) = self.wish() else { panic!("nothing is compared") };
        let instance = InstanceName::parse("prod").unwrap();
        self.organ.compared(Ok(comparison()), &instance, at(self.now));
        number
    }

    #[track_caller]
    fn judges(&mut self, number: u64, head: char, page: Option<&str>) {
        let base = commit(self.base);
        assert_eq!(self.wish(), Some(Wish::Compare { number, head: commit(head), base }));
        let instance = InstanceName::parse("prod").unwrap();
        self.organ.compared(Ok(comparison()), &instance, at(self.now));
        assert_eq!(self.organ.todo().map(|(todo, _)| todo), Some(Todo::Judge));
        self.organ.reviewed(Some(found(page)), at(self.now));
    }

    #[track_caller]
    fn writes(&mut self, number: u64, page: &str, known: Option<u64>, id: u64) {
        assert_eq!(self.wish(), Some(Wish::Write { number, page: page.to_owned(), known }));
        self.organ.written(ok(Some(Commented { id })), at(self.now));
    }
}

#[test]
fn each_head_is_judged_once_and_told_once() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1'), (2, '2')]);
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
    desk.judges(2, '2', None);
    assert_eq!(desk.wish(), None);
    let heads: Vec<Revision> = desk.lines().into_keys().collect();
    assert_eq!(heads, [commit('1'), commit('2')]);
    // A minute later nothing is new.
    desk.now = 61;
    desk.lists(&[(1, '1'), (2, '2')]);
    assert_eq!(desk.wish(), None);
    desk.now = 122;
    assert!(matches!(desk.wish(), Some(Wish::List { recent: false })));
    desk.organ.listed(ok(None), at(122));
    assert_eq!(desk.wish(), None);
}

#[test]
fn a_push_edits_what_stands_there_and_only_where_it_says_something_else() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
    for (head, page, writes) in [('2', Some("page"), None), ('3', Some("other"), Some("other"))] {
        desk.now += 61;
        desk.lists(&[(1, head)]);
        desk.judges(1, head, page);
        if let Some(page) = writes {
            desk.writes(1, page, Some(7), 7);
        }
        assert_eq!(desk.wish(), None, "{head}");
    }
    // What it touched is taken back: what stands there must not go on saying it.
    desk.now += 61;
    desk.lists(&[(1, '4')]);
    desk.judges(1, '4', None);
    desk.writes(1, NOTHING, Some(7), 7);
    assert_eq!(desk.wish(), None);
}

#[test]
fn another_base_judges_every_head_anew() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
    desk.base = '9';
    desk.judges(1, '1', Some("page"));
    assert_eq!(desk.wish(), None, "the same is not told twice");
}

#[test]
fn a_head_that_moves_while_it_is_judged_is_judged_again() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    let base = commit('0');
    assert_eq!(desk.wish(), Some(Wish::Compare { number: 1, head: commit('1'), base }));
    let instance = InstanceName::parse("prod").unwrap();
    desk.organ.compared(Ok(comparison()), &instance, at(0));
    assert_eq!(desk.wish(), None, "one at a time");
    desk.organ.reviewed(Some(found(Some("old"))), at(0));
    desk.now = 61;
    desk.organ.knock(at(61));
    // Before anything is told of the old one, the list is looked at.
    assert!(matches!(desk.wish(), Some(Wish::Write { .. })));
    desk.organ.written(ok(Some(Commented { id: 7 })), at(61));
    desk.lists(&[(1, '2')]);
    assert_eq!(desk.lines(), BTreeMap::new(), "nothing is known of the new one");
    desk.judges(1, '2', Some("new"));
    desk.writes(1, "new", Some(7), 7);
}

#[test]
fn what_somebody_deleted_stays_away_until_the_next_push() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
    desk.base = '9';
    desk.judges(1, '1', Some("other"));
    assert!(matches!(desk.wish(), Some(Wish::Write { known: Some(7), .. })));
    desk.organ.written(ok(None), at(0));
    assert_eq!(desk.wish(), None);
    desk.now = 61;
    desk.lists(&[(1, '2')]);
    desk.judges(1, '2', Some("other"));
    desk.writes(1, "other", None, 8);
}

#[test]
fn whether_a_comment_was_written_is_looked_up_where_nobody_knows() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    assert!(matches!(desk.wish(), Some(Wish::Write { known: None, .. })));
    desk.organ.written(no(Refusal::Unsure("no answer".to_owned())), at(0));
    assert_eq!(desk.organ.trouble().map(String::as_str), Some("no answer"));
    assert_eq!(desk.wish(), None, "not at once");
    desk.now = 30;
    desk.writes(1, "page", None, 7);
}

#[test]
fn a_merge_is_told_what_came_of_it_and_a_closing_is_not() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1'), (2, '2')]);
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
    desk.judges(2, '2', None);
    desk.now = 61;
    desk.lists(&[]);
    assert_eq!(desk.wish(), Some(Wish::Ask { number: 1 }));
    desk.organ.fated(ok(Fate::Merged(commit('e'))), at(61));
    assert_eq!(desk.wish(), Some(Wish::Ask { number: 2 }));
    desk.organ.fated(ok(Fate::Closed), at(61));
    assert_eq!(desk.wish(), None, "its last word is waited for");
    let line = |state, text: &str| CommitStatus {
        state,
        context: "vitrine/prod/use".to_owned(),
        description: text.to_owned(),
        url: "https://use.demo.example".to_owned(),
    };
    desk.said = Some(vec![line(CommitState::Success, "Synced: applied")]);
    let Some(Wish::Close { number: 1, line: told }) = desk.wish() else { panic!("nothing") };
    let live = "- `use`: `Synced: applied`, `https://use.demo.example`\n";
    assert_eq!(told, format!("**Merged as eeeeeee.** What became of it:\n\n{live}"));
    desk.organ.written(ok(None), at(61));
    assert_eq!(desk.wish(), None);
    let told = last_line(&commit('e'), &[line(CommitState::Failure, "Failed: no image")]);
    assert!(told.contains("- **not published:** `use`: `Failed: no image`"), "{told}");
}

#[test]
fn what_was_merged_just_before_the_start_is_told_too() {
    let mut desk = Desk::new();
    desk.said = Some(Vec::new());
    assert!(matches!(desk.wish(), Some(Wish::List { recent: true })));
    let merged = vec![(5, commit('e'))];
    desk.organ.listed(ok(Some(Listing { open: Vec::new(), merged })), at(0));
    let Some(Wish::Close { number: 5, line }) = desk.wish() else { panic!("nothing") };
    assert!(line.contains("It changed nothing that is published"), "{line}");
}

#[test]
fn last_words_that_never_come_are_not_waited_for_for_ever() {
    let mut desk = Desk::new();
    assert!(matches!(desk.wish(), Some(Wish::List { recent: true })));
    let merged = vec![(5, commit('e'))];
    desk.organ.listed(ok(Some(Listing { open: Vec::new(), merged })), at(0));
    assert_eq!(desk.organ.deadline(), Some(at(60)));
    desk.now = 2 * 3600;
    desk.lists(&[]);
    desk.said = Some(Vec::new());
    assert_eq!(desk.wish(), None);
}

#[test]
fn what_cannot_be_read_is_an_error_on_the_head_and_read_again() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    assert!(matches!(desk.wish(), Some(Wish::Compare { .. })));
    let instance = InstanceName::parse("prod").unwrap();
    desk.organ.compared(Err("no such ref".to_owned()), &instance, at(0));
    assert!(desk.organ.todo().is_none());
    let line = &desk.lines()[&commit('1')][0].clone();
    assert_eq!(line.state, CommitState::Error);
    assert_eq!(line.description, "it cannot be read: no such ref; vitrine tries again");
    assert_eq!(desk.wish(), None);
    assert_eq!(desk.organ.deadline(), Some(at(30)));
    desk.now = 30;
    desk.judges(1, '1', Some("page"));
    desk.writes(1, "page", None, 7);
}

#[test]
fn a_refused_list_is_told_and_asked_for_later() {
    for (refusal, wait, told) in [
        (Refusal::Unsure("down".to_owned()), 30, true),
        (Refusal::Shut("no right".to_owned()), 600, true),
        (Refusal::Later(SignedDuration::from_secs(90)), 90, false),
    ] {
        let mut desk = Desk::new();
        assert!(matches!(desk.wish(), Some(Wish::List { .. })));
        desk.organ.listed(no(refusal), at(0));
        assert_eq!(desk.organ.trouble().is_some(), told);
        assert_eq!((desk.wish(), desk.organ.deadline()), (None, Some(at(wait))));
        desk.now = wait;
        desk.lists(&[]);
        assert_eq!(desk.organ.trouble(), None);
    }
}

#[test]
fn with_validate_alone_nobody_is_commented_and_off_asks_nothing() {
    let mut desk = Desk::new();
    desk.organ = Previews::new(PullRequests::Validate, false);
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    assert_eq!((desk.wish(), desk.lines().len()), (None, 1));
    let mut off = Desk::new();
    off.organ = Previews::new(PullRequests::Off, true);
    off.organ.knock(at(0));
    assert_eq!((off.wish(), off.organ.deadline()), (None, None));
}

/// Judged for the first time, with an image that registries have to be asked for.
fn asks(desk: &mut Desk) -> BTreeSet<ImageReference> {
    desk.compares();
    assert!(matches!(desk.organ.todo(), Some((Todo::Judge, judging)) if judging.said.is_none()));
    let asks = BTreeSet::from([ImageReference::parse("registry.example/use:1").unwrap()]);
    let first = Reviewed { asks: asks.clone(), ..found(Some("before")) };
    desk.organ.reviewed(Some(first), at(desk.now));
    asks
}

#[test]
fn nobody_is_told_before_the_registries_answered() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    let asks = asks(&mut desk);
    assert_eq!(desk.organ.todo().map(|(todo, _)| todo), Some(Todo::Ask(asks)));
    assert!(desk.organ.todo().is_none(), "they are asked once");
    assert_eq!((desk.wish(), desk.lines().len()), (None, 0));
    desk.organ.asked(Told::new());
    assert!(matches!(desk.organ.todo(), Some((Todo::Judge, judging)) if judging.said.is_some()));
    desk.organ.reviewed(Some(found(Some("after"))), at(0));
    assert_eq!(desk.lines().len(), 1);
    desk.writes(1, "after", None, 7);
    assert_eq!(desk.wish(), None);
}

/// Something that the API server may have to be asked about.
fn form() -> Arc<Form> {
    Arc::new(Form::whole(&DesiredObject {
        key: ObjectKey::cluster(Kind::Namespace, "sol-use"),
        component: None,
        wave: Wave::Namespace,
        content: ContentHash::of(b"c"),
        template: None,
        pods: None,
        fields: Arc::default(),
        body: serde_json::json!({"kind": "Namespace"}),
    }))
}

#[test]
fn nobody_is_told_before_registries_and_the_api_server_answered() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.compares();
    assert!(matches!(desk.organ.todo(), Some((Todo::Judge, judging)) if judging.tried.is_none()));
    let asks = BTreeSet::from([ImageReference::parse("registry.example/use:1").unwrap()]);
    let tries = vec![form()];
    let both = || Reviewed { asks: asks.clone(), tries: tries.clone(), ..found(Some("before")) };
    desk.organ.reviewed(Some(both()), at(0));
    let todo = |desk: &mut Desk| desk.organ.todo().map(|(todo, _)| todo);
    assert_eq!(todo(&mut desk), Some(Todo::Ask(asks.clone())));
    assert_eq!(todo(&mut desk), None, "one after the other");
    desk.organ.asked(Told::new());
    assert_eq!(todo(&mut desk), Some(Todo::Try(tries.clone())));
    assert_eq!((todo(&mut desk), desk.wish(), desk.lines().len()), (None, None, 0));
    desk.organ.tried(DryRun::default());
    let is_last = |judging: &Judging| judging.said.is_some() && judging.tried.is_some();
    assert!(matches!(desk.organ.todo(), Some((Todo::Judge, judging)) if is_last(judging)));
    // Whatever it asks for again, it was answered.
    desk.organ.reviewed(Some(Reviewed { page: Some("after".to_owned()), ..both() }), at(0));
    desk.writes(1, "after", None, 7);
}

#[test]
fn a_head_is_of_the_repository_as_the_last_list_says() {
    let mut desk = Desk::new();
    for (own, head) in [(true, '1'), (false, '2')] {
        assert!(matches!(desk.wish(), Some(Wish::List { .. })));
        let open = vec![Opened { own, ..opened(1, head, false) }];
        desk.organ.listed(ok(Some(Listing { open, merged: Vec::new() })), at(desk.now));
        desk.compares();
        assert!(matches!(desk.organ.todo(), Some((Todo::Judge, judging)) if judging.own == own));
        desk.organ.reviewed(Some(found(None)), at(desk.now));
        desk.now += 60;
    }
}

#[test]
fn what_lies_in_a_fork_and_in_the_repository_is_the_repositorys() {
    let mut desk = Desk::new();
    let lists = |desk: &mut Desk, open: Vec<Opened>| {
        assert!(matches!(desk.wish(), Some(Wish::List { .. })));
        desk.organ.listed(ok(Some(Listing { open, merged: Vec::new() })), at(desk.now));
    };
    let judges = |desk: &mut Desk, number, page: &str| {
        assert_eq!(desk.compares(), number);
        let own = desk.organ.todo().is_some_and(|(_, judging)| judging.own);
        desk.organ.reviewed(Some(found(Some(page))), at(desk.now));
        own
    };
    // A fork's, judged without the API server.
    let fork = || opened(8, '1', false);
    lists(&mut desk, vec![fork()]);
    assert!(!judges(&mut desk, 8, "fork"));
    desk.writes(8, "fork", None, 80);
    // The same commit is pushed into the repository: no line of the fork's may stand for it.
    desk.now = 60;
    lists(&mut desk, vec![fork(), Opened { own: true, ..opened(7, '1', false) }]);
    assert!(judges(&mut desk, 7, "own"));
    desk.writes(7, "own", None, 70);
    assert!(judges(&mut desk, 8, "own too"));
    desk.writes(8, "own too", Some(80), 80);
    assert_eq!(desk.wish(), None);
}

#[test]
fn a_dry_run_that_nobody_answers_is_asked_for_again() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.compares();
    desk.organ.todo();
    desk.organ.reviewed(Some(Reviewed { tries: vec![form()], ..found(None) }), at(0));
    assert!(matches!(desk.organ.todo(), Some((Todo::Try(_), _))));
    desk.organ.lost(at(0));
    assert_eq!((desk.wish(), desk.lines().len()), (None, 0));
    desk.now = 30;
    assert!(matches!(desk.wish(), Some(Wish::Compare { .. })));
}

#[test]
fn an_image_that_nobody_could_look_at_is_looked_at_again_and_only_news_is_written() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    for (now, page, written) in [(0, "unseen", true), (600, "unseen", false), (1200, "seen", true)]
    {
        desk.now = now;
        if now > 0 {
            desk.lists(&[(1, '1')]);
        }
        asks(&mut desk);
        desk.organ.todo();
        desk.organ.asked(Told::new());
        let lacks = page == "unseen";
        desk.organ.reviewed(Some(Reviewed { lacks, ..found(Some(page)) }), at(now));
        match written {
            true => {
                let known = (now > 0).then_some(7);
                desk.writes(1, page, known, 7);
            }
            false => assert_eq!(desk.wish(), None),
        }
    }
    desk.now = 1801;
    desk.lists(&[(1, '1')]);
    assert_eq!(desk.wish(), None, "it was seen");
}

#[test]
fn a_question_to_registries_that_nobody_answers_is_asked_again() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    asks(&mut desk);
    desk.organ.todo();
    desk.organ.lost(at(0));
    assert_eq!((desk.wish(), desk.lines().len()), (None, 0));
    desk.now = 30;
    asks(&mut desk);
}

#[test]
fn an_answer_that_never_comes_is_asked_for_again() {
    let mut desk = Desk::new();
    assert!(desk.wish().is_some());
    desk.organ.lost(at(0));
    desk.now = 30;
    desk.lists(&[(1, '1')]);
    assert!(matches!(desk.wish(), Some(Wish::Compare { .. })));
    desk.organ.lost(at(30));
    desk.now = 60;
    assert!(matches!(desk.wish(), Some(Wish::Compare { .. })));
    let instance = InstanceName::parse("prod").unwrap();
    desk.organ.compared(Ok(comparison()), &instance, at(60));
    desk.organ.lost(at(60)); // the judgement
    desk.now = 90;
    assert!(desk.wish().is_some());
}

#[test]
fn that_it_may_not_comment_stays_told_while_it_may_list() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    desk.judges(1, '1', Some("page"));
    assert!(desk.wish().is_some());
    desk.organ.written(no(Refusal::Shut("no right".to_owned())), at(0));
    desk.now = 61;
    desk.lists(&[(1, '1')]);
    assert_eq!(desk.organ.trouble().map(String::as_str), Some("no right"));
    desk.now = 600;
    desk.writes(1, "page", None, 7);
    assert_eq!(desk.organ.trouble(), None);
}

/// As [`found`], with a fault at a line.
fn faulty(line: u32) -> Reviewed {
    let instance = InstanceName::parse("prod").unwrap();
    let fault = Fault::new(code::MISSING, "use/solution.yaml", Party::Author, "it is missing");
    let check = Check::of(&instance, ".", [&Fault { line, ..fault }]);
    Reviewed { check, ..found(None) }
}

/// A head is judged, with this outcome.
#[track_caller]
fn judged(desk: &mut Desk, reviewed: Reviewed) {
    desk.compares();
    desk.organ.todo();
    desk.organ.reviewed(Some(reviewed), at(desk.now));
}

#[test]
fn a_head_is_marked_once_with_what_is_wrong_at_its_lines() {
    let mut desk = Desk::marking();
    desk.lists(&[(1, '1')]);
    judged(&mut desk, faulty(7));
    let Some(Wish::Mark { number: 1, head, check }) = desk.wish() else { panic!("no mark") };
    assert_eq!((head, check.marks[0].lines), (commit('1'), (7, 7)));
    desk.organ.marked(ok(()), at(0));
    // Another base, and the same fault: nothing to say. Then it is mended there.
    desk.base = '9';
    judged(&mut desk, faulty(7));
    assert_eq!(desk.wish(), None);
    desk.base = '8';
    judged(&mut desk, found(None));
    let Some(Wish::Mark { check, .. }) = desk.wish() else { panic!("no mark") };
    assert!(check.marks.is_empty());
    desk.organ.marked(ok(()), at(0));
    assert_eq!(desk.wish(), None);
}

#[test]
fn a_mark_that_is_never_taken_keeps_no_other_head_from_its_own() {
    let mut desk = Desk::marking();
    desk.lists(&[(1, '1'), (2, '2')]);
    judged(&mut desk, faulty(7));
    assert!(matches!(desk.wish(), Some(Wish::Mark { number: 1, .. })));
    desk.organ.marked(no(Refusal::Never("no such line".to_owned())), at(0));
    judged(&mut desk, faulty(8));
    assert_eq!(desk.organ.trouble().map(String::as_str), Some("no such line"));
    desk.now = 600;
    assert!(matches!(desk.wish(), Some(Wish::Mark { number: 2, .. })));
    desk.organ.marked(no(Refusal::Unsure("away".to_owned())), at(600));
    desk.lists(&[(1, '1')]);
    assert_eq!(desk.organ.trouble(), None, "nobody waits for it any more");
}

#[test]
fn while_the_forge_takes_nothing_the_rest_goes_on_and_the_loop_rests() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1'), (2, '2')]);
    desk.may_write = false;
    desk.judges(1, '1', Some("page"));
    desk.judges(2, '2', Some("page"));
    assert_eq!(desk.wish(), None);
    desk.now = 61;
    desk.lists(&[(1, '1'), (2, '2')]);
    assert_eq!((desk.wish(), desk.organ.deadline()), (None, Some(at(121))));
    desk.may_write = true;
    desk.writes(1, "page", None, 7);
}

#[test]
fn a_look_that_is_due_waits_with_the_rest_where_a_pull_request_has_to_wait() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    judged(&mut desk, Reviewed { lacks: true, ..found(Some("page")) });
    assert!(matches!(desk.wish(), Some(Wish::Write { .. })));
    desk.organ.written(no(Refusal::Shut("no right".to_owned())), at(0));
    desk.now = 90;
    desk.lists(&[(1, '1')]);
    assert_eq!(desk.wish(), None);
    assert_eq!(desk.organ.deadline(), Some(at(150)), "no deadline lies behind");
}

#[test]
fn heads_that_were_never_judged_come_before_those_that_are_looked_at_again() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1'), (2, '2')]);
    judged(&mut desk, Reviewed { lacks: true, ..found(None) });
    judged(&mut desk, Reviewed { lacks: true, ..found(None) });
    desk.now = 60;
    desk.lists(&[(1, '1'), (2, '2'), (3, '3')]);
    let compares = |desk: &mut Desk| match desk.wish() {
        Some(Wish::Compare { number, .. }) => {
            desk.organ.lost(at(desk.now));
            number
        }
        other => panic!("{other:?}"),
    };
    assert_eq!([compares(&mut desk), compares(&mut desk), compares(&mut desk)], [3, 1, 2]);
}

#[test]
fn a_refused_mark_keeps_nobody_from_being_told() {
    let mut desk = Desk::marking();
    desk.lists(&[(1, '1'), (2, '2')]);
    judged(&mut desk, faulty(7));
    assert!(matches!(desk.wish(), Some(Wish::Mark { .. })));
    desk.organ.marked(no(Refusal::Shut("no right".to_owned())), at(0));
    assert_eq!(desk.organ.trouble().map(String::as_str), Some("no right"));
    judged(&mut desk, found(Some("page")));
    desk.writes(2, "page", None, 7);
    assert_eq!(desk.wish(), None);
    desk.now = 600;
    assert!(matches!(desk.wish(), Some(Wish::Mark { .. })));
    desk.organ.lost(at(600));
    desk.lists(&[(1, '1'), (2, '2')]);
    desk.now = 630;
    assert!(matches!(desk.wish(), Some(Wish::Mark { .. })));
}

#[test]
fn without_the_setting_no_head_is_marked() {
    let mut desk = Desk::new();
    desk.lists(&[(1, '1')]);
    judged(&mut desk, faulty(7));
    assert_eq!(desk.wish(), None);
}
