//! Reads what runs: the fields that solutions and components share.

use std::time::Duration;

use super::author::{Expose, Runtime};
use super::judge::Bench;
use super::{Egress, Probe, Target, image, mount, resources, secret};
use crate::catalog::fault::code;
use crate::catalog::network::Network;
use crate::catalog::platform::EgressLimit;
use crate::model::decode::{Cursor, Fields, Schema};
use crate::model::{Quantity, duration};

/// The words of what runs that are reserved.
pub const LATER: &[(&str, &str)] = &[
    ("secrets", ""),
    ("volumes", "solutions are stateless; put models into the image"),
    ("persistence", "solutions are stateless"),
    ("metricsPath", ""),
    ("architectures", "use a hardware class whose nodes have the architecture"),
    ("ports", "one port: `port`"),
    ("placement", "use a hardware class"),
    ("slo", ""),
    ("budget", ""),
    ("switching", ""),
    ("traffic", ""),
    ("dependsOn", "components have theirs"),
];

const SECOND: Duration = Duration::from_secs(1);
/// The longest that a duration may be before any limit is asked.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Reads the shared fields of a map.
pub fn runtime(bench: &Bench<'_>, fields: &Fields<'_>) -> Runtime {
    let mut runtime = Runtime {
        image: fields.get("image").and_then(|c| image::read(bench, &c)),
        command: fields.get("command").and_then(|c| words(&c)),
        args: fields.get("args").and_then(|c| words(&c)),
        port: fields
            .get("port")
            .and_then(|c| c.integer(1024, 65_535))
            .and_then(|port| u16::try_from(port.value).ok()),
        base_path: fields.get("basePath").and_then(|c| url_path(&c)),
        scratch: fields.get("scratch").and_then(|c| mount::scratch(&c)),
        read_only_root_filesystem: fields
            .get("readOnlyRootFilesystem")
            .and_then(|c| c.boolean())
            .map(|value| value.value),
        hardware: fields.get("hardware").and_then(|c| resources::class(bench, &c)),
        startup: fields.get("startup").and_then(|c| startup(bench, &c)),
        readiness: fields.get("readinessProbe").and_then(|c| probe(&c)),
        liveness: fields.get("livenessProbe").and_then(|c| probe(&c)),
        egress: fields.get("network").and_then(|c| network(bench, &c)),
        ..Runtime::default()
    };
    if let Some(cursor) = fields.get("env") {
        runtime.env = secret::env(&cursor);
    }
    if let Some(cursor) = fields.get("files") {
        runtime.files = mount::files(bench, &cursor);
    }
    if let Some(cursor) = fields.get("resources") {
        resources::read(&cursor, &mut runtime);
    }
    if let Some(cursor) = fields.get("scaling") {
        scaling(bench, &cursor, &mut runtime);
    }
    if let Some(cursor) = fields.get("http") {
        http(bench, &cursor, &mut runtime);
    }
    runtime
}

/// A list of texts, as Kubernetes takes commands and arguments.
fn words(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    Some(cursor.texts()?.into_iter().map(|word| word.value).collect())
}

/// An absolute path of a URL: no query, no `..`, nothing to be escaped.
pub fn url_path(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?.value;
    let ok = text.starts_with('/')
        && text.len() <= 512
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b))
        && !text.contains("//")
        && is_escaped(&text)
        && text.split('/').all(|part| part != ".." && part != ".");
    if ok {
        return Some(text);
    }
    let message = format!("`{}` is `{text}`, which is not a path of a page", cursor.path);
    let help = "begin with `/`, use letters, digits and -._~, no `..`, no query";
    cursor.sheet.report(cursor.fault(code::BAD_PATH, message).help(help));
    None
}

/// Whether each `%` begins an escape, and none hides a `/`: a route takes no other.
fn is_escaped(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.len() == 2
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && !digits.eq_ignore_ascii_case("2f")
    })
}

/// Says that a written value is over a limit of the platform.
pub fn over(cursor: &Cursor<'_>, found: &str, limit: &str) {
    let message = format!("`{}` is {found}, this platform allows {limit}", cursor.path);
    cursor.say(code::OVER_LIMIT, message);
}

