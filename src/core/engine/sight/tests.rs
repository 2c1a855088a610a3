#![allow(clippy::unwrap_used, clippy::panic)]
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::model::{ContentHash, FieldSet, SolutionName};
use crate::plan::Harm;
use crate::plan::Step;
use crate::plan::observed::Record;
use crate::plan::observed::{Approval, DeploymentFacts, HealthFacts, Owner, PodFacts};

fn sight() -> Sight {
    Sight::new(InstanceName::parse("prod").unwrap(), "vitrine".to_owned(), 7)
}

fn called(name: &str) -> SolutionName {
    SolutionName::parse(name).unwrap()
}

fn seen(name: &str, uid: &str, version: u64, change: impl Fn(&mut Value)) -> Box<Seen> {
    let mut meta = json!({
        "name": name, "namespace": "sol-use", "uid": uid, "generation": 1,
        "resourceVersion": version.to_string(),
        "labels": {"vitrine.dev/instance": "prod", "vitrine.dev/solution": "use"},
        "managedFields": [{"manager": "vitrine", "operation": "Apply",
            "fieldsV1": {"f:spec": {}}}],
    });
    change(&mut meta);
    Box::new(Seen { meta: serde_json::from_value(meta).unwrap(), ..Seen::default() })
}

fn plain(_: &mut Value) {}

fn service(name: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::Service, "sol-use", name)
}

fn hear(store: &mut Sight, kind: Kind, news: News) -> Vec<Touched> {
    let mut batch = Batch::default();
    store.hear(kind, news, &mut batch);
    batch.finish()
}

fn delete(name: &str) -> Step {
    Step::Delete { key: service(name), uid: "u1".into(), resource_version: "5".into() }
}

fn done(store: &mut Sight, step: Step, written: Written) -> Vec<Touched> {
    let mut batch = Batch::default();
    store.done(&called("use"), &step, written, None, &mut batch);
    batch.finish()
}

/// A step about a Service whose answer writes.
fn answered(store: &mut Sight, seen: Box<Seen>) {
    done(store, delete("web"), Written::Object(seen));
}

#[test]
fn an_event_older_than_our_own_write_is_not_heard() {
    let mut store = sight();
    answered(&mut store, seen("web", "u1", 10, plain));
    let old = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 9, plain)));
    assert_eq!(old, []);
    assert_eq!(store.observed.solutions["use"][&service("web")].resource_version, "10");
    // As numbers: 9 < 10 < 100.
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 100, plain)));
    assert_eq!(store.observed.solutions["use"][&service("web")].resource_version, "100");
    // The end of the object before this one.
    hear(&mut store, Kind::Service, News::Deleted(seen("web", "u0", 99, plain)));
    assert!(store.observed.solutions.contains_key("use"));
}

#[test]
fn an_answer_slower_than_the_watch_brings_nothing_back() {
    let mut store = sight();
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
    let dying = |meta: &mut Value| meta["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    hear(&mut store, Kind::Service, News::Deleted(seen("web", "u1", 7, dying)));
    answered(&mut store, seen("web", "u1", 6, dying));
    assert!(store.observed.solutions.is_empty(), "a ghost that no event will ever take");
}

#[test]
fn an_event_that_says_nothing_new_touches_nothing() {
    let mut store = sight();
    let first = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
    assert_eq!(first, [Touched::Solution(called("use"))]);
    let again = hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
    assert_eq!(again, []);
}

#[test]
fn what_a_delete_took_does_not_come_back_through_a_late_event() {
    let mut store = sight();
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
    done(&mut store, delete("web"), Written::Gone("u1".into()));
    assert!(store.observed.solutions.is_empty());
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 6, plain)));
    assert!(store.observed.solutions.is_empty());
    hear(&mut store, Kind::Service, News::Deleted(seen("web", "u1", 7, plain)));
    assert!(store.buried.is_empty());
    // Another object of that name is another object.
    hear(&mut store, Kind::Service, News::Present(seen("web", "u2", 8, plain)));
    assert_eq!(store.observed.solutions["use"][&service("web")].uid, "u2");
}

