//! The engine as a whole, in a world that it cannot tell from the real one.

mod histories;

use super::world::{Act, World};
use crate::model::{Kind, ObjectKey};
use crate::plan::observed::Record;
use crate::status::Sync;

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
    assert_eq!(world.steps, steps + 2);
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
