//! Single mistakes in right files, made where the reader of YAML says that the keys stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine_core::catalog::contract::File;
use vitrine_core::catalog::fault::code;
use vitrine_core::model::decode::{Form, Schema};
use vitrine_core::model::yaml::{self, Node, Span, Value};

use super::from_folder::Files;

/// A key of the contract in a file.
pub struct Place {
    key: Span,
    name: String,
    form: Form,
    nullable: bool,
    /// Where its value ends: line and column, the column exclusive.
    end: (u32, u32),
    /// Whether its map is written in braces.
    flow: bool,
}

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    Renamed,
    Repeated,
    Unknown,
    WrongType,
    OverLimit,
}

impl Mistake {
    pub const ALL: [Self; 5] =
        [Self::Renamed, Self::Repeated, Self::Unknown, Self::WrongType, Self::OverLimit];

    /// The code of the fault, where the mistake can be only one.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Renamed | Self::Unknown => Some(code::UNKNOWN_FIELD),
            Self::Repeated => Some(code::DUPLICATE_KEY),
            Self::WrongType | Self::OverLimit => None,
        }
    }
}

/// A file with one mistake, and the line of it.
pub struct Mutated {
    pub text: String,
    pub line: u32,
    pub what: String,
}

/// Every key of the contract in a text without faults, in the order of the file.
pub fn places(file: File, text: &str) -> Vec<Place> {
    let document = yaml::read(text.as_bytes());
    assert_eq!(document.findings, [], "{text}");
    let mut places = Vec::new();
    if let Some(root) = &document.root {
        map(text, root, file.schema(), &mut places);
    }
    places
}

fn map(text: &str, node: &Node, schema: Schema, places: &mut Vec<Place>) {
    let Value::Map(entries) = &node.value else { return };
    let flow = text.get(offset(text, node.at.line, node.at.column)..);
    let flow = flow.is_some_and(|rest| rest.starts_with('{'));
    for (key, value) in entries {
        let Some(field) = schema.fields().iter().find(|field| field.name == key.text) else {
            continue;
        };
        places.push(Place {
            key: key.at,
            name: key.text.clone(),
            form: field.form,
            nullable: field.nullable,
            end: end(value),
            flow,
        });
        inside(text, value, field.form, places);
    }
}

fn inside(text: &str, value: &Node, form: Form, places: &mut Vec<Place>) {
    match (form, &value.value) {
        (Form::Map(schema), _) => map(text, value, *schema, places),
        (Form::List(form, _), Value::List(items)) => {
            items.iter().for_each(|item| inside(text, item, *form, places));
        }
        (Form::Free(form, _), Value::Map(entries)) => {
            entries.iter().for_each(|(_, value)| inside(text, value, *form, places));
        }
        _ => {}
    }
}

/// Where a value ends: that of a block is the end of its last leaf.
fn end(node: &Node) -> (u32, u32) {
    let last = match &node.value {
        Value::List(items) => items.last().map(end),
        Value::Map(entries) => entries.last().map(|(_, value)| end(value)),
        _ => None,
    };
    let own = (node.at.end_line, node.at.end_column);
    match last {
        // In brackets it ends with the bracket, a block ends where the next thing begins.
        Some(last) if own.0 > last.0 => last,
        _ => own,
    }
}

/// The byte at a line and a column.
fn offset(text: &str, line: u32, column: u32) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n').expect("the line is there") + 1;
    }
    let rest = &text[start..];
    let inside = rest.char_indices().nth(column as usize - 1).map_or(rest.len(), |(at, _)| at);
    start + inside
}

impl Place {
    /// The text with a mistake at this key, if there can be such a mistake.
    pub fn mutate(
        &self,
        text: &str,
        mistake: Mistake,
        random: &mut fastrand::Rng,
    ) -> Option<Mutated> {
        let Span { line, column, end_line, end_column } = self.key;
        let (from, to) = (offset(text, line, column), offset(text, end_line, end_column));
        let before = |word: &str| {
            let pause = if self.flow {
                ", ".to_owned()
            } else {
                format!("\n{}", " ".repeat(column as usize - 1))
            };
            format!("{}{word}{pause}{}", &text[..from], &text[from..])
        };
        let name = &self.name;
        let (changed, what) = match mistake {
            Mistake::Renamed => {
                let at = random.usize(0..=name.len());
                let letter = random.char('A'..='Z');
                let word = format!("{}{letter}{}", &name[..at], &name[at..]);
                (format!("{}{word}{}", &text[..from], &text[to..]), format!("{name} is {word}"))
            }
            Mistake::Repeated => (before(&format!("{name}: x")), format!("{name} stands twice")),
            Mistake::Unknown => (before("quux: 1"), format!("quux stands before {name}")),
            Mistake::WrongType | Mistake::OverLimit => {
                let value = match mistake {
                    Mistake::OverLimit => over(&self.form)?,
                    _ => {
                        let values = wrong(&self.form);
                        let null = (!self.nullable).then_some("null");
                        let values: Vec<&str> = values.iter().copied().chain(null).collect();
                        (*random.choice(&values)?).to_owned()
                    }
                };
                let colon = to + text[to..].find(':')? + 1;
                let end = offset(text, self.end.0, self.end.1).max(colon);
                let shown: String = value.chars().take(40).collect();
                let what = format!("{name}: {shown}");
                (format!("{} {value}{}", &text[..colon], &text[end..]), what)
            }
        };
        Some(Mutated { text: changed, line, what: format!("{mistake:?} at line {line}: {what}") })
    }
}

