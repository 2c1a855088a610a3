//! From parser events to the tree.

use std::collections::HashSet;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, options};

use super::{Document, Finding, Key, MAX_DEPTH, MAX_NODES, Node, Problem, Span, Value};

/// Parses a text into a tree. Stops at the first thing after which nothing can be trusted.
pub fn tree(text: &str) -> Document {
    let options = options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH + 2,
        block_nesting_limit: MAX_DEPTH + 2,
    };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let more = match event {
            Ok((event, span)) => {
                if event.tag().is_some() {
                    builder.tag(&span);
                }
                builder.event(&event, place(&span))
            }
            Err(error) => {
                builder.syntax(&error);
                false
            }
        };
        if !more {
            return Document { root: None, findings: builder.findings };
        }
    }
    if builder.root.is_none() && builder.findings.is_empty() {
        builder.find(Problem::Empty, Span::START, "the file is empty", None);
    }
    Document { root: builder.root, findings: builder.findings }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    findings: Vec<Finding>,
}

/// A list or map that has begun and not ended.
enum Open {
    List { at: Span, items: Vec<Node> },
    Map { at: Span, entries: Vec<(Key, Node)>, seen: HashSet<String>, key: Awaited },
}

/// What a map expects next, and where the value goes.
enum Awaited {
    Key,
    ValueOf(Key),
    /// The key was refused: its value is read and dropped.
    Dropped,
}

impl Builder {
    fn find(&mut self, problem: Problem, at: Span, message: &str, help: Option<&'static str>) {
        self.findings.push(Finding { problem, at, message: message.to_owned(), help });
    }

    fn syntax(&mut self, error: &ScanError) {
        let marker = error.marker();
        let at = Span::point(number(marker.line()), number(marker.col()).saturating_add(1));
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_deep(at),
            ErrorKind::DirectiveDisallowed => self.find(
                Problem::Directive,
                at,
                "YAML directives (`%...`) are not used here",
                Some("delete the line"),
            ),
            kind => {
                let words = shorten(&kind.to_string(), 200);
                self.find(Problem::Syntax, at, &words, None);
            }
        }
    }

    fn too_deep(&mut self, at: Span) {
        self.find(
            Problem::TooDeep,
            at,
            &format!("lists and maps nest deeper than {MAX_DEPTH}"),
            None,
        );
    }

    /// Takes one event; `false` ends the reading.
    fn event(&mut self, event: &Event<'_>, at: Span) -> bool {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.find(
                        Problem::SeveralDocuments,
                        at,
                        "a second YAML document begins here, a file holds one",
                        Some("give each solution a folder and a file of its own"),
                    );
                    return false;
                }
            }
            Event::Anchor(_, name) => self.find(
                Problem::Anchor,
                at,
                &format!("the anchor `&{name}` is not used here"),
                Some("write the value out where it is needed"),
            ),
            Event::Alias(_) => return self.alias(at),
            Event::UnresolvedAlias(_) => return self.alias(at),
            Event::Scalar(_, _, _, Some(_)) if !self.awaits_key() => {
                return self.place(Node { at, value: Value::Broken });
            }
            Event::Scalar(text, style, ..) => return self.scalar(text, *style, at),
            Event::SequenceStart(..) => {
                return self.begin(Open::List { at, items: Vec::new() }, at);
            }
            Event::MappingStart(..) => {
                let map =
                    Open::Map { at, entries: Vec::new(), seen: HashSet::new(), key: Awaited::Key };
                return self.begin(map, at);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            _ => {}
        }
        true
    }

    fn tag(&mut self, span: &granit_parser::Span) {
        let at = place(&span.tag_span().unwrap_or(*span));
        let help = Some("delete it: the field knows its type");
        self.find(Problem::Tag, at, "a tag (`!...`) is not used here", help);
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: Awaited::Key, .. }))
    }

    fn alias(&mut self, at: Span) -> bool {
        let help = Some("write the value out where it is needed");
        self.find(Problem::Alias, at, "an alias (`*...`) is not used here", help);
        self.place(Node { at, value: Value::Broken })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: Span) -> bool {
        let value = match style {
            ScalarStyle::Plain => plain(text),
            _ => Value::Text(text.to_owned()),
        };
        if let Some(Open::Map { key: key @ Awaited::Key, seen, .. }) = self.open.last_mut() {
            let finding = if style == ScalarStyle::Plain && text == "<<" {
                Some((
                    Problem::MergeKey,
                    "the merge key `<<` is not used here".to_owned(),
                    "write the keys out",
                ))
            } else if value == Value::Null {
                Some((Problem::KeyNotText, "a key is empty".to_owned(), "name the key"))
            } else if !seen.insert(text.to_owned()) {
                Some((
                    Problem::DuplicateKey,
                    format!("the key `{}` stands here a second time", shorten(text, 60)),
                    "delete one of the two",
                ))
            } else {
                None
            };
            match finding {
                None => *key = Awaited::ValueOf(Key { text: text.to_owned(), at }),
                Some((problem, message, help)) => {
                    *key = Awaited::Dropped;
                    self.find(problem, at, &message, Some(help));
                }
            }
            return self.count(at);
        }
        self.place(Node { at, value })
    }

    fn begin(&mut self, open: Open, at: Span) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.too_deep(at);
            return false;
        }
        self.open.push(open);
        self.count(at)
    }

    fn end(&mut self, end: Span) {
        let node = match self.open.pop() {
            Some(Open::List { at, items }) => Node { at: at.to(end), value: Value::List(items) },
            Some(Open::Map { at, entries, .. }) => {
                Node { at: at.to(end), value: Value::Map(entries) }
            }
            None => return,
        };
        self.put(node);
    }

    fn place(&mut self, node: Node) -> bool {
        let at = node.at;
        self.put(node);
        self.count(at)
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                match std::mem::replace(key, Awaited::Key) {
                    Awaited::ValueOf(key) => entries.push((key, node)),
                    Awaited::Dropped => {}
                    Awaited::Key => {
                        // A list, a map or an alias where a key should stand.
                        *key = Awaited::Dropped;
                        if node.value != Value::Broken {
                            self.find(
                                Problem::KeyNotText,
                                node.at,
                                "a key is a list or a map",
                                Some("a key is a word"),
                            );
                        }
                    }
                }
            }
        }
    }

    fn count(&mut self, at: Span) -> bool {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the file holds more than {MAX_NODES} keys and values");
            self.find(Problem::TooManyNodes, at, &message, None);
            return false;
        }
        true
    }
}

impl Span {
    /// From the start of one place to the end of another.
    fn to(self, end: Self) -> Self {
        Self { end_line: end.end_line, end_column: end.end_column, ..self }
    }
}

/// The core schema: what an unquoted word means.
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_integer(text) => Value::Integer(text.to_owned()),
        _ if is_float(text) => Value::Float(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_integer(text: &str) -> bool {
    let all =
        |digits: &str, ok: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(ok);
    if let Some(octal) = text.strip_prefix("0o") {
        return all(octal, |b| (b'0'..=b'7').contains(b));
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return all(hexadecimal, u8::is_ascii_hexdigit);
    }
    all(text.strip_prefix(['+', '-']).unwrap_or(text), u8::is_ascii_digit)
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, infinities, not-a-number.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let number_ok = match number.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !number.is_empty() && digits(number),
    };
    number_ok && exponent_ok
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX - 1)
}

fn place(span: &granit_parser::Span) -> Span {
    Span {
        line: number(span.start.line()),
        column: number(span.start.col()).saturating_add(1),
        end_line: number(span.end.line()),
        end_column: number(span.end.col()).saturating_add(1),
    }
}
