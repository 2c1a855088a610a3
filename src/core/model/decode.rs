//! Reads a YAML tree against a closed schema and collects every fault on the way.
//!
//! A [`Sheet`] is one file under judgement; a [`Cursor`] is a value in it that knows its path; a
//! [`Fields`] is a map of which the allowed keys were told. Nothing stops at the first fault:
//! what cannot be read becomes `None`, and the rest is judged.

mod form;
mod near;
mod sheet;

use std::time::Duration;

use super::fault::{Fault, code};
use super::invisible::is_invisible;
use super::yaml::{Key, Node, Span, Spanned, Value};
use super::{Quantity, duration};
use near::{elsewhere, join};

pub use form::{Choice, Field, Form, Schema};
pub use near::nearest;
pub use sheet::Sheet;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    pub sheet: &'a Sheet,
    pub node: &'a Node,
    /// The key that the value belongs to: the place of what lacks inside it.
    pub key: Span,
    /// `spec.scaling.minReplicas`, for messages.
    pub path: String,
    /// What the value may be, where its map was described.
    pub form: Form,
}

/// A map of which the allowed keys were told.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    pub sheet: &'a Sheet,
    /// Where the map's own key stands.
    pub key: Span,
    pub path: String,
    schema: Schema,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The value of a key. A key with nothing behind it is a fault.
    pub fn get(&self, name: &str) -> Option<Cursor<'a>> {
        let cursor = self.nullable(name)?;
        match cursor.node.value {
            Value::Broken => None,
            Value::Null => {
                let help = if self.schema.requires(name) {
                    "write a value: the key is required"
                } else {
                    "write a value, or delete the key to get the default"
                };
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
        Some(Cursor {
            sheet: self.sheet,
            node,
            key: key.at,
            path: join(&self.path, name),
            form: self.schema.form(name),
        })
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
            let example = self.schema.fields().iter().find(|field| field.name == name);
            let example = example.and_then(|field| field.example).map_or_else(
                || format!("add `{name}:`"),
                |example| format!("add it, such as `{name}: {example}`"),
            );
            self.sheet.missing(name, self.key, message, &example);
        }
        self.get(name)
    }

    /// Two keys of which at most one may stand here; reported at the second.
    pub fn excludes(&self, one: &str, other: &str, why: &str) {
        if let (Some(a), Some(b)) = (self.place(one), self.place(other)) {
            self.sheet.excludes(one, other, why, a.max(b));
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

    /// The map that the form describes. Every other key is a fault.
    pub fn fields(&self) -> Option<Fields<'a>> {
        match self.form {
            Form::Map(schema) => self.map(*schema),
            _ => self.map(Schema::of(&[])),
        }
    }

    /// A map with these keys. Every other key is a fault.
    pub fn map(&self, schema: Schema) -> Option<Fields<'a>> {
        let entries = self.entries()?;
        let mut unknown = 0;
        for (key, _) in entries {
            let name = key.text.as_str();
            if schema.keys().any(|key| key == name) {
                continue;
            }
            if let Some((_, present)) = schema.later.iter().find(|(later, _)| *later == name) {
                let message = format!("`{}` is not supported yet", join(&self.path, name));
                let mut fault = self.sheet.fault(code::NOT_YET, key.at, message);
                fault.help = (!present.is_empty()).then(|| (*present).to_owned());
                self.sheet.report(fault);
                continue;
            }
            unknown += 1;
            self.unknown(key, schema, unknown <= sheet::MOST_FAULTS);
        }
        if let Some(choice) = schema.choice {
            self.choice(choice, entries);
        }
        Some(Fields { sheet: self.sheet, key: self.key, path: self.path.clone(), schema, entries })
    }

    /// Judges the keys of which a map needs one.
    fn choice(&self, choice: Choice, entries: &[(Key, Node)]) {
        let place = |name: &str| Some(entries.iter().find(|(key, _)| key.text == name)?.0.at);
        let Choice { one, other, why_not_both } = choice;
        match (place(one), place(other), why_not_both) {
            (None, None, _) => {
                let message = format!("`{}` lacks `{one}` or `{other}`", self.path);
                self.sheet.say(code::MISSING, self.key, message);
            }
            (Some(a), Some(b), Some(why)) => self.sheet.excludes(one, other, why, a.max(b)),
            _ => {}
        }
    }

    /// An unknown key; with a suggestion where there is a chance that the fault is shown.
    fn unknown(&self, key: &Key, schema: Schema, suggest: bool) {
        if !suggest {
            self.sheet.misplaced(&key.text, None);
            self.sheet.say(code::UNKNOWN_FIELD, key.at, format!("unknown field `{}`", key.text));
            return;
        }
        let near = nearest(&key.text, schema.keys());
        self.sheet.misplaced(&key.text, near);
        let meant = near.map(str::to_owned).or_else(|| {
            elsewhere(&key.text, &self.path, schema)
                .or_else(|| elsewhere(&key.text, "", self.sheet.schema()?))
        });
        let holder = if self.path.is_empty() {
            "not a field of this file".to_owned()
        } else {
            format!("not a field of `{}`", self.path)
        };
        let keys: Vec<&str> = schema.keys().collect();
        let allowed = match keys.len() {
            0 => "nothing may stand here".to_owned(),
            _ => format!("allowed: {}", keys.join(", ")),
        };
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`? {allowed}"),
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
                let list = matches!(self.node.value, Value::List(_));
                let help = "write `key: value`, without `-`";
                self.wrong_type("a map", list.then(|| help.to_owned()));
                None
            }
        }
    }

    /// A map whose keys are the author's own. A key without value is a fault.
    pub fn free_map(&self) -> Vec<(Spanned<String>, Cursor<'a>)> {
        let Some(entries) = self.entries() else { return Vec::new() };
        let (form, most) = match self.form {
            Form::Free(form, most) => (*form, most),
            Form::Amounts(most) => (Form::Quantity, most),
            _ => (Form::Any, usize::MAX),
        };
        self.at_most(most, entries.len(), "entries");
        let (schema, path) = (Schema::of(&[]), self.path.clone());
        let fields = Fields { sheet: self.sheet, key: self.key, path, schema, entries };
        entries
            .iter()
            .take(most)
            .filter_map(|(key, _)| {
                let name = Spanned { value: key.text.clone(), at: key.at };
                Some((name, Cursor { form, ..fields.get(&key.text)? }))
            })
            .collect()
    }

    fn at_most(&self, most: usize, found: usize, what: &str) {
        if found > most {
            let message = format!("`{}` has {found} {what}, allowed are {most}", self.path);
            self.say(code::TOO_LONG, message);
        }
    }

    /// The items of a list. More than its form allows are a fault, and are not read.
    pub fn list(&self) -> Option<Vec<Cursor<'a>>> {
        let Value::List(items) = &self.node.value else {
            let help = match &self.node.value {
                Value::Text(text) if text.len() <= 80 => Some(format!("write a list: [{text}]")),
                _ => None,
            };
            self.wrong_type("a list", help);
            return None;
        };
        let (form, most) = match self.form {
            Form::List(form, most) | Form::WordOrList(_, form, most) => (*form, most),
            _ => (Form::Any, usize::MAX),
        };
        self.at_most(most, items.len(), "items");
        let items = items.iter().take(most).enumerate().map(|(index, node)| Cursor {
            sheet: self.sheet,
            node,
            key: node.at,
            path: format!("{}[{index}]", self.path),
            form,
        });
        Some(items.filter(|item| item.node.value != Value::Broken).collect())
    }

    /// Text. A number or a boolean without quotes is a fault that says how to write it.
    pub fn text(&self) -> Option<Spanned<String>> {
        match &self.node.value {
            Value::Text(text) => self.visible(text),
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

    /// A text, also written with escapes, must show everything that it holds.
    fn visible(&self, text: &str) -> Option<Spanned<String>> {
        let hidden = |c: &char| is_invisible(*c) && !"\n\t".contains(*c);
        let Some(character) = text.chars().find(hidden) else {
            return Some(self.spanned(text.to_owned()));
        };
        let code =
            if character.is_control() { code::CONTROL_CHARACTER } else { code::BIDI_CONTROL };
        // Where it stands as itself, the reader of the file has told it.
        if self.sheet.told(code, self.at().line) {
            return None;
        }
        let number = u32::from(character);
        let message =
            format!("`{}` holds a character that nobody sees (U+{number:04X})", self.path);
        self.sheet.report(self.fault(code, message).help("take it out"));
        None
    }

    /// Text on one line, as long as the form allows.
    pub fn line(&self) -> Option<Spanned<String>> {
        let Form::Line(most) = self.form else { return self.text() };
        self.line_of(most)
    }

    /// Text of 1 to `most` characters on one line.
    pub fn line_of(&self, most: usize) -> Option<Spanned<String>> {
        let text = self.text()?;
        let length = text.value.chars().count();
        if length == 0 || length > most {
            let message =
                format!("`{}` has {length} characters, allowed are 1 to {most}", self.path);
            self.say(code::TOO_LONG, message);
            return None;
        }
        if text.value.trim_end().contains(['\n', '\r']) {
            self.say(code::TOO_LONG, format!("`{}` must be one line", self.path));
            return None;
        }
        let plain = text.value.trim();
        if plain.is_empty() {
            self.say(
                code::TOO_LONG,
                format!("`{}` is blank, write 1 to {most} characters", self.path),
            );
            return None;
        }
        Some(Spanned { value: plain.to_owned(), at: text.at })
    }

    /// A list of texts.
    pub fn texts(&self) -> Option<Vec<Spanned<String>>> {
        Some(self.list()?.iter().filter_map(Cursor::text).collect())
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<Spanned<bool>> {
        match self.node.value {
            // `True` and `TRUE` are booleans to YAML; one spelling is enough for a reviewer.
            Value::Bool(value) if self.sheet.shows(self.at(), &value.to_string()) => {
                Some(self.spanned(value))
            }
            Value::Bool(value) => {
                let message = format!("`{}` is not `true` or `false`", self.path);
                let help = format!("write {value}, in lower case");
                self.sheet.report(self.fault(code::BAD_TEXT, message).help(help));
                None
            }
            _ => {
                self.wrong_type("`true` or `false`", None);
                None
            }
        }
    }

    /// A whole number between two bounds, both allowed.
    pub fn integer(&self, least: u64, most: u64) -> Option<Spanned<u64>> {
        let (raw, number) = match &self.node.value {
            Value::Integer(raw) => (raw, whole(raw)),
            // To whoever reads YAML as JSON, `1.0` is a whole number.
            Value::Float(raw) if whole(raw).is_some() => (raw, whole(raw)),
            _ => {
                let help = match &self.node.value {
                    Value::Text(text) if text.parse::<u64>().is_ok() => {
                        Some(format!("write it without quotes: {text}"))
                    }
                    _ => None,
                };
                self.wrong_type("a whole number", help);
                return None;
            }
        };
        if raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit()) {
            let plain = raw.trim_start_matches('0');
            let plain = if plain.is_empty() { "0" } else { plain };
            let message = format!("`{}` begins with a zero", self.path);
            let help = format!("write {plain}, or \"{raw}\" in quotes where text is meant");
            self.sheet.report(self.fault(code::LEADING_ZERO, message).help(help));
            return None;
        }
        match number {
            Some(number) if (least..=most).contains(&number) => Some(self.spanned(number)),
            _ => {
                let message = format!("`{}` is {raw}, allowed are {least} to {most}", self.path);
                self.say(code::OUT_OF_RANGE, message);
                None
            }
        }
    }

    /// A whole number between the bounds of the form.
    pub fn whole(&self) -> Option<Spanned<u64>> {
        match self.form {
            Form::Whole(least, most) => self.integer(least, most),
            _ => self.integer(0, u64::MAX),
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

    /// One of the words of the form.
    pub fn word(&self) -> Option<Spanned<&'static str>> {
        match self.form {
            Form::Word(words) | Form::WordOrList(words, ..) => self.one_of(words),
            _ => self.one_of(&[]),
        }
    }

    /// One of some words.
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
        let (Value::Text(raw) | Value::Integer(raw) | Value::Float(raw)) = &self.node.value else {
            self.wrong_type("a quantity such as 500m or 2Gi", None);
            return None;
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

    /// A duration between the bounds of the form.
    pub fn time(&self) -> Option<Spanned<Duration>> {
        match self.form {
            Form::Duration(least, most) => {
                self.duration(Duration::from_secs(least), Duration::from_secs(most))
            }
            _ => self.duration(Duration::ZERO, Duration::MAX),
        }
    }

    /// A duration as the Gateway API takes it, between two bounds, both allowed.
    pub fn duration(&self, least: Duration, most: Duration) -> Option<Spanned<Duration>> {
        let (Value::Text(raw) | Value::Integer(raw)) = &self.node.value else {
            self.wrong_type("a duration such as 30m or 1h30m", None);
            return None;
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
            self.say(code::BAD_DURATION, message);
            return None;
        }
        Some(self.spanned(value))
    }
}

/// A number that is whole and not negative, however it was written.
fn whole(raw: &str) -> Option<u64> {
    raw.parse().ok().or_else(|| {
        let number: f64 = raw.parse().ok()?;
        let exact = number.fract() == 0.0 && (0.0..9e15).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and within bounds"
        )]
        exact.then_some(number as u64)
    })
}

#[cfg(test)]
#[path = "decode/tests.rs"]
mod tests;
