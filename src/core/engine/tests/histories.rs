//! Random histories against the promises: whenever the world is quiet, the cluster is as the newest
//! commit asks, and nothing was ever deleted that a complete commit did not lack.
//!
//! `VITRINE_HISTORIES` says how many; 1000 without it. They are made from a seed: the same for every
//! run without a word, so that nobody's change fails by chance, and another by `VITRINE_SEED`, as
//! `tests/run histories` does. A failure names its seed.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::config::{Config, Forge, Verify};
use crate::engine::world::{Act, NAMES, World};

fn act() -> impl Strategy<Value = Act> {
    let n = || 0..6_u8;
    prop_oneof![
        6 => (n(), 0..3_u8).prop_map(|(n, form)| Act::Publish(n, form)),
        2 => n().prop_map(Act::Slip),
        3 => n().prop_map(Act::Remove),
        1 => n().prop_map(Act::RemoveMany),
        1 => Just(Act::BreakPlatform),
        1 => Just(Act::MendPlatform),
        1 => any::<bool>().prop_map(Act::Domain),
        1 => any::<bool>().prop_map(Act::Priority),
        1 => any::<bool>().prop_map(Act::Link),
        1 => (n(), 0..3_u8).prop_map(|(n, form)| Act::Rewrite(n, form)),
        2 => any::<bool>().prop_map(Act::RepositoryDown),
        2 => any::<bool>().prop_map(Act::ServerDown),
        2 => any::<(bool, bool)>().prop_map(|(down, moody)| Act::Forge { down, moody }),
        2 => (n(), 0..4_u8, any::<bool>()).prop_map(|(n, kind, on)| Act::Deny(n, kind, on)),
        1 => any::<bool>().prop_map(Act::Definition),
        2 => (n(), any::<bool>()).prop_map(|(n, sick)| Act::Sick(n, sick)),
        2 => (n(), 0..10_u8).prop_map(|(n, what)| Act::Ill(n, what)),
        4 => any::<(bool, bool)>()
            .prop_map(|(late_lease, dark)| Act::Crash { late_lease, dark }),
        2 => (0..8_u8).prop_map(Act::LoseAnswers),
        1 => Just(Act::Duplicate),
        3 => (n(), 0..20_u8).prop_map(|(n, at)| Act::Edit(n, at)),
        3 => (n(), 0..20_u8).prop_map(|(n, at)| Act::Take(n, at)),
        2 => (n(), 0..3_u8).prop_map(|(n, to)| Act::Scale(n, to)),
        1 => prop_oneof![Just(-120_i8), Just(120), Just(-10), Just(10)].prop_map(Act::Jump),
        3 => (0..400_u16).prop_map(Act::Pass),
        1 => Just(Act::Pass(3700)),
        1 => (0..4_u8).prop_map(Act::Restore),
        1 => Just(Act::Hint),
        16 => (0..40_u8).prop_map(Act::Go),
    ]
}

/// One thing that happens, or a few that seldom come together by chance and hurt when they do: a
/// removal whose process dies in the middle of it, with the repository silent afterwards, or with
/// another removal to come.
fn scene() -> impl Strategy<Value = Vec<Act>> {
    let n = || 0..6_u8;
    let dies = |dark| Act::Crash { late_lease: false, dark };
    prop_oneof![
        40 => act().prop_map(|act| vec![act]),
        1 => (n(), 0..12_u8).prop_map(move |(n, go)| {
            vec![Act::Remove(n), Act::Go(go), dies(true), Act::Go(30)]
        }),
        1 => (n(), n(), 0..12_u8).prop_map(move |(n, other, go)| {
            let first = [Act::Remove(n), Act::Go(go), dies(false), Act::Go(30)];
            first.into_iter().chain([Act::Remove(other), Act::Go(30)]).collect()
        }),
    ]
}

/// Plays a history and says what was wrong with it.
fn play(seed: u64, folders: usize, acts: &[Act]) -> Vec<String> {
    let mut settings = Config::sample();
    if seed.is_multiple_of(2) {
        settings.rollouts.verify = Verify::OnUpdate { parallel: 2 };
    }
    if seed.is_multiple_of(3) {
        settings.rollouts.max_parallel = 1;
    }
    if seed % 3 == 1 {
        settings.forge = Some(Forge::sample(seed.is_multiple_of(2)));
    }
    let mut world = World::with(settings, &NAMES[..folders], seed);
    if seed.is_multiple_of(5) {
        world = world.narrow(1);
    }
    world.decide();
    for act in acts {
        world.act(act);
        world.decide();
    }
    world.settle();
    let mut wrong = std::mem::take(&mut world.wrong);
    wrong.extend(world.differences());
    wrong
}

/// A number that the environment may say.
#[expect(clippy::disallowed_methods, reason = "how many and which, not what")]
pub(super) fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays random histories, the same for the same seed, and panics with the shortest that is wrong.
fn play_many(cases: u32, seed: u64) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 1000,
        ..<_>::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, chance);
    let history = (any::<u64>(), 0..=6_usize, prop::collection::vec(scene(), 1..36));
    let played = runner.run(&history, |(seed, folders, scenes)| {
        let wrong = play(seed, folders, &scenes.concat());
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    });
    if let Err(why) = played {
        panic!("VITRINE_SEED={seed}: {why}");
    }
}

#[test]
fn whatever_happens_the_cluster_ends_as_the_catalogue_asks_and_nothing_is_deleted_wrongly() {
    let cases = u32::try_from(told("VITRINE_HISTORIES").unwrap_or(1000)).unwrap_or(u32::MAX);
    let seed = told("VITRINE_SEED").unwrap_or(1);
    let parts = 2;
    #[expect(clippy::disallowed_methods, reason = "the test takes both cores, the core none")]
    std::thread::scope(|threads| {
        for part in 0..parts {
            threads.spawn(move || play_many(cases.div_ceil(parts), seed.wrapping_add(part.into())));
        }
    });
}
