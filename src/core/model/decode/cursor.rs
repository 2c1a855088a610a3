//! A value that knows its path, and a map of which the allowed keys were told.

use super::form::{Choice, Foreign, Form, Means, Schema};
use super::near::{certain, elsewhere, join, nearest};
use super::repair::{self, Written};
use super::sheet::{MOST_FAULTS, Sheet};
use crate::model::fault::{Fault, Fix, Piece, code};
use crate::model::yaml::{self, Key, Node, Span, Spanned, Value};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    /// The file that the value is in; it collects what is reported.
    pub sheet: &'a Sheet,
    /// What it is as YAML, and its own place.
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
    /// The file that the map is in.
    pub sheet: &'a Sheet,
    /// Where the map's own key stands.
    pub key: Span,
    /// The keys that lead to the map: `spec.scaling`; empty at the root of the file.
    pub path: String,
    schema: Schema,
    node: &'a Node,
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
                let fault = cursor.sheet.fault(code::NULL, cursor.key, message).help(help);
                cursor.sheet.report(fault.fix(self.without_null(name)));
                None
            }
            _ => Some(cursor),
        }
    }

    /// The fix that takes a key out of which somebody wrote that it has no value. Where nothing is
    /// written behind it, the value may have been forgotten.
    fn without_null(&self, name: &str) -> Option<Fix> {
        let (key, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        let (_, said) = self.sheet.source(node.at)?;
        let optional = self.schema.keys().any(|key| key == name) && !self.schema.requires(name);
        if said.trim().is_empty() || !optional {
            return None;
        }
        self.sheet.fix(vec![Written::new(self.sheet, self.node)?.without(key)?])
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
        self.lacking(name, None);
        self.get(name)
    }

    /// The value of a key that must be there and can have one value only. It belongs before
    /// another key.
    pub fn required_as(&self, name: &str, value: &str, before: &str) -> Option<Cursor<'a>> {
        self.lacking(name, Some((value, before)));
        self.get(name)
    }

    fn lacking(&self, name: &str, only: Option<(&str, &str)>) {
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
            let fix = only.and_then(|(value, before)| {
                let map = Written::new(self.sheet, self.node)?;
                let line = map.with(&format!("{name}: {value}"), Some(before))?;
                self.sheet.fix(vec![line])
            });
            self.sheet.missing(name, self.key, message, &example, fix);
        }
    }

    /// Two keys of which at most one may stand here; reported at the second.
    pub fn excludes(&self, one: &str, other: &str, why: &str) {
        if let (Some(a), Some(b)) = (self.place(one), self.place(other)) {
            self.sheet.excludes(one, other, why, a.max(b));
        }
    }
}

