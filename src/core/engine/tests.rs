//! The engine as a whole, in a world that it cannot tell from the real one.

mod costs;
mod histories;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::world::{Act, Form, NAMES, Stuck, World};
use super::{Event, Order};
use crate::config::{Config, Mode, Verify};
use crate::model::invisible::is_invisible;
use crate::model::{Kind, ObjectKey, Party};
use crate::plan::observed::{Record, Went};
use crate::status::{Cause, Sync};

impl World {
    fn does(&mut self, acts: &[Act]) {
        for act in acts {
            self.act(act);
            self.decide();
        }
    }

    /// The world is as its newest commit asks, and nothing went wrong on the way.
    #[track_caller]
    fn is_fine(&mut self) {
        self.settle();
        assert_eq!(self.wrong, [""; 0]);
        assert_eq!(self.differences(), [""; 0]);
    }

    fn sync(&self, name: &str) -> Option<Sync> {
        let board = self.engine.board();
        board
            .verdicts
            .iter()
            .find(|verdict| verdict.name.as_str() == name)
            .map(|verdict| verdict.sync)
    }
}

/// The first two names of the world.
const TWO: [&str; 2] = ["alpha", "beta"];
/// Long enough for everything that is on its way.
const ON: Act = Act::Go(250);

#[test]
fn a_catalogue_is_published_and_then_there_is_nothing_to_do() {
    let mut world = World::settled(&TWO);
    world.is_fine();
    let steps = world.steps;
    world.does(&[Act::Pass(600)]);
    world.is_fine();
    assert_eq!(world.steps, steps, "a quiet world costs nothing");
}

#[test]
fn a_restart_with_everything_in_place_writes_nothing() {
    let mut world = World::settled(&TWO);
    let steps = world.steps;
    world.does(&[Act::Crash { late_lease: false, dark: false }]);
    world.is_fine();
    assert_eq!(world.steps, steps);
}

#[test]
fn a_jump_of_the_wall_clock_writes_nothing_and_delays_nothing() {
    let mut world = World::settled(&TWO);
    let steps = world.steps;
    world.does(&[Act::Jump(120), Act::Pass(90), Act::Jump(-120), Act::Pass(90)]);
    world.is_fine();
    assert_eq!(world.steps, steps);
}

#[test]
fn an_outage_of_the_repository_deletes_nothing_and_is_said() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::RepositoryDown(true), Act::Remove(0), Act::Hint, ON, Act::Pass(600), ON]);
    assert_eq!(world.deletions, []);
    assert_eq!(world.sync("alpha"), Some(Sync::Unknown));
    world.is_fine();
    assert_eq!(world.sync("alpha"), None, "it goes when the commit was read");
}

#[test]
fn a_start_without_the_lease_deletes_nothing_until_it_is_read() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::Crash { late_lease: true, dark: false }, Act::Remove(0), ON]);
    assert_eq!(world.deletions, []);
    world.is_fine();
    assert_eq!(world.sync("alpha"), None);
}

#[test]
fn a_refused_folder_keeps_what_runs_also_after_a_restart() {
    let mut world = World::settled(&TWO);
    let before = world.server.state.objects.clone();
    world.does(&[Act::Slip(0), Act::Hint, ON, Act::Crash { late_lease: false, dark: false }, ON]);
    world.is_fine();
    assert_eq!(world.server.state.objects, before);
    assert_eq!(world.sync("alpha"), Some(Sync::Failed));
}

#[test]
fn a_refusal_stays_the_verdict_while_it_is_tried_again() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::Deny(0, 0, true), Act::Publish(0, 1), Act::Hint, ON]);
    for _ in 0..12 {
        // The next try is sent, and on its way for a while.
        let steps = world.steps;
        world.does(&[Act::Pass(400)]);
        assert!(world.steps > steps, "it is tried again");
        let verdict = world.engine.rows.verdict("alpha").unwrap();
        assert_eq!(verdict.sync, Sync::Failed, "{}", verdict.reason);
        world.does(&[ON]);
        assert_eq!(world.sync("alpha"), Some(Sync::Failed));
    }
    world.is_fine();
}

