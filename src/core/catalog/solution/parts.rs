//! The containers of a solution: one, several that wake as one, or one image in several settings.

use std::collections::BTreeMap;

use super::author::{Part, Runtime};
use super::bench::Bench;
use super::effective;
use super::setting::Setting;
use super::{Component, Exposure, Shape, graph, mount, runtime, scaling, secret};
use crate::catalog::fault::code;
use crate::model::decode::{Cursor, Fields};
use crate::model::yaml::{Spanned, Value};
use crate::model::{ComponentName, HostName, SolutionName, UrlPath, meant};

/// The components that a solution becomes, by its shape.
pub fn parts(
    bench: &Bench<'_>,
    spec: &Fields<'_>,
    name: Option<&SolutionName>,
) -> (Shape, BTreeMap<ComponentName, Box<Component>>) {
    let sheet = spec.sheet;
    let base = runtime::runtime(bench, spec);
    let filled = |key| spec.or_null(key).is_some_and(|cursor| has_entries(&cursor));
    if filled("components") && filled("configurations") {
        let why = "several services, or one image with several settings";
        spec.excludes("components", "configurations", why);
    }
    let domain = &bench.platform.domain;
    // A folder without a good name is refused; the rest of it is judged all the same.
    let home = name.map_or_else(|| domain.apex(), |name| domain.solution(name));
    let limits = &bench.platform.limits;
    let image_written = spec.has("image");
    if let Some(cursor) = spec.get("components").filter(has_entries) {
        let parts = components(bench, &cursor);
        too_many(&cursor, parts.len(), limits.max_components);
        graph::judge(
            sheet,
            &parts.iter().map(|(part, _)| part.clone()).collect::<Vec<_>>(),
            cursor.key,
        );
        let done = parts.into_iter().filter_map(|(part, own_image)| {
            let path = format!("spec.components.{}", part.name.value);
            let exposure = match part.expose {
                Some(expose) => Exposure::Public {
                    host: home.clone(),
                    path: expose.path.value,
                    strip_prefix: expose.strip_prefix,
                },
                None => Exposure::Private,
            };
            let setting = Setting {
                name: ComponentName::parse(&part.name.value).ok()?,
                title: None,
                exposure,
                depends_on: &part.depends_on,
                key: part.key,
                path,
                base: &base,
            };
            let merged = part.runtime.over(&base);
            effective::component(bench, sheet, merged, setting, image_written || own_image)
        });
        return (Shape::Components, by_name(done));
    }
    let whole =
        |host: HostName| Exposure::Public { host, path: UrlPath::root(), strip_prefix: false };
    if let Some(cursor) = spec.get("configurations").filter(has_entries) {
        let parts = configurations(bench, &cursor);
        too_many(&cursor, parts.len(), limits.max_configurations);
        if !image_written {
            sheet.missing(
                "image",
                spec.key,
                "`spec` lacks `image`".to_owned(),
                effective::ADD_IMAGE,
                None,
            );
        }
        let done = parts.into_iter().filter_map(|part| {
            let configuration = ComponentName::parse(&part.name.value).ok()?;
            let setting = Setting {
                exposure: whole(name.map_or_else(
                    || domain.apex(),
                    |name| domain.configuration(name, &configuration),
                )),
                name: configuration,
                title: part.title,
                depends_on: &[],
                key: part.key,
                path: format!("spec.configurations.{}", part.name.value),
                base: &base,
            };
            effective::component(bench, sheet, part.runtime.over(&base), setting, true)
        });
        return (Shape::Configurations, by_name(done));
    }
    let setting = Setting {
        name: ComponentName::app(),
        title: None,
        exposure: whole(home),
        depends_on: &[],
        key: spec.key,
        path: "spec".to_owned(),
        base: &base,
    };
    let app = effective::component(bench, sheet, base.clone(), setting, image_written);
    (Shape::Single, by_name(app.into_iter()))
}

