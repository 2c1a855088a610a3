//! What puts a value or a key right, where that leaves no choice: pieces of text that keep what
//! else stands on their lines.

use super::form::{Form, Schema};
use super::near::join;
use super::sheet::{MOST_FAULTS, Sheet};
use crate::model::fault::{Fix, Piece};
use crate::model::yaml::{self, Key, Node, Value};

/// A map of the file as it is written.
pub(super) struct Written<'a> {
    sheet: &'a Sheet,
    node: &'a Node,
    entries: &'a [(Key, Node)],
    /// In braces.
    flow: bool,
}

impl<'a> Written<'a> {
    pub fn new(sheet: &'a Sheet, node: &'a Node) -> Option<Self> {
        let Value::Map(entries) = &node.value else { return None };
        let flow = sheet.source(node.at)?.1.starts_with('{');
        Some(Self { sheet, node, entries, flow })
    }

    fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.text == name)
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.entries.iter().position(|(other, _)| other.at == key.at)
    }

    /// The bytes of a key's whole lines. Nothing else stands on them but a comment.
    fn lines(&self, at: usize) -> Option<(usize, usize)> {
        let (key, node) = self.entries.get(at)?;
        let text = self.sheet.text();
        let (from, _) = self.sheet.source(key.at)?;
        let start = text.get(..from)?.rfind('\n').map_or(0, |at| at + 1);
        let end = end(self.sheet, node)?.max(from);
        let end = match text.get(..end)?.ends_with('\n') {
            true => end,
            false => text.get(end..)?.find('\n').map_or(text.len(), |at| end + at + 1),
        };
        text.get(start..from)?.trim().is_empty().then_some((start, end))
    }

    /// Takes a key and its value out, if no comment goes with them.
    pub fn without(&self, key: &Key) -> Option<Piece> {
        let (from, to) = self.lines(self.position(key)?).unwrap_or_default();
        let said = self.sheet.text().get(from..to)?;
        let comment = !self.flow && said.contains('#');
        self.removed(key).filter(|_| !comment)
    }

    fn removed(&self, key: &Key) -> Option<Piece> {
        let at = self.position(key)?;
        if !self.flow {
            let (from, to) = self.lines(at)?;
            return (self.entries.len() > 1).then(|| Piece { from, to, text: String::new() });
        }
        let begin = |at: usize| Some(self.sheet.source(self.entries.get(at)?.0.at)?.0);
        let finish = |at: usize| end(self.sheet, &self.entries.get(at)?.1);
        let (from, to) = match (at.checked_sub(1), at + 1 < self.entries.len()) {
            (_, true) => (begin(at)?, begin(at + 1)?),
            (Some(before), false) => (finish(before)?, finish(at)?),
            (None, false) => (begin(at)?, finish(at)?),
        };
        let gone = self.sheet.text().get(from..to)?;
        (!gone.contains(['\n', '#'])).then(|| Piece { from, to, text: String::new() })
    }

    /// Puts a line more into the map, before another key or, if that is not there, before the first.
    pub fn with(&self, line: &str, before: Option<&str>) -> Option<Piece> {
        let text = self.sheet.text();
        let (from, source) = self.sheet.source(self.node.at)?;
        if self.flow {
            let at = from + 1;
            let empty = source.get(1..)?.trim_start().starts_with('}');
            let text = if empty { line.to_owned() } else { format!("{line}, ") };
            return (!line.contains('\n')).then_some(Piece { from: at, to: at, text });
        }
        let named = self.entries.iter().find(|(key, _)| Some(key.text.as_str()) == before);
        let (next, _) = named.or_else(|| self.entries.first())?;
        let (at, _) = self.sheet.source(next.at)?;
        let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
        let indent = text.get(start..at)?;
        let between = format!("{}{indent}", self.sheet.line_break());
        let lines: Vec<&str> = line.lines().collect();
        let text = format!("{}{between}", lines.join(&between));
        indent.trim().is_empty().then_some(Piece { from: at, to: at, text })
    }

    /// A key with its value on one line, under a name of its own.
    fn on_one_line(&self, key: &Key, name: &str) -> Option<String> {
        let (_, node) = self.entries.get(self.position(key)?)?;
        let (_, source) = self.sheet.source(node.at)?;
        let simple = source.starts_with(['"', '\'', '{', '[']) || is_word(source);
        (simple && !source.contains(['\n', '#'])).then(|| format!("{name}: {source}"))
    }

    /// The lines of a key and its value, as they would stand without indent and under a name of its
    /// own.
    fn dedented(&self, key: &Key, name: &str) -> Option<String> {
        let at = self.position(key)?;
        if self.flow {
            return self.on_one_line(key, name);
        }
        let (from, to) = self.lines(at)?;
        let indent = " ".repeat(key.at.column as usize - 1);
        let lines = self.sheet.text().get(from..to)?.lines();
        let lines: Option<Vec<&str>> = lines
            .map(|line| if line.trim().is_empty() { Some("") } else { line.strip_prefix(&indent) })
            .collect();
        let (_, written) = self.sheet.source(key.at)?;
        Some(format!("{name}{}", lines?.join("\n").strip_prefix(written)?))
    }
}