#[test]
fn a_new_list_forgets_what_it_does_not_hold_but_not_what_we_wrote_since() {
    let mut store = sight();
    for name in ["stays", "goes"] {
        hear(&mut store, Kind::Service, News::Present(seen(name, name, 5, plain)));
    }
    let unknown = hear(&mut store, Kind::Service, News::Listing);
    assert_eq!(unknown, [Touched::Kind(Kind::Service, KindState::Unknown)]);
    hear(&mut store, Kind::Service, News::Present(seen("stays", "stays", 5, plain)));
    answered(&mut store, seen("web", "u1", 30, plain));
    hear(&mut store, Kind::Service, News::Listed("20".to_owned()));
    let left: Vec<&str> =
        store.observed.solutions["use"].keys().map(|key| key.name.as_str()).collect();
    assert_eq!(left, ["stays", "web"]);
    assert_eq!(store.observed.kinds[&Kind::Service], KindState::Synced);
}

#[test]
fn an_edited_solution_label_moves_nothing_and_without_our_label_an_object_leaves() {
    let mut store = sight();
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 5, plain)));
    let other = |m: &mut Value| m["labels"]["vitrine.dev/solution"] = json!("other");
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 6, other)));
    assert_eq!(store.observed.solutions.keys().collect::<Vec<_>>(), [&called("use")]);
    let bare = |m: &mut Value| m["labels"] = json!({});
    hear(&mut store, Kind::Service, News::Present(seen("web", "u1", 7, bare)));
    assert!(store.observed.solutions.is_empty());
}

#[test]
fn a_foreign_namespace_is_known_and_not_ours() {
    let mut store = sight();
    let bare = |m: &mut Value| {
        m.as_object_mut().unwrap().remove("namespace");
    };
    let foreign = |m: &mut Value| {
        bare(m);
        m["labels"] = json!({});
    };
    let touched =
        hear(&mut store, Kind::Namespace, News::Present(seen("theirs", "n1", 3, foreign)));
    assert_eq!(touched, [Touched::Namespace("theirs".into())]);
    hear(&mut store, Kind::Namespace, News::Present(seen("sol-use", "n2", 4, bare)));
    assert_eq!(store.observed.namespaces["theirs"].owner, Owner::Nobody);
    assert_eq!(store.observed.namespaces["sol-use"].owner, Owner::ThisInstance);
    let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
    assert_eq!(
        store.observed.solutions["use"][&key].health,
        HealthFacts::Namespace { active: true }
    );
    // Our label alone, on a namespace that somebody else made.
    let labelled = |m: &mut Value| {
        bare(m);
        m["managedFields"] = json!([{"manager": "kubectl", "operation": "Update"}]);
    };
    hear(&mut store, Kind::Namespace, News::Present(seen("sol-use", "n2", 5, labelled)));
    let key = ObjectKey::cluster(Kind::Namespace, "sol-use");
    assert!(!store.observed.solutions["use"][&key].is_ours(), "adopted, not yet ours to delete");
    hear(&mut store, Kind::Namespace, News::Deleted(seen("sol-use", "n2", 6, bare)));
    assert!(!store.observed.namespaces.contains_key("sol-use"));
    assert!(store.observed.solutions.is_empty());
}

#[test]
fn after_a_patch_old_facts_read_as_progressing() {
    let mut store = sight();
    let key = ObjectKey::namespaced(Kind::Deployment, "sol-use", "web");
    let mut first = seen("web", "u1", 5, plain);
    let facts = DeploymentFacts {
        generation: 1,
        observed_generation: 1,
        wanted: 2,
        available: 2,
        ..DeploymentFacts::default()
    };
    first.health = HealthFacts::Deployment(Box::new(facts));
    hear(&mut store, Kind::Deployment, News::Present(first));
    let step = Step::Delete { key: key.clone(), uid: "".into(), resource_version: "".into() };
    done(&mut store, step, Written::Object(seen("web", "u1", 6, |m| m["generation"] = json!(2))));
    let HealthFacts::Deployment(facts) = &store.observed.solutions["use"][&key].health else {
        panic!("no facts");
    };
    assert_eq!((facts.generation, facts.observed_generation), (2, 1));
    assert_eq!((facts.wanted, facts.available), (2, 2));
}

