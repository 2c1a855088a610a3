//! Reads what runs: the fields that solutions and components share.

use std::collections::BTreeSet;

use super::author::{Expose, Requests, Runtime};
use super::bench::Bench;
use super::over_limit::over;
use super::{Architecture, Egress, Probe, example, image, mount, resources, scaling, secret};
use crate::catalog::fault::code;
use crate::catalog::network;
use crate::catalog::platform::{Ability, EgressLimit, Mesh};
use crate::model::decode::{Cursor, Fields};
use crate::model::yaml::Spanned;
use crate::model::{Network, Quantity, UrlPath, duration};

/// The ports of Linkerd's proxy in every pod.
const MESH_PORTS: [u16; 4] = [4140, 4143, 4190, 4191];

/// Reads the shared fields of a map.
pub fn runtime(bench: &Bench<'_>, fields: &Fields<'_>) -> Runtime {
    let mut runtime = Runtime {
        image: fields.get("image").and_then(|c| image::read(bench, &c)),
        command: fields.get("command").and_then(|c| words(&c)),
        args: fields.get("args").and_then(|c| words(&c)),
        port: fields.get("port").and_then(|c| {
            let port = u16::try_from(c.whole()?.value).ok()?;
            if bench.platform.mesh != Mesh::Off && MESH_PORTS.contains(&port) {
                let message = format!("`{}` is {port}, which belongs to the mesh", c.path);
                c.sheet.report(c.fault(code::OUT_OF_RANGE, message).help("take another one"));
                return None;
            }
            Some(c.spanned(port))
        }),
        base_path: fields.get("basePath").and_then(|c| Some(c.spanned(url_path(&c)?))),
        expand_variables: fields.get("expandVariables").and_then(|c| c.boolean()),
        secrets: fields.get("secrets").and_then(|c| secret::names(&c)),
        volumes: fields.get("volumes").and_then(|c| mount::volumes(bench, &c)),
        scratch: fields.get("scratch").and_then(|c| mount::scratch(&c)),
        read_only_root_filesystem: fields.get("readOnlyRootFilesystem").and_then(|c| c.boolean()),
        hardware: fields.get("hardware").and_then(|c| resources::class(bench, &c)),
        readiness: fields.get("readinessProbe").and_then(|c| probe(&c)),
        liveness: fields.get("livenessProbe").and_then(|c| probe(&c)),
        egress: fields.get("network").and_then(|c| egress(bench, &c)),
        metrics_path: fields.get("metricsPath").and_then(|c| Some(c.spanned(url_path(&c)?))),
        architectures: fields.get("architectures").and_then(|c| architectures(&c)),
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
        scaling::scaling(bench, &cursor, &mut runtime);
    }
    if let Some(cursor) = fields.get("startup") {
        startup(bench, &cursor, &mut runtime);
    }
    if let Some(cursor) = fields.get("http") {
        http(bench, &cursor, &mut runtime);
    }
    runtime
}

/// A list of texts, as Kubernetes takes commands and arguments. They are as public as `env`.
fn words(cursor: &Cursor<'_>) -> Option<Spanned<Vec<String>>> {
    Some(cursor.spanned(secret::words(&cursor.list()?)))
}

fn architectures(cursor: &Cursor<'_>) -> Option<Spanned<BTreeSet<Architecture>>> {
    let words = cursor.list()?;
    let known = words.iter().filter_map(|word| {
        Some(match word.word()?.value {
            "arm64" => Architecture::Arm64,
            _ => Architecture::Amd64,
        })
    });
    Some(cursor.spanned(known.collect()))
}

/// Reads the path of a page.
pub fn url_path(cursor: &Cursor<'_>) -> Option<UrlPath> {
    let text = cursor.text()?.value;
    if let Some(path) = UrlPath::parse(&text) {
        return Some(path);
    }
    let message = format!("`{}` is `{text}`, which is not a path of a page", cursor.path);
    let help = "begin with `/`, use letters, digits and -._~ only, no `..`, no query";
    let rooted = Some(format!("/{text}")).filter(|_| !text.starts_with(['/', '.']));
    let rooted = rooted.filter(|path| !text.is_empty() && UrlPath::parse(path).is_some());
    let fix = rooted.and_then(|path| cursor.instead(&text, &path));
    cursor.sheet.report(cursor.fault(code::BAD_PATH, message).help(help).fix(fix));
    None
}

