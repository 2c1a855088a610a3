//! Checked solutions and platforms, as `catalog` would hand them over.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use vitrine_core::catalog::platform::{
    Activation, Controller, EdgeKind, Level, Mesh, MeshPolicy, Monitoring, Prometheus, Provisioner,
    RunAsRoot,
};
use vitrine_core::catalog::solution::{
    About, Architecture, Component, Egress, Exposure, Hardware, Http, Probe, Range, RateLimit,
    Scaling, Schedule, Shape, Target, Volume,
};
use vitrine_core::catalog::{self, Memory, Platform, Solution};
use vitrine_core::model::{
    ComponentName, Cron, Domain, HostName, ImageReference, InstanceName, Kind, MountPath, Network,
    Quantity, SolutionName, TreeId, UrlPath,
};
use vitrine_core::render::{self, Desired, Phase};

use crate::corpus::from_folder::snapshot;

pub const DOMAIN: &str = "demo.example";
const DIGEST: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// One solution on one platform, and which of its objects its golden files show.
pub struct Case {
    pub name: &'static str,
    pub solution: Solution,
    pub platform: Platform,
    pub phase: Phase,
    /// Empty = all.
    pub shows: &'static [Kind],
}

impl Case {
    fn new(name: &'static str, solution: Solution, shows: &'static [Kind]) -> Self {
        Self { name, solution, platform: platform(), phase: Phase::Live, shows }
    }

    pub fn render(&self) -> Desired {
        render::all(&self.solution, &self.platform, &instance(), self.phase)
    }
}