#[test]
fn a_folder_that_no_solution_can_be_called_has_a_row_as_long_as_it_is_there() {
    let mut world = World::settled(&["alpha", "My_Demo"]);
    world.is_fine();
    assert_eq!(world.sync("alpha"), Some(Sync::Synced));
    assert_eq!(world.sync("My_Demo"), Some(Sync::Failed));
    world.remote.commit(false, |made| {
        made.folders.remove("My_Demo");
    });
    world.does(&[Act::Hint, ON]);
    world.is_fine();
    assert_eq!(world.sync("My_Demo"), None);
}

#[test]
fn a_broken_platform_freezes_all_and_a_mended_one_lets_all_go_on() {
    let mut world = World::settled(&TWO);
    let before = world.server.state.objects.clone();
    world.does(&[Act::BreakPlatform, Act::Remove(0), Act::Publish(1, 1), Act::Hint, ON]);
    assert_eq!(world.server.state.objects, before, "also what left the catalogue stays");
    world.does(&[Act::MendPlatform]);
    world.is_fine();
    assert_eq!((world.sync("alpha"), world.sync("beta")), (None, Some(Sync::Synced)));
}

#[test]
fn another_domain_moves_nobody_before_a_person_says_so() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta"]);
    let before = world.server.opened();
    assert_eq!(before.len(), 4, "{before:?}");
    world.does(&[Act::Domain(true), Act::Publish(0, 1), Act::Hint, ON, Act::Pass(10), ON]);
    let held = world.engine.board().held.clone().unwrap();
    assert_eq!(held.reason, "would move the addresses of 4 of 4 solutions");
    assert_eq!(held.harm.addresses, before);
    assert_eq!(
        world.server.posted(),
        Some(held.hash.first(12).as_str()),
        "where `approve` finds it"
    );
    assert_eq!(world.server.opened(), before);
    // A successor asks the same.
    world.does(&[Act::Crash { late_lease: false, dark: false }, ON, Act::Pass(10), ON]);
    assert_eq!(world.engine.board().held.as_ref(), Some(&held));
    assert_eq!(world.server.opened(), before);
    world.is_fine(); // a person approves
    let after = world.server.opened();
    assert_eq!(after.len(), 4);
    assert!(after.iter().all(|address| address.host.ends_with("other.example")), "{after:?}");
}

#[test]
fn one_solution_is_opened_elsewhere_at_once_and_counts_for_an_hour() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta"]);
    // This form is opened by configuration.
    world.does(&[Act::Publish(0, 2), Act::Hint, ON, Act::Pass(10), ON]);
    assert_eq!(world.sync("alpha"), Some(Sync::Synced));
    let Some((Record::Kept { removals, .. }, _)) = &world.server.state.record else { panic!() };
    let told: Vec<_> = removals.iter().map(|r| (r.name.as_str(), r.why)).collect();
    assert_eq!(told, [("alpha", Went::Moved)]);
    // The next one is too many for four, also for a successor.
    world.does(&[Act::Publish(1, 2), Act::Hint, ON, Act::Pass(10), ON]);
    let reason = |world: &World| world.engine.board().held.as_ref().map(|h| h.reason.clone());
    let told = "would move the addresses of 2 of 4 solutions (1 of them within the last hour)";
    assert_eq!(reason(&world).as_deref(), Some(told));
    world.does(&[Act::Crash { late_lease: false, dark: false }, ON, Act::Pass(10), ON]);
    assert_eq!(reason(&world).as_deref(), Some(told));
    world.is_fine(); // a person approves
}

#[test]
fn many_removals_at_once_are_held_and_an_update_beside_them_is_not() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta"]);
    world.does(&[Act::RemoveMany(2), Act::Publish(3, 1), Act::Hint, ON, Act::Pass(1), ON]);
    assert_eq!(world.deletions, []);
    let held = world.engine.board().held.clone().unwrap();
    assert_eq!(held.reason, "would remove 3 of 4 solutions");
    assert_eq!(world.sync("delta"), Some(Sync::Synced));
    world.is_fine(); // a person approves
    assert!(world.engine.board().held.is_none());
}