/// Reads `scaling`.
pub fn scaling(bench: &Bench<'_>, cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let schema = Schema {
        allowed: &["minReplicas", "maxReplicas", "cooldownPeriod", "target"],
        later: &[("schedules", "`minReplicas: 1` keeps one replica awake")],
    };
    let Some(fields) = cursor.map(schema) else { return };
    let limits = &bench.platform.limits;
    let count = |key, least, limit: u16| {
        let cursor = fields.get(key)?;
        let number = cursor.integer(least, u64::from(u16::MAX))?;
        if number.value > u64::from(limit) {
            over(&cursor, &number.value.to_string(), &format!("at most {limit}"));
            return None;
        }
        Some(cursor.spanned(u16::try_from(number.value).unwrap_or(limit)))
    };
    runtime.min = count("minReplicas", 0, limits.min_replicas);
    runtime.max = count("maxReplicas", 1, limits.max_replicas);
    if let Some(cursor) = fields.get("cooldownPeriod")
        && let Some(cooldown) = cursor.duration(SECOND, LONGEST)
    {
        let (least, most) = limits.cooldown;
        if cooldown.value < least || cooldown.value > most {
            let range = format!("{} to {}", duration::text(least), duration::text(most));
            over(&cursor, &duration::text(cooldown.value), &range);
        } else {
            runtime.cooldown = Some(cooldown);
        }
    }
    runtime.target = fields.get("target").and_then(|c| target(&c));
}

fn target(cursor: &Cursor<'_>) -> Option<Target> {
    let fields = cursor.map(Schema::of(&["concurrency", "requestRate"]))?;
    fields.excludes("concurrency", "requestRate", "a replica is measured by one of them");
    let number = |key| {
        let number = fields.get(key)?.integer(1, 100_000)?;
        u32::try_from(number.value).ok()
    };
    let concurrency = number("concurrency").map(Target::Concurrency);
    let rate = number("requestRate").map(Target::RequestRate);
    if !fields.has("concurrency") && !fields.has("requestRate") {
        let message = format!("`{}` lacks `concurrency` or `requestRate`", cursor.path);
        cursor.sheet.say(code::MISSING, cursor.key, message);
    }
    concurrency.or(rate)
}

fn startup(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Duration> {
    let schema = Schema { allowed: &["timeout"], later: &[("warmup", "")] };
    let fields = cursor.map(schema)?;
    let cursor = fields.get("timeout")?;
    let timeout = cursor.duration(SECOND, LONGEST)?.value;
    let limit = bench.platform.limits.startup_timeout;
    if timeout > limit {
        over(&cursor, &duration::text(timeout), &format!("at most {}", duration::text(limit)));
        return None;
    }
    Some(timeout)
}

/// Reads a probe: a path or a connection, nothing else.
fn probe(cursor: &Cursor<'_>) -> Option<Probe> {
    const TIMING: &str = "`startup.timeout` says how long a start may take; the rest is ours";
    let schema = Schema {
        allowed: &["httpGet", "tcpSocket"],
        later: &[
            ("exec", "let the container answer `httpGet`"),
            ("grpc", "let the container answer `httpGet`, or use `tcpSocket: {}`"),
            ("initialDelaySeconds", TIMING),
            ("periodSeconds", TIMING),
            ("timeoutSeconds", TIMING),
            ("failureThreshold", TIMING),
            ("successThreshold", TIMING),
        ],
    };
    const PORT: &[(&str, &str)] = &[("port", "probes ask the component's own `port`")];
    let fields = cursor.map(schema)?;
    fields.excludes("httpGet", "tcpSocket", "a probe asks one way");
    if !fields.has("httpGet") && !fields.has("tcpSocket") {
        let message = format!("`{}` lacks `httpGet` or `tcpSocket`", cursor.path);
        cursor.sheet.say(code::MISSING, cursor.key, message);
    }
    if let Some(get) = fields.get("httpGet") {
        let fields = get.map(Schema {
            allowed: &["path"],
            later: &[
                ("port", "probes ask the component's own `port`"),
                ("scheme", "TLS ends at the edge"),
                ("host", ""),
                ("httpHeaders", ""),
            ],
        })?;
        let path = fields.required("path").and_then(|c| url_path(&c))?;
        return Some(Probe::Get { path });
    }
    fields.get("tcpSocket")?.map(Schema { allowed: &[], later: PORT })?;
    Some(Probe::TcpConnect)
}

/// Reads `http`.
fn http(bench: &Bench<'_>, cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let schema = Schema {
        allowed: &["maxRequestBodySize", "requestTimeout", "rateLimit"],
        later: &[("cors", "answer CORS in the container")],
    };
    let Some(fields) = cursor.map(schema) else { return };
    let limits = &bench.platform.limits;
    if let Some(cursor) = fields.get("maxRequestBodySize")
        && let Some(size) = cursor.quantity()
    {
        let (size, limit) = (size.value.whole(), limits.max_request_body_size);
        if size > limit {
            let [size, limit] = [size, limit].map(|n| Quantity::bytes(n).to_string());
            over(&cursor, &size, &format!("at most {limit}"));
        } else if size == 0 {
            cursor.say(code::OUT_OF_RANGE, format!("`{}` is 0", cursor.path));
        } else {
            runtime.max_request_body_size = Some(size);
        }
    }
    if let Some(cursor) = fields.get("requestTimeout")
        && let Some(timeout) = cursor.duration(SECOND, LONGEST)
    {
        if timeout.value > limits.request_timeout {
            let limit = format!("at most {}", duration::text(limits.request_timeout));
            over(&cursor, &duration::text(timeout.value), &limit);
        } else {
            runtime.request_timeout = Some(timeout.value);
        }
    }
    if let Some(cursor) = fields.get("rateLimit") {
        crate::catalog::rate_limit(&cursor);
    }
}

