//! ConfigMaps: a component's files, the requests that warm it up, and the page that visitors see
//! while it wakes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::DesiredObject;
use super::context::Context;
use super::door::Cold;
use super::object::hash;
use super::{image, waking_page};
use crate::catalog::solution::Component;
use crate::model::{ComponentName, Kind, ObjectKey};

/// The ConfigMap of the waking page.
pub(super) const PAGE: &str = "cold-start-page";
/// Its key.
pub(super) const PAGE_KEY: &str = "index.html";

/// The page that the interceptor answers with while a solution wakes. Absent if nothing does.
pub(super) fn waking_page(cx: &Context) -> Option<DesiredObject> {
    let mut ways = cx.doors().into_iter().flat_map(|door| door.ways(cx));
    ways.any(|way| way.cold == Cold::Page).then(|| {
        let pull = cx.solution.name.previews().map(|(pull, _)| pull);
        cx.object(
            Kind::ConfigMap,
            PAGE,
            None,
            json!({
                // Without this label the interceptor does not find the page and answers 500.
                "metadata": { "labels": { "http.keda.sh/response-body": "true" } },
                "data": { PAGE_KEY: waking_page::html(&cx.solution.title, pull) },
            }),
        )
    })
}

/// The files that a component mounts. Absent if it has none.
pub(super) fn files(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let name = files_name(component)?;
    Some(cx.object(Kind::ConfigMap, name, Some(component), contents(file_entries(component))))
}

/// Absent if the component has no files.
pub(super) fn files_name(component: &Component) -> Option<String> {
    let contents = contents(file_entries(component));
    (!component.files.is_empty()).then(|| hashed(&component.name, FILES, &contents))
}

/// The example requests that a component is warmed up with. Absent if it is not.
pub(super) fn warm_up(cx: &Context, component: &Component) -> Option<DesiredObject> {
    image::of_warm_up(cx, component)?;
    let body = contents(example_entries(component));
    Some(cx.object(Kind::ConfigMap, warm_up_name(component), Some(component), body))
}

pub(super) fn warm_up_name(component: &Component) -> String {
    hashed(&component.name, REQUESTS, &contents(example_entries(component)))
}

/// What the ConfigMap holds, in its name.
const FILES: &str = "files";
const REQUESTS: &str = "warmup";
/// How many hexadecimal digits of the contents' hash stand in the name.
const DIGITS: usize = 8;

/// `<component>-files-<digits of the contents' hash>`: other contents are another object, so that
/// the pods roll, and old pods keep the old files.
fn hashed(component: &ComponentName, what: &str, contents: &Value) -> String {
    format!("{component}-{what}-{}", hash(contents).first(DIGITS))
}

/// Whether this is the address of a ConfigMap whose name changes with its contents.
pub fn is_hashed(key: &ObjectKey) -> bool {
    let parts = || {
        let (rest, digits) = key.name.rsplit_once('-')?;
        let (component, what) = rest.rsplit_once('-')?;
        let is_hash = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let is_ours = is_hash && [FILES, REQUESTS].contains(&what);
        is_ours.then(|| ComponentName::parse(component).ok())?
    };
    key.kind == Kind::ConfigMap && parts().is_some()
}

/// Mount paths with their keys: `f0`, `f1`, ... A path could not be a key.
pub(super) fn keys(component: &Component) -> impl Iterator<Item = (&str, String)> {
    component.files.keys().enumerate().map(|(n, path)| (path.as_str(), format!("f{n}")))
}

fn file_entries(component: &Component) -> impl Iterator<Item = (String, &Arc<[u8]>)> {
    keys(component).map(|(_, key)| key).zip(component.files.values())
}

/// `000.json`, `001.json`, ...: in the order in which they are requested.
fn example_entries(component: &Component) -> impl Iterator<Item = (String, &Arc<[u8]>)> {
    let examples = component.warmup.iter().enumerate();
    examples.map(|(n, (_, bytes))| (format!("{n:03}.json"), bytes))
}

fn contents<'a>(entries: impl Iterator<Item = (String, &'a Arc<[u8]>)>) -> Value {
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in entries {
        match text(bytes) {
            Some(text) => data.insert(key, text.into()),
            None => binary.insert(key, STANDARD.encode(bytes).into()),
        };
    }
    json!({ "data": data, "binaryData": binary })
}

/// What `data` can carry: UTF-8.
fn text(bytes: &Arc<[u8]>) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_from_contents_is_known_as_one() {
        let of = |kind, name: &str| is_hashed(&ObjectKey::namespaced(kind, "sol-use", name));
        for component in ["app", "web", "old-warmup"] {
            for what in [FILES, REQUESTS] {
                let component = ComponentName::parse(component).unwrap();
                let name = hashed(&component, what, &json!({ "data": {} }));
                assert!(of(Kind::ConfigMap, &name), "{name}");
                assert!(!of(Kind::ServiceAccount, &name), "{name}");
            }
        }
        for other in [PAGE, "app-files-new", "app-files-0123456", "files-01234567", "a-b-01234567"]
        {
            assert!(!of(Kind::ConfigMap, other), "{other}");
        }
    }
}
