//! Every value of a solution on one side.
//!
//! Who reaches what is read from the rendered objects, as a cluster would read them; the rest from
//! effective values. Each struct is taken apart with all its fields, so that a new field asks here
//! what a reviewer should read of it.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Topic, Value};
use super::{bill, page};
use crate::catalog::Platform;
use crate::catalog::platform::{Ability, Activation, EdgeKind, NotAble};
use crate::catalog::solution::{
    Component, Exposure, Http, Probe, RateLimit, Scaling, Schedule, Solution, Target,
};
use crate::model::credential::is_password_name;
use crate::model::fault::harmless;
use crate::model::{
    ComponentName, ContentHash, ImageReference, Quantities, Quantity, UrlPath, duration,
};
use crate::render::isolation::{Isolation, Peer, Root, isolation};
use crate::render::{Desired, Phase};

/// Every value of a solution on its platform.
pub(super) fn of(
    solution: &Solution,
    platform: &Platform,
    desired: &Desired,
    phase: Phase,
) -> Vec<Value> {
    let mut sheet = Sheet { values: Vec::new(), component: None };
    let statements = isolation(desired);
    sheet.reach(solution, platform, &statements, phase);
    sheet.reaches(&statements);
    for component in solution.components.values() {
        sheet.component = (solution.components.len() > 1).then(|| component.name.clone());
        sheet.hardware(component, phase);
        sheet.component(component);
        if let Exposure::Public { .. } = component.exposure {
            sheet.edge(component, platform);
        }
        let statement = statements.iter().find(|one| one.component == component.name.as_str());
        if let Some(statement) = statement {
            sheet.runs(statement);
        }
    }
    sheet.component = None;
    match bill::of(solution, platform, phase) {
        Some(bill) => {
            sheet.say(Topic::Cost, "costs at most", bill.at_most());
            sheet.say(Topic::Cost, "expected", bill.expectation());
        }
        None => sheet.say(Topic::Cost, "takes at most", bill::resources(solution)),
    }
    page::of(solution, &mut |what, text| {
        let usual = what == "folder" && text == solution.name.as_str();
        sheet.say(Topic::Different, what, text);
        sheet.usual_if(usual);
    });
    sheet.values
}

/// The values of one side, as they are found.
struct Sheet {
    values: Vec<Value>,
    component: Option<ComponentName>,
}

impl Sheet {
    fn say(&mut self, topic: Topic, what: impl Into<String>, text: impl Into<String>) {
        self.values.push(Value {
            topic,
            component: self.component.clone(),
            what: what.into(),
            text: harmless(&text.into()),
            usual: false,
        });
    }

    /// Marks the value said last as one that everybody has.
    fn usual_if(&mut self, usual: bool) {
        if let Some(value) = self.values.last_mut() {
            value.usual = usual;
        }
    }

