//! Reads `platform.yaml`.

use std::time::Duration;

use super::names::{is_label_key, object_name};
use super::{
    Level, Nodes, Platform, PodSecurity, Previews, Provisioner, Registries, RunAsRoot, Version,
    edge, hardware, limits,
};
use crate::catalog::contract;
use crate::catalog::fault::{Fault, Severity, code};
use crate::catalog::network;
use crate::catalog::snapshot::File;
use crate::model::decode::{self, Cursor, Fields};
use crate::model::yaml::Spanned;
use crate::model::{ContentHash, Domain, ImageReference, Party};

/// The file's name at the catalogue's root.
pub const FILE: &str = "platform.yaml";

/// What became of `platform.yaml`.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What of the file is sound, with defaults for the rest: enough to judge solutions with,
    /// to publish them with only if there is no fault.
    pub platform: Platform,
    /// What keeps the platform from being used, for the operator; empty = it is sound.
    pub faults: Vec<Fault>,
    /// Said, and nothing else.
    pub warnings: Vec<Fault>,
}

/// Judges `platform.yaml`, also when there is none.
pub fn judge(file: Option<&File>) -> Judged {
    let mut platform = Platform::bare(Domain::nowhere());
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
            let (sheet, root) = decode::open(FILE, bytes, Party::Operator);
            if let Some(fields) =
                root.as_ref().and_then(|root| sheet.root(root, contract::PLATFORM))
            {
                document(&fields, &mut platform);
            }
            sheet.finish()
        }
    };
    let (warnings, faults) =
        faults.into_iter().partition(|fault| fault.severity == Severity::Warning);
    Judged { platform, faults, warnings }
}

fn document(root: &Fields<'_>, platform: &mut Platform) {
    crate::catalog::envelope(root, "Platform");
    if let Some(metadata) = root.get("metadata").and_then(|c| c.fields())
        && let Some(name) = metadata.get("name").and_then(|c| c.line())
    {
        platform.name = name.value;
    }
    let Some(spec) = root.required("spec").and_then(|c| c.fields()) else { return };
    if let Some(name) = spec.required("domain").and_then(|c| domain(&c)) {
        platform.domain = name;
    }
    edge::edge(&spec, platform);
    if let Some(cursor) = spec.get("registries") {
        registries(&cursor, &mut platform.registries);
    }
    if let Some(cursor) = spec.get("nodes") {
        nodes(&cursor, &mut platform.nodes);
    }
    platform.warmup_image = warmup(&spec);
    cluster(&spec, platform);
    let own = spec.get("network").and_then(|c| c.fields()?.get("own")?.list());
    platform.own_networks = own.iter().flatten().filter_map(network::read).collect();
    pod_security(&spec, platform);
    gallery(&spec, platform);
    let first = hardware::hardware(&spec, platform);
    review(&spec, platform);
    platform.previews = spec.or_null("previews").and_then(|cursor| previews(&cursor));
    if let Some(cursor) = spec.get("limits") {
        limits::limits(&cursor, &mut platform.limits);
    }
    edge::strangers(&spec, platform);
    limits::defaults(&spec, first.as_deref(), platform);
}

/// What reviewers of a change are told with: prices, and whom to ask.
fn review(spec: &Fields<'_>, platform: &mut Platform) {
    platform.currency = spec.get("currency").and_then(|cursor| {
        let text = cursor.text()?.value;
        let ok = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
        if !ok {
            let message = format!("`{}` is `{text}`, which is not a currency", cursor.path);
            let help = "write the three letters of ISO 4217, such as EUR";
            cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
        }
        ok.then_some(text)
    });
    let priced = platform.hardware.values().any(|class| class.price.is_some());
    if priced && !spec.has("currency") {
        let at = spec.place("hardware").unwrap_or(spec.key);
        let message = "`spec.hardware` has prices, and `spec.currency` is not there".to_owned();
        spec.sheet.missing("currency", at, message, "add the currency: currency: EUR", None);
    }
    if let Some(fields) = spec.get("assumptions").and_then(|c| c.fields()) {
        let visits = fields.get("visitsPerDay").and_then(|c| c.whole());
        if let Some(visits) = visits.and_then(|visits| u16::try_from(visits.value).ok()) {
            platform.assumptions.visits_per_day = visits;
        }
        if let Some(awake) = fields.get("awakePerVisit").and_then(|c| c.time()) {
            platform.assumptions.awake_per_visit = awake.value;
        }
    }
    platform.operators = spec.get("operators").and_then(|c| c.line()).map(|text| text.value);
}

/// How solutions are shown before a merge.
fn previews(cursor: &Cursor<'_>) -> Option<Previews> {
    let fields = cursor.fields()?;
    let label = fields.get("label").and_then(|c| c.line()).map(|text| text.value);
    let keep_for = fields.get("keepFor").and_then(|c| c.time()).map(|time| time.value);
    let at_most = fields.get("atMost").and_then(|c| c.whole()).map(|number| number.value);
    let secrets = fields.get("secrets").and_then(|c| c.texts()).unwrap_or_default();
    Some(Previews {
        label: label.unwrap_or_else(|| "preview".to_owned()),
        keep_for: keep_for.unwrap_or(Duration::from_secs(7 * 24 * 60 * 60)),
        at_most: at_most.and_then(|number| usize::try_from(number).ok()).unwrap_or(5),
        secrets: secrets.into_iter().map(|text| text.value).collect(),
    })
}