/// A word that means the same in braces.
fn is_word(source: &str) -> bool {
    yaml::is_bare(source) || !matches!(yaml::scalar(source), Value::Text(_) | Value::Null)
}

/// The byte behind a value: that of a block is the end of its last leaf.
fn end(sheet: &Sheet, node: &Node) -> Option<usize> {
    let (from, source) = sheet.source(node.at)?;
    let own = from + source.len();
    let last = match &node.value {
        Value::List(items) => items.last(),
        Value::Map(entries) => entries.last().map(|(_, node)| node),
        _ => None,
    };
    match last {
        Some(last) if !source.starts_with(['{', '[']) => end(sheet, last),
        _ => Some(own),
    }
}

/// Moves a key to where it belongs: to the one path of the file at which a key of this name may
/// stand. `path` is that of the map `node`, `schema` what it may hold.
pub(super) fn moved(
    sheet: &Sheet,
    node: &Node,
    key: &Key,
    path: &str,
    schema: Schema,
) -> Option<Fix> {
    let below = only(&key.text, schema);
    let (base, relative) = match below {
        Some(relative) => (node, relative),
        // What the author named is asked for nothing that the whole file could say.
        None if ["", "metadata", "spec"].contains(&path) => {
            (sheet.tree()?, only(&key.text, sheet.schema()?)?)
        }
        None => return None,
    };
    moved_to(sheet, node, key, base, &relative)
}

/// Moves a key of the map `node` to a path below the map `base`.
pub(super) fn moved_to(
    sheet: &Sheet,
    node: &Node,
    key: &Key,
    base: &Node,
    relative: &str,
) -> Option<Fix> {
    let here = Written::new(sheet, node)?;
    let mut holder = base;
    let mut missing: Vec<&str> = relative.split('.').collect();
    let name = missing.pop()?;
    while let Some(next) = missing.first() {
        let Value::Map(entries) = &holder.value else { return None };
        let Some((_, inner)) = entries.iter().find(|(key, _)| key.text == *next) else { break };
        holder = inner;
        missing.remove(0);
    }
    let target = Written::new(sheet, holder)?;
    if target.has(name) && missing.is_empty() {
        return None;
    }
    let same = holder.at == node.at;
    let one_line = here.on_one_line(key, name);
    if let (true, Some(line)) = (same, &one_line) {
        let (from, _) = sheet.source(key.at)?;
        let to = end(sheet, &here.entries.get(here.position(key)?)?.1)?;
        return sheet.fix(vec![Piece { from, to, text: in_braces(&missing, line) }]);
    }
    if same {
        let text = nested(&missing, &here.dedented(key, name)?);
        let indent = " ".repeat(key.at.column as usize - 1);
        let (from, to) = here.lines(here.position(key)?)?;
        let lines: Vec<String> = text.lines().map(|line| indented(&indent, line)).collect();
        let text = lines.join(sheet.line_break()) + sheet.line_break();
        return sheet.fix(vec![Piece { from, to, text }]);
    }
    // What more may come there later needs lines of its own.
    let at_root = sheet.tree().is_some_and(|root| root.at == holder.at);
    // In braces there is no room for a comment.
    let short = one_line.filter(|_| here.without(key).is_some());
    let text = match short {
        Some(line) if target.flow || (!missing.is_empty() && !at_root) => {
            in_braces(&missing, &line)
        }
        _ if target.flow => return None,
        _ => nested(&missing, &here.dedented(key, name)?),
    };
    sheet.fix(vec![here.removed(key)?, target.with(&text, None)?])
}

fn indented(indent: &str, line: &str) -> String {
    if line.is_empty() { String::new() } else { format!("{indent}{line}") }
}

/// `scaling: {maxReplicas: 3}`
fn in_braces(path: &[&str], line: &str) -> String {
    path.iter().rev().fold(line.to_owned(), |inner, key| format!("{key}: {{{inner}}}"))
}

/// The same in lines.
fn nested(path: &[&str], lines: &str) -> String {
    path.iter().rev().fold(lines.to_owned(), |inner, key| {
        let inner: Vec<String> = inner.lines().map(|line| indented("  ", line)).collect();
        format!("{key}:\n{}", inner.join("\n"))
    })
}

