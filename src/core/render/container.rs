//! How a node starts a component's container, read from the rendered objects as a node reads them.
//!
//! In: [`Desired`]. Out: [`Container`]s. Whoever starts an image somewhere else starts it as the
//! platform would, because there is one rule: what the Deployment says.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Desired;
use super::amounts::{CPU, MEMORY};
use super::read::{items, of_kind, text};
use super::resources::is_device;
use crate::model::{ImageReference, Kind, Quantity, marks};

/// What a node gives a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// As the kubelet pulls it, with the registry that it would add.
    pub image: String,
    /// Replaces the image's entry point; empty = the image's.
    pub command: Vec<String>,
    /// Replaces the image's arguments; empty = the image's.
    pub args: Vec<String>,
    /// Its variables, in the order in which they are read; references are resolved.
    pub env: Vec<(String, String)>,
    /// Variables whose values only the cluster has.
    pub secrets: BTreeSet<String>,
    /// The most memory that it may take.
    pub memory: Option<Quantity>,
    /// What the scheduler sets aside for it.
    pub memory_request: Option<Quantity>,
    /// The most processor time that it may take.
    pub cpu: Option<Quantity>,
    /// Devices, by resource name.
    pub devices: BTreeSet<String>,
    /// Whether it may write to `scratch` only.
    pub read_only: bool,
    /// Whether it is refused as root.
    pub never_root: bool,
    /// Path → how much may be written there; all gone when it ends.
    pub scratch: BTreeMap<String, Option<Quantity>>,
    /// Path → a file that it reads.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Path → an image whose files it reads.
    pub images: BTreeMap<String, String>,
}

/// The container of every component, by its name.
pub fn containers(desired: &Desired) -> BTreeMap<String, Container> {
    let of = |body: &Value| {
        let name = text(body, &format!("/metadata/labels/{}", escaped(marks::COMPONENT)))?;
        let spec = body.pointer("/spec/template/spec")?;
        let container = items(spec, "/containers").first()?;
        Some((name.to_owned(), read(spec, container, desired)))
    };
    of_kind(desired, Kind::Deployment).filter_map(|object| of(&object.body)).collect()
}

/// A key as a JSON pointer names it (RFC 6901, section 3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn read(spec: &Value, container: &Value, desired: &Desired) -> Container {
    let (env, secrets) = environment(container);
    let words = |key: &str| -> Vec<String> {
        let words = items(container, key).iter().filter_map(Value::as_str);
        words.map(|word| resolved(word, &env)).collect()
    };
    let amount = |kind: &str, name: &str| {
        Quantity::parse(text(container, &format!("/resources/{kind}/{name}"))?).ok()
    };
    let limits = container.pointer("/resources/limits").and_then(Value::as_object);
    let devices = limits.into_iter().flatten().map(|(name, _)| name.clone());
    let never_root =
        |from: &Value| from.pointer("/securityContext/runAsNonRoot") == Some(&true.into());
    let mut read = Container {
        image: full(text(container, "/image").unwrap_or_default()),
        command: words("/command"),
        args: words("/args"),
        memory: amount("limits", MEMORY),
        memory_request: amount("requests", MEMORY),
        cpu: amount("limits", CPU),
        devices: devices.filter(|name| is_device(name)).collect(),
        read_only: container.pointer("/securityContext/readOnlyRootFilesystem")
            == Some(&true.into()),
        never_root: never_root(spec) || never_root(container),
        env,
        secrets,
        ..Container::default()
    };
    for mount in items(container, "/volumeMounts") {
        let (Some(name), Some(path)) = (text(mount, "/name"), text(mount, "/mountPath")) else {
            continue;
        };
        let mut volumes = items(spec, "/volumes").iter();
        let Some(volume) = volumes.find(|volume| text(volume, "/name") == Some(name)) else {
            continue;
        };
        if volume.get("emptyDir").is_some() {
            let size = text(volume, "/emptyDir/sizeLimit");
            let size = size.and_then(|size| Quantity::parse(size).ok());
            read.scratch.insert(path.to_owned(), size);
        } else if let Some(image) = text(volume, "/image/reference") {
            read.images.insert(path.to_owned(), full(image));
        } else if let Some(map) = text(volume, "/configMap/name")
            && let Some(bytes) = text(mount, "/subPath").and_then(|key| file(desired, map, key))
        {
            read.files.insert(path.to_owned(), bytes);
        }
    }
    read
}

/// The name that a node pulls, whatever registry it would add.
fn full(image: &str) -> String {
    let Some(parsed) = ImageReference::parse(image) else { return image.to_owned() };
    let rest = image.strip_prefix(parsed.repository()).unwrap_or_default();
    format!("{}{rest}", parsed.full_repository())
}

/// What a variable holds that names others, and which are not known here.
fn environment(container: &Value) -> (Vec<(String, String)>, BTreeSet<String>) {
    let (mut env, mut secrets) = (Vec::new(), BTreeSet::new());
    for variable in items(container, "/env") {
        let Some(name) = text(variable, "/name") else { continue };
        if variable.pointer("/valueFrom/secretKeyRef").is_some() {
            secrets.insert(name.to_owned());
        } else {
            let value = resolved(text(variable, "/value").unwrap_or_default(), &env);
            env.push((name.to_owned(), value));
        }
    }
    (env, secrets)
}

/// A text as the kubelet reads it: `$(NAME)` is the value of a variable that stands before, `$$` a
/// `$`, and everything else itself.
fn resolved(text: &str, env: &[(String, String)]) -> String {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        read += before;
        if let Some(after) = after.strip_prefix('$') {
            read.push('$');
            rest = after;
            continue;
        }
        rest = after;
        let named = after.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        let known = named.and_then(|(name, behind)| {
            let (_, value) = env.iter().find(|(known, _)| known == name)?;
            Some((value, behind))
        });
        match known {
            Some((value, behind)) => {
                read += value;
                rest = behind;
            }
            None => read.push('$'),
        }
    }
    read + rest
}

fn file(desired: &Desired, map: &str, key: &str) -> Option<Vec<u8>> {
    let object = of_kind(desired, Kind::ConfigMap).find(|object| object.key.name == map)?;
    let entry = |kind: &str| object.body.get(kind)?.get(key)?.as_str();
    match entry("data") {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => STANDARD.decode(entry("binaryData")?).ok(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "container/tests.rs"]
mod tests;
