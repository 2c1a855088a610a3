//! Reads `platform.yaml`.

use std::time::Duration;

use super::{
    Activation, EgressLimit, Gallery, Gateway, Interceptor, Platform, Registries, hardware, limits,
};
use crate::catalog::fault::{Fault, Severity, code};
use crate::catalog::network::Network;
use crate::catalog::snapshot::File;
use crate::model::decode::{Cursor, Fields, Schema, Sheet};
use crate::model::{ContentHash, Party};

/// The file's name at the catalogue's root.
pub const FILE: &str = "platform.yaml";

/// The domain of a platform that does not say a usable one. Nothing is published then.
const NO_DOMAIN: &str = "domain.invalid";

/// What became of `platform.yaml`.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What of the file is sound, with defaults for the rest: enough to judge solutions with,
    /// to publish them with only if there is no fault.
    pub platform: Platform,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}

/// Judges `platform.yaml`, also when there is none.
pub fn judge(file: Option<&File>) -> Judged {
    let mut platform = Platform::bare(NO_DOMAIN);
    let faults = match file.map(|file| file.bytes.as_deref()) {
        None => vec![
            Fault::new(
                code::NO_PLATFORM,
                FILE,
                Party::Operator,
                "the catalogue's root holds no `platform.yaml`: nothing is published without it",
            )
            .help("add one that says at least `spec.domain`; what runs is left alone until then"),
        ],
        Some(None) => vec![Fault::new(
            code::TOO_LARGE,
            FILE,
            Party::Operator,
            "the file is larger than 256 KiB",
        )],
        Some(Some(bytes)) => {
            platform.digest = ContentHash::of(bytes);
            let (sheet, root) = Sheet::open(FILE, bytes, Party::Operator);
            if let Some(fields) = root.as_ref().and_then(|root| sheet.root(root, ROOT)) {
                document(&fields, &mut platform);
            }
            sheet.finish()
        }
    };
    let (warnings, faults) =
        faults.into_iter().partition(|fault| fault.severity == Severity::Warning);
    Judged { platform, faults, warnings }
}

const ROOT: Schema = Schema::of(&["apiVersion", "kind", "metadata", "spec"]);

fn document(root: &Fields<'_>, platform: &mut Platform) {
    crate::catalog::envelope(root, "Platform");
    if let Some(metadata) = root.get("metadata").and_then(|c| c.map(Schema::of(&["name"])))
        && let Some(name) = metadata.get("name").and_then(|c| c.line(63))
    {
        platform.name = name.value;
    }
    let spec = Schema {
        allowed: &[
            "domain",
            "edge",
            "activation",
            "mesh",
            "registries",
            "hardware",
            "nodes",
            "warmup",
            "cluster",
            "defaults",
            "limits",
            "podSecurity",
            "gallery",
        ],
        later: &[("monitoring", "")],
    };
    let Some(spec) = root.required("spec").and_then(|c| c.map(spec)) else { return };
    if let Some(name) = spec.required("domain").and_then(|c| domain(&c)) {
        platform.domain = name;
    }
    if let Some(cursor) = spec.get("edge") {
        edge(&cursor, &mut platform.gateway);
    }
    if let Some(cursor) = spec.get("activation") {
        activation(&cursor, &mut platform.activation);
    }
    mesh(&spec);
    if let Some(cursor) = spec.get("registries") {
        registries(&cursor, &mut platform.registries);
    }
    if let Some(cursor) = spec.get("nodes") {
        nodes(&cursor, platform);
    }
    warmup(&spec);
    cluster(&spec, platform);
    pod_security(&spec);
    gallery(&spec, &mut platform.gallery);
    let first = hardware::hardware(&spec, platform);
    if let Some(cursor) = spec.get("limits") {
        limits::limits(&cursor, &mut platform.limits);
    }
    limits::defaults(&spec, first.as_deref(), platform);
}

/// A DNS name that leaves room for `<solution>--<configuration>.` before it.
fn domain(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?.value;
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 180 && text.split('.').all(label) {
        return Some(text);
    }
    let message = format!("`{}` is `{text}`, which is not a domain", cursor.path);
    let help = "write a DNS name in lower case without `https://`, `*.` or a port, \
                such as demo.example";
    cursor.sheet.report(cursor.fault(code::BAD_DOMAIN, message).help(help));
    None
}

/// A word that is right and not built yet.
fn not_yet(cursor: &Cursor<'_>, word: &str, present: &str) {
    let message = format!("`{}: {word}` is not supported yet", cursor.path);
    cursor.sheet.report(cursor.fault(code::NOT_YET, message).help(present));
}

