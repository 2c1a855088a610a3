//! E10. Solutions that cannot be published, whatever keeps them, cost the others nothing: these are
//! published in the same passes, with the same requests, as if nobody were stuck.
//!
//! 500 solutions are played on the engine in its model of the world, where two runs can be held
//! against each other pass by pass: 50 and 200 of them stuck, at every gate that one solution can be
//! stuck at by itself. Then, of 100, the same shares at each gate alone, and a few on the whole daemon. The gates that concern deletions of the whole
//! catalogue (the Lease, a repository that has not answered, forms that are still being rendered,
//! solutions that are just being added) are no gates of a solution that is published.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::json;
use vitrine_core::config::{Config, Verify};
use vitrine_core::engine::News;
use vitrine_core::engine::world::{Act, Form, Remote, Stuck, World};
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::plan::observed::{KindState, Problem};
use vitrine_core::status::{Sync, Verdict, Verdicts};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::Daemon;
use crate::support::objects;

/// How many passes each commit gets. A birth takes about twenty.
const PASSES: usize = 25;

/// What keeps some solutions from being published.
struct Trouble {
    settings: fn(&mut Config),
    /// What those that are well say, in the first commit and in the second.
    well: [u8; 2],
    /// What the stuck ones say; they may leave the catalogue.
    stuck: [Option<u8>; 2],
    /// Begins the trouble of one solution, before the first commit is read.
    begin: fn(&mut World, &str),
    /// Begins what is there once.
    once: fn(&mut World),
    /// How the stuck ones are told why.
    says: &'static str,
}

/// Forms of a solution that sleeps, two images of it, and of one that is always on.
const SLEEPS: [u8; 2] = [0, 1];
const ALWAYS_ON: [u8; 2] = [3, 4];

const NONE: Trouble = Trouble {
    settings: |_| {},
    well: SLEEPS,
    stuck: [Some(0), Some(1)],
    begin: |_, _| {},
    once: |_| {},
    says: "",
};

fn name(n: usize) -> String {
    format!("demo-{n:03}")
}

/// Who is stuck by what.
type Fates<'a> = BTreeMap<String, &'a Trouble>;

/// So many of all are stuck, spread over them, each by the next of the troubles.
fn fates(all: usize, stuck: usize, troubles: &[Trouble]) -> Fates<'_> {
    let spread = (0..all).filter(|n| (n + 1) * stuck / all > n * stuck / all).map(name);
    spread.zip(troubles.iter().cycle()).collect()
}

/// Deletions are no matter here.
fn unbraked(settings: &mut Config) {
    settings.safety.max_removed_share = 1.0;
    settings.safety.max_deletions = usize::MAX;
}

/// The steps of each solution: at which pass, and what about.
type Steps = BTreeMap<String, Vec<(usize, ObjectKey)>>;

/// Every reason that each solution was told.
type Told = BTreeMap<String, BTreeSet<String>>;

/// Both commits, published as far as they can be.
fn play(all: usize, base: &Trouble, fates: &Fates<'_>) -> (World, Steps, Told) {
    let mut settings = Config::sample();
    (base.settings)(&mut settings);
    let mut world = World::with(settings, &[], 1);
    let forms = |commit: usize| -> BTreeMap<String, Form> {
        let form = |name: &String| match fates.get(name) {
            Some(trouble) => trouble.stuck[commit],
            None => Some(base.well[commit]),
        };
        (0..all).map(name).filter_map(|n| form(&n).map(|form| (n, Form::Good(form)))).collect()
    };
    // A cluster that holds nothing of ours gets its Lease first; here it has it.
    run(&mut world, 0..10, &mut Steps::new(), &mut BTreeMap::new());
    world.remote.commit(false, |made| made.folders = forms(0));
    fates.iter().for_each(|(name, trouble)| (trouble.begin)(&mut world, name));
    if !fates.is_empty() {
        (base.once)(&mut world);
    }
    let (mut steps, mut told) = (Steps::new(), Told::new());
    run(&mut world, 0..PASSES, &mut steps, &mut told);
    world.remote.commit(false, |made| made.folders = forms(1));
    told.clear();
    run(&mut world, PASSES..2 * PASSES, &mut steps, &mut told);
    (world, steps, told)
}