/// Values of other types.
fn wrong(form: &Form) -> &'static [&'static str] {
    match form {
        Form::Any => &[],
        Form::Text | Form::Like(_) | Form::Line(_) | Form::Word(_) => {
            &["[[1]]", "{q: 1}", "5", "0.5", "true"]
        }
        Form::Bool => &["\"true\"", "1", "[]", "{}", "yes"],
        Form::Whole(..) => &["\"5\"", "x", "1.5", "{}", "[1]", "true"],
        Form::Number => &["\"5\"", "x", "[1]", "{}"],
        Form::Quantity => &["[]", "{}", "true"],
        Form::Duration(..) => &["5", "[]", "{}", "false"],
        Form::List(..) => &["5", "x", "{a: 1}", "true"],
        Form::Map(_) | Form::Free(..) | Form::Amounts(_) => &["5", "x", "[1]", "false"],
        Form::WordOrList(..) => &["5", "{a: 1}", "true"],
    }
}

/// A value over the limit that the contract itself sets, if it sets one.
fn over(form: &Form) -> Option<String> {
    let many = |most: &usize, item: fn(usize) -> String| {
        (0..=*most).map(item).collect::<Vec<_>>().join(", ")
    };
    Some(match form {
        Form::Line(most) => format!("\"{}\"", "x".repeat(most + 1)),
        Form::Word(_) => "quux".to_owned(),
        Form::Whole(_, most) => (most + 1).to_string(),
        Form::Quantity => "99E".to_owned(),
        Form::Duration(..) => "99999h".to_owned(),
        Form::List(_, most) => format!("[{}]", many(most, |_| "x".to_owned())),
        Form::Free(_, most) | Form::Amounts(most) => {
            format!("{{{}}}", many(most, |n| format!("k{n}: x")))
        }
        Form::Any | Form::Text | Form::Like(_) | Form::Bool | Form::Number | Form::Map(_) => {
            return None;
        }
        Form::WordOrList(..) => "quux".to_owned(),
    })
}

/// A right catalogue with one solution, named for messages.
pub struct Right {
    pub name: String,
    /// The path of its `solution.yaml`.
    pub solution: String,
    pub files: Files,
}

impl Right {
    /// The text of one of its two files, without a byte order mark.
    pub fn text(&self, path: &str) -> String {
        let text = String::from_utf8(self.files[path].clone()).expect("UTF-8");
        text.trim_start_matches('\u{feff}').to_owned()
    }
}

/// Every solution of the example catalogue and of the valid ones, each with what belongs to it.
pub fn right() -> Vec<Right> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut catalogues = vec![root.join("catalog")];
    catalogues.extend(folders(&root.join("tests/catalogues/valid")));
    let mut right = Vec::new();
    for catalogue in catalogues {
        let mut all = Files::new();
        walk(&catalogue, "", &mut all);
        for solution in all.keys().filter(|path| path.ends_with("/solution.yaml")) {
            let folder = solution.trim_end_matches("solution.yaml");
            if folder.split('/').any(|name| name.starts_with(['.', '_'])) {
                continue;
            }
            let mut files = all.clone();
            files.retain(|path, _| path == "platform.yaml" || path.starts_with(folder));
            let last = catalogue.file_name().expect("a folder has a name").to_string_lossy();
            let (name, solution) = (format!("{last}/{solution}"), solution.clone());
            right.push(Right { name, solution, files });
        }
    }
    right
}

/// Every file of both sorts in the corpus, right or wrong, by its path.
pub fn corpus() -> BTreeMap<String, (File, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Files::new();
    for below in ["catalog", "tests/catalogues"] {
        walk(root, below, &mut all);
    }
    all.into_iter()
        .filter_map(|(path, bytes)| {
            let file = match path.rsplit('/').next()? {
                "solution.yaml" => File::Solution,
                "platform.yaml" => File::Platform,
                _ => return None,
            };
            Some((path, (file, bytes)))
        })
        .collect()
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).expect("a readable folder");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    paths
}

fn walk(root: &Path, below: &str, files: &mut Files) {
    for entry in fs::read_dir(root.join(below)).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.path().is_dir() {
            walk(root, &path, files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a readable file"));
        }
    }
}
