//! What puts a file right as YAML, where that leaves no choice.

mod slip;

use std::ops::Range;

use crate::model::fault::{Fix, Piece};
use crate::model::invisible::turns_direction;
use crate::model::yaml::{self, Document, Finding, Node, Problem, Span, Value};

use super::sheet::{MOST_FAULTS, Sheet};

/// The fix of a finding, if there is one. `bytes` are the file's own.
pub fn of(sheet: &Sheet, bytes: &[u8], document: &Document, finding: &Finding) -> Option<Fix> {
    // What is broken as a whole is put right by nobody piece by piece.
    if document.findings.len() > MOST_FAULTS {
        return None;
    }
    let text = sheet.text();
    let pieces = match finding.problem {
        Problem::Utf16 => return Some(Fix::whole(bytes.len(), utf16(bytes)?)),
        Problem::ByteOrderMark => without(text, |c| c == '\u{feff}'),
        Problem::BidiControl => without(text, turns_direction),
        // What stands behind an escape belongs to it.
        Problem::ControlCharacter if text.contains('\u{1b}') => return None,
        Problem::ControlCharacter => {
            without(text, |c| c.is_control() && !"\t\n\r\u{85}".contains(c))
        }
        Problem::Directive => vec![whole_line(text, finding.at.line)?],
        Problem::SeveralDocuments => nothing_more(text, finding.at.line)?,
        Problem::Tag => tag(sheet, document.root.as_ref()?, finding.at)?,
        Problem::Anchor => anchor(sheet, document, finding.at)?,
        Problem::Alias => vec![alias(sheet, document, finding.at)?],
        Problem::MergeKey => merge(sheet, document, finding.at)?,
        Problem::DuplicateKey => vec![repeated(sheet, document.root.as_ref()?, finding.at)?],
        Problem::Syntax => slip::mend(text, finding.at.line)?,
        Problem::TooLarge
        | Problem::NotUtf8
        | Problem::Binary
        | Problem::LfsPointer
        | Problem::Empty
        | Problem::KeyNotText
        | Problem::TooDeep
        | Problem::TooManyNodes => return None,
    };
    sheet.fix(pieces)
}

/// The text of a file in UTF-16, if all of it is.
fn utf16(bytes: &[u8]) -> Option<String> {
    let big = match bytes {
        [0xfe, 0xff, ..] => true,
        [0xff, 0xfe, ..] => false,
        [first, ..] => *first == 0,
        [] => return None,
    };
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [one, other] if big => Some(u16::from_be_bytes([*one, *other])),
        [one, other] => Some(u16::from_le_bytes([*one, *other])),
        _ => None,
    });
    let units: Vec<u16> = pairs.collect::<Option<_>>()?;
    let text = String::from_utf16(&units).ok()?;
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Takes every character of a sort out.
fn without(text: &str, odd: impl Fn(char) -> bool) -> Vec<Piece> {
    let odd = text.char_indices().filter(|(_, c)| odd(*c));
    odd.map(|(at, c)| Piece::new(at..at + c.len_utf8(), "")).collect()
}

/// The bytes of a line, with its line break.
fn line_range(text: &str, line: u32) -> Option<Range<usize>> {
    let starts = yaml::line_starts(text);
    let at = (line as usize).checked_sub(1)?;
    Some(*starts.get(at)?..starts.get(at + 1).copied().unwrap_or(text.len()))
}

fn whole_line(text: &str, line: u32) -> Option<Piece> {
    Some(Piece::new(line_range(text, line)?, ""))
}

/// Takes the beginning of a document out in which nothing stands.
fn nothing_more(text: &str, line: u32) -> Option<Vec<Piece>> {
    let range = line_range(text, line)?;
    let rest = text.get(range.end..)?;
    let said = rest.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    (!said && text.get(range.clone())?.trim_end() == "---").then(|| vec![Piece::new(range, "")])
}