#[test]
fn what_a_commit_elsewhere_brought_here_serves_its_own_commit() {
    let mut world = World::with(Config::sample(), &TWO, 1);
    world.remote.commit(false, |made| {
        made.folders.insert("gamma".to_owned(), Form::Good(0));
    });
    world.settle();
    let serves = |world: &World, name: &str| {
        let board = world.engine.board();
        let verdict = board.verdicts.iter().find(|v| v.name.as_str() == name).unwrap();
        (verdict.sync, verdict.revision.clone(), verdict.serves_another().cloned())
    };
    let (_, first, _) = serves(&world, "alpha");
    for (trouble, end) in [
        (Act::RepositoryDown(true), Act::RepositoryDown(false)),
        (Act::BreakPlatform, Act::MendPlatform),
        (Act::Domain(true), Act::Domain(false)),
    ] {
        world.does(&[trouble, Act::Hint, ON, Act::Pass(10), ON]);
        let (sync, revision, other) = serves(&world, "alpha");
        assert!(sync != Sync::Synced && revision == first && other.is_none(), "{other:?}");
        world.does(&[end, Act::Hint, ON]);
    }
    // Its own commit is another one.
    world.does(&[Act::Slip(0), Act::Hint, ON, Act::Pass(10), ON]);
    let (_, revision, other) = serves(&world, "alpha");
    assert!(revision != first && other == first, "{revision:?} {other:?}");
}

#[test]
fn a_foreign_namespace_is_nobodys_solution_though_a_link_could_be_any() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::Link(true), Act::Hint, ON, Act::Pass(10), ON]);
    world.server.touch_foreign("sol-stranger");
    world.does(&[ON, Act::Pass(10), ON]);
    let names = |world: &World| -> Vec<String> {
        world.engine.board().verdicts.iter().map(|v| v.name.to_string()).collect()
    };
    assert_eq!(names(&world), ["alpha", "beta", "link"]);
    // What is ours stays, and is told, until it is known what the link is.
    world.does(&[Act::Remove(0), Act::Hint, ON, Act::Pass(10), ON]);
    assert_eq!(names(&world), ["alpha", "beta", "link"]);
    assert_eq!(world.sync("alpha"), Some(Sync::Failed));
    assert_eq!(world.deletions, []);
    world.does(&[Act::Link(false), Act::Hint, ON, Act::Pass(10), ON]);
    world.is_fine();
    assert_eq!(names(&world), ["beta"]);
}

#[test]
fn a_removal_is_on_the_lease_before_its_first_delete() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta", "omega", "zeta"]);
    world.does(&[Act::Remove(0), Act::Hint]);
    for _ in 0..400 {
        world.does(&[Act::Go(1)]);
        let known = format!("{:?}", world.server.state.record).contains("alpha");
        assert!(known || world.deletions.is_empty(), "{:?}", world.deletions);
    }
    assert!(!world.deletions.is_empty());
    world.is_fine();
}

/// How many objects of a solution are there.
fn objects(world: &World, name: &str) -> usize {
    let instance = Config::sample().instance;
    let is = |key: &ObjectKey| key.solution(&instance).is_some_and(|home| home.as_str() == name);
    world.server.ours().filter(|(key, _)| is(key)).count()
}

/// What the notes say of a solution on the newest commit.
fn noted(world: &World, name: &str) -> String {
    let head = world.engine.book.revision().unwrap();
    let context = format!("{}/{name}", crate::ledger::context(&Config::sample().instance, None));
    let lines = world.notes.get(head).into_iter().flatten();
    let mut lines = lines.filter(|line| line.context == context);
    lines.next().map(|line| line.description.clone()).unwrap_or_default()
}

#[test]
fn a_removal_says_how_much_went_and_which_address_no_longer_answers() {
    let mut world = World::settled(&TWO);
    let count = objects(&world, "alpha");
    world.does(&[Act::Remove(0), Act::Hint, ON]);
    world.is_fine();
    let words = format!("removed: {count} objects, https://alpha.demo.example no longer answers");
    assert_eq!(noted(&world, "alpha"), words);
    // It comes back, is refused before anything is there, and goes again: nothing went with it.
    world.does(&[Act::Publish(0, 0), Act::Slip(0), Act::Hint, ON, Act::Pass(10), ON]);
    assert_eq!((world.sync("alpha"), objects(&world, "alpha")), (Some(Sync::Failed), 0));
    world.does(&[Act::Remove(0), Act::Hint, ON]);
    world.is_fine();
    assert!(!noted(&world, "alpha").contains("objects"), "{}", noted(&world, "alpha"));
}

