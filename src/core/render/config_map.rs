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
use super::{waking_page, warm_up};
use crate::catalog::solution::Component;
use crate::model::Kind;

/// The ConfigMap of the waking page.
pub(super) const PAGE: &str = "cold-start-page";
/// Its key.
pub(super) const PAGE_KEY: &str = "index.html";

/// The page that the interceptor answers with while a solution wakes. Absent if nothing does.
pub(super) fn waking_page(cx: &Context) -> Option<DesiredObject> {
    let mut ways = cx.doors().into_iter().flat_map(|door| door.ways(cx));
    ways.any(|way| way.cold == Cold::Page).then(|| {
        cx.object(
            Kind::ConfigMap,
            PAGE,
            None,
            json!({
                // Without this label the interceptor does not find the page and answers 500.
                "metadata": { "labels": { "http.keda.sh/response-body": "true" } },
                "data": { PAGE_KEY: waking_page::html(&cx.solution.title) },
            }),
        )
    })
}

/// The files that a component mounts. Absent if it has none.
pub(super) fn files(cx: &Context, component: &Component) -> Option<DesiredObject> {
    let name = files_name(component)?;
    Some(cx.object(Kind::ConfigMap, name, Some(component), contents(file_entries(component))))
}

/// `<component>-files-<8 hex of the contents>`: other contents are another object, so that the
/// pods roll, and old pods keep the old files.
pub(super) fn files_name(component: &Component) -> Option<String> {
    let hash = hash(&contents(file_entries(component)));
    (!component.files.is_empty()).then(|| format!("{}-files-{}", component.name, hash.first(8)))
}

/// The example requests that a component is warmed up with. Absent if it is not.
pub(super) fn warm_up(cx: &Context, component: &Component) -> Option<DesiredObject> {
    warm_up::image(cx, component)?;
    let body = contents(example_entries(component));
    Some(cx.object(Kind::ConfigMap, warm_up_name(component), Some(component), body))
}

/// `<component>-warmup-<8 hex of the requests>`, as for files.
pub(super) fn warm_up_name(component: &Component) -> String {
    let hash = hash(&contents(example_entries(component)));
    format!("{}-warmup-{}", component.name, hash.first(8))
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