#[test]
fn only_a_pod_in_trouble_is_remembered() {
    let mut store = sight();
    let pod = |word: Option<&str>| {
        let mut pod = seen("web-1", "p", 5, plain);
        pod.pod = Some(PodFacts { word: word.map(Into::into), ..PodFacts::default() });
        News::Present(pod)
    };
    assert_eq!(hear(&mut store, Kind::Pod, pod(None)), []);
    assert_eq!(hear(&mut store, Kind::Pod, pod(Some("ErrImagePull"))).len(), 1);
    assert_eq!(hear(&mut store, Kind::Pod, pod(Some("ErrImagePull"))), []);
    assert_eq!(store.observed.pods["use"]["web-1"].word.as_deref(), Some("ErrImagePull"));
    assert_eq!(hear(&mut store, Kind::Pod, pod(None)).len(), 1);
    assert!(store.observed.pods.is_empty());
}

#[test]
fn an_approval_is_read_and_belongs_to_no_solution() {
    let mut store = sight();
    let approval = |namespace: &'static str| {
        seen("a", "u1", 5, move |m| {
            m["namespace"] = json!(namespace);
            m["labels"] = json!({"vitrine.dev/instance": "prod", "vitrine.dev/approval": "true"});
        })
    };
    let mut batch = Batch::default();
    store.hear(Kind::ConfigMap, News::Present(approval("elsewhere")), &mut batch);
    assert!(batch.read.is_empty(), "only the daemon's namespace approves");
    store.hear(Kind::ConfigMap, News::Present(approval("vitrine")), &mut batch);
    assert_eq!(batch.read, ["a"]);
    assert!(store.observed.solutions.is_empty());
}

#[test]
fn an_approval_that_was_taken_away_while_it_was_read_approves_nothing() {
    let mut store = sight();
    let shown = |name: &'static str| {
        seen(name, "u1", 5, move |m| {
            m["namespace"] = json!("vitrine");
            m["labels"] = json!({"vitrine.dev/instance": "prod", "vitrine.dev/approval": "true"});
        })
    };
    let approval = Approval {
        hash: ContentHash::of(b"these"),
        harm: Harm::default(),
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    let mut batch = Batch::default();
    for name in ["kept", "deleted"] {
        store.hear(Kind::ConfigMap, News::Present(shown(name)), &mut batch);
    }
    store.hear(Kind::ConfigMap, News::Deleted(shown("deleted")), &mut batch);
    for name in ["kept", "deleted"] {
        store.approval(name.to_owned(), Some(approval.clone()), &mut batch);
    }
    assert_eq!(store.observed.approvals.keys().collect::<Vec<_>>(), ["kept"]);
    // So does a list that lacks it.
    hear(&mut store, Kind::ConfigMap, News::Listing);
    hear(&mut store, Kind::ConfigMap, News::Listed("9".to_owned()));
    store.approval("kept".to_owned(), Some(approval), &mut batch);
    assert!(store.observed.approvals.is_empty());
}

#[test]
fn a_kind_without_crd_holds_no_objects_and_says_no_problem() {
    let mut store = sight();
    let kind = Kind::ScaledObject;
    let trouble = News::State(KindState::Unknown, Some(Problem::of_one("no right", "give it")));
    hear(&mut store, kind, trouble);
    assert_eq!(store.problems["scaledobjects.keda.sh"].sentence, "no right");
    hear(&mut store, kind, News::Present(seen("web", "u1", 5, plain)));
    let touched = hear(&mut store, kind, News::State(KindState::Absent, None));
    assert_eq!(touched.len(), 2);
    assert!(store.observed.solutions.is_empty() && store.problems.is_empty());
}

#[test]
fn another_version_of_a_crd_is_told_and_the_first_is_not() {
    let mut sight = sight();
    let mut defined = |version| {
        let mut batch = Batch::default();
        sight.defined(Kind::ScaledObject, version, &mut batch);
        batch.finish()
    };
    assert_eq!(defined("1"), []);
    assert_eq!(defined("1"), []);
    assert_eq!(defined("2"), [Touched::Definition(Kind::ScaledObject)]);
}

/// A kind with one object at version 50, listed as of 60.
fn listed() -> Sight {
    let mut sight = sight();
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    hear(&mut sight, Kind::Service, News::Listed("60".to_owned()));
    assert!(sight.relist().is_empty());
    sight
}