#[test]
fn a_removal_that_a_restart_cut_in_two_says_what_is_known_and_no_number() {
    let address = "https://alpha.demo.example no longer answers";
    let some = ["removed".to_owned(), format!("removed: {address}")];
    let mut known = BTreeSet::new();
    for steps in 0..40 {
        let mut world = World::settled(&TWO);
        let count = objects(&world, "alpha");
        world.does(&[Act::Remove(0), Act::Hint]);
        (0..steps).for_each(|_| world.does(&[Act::Go(1)]));
        let left = objects(&world, "alpha");
        let recorded = match &world.server.state.record {
            Some((Record::Kept { applied, .. }, _)) => {
                applied.as_ref() == world.engine.book.revision()
            }
            _ => false,
        };
        world.does(&[Act::Crash { late_lease: false, dark: false }, ON]);
        world.is_fine();
        let words = noted(&world, "alpha");
        let all = format!("removed: {count} objects, {address}");
        let right = match words.as_str() {
            // The Lease says that all was sent, and no line was written yet: nobody knows any more
            // which commit it was.
            "" => recorded,
            words if words == all => left == 0,
            _ => some.contains(&words),
        };
        assert!(right, "{left} of {count} left: {words:?}");
        known.insert(words);
    }
    assert!(some.iter().all(|words| known.contains(words)), "{known:?}");
}

#[test]
fn a_removal_that_ended_unsaid_gets_its_last_word_from_a_successor() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::Remove(0), Act::Hint]);
    for _ in 0..100 {
        if !noted(&world, "alpha").starts_with("Removing") {
            world.does(&[Act::Go(1), Act::Pass(2)]);
        }
    }
    assert!(objects(&world, "alpha") > 0 && noted(&world, "alpha").starts_with("Removing"));
    while objects(&world, "alpha") > 0 {
        world.does(&[Act::Go(1)]);
    }
    world.does(&[Act::Crash { late_lease: false, dark: false }, ON]);
    world.is_fine();
    assert!(noted(&world, "alpha").starts_with("removed"), "{}", noted(&world, "alpha"));
}

#[test]
fn what_is_taken_back_before_anything_of_it_was_there_gets_its_last_word() {
    for link in [false, true] {
        let mut world = World::settled(&["alpha"]);
        world.does(&[Act::ServerDown(true), Act::Publish(1, 0), Act::Hint, ON, Act::Pass(61), ON]);
        assert!(world.sync("beta").is_some_and(|sync| sync != Sync::Synced));
        world.does(&[Act::Remove(1), Act::Hint, ON]);
        if link {
            // Behind it anything may lie; nothing of it is there all the same.
            world.does(&[Act::Link(true), Act::Hint, ON]);
        }
        world.does(&[Act::ServerDown(false), ON]);
        world.is_fine();
        let lines = || world.notes.values().flatten();
        assert!(lines().any(|line| line.description == "removed"), "{:?}", world.notes);
        assert!(lines().all(|line| line.state.as_str() != "pending"), "{:?}", world.notes);
    }
}

#[test]
fn lost_answers_are_asked_for_again_and_make_nothing_twice() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::LoseAnswers(7), Act::Publish(2, 0), Act::Hint, ON, Act::Pass(30), ON]);
    world.is_fine();
    assert_eq!(world.deletions, []);
}

#[test]
fn what_a_hand_takes_or_edits_is_repaired_and_what_it_scales_is_not() {
    let mut world = World::settled(&TWO);
    let steps = world.steps;
    world.does(&[Act::Take(0, 3), ON]);
    assert_eq!(world.steps, steps + 1);
    world.does(&[Act::Edit(0, 3), ON]);
    assert_eq!(world.steps, steps + 2);
    world.does(&[Act::Scale(0, 2), ON]);
    assert_eq!(world.steps, steps + 3, "it runs for the first time, and that is noted");
    world.does(&[Act::Scale(0, 0), ON, Act::Scale(0, 1), ON]);
    assert_eq!(world.steps, steps + 3);
    world.is_fine();
}

#[test]
fn a_store_that_was_put_back_is_noticed_and_brought_forward_again() {
    let mut world = World::settled(&TWO);
    world.server.remember();
    world.does(&[Act::Publish(2, 0), Act::Hint, ON]);
    world.is_fine();
    world.does(&[Act::Restore(0), ON]);
    world.is_fine();
}

#[test]
fn a_start_without_the_repository_deletes_nothing_until_it_answers() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta", "omega", "zeta"]);
    // The commit is in the mirror, and the process dies before it was carried out.
    world.does(&[Act::Remove(0), Act::Hint]);
    while !world.remote.is_read() {
        world.does(&[Act::Go(1)]);
    }
    assert_eq!(world.deletions, []);
    world.does(&[Act::Crash { late_lease: false, dark: true }, ON, Act::Pass(600), ON]);
    assert_eq!(world.deletions, []);
    world.is_fine();
    assert_eq!(world.sync("alpha"), None);
}

