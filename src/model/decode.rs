//! Reads a YAML tree against a closed schema and collects every fault on the way.
//!
//! A [`Sheet`] is one file under judgement; a [`Cursor`] is a value in it that knows its path; a
//! [`Fields`] is a map of which the allowed keys were told. Nothing stops at the first fault:
//! what cannot be read becomes `None`, and the rest is judged.

mod near;

use std::cell::RefCell;
use std::time::Duration;

use super::fault::{Fault, code};
use super::yaml::{self, Key, Node, Problem, Span, Spanned, Value};
use super::{Party, Quantity, duration};

pub use near::nearest;

/// One file under judgement.
#[derive(Debug)]
pub struct Sheet {
    file: String,
    lines: Vec<String>,
    party: Party,
    faults: RefCell<Vec<Fault>>,
    /// Keys that lack, each with its fault: dropped if the same key stands misplaced elsewhere.
    missing: RefCell<Vec<(String, Fault)>>,
    /// Unknown keys in lower case, and what they were probably meant to be.
    misplaced: RefCell<Vec<String>>,
    /// Texts that no output may show, and where they stand.
    masked: RefCell<Vec<Spanned<String>>>,
}

/// A map's keys.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    pub allowed: &'static [&'static str],
    /// Words reserved for later, each with the present way (or an empty text).
    pub later: &'static [(&'static str, &'static str)],
}

impl Schema {
    /// A map with these keys and none reserved.
    pub const fn of(allowed: &'static [&'static str]) -> Self {
        Self { allowed, later: &[] }
    }
}

impl Sheet {
    /// Opens a file: reads its YAML, and reports what is wrong with it as YAML.
    pub fn open(file: &str, bytes: &[u8], party: Party) -> (Self, Option<Node>) {
        let document = yaml::read(bytes);
        let unreadable = document.findings.iter().any(|finding| {
            matches!(finding.problem, Problem::TooLarge | Problem::Utf16 | Problem::Binary)
        });
        let lines = if unreadable { Vec::new() } else { yaml::lines(bytes) };
        let sheet = Self::new(file, lines, party);
        for finding in document.findings {
            let mut fault = sheet.fault(code::of(finding.problem), finding.at, finding.message);
            fault.help = finding.help.map(str::to_owned);
            sheet.report(fault);
        }
        (sheet, document.root)
    }

    /// A file whose text is judged by other means.
    pub fn new(file: &str, lines: Vec<String>, party: Party) -> Self {
        Self {
            file: file.to_owned(),
            lines,
            party,
            faults: RefCell::default(),
            missing: RefCell::default(),
            misplaced: RefCell::default(),
            masked: RefCell::default(),
        }
    }

    /// A fault of this file at a place, with its source line. Not yet reported.
    pub fn fault(&self, code: &'static str, at: Span, message: impl Into<String>) -> Fault {
        let line = self.lines.get((at.line as usize).saturating_sub(1)).cloned();
        // A binary or endless line helps nobody.
        let snippet = line.filter(|line| line.len() <= 64 * 1024);
        Fault::new(code, self.file.as_str(), self.party, message).at(at).snippet(snippet)
    }

