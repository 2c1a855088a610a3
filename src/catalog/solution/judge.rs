//! Judges one folder: `solution.yaml` and what lies beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::author::{Part, Runtime};
use super::effective::{self, Setting};
use super::{
    About, Component, Exposure, Shape, Solution, about, example, graph, readme, runtime, secret,
};
use crate::catalog::fault::{Fault, Severity, code};
use crate::catalog::folders::{self, FILE};
use crate::catalog::platform::Platform;
use crate::catalog::snapshot::Folder;
use crate::model::decode::{Cursor, Fields, Schema, Sheet, nearest};
use crate::model::yaml::{self, Span, Spanned};
use crate::model::{ComponentName, Party, SolutionName};

/// What a folder is judged with.
pub struct Bench<'a> {
    /// The folder, relative to the catalogue's root.
    pub path: &'a str,
    pub folder: &'a Folder,
    pub platform: &'a Platform,
}

/// What became of a folder.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Complete if and only if there is no fault.
    pub solution: Option<Arc<Solution>>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
    /// `metadata.name` as written, for protection.
    pub declared: Option<String>,
    /// A fault at `metadata.name` (or at the first line), to be filled in by whoever compares
    /// folders with each other.
    pub at_name: Fault,
}

impl Bench<'_> {
    /// A path below the folder that must be a file; faults are reported.
    pub fn file(&self, cursor: &Cursor<'_>) -> Option<String> {
        let text = cursor.text()?.value;
        let shape = !text.is_empty()
            && !text.starts_with('/')
            && text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !shape {
            let message = format!("`{text}` is not a path of this folder");
            let help = "write it relative to the folder, such as configs/model.yaml, without `..`";
            cursor.sheet.report(cursor.fault(code::BAD_PATH, message).help(help));
            return None;
        }
        if self.folder.files.contains_key(&text) {
            return Some(text);
        }
        let message = format!("the folder has no file `{text}`");
        let mut fault = cursor.fault(code::NO_FILE, message);
        let near = nearest(&text, self.folder.files.keys().map(String::as_str));
        fault.help = near.map(|near| format!("did you mean `{near}`?"));
        cursor.sheet.report(fault);
        None
    }
}

pub const ROOT: Schema = Schema::of(&["apiVersion", "kind", "metadata", "spec"]);

/// Judges a folder that holds `solution.yaml`.
pub fn judge(bench: &Bench<'_>) -> Verdict {
    let file = format!("{}/{FILE}", bench.path);
    let Some(bytes) = bench.folder.files.get(FILE).and_then(|file| file.bytes.as_deref()) else {
        return unread(bench, &file);
    };
    let (sheet, root) = Sheet::open(&file, bytes, Party::Author);
    let mut declared = None;
    let mut solution = None;
    if let Some(fields) = root.as_ref().and_then(|root| sheet.root(root, ROOT)) {
        declared = declared_name(&fields);
        solution = document(bench, &fields, declared.as_ref());
    }
    let at = declared.as_ref().map_or(Span::START, |name| name.at);
    let at_name = sheet.fault(code::DUPLICATE_NAME, at, "");
    let all = sheet.finish();
    let (warnings, mut faults): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|fault| fault.severity == Severity::Warning);
    faults.extend(oddities(bench));
    faults.extend(example::judge(bench));
    let solution = solution.filter(|_| faults.is_empty()).map(Arc::new);
    Verdict { solution, faults, warnings, declared: declared.map(|name| name.value), at_name }
}

/// The verdict on a folder whose `solution.yaml` is no plain file, or too large.
fn unread(bench: &Bench<'_>, file: &str) -> Verdict {
    let message = format!("the file is larger than {} KiB", yaml::MAX_BYTES / 1024);
    let fault = Fault::new(code::TOO_LARGE, file, Party::Author, message);
    let mut faults = oddities(bench);
    if !bench.folder.oddities.contains_key(FILE) {
        faults.push(fault.clone());
    }
    Verdict { solution: None, at_name: fault, faults, warnings: Vec::new(), declared: None }
}

/// Entries of the folder that are no plain files.
fn oddities(bench: &Bench<'_>) -> Vec<Fault> {
    let oddities = bench.folder.oddities.iter();
    oddities
        .map(|(name, oddity)| folders::oddity(&format!("{}/{name}", bench.path), *oddity))
        .collect()
}