#[test]
fn a_removal_counts_for_an_hour_also_after_a_restart_and_another_commit() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta", "omega", "zeta"]);
    world.does(&[Act::Remove(0), Act::Hint, ON, Act::Pass(10), ON]);
    assert_eq!(world.sync("alpha"), None);
    let gone = world.deletions.len();
    let again = Act::Crash { late_lease: false, dark: false };
    world.does(&[again, ON, Act::Publish(5, 1), Act::Hint, ON, Act::Pass(10), ON]);
    world.does(&[Act::Remove(1), Act::Hint, ON, Act::Pass(1), ON]);
    assert_eq!(world.deletions.len(), gone, "the second within the hour");
    assert!(world.engine.board().held.is_some());
    world.is_fine(); // a person approves
}

/// So many hours pass.
fn hours(n: usize) -> Vec<Act> {
    (0..n).flat_map(|_| [Act::Pass(3600), ON]).collect()
}

#[test]
fn a_quiet_day_costs_one_list_of_each_kind_and_no_write() {
    let mut world = World::settled(&TWO);
    let steps = world.steps;
    world.does(&hours(23));
    assert_eq!(world.relists, []);
    for day in 1..=2 {
        world.does(&hours(if day == 1 { 4 } else { 26 }));
        world.relists.sort();
        let mut listed = std::mem::take(&mut world.relists);
        let all = listed.len();
        listed.dedup();
        assert_eq!(listed.len(), all, "twice in a day: {listed:?}");
        let kinds = Kind::RENDERED.len() + 1; // the pods
        assert_eq!(all, kinds, "day {day}: {listed:?}");
    }
    assert_eq!(world.steps, steps);
    world.is_fine();
}

#[test]
fn a_day_with_check_ups_asks_the_same_every_ten_minutes_and_not_while_nobody_answers() {
    let mut world = World::settled(&TWO);
    world.engine.checkup.wanted = true;
    world.does(&[Act::Pass(1), ON]);
    let each = std::mem::take(&mut world.asked);
    assert!(each > 0);
    for _ in 0..5 {
        for _ in 0..9 {
            world.does(&[Act::Pass(61), ON]);
            let few = std::mem::take(&mut world.asked);
            assert!(few > 0 && few < each / 3, "only what may stop: {few} of {each}");
        }
        world.does(&[Act::Pass(61), ON]);
        assert_eq!(std::mem::take(&mut world.asked), each);
    }
    world.does(&[Act::ServerDown(true), ON, Act::Pass(1000), ON, Act::Pass(1000), ON]);
    assert_eq!(world.asked, 0);
    world.does(&[Act::ServerDown(false), ON, Act::Pass(30), ON]);
    assert_eq!(world.asked, each);
    world.is_fine();
}

#[test]
fn a_list_that_is_older_than_what_is_known_is_asked_for_again_and_nobody_is_alarmed() {
    let mut world = World::settled(&TWO);
    // A replica of the API server answers from a cache that lags behind.
    let service = ObjectKey::namespaced(Kind::Service, "sol-alpha", "app");
    let before = world.server.state.objects[&service].clone();
    world.server.touch(&service);
    world.does(&[ON]);
    let now = world.server.state.objects.insert(service.clone(), before).unwrap();
    world.server.list(Kind::Service);
    world.server.state.objects.insert(service, now);
    let steps = world.steps;
    world.does(&[ON]);
    assert_eq!(world.relists, [Kind::Service], "another list, of this kind alone");
    assert_eq!(world.steps, steps, "nothing is written for it");
    world.is_fine();
}

#[test]
fn a_lost_event_is_found_within_26_hours_and_mended() {
    let mut world = World::settled(&TWO);
    let service = ObjectKey::namespaced(Kind::Service, "sol-alpha", "app");
    assert!(world.server.state.objects.contains_key(&service));
    world.server.take(&service);
    world.server.untold.clear();
    world.does(&hours(23));
    assert!(!world.server.state.objects.contains_key(&service), "nobody can know");
    world.does(&hours(4));
    assert!(world.server.state.objects.contains_key(&service));
    world.is_fine();
}