#[test]
fn a_list_below_an_earlier_one_is_asked_for_again_and_then_believed() {
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 20, plain)));
    hear(&mut sight, Kind::Service, News::Present(seen("old", "u0", 10, plain)));
    hear(&mut sight, Kind::Service, News::Listed("30".to_owned()));
    assert_eq!(sight.observed.kinds[&Kind::Service], KindState::Unknown, "nothing is deleted");
    assert_eq!(sight.relist(), [Kind::Service].into());
    assert!(sight.relist().is_empty(), "asked for once");

    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 20, plain)));
    hear(&mut sight, Kind::Service, News::Present(seen("old", "u0", 10, plain)));
    hear(&mut sight, Kind::Service, News::Listed("31".to_owned()));
    assert_eq!(sight.observed.kinds[&Kind::Service], KindState::Synced);
    let shelf = &sight.observed.solutions["use"];
    assert_eq!(shelf[&service("web")].resource_version, "20");
    assert_eq!(shelf[&service("old")].resource_version, "10");
    // And from there on, older is older again.
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 19, plain)));
    assert_eq!(sight.observed.solutions["use"][&service("web")].resource_version, "20");
}

#[test]
fn what_a_delete_took_is_seen_again_when_the_store_was_put_back() {
    let mut sight = listed();
    done(&mut sight, delete("web"), Written::Gone("u1".into()));
    assert!(sight.observed.solutions.is_empty());
    hear(&mut sight, Kind::Service, News::Bookmark("40".to_owned()));
    assert_eq!(sight.relist(), [Kind::Service].into());
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 20, plain)));
    hear(&mut sight, Kind::Service, News::Listed("41".to_owned()));
    assert_eq!(sight.observed.solutions["use"][&service("web")].resource_version, "20");
}

#[test]
fn an_answer_below_the_version_that_was_sent_against_is_no_lag() {
    let mut sight = listed();
    let mut batch = Batch::default();
    let written = Written::Object(seen("web", "u1", 12, plain));
    sight.done(&called("use"), &delete("web"), written, Some(50), &mut batch);
    assert_eq!(sight.relist(), [Kind::Service].into());
    // The watch may be ahead of an answer without anything being wrong.
    let mut sight = listed();
    let written = Written::Object(seen("web", "u1", 49, plain));
    sight.done(&called("use"), &delete("web"), written, Some(48), &mut batch);
    assert!(sight.relist().is_empty());
}

#[test]
fn an_answer_that_comes_after_the_end_of_what_it_made_brings_nothing_back() {
    let mut sight = listed();
    let step = Step::Delete { key: service("new"), uid: "".into(), resource_version: "".into() };
    sight.sent(&step);
    hear(&mut sight, Kind::Service, News::Present(seen("new", "u9", 70, plain)));
    hear(&mut sight, Kind::Service, News::Deleted(seen("new", "u9", 71, plain)));
    let mut batch = Batch::default();
    sight.done(
        &called("use"),
        &step,
        Written::Object(seen("new", "u9", 70, plain)),
        None,
        &mut batch,
    );
    assert_eq!(sight.live(&service("new")), None, "a ghost that no event will ever take");
}

#[test]
fn what_a_list_showed_that_was_broken_off_is_of_a_store_that_was_put_back() {
    let mut sight = sight();
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    for told_again in [true, false] {
        hear(&mut sight, Kind::Service, News::Listing);
        hear(&mut sight, Kind::Service, News::Listed("20".to_owned()));
        assert_eq!(!sight.relist().is_empty(), told_again);
    }
    assert!(sight.live(&service("web")).is_none());
}

#[test]
fn an_answer_older_than_a_list_without_the_object_brings_nothing_back() {
    // Its CRD went and came back while the answer was on its way.
    let mut sight = listed();
    let mut batch = Batch::default();
    let step = Step::Delete { key: service("new"), uid: "u9".into(), resource_version: "1".into() };
    sight.sent(&step);
    let sent_at = sight.newest(Kind::Service);
    hear(&mut sight, Kind::Service, News::State(KindState::Absent, None));
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Listed("70".to_owned()));
    let written = Written::Object(seen("new", "u9", 65, plain));
    sight.done(&called("use"), &step, written, sent_at, &mut batch);
    assert!(sight.live(&service("new")).is_none());
    // What is newer than the list is there.
    let written = Written::Object(seen("new", "u10", 71, plain));
    sight.done(&called("use"), &step, written, sent_at, &mut batch);
    assert!(sight.live(&service("new")).is_some());
}

