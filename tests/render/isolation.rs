//! The isolation statement is read from the objects alone; what it should say is computed here
//! from the solution and the platform alone. They agree, or something is open that nobody asked
//! for, or closed that somebody needs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vitrine_core::catalog::platform::{Mesh, MeshPolicy};
use vitrine_core::catalog::solution::{Component, Exposure};
use vitrine_core::catalog::{Platform, Solution};
use vitrine_core::model::Quantity;
use vitrine_core::render::Phase;
use vitrine_core::render::isolation::{Isolation, Peer, Root, isolation};

use super::fixtures::{cases, components, mount, platform, single};
use super::properties::world;
use super::rules::on;

fn peers(names: impl IntoIterator<Item = Peer>) -> BTreeSet<Peer> {
    names.into_iter().collect()
}

/// Who should be let in. A mesh that refuses strangers knows others by their accounts alone.
fn admitted(solution: &Solution, platform: &Platform, component: &Component) -> BTreeSet<Peer> {
    let known = |account: Option<&String>| {
        platform.mesh != Mesh::Linkerd(MeshPolicy::Deny) || account.is_some()
    };
    let callers = solution.components.values().filter(|c| c.depends_on.contains(&component.name));
    let mut admitted = peers(callers.map(|caller| Peer::Component(caller.name.to_string())));
    if let Exposure::Public { .. } = component.exposure {
        let gateway = known(platform.edge.data_plane_service_account.as_ref());
        let gateway = gateway.then(|| platform.edge.data_plane_namespace.clone());
        admitted.extend(gateway.map(Peer::Namespace));
        let interceptor = platform.interceptor.as_ref();
        admitted.extend(interceptor.map(|it| Peer::Namespace(it.namespace.clone())));
    }
    if let (Some(monitoring), Some(_)) = (&platform.monitoring, &component.metrics_path)
        && known(monitoring.service_account.as_ref())
    {
        admitted.insert(Peer::Namespace(monitoring.namespace.clone()));
    }
    admitted
}

/// What should be in reach.
fn reached(solution: &Solution, component: &Component) -> BTreeSet<Peer> {
    let callees = component.depends_on.iter().filter(|c| solution.components.contains_key(*c));
    let callees = callees.map(|callee| Peer::Component(callee.to_string()));
    let networks = component
        .egress
        .iter()
        .map(|to| Peer::Network { cidr: to.cidr.to_string(), port: Some(to.port) });
    peers(callees.chain(networks))
}

fn agrees(solution: &Solution, platform: &Platform, phase: Phase) {
    let statement = isolation(&on(solution, platform, phase));
    assert_eq!(statement.len(), solution.components.len());
    for told in &statement {
        let component = &solution.components[told.component.as_str()];
        assert_eq!(told.reached_by, admitted(solution, platform, component), "{told}");
        assert_eq!(told.reaches, reached(solution, component), "{told}");
        assert_eq!(told.runs.privileges, [""; 0], "{told}");
        assert_ne!(told.runs.as_root, Root::Allowed, "{told}");
        match &component.exposure {
            Exposure::Public { host, path, .. } if phase == Phase::Live => {
                let below = format!("https://{host}{}", path.as_str().trim_end_matches('/'));
                assert!(!told.visitors.is_empty(), "{told}");
                assert!(told.visitors.iter().all(|address| address.starts_with(&below)), "{told}");
            }
            _ => assert!(told.visitors.is_empty(), "{told}"),
        }
    }
}

fn of<'a>(statement: &'a [Isolation], component: &str) -> &'a Isolation {
    statement.iter().find(|told| told.component == component).unwrap()
}

#[test]
fn every_golden_case_is_as_isolated_as_its_solution_says() {
    for case in cases() {
        agrees(&case.solution, &case.platform, case.phase);
    }
}

#[test]
fn a_private_component_is_reached_by_its_declared_callers_alone() {
    let solution = components(
        "portal",
        &[
            ("web", Some("/"), &["model"], |_| {}),
            ("other", Some("/o"), &[], |_| {}),
            ("model", None, &[], |_| {}),
        ],
    );
    let statement = isolation(&on(&solution, &platform(), Phase::Live));
    let model = of(&statement, "model");
    assert_eq!(model.reached_by, peers([Peer::Component("web".to_owned())]));
    assert_eq!(model.visitors, BTreeSet::new());
    assert!(of(&statement, "other").reaches.is_empty());
}

#[test]
fn a_reviewer_reads_it_in_six_lines() {
    let solution = single("use", |app| {
        app.scratch.insert(mount("/tmp"), Quantity::gibibytes(1));
    });
    let statement = isolation(&on(&solution, &platform(), Phase::Live));
    assert_eq!(
        of(&statement, "app").to_string(),
        "app\n  visitors    https://use.demo.example/\n  let in      namespace edge; namespace \
         keda\n  can reach   nothing but names (DNS)\n  runs        not as root, without \
         privileges or an account of the cluster\n  may store   its own files, 5Gi; /tmp, 1Gi; all \
         gone when it sleeps\n"
    );
}

#[test]
fn a_rule_that_opens_more_than_was_asked_for_shows() {
    let solution = single("use", |_| {});
    let mut desired = on(&solution, &platform(), Phase::Live);
    desired.objects.retain(|object| object.key.name != "default-deny");
    desired.objects.retain(|object| object.key.name != "allow-dns");
    let statement = isolation(&desired);
    assert_eq!(of(&statement, "app").reaches, peers([Peer::Anyone]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_statement_is_what_the_solution_and_the_platform_ask_for(world in world()) {
        agrees(&world.solution, &world.platform, world.phase);
    }
}