#[test]
fn a_list_of_what_was_held_does_not_outlive_the_last_solution() {
    let mut world = World::settled(&[]);
    world.server.post(Some("67d76ea21944".to_owned()));
    world.does(&[Act::Crash { late_lease: false, dark: false }, ON]);
    assert_eq!(world.server.posted(), None, "nobody can approve it");
    world.is_fine();
}

#[test]
fn a_store_put_back_while_nobody_answered_is_noticed_by_the_lease() {
    let mut world = World::settled(&TWO);
    world.server.remember();
    world.does(&[Act::Publish(2, 0), Act::Hint, ON]);
    world.is_fine();
    // The watches go on where they stood, and nothing that they say tells of it.
    world.does(&[Act::ServerDown(true), ON, Act::Restore(0)]);
    world.server.untold.clear();
    world.does(&[Act::ServerDown(false), ON]);
    let there = |world: &World| {
        world.server.state.objects.contains_key(&ObjectKey::cluster(Kind::Namespace, "sol-gamma"))
    };
    assert!(there(&world), "{:?}", world.relists);
    world.is_fine();
    let applied = match world.server.lease() {
        (Record::Kept { applied, .. }, _) => applied,
        (other, _) => panic!("{other:?}"),
    };
    assert_eq!(applied, world.engine.board().revision, "the Lease has again what it forgot");
}

#[test]
fn a_trial_that_ran_out_of_time_is_a_trial_until_that_is_written() {
    let mut settings = Config::sample();
    settings.rollouts.verify = Verify::OnUpdate { parallel: 2 };
    let mut world = World::with(settings, &TWO, 1);
    world.settle();
    world.does(&[Act::Sick(0, true), Act::Publish(0, 1), Act::Hint, ON]);
    let why = |world: &World| {
        let board = world.engine.board();
        board.verdicts.iter().find(|v| v.name.as_str() == "alpha").map(|v| v.reason.cause)
    };
    world.does(&[Act::Pass(55)]);
    assert_eq!(why(&world), Some(Cause::Verifying));
    // Nobody carries the orders out in less than a minute. A person asks to look again meanwhile.
    for _ in 0..18 {
        world.does(&[Act::Pass(50)]);
        world.engine.hear(Event::Hint, world.now);
        world.decide();
        world.does(&[Act::Pass(1)]);
        assert_eq!(why(&world), Some(Cause::Verifying));
    }
    world.does(&[ON, Act::Pass(1), ON]);
    assert_ne!(why(&world), Some(Cause::Verifying));
    world.is_fine();
}

#[test]
fn a_knock_sends_the_reader_and_tries_nothing_again() {
    let mut world = World::settled(&TWO);
    world.does(&[Act::Deny(0, 0, true), Act::Publish(0, 1), Act::Hint, ON]);
    assert_eq!(world.engine.rows.verdict("alpha").map(|v| v.sync), Some(Sync::Failed));
    let counts = |world: &mut World, event| {
        world.engine.hear(event, world.now);
        let orders = world.engine.decide(world.now);
        let visits = orders.iter().filter(|order| matches!(order, Order::Visit)).count();
        (visits, orders.iter().filter(|order| matches!(order, Order::Step { .. })).count())
    };
    assert_eq!(counts(&mut world, Event::Knock), (1, 0));
    assert_eq!(counts(&mut world, Event::Hint), (1, 1), "a person's word tries what was refused");
}

#[test]
fn a_gateway_that_says_nothing_for_a_minute_is_somebodys_turn() {
    let mut world = World::with(Config::sample(), &TWO, 1);
    world.server.stick("alpha", Stuck::Unaccepted);
    world.does(&[ON, Act::Pass(1), ON]);
    let said = |world: &World| {
        let board = world.engine.board();
        let verdict = board.verdicts.iter().find(|v| v.name.as_str() == "alpha").unwrap();
        (verdict.sync, verdict.party, verdict.reason.to_string())
    };
    let waits = "waiting for the gateway to accept HTTPRoute/edge".to_owned();
    let before = (Sync::Progressing, Party::Nobody, waits.clone());
    assert_eq!(said(&world), before);
    world.does(&[Act::Pass(50), ON]);
    assert_eq!(said(&world), before);
    // Nothing happens but that time goes by.
    world.does(&[Act::Pass(15)]);
    let after = (Sync::Blocked, Party::Operator, format!("{waits}, for over a minute"));
    assert_eq!(said(&world), after);
}