    /// Adds a fault to what this file is refused for.
    pub fn report(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// Adds a fault without more words.
    pub fn say(&self, code: &'static str, at: Span, message: impl Into<String>) {
        self.report(self.fault(code, at, message));
    }

    /// Adds a fault about a key that lacks; told only if the key does not stand misplaced in
    /// this file, for then that is the fault.
    pub fn missing(&self, key: &str, at: Span, message: String) {
        let fault = self.fault(code::MISSING, at, message);
        self.missing.borrow_mut().push((key.to_owned(), fault));
    }

    /// Keeps a text out of every fault of this file: out of messages, and out of source lines
    /// wherever it stands there, escaped or not.
    pub fn mask(&self, text: &Spanned<String>) {
        self.masked.borrow_mut().push(text.clone());
    }

    /// The root of a file, as a map of these keys. The file's own name stands for its path.
    pub fn root<'a>(&'a self, node: &'a Node, schema: Schema) -> Option<Fields<'a>> {
        let cursor = Cursor { sheet: self, node, key: Span::START, path: String::new() };
        cursor.map(schema)
    }

    /// Every fault, in the order of the file.
    pub fn finish(self) -> Vec<Fault> {
        let misplaced = self.misplaced.into_inner();
        let mut faults = self.faults.into_inner();
        faults.extend(
            self.missing
                .into_inner()
                .into_iter()
                .filter(|(key, _)| !misplaced.contains(&key.to_lowercase()))
                .map(|(_, fault)| fault),
        );
        faults.sort_by(|a, b| {
            (a.line, a.column, a.code, &a.message).cmp(&(b.line, b.column, b.code, &b.message))
        });
        // A value that several components inherit is one value.
        faults.dedup();
        for text in self.masked.into_inner() {
            for fault in &mut faults {
                hide(fault, &text);
            }
        }
        faults
    }
}

/// Puts stars where a fault would show a text.
fn hide(fault: &mut Fault, text: &Spanned<String>) {
    let stars = |text: &str| "*".repeat(text.chars().count());
    for line in text.value.lines().map(str::trim).filter(|line| line.len() >= 4) {
        let shown = [Some(&mut fault.message), fault.help.as_mut(), fault.snippet.as_mut()];
        for shown in shown.into_iter().flatten() {
            *shown = shown.replace(line, &stars(line));
        }
    }
    let at = text.at;
    if let Some(shown) = &mut fault.snippet
        && (at.line..=at.end_line).contains(&fault.line)
    {
        let from = if fault.line == at.line { at.column as usize - 1 } else { 0 };
        let to = if fault.line == at.end_line { at.end_column as usize - 1 } else { usize::MAX };
        let masked = shown.chars().enumerate().map(|(column, character)| {
            if (from..to).contains(&column) && !character.is_whitespace() { '*' } else { character }
        });
        *shown = masked.collect();
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    pub sheet: &'a Sheet,
    pub node: &'a Node,
    /// The key that the value belongs to: the place of what lacks inside it.
    pub key: Span,
    /// `spec.scaling.minReplicas`, for messages.
    pub path: String,
}

/// A map of which the allowed keys were told.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    pub sheet: &'a Sheet,
    /// Where the map's own key stands.
    pub key: Span,
    pub path: String,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The value of a key. A key with nothing behind it is a fault.
    pub fn get(&self, name: &str) -> Option<Cursor<'a>> {
        let cursor = self.nullable(name)?;
        match cursor.node.value {
            Value::Broken => None,
            Value::Null => {
                let help = "write a value, or delete the key to get the default";
                let message = format!("`{}` has no value", cursor.path);
                cursor.sheet.report(cursor.sheet.fault(code::NULL, cursor.key, message).help(help));
                None
            }
            _ => Some(cursor),
        }
    }

    /// The value of a key for which `null` is the default.
    pub fn or_null(&self, name: &str) -> Option<Cursor<'a>> {
        self.nullable(name)
            .filter(|cursor| !matches!(cursor.node.value, Value::Null | Value::Broken))
    }

    fn nullable(&self, name: &str) -> Option<Cursor<'a>> {
        let (key, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        Some(Cursor { sheet: self.sheet, node, key: key.at, path: join(&self.path, name) })
    }

    /// Whether the key stands there, with whatever value.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.text == name)
    }

    /// The place of a key.
    pub fn place(&self, name: &str) -> Option<Span> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.at)
    }

    /// The value of a key that must be there.
    pub fn required(&self, name: &str) -> Option<Cursor<'a>> {
        if !self.has(name) {
            let message = if self.path.is_empty() {
                format!("`{name}` is missing")
            } else {
                format!("`{}` lacks `{name}`", self.path)
            };
            self.sheet.missing(name, self.key, message);
        }
        self.get(name)
    }

    /// Two keys of which at most one may stand here; reported at the second.
    pub fn excludes(&self, one: &str, other: &str, why: &str) {
        if let (Some(a), Some(b)) = (self.place(one), self.place(other)) {
            self.sheet.say(
                code::EXCLUDES,
                a.max(b),
                format!("`{one}` and `{other}` exclude each other: {why}"),
            );
        }
    }
}

impl<'a> Cursor<'a> {
    /// The place of the value.
    pub fn at(&self) -> Span {
        self.node.at
    }