/// Every case that has golden files.
pub fn cases() -> Vec<Case> {
    use Kind::{
        AuthorizationPolicy, BackendTrafficPolicy, ConfigMap, Deployment, HttpLocalRateLimitPolicy,
        HttpRoute, Ingress, InterceptorRoute, LimitRange, MeshTlsAuthentication, Middleware,
        Namespace, NetworkPolicy, PodDisruptionBudget, PodMonitor, ResourceQuota, ScaledObject,
        Server, Service, ServiceAccount,
    };
    let mut cases = vec![
        Case::new("minimal", single("use", |_| {}), &[]),
        Case::new(
            "always-on",
            single("use", |app| app.scaling = Scaling::AlwaysOn { replicas: copies(2) }),
            &[ResourceQuota, Deployment, PodDisruptionBudget, HttpRoute],
        ),
        Case::new(
            "warm",
            single("use", |app| {
                app.scaling = Scaling::Autoscaled {
                    range: between(1, 3),
                    cooldown: Duration::from_secs(300),
                    target: Target::RequestRate(5),
                    schedules: Vec::new(),
                };
            }),
            &[Deployment, InterceptorRoute, ScaledObject],
        ),
        Case::new("part-comparer", part_comparer(), &[]),
        Case::new(
            "mixed-scaling",
            components(
                "mixed",
                &[
                    ("web", Some("/"), &["store"], |c| {
                        c.scaling = Scaling::AlwaysOn { replicas: copies(1) };
                    }),
                    ("api", Some("/api"), &[], |_| {}),
                    ("store", None, &[], |_| {}),
                ],
            ),
            &[InterceptorRoute, ScaledObject, HttpRoute],
        ),
        Case::new(
            "configurations",
            configurations(),
            &[ConfigMap, Deployment, ScaledObject, HttpRoute],
        ),
        Case::new(
            "egress",
            single("use", |app| {
                app.egress = [
                    ("0.0.0.0/0", 443),
                    ("10.20.0.0/16", 5432),
                    ("::/0", 443),
                    ("192.0.2.0/24", 5432),
                ]
                .map(|(cidr, port)| Egress { cidr: Network::parse(cidr).unwrap(), port })
                .to_vec();
            }),
            &[NetworkPolicy],
        ),
        Case::new(
            "base-path",
            single("use", |app| {
                app.base_path = page("/ui/");
                app.readiness = Probe::Get { path: page("/ui/") };
            }),
            &[HttpRoute, InterceptorRoute],
        ),
        Case::new(
            "stripped-prefix",
            components(
                "portal",
                &[
                    ("web", Some("/"), &[], |c| c.base_path = page("/docs/start")),
                    ("docs", Some("/docs"), &[], strip),
                ],
            ),
            &[HttpRoute, InterceptorRoute],
        ),
        Case::new(
            "every-runtime-field",
            single("use", every_runtime_field),
            &[ServiceAccount, ConfigMap, Deployment],
        ),
        Case::new(
            "exclusive-gpu",
            single("use", |app| {
                app.hardware = Hardware {
                    class: "gpu-l4".to_owned(),
                    node_group: Some("solutions-gpu".to_owned()),
                    exclusive: true,
                };
                app.requests.insert("nvidia.com/gpu".to_owned(), Quantity::count(1));
                app.limits.insert("cpu".to_owned(), Quantity::count(4));
            }),
            &[ResourceQuota, LimitRange, Deployment],
        ),
        Case::new(
            "old-cluster",
            single("use", |app| app.hardware.exclusive = true),
            &[Namespace, Deployment],
        ),
        Case::new(
            "activation-none",
            single("use", |_| {}),
            &[NetworkPolicy, Deployment, HttpRoute],
        ),
        Case::new("suspended", single("use", |_| {}), &[Deployment, ScaledObject, HttpRoute]),
        Case::new(
            "suspended-always-on",
            single("use", |app| app.scaling = Scaling::AlwaysOn { replicas: copies(2) }),
            &[Deployment, HttpRoute],
        ),
        Case::new("edge-traefik", single("use", |_| {}), &[Middleware, HttpRoute, Service]),
        Case::new("edge-traefik-limits", limits(), &[Middleware, HttpRoute]),
        Case::new("edge-envoy", single("use", |_| {}), &[BackendTrafficPolicy, HttpRoute]),
        Case::new("edge-envoy-limits", limits(), &[BackendTrafficPolicy, HttpRoute]),
        Case::new("ingress", single("use", |app| app.base_path = page("/ui/")), &[Ingress]),
        Case::new("ingress-limits", limits(), &[Ingress]),
        Case::new("ingress-stripped", part_comparer(), &[Ingress]),
        Case::new("ingress-configurations", configurations(), &[Ingress]),
        Case::new("ingress-suspended", part_comparer(), &[Ingress, Deployment]),
        Case::new("prometheus-traefik", part_comparer(), &[ScaledObject, HttpRoute]),
        Case::new("prometheus-envoy", configurations(), &[ScaledObject, BackendTrafficPolicy]),
        Case::new("prometheus-ingress", single("use", |_| {}), &[ScaledObject, Ingress]),
        Case::new("prometheus-suspended", single("use", |_| {}), &[ScaledObject, HttpRoute]),
        Case::new("schedules", scheduled(), &[ScaledObject]),
        Case::new(
            "mesh",
            part_comparer(),
            &[
                Namespace,
                ResourceQuota,
                LimitRange,
                NetworkPolicy,
                Server,
                MeshTlsAuthentication,
                AuthorizationPolicy,
                HttpLocalRateLimitPolicy,
            ],
        ),
        Case::new(
            "mesh-audit",
            single("use", |_| {}),
            &[Server, MeshTlsAuthentication, Deployment],
        ),
        Case::new("metrics", single("use", serves_metrics), &[NetworkPolicy, PodMonitor]),
        Case::new(
            "metrics-in-a-mesh",
            single("use", serves_metrics),
            &[NetworkPolicy, MeshTlsAuthentication, PodMonitor],
        ),
        Case::new(
            "karpenter",
            single("use", |app| {
                app.hardware = Hardware {
                    class: "cpu-large".to_owned(),
                    node_group: Some("solutions-large".to_owned()),
                    exclusive: true,
                };
            }),
            &[Deployment],
        ),
        Case::new(
            "architectures",
            single("use", |app| {
                app.hardware.exclusive = true;
                app.architectures = BTreeSet::from([Architecture::Arm64, Architecture::Amd64]);
            }),
            &[Deployment],
        ),
        Case::new("root-in-a-user-namespace", single("use", |_| {}), &[Namespace, Deployment]),
        Case::new("baseline", single("use", |_| {}), &[Namespace]),
        Case::new(
            "secrets",
            components(
                "vault",
                &[("web", Some("/"), &[], |web| {
                    web.env = map(&[("MODE", "demo")]);
                    web.secrets = ["LICENSE_KEY", "TOKEN"].map(str::to_owned).into();
                })],
            ),
            &[Deployment],
        ),
        Case::new("secrets-of-configurations", secret_configurations(), &[Deployment]),
        Case::new(
            "image-volume",
            single("use", |app| {
                app.volumes = BTreeMap::from([(
                    "model".to_owned(),
                    Volume {
                        image: image(&format!("registry.example/nlp/use-model:3@{DIGEST}")),
                        mount_path: mount("/models"),
                    },
                )]);
            }),
            &[Deployment],
        ),
        Case::new("warm-up", single("use", is_warmed_up), &[ConfigMap, ResourceQuota, Deployment]),
    ];
    cases.extend(examples());
    for case in &mut cases {
        match case.name {
            "activation-none" => {
                case.platform.activation = Activation::None;
                case.platform.interceptor = None;
            }
            "every-runtime-field" => {
                case.platform.registries.pull_secret = Some("regcred".to_owned());
                case.platform.nodes.priority_class = Some("vitrine-solution".to_owned());
            }
            "mesh" => meshed(&mut case.platform, MeshPolicy::Deny),
            "mesh-audit" => meshed(&mut case.platform, MeshPolicy::Audit),
            "metrics" => monitored(&mut case.platform),
            "metrics-in-a-mesh" => {
                meshed(&mut case.platform, MeshPolicy::Deny);
                monitored(&mut case.platform);
            }
            "karpenter" => case.platform.nodes.provisioner = Provisioner::Karpenter,
            "root-in-a-user-namespace" => {
                case.platform.pod_security.run_as_root = RunAsRoot::UserNamespace;
            }
            "baseline" => case.platform.pod_security.level = Level::Baseline,
            "warm-up" => case.platform.warmup_image = Some(warmup_image()),
            "old-cluster" => case.platform.cluster_version = (1, 30),
            "suspended" | "suspended-always-on" | "ingress-suspended" | "prometheus-suspended" => {
                case.phase = Phase::Suspended;
            }
            "edge-traefik" => case.platform.mesh = Mesh::Linkerd(MeshPolicy::Deny),
            _ => {}
        }
        if case.name.contains("traefik") || case.name == "prometheus-suspended" {
            controlled_by(&mut case.platform, Controller::Traefik);
        }
        if case.name.contains("envoy") {
            controlled_by(&mut case.platform, Controller::EnvoyGateway);
        }
        if case.name.contains("ingress") {
            case.platform.edge.kind = EdgeKind::Ingress { class: "nginx".to_owned() };
            case.platform.activation = Activation::None;
            case.platform.interceptor = None;
        }
        if case.name.starts_with("prometheus") {
            case.platform.activation = Activation::Prometheus(prometheus());
            case.platform.interceptor = None;
        }
    }
    cases
}