fn run(world: &mut World, passes: std::ops::Range<usize>, steps: &mut Steps, told: &mut Told) {
    for pass in passes {
        for (solution, key) in world.round() {
            steps.entry(solution.as_str().to_owned()).or_default().push((pass, key));
        }
        for verdict in &world.engine.board().verdicts {
            told.entry(verdict.name.to_string()).or_default().insert(verdict.reason.text.clone());
        }
        world.act(&Act::Pass(1));
    }
}

fn verdict<'a>(world: &'a World, name: &str) -> Option<&'a Verdict> {
    world.engine.board().verdicts.iter().find(|verdict| verdict.name == name)
}

/// Plays with some stuck, and holds it against a world where nobody is.
fn holds_nobody_up(all: usize, base: &Trouble, fates: &Fates<'_>, baseline: &Steps) {
    let (world, steps, told) = play(all, base, fates);
    assert_eq!(world.wrong, [""; 0]);
    for name in (0..all).map(name) {
        let verdict = verdict(&world, &name);
        if let Some(trouble) = fates.get(&name) {
            let reasons = &told[&name];
            let is_told = reasons.iter().any(|reason| reason.contains(trouble.says));
            assert!(is_told, "{name} was told {reasons:#?}, and not {:?}", trouble.says);
            assert!(verdict.is_some_and(|v| v.sync != Sync::Synced), "{verdict:?}");
        } else {
            assert!(verdict.is_some_and(Verdict::is_good), "{verdict:?}");
            assert_eq!(steps[&name], baseline[&name], "{name}, beside {}", fates.len());
        }
    }
}

/// The steps without any trouble.
fn baseline(all: usize, base: &Trouble) -> Steps {
    let (world, steps, _) = play(all, base, &Fates::new());
    assert!(world.engine.board().verdicts.iter().all(Verdict::is_good));
    steps
}

/// Each of a hundred, with 10 and with 40 of them stuck.
fn alone(trouble: &Trouble) {
    let baseline = baseline(100, trouble);
    for stuck in [10, 40] {
        let fates = fates(100, stuck, std::slice::from_ref(trouble));
        holds_nobody_up(100, trouble, &fates, &baseline);
    }
}

/// One test for each trouble.
macro_rules! stuck {
    ($($name:ident = $trouble:expr;)*) => {$(
        mod $name {
            use super::*;

            pub(super) const TROUBLE: Trouble = $trouble;

            #[test]
            fn sandbox() {
                alone(&TROUBLE);
            }
        }
    )*};
}

stuck! {
    at_a_namespace_of_somebody_else = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Foreign),
        says: "exists and is not vitrine's",
        ..NONE
    };
    at_a_namespace_that_is_being_deleted = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Leaving),
        says: "Namespace",
        ..NONE
    };
    at_an_object_that_a_finalizer_holds = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Finalizer),
        says: "example.net/holds holds it",
        ..NONE
    };
    at_a_refused_object = Trouble {
        begin: |world, name| {
            world.server.denied.insert((name.to_owned(), Kind::Deployment));
        },
        says: "refused Deployment/app",
        ..NONE
    };
    at_a_server_that_has_no_time = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Busy),
        says: "could not be written: no time",
        ..NONE
    };
    at_requests_that_are_never_answered = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Silent),
        says: "applying",
        ..NONE
    };
    at_a_route_that_the_add_on_does_not_see = Trouble {
        begin: |world, name| world.server.stick(name, Stuck::Unseen),
        says: "waiting for the KEDA HTTP add-on to see InterceptorRoute",
        ..NONE
    };
    at_a_route_that_no_gateway_accepts = Trouble {
        settings: unbraked,
        // It has something to delete, which waits for that.
        stuck: [Some(0), Some(3)],
        begin: |world, name| world.server.stick(name, Stuck::Unaccepted),
        says: "HTTPRoute/edge",
        ..NONE
    };
    at_a_deployment_that_is_never_available = Trouble {
        settings: unbraked,
        stuck: [Some(0), Some(3)],
        begin: |world, name| {
            world.server.sick.insert(name.to_owned());
        },
        says: "applying",
        ..NONE
    };
    at_held_deletions = Trouble {
        // As the default of 100 is to 50 solutions with three each.
        settings: |settings| settings.safety.max_deletions = 20,
        stuck: [Some(0), Some(3)],
        says: "held: would delete",
        ..NONE
    };
    at_foreign_work_in_a_namespace_that_should_go = Trouble {
        settings: unbraked,
        stuck: [Some(0), None],
        begin: |world, name| world.server.stick(name, Stuck::Claimed),
        says: "PersistentVolumeClaim/results",
        ..NONE
    };
    at_a_missing_crd = Trouble {
        well: ALWAYS_ON,
        once: |world| {
            world.server.absent.insert(Kind::ScaledObject);
            world.server.list(Kind::ScaledObject);
        },
        says: "waiting for CRD scaledobjects.keda.sh",
        ..NONE
    };
    at_a_kind_that_cannot_be_listed = Trouble {
        well: ALWAYS_ON,
        once: |world| {
            let why = Some(Problem::of_one("the daemon may not list scaledobjects.keda.sh", "let it"));
            let news = VecDeque::from([News::State(KindState::Unknown, why)]);
            world.server.untold.insert(Kind::ScaledObject, news);
        },
        says: "may not list scaledobjects.keda.sh",
        ..NONE
    };
}

