//! The reference of the contract: `docs/manifest.md` is what the table says, and each default and
//! example of the table is what the reader of the files takes. `docs/tutorial.md`: each file in it
//! is right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vitrine_core::catalog::contract::{File, reference};
use vitrine_core::catalog::fault::code;
use vitrine_core::catalog::{self, Catalog, Memory, Platform};
use vitrine_core::model::Domain;
use vitrine_core::model::decode::{Form, Schema};

use super::from_folder::{Files, of_files};
use super::hostile::PLATFORM;

fn read(files: &Files) -> Catalog {
    catalog::read(&of_files(files, BTreeMap::new()), &mut Memory::default())
}

fn page(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = page("manifest.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, reference()).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference(), "docs/manifest.md is stale: UPDATE_GOLDEN=1 rewrites it");
}

/// A value of the table, by the keys that lead to it: `[]` is a list, `<name>` an author's key.
struct Told {
    path: Vec<String>,
    value: &'static str,
    is_default: bool,
}

fn told(schema: Schema, above: &[String], all: &mut Vec<Told>) {
    for field in schema.fields() {
        let path = [above, &[field.name.to_owned()]].concat();
        let default = field.default.filter(|default| !default.starts_with('('));
        for (value, is_default) in [(default, true), (field.example, false)] {
            all.extend(value.map(|value| Told { path: path.clone(), value, is_default }));
        }
        let (inner, step) = match field.form {
            Form::Map(schema) => (*schema, None),
            Form::List(Form::Map(schema), _) => (**schema, Some("[]")),
            Form::Free(Form::Map(schema), _) => (**schema, Some("web")),
            _ => continue,
        };
        let path = [path, step.map(str::to_owned).into_iter().collect()].concat();
        told(inner, &path, all);
    }
}

/// `a: {b: [{c: value}]}`
fn nested(path: &[String], value: &str) -> String {
    match path {
        [] => value.to_owned(),
        [list, rest @ ..] if list == "[]" => format!("[{}]", nested(rest, value)),
        [key, rest @ ..] => format!("{{{key}: {}}}", nested(rest, value)),
    }
}

/// Codes that speak of the form of a value, whatever stands beside it in the file.
const FORM: [&str; 20] = [
    code::WRONG_TYPE,
    code::NULL,
    code::NOT_ONE_OF,
    code::UNKNOWN_FIELD,
    code::NOT_YET,
    code::TOO_LONG,
    code::OUT_OF_RANGE,
    code::BAD_NAME,
    code::BAD_QUANTITY,
    code::BAD_DURATION,
    code::BAD_IMAGE,
    code::NO_DIGEST,
    code::BAD_PATH,
    code::BAD_CIDR,
    code::BAD_DAY,
    code::BAD_TEXT,
    code::BAD_CRON,
    code::BAD_TIME_ZONE,
    code::BAD_ORIGIN,
    code::BAD_ENV,
];

#[test]
fn every_default_and_every_example_of_the_table_is_a_right_value() {
    let mut tried = 0;
    for file in [File::Solution, File::Platform] {
        let mut all = Vec::new();
        told(file.schema(), &[], &mut all);
        for Told { path, value, .. } in all {
            let text = nested(&path, value);
            let (name, files) = match file {
                File::Platform => ("platform.yaml", Files::new()),
                File::Solution => (
                    "use/solution.yaml",
                    Files::from([("platform.yaml".to_owned(), PLATFORM.as_bytes().to_vec())]),
                ),
            };
            let mut files = files;
            files.insert(name.to_owned(), text.clone().into_bytes());
            let catalog = read(&files);
            let of_platform = catalog.platform.err().into_iter().flatten();
            let of_folders = catalog.refused.into_values().flat_map(|refused| refused.faults);
            let wrong: Vec<String> = of_platform
                .chain(of_folders)
                .filter(|f| f.file == name && (FORM.contains(&f.code) || f.code.starts_with("V01")))
                .map(|fault| format!("{} {fault}", fault.code))
                .collect();
            assert_eq!(wrong, Vec::<String>::new(), "{text}");
            tried += 1;
        }
    }
    assert!(tried >= 150, "{tried}");
}

#[test]
fn the_defaults_of_the_platform_are_those_of_a_bare_one() {
    let mut all = Vec::new();
    told(File::Platform.schema(), &[], &mut all);
    let mut tried = 0;
    for Told { path, value, is_default } in all {
        // A class has no defaults of its own without a name; it is read as an example above.
        if !is_default || path.contains(&"[]".to_owned()) || path[0] != "spec" {
            continue;
        }
        // One belongs to another kind of edge, the others to a map with a required key, or to one
        // that turns something on by being there.
        if path.iter().any(|key| key == "ingressClassName")
            || (["monitoring", "previews"].contains(&path[1].as_str()) && path.len() > 2)
        {
            continue;
        }
        let inside = nested(&path[1..], value);
        let inside = inside.trim_start_matches('{');
        let text = PLATFORM
            .replace("{domain: demo.example}", &format!("{{domain: demo.example, {inside}"));
        let files = Files::from([("platform.yaml".to_owned(), text.clone().into_bytes())]);
        let mut platform = Platform::clone(&read(&files).platform.expect("a right platform"));
        let bare = Platform::bare(Domain::parse("demo.example").unwrap());
        platform.digest = bare.digest.clone();
        platform.defaults.written.clear();
        assert_eq!(platform, bare, "{text}");
        tried += 1;
    }
    assert!(tried >= 30, "{tried}");
}

/// The files of a page, in its order: blocks of YAML that begin as both files do.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let texts = blocks.filter_map(|block| Some(block.split_once("```")?.0.to_owned()));
    texts.filter(|text| text.starts_with("apiVersion:")).collect()
}

#[test]
fn every_file_of_the_tutorial_is_right() {
    let tutorial = fs::read_to_string(page("tutorial.md")).expect("the tutorial is there");
    let blocks = blocks(&tutorial);
    assert!(blocks.len() >= 3, "{}", blocks.len());
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    for text in blocks {
        let platform = fs::read(catalogue.join("platform.yaml")).expect("the platform is there");
        let mut files = Files::from([("platform.yaml".to_owned(), platform)]);
        let after = text.split_once("name: ").expect("it has a name").1;
        let name = after.lines().next().unwrap_or_default().trim();
        files.insert(format!("{name}/solution.yaml"), text.clone().into_bytes());
        let example = b"{\"path\": \"/\"}".to_vec();
        files.insert(format!("{name}/examples/embed.json"), example);
        let catalog = read(&files);
        let faults = catalog.refused.get(name).map(|refused| &refused.faults);
        assert_eq!(faults, None, "{text}");
        // That platform's edge has no limit for requests; another one's has.
        let other = catalog.warnings.iter().filter(|fault| fault.code != code::NOT_ENFORCED);
        assert_eq!(other.collect::<Vec<_>>(), Vec::<&catalog::Fault>::new(), "{text}");
        assert!(catalog.solutions.contains_key(name), "{text}");
    }
    // The words that an author never needs.
    for word in ["Kubernetes", "kubectl", "namespace", "Deployment", "container port", "Pod "] {
        assert!(!tutorial.contains(word), "{word}");
    }
}