    /// A value that differs or not; nothing is said of an empty one.
    fn different(&mut self, what: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.say(Topic::Different, what, text);
        }
    }

    fn reach(
        &mut self,
        solution: &Solution,
        platform: &Platform,
        statements: &[Isolation],
        phase: Phase,
    ) {
        let addresses: BTreeSet<&str> = statements
            .iter()
            .flat_map(|one| &one.visitors)
            .map(|address| address.trim_end_matches('/'))
            .collect();
        let everyone = match list(&addresses) {
            none if none.is_empty() => "nobody outside".to_owned(),
            all => format!("everyone, at {all}"),
        };
        let told = match (phase, &solution.suspend, solution.expires) {
            (Phase::Suspended, Some(suspension), _) => format!(
                "nobody until {}: suspended ({}); then {everyone}",
                suspension.until, suspension.reason
            ),
            (Phase::Expired, _, Some(day)) => {
                format!("nobody: expired on {day}, it sleeps; a later day opens it to {everyone}")
            }
            (Phase::Live | Phase::Suspended | Phase::Expired, _, _) => everyone,
        };
        self.say(Topic::Reach, "reachable by", told);
        let through = ways_in(platform);
        let mut inside: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for one in statements {
            for peer in &one.reached_by {
                let told = match peer {
                    Peer::Namespace(name) if through.contains(name.as_str()) => continue,
                    Peer::Component(_) => continue,
                    Peer::Anyone => "anyone in the cluster".to_owned(),
                    Peer::Namespace(_) | Peer::Network { .. } => peer.to_string(),
                };
                inside.entry(told).or_default().insert(&one.component);
            }
        }
        let inside = by_whom(&inside, statements.len());
        if !inside.is_empty() {
            self.say(Topic::Reach, "also let in", inside);
        }
        if statements.iter().any(|one| one.audited) {
            let text = "counted by the mesh, and let in";
            self.say(Topic::Reach, "undeclared calls", text);
        }
    }

    fn reaches(&mut self, statements: &[Isolation]) {
        let mut outside: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut calls = Vec::new();
        for one in statements {
            for peer in &one.reaches {
                match peer {
                    Peer::Component(to) => calls.push(format!("{} calls {to}", one.component)),
                    Peer::Namespace(_) | Peer::Network { .. } | Peer::Anyone => {
                        outside.entry(peer.to_string()).or_default().insert(&one.component);
                    }
                }
            }
        }
        let told = match by_whom(&outside, statements.len()) {
            none if none.is_empty() => "nothing outside".to_owned(),
            told => told,
        };
        self.say(Topic::Reaches, "may reach", told);
        if !calls.is_empty() {
            self.say(Topic::Reaches, "inside", calls.join(", "));
        }
    }

    /// What the edge holds visitors to, and what of it nothing holds.
    fn edge(&mut self, component: &Component, platform: &Platform) {
        let Http { request_timeout, max_request_body_size, body_limit_asked: _, rate_limit, cors } =
            &component.http;
        let held = |ability, limit: String| match platform.lacks(ability) {
            Some(NotAble::Never(_)) => "no limit at this edge".to_owned(),
            Some(NotAble::Otherwise(_)) | None => limit,
        };
        let RateLimit { requests_per_second, burst } = rate_limit;
        let rate = format!("{requests_per_second} a second from one client, {burst} at once");
        let size = Quantity::bytes(*max_request_body_size).to_string();
        let time = duration::text(*request_timeout);
        self.say(Topic::Reach, "requests", held(Ability::RateLimit, rate));
        self.say(Topic::Reach, "largest request", held(Ability::BodyLimit, size));
        self.say(Topic::Reach, "longest answer", held(Ability::RequestTimeout, time));
        if !cors.is_empty() {
            self.say(Topic::Reach, "other pages that may call it", list(cors));
        }
    }

    fn hardware(&mut self, component: &Component, phase: Phase) {
        let amounts = |amounts: &Quantities| {
            list(amounts.iter().map(|(name, amount)| format!("{name} {amount}")))
        };
        let mut machine = component.hardware.class.clone();
        if component.hardware.exclusive {
            machine += ", a machine for itself";
        }
        if let Some(group) = &component.hardware.node_group {
            machine += &format!(" (nodes `{group}`)");
        }
        let requests = amounts(&component.requests);
        if !requests.is_empty() {
            machine += &format!("; a copy gets {requests}");
        }
        let limits = amounts(&component.limits);
        if !limits.is_empty() {
            machine += &format!(", at most {limits}");
        }
        self.say(Topic::Cost, "machine", machine);
        let copies = match (&component.scaling, phase) {
            (_, Phase::Suspended | Phase::Expired) => "0, it sleeps".to_owned(),
            (Scaling::AlwaysOn { replicas }, Phase::Live) => format!("{replicas}, never asleep"),
            (Scaling::Autoscaled { range, cooldown, .. }, Phase::Live) if range.min() == 0 => {
                let after = duration::text(*cooldown);
                format!("0 to {}, asleep after {after} without a visit", range.max())
            }
            (Scaling::Autoscaled { range, .. }, Phase::Live) => {
                format!("{} to {}, never asleep", range.min(), range.max())
            }
        };
        self.say(Topic::Cost, "copies", copies);
        if let Scaling::Autoscaled { schedules, .. } = &component.scaling
            && !schedules.is_empty()
        {
            self.say(Topic::Cost, "kept awake", list(schedules.iter().map(hours)));
        }
    }

    fn component(&mut self, component: &Component) {
        let Component {
            name: _,
            title,
            image: reference,
            command,
            args,
            port,
            base_path,
            env,
            expand_variables,
            secrets,
            files,
            volumes,
            // Under what it takes.
            hardware: _,
            requests: _,
            limits: _,
            scaling,
            // Under who reaches what.
            egress: _,
            http: _,
            depends_on: _,
            read_only_root_filesystem,
            scratch: _, // what it may store
            startup,
            warmup,
            readiness,
            liveness,
            exposure,
            metrics_path,
            architectures,
        } = component;
        self.different("image", image(reference));
        self.different("title", title.clone().unwrap_or_default());
        self.different("command", list(command));
        self.different("args", list(args));
        self.different("port", port.to_string());
        self.usual_if(*port == Component::PORT);
        self.different("page", base_path.to_string());
        self.usual_if(*base_path == UrlPath::root());
        for (name, value) in env {
            let value = if is_password_name(name) { "*******".to_owned() } else { quoted(value) };
            self.different(format!("env.{name}"), value);
        }
        if *expand_variables {
            self.different("expandVariables", "$(NAME) stands for another variable");
        }
        self.different("from the Secret", list(secrets));
        for (path, bytes) in files {
            let digest = ContentHash::of(bytes);
            let text = format!("{} bytes, sha256 {}", bytes.len(), digest.first(12));
            self.different(format!("file {path}"), text);
        }
        for (name, volume) in volumes {
            let text = format!("{} at {}", image(&volume.image), volume.mount_path);
            self.different(format!("volume {name}"), text);
        }
        if *read_only_root_filesystem {
            self.different("its own files", "cannot be written");
        }
        if let Scaling::Autoscaled { range, target, .. } = scaling
            && range.max().get() > 1
        {
            self.different(
                "another copy from",
                match target {
                    Target::Concurrency(n) => format!("{n} requests at the same time"),
                    Target::RequestRate(n) => format!("{n} requests a second"),
                },
            );
        }
        self.different("may take to start", duration::text(*startup));
        self.usual_if(*startup == Component::STARTUP);
        self.different(
            "warmed up with",
            list(warmup.iter().map(|(path, bytes)| {
                format!("{path} (sha256 {})", ContentHash::of(bytes).first(12))
            })),
        );
        self.different("is ready when", probe(readiness));
        self.usual_if(*readiness == Probe::Get { path: base_path.clone() });
        self.different("restarts unless", liveness.as_ref().map(probe).unwrap_or_default());
        self.different(
            "public",
            match exposure {
                Exposure::Public { host, path, strip_prefix } => {
                    let strip = if *strip_prefix { ", taken off before it sees it" } else { "" };
                    format!("at {host}, below {path}{strip}")
                }
                Exposure::Private => "no".to_owned(),
            },
        );
        // Where there is one component, who reaches it is said above.
        self.usual_if(self.component.is_none());
        let metrics = metrics_path.as_ref().map(ToString::to_string);
        self.different("metrics at", metrics.unwrap_or_default());
        self.different("processors", list(architectures.iter().map(|a| a.as_str())));
    }

    fn runs(&mut self, statement: &Isolation) {
        let root = match statement.runs.as_root {
            Root::Never => "not as root",
            Root::Mapped => "as root inside, as nobody outside",
            Root::Allowed => "as root, if the image wants it",
        };
        let privileges = match statement.runs.privileges.as_slice() {
            [] => String::new(),
            some => format!(", with {}", some.join(", ")),
        };
        self.different("runs", format!("{root}{privileges}"));
        let runs = &statement.runs;
        self.usual_if(runs.as_root == Root::Never && runs.privileges.is_empty());
        self.different("may store", statement.stores.join("; "));
    }
}