/// Reads `network.egress`.
fn network(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Vec<Egress>> {
    let fields = cursor.map(Schema::of(&["egress"]))?;
    let items = fields.get("egress")?.list()?;
    let mut egress: Vec<Egress> = items.iter().filter_map(|item| one_egress(bench, item)).collect();
    egress.sort();
    egress.dedup();
    Some(egress)
}

fn one_egress(bench: &Bench<'_>, item: &Cursor<'_>) -> Option<Egress> {
    let fields = item.map(Schema {
        allowed: &["cidr", "port"],
        later: &[("host", "name the networks: `cidr`")],
    })?;
    let port = fields.required("port").and_then(|c| c.integer(1, 65_535));
    let cursor = if fields.has("host") { fields.get("cidr")? } else { fields.required("cidr")? };
    let network = Network::read(&cursor)?;
    if let Some(why) = network.never() {
        cursor.say(code::EGRESS, format!("no solution may call this network: {why}"));
        return None;
    }
    match &bench.platform.limits.egress {
        EgressLimit::Allowed => {}
        EgressLimit::Forbidden => {
            let message = format!("egress to {network} is not allowed on this platform: none is");
            cursor.say(code::EGRESS, message);
            return None;
        }
        EgressLimit::Only(allowed) => {
            let inside = allowed
                .iter()
                .filter_map(|text| Network::parse(text).ok())
                .any(|allowed| allowed.contains(network));
            if !inside {
                let message = format!("egress to {network} is not allowed on this platform");
                let help = format!("allowed: {}", allowed.join(", "));
                cursor.sheet.report(cursor.fault(code::EGRESS, message).help(help));
                return None;
            }
        }
    }
    let port = u16::try_from(port?.value).ok()?;
    Some(Egress { cidr: network.to_string(), port })
}

/// Reads `expose`.
pub fn expose(cursor: &Cursor<'_>) -> Option<Expose> {
    let fields = cursor.map(Schema::of(&["path", "stripPrefix"]))?;
    let path = fields.required("path")?;
    let text = url_path(&path)?;
    if text != "/" && text.ends_with('/') {
        let message = format!("`{}` ends with `/`", path.path);
        let help = format!("write {}", text.trim_end_matches('/'));
        path.sheet.report(path.fault(code::BAD_PATH, message).help(help));
        return None;
    }
    if text.bytes().any(|b| b == b'%') {
        path.say(code::BAD_PATH, format!("`{}` must not contain `%`", path.path));
        return None;
    }
    let strip_prefix = fields.get("stripPrefix").and_then(|c| c.boolean());
    Some(Expose {
        path: path.spanned(text),
        strip_prefix: strip_prefix.is_some_and(|strip| strip.value),
    })
}