/// `metadata.name`, whatever else is wrong.
pub fn declared_name(root: &Fields<'_>) -> Option<Spanned<String>> {
    use crate::model::yaml::Value;
    let metadata = root.or_null("metadata")?;
    let Value::Map(entries) = &metadata.node.value else { return None };
    let (_, node) = entries.iter().find(|(key, _)| key.text == "name")?;
    match &node.value {
        Value::Text(text) => Some(Spanned { value: text.clone(), at: node.at }),
        _ => None,
    }
}

fn document(
    bench: &Bench<'_>,
    root: &Fields<'_>,
    declared: Option<&Spanned<String>>,
) -> Option<Solution> {
    crate::catalog::envelope(root, "Solution");
    let mut about = About::default();
    let (readme_title, readme_text) = readme_of(bench.folder);
    let (mut title, mut description) = (readme_title, readme_text);
    let schema = Schema::of(&["name", "title", "description", "tags", "links"]);
    let mut name = None;
    if let Some(metadata) = root.required("metadata").and_then(|c| c.map(schema)) {
        if let Some(cursor) = metadata.required("name")
            && cursor.text().is_some()
            && let Some(declared) = declared
        {
            name = solution_name(bench, &cursor, &declared.value);
        }
        if let Some(written) = metadata.get("title").and_then(|c| c.line(80)) {
            title = Some(written.value);
        }
        if let Some(written) = metadata.get("description").and_then(|c| c.line(300)) {
            description = Some(written.value);
        }
        about::metadata(&metadata, &mut about);
    }
    let spec = root.required("spec")?.map(spec_schema())?;
    about::spec(bench, &spec, &mut about);
    if let Some(access) = spec.get("access") {
        access_is_public(&access);
    }
    let expires = about::expires(&spec);
    let suspend = about::suspend(&spec);
    let (shape, components) = parts(bench, &spec, name.as_ref());
    let name = name?;
    Some(Solution {
        title: title.unwrap_or_else(|| name.to_string()),
        name,
        description,
        folder: bench.path.to_owned(),
        tree: bench.folder.tree.clone(),
        shape,
        components,
        expires,
        suspend,
        about,
    })
}

fn readme_of(folder: &Folder) -> (Option<String>, Option<String>) {
    let readme = folder.files.iter().find(|(path, _)| path.eq_ignore_ascii_case("readme.md"));
    match readme.and_then(|(_, file)| file.bytes.as_deref()) {
        Some(bytes) => readme::heading_and_paragraph(&String::from_utf8_lossy(bytes)),
        None => (None, None),
    }
}

/// One bad name is one fault: a name that no solution may have is not compared with the folder's.
fn solution_name(bench: &Bench<'_>, cursor: &Cursor<'_>, text: &str) -> Option<SolutionName> {
    let folder = bench.path.rsplit('/').next().unwrap_or(bench.path);
    match SolutionName::parse(text) {
        Err(bad) => {
            cursor.say(code::BAD_NAME, bad.to_string());
            None
        }
        Ok(_) if text != folder => {
            let message = format!("the solution is called `{text}`, its folder `{folder}`");
            let help = "the two must be equal; renaming the folder moves the solution to another \
                        address";
            cursor.sheet.report(cursor.fault(code::NAME_IS_NOT_FOLDER, message).help(help));
            None
        }
        Ok(name) => Some(name),
    }
}

fn access_is_public(cursor: &Cursor<'_>) {
    if let Some(access) = cursor.text()
        && access.value != "public"
    {
        let message = format!("`access: {}` is not supported yet", access.value);
        let help = "write access: public, or delete the key";
        cursor.sheet.report(cursor.fault(code::NOT_YET, message).help(help));
    }
}

fn spec_schema() -> Schema {
    Schema {
        allowed: &[
            "type",
            "lifecycle",
            "owner",
            "contact",
            "license",
            "expires",
            "suspend",
            "gallery",
            "models",
            "datasets",
            "evaluation",
            "image",
            "command",
            "args",
            "port",
            "basePath",
            "env",
            "files",
            "scratch",
            "readOnlyRootFilesystem",
            "hardware",
            "resources",
            "scaling",
            "startup",
            "readinessProbe",
            "livenessProbe",
            "access",
            "http",
            "network",
            "api",
            "components",
            "configurations",
        ],
        later: &[
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
        ],
    }
}

const COMPONENT: Schema = Schema {
    allowed: &[
        "image",
        "command",
        "args",
        "port",
        "basePath",
        "env",
        "files",
        "scratch",
        "readOnlyRootFilesystem",
        "hardware",
        "resources",
        "scaling",
        "startup",
        "readinessProbe",
        "livenessProbe",
        "http",
        "network",
        "expose",
        "dependsOn",
    ],
    later: runtime::LATER,
};