/// The node that begins at a byte, from the outermost on.
fn at<'n>(sheet: &Sheet, node: &'n Node, byte: usize) -> Option<&'n Node> {
    let (from, source) = sheet.source(node.at)?;
    if from == byte && !source.is_empty() {
        return Some(node);
    }
    match &node.value {
        Value::List(items) => items.iter().find_map(|item| at(sheet, item, byte)),
        Value::Map(entries) => entries.iter().find_map(|(_, node)| at(sheet, node, byte)),
        _ => None,
    }
}

/// What a mark before a value (an anchor, a tag) takes up with the blanks behind it, and the value.
fn marked<'n>(sheet: &Sheet, root: &'n Node, mark: Span) -> Option<(Range<usize>, &'n Node)> {
    let (from, mark) = sheet.source(mark)?;
    let end = from + mark.len();
    let rest = sheet.text().get(end..)?;
    let value = end + (rest.len() - rest.trim_start_matches(' ').len());
    Some((from..value, at(sheet, root, value)?))
}

/// Takes a tag of YAML itself out where the value is of its sort anyway, or is put in quotes.
fn tag(sheet: &Sheet, root: &Node, at: Span) -> Option<Vec<Piece>> {
    let (_, name) = sheet.source(at)?;
    let name = name.to_owned();
    let (range, node) = marked(sheet, root, at)?;
    let (from, source) = sheet.source(node.at)?;
    let quoted = source.starts_with(['"', '\'', '|', '>']);
    let value = if quoted { Value::Text(String::new()) } else { yaml::scalar(source) };
    let same = match name.as_str() {
        "!!str" => quoted,
        "!!int" => matches!(value, Value::Integer(_)),
        "!!float" => matches!(value, Value::Integer(_) | Value::Float(_)),
        "!!bool" => matches!(value, Value::Bool(_)),
        "!!map" => source.starts_with('{'),
        "!!seq" => source.starts_with('['),
        _ => return None,
    };
    let plain = !source.contains(['"', '\\', '\n', '{', '[']);
    match same {
        true => Some(vec![Piece::new(range, "")]),
        false if name == "!!str" && !quoted && plain => {
            Some(vec![Piece::new(range.start..from + source.len(), format!("\"{source}\""))])
        }
        false => None,
    }
}

/// Takes an anchor out, and writes its value wherever its name stands.
fn anchor(sheet: &Sheet, document: &Document, at: Span) -> Option<Vec<Piece>> {
    let (range, _) = marked(sheet, document.root.as_ref()?, at)?;
    let (_, name) = sheet.source(at)?;
    let name = name.trim_start_matches('&');
    let mut pieces = vec![Piece::new(range, "")];
    for finding in document.findings.iter().filter(|one| one.problem == Problem::Alias) {
        if sheet.source(finding.at)?.1.trim_start_matches('*') == name {
            pieces.push(alias(sheet, document, finding.at)?);
        }
    }
    Some(pieces)
}

/// Writes the value of an anchor where its name stands.
fn alias(sheet: &Sheet, document: &Document, at: Span) -> Option<Piece> {
    let (from, name) = sheet.source(at)?;
    let end = from + name.len();
    let name = name.strip_prefix('*')?;
    let mut named = document.findings.iter().filter(|one| {
        let source = || sheet.source(one.at).and_then(|(_, text)| text.strip_prefix('&'));
        one.problem == Problem::Anchor && source() == Some(name)
    });
    // A name that is given twice means another value further down.
    let (anchor, None) = (named.next()?, named.next()) else { return None };
    let (_, node) = marked(sheet, document.root.as_ref()?, anchor.at)?;
    let (_, value) = sheet.source(node.at)?;
    let simple = !value.contains(['\n', '*', '&', '#'])
        && (value.starts_with(['"', '\'', '{', '[']) || is_safe(value));
    // A merge is told for itself.
    let merged = sheet.text().get(..from)?.trim_end().ends_with("<<:");
    (simple && !merged).then(|| Piece::new(from..end, value))
}

