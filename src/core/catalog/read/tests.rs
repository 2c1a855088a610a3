#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

use super::*;
use crate::catalog::fault::code;
use crate::catalog::snapshot::{File, Folder};
use crate::catalog::solution::{Component, Probe, Range, Scaling, Target};
use crate::model::{ContentHash, Quantity, Revision, TreeId, UrlPath};

const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  \
                        domain: demo.example\n";

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

fn snapshot(platform: &str, solutions: &[(&str, &str)]) -> Snapshot {
    let folder = |path: &str, body: &str| {
        let name = folders::name(path);
        let text = format!(
            "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\n\
             spec:\n  owner: group:lab\n  image: registry.example/{name}@sha256:{}\n{body}",
            "a".repeat(64)
        );
        let tree = TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap();
        let files = [("solution.yaml".to_owned(), file(&text))].into_iter().collect();
        Arc::new(Folder { tree, files, oddities: BTreeMap::new() })
    };
    Snapshot {
        revision: Revision::parse(&"0".repeat(40)).unwrap(),
        committed: jiff::Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"0".repeat(40)).unwrap(),
        platform: Some(file(platform)),
        folders: solutions
            .iter()
            .map(|(path, body)| ((*path).to_owned(), folder(path, body)))
            .collect::<BTreeMap<_, _>>()
            .into(),
        oddities: BTreeMap::new(),
    }
}

/// The one component of a solution with this body, on a platform with these lines.
fn app(platform: &str, body: &str) -> Component {
    let catalog =
        read(&snapshot(&format!("{PLATFORM}{platform}"), &[("use", body)]), &mut Memory::default());
    assert!(catalog.platform.is_ok(), "{:#?}", catalog.platform);
    let refused: Vec<_> = catalog.refused.values().flat_map(|r| &r.faults).collect();
    let solution = catalog.solutions.get("use").unwrap_or_else(|| panic!("{refused:#?}"));
    (*solution.components["app"]).clone()
}

/// The codes for which a solution with this body is refused.
fn refused(platform: &str, body: &str) -> Vec<&'static str> {
    let snapshot = snapshot(&format!("{PLATFORM}{platform}"), &[("use", body)]);
    let catalog = read(&snapshot, &mut Memory::default());
    catalog.refused["use"].faults.iter().map(|fault| fault.code).collect()
}

fn amounts(pairs: &[(&str, &str)]) -> crate::model::Quantities {
    pairs.iter().map(|(name, amount)| ((*name).into(), quantity(amount))).collect()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, amount)| ((*name).to_owned(), (*amount).to_owned())).collect()
}

