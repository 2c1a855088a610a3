//! Rules that hold for every solution that `catalog` can hand over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use vitrine_core::catalog::platform::{
    Activation, Controller, EdgeKind, Level, Mesh, MeshPolicy, Monitoring, Provisioner, RunAsRoot,
};
use vitrine_core::catalog::solution::{
    Architecture, Component, Egress, Exposure, Hardware, Http, Probe, RateLimit, Scaling, Schedule,
    Shape, Target, Volume,
};
use vitrine_core::catalog::{Platform, Solution};
use vitrine_core::model::{Kind, Network, ObjectKey, Quantity, marks};
use vitrine_core::render::{Desired, Phase};

use super::fixtures::{
    DOMAIN, between, component, controlled_by, copies, cron, mount, page, platform, prometheus,
    solution, warmup_image,
};
use super::quota::has_room;
use super::rules::{of_kind, on};

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lies_outside_the_solutions_namespace_but_its_grant(world in world()) {
        let home = world.solution.name.namespace();
        for object in &world.render().objects {
            match object.key.kind {
                Kind::Namespace => prop_assert_eq!(&object.key, &ObjectKey::cluster(Kind::Namespace, home.clone())),
                Kind::ReferenceGrant => prop_assert_eq!(object.key.namespace.as_deref(), Some("keda")),
                _ => prop_assert_eq!(object.key.namespace.as_ref(), Some(&home)),
            }
            let metadata = &object.body["metadata"];
            prop_assert_eq!(metadata["name"].as_str(), Some(object.key.name.as_str()));
            prop_assert_eq!(metadata["namespace"].as_str(), object.key.namespace.as_deref());
        }
    }

    #[test]
    fn keys_are_unique_and_names_fit(world in world()) {
        let desired = world.render();
        let keys = desired.objects.iter().map(|o| &o.key).collect::<BTreeSet<_>>();
        prop_assert_eq!(keys.len(), desired.objects.len());
        for key in keys {
            let longest = match key.kind {
                // KEDA names an autoscaler `keda-hpa-<name>`, in 63 characters.
                Kind::ScaledObject => 54,
                Kind::Namespace | Kind::Service => 63,
                // The name of a Deployment ends up in labels of its pods' ReplicaSets.
                Kind::Deployment => 52,
                _ => 253,
            };
            prop_assert!(key.name.len() <= longest, "{key} is too long");
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(key.name.chars().all(allowed), "{key}");
        }
    }

    #[test]
    fn two_renders_are_equal(world in world()) {
        prop_assert_eq!(world.render(), world.render());
    }

    #[test]
    fn two_solutions_share_no_object_no_host_and_no_router((one, other) in (world(), world())) {
        prop_assume!(one.solution.name != other.solution.name);
        let (one, other) = (one.render(), other.render());
        let keys = |desired: &Desired| -> BTreeSet<ObjectKey> {
            desired.objects.iter().map(|o| o.key.clone()).collect()
        };
        prop_assert!(keys(&one).is_disjoint(&keys(&other)));
        prop_assert!(hosts(&one).is_disjoint(&hosts(&other)));
        prop_assert!(routers(&one).is_disjoint(&routers(&other)));
    }

    #[test]
    fn replicas_are_ours_exactly_when_no_autoscaler_owns_them(world in world()) {
        let desired = world.render();
        let scaled = of_kind(&desired, Kind::ScaledObject)
            .map(|o| o.body["spec"]["scaleTargetRef"]["name"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>();
        for deployment in of_kind(&desired, Kind::Deployment) {
            let ours = deployment.body["spec"].get("replicas").is_some();
            prop_assert_eq!(ours, !scaled.contains(deployment.key.name.as_str()));
        }
    }

    #[test]
    fn triggers_have_names_of_their_own_and_nobody_follows_a_follower(world in world()) {
        let desired = world.render();
        for scaled in of_kind(&desired, Kind::ScaledObject) {
            let triggers = scaled.body["spec"]["triggers"].as_array().unwrap();
            prop_assert!(!triggers.is_empty());
            let names = triggers.iter().map(|t| t["name"].as_str().unwrap()).collect::<BTreeSet<_>>();
            prop_assert_eq!(names.len(), triggers.len());
            let part = world.solution.components.values()
                .find(|c| c.name.as_str() == scaled.key.name).unwrap();
            let follows = triggers.iter().any(|t| t["type"] == "kubernetes-workload");
            prop_assert_eq!(follows, part.exposure == Exposure::Private);
            for trigger in triggers.iter().filter(|t| t["type"] == "kubernetes-workload") {
                prop_assert_eq!(&trigger["metadata"]["podSelector"], "vitrine.dev/exposure=public");
            }
            for value in triggers.iter().flat_map(|t| t["metadata"].as_object().unwrap().values()) {
                prop_assert!(value.is_string(), "KEDA takes texts only: {value}");
            }
        }
    }

    #[test]
    fn what_a_route_names_is_rendered_with_it(world in world()) {
        let desired = world.render();
        for route in of_kind(&desired, Kind::HttpRoute) {
            let rules = route.body["spec"]["rules"].as_array().unwrap();
            prop_assert!(rules.len() <= 16);
            let names = rules.iter().filter_map(|r| r["name"].as_str()).collect::<BTreeSet<_>>();
            prop_assert!(names.is_empty() || names.len() == rules.len(), "rules share a name");
            for filter in rules.iter().flat_map(|r| r["filters"].as_array().into_iter().flatten()) {
                let Some(name) = filter["extensionRef"]["name"].as_str() else { continue };
                prop_assert!(of_kind(&desired, Kind::Middleware).any(|m| m.key.name == name));
            }
        }
    }

    #[test]
    fn every_object_and_pod_says_whose_it_is(world in world()) {
        for object in &world.render().objects {
            let pod = object.body.pointer("/spec/template/metadata/labels");
            for labels in [Some(&object.body["metadata"]["labels"]), pod].into_iter().flatten() {
                prop_assert_eq!(&labels[marks::MANAGED_BY], marks::PRODUCT);
                prop_assert_eq!(&labels[marks::INSTANCE], "demo");
                prop_assert_eq!(&labels[marks::SOLUTION], world.solution.name.as_str());
                let component = object.component.as_ref().map(|c| c.as_str());
                prop_assert_eq!(labels[marks::COMPONENT].as_str(), component);
                for value in labels.as_object().unwrap().values() {
                    prop_assert!(value.as_str().is_some_and(|v| v.len() <= 63));
                }
            }
        }
    }

    #[test]
    fn selectors_never_contain_what_a_commit_changes(world in world()) {
        let desired = world.render();
        for deployment in of_kind(&desired, Kind::Deployment) {
            let spec = &deployment.body["spec"];
            let selector = spec["selector"]["matchLabels"].as_object().unwrap();
            let keys = selector.keys().map(String::as_str).collect::<BTreeSet<_>>();
            prop_assert_eq!(keys, BTreeSet::from([marks::SOLUTION, marks::COMPONENT]));
            for (key, value) in selector {
                prop_assert_eq!(&spec["template"]["metadata"]["labels"][key], value);
            }
            let service = of_kind(&desired, Kind::Service).find(|s| s.key.name == deployment.key.name);
            prop_assert_eq!(service.unwrap().body["spec"]["selector"].as_object(), Some(selector));
        }
    }

    #[test]
    fn every_container_is_bounded_and_restricted(world in world()) {
        for deployment in of_kind(&world.render(), Kind::Deployment) {
            let pod = &deployment.body["spec"]["template"]["spec"];
            prop_assert_eq!(&pod["automountServiceAccountToken"], false);
            // Root is refused, or it is a root of nothing.
            let root = world.platform.pod_security.run_as_root == RunAsRoot::UserNamespace;
            prop_assert_eq!(pod.get("hostUsers") == Some(&Value::Bool(false)), root);
            prop_assert_eq!(&pod["securityContext"]["runAsNonRoot"] == true, !root);
            prop_assert_eq!(&pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            for forbidden in ["hostNetwork", "hostPID", "hostIPC"] {
                prop_assert!(pod.get(forbidden).is_none());
            }
            let beside = pod.get("initContainers").and_then(Value::as_array).into_iter().flatten();
            let containers = pod["containers"].as_array().unwrap().iter().chain(beside);
            let containers = containers.collect::<Vec<_>>();
            let names = containers.iter().map(|c| c["name"].to_string()).collect::<BTreeSet<_>>();
            prop_assert_eq!(names.len(), containers.len(), "two of one name are refused");
            for container in &containers {
                let security = &container["securityContext"];
                prop_assert_eq!(&security["allowPrivilegeEscalation"], false);
                prop_assert_eq!(&security["capabilities"]["drop"][0], "ALL");
                prop_assert!(security.get("privileged").is_none());
                let resources = &container["resources"];
                for (side, names) in
                    [("requests", &["cpu", "memory", "ephemeral-storage"][..]), ("limits", &["memory", "ephemeral-storage"])]
                {
                    for name in names {
                        prop_assert!(resources[side][name].is_string(), "{side}.{name}: {resources}");
                    }
                }
            }
            let volumes = pod.get("volumes").and_then(Value::as_array).into_iter().flatten();
            let volumes = volumes.map(|v| v["name"].as_str().unwrap()).collect::<Vec<_>>();
            prop_assert_eq!(volumes.iter().collect::<BTreeSet<_>>().len(), volumes.len());
            for container in &containers {
                let mounts = container.get("volumeMounts").and_then(Value::as_array);
                for mount in mounts.into_iter().flatten() {
                    prop_assert!(volumes.contains(&mount["name"].as_str().unwrap()), "{mount}");
                }
            }
        }
    }

    #[test]
    fn the_quota_has_room_for_all_that_can_run(world in world()) {
        has_room(world.solution.name.as_str(), &world.render());
    }

    #[test]
    fn in_a_mesh_every_component_answers_its_callers_and_nobody_else(world in world()) {
        let desired = world.render();
        let home = world.solution.name.namespace();
        let meshed = world.platform.mesh != Mesh::Off;
        let servers = of_kind(&desired, Kind::Server).count();
        prop_assert_eq!(servers, if meshed { world.solution.components.len() } else { 0 });
        for policy in of_kind(&desired, Kind::AuthorizationPolicy) {
            let named = policy.body["spec"]["requiredAuthenticationRefs"][0]["name"].as_str();
            let found = of_kind(&desired, Kind::MeshTlsAuthentication)
                .find(|o| Some(o.key.name.as_str()) == named);
            prop_assert!(found.is_some_and(|o| o.wave < policy.wave), "{named:?}");
        }
        let callers = of_kind(&desired, Kind::MeshTlsAuthentication);
        for callers in callers {
            let callee = callers.component.as_ref().unwrap();
            for account in callers.body["spec"]["identityRefs"].as_array().unwrap() {
                let name = account["name"].as_str().unwrap();
                let component = world.solution.components.values().find(|c| c.name.as_str() == name);
                match account["namespace"].as_str().unwrap() {
                    "edge" | "keda" => {
                        let private = world.solution.components[callee].exposure == Exposure::Private;
                        prop_assert!(!private, "visitors reach {callee}");
                    }
                    "monitoring" => {
                        prop_assert!(world.solution.components[callee].metrics_path.is_some());
                    }
                    namespace => {
                        prop_assert_eq!(namespace, &home);
                        prop_assert!(component.unwrap().depends_on.contains(callee));
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_public_without_default_deny_and_a_way_in(world in world()) {
        let desired = world.render();
        let names = of_kind(&desired, Kind::NetworkPolicy)
            .map(|o| o.key.name.as_str())
            .collect::<BTreeSet<_>>();
        for name in ["default-deny", "allow-dns", "allow-edge"] {
            prop_assert!(names.contains(name), "{name}");
        }
        for route in of_kind(&desired, Kind::HttpRoute) {
            let spec = &route.body["spec"];
            for host in spec["hostnames"].as_array().unwrap() {
                let host = host.as_str().unwrap();
                let label = host.strip_suffix(&format!(".{DOMAIN}")).unwrap();
                let own = label.split("--").next() == Some(world.solution.name.as_str());
                prop_assert!(own, "{host} is not this solution's");
            }
            for rule in spec["rules"].as_array().unwrap() {
                let backends = rule.get("backendRefs").is_some();
                let redirects = rule.pointer("/filters/0/requestRedirect").is_some();
                prop_assert!(backends != redirects, "{rule}");
            }
        }
    }
}

/// The hosts that routes and Ingresses answer for.
fn hosts(desired: &Desired) -> BTreeSet<String> {
    let routes = of_kind(desired, Kind::HttpRoute);
    let of_routes = routes.into_iter().flat_map(|route| strings(&route.body["spec"]["hostnames"]));
    let ingresses = of_kind(desired, Kind::Ingress);
    let rules = ingresses.into_iter().filter_map(|i| i.body["spec"]["rules"].as_array().cloned());
    let of_ingresses = rules.flatten().filter_map(|rule| rule["host"].as_str().map(str::to_owned));
    of_routes.chain(of_ingresses).collect()
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// How Traefik's router of a route begins: runs of anything but letters and digits are one dash,
/// so that names which differ in dashes alone would be one.
fn routers(desired: &Desired) -> BTreeSet<String> {
    let routes = of_kind(desired, Kind::HttpRoute).map(|route| {
        let namespace = route.key.namespace.clone().unwrap_or_default();
        let name = format!("httproute-{namespace}-{}-gw-", route.key.name);
        let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
        parts.join("-")
    });
    routes.collect()
}

/// Everything that rendering depends on.
#[derive(Clone, Debug)]
pub struct World {
    pub solution: Solution,
    pub platform: Platform,
    pub phase: Phase,
}

impl World {
    fn render(&self) -> Desired {
        on(&self.solution, &self.platform, self.phase)
    }
}

pub fn world() -> impl Strategy<Value = World> {
    let phase = prop_oneof![
        3 => Just(Phase::Live),
        1 => Just(Phase::Suspended),
        1 => Just(Phase::Expired),
    ];
    let version = prop_oneof![Just((1, 30)), Just((1, 33)), Just((1, 40))];
    let controller = prop_oneof![
        Just(Controller::Traefik),
        Just(Controller::EnvoyGateway),
        Just(Controller::Other)
    ];
    let edge = proptest::option::of(controller);
    (any_solution(), phase, edge, 0..3, version, switches()).prop_map(
        |(solution, phase, edge, activation, version, switches)| {
            let mut platform = platform();
            match edge {
                Some(controller) => controlled_by(&mut platform, controller),
                None => platform.edge.kind = EdgeKind::Ingress { class: "nginx".to_owned() },
            }
            match (activation, edge) {
                (0, _) => platform.activation = Activation::None,
                // An Ingress cannot lead to the interceptor, and nobody counts for `other`.
                (1, None | Some(Controller::Traefik | Controller::EnvoyGateway)) | (_, None) => {
                    platform.activation = Activation::Prometheus(prometheus());
                }
                _ => {}
            }
            platform.cluster_version = version;
            switches.turn(&mut platform);
            World { solution, platform, phase }
        },
    )
}

/// What only some platforms have.
#[derive(Clone, Debug)]
struct Switches {
    mesh: Mesh,
    edge_account: bool,
    monitoring: Option<Monitoring>,
    karpenter: bool,
    root: bool,
    baseline: bool,
    warm_up: bool,
}

impl Switches {
    fn turn(self, platform: &mut Platform) {
        platform.mesh = self.mesh;
        // `catalog` refuses a mesh that nobody's gateway could get into.
        let account = self.edge_account || self.mesh == Mesh::Linkerd(MeshPolicy::Deny);
        platform.edge.data_plane_service_account = account.then(|| "traefik".to_owned());
        platform.monitoring = self.monitoring;
        if self.karpenter {
            platform.nodes.provisioner = Provisioner::Karpenter;
        }
        if self.root {
            platform.pod_security.run_as_root = RunAsRoot::UserNamespace;
        }
        if self.baseline {
            platform.pod_security.level = Level::Baseline;
        }
        platform.warmup_image = self.warm_up.then(warmup_image);
    }
}

fn switches() -> impl Strategy<Value = Switches> {
    let mesh = prop_oneof![
        Just(Mesh::Off),
        Just(Mesh::Linkerd(MeshPolicy::Deny)),
        Just(Mesh::Linkerd(MeshPolicy::Audit)),
    ];
    let monitoring =
        (any::<bool>(), any::<bool>()).prop_map(|(account, pod_monitors)| Monitoring {
            namespace: "monitoring".to_owned(),
            service_account: account.then(|| "prometheus".to_owned()),
            pod_monitors,
        });
    (mesh, proptest::option::of(monitoring), any::<[bool; 5]>()).prop_map(
        |(mesh, monitoring, [edge_account, karpenter, root, baseline, warm_up])| Switches {
            mesh,
            edge_account,
            monitoring,
            karpenter,
            root,
            baseline,
            warm_up,
        },
    )
}

fn any_solution() -> impl Strategy<Value = Solution> {
    let shape =
        prop_oneof![Just(Shape::Single), Just(Shape::Components), Just(Shape::Configurations),];
    let parts = proptest::collection::btree_map(name(20), part(), 1..20);
    (name(40), shape, parts, "\\PC{0,80}").prop_map(|(name, shape, parts, title)| {
        let many = parts.len();
        let parts = parts.into_iter().enumerate().map(|(n, (part, draw))| {
            let host = match shape {
                Shape::Single | Shape::Components => format!("{name}.{DOMAIN}"),
                Shape::Configurations => format!("{name}--{part}.{DOMAIN}"),
            };
            let path = if n == 0 || shape == Shape::Configurations {
                "/".to_owned()
            } else {
                format!("/{part}")
            };
            let public = n == 0 || draw.public || shape == Shape::Configurations;
            let mut it = component(&part, public.then_some((host.as_str(), path.as_str())));
            draw.fill(&mut it);
            it
        });
        let parts = match shape {
            Shape::Single => parts.take(1).collect::<Vec<_>>(),
            Shape::Components | Shape::Configurations => parts.take(many).collect(),
        };
        let mut it = solution(&name, shape, parts);
        it.title = title;
        declare_calls(&mut it);
        it
    })
}

/// Each component calls every private one after it: no cycle.
fn declare_calls(solution: &mut Solution) {
    let private = solution
        .components
        .values()
        .filter(|c| c.exposure == Exposure::Private)
        .map(|c| c.name.clone())
        .collect::<BTreeSet<_>>();
    for component in solution.components.values_mut() {
        let name = component.name.clone();
        component.depends_on = private.iter().filter(|callee| **callee > name).cloned().collect();
    }
}

/// What is drawn for one component.
#[derive(Clone, Debug)]
struct Part {
    public: bool,
    strip: bool,
    scaling: Scaling,
    port: u16,
    base_path: &'static str,
    hardware: Hardware,
    files: Vec<Vec<u8>>,
    scratch: usize,
    egress: Vec<Egress>,
    probe: Probe,
    startup: u64,
    limits: bool,
    http: Http,
    /// How many of each.
    secrets: usize,
    volumes: usize,
    warm_ups: usize,
    metrics: bool,
    arm: bool,
}

impl Part {
    fn fill(self, it: &mut Component) {
        if let Exposure::Public { strip_prefix, .. } = &mut it.exposure {
            *strip_prefix = self.strip;
        }
        it.scaling = self.scaling;
        it.http = self.http;
        it.port = self.port;
        it.base_path = page(self.base_path);
        it.hardware = self.hardware;
        let files = self.files.into_iter().enumerate();
        it.files =
            files.map(|(n, bytes)| (mount(&format!("/config/{n}")), Arc::from(bytes))).collect();
        it.scratch = (0..self.scratch)
            .map(|n| (mount(&format!("/scratch/{n}")), Quantity::gibibytes(1)))
            .collect();
        it.egress = self.egress;
        it.liveness = Some(self.probe.clone());
        it.readiness = self.probe;
        it.startup = Duration::from_secs(self.startup);
        if !self.limits {
            it.limits.clear();
        }
        it.secrets = (0..self.secrets).map(|n| format!("KEY_{n}")).collect();
        let volume =
            |n| Volume { image: warmup_image(), mount_path: mount(&format!("/models/{n}")) };
        it.volumes = (0..self.volumes).map(|n| (format!("scratch-{n}"), volume(n))).collect();
        let example = |n| (format!("examples/{n}.json"), Arc::from(&br#"{"path": "/"}"#[..]));
        it.warmup = (0..self.warm_ups).map(example).collect();
        it.metrics_path = self.metrics.then(|| page("/metrics"));
        it.architectures.extend(self.arm.then_some(Architecture::Arm64));
    }
}

fn part() -> impl Strategy<Value = Part> {
    let scaling = prop_oneof![
        (1u16..5).prop_map(|n| Scaling::AlwaysOn { replicas: copies(n) }),
        (0u16..3, 3u16..6, 300u64..86_400, any::<bool>(), 1u32..1000).prop_map(
            |(min, max, cooldown, rate, n)| Scaling::Autoscaled {
                range: between(min, max),
                cooldown: Duration::from_secs(cooldown),
                target: if rate { Target::RequestRate(n) } else { Target::Concurrency(n) },
                schedules: (0..n % 3)
                    .map(|hour| Schedule {
                        timezone: "Europe/Berlin".to_owned(),
                        start: cron(&format!("0 {hour} * * *")),
                        end: cron("0 17 * * *"),
                        replicas: copies(1),
                    })
                    .collect(),
            }
        ),
    ];
    let http =
        (1u32..30, 0u32..30, any::<bool>(), 0usize..3).prop_map(|(rate, more, asked, n)| Http {
            request_timeout: Duration::from_secs(60),
            max_request_body_size: 1 << (20 + more),
            body_limit_asked: asked,
            rate_limit: RateLimit { requests_per_second: rate, burst: rate + more },
            cors: (0..n).map(|n| format!("https://{n}.example")).collect(),
        });
    let hardware =
        (proptest::option::of(name(20)), any::<bool>()).prop_map(|(group, exclusive)| Hardware {
            class: "any".to_owned(),
            node_group: group,
            exclusive,
        });
    let egress = prop_oneof![Just("0.0.0.0/0"), Just("::/0"), Just("192.0.2.0/24")];
    // Names are asked for at 53, which must hide nothing that somebody asked for.
    let egress = (egress, prop_oneof![Just(53), 1u16..])
        .prop_map(|(cidr, port)| Egress { cidr: Network::parse(cidr).unwrap(), port });
    // As `check` refuses them in a mesh.
    let port =
        (1024u16..).prop_filter("the mesh's own", |port| ![4140, 4143, 4190, 4191].contains(port));
    let probe = prop_oneof![Just(Probe::TcpConnect), Just(Probe::Get { path: page("/healthz") }),];
    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    (
        (any::<bool>(), any::<bool>(), scaling, port, hardware),
        prop_oneof![Just("/"), Just("/ui"), Just("/b/c")],
        proptest::collection::vec(bytes, 0..3),
        0usize..3,
        proptest::collection::vec(egress, 0..3),
        (probe, 1u64..1800, any::<bool>(), http),
        (0usize..3, 0usize..3, 0usize..3, any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |(
                (public, strip, scaling, port, hardware),
                base_path,
                files,
                scratch,
                egress,
                last,
                (secrets, volumes, warm_ups, metrics, arm),
            )| {
                let (probe, startup, limits, http) = last;
                Part {
                    public,
                    strip,
                    scaling,
                    port,
                    base_path,
                    hardware,
                    files,
                    scratch,
                    egress,
                    probe,
                    startup,
                    limits,
                    http,
                    secrets,
                    volumes,
                    warm_ups,
                    metrics,
                    arm,
                }
            },
        )
}

/// Names of up to `longest` characters, also of exactly that many.
fn name(longest: usize) -> impl Strategy<Value = String> {
    let pattern = prop_oneof![
        Just("[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?".to_owned()),
        Just(format!("[a-z][a-z0-9]{{{}}}", longest - 1)),
    ];
    pattern.prop_flat_map(|pattern| proptest::string::string_regex(&pattern).unwrap()).prop_filter(
        "reserved",
        |name| {
            let reserved = name == "default"
                || name.starts_with("pr-")
                || name.split('-').any(|word| word == "edge")
                || ["-page", "-files"].iter().any(|s| name.ends_with(s))
                || vitrine_core::model::SolutionName::RESERVED.contains(&name.as_str());
            !reserved
        },
    )
}