#[test]
fn keda_is_nudged_about_what_it_refused_less_and_less_often_and_nobody_hears_of_it() {
    let mut world = World::settled(&TWO);
    world.server.stick("alpha", Stuck::Unscaled);
    world.server.touch(&ObjectKey::namespaced(Kind::ScaledObject, "sol-alpha", "app"));
    world.does(&[ON]);
    let told = |world: &World| world.engine.rows.verdict("alpha").unwrap().reason.to_string();
    let refused = told(&world);
    assert!(refused.starts_with("KEDA cannot scale"), "{refused}");
    let (mut steps, mut at) = (world.steps, Vec::new());
    for second in 0..1200_i64 {
        world.does(&[Act::Pass(1), Act::Go(20)]);
        assert_eq!(told(&world), refused);
        if world.steps > steps {
            at.push(second);
        }
        steps = world.steps;
    }
    let pauses: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(at.len(), 6, "{at:?}");
    for (pause, expected) in pauses.iter().zip([60, 120, 240, 300, 300]) {
        assert!((pause - expected).abs() <= 2, "{at:?}");
    }
    // Another, whom KEDA serves, is not touched; and a success ends it.
    assert_eq!(world.sync("beta"), Some(Sync::Synced));
    world.is_fine();
}

#[test]
fn a_rename_has_no_gap_however_long_the_gateway_takes() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta", "omega"]);
    world.server.stick("zeta", Stuck::Unaccepted);
    world.remote.commit(false, |made| {
        made.folders.remove("alpha");
        made.folders.insert("zeta".to_owned(), Form::Good(0));
    });
    world.does(&[Act::Hint, ON, Act::Pass(30), ON, Act::Pass(61), ON, Act::Pass(61), ON]);
    assert_eq!(world.sync("zeta"), Some(Sync::Blocked), "somebody should look at the gateway");
    assert_eq!(world.deletions, [], "and what it replaces serves on");
}

/// Five solutions that never sleep, of which a change for all may restart so many at a time.
fn five_awake(max_parallel: usize) -> World {
    let mut settings = Config::sample();
    settings.rollouts.max_parallel = max_parallel;
    let mut world = World::with(settings, &NAMES[..5], 1);
    world.remote.commit(false, |made| {
        for name in &NAMES[..5] {
            made.folders.insert((*name).to_owned(), Form::Good(3));
        }
    });
    world.settle();
    world
}

/// The Deployments that a round begins to write.
fn restarts(world: &mut World) -> Vec<String> {
    let steps = world.round().into_iter();
    let steps = steps.filter(|(_, key)| key.kind == Kind::Deployment);
    steps.map(|(name, _)| name.to_string()).collect()
}

/// How many Deployments each of so many rounds begins to write.
fn many_rounds(world: &mut World, rounds: usize) -> Vec<usize> {
    let begun = (0..rounds).map(|_| restarts(world).len());
    begun.filter(|begun| *begun > 0).collect()
}

#[test]
fn a_change_for_all_restarts_a_few_at_a_time_and_each_in_the_end() {
    let mut world = five_awake(2);
    world.act(&Act::Priority(true));
    assert_eq!(many_rounds(&mut world, 30), [2, 2, 1]);
    world.is_fine();
}

#[test]
fn what_does_not_come_up_keeps_its_turn_for_its_start_up_budget() {
    let mut world = five_awake(2);
    world.act(&Act::Sick(0, true));
    world.act(&Act::Sick(1, true));
    world.act(&Act::Priority(true));
    assert_eq!(many_rounds(&mut world, 10), [2], "the first two do not come up");
    world.does(&[Act::Pass(1)]);
    let board = world.engine.board();
    let third = board.verdicts.iter().find(|v| v.name.as_str() == "gamma").unwrap();
    assert_eq!((third.sync, third.reason.cause), (Sync::Progressing, Cause::AwaitsTurn));
    world.act(&Act::Pass(290));
    assert_eq!(many_rounds(&mut world, 10), [0; 0]);
    world.act(&Act::Pass(10));
    assert_eq!(many_rounds(&mut world, 20), [2, 1]);
    world.act(&Act::Sick(0, false));
    world.act(&Act::Sick(1, false));
    world.is_fine();
}

