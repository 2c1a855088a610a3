use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::catalog::Memory;
use crate::change::tests::snapshot;
use crate::change::{Comparison, How};
use crate::config::{Config, Forge, PullRequests};
use crate::engine::event::{Listing, Opened, Reply};

const NOW: Now = Now { wall: Timestamp::UNIX_EPOCH, since_start: Duration::ZERO };

/// An engine that has read a pull request, and the one order that comes of it.
fn reading(mode: Mode, dry_run: bool, own: bool) -> (Engine, Reviewing) {
    let mut settings = Config::sample();
    settings.cluster.mode = mode;
    let pull_requests = PullRequests::Validate;
    settings.forge = Some(Forge { pull_requests, dry_run, ..Forge::sample(true) });
    let mut engine = Engine::new(settings, 1, NOW);
    let head = Revision::parse(&"b".repeat(40)).unwrap();
    let base = Revision::parse(&"a".repeat(40)).unwrap();
    let steady = engine.steady.at(NOW);
    let open = vec![Opened { number: 1, head: head.clone(), labels: BTreeSet::new(), own }];
    let listing = Some(Listing { open, merged: Vec::new() });
    engine.previews.listed(Reply { result: Ok(listing), left: None }, steady);
    engine.previews.sent(Wish::Compare { number: 1, head, base });
    let side = |digit, body| snapshot(digit, "", &[("use", body)]);
    let (base, head) = (side("a", ""), side("b", "  port: 9000\n"));
    let comparison = Comparison { base, head, how: How::Merged, earlier: Default::default() };
    let instance = engine.settings.instance.clone();
    engine.previews.compared(Ok(Box::new(comparison)), &instance, steady);
    let work = judged(&mut engine);
    (engine, work)
}

/// The order to judge, which is the only one.
#[track_caller]
fn judged(engine: &mut Engine) -> Reviewing {
    match ordered(engine) {
        Order::Review { work, .. } => work,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ordered(engine: &mut Engine) -> Order {
    let mut orders = Vec::new();
    engine.review(NOW, &mut orders);
    let [order] = <[Order; 1]>::try_from(orders).unwrap_or_else(|all| panic!("{all:?}"));
    order
}

#[test]
fn the_api_server_is_asked_only_for_who_may_write_by_a_daemon_that_writes() {
    let asked = |mode, dry_run, own| {
        let (_, work) = reading(mode, dry_run, own);
        !work.done(&mut Memory::default()).tries.is_empty()
    };
    assert!(asked(Mode::Apply, true, true));
    assert!(!asked(Mode::Apply, true, false), "a fork");
    assert!(!asked(Mode::Apply, false, true), "nobody set it");
    assert!(!asked(Mode::Report, true, true), "it only reports");
}

#[test]
fn a_silent_api_server_is_not_asked_and_nobody_waits_for_it() {
    for silent in [false, true] {
        let (mut engine, work) = reading(Mode::Apply, true, true);
        let reviewed = work.done(&mut Memory::default());
        engine.previews.reviewed(Some(reviewed), engine.steady.at(NOW));
        if silent {
            let problem = Problem::of_one("connection refused", "look whether it runs");
            engine.outage.hear(Some(&problem), NOW.wall);
            let last = judged(&mut engine).done(&mut Memory::default());
            assert!(last.lacks && last.unseen.len() == 1, "it is asked later: {last:?}");
        } else {
            assert!(matches!(ordered(&mut engine), Order::DryRun { .. }));
        }
    }
}