/// The path at which a key of this name may stand, if there is one only. What lies in lists and
/// under names of the author is not looked into.
fn only(name: &str, schema: Schema) -> Option<String> {
    fn search(name: &str, path: &str, schema: Schema, found: &mut Vec<String>) {
        for field in schema.fields() {
            let path = join(path, field.name);
            if field.name == name {
                found.push(path.clone());
            }
            if let Form::Map(inner) = field.form {
                search(name, &path, *inner, found);
            }
        }
    }
    let mut found = Vec::new();
    search(name, "", schema, &mut found);
    match found.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// A list of the one value that stands in its place.
pub(super) fn as_list(sheet: &Sheet, node: &Node, form: Form) -> Option<Fix> {
    let (from, source) = sheet.source(node.at)?;
    let insert = |at: usize, text: &str| Piece { from: at, to: at, text: text.to_owned() };
    let wrap = || vec![insert(from, "["), insert(from + source.len(), "]")];
    match &node.value {
        // Several words may be several items.
        Value::Text(text) => {
            let one = !text.contains([' ', ',', ';', '\n', '\t']) && !text.is_empty();
            let simple = source.starts_with(['"', '\'']) || is_word(source);
            (one && simple).then(|| sheet.fix(wrap()))?
        }
        Value::Map(entries) => {
            let Form::List(Form::Map(schema), _) = form else { return None };
            let known = |key: &Key| schema.keys().any(|name| name == key.text);
            if entries.is_empty() || !entries.iter().all(|(key, _)| known(key)) {
                return None;
            }
            if source.starts_with('{') {
                return (!source.contains('\n')).then(|| sheet.fix(wrap()))?;
            }
            let stop = end(sheet, node)?;
            let inner = sheet.text().get(from..stop)?;
            let mut pieces = vec![insert(from, "- ")];
            let breaks = inner.match_indices('\n').map(|(at, _)| from + at + 1);
            pieces.extend(breaks.map(|at| insert(at, "  ")));
            sheet.fix(pieces)
        }
        _ => None,
    }
}

/// A map of names and texts, for a list of `NAME=text`, of `{name: NAME, value: text}` or of
/// `NAME: text`.
pub(super) fn as_map(sheet: &Sheet, node: &Node, column: u32) -> Option<Fix> {
    let Value::List(items) = &node.value else { return None };
    let (from, source) = sheet.source(node.at)?;
    if items.len() > MOST_FAULTS {
        return None;
    }
    let entries: Vec<(&str, String)> =
        items.iter().map(|item| named(sheet, item)).collect::<Option<_>>()?;
    let twice = |at: usize, name: &str| entries.iter().take(at).any(|(other, _)| *other == name);
    if entries.is_empty() || entries.iter().enumerate().any(|(at, (name, _))| twice(at, name)) {
        return None;
    }
    let lines = entries.iter().map(|(name, value)| format!("{name}: {value}"));
    if source.starts_with('[') {
        let text = format!("{{{}}}", lines.collect::<Vec<_>>().join(", "));
        return (!source.contains('\n'))
            .then(|| sheet.fix(vec![Piece { from, to: from + source.len(), text }]))?;
    }
    let mut pieces = Vec::new();
    for (item, line) in items.iter().zip(lines) {
        let (begin, _) = sheet.source(item.at)?;
        let before = sheet.text().get(..begin)?;
        let dash = before.rfind('-')?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        // A list may stand as deep as its key, a map may not.
        let deeper = if dash < start + column as usize { "  " } else { "" };
        let stop = end(sheet, item)?;
        if sheet.text().get(dash..stop)?.contains(" #") {
            return None;
        }
        pieces.push(Piece { from: dash, to: stop, text: format!("{deeper}{line}") });
    }
    sheet.fix(pieces)
}

/// A name and a text, as it is written in a map.
fn named<'n>(sheet: &Sheet, item: &'n Node) -> Option<(&'n str, String)> {
    let quoted = |text: &str| {
        let plain = !text.contains(['"', '\\']) && !text.chars().any(char::is_control);
        plain.then(|| format!("\"{text}\""))
    };
    let value = |node: &Node| match &node.value {
        Value::Text(text) => {
            let (_, source) = sheet.source(node.at)?;
            let safe = source.starts_with(['"', '\'']) && !source.contains('\n');
            if safe { Some(source.to_owned()) } else { quoted(text) }
        }
        Value::Integer(raw) | Value::Float(raw) => quoted(raw),
        Value::Bool(_) => quoted(sheet.source(node.at)?.1),
        _ => None,
    };
    let (name, text) = match &item.value {
        Value::Text(text) => {
            let (name, text) = text.split_once('=')?;
            (name, quoted(text)?)
        }
        Value::Map(entries) => match entries.as_slice() {
            [(name, node)] if !["name", "value"].contains(&name.text.as_str()) => {
                (name.text.as_str(), value(node)?)
            }
            [(name, what), (other, text)] if name.text == "name" && other.text == "value" => {
                let Value::Text(name) = &what.value else { return None };
                (name.as_str(), value(text)?)
            }
            _ => return None,
        },
        _ => return None,
    };
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (!name.is_empty() && name.bytes().all(word) && yaml::is_bare(name)).then_some((name, text))
}
