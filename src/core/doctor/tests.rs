//! A cluster that is ready, from which one thing at a time is taken.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::visit::{list, text};
use super::*;
use crate::catalog::platform;
use crate::catalog::platform::Platform;
use crate::catalog::snapshot::File;
use crate::model::{Party, Quantity};
use crate::plan::facts::{Look, Question, Resource, Right};

const OBJECTS: &str = include_str!("../../../tests/doctor/cluster.yaml");
const PLATFORM: &str = include_str!("../../../tests/doctor/platform.yaml");
const NOW: &str = "2026-11-26T12:00:00Z";

fn platform(text: &str) -> Platform {
    let bytes = text.as_bytes();
    let judged = platform::judge(Some(&File {
        size: bytes.len() as u64,
        bytes: Some(bytes.to_vec().into()),
    }));
    assert!(judged.faults.is_empty(), "{:#?}", judged.faults);
    judged.platform
}

/// What a server would hold and answer.
struct Server {
    objects: Vec<Value>,
    version: (u32, u32),
    lacks: Vec<Right>,
    /// What the interceptor may not do with ConfigMaps.
    refuses: Vec<&'static str>,
    forbids: &'static str,
}

impl Server {
    fn ready() -> Self {
        static OBJECTS_AND_DEFINITIONS: OnceLock<Vec<Value>> = OnceLock::new();
        let objects = OBJECTS_AND_DEFINITIONS.get_or_init(Self::read).clone();
        Self {
            objects,
            version: (1, 36),
            lacks: Vec::new(),
            refuses: Vec::new(),
            forbids: "nothing",
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the definitions are those of the sandbox")]
    fn read() -> Vec<Value> {
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(OBJECTS).unwrap();
        let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/definitions");
        for file in std::fs::read_dir(crds).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            objects.extend(all.into_iter().map(|mut definition| {
                let conditions = json!([{"type": "Established", "status": "True"}]);
                definition["status"] = json!({ "conditions": conditions });
                definition
            }));
        }
        objects
    }

    fn at(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.objects.iter_mut();
        let mut found =
            found.filter(|o| text(o, "/kind") == kind && text(o, "/metadata/name") == name);
        found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    fn without(mut self, kind: &str, name: &str) -> Self {
        self.at(kind, name);
        self.objects.retain(|o| text(o, "/kind") != kind || text(o, "/metadata/name") != name);
        self
    }

    /// With another value at a pointer of an object.
    fn with(mut self, kind: &str, name: &str, pointer: &str, value: Value) -> Self {
        let object = self.at(kind, name);
        *object.pointer_mut(pointer).unwrap_or_else(|| panic!("{kind} {name}: {pointer}")) = value;
        self
    }

    fn answer(&self, question: &Question) -> Look {
        let is = |object: &Value, resource: &Resource, namespace: Option<&str>| {
            let plural = format!("{}s", text(object, "/kind").to_lowercase());
            let plural = plural.replace("classs", "classes");
            let group = text(object, "/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
            plural == resource.plural
                && group == resource.group
                && namespace
                    .is_none_or(|namespace| text(object, "/metadata/namespace") == namespace)
        };
        match question {
            Question::Version => {
                let (major, minor) = self.version;
                Look::Found(vec![json!({"major": major.to_string(), "minor": minor.to_string()})])
            }
            Question::May(right) if self.lacks.contains(right) => Look::Absent,
            Question::MayOther { .. } if self.forbids == "subjectaccessreviews" => {
                Look::NotTold("forbidden: you cannot ask this".to_owned())
            }
            Question::MayOther { right, .. } if self.refuses.contains(&right.verb) => Look::Absent,
            Question::May(_) | Question::MayOther { .. } => Look::Found(vec![json!(true)]),
            Question::One { resource, .. } | Question::All { resource, .. }
                if resource.plural == self.forbids =>
            {
                Look::NotTold("forbidden: you cannot see this".to_owned())
            }
            Question::One { resource, namespace, name } => {
                let found = self.objects.iter().find(|o| {
                    is(o, resource, namespace.as_deref()) && text(o, "/metadata/name") == name
                });
                found.map_or(Look::Absent, |found| Look::Found(vec![found.clone()]))
            }
            Question::All { resource, namespace, label } => {
                let found = self.objects.iter().filter(|o| is(o, resource, namespace.as_deref()));
                let labelled = |object: &&Value| {
                    label.as_ref().is_none_or(|label| {
                        let (key, value) = label.split_once('=').unwrap();
                        object["metadata"]["labels"][key] == value
                    })
                };
                Look::Found(found.filter(labelled).cloned().collect())
            }
        }
    }

    fn examined_for(&self, platform: &Platform) -> Vec<Finding> {
        let demand = Demand::from([("cpu".to_owned(), Quantity::count(10))]);
        let patient = Patient {
            platform,
            namespace: "vitrine-system",
            demand: Some(&demand),
            rights: true,
            now: NOW.parse().unwrap(),
        };
        let mut facts = Facts::default();
        for _ in 0..5 {
            let found = examine(&patient, &facts);
            if found.open.is_empty() {
                return found.findings;
            }
            facts.learn(found.open.into_iter().map(|question| {
                let look = self.answer(&question);
                (question, look)
            }));
        }
        panic!("questions follow on questions");
    }

    /// What is not fine, one line each.
    fn says(&self) -> Vec<String> {
        self.says_for(&platform(PLATFORM))
    }

    fn says_for(&self, platform: &Platform) -> Vec<String> {
        let findings = self.examined_for(platform);
        findings.iter().filter(|f| f.grade != Grade::Fine).map(Finding::line).collect()
    }
}

#[test]
fn a_ready_cluster_is_fine_and_each_thing_has_its_line() {
    let findings = Server::ready().examined_for(&platform(PLATFORM));
    let bad: Vec<&Finding> = findings.iter().filter(|f| f.grade != Grade::Fine).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let subjects: BTreeSet<&str> = findings.iter().map(|f| f.subject.as_str()).collect();
    assert_eq!(subjects.len(), findings.len(), "two lines about one thing");
    assert!(findings.len() > 30, "{findings:#?}");
    assert!(findings.iter().all(|f| f.mend.is_empty() && f.party == Party::Nobody));
}

/// One thing is gone, and exactly one line says so, with what mends it.
#[test]
fn each_absence_has_a_line_of_its_own() {
    for (kind, name, told, mend) in ABSENCES {
        let says = Server::ready().without(kind, name).says();
        let [line] = says.as_slice() else { panic!("{kind} {name}: {says:#?}") };
        assert!(line.contains(told), "{kind} {name}: {line}");
        assert!(line.contains(mend), "{kind} {name}: {line}");
    }
}

const ABSENCES: [(&str, &str, &str, &str); 28] = [
    (
        "CustomResourceDefinition",
        "httproutes.gateway.networking.k8s.io",
        "missing: CRD httproutes",
        "kubectl apply",
    ),
    (
        "CustomResourceDefinition",
        "referencegrants.gateway.networking.k8s.io",
        "missing: CRD referencegrants",
        "kubectl apply",
    ),
    (
        "CustomResourceDefinition",
        "scaledobjects.keda.sh",
        "missing: CRD scaledobjects",
        "helm upgrade --install keda ",
    ),
    (
        "CustomResourceDefinition",
        "interceptorroutes.http.keda.sh",
        "missing: CRD interceptorroutes",
        "keda-add-ons-http",
    ),
    ("CustomResourceDefinition", "middlewares.traefik.io", "missing: CRD middlewares", "traefik"),
    (
        "CustomResourceDefinition",
        "servers.policy.linkerd.io",
        "missing: CRD servers",
        "linkerd install --crds",
    ),
    (
        "CustomResourceDefinition",
        "podmonitors.monitoring.coreos.com",
        "missing: CRD podmonitors",
        "kube-prometheus-stack",
    ),
    ("Namespace", "vitrine-system", "missing: Namespace vitrine-system", "deploy/rbac.yaml"),
    ("Namespace", "edge", "missing: Namespace edge", "kubectl create namespace edge"),
    ("Namespace", "keda", "missing: Namespace keda", "kubectl create namespace keda"),
    ("Namespace", "linkerd", "missing: Namespace linkerd", "linkerd install"),
    ("Namespace", "monitoring", "missing: Namespace monitoring", "monitoring"),
    ("Gateway", "public", "missing: Gateway edge/public is not there", "edge.gateway"),
    (
        "GatewayClass",
        "traefik",
        "missing: GatewayClass traefik is not there",
        "install the controller",
    ),
    (
        "Certificate",
        "wildcard",
        "warning: certificate of listener https-solutions is not known",
        "Certificate",
    ),
    (
        "Deployment",
        "keda-operator",
        "missing: KEDA has no Deployment",
        "helm upgrade --install keda ",
    ),
    (
        "APIService",
        "v1beta1.external.metrics.k8s.io",
        "missing: APIService",
        "helm upgrade --install keda ",
    ),
    (
        "Service",
        "keda-add-ons-http-interceptor-proxy",
        "missing: Service keda/keda-add-ons-http-interceptor-proxy",
        "activation.interceptor.service",
    ),
    (
        "Service",
        "keda-add-ons-http-external-scaler",
        "missing: Service keda/keda-add-ons-http-external-scaler",
        "activation.interceptor.scaler",
    ),
    (
        "ServiceAccount",
        "keda-add-ons-http-interceptor",
        "missing: ServiceAccount keda/",
        "activation.interceptor.serviceAccount",
    ),
    (
        "Deployment",
        "linkerd-identity",
        "missing: Deployment linkerd/linkerd-identity",
        "linkerd install",
    ),
    (
        "Deployment",
        "linkerd-destination",
        "missing: Deployment linkerd/linkerd-destination",
        "linkerd install",
    ),
    (
        "Deployment",
        "linkerd-proxy-injector",
        "missing: Deployment linkerd/linkerd-proxy-injector",
        "linkerd install",
    ),
    (
        "DaemonSet",
        "linkerd-cni",
        "missing: DaemonSet linkerd-cni/linkerd-cni",
        "linkerd install-cni",
    ),
    (
        "MutatingWebhookConfiguration",
        "linkerd-proxy-injector-webhook-config",
        "missing: Linkerd's injector",
        "linkerd install",
    ),
    (
        "ServiceAccount",
        "prometheus",
        "missing: ServiceAccount monitoring/prometheus",
        "serviceAccount",
    ),
    (
        "PriorityClass",
        "vitrine-solution",
        "missing: PriorityClass vitrine-solution",
        "kubectl create priorityclass",
    ),
    (
        "CustomResourceDefinition",
        "httplocalratelimitpolicies.policy.linkerd.io",
        "missing: CRD httplocalratelimit",
        "linkerd",
    ),
];

/// What is there and not as it must be.
#[test]
fn each_danger_has_a_line_of_its_own() {
    let listener = "/spec/listeners/1";
    let gateway = |at: &str, value| {
        Server::ready().with("Gateway", "public", &format!("{listener}{at}"), value)
    };
    let crd = |name: &str, at: &str, value| {
        Server::ready().with("CustomResourceDefinition", name, at, value)
    };
    let certificate = |at: &str, value| Server::ready().with("Certificate", "wildcard", at, value);
    let scaled = "scaledobjects.keda.sh";
    let cases = [
        (Server { version: (1, 32), ..Server::ready() }, "missing: API server is 1.32"),
        (crd(scaled, "/spec/versions/0/name", json!("v2")), "serves v2, not v1alpha1"),
        (crd(scaled, "/spec/versions/0/served", json!(false)), "serves nothing, not v1alpha1"),
        (
            crd(scaled, "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/initialCooldownPeriod", json!(null)),
            "without spec.initialCooldownPeriod",
        ),
        (crd(scaled, "/status/conditions", json!([])), "is not Established"),
        (
            Server::ready().with("Gateway", "public", "/status/conditions/1/status", json!("False")),
            "missing: Gateway edge/public is not Programmed",
        ),
        (
            Server::ready().with("Gateway", "public", "/status/conditions", json!([])),
            "is not Accepted: no controller",
        ),
        (gateway("/name", json!("web")), "missing: listener https-solutions of edge/public is not there; there are: http, web"),
        (gateway("/protocol", json!("TLS")), "speaks TLS"),
        (gateway("/hostname", json!("*.other.example")), "does not cover *.demo.example"),
        (gateway("/hostname", json!("demo.example")), "does not cover *.demo.example"),
        (gateway("/allowedRoutes/namespaces/from", json!("Same")), "missing: listener https-solutions of edge/public does not admit the namespaces"),
        (gateway("/allowedRoutes/namespaces/from", json!("All")), "warning: listener https-solutions of edge/public admits routes of every"),
        (gateway("/allowedRoutes/namespaces/selector", json!({"matchLabels": {"team": "a"}})), "does not admit the namespaces"),
        (gateway("/allowedRoutes/kinds/0/kind", json!("GRPCRoute")), "does not admit HTTPRoutes"),
        (
            Server::ready().with("Gateway", "public", "/status/listeners/0/conditions/0", json!({"type": "ResolvedRefs", "status": "False", "message": "Secret wildcard-tls not found"})),
            "is not ResolvedRefs: Secret wildcard-tls not found",
        ),
        (certificate("/status/notAfter", json!("2026-12-01T00:00:00Z")), "warning: certificate of listener https-solutions ends on 2026-12-01, in 4 days"),
        (certificate("/status/notAfter", json!("2026-11-01T00:00:00Z")), "missing: certificate of listener https-solutions ended on 2026-11-01"),
        (certificate("/spec/dnsNames", json!(["demo.example"])), "is not for *.demo.example"),
        (certificate("/spec/secretName", json!("other")), "no Certificate writes Secret wildcard-tls"),
        (
            certificate("/status", json!({"conditions": [{"type": "Ready", "status": "False", "message": "DNS says no"}]})),
            "is not Ready: DNS says no",
        ),
        (Server::ready().with("GatewayClass", "traefik", "/spec/controllerName", json!("gateway.envoyproxy.io/gatewayclass-controller")), "missing: GatewayClass traefik is of gateway.envoyproxy.io"),
        (Server::ready().with("GatewayClass", "traefik", "/status/supportedFeatures/3/name", json!("X")), "lack HTTPRoutePathRewrite"),
        (Server::ready().with("GatewayClass", "traefik", "/status/supportedFeatures", json!([])), "are not told"),
        (Server::ready().with("GatewayClass", "traefik", "/status/conditions", json!([])), "missing: GatewayClass traefik is not Accepted"),
        (Server::ready().with("Deployment", "keda-operator", "/metadata/labels/app.kubernetes.io~1version", json!("2.17.0")), "missing: KEDA is 2.17.0; 2.18"),
        (Server::ready().with("Deployment", "keda-operator", "/metadata/labels/app.kubernetes.io~1version", json!("latest")), "warning: KEDA does not say its version"),
        (Server::ready().with("Deployment", "keda-operator", "/status", json!({})), "missing: KEDA 2.20.2 runs no pod"),
        (Server::ready().with("APIService", "v1beta1.external.metrics.k8s.io", "/status/conditions/0/status", json!("False")), "is not available"),
        (Server::ready().with("Service", "keda-add-ons-http-external-scaler", "/spec/ports/0/port", json!(9091)), "has no port 9090"),
        (Server::ready().with("MutatingWebhookConfiguration", "linkerd-proxy-injector-webhook-config", "/webhooks/0/failurePolicy", json!("Ignore")), "warning: Linkerd's injector lets pods start"),
        (Server::ready().with("Node", "node-1", "/metadata/labels", json!({})), "warning: node group solutions has no node"),
        (Server::ready().with("Node", "node-1", "/status/allocatable/cpu", json!("8")), "warning: room for all solutions at once is not there now: they may ask for cpu 10, the nodes have 8"),
    ];
    for (server, told) in cases {
        let says = server.says();
        let [line] = says.as_slice() else { panic!("{told}: {says:#?}") };
        assert!(line.contains(told), "{told}: {line}");
        assert!(line.contains("; "), "nobody is told what to do: {line}");
    }
}

#[test]
fn what_nobody_may_see_is_not_called_fine() {
    for forbids in [
        "gateways",
        "customresourcedefinitions",
        "certificates",
        "nodes",
        "daemonsets",
        "endpointslices",
        "subjectaccessreviews",
    ] {
        let says = Server { forbids, ..Server::ready() }.says();
        assert!(!says.is_empty(), "{forbids}");
        for line in says {
            assert!(line.starts_with("not told: "), "{line}");
            assert!(line.contains("could not be looked at: forbidden"), "{line}");
        }
    }
}

#[test]
fn partners_that_are_there_and_do_not_work_are_told() {
    let slice = |name: &str, ready: bool| {
        let endpoints = json!([{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}]);
        Server::ready().with("EndpointSlice", name, "/endpoints", endpoints)
    };
    let proxy = "keda-add-ons-http-interceptor-proxy";
    assert_eq!(slice(proxy, true).says(), [""; 0]);
    assert_eq!(
        slice(proxy, false).says(),
        [format!(
            "missing: what answers behind Service keda/{proxy} is not there: none of its pods is \
             ready; kubectl -n keda get pods"
        )]
    );
    let [gateway] = slice("traefik", false).says().try_into().unwrap();
    assert!(gateway.contains("data plane of the gateway in namespace edge has no ready endpoint"));

    let refused = Server { refuses: vec!["list", "watch"], ..Server::ready() };
    let [line] = refused.says().try_into().unwrap();
    let told = "missing: rights of ServiceAccount keda/keda-add-ons-http-interceptor lack: list, \
                watch configmaps; without them a browser's first visit to a sleeping solution gets \
                no answer; kubectl create clusterrole vitrine-waking-page --verb=get,list,watch \
                --resource=configmaps && kubectl create clusterrolebinding";
    assert!(line.starts_with(told), "{line}");
    assert!(line.ends_with("--serviceaccount=keda:keda-add-ons-http-interceptor"), "{line}");

    // Nobody may ask: then the version tells whether the right is likely to lack.
    let mut unasked = Server { forbids: "subjectaccessreviews", ..Server::ready() };
    let [line] = unasked.says().try_into().unwrap();
    assert!(!line.contains("leaves out"), "{line}");
    let interceptor = unasked.at("Deployment", "keda-add-ons-http-interceptor");
    interceptor["metadata"]["labels"]["app.kubernetes.io/version"] = json!("0.15.0");
    let [line] = unasked.says().try_into().unwrap();
    assert!(line.contains("the chart of 0.15.0 leaves out get, list, watch"), "{line}");
}

/// What an operator is told to type stands in the guide with everything around it.
#[test]
fn every_command_that_installs_something_stands_in_the_guide() {
    let guide = include_str!("../../../docs/platform.md");
    let nothing = Server { objects: Vec::new(), ..Server::ready() };
    let refused = Server { refuses: vec!["get"], ..Server::ready() };
    let platforms = [PLATFORM.to_owned(), PLATFORM.replace("traefik\n", "envoy-gateway\n")];
    let mut commands = BTreeSet::new();
    for (server, text) in
        [&nothing, &refused].iter().flat_map(|s| platforms.each_ref().map(|p| (s, p)))
    {
        for finding in server.examined_for(&platform(text)) {
            let command = finding.mend.split("; or ").next().unwrap_or_default().to_owned();
            commands.insert(command);
        }
    }
    let installs = |command: &&String| {
        [
            "helm ",
            "linkerd ",
            "kubectl create clusterrole",
            "kubectl create priority",
            "kubectl apply",
        ]
        .iter()
        .any(|verb| command.starts_with(verb))
    };
    let installs: Vec<&String> = commands.iter().filter(installs).collect();
    assert!(installs.len() > 9, "{installs:#?}");
    for command in installs {
        let command = command.split(" (").next().unwrap();
        assert!(guide.contains(command), "docs/platform.md lacks: {command}");
    }
}

#[test]
fn the_machines_of_a_group_are_known_by_what_they_have_to_give() {
    let server = Server::ready();
    let platform = platform(PLATFORM);
    let mut facts = Facts::default();
    assert!(machines(&platform, &facts).is_empty(), "nobody looked");
    let nodes = Resource::new("", "v1", "nodes").all(None);
    let mut there = match server.answer(&nodes) {
        Look::Found(there) => there,
        other => panic!("{other:?}"),
    };
    there.push(there[0].clone());
    there
        .push(json!({"metadata": {"name": "elsewhere"}, "status": {"allocatable": {"cpu": "96"}}}));
    facts.learn([(nodes, Look::Found(there))]);
    let found = machines(&platform, &facts);
    let kinds = |group: &str| found[group].len();
    assert_eq!((found.len(), kinds("solutions"), kinds("")), (2, 1, 2));
    assert!(found["solutions"][0].contains_key("cpu"), "{found:?}");
}

#[test]
fn an_optional_right_is_a_warning_and_no_fault() {
    let [slices, _, list, watch] = optional().try_into().unwrap();
    for (lacks, told) in [
        (
            vec![slices],
            "list endpointslices.discovery.k8s.io (whether a pod answers behind a Service)",
        ),
        (
            vec![list, watch],
            "list, watch events (why a pod was thrown out, what its probe got, whether a machine \
             is being added, which time zone KEDA does not know)",
        ),
    ] {
        let findings = Server { lacks, ..Server::ready() };
        assert_eq!(
            findings.says(),
            [format!(
                "warning: optional rights of the daemon lack: {told}; kubectl apply -f \
                 deploy/rbac.yaml, or live without what they tell"
            )]
        );
        let findings = findings.examined_for(&platform(PLATFORM));
        assert_eq!(answer(&findings), Grade::Warning);
    }
}

#[test]
fn missing_rights_are_named_in_one_line() {
    let right = |verb, group, resource| Right { verb, group, resource, namespace: None };
    let lacks = vec![
        right("patch", "apps", "deployments"),
        right("delete", "apps", "deployments"),
        right("list", "", "pods"),
    ];
    let says = Server { lacks, ..Server::ready() }.says();
    assert_eq!(
        says,
        ["missing: rights of the daemon lack: patch, delete deployments.apps; list pods; \
          kubectl apply -f deploy/rbac.yaml"]
    );
}

#[test]
fn the_rights_are_those_that_the_installation_gives() {
    let installation = include_str!("../../../deploy/rbac.yaml");
    let roles: Vec<Value> = serde_saphyr::from_multiple(installation).unwrap();
    let mut given = BTreeSet::new();
    for role in roles.iter().filter(|role| text(role, "/metadata/name") == "vitrine") {
        for rule in list(role, "/rules") {
            for (group, resource) in list(rule, "/apiGroups")
                .iter()
                .flat_map(|g| list(rule, "/resources").iter().map(move |r| (g, r)))
            {
                for verb in list(rule, "/verbs") {
                    let namespace = text(role, "/metadata/namespace").to_owned();
                    let words = [verb, group, resource].map(|w| w.as_str().unwrap().to_owned());
                    given.insert((words, namespace));
                }
            }
        }
    }
    // What the daemon may do everywhere, it may do at home.
    let everywhere = given.clone();
    given.retain(|(words, namespace)| {
        namespace.is_empty() || !everywhere.contains(&(words.clone(), String::new()))
    });
    let asked: BTreeSet<([String; 3], String)> = rights("vitrine-system")
        .into_iter()
        .chain(optional())
        .map(|r| {
            let words = [r.verb, r.group, r.resource].map(str::to_owned);
            (words, r.namespace.unwrap_or_default())
        })
        .collect();
    let more: Vec<_> = asked.difference(&given).collect();
    let less: Vec<_> = given.difference(&asked).collect();
    assert!(more.is_empty() && less.is_empty(), "not given: {more:?}; not asked for: {less:?}");
}

#[test]
fn only_what_the_platform_uses_is_asked_for() {
    let bare = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nmetadata: {name: x}\nspec:\n  \
                domain: demo.example\n  activation: {mode: none}\n  edge: {gateway: {sectionName: https-solutions}}\n";
    let platform = platform(bare);
    let mut server = Server::ready();
    server.objects.retain(|o| {
        let name = text(o, "/metadata/name");
        !["keda", "linkerd", "monitoring", "traefik.io"].iter().any(|part| name.contains(part))
            && text(o, "/metadata/namespace") != "keda"
    });
    assert_eq!(
        server.says_for(&platform),
        [
            "warning: GatewayClass traefik is of traefik.io/gateway-controller, whose own limits \
          `controller: other` leaves unused; edge: {controller: traefik} in platform.yaml",
            "warning: features of GatewayClass traefik lack HTTPRouteRequestTimeout (no request ends \
          by its timeout); upgrade the controller, or use another"
        ]
    );
    let ingress = bare.replace(
        "{gateway: {sectionName: https-solutions}}",
        "{kind: Ingress, ingressClassName: inside}",
    );
    let says = server.says_for(&self::platform(&ingress));
    assert_eq!(says.len(), 1, "{says:?}");
    assert!(says[0].starts_with("missing: IngressClass inside"), "{says:?}");
}

#[test]
fn without_a_section_the_clear_text_beside_it_is_told() {
    let text = PLATFORM.replace(", sectionName: https-solutions", "");
    let says = Server::ready().says_for(&platform(&text));
    assert_eq!(says.len(), 1, "{says:?}");
    assert!(says[0].contains("listener http of edge/public serves solutions in clear text"));
    assert!(says[0].contains("sectionName: https-solutions"), "{says:?}");
}

#[test]
fn the_worst_stands_last_and_decides() {
    let findings = Server::ready().without("Gateway", "public").without("Certificate", "wildcard");
    let findings = findings.examined_for(&platform(PLATFORM));
    assert_eq!(answer(&findings), Grade::Missing);
    let lines = lines(&findings);
    assert!(lines[lines.len() - 2].starts_with("missing   Gateway edge/public"), "{lines:#?}");
    assert!(lines[lines.len() - 1].trim_start().starts_with("-> apply one"), "{lines:#?}");
    assert_eq!(answer(&Server::ready().examined_for(&platform(PLATFORM))), Grade::Fine);
}