/// The namespaces through which visitors come, and nobody else.
fn ways_in(platform: &Platform) -> BTreeSet<&str> {
    let mut ways = BTreeSet::from([platform.edge.data_plane_namespace.as_str()]);
    if let EdgeKind::Gateway(gateway) = &platform.edge.kind {
        ways.insert(&gateway.namespace);
    }
    ways.extend(platform.interceptor.iter().map(|interceptor| interceptor.namespace.as_str()));
    if let Activation::Interceptor(interceptor) = &platform.activation {
        ways.insert(&interceptor.namespace);
    }
    ways
}

/// What is the same for all components is said once, anything else with their names.
fn by_whom(told: &BTreeMap<String, BTreeSet<&str>>, all: usize) -> String {
    let told = told.iter().map(|(what, whom)| {
        if whom.len() == all { what.clone() } else { format!("{what} ({})", list(whom)) }
    });
    told.collect::<Vec<_>>().join("; ")
}

/// `registry.example/nlp/use:1.4.0 sha256:a3b142af6e97`: enough of a digest to tell two apart.
fn image(reference: &ImageReference) -> String {
    let tag = reference.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = reference.digest().and_then(|digest| digest.get(..19));
    let digest = digest.map(|digest| format!(" {digest}")).unwrap_or_default();
    format!("{}{tag}{digest}", reference.repository())
}

fn hours(schedule: &Schedule) -> String {
    let Schedule { timezone, start, end, replicas } = schedule;
    format!("{replicas} from `{start}` to `{end}` ({timezone})")
}

fn probe(probe: &Probe) -> String {
    match probe {
        Probe::Get { path } => format!("GET {path} answers"),
        Probe::TcpConnect => "its port accepts".to_owned(),
    }
}

/// As it would stand in quotes, so that an empty text and spaces are seen.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