#[test]
fn a_list_that_an_answer_overtook_is_read_again_and_nobody_is_alarmed() {
    let mut sight = listed();
    for (answer, list) in [(90, 80), (100, 95)] {
        let mut batch = Batch::default();
        let written = Written::Object(seen("web", "u1", answer, plain));
        sight.done(&called("use"), &delete("web"), written, None, &mut batch);
        hear(&mut sight, Kind::Service, News::Listing);
        hear(&mut sight, Kind::Service, News::Listed(list.to_string()));
        assert_eq!(sight.late(), [Kind::Service].into());
        hear(&mut sight, Kind::Service, News::Listing);
        hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", answer, plain)));
        hear(&mut sight, Kind::Service, News::Listed((answer + 1).to_string()));
        assert_eq!(sight.observed.kinds[&Kind::Service], KindState::Synced);
        assert!(sight.relist().is_empty() && sight.late().is_empty() && !sight.reads_lease());
    }
}

#[test]
fn a_list_that_is_older_than_an_answer_before_it_is_of_a_store_that_was_put_back() {
    let mut sight = listed();
    let mut batch = Batch::default();
    let written = Written::Object(seen("web", "u1", 90, plain));
    sight.done(&called("use"), &delete("web"), written, None, &mut batch);
    // The first may have been read before the answer was given.
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Listed("80".to_owned()));
    assert_eq!(sight.observed.kinds[&Kind::Service], KindState::Unknown, "nothing is deleted");
    assert_eq!((sight.relist(), sight.late()), ([].into(), [Kind::Service].into()));
    assert!(sight.late().is_empty(), "asked for once");
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Listed("81".to_owned()));
    assert_eq!((sight.relist(), sight.late()), ([Kind::Service].into(), [].into()));
    // An answer that came while the list was under way may be newer than it.
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Listing);
    let written = Written::Object(seen("web", "u1", 90, plain));
    sight.done(&called("use"), &delete("web"), written, None, &mut batch);
    hear(&mut sight, Kind::Service, News::Listed("80".to_owned()));
    assert!(sight.relist().is_empty());
    assert!(sight.live(&service("web")).is_some(), "we wrote it since");
}

#[test]
fn an_event_below_an_earlier_one_is_of_a_store_that_was_put_back() {
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 70, plain)));
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 70, plain)));
    assert!(sight.relist().is_empty(), "twice the same is no step back");
    hear(&mut sight, Kind::Service, News::Present(seen("other", "u2", 65, plain)));
    assert_eq!(sight.relist(), [Kind::Service].into());
}

#[test]
fn one_kind_that_went_backwards_doubts_every_kind_of_the_same_store() {
    // An etcd was put back, and of the Services nobody says a word for an hour.
    let mut sight = listed();
    hear(&mut sight, Kind::Deployment, News::Listing);
    hear(&mut sight, Kind::Deployment, News::Listed("61".to_owned()));
    hear(&mut sight, Kind::Deployment, News::Bookmark("40".to_owned()));
    assert_eq!(sight.relist(), [Kind::Service, Kind::Deployment].into());
    for kind in [Kind::Service, Kind::Deployment] {
        hear(&mut sight, kind, News::Listing);
        hear(&mut sight, kind, News::Listed("41".to_owned()));
        assert!(sight.relist().is_empty(), "one list of each is enough");
    }
    assert!(sight.live(&service("web")).is_none(), "it is not in that store");
}

/// When daily lists are due, by the clock that does not jump.
fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

/// As [`listed`], at the hour 0, and then a day and two hours pass.
fn a_day_after() -> Sight {
    let mut sight = listed();
    assert!(sight.audits(at(0)).is_empty());
    assert!(sight.audits(at(24)).is_empty(), "not before a day passed");
    assert!((at(24)..=at(26)).contains(&sight.deadline().unwrap()));
    assert_eq!(sight.audits(at(26)), [Kind::Service].into());
    assert!(sight.audits(at(26)).is_empty(), "told once");
    assert_eq!(sight.deadline(), None);
    sight
}