/// Public components that differ in what the edge limits.
fn limits() -> Solution {
    components(
        "portal",
        &[
            ("web", Some("/"), &[], |c| c.http.cors = vec!["https://plm.example.org".to_owned()]),
            ("api", Some("/api"), &[], |c| {
                c.http.rate_limit = RateLimit { requests_per_second: 2, burst: 5 };
                c.http.cors = vec!["*".to_owned()];
            }),
            ("upload", Some("/up"), &[], |c| {
                c.http.body_limit_asked = true;
                c.http.max_request_body_size = 64 * 1024 * 1024;
                c.http.request_timeout = Duration::from_millis(90_500);
            }),
        ],
    )
}

/// Hours at which two public components and a private one are kept awake.
fn scheduled() -> Solution {
    components(
        "office",
        &[
            ("web", Some("/"), &["store"], |c| keep_awake(c, "0 8 * * 1-5", 2)),
            ("api", Some("/api"), &["store"], |c| keep_awake(c, "0 6 * * *", 1)),
            ("store", None, &[], |_| {}),
        ],
    )
}

/// Adds hours to a sleeping component, until five in the afternoon.
pub fn keep_awake(component: &mut Component, from: &str, replicas: u16) {
    let Scaling::Autoscaled { range, schedules, .. } = &mut component.scaling else { return };
    *range = between(range.min(), range.max().get().max(replicas));
    schedules.push(Schedule {
        timezone: "Europe/Berlin".to_owned(),
        start: cron(from),
        end: cron("0 17 * * 1-5"),
        replicas: copies(replicas),
    });
}

/// Gives a platform's Gateway an implementation.
pub fn controlled_by(platform: &mut Platform, controller: Controller) {
    if let EdgeKind::Gateway(gateway) = &mut platform.edge.kind {
        gateway.controller = controller;
    }
}

/// A Prometheus that scrapes the edge.
pub fn prometheus() -> Prometheus {
    Prometheus {
        server_address: "http://prometheus.monitoring:9090".to_owned(),
        job: "edge".to_owned(),
    }
}

fn every_runtime_field(app: &mut Component) {
    app.image = image("registry.example:5000/nlp/use:1.4.0");
    app.command = vec!["/bin/serve".to_owned()];
    app.args = vec!["--port".to_owned(), "9000".to_owned()];
    app.port = 9000;
    app.env = map(&[("TF_CPP_MIN_LOG_LEVEL", "2"), ("EMPTY", "")]);
    app.files = BTreeMap::from([
        (mount("/config/model.yaml"), Arc::from(&b"layers: 3\n"[..])),
        (mount("/config/weights.bin"), Arc::from(&[0xff, 0x00, 0xfe][..])),
    ]);
    app.scratch = [("/tmp", Quantity::gibibytes(1)), ("/var/cache", Quantity::mebibytes(512))]
        .map(|(path, size)| (mount(path), size))
        .into();
    app.read_only_root_filesystem = true;
    app.startup = Duration::from_secs(481);
    app.readiness = Probe::Get { path: page("/healthz") };
    app.liveness = Some(Probe::TcpConnect);
}