    /// A value of the file together with its place.
    pub fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned { value, at: self.at() }
    }

    /// A fault at the value.
    pub fn fault(&self, code: &'static str, message: impl Into<String>) -> Fault {
        self.sheet.fault(code, self.at(), message)
    }

    /// Reports a fault at the value.
    pub fn say(&self, code: &'static str, message: impl Into<String>) {
        self.sheet.report(self.fault(code, message));
    }

    fn wrong_type(&self, wanted: &str, help: Option<String>) {
        if self.node.value != Value::Broken {
            let found = self.node.kind();
            let message = format!("`{}` is {found}, it must be {wanted}", self.path);
            let mut fault =
                self.fault(code::WRONG_TYPE, message).label(format!("expected {wanted}"));
            fault.help = help;
            self.sheet.report(fault);
        }
    }

    /// A map with these keys. Every other key is a fault.
    pub fn map(&self, schema: Schema) -> Option<Fields<'a>> {
        let entries = self.entries()?;
        for (key, _) in entries {
            let name = key.text.as_str();
            if schema.allowed.contains(&name) {
                continue;
            }
            if let Some((_, present)) = schema.later.iter().find(|(later, _)| *later == name) {
                let message = format!("`{}` is not supported yet", join(&self.path, name));
                let mut fault = self.sheet.fault(code::NOT_YET, key.at, message);
                fault.help = (!present.is_empty()).then(|| (*present).to_owned());
                self.sheet.report(fault);
                continue;
            }
            self.unknown(key, schema);
        }
        Some(Fields { sheet: self.sheet, key: self.key, path: self.path.clone(), entries })
    }

    fn unknown(&self, key: &Key, schema: Schema) {
        let near = nearest(&key.text, schema.allowed.iter().copied());
        let mut misplaced = self.sheet.misplaced.borrow_mut();
        misplaced.push(key.text.to_lowercase());
        misplaced.extend(near.map(str::to_lowercase));
        drop(misplaced);
        let holder = if self.path.is_empty() {
            "not a field of this file".to_owned()
        } else {
            format!("not a field of `{}`", self.path)
        };
        let allowed = format!("allowed: {}", schema.allowed.join(", "));
        let help = match near {
            Some(near) => format!("did you mean `{near}`? {allowed}"),
            None => allowed,
        };
        let message = format!("unknown field `{}`", key.text);
        let fault = self.sheet.fault(code::UNKNOWN_FIELD, key.at, message);
        self.sheet.report(fault.label(holder).help(help));
    }

    fn entries(&self) -> Option<&'a [(Key, Node)]> {
        match &self.node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.wrong_type("a map", None);
                None
            }
        }
    }

    /// A map whose keys are the author's own. A key without value is a fault.
    pub fn free_map(&self) -> Vec<(Spanned<String>, Cursor<'a>)> {
        let Some(entries) = self.entries() else { return Vec::new() };
        let fields = Fields { sheet: self.sheet, key: self.key, path: self.path.clone(), entries };
        entries
            .iter()
            .filter_map(|(key, _)| {
                let name = Spanned { value: key.text.clone(), at: key.at };
                Some((name, fields.get(&key.text)?))
            })
            .collect()
    }

    /// The items of a list.
    pub fn list(&self) -> Option<Vec<Cursor<'a>>> {
        let Value::List(items) = &self.node.value else {
            self.wrong_type("a list", None);
            return None;
        };
        let items = items.iter().enumerate().map(|(index, node)| Cursor {
            sheet: self.sheet,
            node,
            key: node.at,
            path: format!("{}[{index}]", self.path),
        });
        Some(items.filter(|item| item.node.value != Value::Broken).collect())
    }

    /// Text. A number or a boolean without quotes is a fault that says how to write it.
    pub fn text(&self) -> Option<Spanned<String>> {
        match &self.node.value {
            Value::Text(text) => Some(self.spanned(text.clone())),
            Value::Integer(raw) | Value::Float(raw) => {
                self.wrong_type("text", Some(format!("write it in quotes: \"{raw}\"")));
                None
            }
            Value::Bool(value) => {
                self.wrong_type("text", Some(format!("write it in quotes: \"{value}\"")));
                None
            }
            _ => {
                self.wrong_type("text", None);
                None
            }
        }
    }

    /// Text of 1 to `most` characters on one line.
    pub fn line(&self, most: usize) -> Option<Spanned<String>> {
        let text = self.text()?;
        let length = text.value.chars().count();
        if length == 0 || length > most {
            let message =
                format!("`{}` has {length} characters, allowed are 1 to {most}", self.path);
            self.say(code::TOO_LONG, message);
            return None;
        }
        if text.value.trim_end().contains(['\n', '\r']) {
            self.say(code::BAD_TEXT, format!("`{}` must be one line", self.path));
            return None;
        }
        Some(Spanned { value: text.value.trim().to_owned(), at: text.at })
    }

    /// A list of texts.
    pub fn texts(&self) -> Option<Vec<Spanned<String>>> {
        Some(self.list()?.iter().filter_map(Cursor::text).collect())
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<Spanned<bool>> {
        match self.node.value {
            Value::Bool(value) => Some(self.spanned(value)),
            _ => {
                self.wrong_type("`true` or `false`", None);
                None
            }
        }
    }

    /// A whole number between two bounds, both allowed.
    pub fn integer(&self, least: u64, most: u64) -> Option<Spanned<u64>> {
        let Value::Integer(raw) = &self.node.value else {
            let help = match &self.node.value {
                Value::Text(text) if text.parse::<u64>().is_ok() => {
                    Some(format!("write it without quotes: {text}"))
                }
                _ => None,
            };
            self.wrong_type("a whole number", help);
            return None;
        };
        if raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit()) {
            let plain = raw.trim_start_matches('0');
            let plain = if plain.is_empty() { "0" } else { plain };
            let message = format!("`{}` begins with a zero", self.path);
            let help = format!("write {plain}, or \"{raw}\" in quotes where text is meant");
            self.sheet.report(self.fault(code::LEADING_ZERO, message).help(help));
            return None;
        }
        match raw.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Some(self.spanned(number)),
            _ => {
                let message = format!("`{}` is {raw}, allowed are {least} to {most}", self.path);
                self.say(code::OUT_OF_RANGE, message);
                None
            }
        }
    }

    /// A number between two bounds, both allowed.
    pub fn number(&self, least: f64, most: f64) -> Option<Spanned<f64>> {
        let (Value::Integer(raw) | Value::Float(raw)) = &self.node.value else {
            self.wrong_type("a number", None);
            return None;
        };
        match raw.parse::<f64>() {
            Ok(number) if (least..=most).contains(&number) => Some(self.spanned(number)),
            _ => {
                let message = format!("`{}` is {raw}, allowed are {least} to {most}", self.path);
                self.say(code::OUT_OF_RANGE, message);
                None
            }
        }
    }

    /// One of some words; the index of the word.
    pub fn one_of(&self, words: &[&'static str]) -> Option<Spanned<&'static str>> {
        let text = self.text()?;
        if let Some(word) = words.iter().find(|word| **word == text.value) {
            return Some(self.spanned(*word));
        }
        let message = format!("`{}` is `{}`", self.path, text.value);
        let allowed = format!("allowed: {}", words.join(", "));
        let help = match nearest(&text.value, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {allowed}"),
            None => allowed,
        };
        self.sheet.report(self.fault(code::NOT_ONE_OF, message).help(help));
        None
    }

    /// A quantity as Kubernetes takes it; a number needs no quotes.
    pub fn quantity(&self) -> Option<Spanned<Quantity>> {
        let raw = match &self.node.value {
            Value::Text(raw) | Value::Integer(raw) | Value::Float(raw) => raw,
            _ => {
                self.wrong_type("a quantity such as 500m or 2Gi", None);
                return None;
            }
        };
        match Quantity::parse(raw) {
            Ok(quantity) => Some(self.spanned(quantity)),
            Err(bad) => {
                let help = "write a number, if need be with one of m, k, M, G, Ki, Mi, Gi, Ti";
                let message = format!("`{}`: {bad}", self.path);
                self.sheet.report(self.fault(code::BAD_QUANTITY, message).help(help));
                None
            }
        }
    }

    /// A duration as the Gateway API takes it, between two bounds, both allowed.
    pub fn duration(&self, least: Duration, most: Duration) -> Option<Spanned<Duration>> {
        let raw = match &self.node.value {
            Value::Text(raw) | Value::Integer(raw) => raw,
            _ => {
                self.wrong_type("a duration such as 30m or 1h30m", None);
                return None;
            }
        };
        let Ok(value) = duration::parse(raw) else {
            let message = format!("`{}`: `{raw}` is not a duration", self.path);
            let help = "write numbers with h, m, s or ms, such as 30m or 1h30m";
            self.sheet.report(self.fault(code::BAD_DURATION, message).help(help));
            return None;
        };
        if value < least || value > most {
            let message = format!(
                "`{}` is {raw}, allowed are {} to {}",
                self.path,
                duration::text(least),
                duration::text(most)
            );
            self.say(code::OUT_OF_RANGE, message);
            return None;
        }
        Some(self.spanned(value))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
#[path = "decode/tests.rs"]
mod tests;