#[test]
fn a_daily_list_that_shows_what_the_watch_said_touches_nothing() {
    let mut sight = a_day_after();
    // What is newer than the watch had told is news, and no difference.
    let news = seen("new", "u2", 62, plain);
    assert_eq!(hear(&mut sight, Kind::Service, News::Listing), [], "nothing is doubted meanwhile");
    let same = hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    assert_eq!(same, []);
    hear(&mut sight, Kind::Service, News::Present(news));
    assert_eq!(hear(&mut sight, Kind::Service, News::Listed("70".to_owned())), []);
    assert_eq!(sight.differed(), []);
    // And the next day again.
    assert!(sight.audits(at(26)).is_empty());
    assert!(sight.audits(at(50)).is_empty());
    assert_eq!(sight.audits(at(52)), [Kind::Service].into());
}

#[test]
fn what_the_watch_never_said_is_taken_in_and_counted() {
    let mut sight = a_day_after();
    hear(&mut sight, Kind::Service, News::Listing);
    // `other` came and `web` went while the watch said that all is told up to 60.
    let found = hear(&mut sight, Kind::Service, News::Present(seen("other", "u2", 55, plain)));
    assert_eq!(found, [Touched::Solution(called("use"))]);
    let gone = hear(&mut sight, Kind::Service, News::Listed("70".to_owned()));
    assert_eq!(gone, [Touched::Solution(called("use"))]);
    assert_eq!(sight.differed(), [(Kind::Service, 2)]);
    assert_eq!(sight.differed(), [], "told once");
    let names: Vec<&str> =
        sight.observed.solutions["use"].keys().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["other"]);
}

#[test]
fn a_list_that_nobody_asked_for_is_compared_with_nothing_and_puts_the_next_off() {
    let mut sight = listed();
    assert!(sight.audits(at(0)).is_empty());
    let doubt = hear(&mut sight, Kind::Service, News::Listing);
    assert_eq!(doubt, [Touched::Kind(Kind::Service, KindState::Unknown)]);
    hear(&mut sight, Kind::Service, News::Listed("70".to_owned()));
    assert_eq!(sight.differed(), [], "the watch had expired: it had not said everything");
    assert!(sight.audits(at(20)).is_empty());
    assert!(sight.audits(at(30)).is_empty(), "a day after the last list, not after the first");
    assert_eq!(sight.audits(at(46)), [Kind::Service].into());
}

#[test]
fn what_is_not_watched_is_not_due() {
    let mut sight = listed();
    assert!(sight.audits(at(0)).is_empty());
    let trouble = Some(silence("no answer"));
    hear(&mut sight, Kind::Service, News::State(KindState::Unknown, trouble));
    assert_eq!((sight.audits(at(30)), sight.deadline()), (BTreeSet::new(), None));
    hear(&mut sight, Kind::Service, News::State(KindState::Synced, None));
    assert_eq!(sight.audits(at(30)), [Kind::Service].into());
}

#[test]
fn the_daily_lists_of_many_kinds_are_spread() {
    let mut sight = sight();
    for kind in Kind::RENDERED {
        hear(&mut sight, kind, News::Listing);
        hear(&mut sight, kind, News::Listed("60".to_owned()));
    }
    assert!(sight.audits(at(0)).is_empty());
    let half = at(25);
    let (first, second) = (sight.audits(half).len(), sight.audits(at(26)).len());
    assert_eq!(first + second, Kind::RENDERED.len());
    assert!(first > 3 && second > 3, "{first} and {second}");
}

/// The Lease as it is read at a version.
fn lease(sight: &mut Sight, version: Option<&str>) {
    sight.record(Record::Missing, version, &mut Batch::default());
}

#[test]
fn a_lease_below_what_it_was_doubts_every_kind() {
    let mut sight = listed();
    hear(&mut sight, Kind::Deployment, News::Listing);
    hear(&mut sight, Kind::Deployment, News::Listed("61".to_owned()));
    lease(&mut sight, Some("55"));
    lease(&mut sight, Some("55"));
    sight.recorded(Record::Missing, "58");
    assert!(sight.relist().is_empty());
    lease(&mut sight, Some("57"));
    assert_eq!(sight.relist(), [Kind::Service, Kind::Deployment].into());
    // And what the new lists say counts, whatever its version.
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 20, plain)));
    hear(&mut sight, Kind::Service, News::Listed("58".to_owned()));
    assert_eq!(sight.observed.solutions["use"][&service("web")].resource_version, "20");
}