fn startup(bench: &Bench<'_>, cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let Some(fields) = cursor.fields() else { return };
    if let Some(cursor) = fields.get("timeout")
        && let Some(timeout) = cursor.time()
    {
        let limit = bench.platform.limits.startup_timeout;
        if timeout.value > limit {
            let most = format!("at most {}", duration::text(limit));
            over(&cursor, &duration::text(timeout.value), &most);
        } else {
            runtime.startup = Some(timeout);
        }
    }
    runtime.warmup = fields.get("warmup").and_then(|c| warmup(bench, &c));
}

/// Example files whose requests are made before the first visitor's. What is wrong inside one is
/// told in that file.
fn warmup(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Spanned<Requests>> {
    let mut requests = Requests::new();
    for item in cursor.list()? {
        let Some(path) = bench.file(&item) else { continue };
        if !example::is_example(&path) {
            let message = format!("`{path}` is not an example request");
            let help = "name a file of this folder such as examples/embed.json";
            item.sheet.report(item.fault(code::BAD_PATH, message).help(help));
            continue;
        }
        let bytes = bench.folder.files.get(&path).and_then(|file| file.bytes.clone());
        requests.extend(bytes.map(|bytes| (path, bytes)));
    }
    // They reach the pods as files do.
    let together: usize = requests.iter().map(|(_, bytes)| bytes.len()).sum();
    if together > mount::FILES_MAX {
        let message = format!("the requests of `{}` are {together} bytes together", cursor.path);
        let fault = cursor.sheet.fault(code::FILES_TOO_LARGE, cursor.key, message);
        cursor.sheet.report(fault.help("at most 512 KiB together; shorten them"));
    }
    if !requests.is_empty() && bench.platform.warmup_image.is_none() {
        let message = format!("`{}` has no effect on this platform", cursor.path);
        let warning = cursor.sheet.fault(code::NOT_WARMED, cursor.key, message);
        let help = "its operator names no image for it (`warmup.image` of platform.yaml)";
        cursor.sheet.report(warning.help(help));
    }
    Some(cursor.spanned(requests))
}

/// Reads a probe: a path or a connection, nothing else.
fn probe(cursor: &Cursor<'_>) -> Option<Spanned<Probe>> {
    let fields = cursor.fields()?;
    if let Some(get) = fields.get("httpGet") {
        let path = get.fields()?.required("path").and_then(|c| url_path(&c))?;
        return Some(cursor.spanned(Probe::Get { path }));
    }
    fields.get("tcpSocket")?.fields()?;
    Some(cursor.spanned(Probe::TcpConnect))
}

/// Reads `http`.
fn http(bench: &Bench<'_>, cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let Some(fields) = cursor.fields() else { return };
    let limits = &bench.platform.limits;
    if let Some(cursor) = fields.get("maxRequestBodySize")
        && let Some(size) = cursor.size()
    {
        let (size, limit) = (size.value.whole(), limits.max_request_body_size);
        if size > limit {
            let [size, limit] = [size, limit].map(|n| Quantity::bytes(n).to_string());
            over(&cursor, &size, &format!("at most {limit}"));
        } else if size == 0 {
            cursor.say(code::BAD_QUANTITY, format!("`{}` is 0", cursor.path));
        } else {
            runtime.max_request_body_size = Some(cursor.spanned(size));
        }
    }
    if let Some(cursor) = fields.get("requestTimeout")
        && let Some(timeout) = cursor.time()
    {
        if timeout.value > limits.request_timeout {
            let limit = format!("at most {}", duration::text(limits.request_timeout));
            over(&cursor, &duration::text(timeout.value), &limit);
        } else {
            runtime.request_timeout = Some(timeout);
        }
    }
    runtime.rate_limit = fields.get("rateLimit").and_then(|c| crate::catalog::rate_limit(&c));
    runtime.cors = fields.get("cors").and_then(|c| cors(&c));
    for (key, sound, ability) in [
        ("maxRequestBodySize", runtime.max_request_body_size.is_some(), Ability::BodyLimit),
        ("requestTimeout", runtime.request_timeout.is_some(), Ability::RequestTimeout),
        ("rateLimit", runtime.rate_limit.is_some(), Ability::RateLimit),
        ("cors", runtime.cors.is_some(), Ability::Cors),
    ] {
        if sound
            && let (Some(cursor), Some(not_able)) =
                (fields.or_null(key), bench.platform.lacks(ability))
        {
            crate::catalog::not_enforced(&cursor, not_able);
        }
    }
}

/// Reads `http.cors`.
fn cors(cursor: &Cursor<'_>) -> Option<Spanned<Vec<String>>> {
    let origins = cursor.fields()?.required("allowOrigins")?;
    let mut known = Vec::new();
    for item in origins.list()? {
        let Some(text) = item.text() else { continue };
        if is_origin(&text.value) {
            if !known.contains(&text.value) {
                known.push(text.value);
            }
            continue;
        }
        let message = format!("`{}` is not the origin of a page", text.value);
        let origin = url::Url::parse(&text.value).ok().map(|url| url.origin());
        let origin = origin.map(|origin| origin.ascii_serialization());
        let origin = origin.filter(|origin| is_origin(origin));
        let help = match &origin {
            Some(origin) => format!("did you mean {origin}?"),
            None => "write https://host without path, or * for every page".to_owned(),
        };
        let fix = origin.and_then(|origin| item.instead(&text.value, &origin));
        item.sheet.report(item.fault(code::BAD_ORIGIN, message).help(help).fix(fix));
    }
    if known.len() > 1 && known.iter().any(|origin| origin == "*") {
        origins.say(code::EXCLUDES, "`*` and single origins exclude each other");
    }
    (!known.is_empty()).then(|| origins.spanned(known))
}

/// Scheme, host name and perhaps a port, as a browser writes it.
fn is_origin(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let written = url::Url::parse(text).map(|url| url.origin().ascii_serialization());
    host.split('.').all(label) && port_ok && written.is_ok_and(|origin| origin == text)
}

/// Reads `network.egress`.
fn egress(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Spanned<Vec<Egress>>> {
    let list = cursor.fields()?.get("egress")?;
    let items = list.list()?;
    let mut egress: Vec<Egress> = items.iter().filter_map(|item| one_egress(bench, item)).collect();
    // As text: the order in which the policies in clusters have them.
    egress.sort_by_cached_key(|egress| (egress.cidr.to_string(), egress.port));
    egress.dedup();
    Some(list.spanned(egress))
}

fn one_egress(bench: &Bench<'_>, item: &Cursor<'_>) -> Option<Egress> {
    let fields = item.fields()?;
    let port = fields.required("port").and_then(|c| c.whole());
    let cursor = if fields.has("host") { fields.get("cidr")? } else { fields.required("cidr")? };
    let network = network::read(&cursor)?;
    if let Some(why) = network::never(network) {
        cursor.say(code::EGRESS, format!("no solution may call this network: {why}"));
        return None;
    }
    let own = &bench.platform.own_networks;
    if !network.is_everything()
        && let Some(own) = own.iter().find(|own| own.overlaps(network))
    {
        let message =
            format!("no solution may call this network: {network} is of the cluster ({own})");
        let help = "call another component by its name, with `dependsOn`";
        cursor.sheet.report(cursor.fault(code::EGRESS, message).help(help));
        return None;
    }
    match &bench.platform.limits.egress {
        EgressLimit::Public if network.is_private() => {
            let message =
                format!("egress to {network} is not allowed on this platform: it is private");
            let help = "ask the operator to name it in `limits.egress` of platform.yaml";
            cursor.sheet.report(cursor.fault(code::EGRESS, message).help(help));
            return None;
        }
        EgressLimit::Public | EgressLimit::Allowed => {}
        EgressLimit::Forbidden => {
            let message = format!("egress to {network} is not allowed on this platform: none is");
            cursor.say(code::EGRESS, message);
            return None;
        }
        EgressLimit::Only(allowed) => {
            if !allowed.iter().any(|allowed| allowed.contains(network)) {
                let message = format!("egress to {network} is not allowed on this platform");
                let allowed: Vec<String> = allowed.iter().map(Network::to_string).collect();
                let help = format!("allowed: {}", allowed.join(", "));
                cursor.sheet.report(cursor.fault(code::EGRESS, message).help(help));
                return None;
            }
        }
    }
    let port = u16::try_from(port?.value).ok()?;
    Some(Egress { cidr: network, port })
}

/// Reads `expose`.
pub fn expose(cursor: &Cursor<'_>) -> Option<Expose> {
    let fields = cursor.fields()?;
    let path = fields.required("path")?;
    let prefix = url_path(&path)?;
    let text = prefix.as_str();
    if text != "/" && text.ends_with('/') {
        let message = format!("`{}` ends with `/`", path.path);
        let help = format!("write {}", text.trim_end_matches('/'));
        let fix = path.instead(text, text.trim_end_matches('/'));
        path.sheet.report(path.fault(code::BAD_PATH, message).help(help).fix(fix));
        return None;
    }
    if text.bytes().any(|b| b == b'%') {
        path.say(code::BAD_PATH, format!("`{}` must not contain `%`", path.path));
        return None;
    }
    let strip_prefix = fields.get("stripPrefix").and_then(|c| c.boolean());
    Some(Expose {
        path: path.spanned(prefix),
        strip_prefix: strip_prefix.is_some_and(|strip| strip.value),
    })
}