const CONFIGURATION: Schema =
    Schema { allowed: &["title", "env", "files", "scaling"], later: runtime::LATER };

/// The components that a solution becomes, by its shape.
fn parts(
    bench: &Bench<'_>,
    spec: &Fields<'_>,
    name: Option<&SolutionName>,
) -> (Shape, BTreeMap<ComponentName, Component>) {
    let sheet = spec.sheet;
    let base = runtime::runtime(bench, spec);
    let filled = |key| spec.or_null(key).is_some_and(|cursor| has_entries(&cursor));
    if filled("components") && filled("configurations") {
        let why = "several services, or one image with several settings";
        spec.excludes("components", "configurations", why);
    }
    let host = |suffix: &str| match name {
        Some(name) => format!("{name}{suffix}.{}", bench.platform.domain),
        None => String::new(),
    };
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
                    host: host(""),
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
            };
            let merged = part.runtime.over(&base);
            effective::component(bench, sheet, merged, setting, image_written || own_image)
        });
        return (Shape::Components, by_name(done));
    }
    let whole = |host: String| Exposure::Public { host, path: "/".to_owned(), strip_prefix: false };
    if let Some(cursor) = spec.get("configurations").filter(has_entries) {
        let parts = configurations(bench, &cursor);
        too_many(&cursor, parts.len(), limits.max_configurations);
        if !image_written {
            sheet.missing("image", spec.key, "`spec` lacks `image`".to_owned());
        }
        let done = parts.into_iter().filter_map(|part| {
            let setting = Setting {
                name: ComponentName::parse(&part.name.value).ok()?,
                title: part.title,
                exposure: whole(host(&format!("--{}", part.name.value))),
                depends_on: &[],
                key: part.key,
                path: format!("spec.configurations.{}", part.name.value),
            };
            effective::component(bench, sheet, part.runtime.over(&base), setting, true)
        });
        return (Shape::Configurations, by_name(done));
    }
    let setting = Setting {
        name: ComponentName::app(),
        title: None,
        exposure: whole(host("")),
        depends_on: &[],
        key: spec.key,
        path: "spec".to_owned(),
    };
    let app = effective::component(bench, sheet, base, setting, image_written);
    (Shape::Single, by_name(app.into_iter()))
}

/// `components: {}` is the default, written down.
fn has_entries(cursor: &Cursor<'_>) -> bool {
    use crate::model::yaml::Value;
    !matches!(&cursor.node.value, Value::Map(entries) if entries.is_empty())
}

fn by_name(components: impl Iterator<Item = Component>) -> BTreeMap<ComponentName, Component> {
    components.map(|component| (component.name.clone(), component)).collect()
}

fn too_many(cursor: &Cursor<'_>, found: usize, limit: usize) {
    if found > limit {
        let message =
            format!("`{}` has {found} entries, this platform allows {limit}", cursor.path);
        let fault = cursor.sheet.fault(code::OVER_LIMIT, cursor.key, message);
        cursor.sheet.report(fault);
    }
}

/// A bad name is a fault; the entry is judged all the same.
fn part_name(cursor: &Cursor<'_>, name: &Spanned<String>, single: bool) {
    let bad = match ComponentName::parse(&name.value) {
        Err(bad) => bad.to_string(),
        Ok(_) if single && name.value == ComponentName::APP => {
            format!("`{}` is reserved", name.value)
        }
        Ok(_) => return,
    };
    cursor.sheet.say(code::BAD_NAME, name.at, bad);
}

/// The components, each with whether it names an image of its own.
fn components(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Vec<(Part, bool)> {
    let mut parts = Vec::new();
    for (name, entry) in cursor.free_map() {
        part_name(cursor, &name, true);
        let Some(fields) = entry.map(COMPONENT) else { continue };
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
    parts
}

fn configurations(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (name, entry) in cursor.free_map() {
        part_name(cursor, &name, false);
        let Some(fields) = entry.map(CONFIGURATION) else { continue };
        let mut own = Runtime::default();
        if let Some(cursor) = fields.get("env") {
            own.env = secret::env(&cursor);
        }
        if let Some(cursor) = fields.get("files") {
            own.files = super::mount::files(bench, &cursor);
        }
        if let Some(cursor) = fields.get("scaling") {
            runtime::scaling(bench, &cursor, &mut own);
        }
        parts.push(Part {
            title: fields.get("title").and_then(|c| c.line(80)).map(|title| title.value),
            runtime: own,
            expose: None,
            depends_on: Vec::new(),
            key: name.at,
            name,
        });
    }
    parts
}