/// `components: {}` is the default, written down.
fn has_entries(cursor: &Cursor<'_>) -> bool {
    !matches!(&cursor.node.value, Value::Map(entries) if entries.is_empty())
}

fn by_name(components: impl Iterator<Item = Component>) -> BTreeMap<ComponentName, Box<Component>> {
    components.map(|component| (component.name.clone(), Box::new(component))).collect()
}

fn too_many(cursor: &Cursor<'_>, found: usize, limit: usize) {
    if found > limit {
        let message =
            format!("`{}` has {found} entries, this platform allows {limit}", cursor.path);
        let fault = cursor.sheet.fault(code::OVER_LIMIT, cursor.key, message);
        cursor.sheet.report(fault);
    }
}

/// A bad name is a fault; the entry is judged all the same. `single` is for components, one of
/// which is the whole of a solution that declares none; `called` is where others name them.
fn part_names(
    cursor: &Cursor<'_>,
    names: &[Spanned<String>],
    called: &[&Spanned<String>],
    single: bool,
) {
    let good =
        |name: &str| ComponentName::parse(name).is_ok() && !(single && name == ComponentName::APP);
    for name in names.iter().filter(|name| !good(&name.value)) {
        let bad = match ComponentName::parse(&name.value) {
            Err(bad) => bad.to_string(),
            Ok(_) => format!("`{}` is reserved", name.value),
        };
        let spelt = meant::name(&name.value);
        let alone = names.iter().filter(|other| meant::name(&other.value) == spelt).count() == 1;
        let word = |at: &Spanned<String>| cursor.sheet.word(at.at, &name.value, &spelt);
        let everywhere = called.iter().copied().filter(|other| other.value == name.value);
        let pieces: Option<Vec<_>> = std::iter::once(name).chain(everywhere).map(word).collect();
        let fix = pieces.filter(|_| alone && good(&spelt)).and_then(|p| cursor.sheet.fix(p));
        let fault = cursor.sheet.fault(code::BAD_NAME, name.at, bad);
        cursor.sheet.report(fault.fix(fix));
    }
}

/// The components, each with whether it names an image of its own.
fn components(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Vec<(Part, bool)> {
    let mut parts = Vec::new();
    let entries = cursor.free_map();
    let names: Vec<Spanned<String>> = entries.iter().map(|(name, _)| name.clone()).collect();
    for (name, entry) in entries {
        let Some(fields) = entry.fields() else { continue };
        let part = Part {
            title: None,
            runtime: runtime::runtime(bench, &fields),
            expose: fields.get("expose").and_then(|c| runtime::expose(&c)),
            depends_on: fields.get("dependsOn").and_then(|c| c.texts()).unwrap_or_default(),
            key: name.at,
            name,
        };
        parts.push((part, fields.has("image")));
    }
    let called: Vec<&Spanned<String>> =
        parts.iter().flat_map(|(part, _): &(Part, bool)| &part.depends_on).collect();
    part_names(cursor, &names, &called, true);
    parts
}

fn configurations(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    let entries = cursor.free_map();
    let names: Vec<Spanned<String>> = entries.iter().map(|(name, _)| name.clone()).collect();
    part_names(cursor, &names, &[], false);
    for (name, entry) in entries {
        let Some(fields) = entry.fields() else { continue };
        let mut own = Runtime::default();
        if let Some(cursor) = fields.get("env") {
            own.env = secret::env(&cursor);
        }
        if let Some(cursor) = fields.get("files") {
            own.files = mount::files(bench, &cursor);
        }
        if let Some(cursor) = fields.get("scaling") {
            scaling::scaling(bench, &cursor, &mut own);
        }
        parts.push(Part {
            title: fields.get("title").and_then(|c| c.line()).map(|title| title.value),
            runtime: own,
            expose: None,
            depends_on: Vec::new(),
            key: name.at,
            name,
        });
    }
    parts
}
