//! What differs in the operator's file, value by value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Operator;
use super::fact::{Fact, Topic};
use crate::catalog::platform::{
    Activation, Assumptions, Controller, Defaults, Edge, EdgeKind, EgressLimit, Gallery, Gateway,
    HardwareClass, Interceptor, Limits, Mesh, MeshPolicy, Monitoring, Nodes, PodSecurity, Previews,
    Prometheus, Provisioner, Registries, RunAsRoot,
};
use crate::catalog::{Fault, Platform};
use crate::model::fault::harmless;
use crate::model::{Quantity, duration};

/// By the path of the key below `spec`.
type Values = BTreeMap<String, String>;

/// Puts the two files beside each other.
pub(super) fn between(
    base: &Result<Arc<Platform>, Vec<Fault>>,
    head: &Result<Arc<Platform>, Vec<Fault>>,
) -> Operator {
    match (base, head) {
        (_, Err(faults)) => Operator::Refused(faults.clone()),
        (Err(_), Ok(_)) => Operator::Mended,
        (Ok(old), Ok(new)) if old.digest == new.digest => Operator::Same,
        (Ok(old), Ok(new)) => {
            let (old, new) = (values(old), values(new));
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let fact = |name: &&String| Fact {
                topic: Topic::Different,
                components: Vec::new(),
                what: (*name).clone(),
                now: old.get(*name).cloned(),
                then: new.get(*name).cloned(),
            };
            let facts: Vec<Fact> = names.iter().map(fact).filter(Fact::differs).collect();
            if facts.is_empty() { Operator::Same } else { Operator::Changed(facts) }
        }
    }
}

/// Every value of the file, defaults filled in. Each struct is taken apart with all its fields.
fn values(platform: &Platform) -> Values {
    let Platform {
        name,
        domain,
        edge,
        activation,
        interceptor,
        mesh,
        monitoring,
        registries,
        hardware,
        nodes,
        warmup_image,
        pod_security,
        defaults,
        limits,
        cluster_version: (major, minor),
        own_networks,
        gallery,
        currency,
        assumptions,
        operators,
        previews,
        digest: _,
    } = platform;
    let mut sheet = Sheet(Values::new());
    sheet.say("name", name);
    sheet.say("domain", domain);
    let Edge { kind, data_plane_namespace, data_plane_service_account } = edge;
    match kind {
        EdgeKind::Gateway(Gateway { controller, name, namespace, section_name }) => {
            sheet.say("edge.kind", "Gateway");
            sheet.say(
                "edge.controller",
                match controller {
                    Controller::Traefik => "traefik",
                    Controller::EnvoyGateway => "envoy-gateway",
                    Controller::Other => "other",
                },
            );
            sheet.say("edge.gateway", format!("{namespace}/{name}"));
            sheet.maybe("edge.gateway.sectionName", section_name.as_ref());
        }
        EdgeKind::Ingress { class } => {
            sheet.say("edge.kind", "Ingress");
            sheet.say("edge.ingressClassName", class);
        }
    }
    sheet.say("edge.gateway.dataPlane.namespace", data_plane_namespace);
    sheet.maybe("edge.gateway.dataPlane.serviceAccount", data_plane_service_account.as_ref());
    match activation {
        Activation::Interceptor(_) => sheet.say("activation.mode", "interceptor"),
        Activation::Prometheus(Prometheus { server_address, job }) => {
            sheet.say("activation.mode", "prometheus");
            sheet.say("activation.prometheus", format!("{server_address}, job {job}"));
        }
        Activation::None => sheet.say("activation.mode", "none"),
    }
    if let Some(Interceptor { namespace, service, service_account, scaler, hold_requests_for }) =
        interceptor
    {
        let text = format!("{namespace}/{service}, account {service_account}, scaler {scaler}");
        sheet.say("activation.interceptor", text);
        sheet.say("activation.holdRequestsFor", duration::text(*hold_requests_for));
    }
    sheet.say(
        "mesh",
        match mesh {
            Mesh::Off => "off",
            Mesh::Linkerd(MeshPolicy::Deny) => "linkerd, undeclared calls are refused",
            Mesh::Linkerd(MeshPolicy::Audit) => "linkerd, undeclared calls are let in and counted",
        },
    );
    if let Some(Monitoring { namespace, service_account, pod_monitors }) = monitoring {
        let account = service_account.as_deref().unwrap_or("no account");
        sheet.say("monitoring", format!("{namespace}, {account}, PodMonitors: {pod_monitors}"));
    }
    let Registries { allow, require_digest, pull_secret } = registries;
    let any = if allow.is_empty() { "any".to_owned() } else { allow.join(", ") };
    sheet.say("registries.allow", any);
    sheet.say("registries.requireDigest", require_digest);
    sheet.maybe("registries.pullSecret", pull_secret.as_ref());
    for class in hardware.values() {
        sheet.class(class);
    }
    let Nodes { provisioner, label_key, priority_class } = nodes;
    sheet.say(
        "nodes.provisioner",
        match provisioner {
            Provisioner::ClusterAutoscaler => "cluster-autoscaler",
            Provisioner::Karpenter => "karpenter",
        },
    );
    sheet.say("nodes.labelKey", label_key);
    sheet.maybe("nodes.priorityClassName", priority_class.as_ref());
    sheet.maybe("warmup.image", warmup_image.as_ref());
    let PodSecurity { level, run_as_root } = pod_security;
    sheet.say("podSecurity.level", level.as_str());
    sheet.say(
        "podSecurity.runAsRoot",
        match run_as_root {
            RunAsRoot::Refuse => "refuse",
            RunAsRoot::UserNamespace => "userNamespace",
        },
    );
    sheet.defaults(defaults);
    sheet.limits(limits);
    sheet.say("cluster.version", format!("{major}.{minor}"));
    let own: Vec<String> = own_networks.iter().map(ToString::to_string).collect();
    sheet.say("network.own", own.join(", "));
    let Gallery { categories, featured } = gallery;
    sheet.say("gallery.categories", categories.join(", "));
    let featured: Vec<&str> = featured.iter().map(|one| one.value.as_str()).collect();
    sheet.say("gallery.featured", featured.join(", "));
    sheet.maybe("currency", currency.as_ref());
    let Assumptions { visits_per_day, awake_per_visit } = assumptions;
    let text = format!("{visits_per_day} visits a day, {} each", duration::text(*awake_per_visit));
    sheet.say("assumptions", text);
    sheet.maybe("operators", operators.as_ref());
    if let Some(Previews { label, keep_for, at_most, secrets }) = previews {
        let keep = duration::text(*keep_for);
        sheet.say("previews", format!("label {label}, at most {at_most}, {keep} each"));
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        sheet.say("previews.secrets", secrets.join(", "));
    }
    sheet.0
}