/// All that one solution can be stuck at by itself while it is in the catalogue. Removals wait for
/// what is just being added, so that a rename has no gap.
const TROUBLES: [Trouble; 9] = [
    at_a_namespace_of_somebody_else::TROUBLE,
    at_a_namespace_that_is_being_deleted::TROUBLE,
    at_an_object_that_a_finalizer_holds::TROUBLE,
    at_a_refused_object::TROUBLE,
    at_a_server_that_has_no_time::TROUBLE,
    at_requests_that_are_never_answered::TROUBLE,
    at_a_route_that_the_add_on_does_not_see::TROUBLE,
    at_a_route_that_no_gateway_accepts::TROUBLE,
    at_a_deployment_that_is_never_available::TROUBLE,
];

fn of_five_hundred(stuck: usize) {
    static BASELINE: OnceLock<Steps> = OnceLock::new();
    let base = Trouble { settings: unbraked, ..NONE };
    let baseline = BASELINE.get_or_init(|| baseline(500, &base));
    holds_nobody_up(500, &base, &fates(500, stuck, &TROUBLES), baseline);
}

mod fifty_of_five_hundred_at_every_gate {
    #[test]
    fn sandbox() {
        super::of_five_hundred(50);
    }
}

mod two_hundred_of_five_hundred_at_every_gate {
    #[test]
    fn sandbox() {
        super::of_five_hundred(200);
    }
}

/// Trials have a few slots for all, and one that never ends keeps its slot until its budget is over.
/// So the trials of the others come later; the writes of their commit do not, and none is added.
mod at_trials_that_never_end {
    use super::*;

    /// Solutions enough for each slot to be taken many times.
    const TRIED: usize = 50;

    fn played(stuck: usize) -> (Steps, BTreeSet<String>) {
        let mut settings = Config::sample();
        settings.rollouts.verify = Verify::OnUpdate { parallel: 5 };
        let mut world = World::with(settings, &[], 1);
        let sick: BTreeSet<String> = (0..stuck).map(|n| name(n * TRIED / stuck.max(1))).collect();
        world.server.sick.extend(sick.iter().cloned());
        let forms = |form| (0..TRIED).map(name).map(|name| (name, Form::Good(form))).collect();
        world.remote = Remote::new(forms(0));
        let (mut steps, mut told) = (Steps::new(), Told::new());
        run(&mut world, 0..PASSES, &mut steps, &mut told);
        world.remote.commit(false, |made| made.folders = forms(1));
        run(&mut world, PASSES..2 * PASSES, &mut steps, &mut told);
        let mut pass = 2 * PASSES;
        while !world.engine.board().verdicts.iter().all(Verdict::is_settled) {
            assert!(pass < 2000, "it does not come to an end: {:#?}", world.engine.board());
            run(&mut world, pass..pass + 1, &mut steps, &mut told);
            world.act(&Act::Pass(5));
            pass += 1;
        }
        for name in (0..TRIED).map(name) {
            let verdict = verdict(&world, &name).expect("it is in the catalogue");
            assert_eq!(verdict.is_good(), !sick.contains(&name), "{verdict:?}");
        }
        (steps, sick)
    }