fn domain(cursor: &Cursor<'_>) -> Option<Domain> {
    let text = cursor.text()?.value;
    if let Some(domain) = Domain::parse(&text) {
        return Some(domain);
    }
    let message = format!("`{}` is `{text}`, which is not a domain", cursor.path);
    let help = "write a DNS name in lower case without `https://`, `*.` or a port, \
                such as demo.example";
    let bare = text.trim().to_lowercase();
    let schemes = ["https://", "http://"];
    let bare = schemes.iter().find_map(|scheme| bare.strip_prefix(scheme)).unwrap_or(&bare);
    let bare = bare.trim_end_matches('/');
    let fix = Domain::parse(bare).and_then(|_| cursor.instead(&text, bare));
    cursor.sheet.report(cursor.fault(code::BAD_DOMAIN, message).help(help).fix(fix));
    None
}

fn registries(cursor: &Cursor<'_>, registries: &mut Registries) {
    let Some(fields) = cursor.fields() else { return };
    for pattern in fields.get("allow").and_then(|c| c.list()).unwrap_or_default() {
        let Some(text) = pattern.line() else { continue };
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

fn nodes(cursor: &Cursor<'_>, nodes: &mut Nodes) {
    let Some(fields) = cursor.fields() else { return };
    nodes.provisioner = match fields.get("provisioner").and_then(|c| c.word()).map(|w| w.value) {
        Some("karpenter") => Provisioner::Karpenter,
        _ => Provisioner::ClusterAutoscaler,
    };
    if let Some(cursor) = fields.get("labelKey")
        && let Some(key) = cursor.text()
    {
        if is_label_key(&key.value) {
            nodes.label_key = key.value;
        } else {
            let message = format!("`{}` is not the key of a label", key.value);
            cursor.say(code::BAD_NAME, message);
        }
    }
    nodes.priority_class = fields.or_null("priorityClassName").and_then(|c| object_name(&c));
}

/// The operator's own image: no pattern of `registries` speaks of it.
fn warmup(spec: &Fields<'_>) -> Option<ImageReference> {
    let fields = spec.get("warmup").and_then(|c| c.fields())?;
    let cursor = fields.or_null("image")?;
    let text = cursor.text()?.value;
    let Some(reference) = ImageReference::parse(&text) else {
        cursor.say(code::BAD_IMAGE, format!("`{text}` is not an image reference"));
        return None;
    };
    if reference.digest().is_none() {
        let message = format!("`{text}` has no digest: the registry can replace what a tag means");
        let help = "append @sha256:<digest>";
        cursor.sheet.report(cursor.fault(code::NO_DIGEST, message).help(help));
        return None;
    }
    Some(reference)
}

fn cluster(spec: &Fields<'_>, platform: &mut Platform) {
    let Some(fields) = spec.get("cluster").and_then(|c| c.fields()) else { return };
    if let Some(cursor) = fields.get("version")
        && let Some(text) = cursor.text()
    {
        let parts = text.value.strip_prefix('v').unwrap_or(&text.value).split_once('.');
        match parts.map(|(major, minor)| (major.parse(), minor.parse())) {
            Some((Ok(1), Ok(minor))) => platform.cluster_version = (1, minor),
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

fn pod_security(spec: &Fields<'_>, platform: &mut Platform) {
    let Some(fields) = spec.get("podSecurity").and_then(|c| c.fields()) else { return };
    let level = match fields.get("level").and_then(|c| c.word()).map(|word| word.value) {
        Some("baseline") => Level::Baseline,
        _ => Level::Restricted,
    };
    let root = fields.get("runAsRoot").and_then(|c| c.word());
    platform.pod_security = PodSecurity { level, run_as_root: RunAsRoot::Refuse };
    let Some(root) = root.filter(|word| word.value == "userNamespace") else { return };
    let needs = match level {
        Level::Restricted => USER_NAMESPACE_RESTRICTED,
        Level::Baseline => USER_NAMESPACE,
    };
    if platform.cluster_version < needs {
        let (major, minor) = platform.cluster_version;
        let message = format!(
            "`runAsRoot: userNamespace` needs API servers of {}.{}, `cluster.version` is {major}.{minor}",
            needs.0, needs.1
        );
        let help = "raise `cluster.version` when every cluster has it, or write runAsRoot: refuse";
        let fault = spec.sheet.fault(code::SWITCH_NEEDS_SERVER, root.at, message);
        spec.sheet.report(fault.help(help));
        return;
    }
    platform.pod_security.run_as_root = RunAsRoot::UserNamespace;
}

/// User namespaces are on by default from here on.
const USER_NAMESPACE: Version = (1, 33);
/// From this Pod Security version on, `restricted` takes root in a user namespace.
const USER_NAMESPACE_RESTRICTED: Version = (1, 35);

fn gallery(spec: &Fields<'_>, platform: &mut Platform) {
    let Some(fields) = spec.get("gallery").and_then(|c| c.fields()) else { return };
    let words = |key| -> Vec<Spanned<String>> {
        let texts = fields.get(key).and_then(|c| c.list()).unwrap_or_default();
        texts.iter().filter_map(|c| c.line()).collect()
    };
    platform.gallery.categories = words("categories").into_iter().map(|w| w.value).collect();
    platform.gallery.featured = words("featured");
}