fn serves_metrics(app: &mut Component) {
    app.metrics_path = Some(page("/metrics"));
}

/// What a component has that is warmed up with two requests.
pub fn is_warmed_up(app: &mut Component) {
    let example = |path: &str, text: &str| (format!("examples/{path}"), Arc::from(text.as_bytes()));
    app.warmup = vec![
        example("embed.json", r#"{"method": "POST", "path": "/embed", "json": {"text": ["x"]}}"#),
        example("again.json", r#"{"path": "/", "expect": {"status": 200}}"#),
    ];
}

/// An image that has `vitrine warm`.
pub fn warmup_image() -> ImageReference {
    image(&format!("registry.example/vitrine:0.1.0@{DIGEST}"))
}

/// Puts a platform into a mesh whose edge is known by its account.
pub fn meshed(platform: &mut Platform, policy: MeshPolicy) {
    platform.mesh = Mesh::Linkerd(policy);
    platform.edge.data_plane_service_account = Some("traefik".to_owned());
}

/// Gives a platform somebody who reads metrics.
pub fn monitored(platform: &mut Platform) {
    platform.monitoring = Some(Monitoring {
        namespace: "monitoring".to_owned(),
        service_account: Some("prometheus".to_owned()),
        pod_monitors: true,
    });
}

/// Two settings of an image that needs a licence.
fn secret_configurations() -> Solution {
    let mut solution = configurations();
    for configuration in solution.components.values_mut() {
        configuration.secrets = ["LICENSE_KEY".to_owned()].into();
        configuration.files.clear();
    }
    solution
}

pub fn strip(component: &mut Component) {
    if let Exposure::Public { strip_prefix, .. } = &mut component.exposure {
        *strip_prefix = true;
    }
}

/// The part comparer of the paper: two public services, one private.
pub fn part_comparer() -> Solution {
    components(
        "part-comparer",
        &[
            ("web", Some("/"), &[], |_| {}),
            ("api", Some("/api"), &["compare"], strip),
            ("compare", None, &[], |c| {
                c.port = 5000;
                c.startup = Duration::from_secs(480);
            }),
        ],
    )
}

/// One image, two settings.
pub fn configurations() -> Solution {
    let mut solution = single("anomaly", |_| {});
    solution.shape = Shape::Configurations;
    solution.components = [("pumps", "isolation-forest"), ("spindles", "lof")]
        .into_iter()
        .map(|(name, algorithm)| {
            let host = format!("anomaly--{name}.{DOMAIN}");
            let mut it = component(name, Some((&host, "/")));
            it.env = map(&[("ALGORITHM", algorithm)]);
            let file = format!("algorithm: {algorithm}\n");
            it.files = BTreeMap::from([(
                mount("/config/model.yaml"),
                Arc::from(file.into_bytes().as_slice()),
            )]);
            (it.name.clone(), Box::new(it))
        })
        .collect();
    solution
}

/// The solutions of `catalog/` on their own platform.
fn examples() -> impl Iterator<Item = Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let catalog = catalog::read(&snapshot(&folder), &mut Memory::default());
    let names = [
        ("anomaly", "example-anomaly"),
        ("part-comparer", "example-part-comparer"),
        ("tourism", "example-tourism"),
        ("use", "example-use"),
    ];
    names.into_iter().map(move |(solution, name)| {
        let platform = catalog.platform.as_deref().unwrap().clone();
        let solution = Solution::clone(&catalog.solutions[solution]);
        Case { name, solution, platform, phase: Phase::Live, shows: &[] }
    })
}

/// A solution with one component, `app`.
pub fn single(name: &str, change: impl FnOnce(&mut Component)) -> Solution {
    let mut app = component("app", Some((&format!("{name}.{DOMAIN}"), "/")));
    change(&mut app);
    solution(name, Shape::Single, [app])
}

/// Name, public path, callees, what is special.
type Part<'a> = (&'a str, Option<&'a str>, &'a [&'a str], fn(&mut Component));

/// A solution of several components.
pub fn components(name: &str, parts: &[Part]) -> Solution {
    let host = format!("{name}.{DOMAIN}");
    let parts = parts.iter().map(|(part, path, calls, change)| {
        let mut it = component(part, path.map(|path| (host.as_str(), path)));
        it.depends_on = calls.iter().map(|c| ComponentName::parse(c).unwrap()).collect();
        change(&mut it);
        it
    });
    solution(name, Shape::Components, parts)
}

pub fn solution(
    name: &str,
    shape: Shape,
    components: impl IntoIterator<Item = Component>,
) -> Solution {
    Solution {
        name: SolutionName::parse(name).unwrap(),
        title: "Find & compare <requirements>".to_owned(),
        description: None,
        folder: name.to_owned(),
        tree: TreeId::parse(&"0".repeat(40)).unwrap(),
        shape,
        components: components.into_iter().map(|c| (c.name.clone(), Box::new(c))).collect(),
        expires: None,
        suspend: None,
        about: About::default(),
        preview: None,
    }
}

/// A component with the platform's defaults; public at (host, path) or private.
pub fn component(name: &str, public: Option<(&str, &str)>) -> Component {
    Component {
        name: ComponentName::parse(name).unwrap(),
        title: None,
        image: image(&format!("registry.example/nlp/{name}:1.4.0@{DIGEST}")),
        command: Vec::new(),
        args: Vec::new(),
        port: 8080,
        base_path: UrlPath::root(),
        env: BTreeMap::new(),
        expand_variables: false,
        secrets: BTreeSet::new(),
        files: BTreeMap::new(),
        volumes: BTreeMap::new(),
        hardware: Hardware { class: "cpu-basic".to_owned(), node_group: None, exclusive: false },
        requests: amounts(&[("cpu", "250m"), ("memory", "1Gi")]),
        limits: amounts(&[("memory", "1Gi")]),
        read_only_root_filesystem: false,
        scratch: BTreeMap::new(),
        scaling: Scaling::Autoscaled {
            range: between(0, 1),
            cooldown: Duration::from_secs(1800),
            target: Target::Concurrency(10),
            schedules: Vec::new(),
        },
        startup: Duration::from_secs(300),
        warmup: Vec::new(),
        readiness: Probe::Get { path: page("/") },
        liveness: None,
        exposure: match public {
            Some((host, path)) => {
                Exposure::Public { host: host_of(host), path: page(path), strip_prefix: false }
            }
            None => Exposure::Private,
        },
        depends_on: BTreeSet::new(),
        egress: Vec::new(),
        http: Http {
            request_timeout: Duration::from_secs(60),
            max_request_body_size: 10 * 1024 * 1024,
            body_limit_asked: false,
            rate_limit: RateLimit { requests_per_second: 10, burst: 50 },
            cors: Vec::new(),
        },
        metrics_path: None,
        architectures: BTreeSet::new(),
    }
}

/// A platform with Gateway API, the interceptor, no mesh and no node groups of its own.
pub fn platform() -> Platform {
    let mut platform = Platform::bare(domain());
    platform.name = "aim".to_owned();
    if let EdgeKind::Gateway(gateway) = &mut platform.edge.kind {
        gateway.section_name = Some("https-solutions".to_owned());
    }
    platform.cluster_version = (1, 36);
    platform
}

pub fn instance() -> InstanceName {
    InstanceName::parse("demo").unwrap()
}

pub fn copies(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

/// From so many copies to so many.
pub fn between(min: u16, max: u16) -> Range {
    Range::new(min, copies(max)).unwrap()
}

pub fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// Names with quantities.
pub fn amounts(entries: &[(&str, &str)]) -> vitrine_core::model::Quantities {
    entries.iter().map(|(k, v)| ((*k).to_owned(), Quantity::parse(v).unwrap())).collect()
}

pub fn page(path: &str) -> UrlPath {
    UrlPath::parse(path).unwrap()
}

pub fn mount(path: &str) -> MountPath {
    MountPath::parse(path).unwrap()
}

pub fn cron(time: &str) -> Cron {
    Cron::parse(time).unwrap()
}

pub fn image(reference: &str) -> ImageReference {
    ImageReference::parse(reference).unwrap()
}

/// `use.demo.example`, `use--pumps.demo.example`
fn host_of(text: &str) -> HostName {
    let label = text.strip_suffix(&format!(".{DOMAIN}")).unwrap();
    match label.split_once("--") {
        Some((name, configuration)) => domain().configuration(
            &SolutionName::parse(name).unwrap(),
            &ComponentName::parse(configuration).unwrap(),
        ),
        None => domain().solution(&SolutionName::parse(label).unwrap()),
    }
}

pub fn domain() -> Domain {
    Domain::parse(DOMAIN).unwrap()
}