fn is_safe(word: &str) -> bool {
    yaml::is_bare(word) || !matches!(yaml::scalar(word), Value::Text(_) | Value::Null)
}

/// Writes the keys of a merged map out, without those that stand there anyway.
fn merge(sheet: &Sheet, document: &Document, at: Span) -> Option<Vec<Piece>> {
    let text = sheet.text();
    let line = line_range(text, at.line)?;
    let (from, _) = sheet.source(at)?;
    let before = text.get(line.start..from)?;
    let rest = text.get(from..line.end)?.trim_end();
    let value = rest.strip_prefix("<<:")?.trim();
    let inner = yaml::read(value.as_bytes());
    let Some(Node { value: Value::Map(entries), .. }) = &inner.root else { return None };
    if !before.trim().is_empty() || !value.starts_with('{') || !inner.findings.is_empty() {
        return None;
    }
    let siblings = siblings(document.root.as_ref()?, at)?;
    let own = Sheet::new("", value, crate::model::Party::Author);
    let mut written = Vec::new();
    for (key, node) in entries.iter().filter(|(key, _)| !siblings.contains(&key.text.as_str())) {
        let ((_, key), (_, node)) = (own.source(key.at)?, own.source(node.at)?);
        written.push(format!("{key}: {node}"));
    }
    match written.is_empty() {
        true => Some(vec![Piece::new(line, "")]),
        false => {
            let between = format!("{}{before}", sheet.line_break());
            Some(vec![Piece::new(from..from + rest.len(), written.join(&between))])
        }
    }
}

/// The keys of the map in blocks that a dropped key belongs to.
fn siblings(node: &Node, at: Span) -> Option<Vec<&str>> {
    let inside = |node: &Node| (node.at.line..=node.at.end_line).contains(&at.line);
    match &node.value {
        Value::Map(entries) => {
            let deeper = entries.iter().find_map(|(_, node)| siblings(node, at));
            let own = entries.iter().any(|(key, _)| key.at.column == at.column) && inside(node);
            deeper
                .or_else(|| own.then(|| entries.iter().map(|(key, _)| key.text.as_str()).collect()))
        }
        Value::List(items) => items.iter().find_map(|item| siblings(item, at)),
        _ => None,
    }
}

/// Takes a key out that says a second time what the first says.
fn repeated(sheet: &Sheet, root: &Node, at: Span) -> Option<Piece> {
    let text = sheet.text();
    let line = line_range(text, at.line)?;
    let whole = text.get(line.clone())?;
    let (from, key) = sheet.source(at)?;
    let value = text.get(from + key.len()..line.end)?.trim_start().strip_prefix(':')?.trim();
    let first = entry(root, at, key.trim_matches(['"', '\'']))?;
    let (_, said) = sheet.source(first.at)?;
    let alone = whole.trim_start().starts_with(key);
    let last = text.get(line.end..)?.lines().next().unwrap_or_default();
    let indent = |line: &str| line.len() - line.trim_start().len();
    // What stands deeper below it would lose its key.
    let childless = last.trim().is_empty() || indent(last) <= indent(whole);
    (alone && childless && !value.is_empty() && value == said.trim()).then(|| Piece::new(line, ""))
}

/// The value of the key of this name in the map that a dropped key belongs to.
fn entry<'n>(node: &'n Node, at: Span, name: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => {
            let deeper = entries.iter().find_map(|(_, node)| entry(node, at, name));
            let own = entries.iter().find(|(key, _)| {
                key.text == name && key.at.column == at.column && key.at.line < at.line
            });
            let inside = (node.at.line..=node.at.end_line).contains(&at.line);
            deeper.or_else(|| own.filter(|_| inside).map(|(_, node)| node))
        }
        Value::List(items) => items.iter().find_map(|item| entry(item, at, name)),
        _ => None,
    }
}