impl Sheet {
    /// The root of a file, as a map of these keys. The file's own name stands for its path.
    pub fn root<'a>(&'a self, node: &'a Node, schema: Schema) -> Option<Fields<'a>> {
        self.describe(schema);
        let path = String::new();
        let cursor = Cursor { sheet: self, node, key: Span::START, path, form: Form::Any };
        cursor.map(schema)
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

    pub(super) fn wrong_type(&self, wanted: &str, help: Option<String>, fix: Option<Fix>) {
        if self.node.value != Value::Broken {
            let found = self.node.kind();
            let message = format!("`{}` is {found}, it must be {wanted}", self.path);
            let mut fault =
                self.fault(code::WRONG_TYPE, message).label(format!("expected {wanted}"));
            fault.help = help;
            self.sheet.report(fault.fix(fix));
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
            self.unknown(key, schema, entries, unknown <= MOST_FAULTS);
        }
        if let Some(choice) = schema.choice {
            self.choice(choice, entries);
        }
        let (sheet, node, path) = (self.sheet, self.node, self.path.clone());
        Some(Fields { sheet, key: self.key, path, schema, node, entries })
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
    fn unknown(&self, key: &Key, schema: Schema, entries: &[(Key, Node)], suggest: bool) {
        if !suggest {
            self.sheet.misplaced(&key.text, None);
            self.sheet.say(code::UNKNOWN_FIELD, key.at, format!("unknown field `{}`", key.text));
            return;
        }
        let foreign = schema.foreign.iter().find(|foreign| foreign.word == key.text);
        let near = nearest(&key.text, schema.keys()).filter(|_| foreign.is_none());
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
        let help = match (foreign, meant) {
            (Some(foreign), _) => foreign.says.to_owned(),
            (None, Some(meant)) => format!("did you mean `{meant}`? {allowed}"),
            (None, None) => allowed,
        };
        let message = format!("unknown field `{}`", key.text);
        let fault = self.sheet.fault(code::UNKNOWN_FIELD, key.at, message);
        let free = |name: &&str| entries.iter().all(|(key, _)| key.text != *name);
        let sure = certain(&key.text, schema.keys()).filter(free);
        let fix = match (foreign, sure) {
            (Some(foreign), _) => self.translated(key, foreign, schema, entries),
            (None, Some(name)) => self.sheet.reword(key.at, &key.text, name),
            (None, None) => self
                .glued(key, schema, entries)
                .or_else(|| repair::moved(self.sheet, self.node, key, &self.path, schema)),
        };
        self.sheet.report(fault.label(holder).help(help).fix(fix));
    }

    /// The fix that says a word of somebody else's file in our own words, or leaves it out.
    fn translated(
        &self,
        key: &Key,
        foreign: &Foreign,
        schema: Schema,
        entries: &[(Key, Node)],
    ) -> Option<Fix> {
        let (_, node) = entries.iter().find(|(other, _)| other.at == key.at)?;
        match foreign.means {
            Means::Key(path) => {
                let first = path.split('.').next().unwrap_or(path);
                if !schema.keys().any(|key| key == first) {
                    return None;
                }
                let free = entries.iter().all(|(key, _)| key.text != path);
                let word = || self.sheet.reword(key.at, &key.text, path);
                let moved = || repair::moved_to(self.sheet, self.node, key, self.node, path);
                if path.contains('.') { moved() } else { free.then(word).flatten() }
            }
            Means::Nothing(words) => {
                let (_, source) = self.sheet.source(node.at)?;
                let said = words.is_empty() || words.contains(&source.trim_matches(['"', '\'']));
                let gone = || Written::new(self.sheet, self.node)?.without(key);
                said.then(|| self.sheet.fix(vec![gone()?])).flatten()
            }
            Means::Other => None,
        }
    }

    /// The fix of `{port:8080}`, which YAML takes for a key alone.
    fn glued(&self, key: &Key, schema: Schema, entries: &[(Key, Node)]) -> Option<Fix> {
        let (name, value) = key.text.split_once(':')?;
        let word = yaml::is_bare(value) || !matches!(yaml::scalar(value), Value::Text(_));
        let known = schema.keys().any(|key| key == name) && !value.is_empty() && word;
        let empty =
            entries.iter().any(|(other, node)| other.at == key.at && node.value == Value::Null);
        let free = entries.iter().all(|(key, _)| key.text != name);
        if !known || !empty || !free {
            return None;
        }
        let (from, source) = self.sheet.source(key.at)?;
        let at = from + source.find(':')? + 1;
        self.sheet.fix(vec![Piece { from: at, to: at, text: " ".to_owned() }])
    }

    fn entries(&self) -> Option<&'a [(Key, Node)]> {
        match &self.node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                let list = matches!(self.node.value, Value::List(_));
                let help = "write `key: value`, without `-`";
                let fix = match self.form {
                    Form::Free(Form::Text | Form::Like(_) | Form::Line(_) | Form::Any, _) => {
                        repair::as_map(self.sheet, self.node, self.key.column)
                    }
                    _ => None,
                };
                self.wrong_type("a map", list.then(|| help.to_owned()), fix);
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
        let (sheet, node, path) = (self.sheet, self.node, self.path.clone());
        let schema = Schema::of(&[]);
        let fields = Fields { sheet, key: self.key, path, schema, node, entries };
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
            let fix = repair::as_list(self.sheet, self.node, self.form);
            self.wrong_type("a list", help, fix);
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
}