/// One of some words, of which all but the first few are not built yet.
fn built(
    fields: &Fields<'_>,
    key: &str,
    now: &[&'static str],
    later: &[&'static str],
) -> Option<&'static str> {
    let cursor = fields.get(key)?;
    let words: Vec<&'static str> = now.iter().chain(later).copied().collect();
    let word = cursor.one_of(&words)?.value;
    if later.contains(&word) {
        not_yet(&cursor, word, &format!("use {}", now.join(" or ")));
        return None;
    }
    Some(word)
}

fn edge(cursor: &Cursor<'_>, gateway: &mut Gateway) {
    let schema = Schema {
        allowed: &["kind", "controller", "gateway"],
        later: &[("ingressClassName", "the edge is a Gateway: `kind: Gateway`")],
    };
    let Some(fields) = cursor.map(schema) else { return };
    built(&fields, "kind", &["Gateway"], &["Ingress"]);
    built(&fields, "controller", &["other"], &["traefik", "envoy-gateway"]);
    let schema = Schema::of(&["name", "namespace", "sectionName", "dataPlane"]);
    let Some(fields) = fields.get("gateway").and_then(|c| c.map(schema)) else { return };
    if let Some(name) = fields.get("name").and_then(|c| object_name(&c)) {
        gateway.name = name;
    }
    if let Some(namespace) = fields.get("namespace").and_then(|c| object_name(&c)) {
        gateway.data_plane_namespace.clone_from(&namespace);
        gateway.namespace = namespace;
    }
    gateway.section_name = fields.or_null("sectionName").and_then(|c| object_name(&c));
    let schema = Schema::of(&["namespace", "serviceAccount"]);
    let Some(fields) = fields.get("dataPlane").and_then(|c| c.map(schema)) else { return };
    if let Some(namespace) = fields.get("namespace").and_then(|c| object_name(&c)) {
        gateway.data_plane_namespace = namespace;
    }
    gateway.data_plane_service_account =
        fields.or_null("serviceAccount").and_then(|c| object_name(&c));
}

/// A name of a Kubernetes object: a DNS subdomain.
pub(super) fn object_name(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?.value;
    let ok = (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && text.split('.').all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'));
    if ok {
        return Some(text);
    }
    let message = format!("`{}` is `{text}`, which is not the name of an object", cursor.path);
    cursor.say(code::BAD_NAME, message);
    None
}

fn activation(cursor: &Cursor<'_>, activation: &mut Activation) {
    let schema = Schema {
        allowed: &["mode", "interceptor", "holdRequestsFor"],
        later: &[("prometheus", "use `mode: interceptor`")],
    };
    let Some(fields) = cursor.map(schema) else { return };
    let mode = built(&fields, "mode", &["interceptor", "none"], &["prometheus"]);
    let mut interceptor = Interceptor::default();
    let schema = Schema::of(&["namespace", "service", "serviceAccount", "scaler"]);
    if let Some(names) = fields.get("interceptor").and_then(|c| c.map(schema)) {
        for (key, name) in [
            ("namespace", &mut interceptor.namespace),
            ("service", &mut interceptor.service),
            ("serviceAccount", &mut interceptor.service_account),
            ("scaler", &mut interceptor.scaler),
        ] {
            if let Some(written) = names.get(key).and_then(|c| object_name(&c)) {
                *name = written;
            }
        }
    }
    let bounds = (Duration::from_secs(1), Duration::from_secs(10 * 60));
    if let Some(hold) = fields.get("holdRequestsFor").and_then(|c| c.duration(bounds.0, bounds.1)) {
        interceptor.hold_requests_for = hold.value;
    }
    *activation = match mode {
        Some("none") => Activation::None,
        _ => Activation::Interceptor(interceptor),
    };
}

fn mesh(spec: &Fields<'_>) {
    let schema = Schema::of(&["kind", "policy"]);
    let Some(fields) = spec.get("mesh").and_then(|c| c.map(schema)) else { return };
    built(&fields, "kind", &["off"], &["linkerd"]);
    if let Some(policy) = fields.get("policy") {
        policy.one_of(&["deny", "audit"]);
    }
}

fn registries(cursor: &Cursor<'_>, registries: &mut Registries) {
    let schema = Schema::of(&["allow", "requireDigest", "pullSecret"]);
    let Some(fields) = cursor.map(schema) else { return };
    for pattern in fields.get("allow").and_then(|c| c.list()).unwrap_or_default() {
        let Some(text) = pattern.line(255) else { continue };
        let plain = text
            .value
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"*./_-:".contains(&b));
        if plain {
            registries.allow.push(text.value);
        } else {
            let help = "write a repository with `*` for any text, such as registry.example/aim/*";
            let message = format!("`{}` is not a pattern of repositories", text.value);
            pattern.sheet.report(pattern.fault(code::BAD_TEXT, message).help(help));
        }
    }
    if let Some(digest) = fields.get("requireDigest").and_then(|c| c.boolean()) {
        registries.require_digest = digest.value;
    }
    registries.pull_secret = fields.or_null("pullSecret").and_then(|c| object_name(&c));
}

fn nodes(cursor: &Cursor<'_>, platform: &mut Platform) {
    let schema = Schema::of(&["provisioner", "labelKey", "priorityClassName"]);
    let Some(fields) = cursor.map(schema) else { return };
    built(&fields, "provisioner", &["cluster-autoscaler"], &["karpenter"]);
    if let Some(cursor) = fields.get("labelKey")
        && let Some(key) = cursor.text()
    {
        if is_label_key(&key.value) {
            platform.node_label = key.value;
        } else {
            let message = format!("`{}` is not the key of a label", key.value);
            cursor.say(code::BAD_NAME, message);
        }
    }
    platform.priority_class = fields.or_null("priorityClassName").and_then(|c| object_name(&c));
}

pub(super) fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let prefix_ok = prefix.is_none_or(|prefix| {
        (1..=253).contains(&prefix.len())
            && prefix
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    });
    prefix_ok && is_label_value(name) && !name.is_empty()
}