struct Sheet(Values);

impl Sheet {
    /// Nothing is said of an empty value.
    fn say(&mut self, key: &str, value: impl ToString) {
        let value = value.to_string();
        if !value.is_empty() {
            self.0.insert(key.to_owned(), harmless(&value));
        }
    }

    fn maybe(&mut self, key: &str, value: Option<&impl ToString>) {
        if let Some(value) = value {
            self.say(key, value.to_string());
        }
    }

    fn class(&mut self, class: &HardwareClass) {
        let HardwareClass {
            name,
            node_group,
            exclusive,
            requests,
            limits,
            caps,
            max_cooldown,
            price,
        } = class;
        let at = |key: &str| format!("hardware.{name}.{key}");
        self.say(&at("nodeGroup"), node_group.as_deref().unwrap_or("any node"));
        self.say(&at("isolation"), if *exclusive { "exclusive" } else { "shared" });
        for (key, amounts) in [("requests", requests), ("limits", limits), ("caps", caps)] {
            let amounts = amounts.iter().map(|(name, amount)| format!("{name} {amount}"));
            self.say(&at(key), amounts.collect::<Vec<_>>().join(", "));
        }
        self.maybe(&at("maxCooldown"), max_cooldown.map(duration::text).as_ref());
        self.maybe(&at("price.perHour"), price.as_ref());
    }

    fn defaults(&mut self, defaults: &Defaults) {
        let Defaults {
            written: _,
            hardware,
            min_replicas,
            max_replicas,
            cooldown,
            request_timeout,
            max_request_body_size,
            rate_limit,
        } = defaults;
        self.say("defaults.hardware", hardware);
        self.say("defaults.scaling.minReplicas", min_replicas);
        self.say("defaults.scaling.maxReplicas", max_replicas);
        self.say("defaults.scaling.cooldownPeriod", duration::text(*cooldown));
        self.say("defaults.http.requestTimeout", duration::text(*request_timeout));
        let size = Quantity::bytes(*max_request_body_size);
        self.say("defaults.http.maxRequestBodySize", size);
        let (rate, burst) = (rate_limit.requests_per_second, rate_limit.burst);
        self.say("defaults.http.rateLimit", format!("{rate} a second, {burst} at once"));
    }

    fn limits(&mut self, limits: &Limits) {
        let Limits {
            max_replicas,
            min_replicas,
            max_components,
            max_configurations,
            max_request_body_size,
            request_timeout,
            cooldown: (least, most),
            startup_timeout,
            egress,
        } = limits;
        self.say("limits.maxReplicas", max_replicas);
        self.say("limits.minReplicas", min_replicas);
        self.say("limits.maxComponents", max_components);
        self.say("limits.maxConfigurations", max_configurations);
        self.say("limits.maxRequestBodySize", Quantity::bytes(*max_request_body_size));
        self.say("limits.requestTimeout", duration::text(*request_timeout));
        let cooldown = format!("{} to {}", duration::text(*least), duration::text(*most));
        self.say("limits.cooldownPeriod", cooldown);
        self.say("limits.startupTimeout", duration::text(*startup_timeout));
        let egress = match egress {
            EgressLimit::Public => "public".to_owned(),
            EgressLimit::Allowed => "allowed".to_owned(),
            EgressLimit::Forbidden => "forbidden".to_owned(),
            EgressLimit::Only(networks) => {
                networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        self.say("limits.egress", egress);
    }
}