#[test]
fn a_solutions_own_commit_waits_for_no_turn_also_after_a_restart() {
    let mut world = five_awake(1);
    let own = |world: &mut World, name: &str| {
        world.remote.commit(false, |made| {
            made.folders.insert(name.to_owned(), Form::Good(4));
        });
    };
    let begun = |world: &mut World| {
        let begun: BTreeSet<String> = (0..10).flat_map(|_| restarts(world)).collect();
        begun.into_iter().collect::<Vec<_>>()
    };
    world.act(&Act::Sick(0, true));
    world.act(&Act::Sick(1, true));
    world.act(&Act::Priority(true));
    own(&mut world, "omega");
    assert_eq!(begun(&mut world), ["alpha", "omega"], "alpha keeps the only turn");
    // Its successor knows from the Lease which commits are new. Nothing tells it that alpha has
    // had a turn, so beta gets one.
    own(&mut world, "gamma");
    world.does(&[Act::Crash { late_lease: false, dark: false }]);
    assert_eq!(begun(&mut world), ["beta", "gamma"]);
    world.act(&Act::Sick(0, false));
    world.act(&Act::Sick(1, false));
    world.is_fine();
}

#[test]
fn a_daemon_that_reports_writes_nothing_and_says_what_would_be() {
    let mut world = World::settled(&["alpha", "beta", "gamma", "delta", "omega"]);
    let steps = world.steps;
    let mut settings = Config::sample();
    settings.cluster.mode = Mode::Report;
    world.restart_with(settings);
    let record = world.server.state.record.clone();
    world.does(&[Act::Publish(0, 1), Act::Remove(1), Act::Publish(5, 0), Act::Take(2, 3)]);
    world.does(&[Act::Hint, ON, Act::Pass(30), ON]);
    assert_eq!((world.steps, &world.server.state.record), (steps, &record));
    let board = world.engine.board();
    let says = |name: &str| {
        let verdict = board.verdicts.iter().find(|verdict| verdict.name.as_str() == name).unwrap();
        assert_eq!((verdict.sync, verdict.is_settled()), (Sync::OutOfSync, true), "{verdict:?}");
        verdict.reason.to_string()
    };
    assert_eq!(says("alpha"), "would update 1 of its objects");
    assert!(says("beta").starts_with("its folder is gone; would delete "), "{}", says("beta"));
    assert!(says("zeta").starts_with("would create "), "{}", says("zeta"));
    assert!(says("gamma").starts_with("would "), "{}", says("gamma"));
    assert_eq!(world.sync("delta"), Some(Sync::Synced));
    assert!(board.reports && board.problems.is_empty());
    assert!(world.engine.is_quiet());
    // Told to act, its successor does.
    world.restart_with(Config::sample());
    world.is_fine();
}

/// Folder names as somebody would choose them who wants to be seen, or not to be.
fn evil_name() -> impl Strategy<Value = String> {
    prop_oneof![
        r"[a-zA-Z0-9 \x01-\x1f\x7f-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200b}-\u{200f}\u{feff}]{1,60}",
        "[a-z]{200,3000}",
        Just("\u{1b}]0;owned\u{7}".to_owned()),
        Just("alpha\nbeta: Synced".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..<_>::default() })]

    #[test]
    fn whatever_folders_are_called_the_board_steers_no_terminal_and_stays_readable(
        names in prop::collection::btree_set(evil_name(), 1..5),
        link in any::<bool>(),
    ) {
        let mut world = World::settled(&["alpha"]);
        world.remote.commit(false, |made| {
            made.link = link;
            made.folders.extend(names.iter().map(|name| (name.clone(), Form::Slip)));
        });
        world.does(&[Act::Hint, ON, Act::Pass(10), ON]);
        let board = world.engine.board();
        prop_assert!(board.verdicts.len() > names.len(), "{:?}", board.verdicts);
        let document = crate::status::status_json(board);
        let document: Value = serde_json::from_str(&document).unwrap();
        let mut texts = vec![&document];
        while let Some(value) = texts.pop() {
            match value {
                Value::String(text) => {
                    prop_assert!(!text.contains(is_invisible), "{:?}", text);
                }
                Value::Array(values) => texts.extend(values),
                Value::Object(fields) => texts.extend(fields.values()),
                _ => {}
            }
        }
        for width in [60, 100] {
            let shown = crate::status::table(board, Some(width), false);
            prop_assert!(!shown.contains(|c| is_invisible(c) && c != '\n'), "{:?}", shown);
        }
    }
}