pub(super) fn is_label_value(text: &str) -> bool {
    let ends = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && ends(text.bytes().next())
        && ends(text.bytes().next_back())
}

fn warmup(spec: &Fields<'_>) {
    let schema = Schema::of(&["image"]);
    let Some(fields) = spec.get("warmup").and_then(|c| c.map(schema)) else { return };
    if let Some(image) = fields.or_null("image") {
        not_yet(&image, "...", "delete the key, or write null");
    }
}

fn cluster(spec: &Fields<'_>, platform: &mut Platform) {
    let schema = Schema::of(&["version", "features"]);
    let Some(fields) = spec.get("cluster").and_then(|c| c.map(schema)) else { return };
    if let Some(cursor) = fields.get("version")
        && let Some(text) = cursor.text()
    {
        let parts = text.value.strip_prefix('v').unwrap_or(&text.value).split_once('.');
        match parts.map(|(major, minor)| (major.parse(), minor.parse())) {
            Some((Ok(major), Ok(minor))) => platform.cluster_version = (major, minor),
            _ => {
                let message = format!("`{}` is not the version of an API server", text.value);
                let help = "write \"1.33\", in quotes";
                cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
            }
        }
    }
    for feature in fields.get("features").and_then(|c| c.texts()).unwrap_or_default() {
        let message = format!("the feature `{}` is not supported yet", feature.value);
        spec.sheet.say(code::NOT_YET, feature.at, message);
    }
}

fn pod_security(spec: &Fields<'_>) {
    let schema = Schema::of(&["level", "runAsRoot"]);
    let Some(fields) = spec.get("podSecurity").and_then(|c| c.map(schema)) else { return };
    built(&fields, "level", &["restricted"], &["baseline", "privileged"]);
    built(&fields, "runAsRoot", &["refuse"], &["userNamespace"]);
}

fn gallery(spec: &Fields<'_>, gallery: &mut Gallery) {
    let schema = Schema::of(&["categories", "featured"]);
    let Some(fields) = spec.get("gallery").and_then(|c| c.map(schema)) else { return };
    let words = |key| -> Vec<String> {
        let texts = fields.get(key).and_then(|c| c.list()).unwrap_or_default();
        texts.iter().filter_map(|c| Some(c.line(80)?.value)).collect()
    };
    gallery.categories = words("categories");
    gallery.featured = words("featured");
}

/// `allowed`, `forbidden`, or a list of networks.
pub(super) fn egress(cursor: &Cursor<'_>) -> Option<EgressLimit> {
    use crate::model::yaml::Value;
    if !matches!(cursor.node.value, Value::List(_)) {
        return Some(match cursor.one_of(&["allowed", "forbidden"])?.value {
            "forbidden" => EgressLimit::Forbidden,
            _ => EgressLimit::Allowed,
        });
    }
    let networks = cursor.list()?;
    let parsed = networks.iter().filter_map(|item| Some(Network::read(item)?.to_string()));
    Some(EgressLimit::Only(parsed.collect()))
}