    #[test]
    fn sandbox() {
        let (baseline, nobody) = played(0);
        assert_eq!(nobody.len(), 0);
        for stuck in [5, 20] {
            let (steps, sick) = played(stuck);
            for name in (0..TRIED).map(name).filter(|name| !sick.contains(name)) {
                let (with, without) = (&steps[&name], &baseline[&name]);
                let keys = |steps: &[(usize, ObjectKey)]| -> Vec<ObjectKey> {
                    steps.iter().map(|(_, key)| key.clone()).collect()
                };
                assert_eq!(keys(with), keys(without), "{name}");
                // All but the trial's three small writes.
                let writes = without.len() - 3;
                assert_eq!(with[..writes], without[..writes], "{name}");
            }
        }
    }
}

scenario! {
    async fn a_few_of_each_are_published_beside_what_is_stuck(cluster: &Cluster) {
        let admin = cluster.admin_client();
        let namespace = |name: &str, labels: serde_json::Value| json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        });
        // Somebody else's; one that a finalizer keeps from going; one whose Deployment is refused.
        objects::apply(&admin, &namespace("sol-foreign", json!({})), "kubectl").await.unwrap();
        let ours = json!({"vitrine.dev/instance": "test"});
        objects::apply(&admin, &namespace("sol-leaving", ours), "kubectl").await.unwrap();
        let mut holder = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": "holder", "namespace": "sol-leaving", "finalizers": ["example.net/holds"],
            },
        });
        objects::apply(&admin, &holder, "kubectl").await.unwrap();
        let namespaces = objects::api(&admin, Kind::Namespace, None);
        namespaces.delete("sol-leaving", &DeleteParams::default()).await.unwrap();
        cluster.deny_deployments(&["sol-refused"], "not today").await;

        let well = ["good-a", "good-b", "good-c", "good-d"];
        let stuck = ["foreign", "leaving", "refused"];
        let catalogue = Catalogue::of(&[&well[..], &stuck].concat());
        let mut daemon = Daemon::start(cluster, &catalogue).await;
        let good = |verdicts: &Verdicts| verdicts.iter().filter(|v| v.is_good()).count();
        let head = catalogue.head();
        daemon
            .board("published but for three", |b| {
                b.revision.as_ref() == Some(&head) && good(&b.verdicts) == well.len()
            })
            .await;
        // Each of them cost what one costs: its objects, and a birth.
        let writes = cluster.requests().take_writes();
        let of = |name: &str| {
            let writes = writes.iter().filter(|r| r.path.contains(name));
            writes.map(|r| r.to_string().replace(name, "good-x")).collect::<BTreeSet<_>>()
        };
        for name in well {
            let count = writes.iter().filter(|r| r.path.contains(name)).count();
            assert_eq!(of(name), of("good-a"), "{name}");
            assert_eq!(count, of(name).len(), "{name}: none twice");
        }
        for name in ["sol-foreign", "sol-leaving"] {
            assert!(!writes.iter().any(|r| r.path.contains(name)), "{name}: {writes:#?}");
        }

        for name in [&well[..], &stuck].concat() {
            catalogue.edit(&format!("{name}/solution.yaml"), &image('a'), &image('b'));
        }
        let head = catalogue.commit("A newer image for everybody");
        let board = daemon
            .board("updated but for three", |b| {
                b.revision.as_ref() == Some(&head) && good(&b.verdicts) == well.len()
            })
            .await;
        for verdict in &board.verdicts {
            assert_eq!(verdict.is_good(), well.contains(&verdict.name.as_str()), "{verdict:?}");
        }
        let writes = cluster.requests().take_writes();
        for name in well {
            let of: Vec<String> =
                writes.iter().filter(|r| r.path.contains(name)).map(ToString::to_string).collect();
            let patch =
                format!("PATCH /apis/apps/v1/namespaces/sol-{name}/deployments/app by vitrine -> 200");
            assert_eq!(of, [patch]);
        }
        // What held the namespace lets it go, and the solution comes without a person.
        holder["metadata"]["finalizers"] = json!([]);
        objects::apply(&admin, &holder, "kubectl").await.unwrap();
        cluster.deny_nothing().await;
        daemon.hint();
        let mut daemon = daemon.patient(Duration::from_secs(60));
        daemon.board("all but the foreign one", |b| good(&b.verdicts) == well.len() + 2).await;
        daemon.stop().await;
    }
}
