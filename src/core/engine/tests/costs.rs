//! What a commit costs, counted: the same whatever the number of solutions.
//!
//! `VITRINE_SOLUTIONS` says how many there are in the larger of the two worlds; 1000 without it,
//! because ten thousand take a minute to be published here. What grows with their number is told
//! for ten thousand all the same.

use std::sync::Arc;

use allocation_counter::measure;

use super::histories::told;
use crate::engine::book::Known;
use crate::engine::world::{Act, Form, World};
use crate::engine::{Answer, Event, Order};

/// So many solutions, published by ten commits and at rest.
fn world(number: usize) -> World {
    let names: Vec<String> = (0..number).map(|n| format!("demo-{n:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut parts = names.chunks(number.div_ceil(10));
    let mut world = World::new(parts.next().unwrap_or_default(), 1);
    world.publish();
    for part in parts {
        let folders = part.iter().map(|name| ((*name).to_owned(), Form::Good(0)));
        world.remote.commit(false, |made| made.folders.extend(folders));
        world.publish();
    }
    assert_eq!(world.wrong, [""; 0]);
    world
}

/// The bytes that the engine allocates until a commit that touches nothing is applied and noted.
fn bytes_of_a_commit_that_touches_nothing(world: &mut World) -> u64 {
    world.remote.commit(false, |_| ());
    let mut events = vec![Event::Repository(world.remote.visit(world.now.wall))];
    let mut bytes = 0;
    for _ in 0..50 {
        for event in events.drain(..) {
            bytes += measure(|| world.engine.hear(event, world.now)).bytes_total;
        }
        let mut orders = Vec::new();
        bytes += measure(|| orders = world.engine.decide(world.now)).bytes_total;
        for order in orders {
            match order {
                Order::Record { id, .. } => {
                    world.server.state.version += 1;
                    let version = world.server.state.version.to_string();
                    events.push(Event::Answered(id, Answer::Recorded(Ok(version))));
                }
                Order::Note { id, .. } => {
                    events.push(Event::Answered(id, Answer::Noted(Ok(()))));
                }
                Order::Show(_) => {}
                _ => panic!("it asks for more than the Lease and a note"),
            }
        }
        if events.is_empty() && world.engine.is_quiet() {
            return bytes;
        }
        if events.is_empty() {
            world.now = world.engine.deadline(world.now).unwrap();
        }
    }
    panic!("it does not come to rest")
}

/// How many names were thought about, solutions rendered and commits judged meanwhile.
fn counts(world: &mut World, act: &Act) -> (usize, usize, usize) {
    let before = (world.engine.thought, world.worked);
    world.act(act);
    world.publish();
    let (thought, (rendered, judged)) = (world.engine.thought, world.worked);
    (thought - before.0, rendered - before.1.0, judged - before.1.1)
}

#[test]
fn a_commit_costs_what_it_changes_whatever_the_number_of_solutions() {
    const FEW: usize = 100;
    let many = told("VITRINE_SOLUTIONS").map_or(1000, |n| usize::try_from(n).unwrap());
    let cost = |number: usize| {
        let mut world = world(number);
        let first = bytes_of_a_commit_that_touches_nothing(&mut world);
        // The lines of the head before are told once more, and then never again.
        let again = bytes_of_a_commit_that_touches_nothing(&mut world);
        // A name that is new, and then another form of it.
        let new = counts(&mut world, &Act::Publish(0, 0));
        let changed = counts(&mut world, &Act::Publish(0, 1));
        println!("{number} solutions: {first} bytes, then {again}; {new:?}, {changed:?}");
        (again, new, changed)
    };
    let ((few_bytes, few_new, few_changed), (many_bytes, many_new, many_changed)) =
        (cost(FEW), cost(many));
    for (few, many) in [(few_new, many_new), (few_changed, many_changed)] {
        assert_eq!([(few.1, few.2), (many.1, many.2)], [(1, 1); 2], "solutions, commits");
        // How often it is thought about depends on how its answers come together.
        assert!(many.0 <= few.0 + 10, "{few:?} and {many:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of one commit")]
    let grows = (many_bytes as f64 - few_bytes as f64) / (many as f64 - FEW as f64);
    #[expect(clippy::cast_precision_loss, reason = "bytes of one commit")]
    let at_ten_thousand = few_bytes as f64 + grows * (10_000.0 - FEW as f64);
    #[expect(clippy::cast_precision_loss, reason = "bytes of one commit")]
    let factor = at_ten_thousand / few_bytes as f64;
    assert!(factor < 1.5, "{few_bytes} bytes with {FEW}, {many_bytes} with {many}: {factor:.2}");
}

#[test]
fn what_is_desired_and_what_is_seen_of_an_object_share_their_sets_of_fields() {
    let mut world = world(10);
    world.act(&Act::Publish(0, 0));
    world.publish();
    let engine = &world.engine;
    let mut compared = 0;
    for name in engine.book.published() {
        let Some(Known::Published { outline, .. }) = engine.book.known(name) else { panic!() };
        for form in &outline.objects {
            let live = engine.sight.live(&form.key).unwrap();
            assert!(Arc::ptr_eq(&form.fields, live.fields.as_ref().unwrap()), "{}", form.key);
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}