fn replicas(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

#[test]
fn a_solution_that_says_nothing_gets_every_default() {
    let app = app("", "");
    assert_eq!(app.port, 8080);
    assert_eq!(app.readiness, Probe::Get { path: UrlPath::root() });
    assert_eq!(app.liveness, None);
    assert_eq!(app.startup, Duration::from_secs(300));
    assert_eq!(app.requests, amounts(&[("cpu", "250m"), ("memory", "1Gi")]));
    assert_eq!(app.limits, amounts(&[("memory", "1Gi"), ("ephemeral-storage", "5Gi")]));
    assert_eq!(app.egress, []);
    let Scaling::Autoscaled { range, cooldown, target: Target::Concurrency(_), .. } = app.scaling
    else {
        panic!("{:?}", app.scaling)
    };
    assert_eq!(Some(range), Range::new(0, replicas(1)));
    assert_eq!(cooldown, Duration::from_secs(1800));
}

#[test]
fn an_absent_value_adapts_to_a_written_one() {
    let risen = app("", "  resources: {requests: {memory: 4Gi}}\n");
    assert_eq!(risen.limits.get("memory").copied().unwrap(), quantity("4Gi"));
    let fallen = app("", "  resources: {limits: {memory: 512Mi}}\n");
    assert_eq!(fallen.requests.get("memory").copied().unwrap(), quantity("512Mi"));
    let warm = app("", "  scaling: {minReplicas: 1}\n");
    assert_eq!(warm.scaling, Scaling::AlwaysOn { replicas: replicas(1) });
    let probe = app("", "  basePath: /docs\n");
    assert_eq!(probe.readiness, Probe::Get { path: UrlPath::parse("/docs").unwrap() });
    // The class bounds a default, and refuses a written value.
    let class = "  hardware: [{name: cpu-basic, requests: {cpu: 1}, maxCooldown: 10m}]\n";
    let Scaling::Autoscaled { cooldown, .. } = app(class, "").scaling else { panic!() };
    assert_eq!(cooldown, Duration::from_secs(600));
    assert_eq!(refused(class, "  scaling: {cooldownPeriod: 20m}\n"), [code::OVER_LIMIT]);
    // So do the platform's limits.
    let limits =
        "  limits: {startupTimeout: 2m, requestTimeout: 30s, cooldownPeriod: {max: 10m}}\n";
    let bounded = app(limits, "");
    assert_eq!(bounded.startup, Duration::from_secs(120));
    assert_eq!(bounded.http.request_timeout, Duration::from_secs(30));
}

#[test]
fn a_device_has_equal_request_and_limit_within_its_class() {
    let class =
        "  hardware: [{name: gpu, requests: {nvidia.com/gpu: 1}, caps: {nvidia.com/gpu: 2}}]\n";
    assert_eq!(app(class, "").limits.get("nvidia.com/gpu").copied().unwrap(), quantity("1"));
    let two = app(class, "  resources: {limits: {nvidia.com/gpu: 2}}\n");
    assert_eq!(two.requests.get("nvidia.com/gpu").copied().unwrap(), quantity("2"));
    let three = "  resources: {limits: {nvidia.com/gpu: 3}}\n";
    assert_eq!(refused(class, three), [code::OVER_LIMIT]);
}

#[test]
fn nothing_sleeps_on_a_platform_that_wakes_nobody() {
    let none = "  activation: {mode: none}\n";
    assert_eq!(app(none, "").scaling, Scaling::AlwaysOn { replicas: replicas(1) });
    let range = "  scaling: {minReplicas: 1, maxReplicas: 3}\n";
    let Scaling::Autoscaled { range, .. } = app("", range).scaling else { panic!() };
    assert_eq!(Some(range), Range::new(1, replicas(3)));
}

#[test]
fn a_component_overrides_its_solution_key_by_key() {
    let body = "  env: {A: base, B: base}\n  args: [base]\n  components:\n    web: {expose: {path: /}, \
                env: {B: own}, args: [own, args], dependsOn: [part-index]}\n    part-index: {}\n";
    let catalog = read(&snapshot(PLATFORM, &[("use", body)]), &mut Memory::default());
    let web = &catalog.solutions["use"].components["web"];
    let env = texts(&[("A", "base"), ("B", "own"), ("PART_INDEX_URL", "http://part-index")]);
    assert_eq!(web.env, env);
    assert_eq!(web.args, ["own", "args"]);
    assert_eq!(catalog.solutions["use"].components["part-index"].args, ["base"]);
}

#[test]
fn a_value_that_many_components_inherit_is_one_fault() {
    let body = "  resources: {requests: {cpu: 64}}\n  components:\n    web: {expose: {path: /}, \
                dependsOn: [a]}\n    a: {}\n";
    assert_eq!(refused("", body), [code::OVER_LIMIT]);
}

#[test]
fn a_folder_that_calls_itself_like_another_takes_nothing_over() {
    let mut snapshot = snapshot(PLATFORM, &[("use", ""), ("thief", "")]);
    let disguised = Arc::clone(&snapshot.folders["use"]);
    Arc::make_mut(&mut snapshot.folders).insert("thief".to_owned(), disguised);
    let catalog = read(&snapshot, &mut Memory::default());
    assert!(catalog.solutions.contains_key("use"));
    assert_eq!(catalog.refused["thief"].faults[0].code, code::NAME_IS_NOT_FOLDER);
    assert!(catalog.protected.covers("thief") && catalog.protected.covers("use"));
}

#[test]
fn a_newcomer_of_the_same_name_does_not_take_over_a_live_one_however_deep_it_lies() {
    for newcomer in ["team/use", "a/b/c/d/use"] {
        let catalog = read(
            &snapshot(PLATFORM, &[("use", ""), (newcomer, ""), ("other", "")]),
            &mut Memory::default(),
        );
        assert_eq!(catalog.solutions.keys().map(|n| n.as_str()).collect::<Vec<_>>(), ["other"]);
        let faults = &catalog.refused["use"].faults;
        assert_eq!(faults.iter().filter(|f| f.code == code::DUPLICATE_NAME).count(), 2);
        assert!(catalog.protected.covers("use") && !catalog.protected.covers("gone"));
    }
}

#[test]
fn a_solution_that_moved_and_left_its_readme_is_published_from_its_new_place() {
    let mut snapshot = snapshot(PLATFORM, &[("team/use", "")]);
    let left = Folder {
        tree: TreeId::parse(&"1".repeat(40)).unwrap(),
        files: [("README.md".to_owned(), file("# Use\n"))].into_iter().collect(),
        oddities: BTreeMap::new(),
    };
    Arc::make_mut(&mut snapshot.folders).insert("use".to_owned(), Arc::new(left));
    let catalog = read(&snapshot, &mut Memory::default());
    assert!(catalog.solutions.contains_key("use") && catalog.refused.is_empty());
}

#[test]
fn a_faulty_platform_protects_everything_and_hides_no_fault_of_a_solution() {
    let snapshot = snapshot(&format!("{PLATFORM}  limts: {{}}\n"), &[("use", "  prot: 80\n")]);
    let catalog = read(&snapshot, &mut Memory::default());
    assert_eq!(catalog.platform.unwrap_err()[0].code, code::UNKNOWN_FIELD);
    assert_eq!(catalog.refused["use"].faults[0].code, code::UNKNOWN_FIELD);
    assert!(catalog.protected.covers("anything"));
}

#[test]
fn a_mesh_may_refuse_a_nameless_gateway_that_calls_nothing() {
    let deny = "  mesh: {kind: linkerd, policy: deny}\n";
    let judged = |more: &str| {
        let platform = format!("{PLATFORM}{deny}{more}");
        let catalog = read(&snapshot(&platform, &[]), &mut Memory::default());
        catalog.platform.is_ok()
    };
    assert!(!judged(""), "a solution may ask to be always awake, and is then called directly");
    assert!(judged("  limits: {minReplicas: 0}\n"), "the interceptor stands before everything");
    assert!(!judged("  limits: {minReplicas: 0}\n  activation: {mode: none}\n"));
    assert!(judged("  edge: {gateway: {dataPlane: {serviceAccount: traefik}}}\n"));
    let audit = format!("{PLATFORM}  mesh: {{kind: linkerd, policy: audit}}\n");
    assert!(read(&snapshot(&audit, &[]), &mut Memory::default()).platform.is_ok());
}

#[test]
fn the_requests_of_a_warm_up_fit_into_what_a_pod_can_be_given() {
    let warmup = "  startup: {warmup: [examples/a.json, examples/b.json]}\n";
    let judged = |length: usize| {
        let mut snapshot = snapshot(PLATFORM, &[("use", warmup)]);
        let folders = Arc::make_mut(&mut snapshot.folders);
        let folder = Arc::make_mut(folders.get_mut("use").unwrap());
        let example = format!(r#"{{"path": "/", "body": "{}"}}"#, "x".repeat(length));
        for name in ["examples/a.json", "examples/b.json"] {
            folder.files.insert(name.to_owned(), file(&example));
        }
        let catalog = read(&snapshot, &mut Memory::default());
        let refused = catalog.refused.get("use").map(|refused| refused.faults.as_slice());
        refused.unwrap_or_default().iter().map(|fault| fault.code).collect::<Vec<_>>()
    };
    assert_eq!(judged(200 * 1024), [""; 0]);
    assert_eq!(judged(300 * 1024), [code::FILES_TOO_LARGE]);
}