#[test]
fn a_lease_that_was_there_and_is_not_is_of_a_store_that_was_put_back() {
    let mut sight = listed();
    lease(&mut sight, None);
    lease(&mut sight, Some("55"));
    assert!(sight.relist().is_empty());
    lease(&mut sight, None);
    assert_eq!(sight.relist(), [Kind::Service].into());
}

#[test]
fn the_lease_is_looked_at_when_somebody_answers_again_and_when_a_kind_went_backwards() {
    let mut sight = listed();
    assert!(!sight.reads_lease());
    let trouble = |what: &str| News::State(KindState::Unknown, Some(silence(what)));
    hear(&mut sight, Kind::Service, trouble("no answer"));
    hear(&mut sight, Kind::Deployment, trouble("no answer"));
    assert!(!sight.reads_lease(), "nobody would answer");
    hear(&mut sight, Kind::Service, News::State(KindState::Synced, None));
    assert!(sight.reads_lease());
    hear(&mut sight, Kind::Deployment, News::State(KindState::Synced, None));
    assert!(!sight.reads_lease(), "once for all kinds");
    hear(&mut sight, Kind::Service, News::Bookmark("40".to_owned()));
    assert!(sight.reads_lease());
}

/// Nobody answers.
fn silence(cause: &str) -> Problem {
    Problem {
        sentence: format!("it cannot be watched: {cause}"),
        silence: Some(cause.to_owned()),
        next: "look whether it runs".to_owned(),
    }
}

#[test]
fn the_server_is_silent_when_every_watch_is_and_until_none_is() {
    let mut sight = listed();
    let cause = |sight: &Sight| sight.silence().and_then(|problem| problem.silence.clone());
    hear(&mut sight, Kind::ScaledObject, News::State(KindState::Absent, None));
    let (last, others) = Kind::RENDERED.split_last().unwrap();
    for kind in others.iter().filter(|kind| **kind != Kind::ScaledObject) {
        hear(&mut sight, *kind, News::State(KindState::Unknown, Some(silence("no answer"))));
    }
    assert_eq!(cause(&sight), None, "one of them still stands");
    let right = Problem::of_one("no right", "give it");
    hear(&mut sight, *last, News::State(KindState::Unknown, Some(right)));
    assert_eq!(cause(&sight), None, "an answer, if no good one");
    hear(&mut sight, *last, News::State(KindState::Unknown, Some(silence("refused"))));
    assert_eq!(cause(&sight).as_deref(), Some("refused"));
    hear(&mut sight, Kind::Service, News::State(KindState::Unknown, Some(silence("500"))));
    assert_eq!(cause(&sight).as_deref(), Some("500"), "why now");
    hear(&mut sight, *last, News::Listing);
    assert_eq!(cause(&sight).as_deref(), Some("500"), "they come back one by one");
    // A kind that stays broken, as one whose conversion fails, is not everybody's.
    for kind in others.iter().filter(|kind| **kind != Kind::Service) {
        hear(&mut sight, *kind, News::State(KindState::Synced, None));
    }
    assert_eq!(cause(&sight), None);
    hear(&mut sight, Kind::Service, News::State(KindState::Unknown, Some(silence("500"))));
    assert_eq!(cause(&sight), None);
}

#[test]
fn a_list_that_shows_what_was_deleted_is_of_a_store_that_was_put_back() {
    // The events of the DELETE were not told before, and no version of a list tells of it.
    let mut sight = listed();
    done(&mut sight, delete("web"), Written::Gone("u1".into()));
    for told in [([].into(), [Kind::Service].into()), ([Kind::Service].into(), [].into())] {
        hear(&mut sight, Kind::Service, News::Listing);
        hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
        hear(&mut sight, Kind::Service, News::Listed("75".to_owned()));
        assert_eq!(sight.observed.kinds[&Kind::Service], KindState::Unknown);
        // Once, the list may have been read before the DELETE.
        assert_eq!((sight.relist(), sight.late()), told);
    }
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    hear(&mut sight, Kind::Service, News::Listed("76".to_owned()));
    assert!(sight.live(&service("web")).is_some(), "it is there, and can be deleted again");
}

#[test]
fn a_list_that_shows_an_object_as_it_was_is_of_a_store_that_was_put_back() {
    // Others wrote since, so that no version of a list tells of it. What a DELETE is sent against
    // would be wrong for ever.
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 70, plain)));
    for told in [([].into(), [Kind::Service].into()), ([Kind::Service].into(), [].into())] {
        hear(&mut sight, Kind::Service, News::Listing);
        hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
        hear(&mut sight, Kind::Service, News::Listed("75".to_owned()));
        assert_eq!((sight.relist(), sight.late()), told);
    }
    hear(&mut sight, Kind::Service, News::Listing);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    hear(&mut sight, Kind::Service, News::Listed("76".to_owned()));
    assert_eq!(sight.observed.solutions["use"][&service("web")].resource_version, "50");
    // What we were answered while a list was under way may be newer than what it shows.
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Listing);
    let written = Written::Object(seen("web", "u1", 90, plain));
    done(&mut sight, delete("web"), written);
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    hear(&mut sight, Kind::Service, News::Listed("80".to_owned()));
    assert!(sight.relist().is_empty() && sight.late().is_empty());
}

#[test]
fn a_list_that_began_before_a_delete_may_show_what_it_took() {
    let mut sight = listed();
    hear(&mut sight, Kind::Service, News::Listing);
    done(&mut sight, delete("web"), Written::Gone("u1".into()));
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 50, plain)));
    hear(&mut sight, Kind::Service, News::Listed("75".to_owned()));
    assert!(sight.relist().is_empty() && sight.late().is_empty());
    assert!(sight.live(&service("web")).is_none());
}

#[test]
fn what_an_answer_lacks_stays_known_until_the_next_answer_or_until_something_else_is_ours() {
    let lacks = |fields: Value, version: u64| {
        let lacks = Some(FieldSet::recorded(&fields));
        Box::new(Seen { lacks, ..*seen("web", "u1", version, plain) })
    };
    let some = || json!({"f:spec": {}});
    let taken = |sight: &Sight| sight.live(&service("web")).unwrap().taken.is_some();
    let mut sight = listed();
    answered(&mut sight, lacks(some(), 70));
    assert!(taken(&sight));
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 70, plain)));
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 71, plain)));
    assert!(taken(&sight), "the watch does not show it");
    answered(&mut sight, lacks(json!({}), 72));
    assert!(!taken(&sight));
    // The watch was faster than the answer.
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 80, plain)));
    answered(&mut sight, lacks(some(), 79));
    assert!(taken(&sight));
    let other = |m: &mut Value| m["managedFields"][0]["fieldsV1"] = json!({"f:data": {}});
    hear(&mut sight, Kind::Service, News::Present(seen("web", "u1", 81, other)));
    assert!(!taken(&sight));
}

/// The bytes that are kept of sixteen objects of a solution as an API server shows them.
fn kept_of_sixteen() -> i64 {
    let mut store = sight();
    let marks = json!({
        "vitrine.dev/content": "e".repeat(64), "vitrine.dev/revision": "a".repeat(40),
    });
    let shown = |number: u64| {
        let uid = format!("2f1f5be0-1c41-4f0e-9d3b-0c0ffee{number:05x}");
        seen(&format!("demo-{number:04}"), &uid, 1_000_000 + number, |meta| {
            meta["annotations"] = marks.clone();
            meta["creationTimestamp"] = json!("2026-12-01T12:00:00Z");
        })
    };
    // What sixteen others have already, such as the set of fields, is shared.
    (0..16).for_each(|number| drop(hear(&mut store, Kind::Service, News::Present(shown(number)))));
    let more = || {
        for number in 0..16 {
            drop(hear(&mut store, Kind::ServiceAccount, News::Present(shown(number))));
        }
    };
    allocation_counter::measure(more).bytes_current
}

#[test]
fn little_is_kept_of_an_object() {
    let kept = kept_of_sixteen();
    assert!(kept < 16 * 320, "{kept} bytes, {} an object", kept / 16);
    assert!(size_of::<Live>() <= 240, "{}", size_of::<Live>());
    assert!(size_of::<crate::plan::Form>() <= 168, "{}", size_of::<crate::plan::Form>());
}
