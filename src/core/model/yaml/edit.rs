//! Changes values of a file where they stand, and nothing else of it.
//!
//! In: bytes, and places that the reader gave. Out: bytes that differ in these places alone:
//! comments, quotes, line ends and a byte order mark stay. The result is read again, so that a
//! change can never mean something else than it says.

use super::{Node, Span, Value, read};

/// One change of a text value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The place of the value.
    pub at: Span,
    /// The value, as read.
    pub old: String,
    /// The value that takes its place, put between the same quotes.
    pub new: String,
}

/// The file with these values changed; `None` if one of them is not written literally (as an
/// escape, or over several lines), or if the result would not read as asked.
pub fn edit(bytes: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut places = Vec::new();
    for edit in edits {
        let (from, to) = (offset(text, edit.at.line, edit.at.column)?, end(text, edit.at)?);
        let found = text.get(from..to)?.find(&edit.old)?;
        places.push((from + found, edit));
    }
    places.sort_by_key(|(from, _)| *from);
    let mut changed = String::new();
    let mut done = 0;
    for (from, edit) in places {
        changed += text.get(done..from)?;
        changed += &edit.new;
        done = from + edit.old.len();
    }
    changed += text.get(done..)?;
    let (before, after) = (read(bytes).root?, read(changed.as_bytes()).root?);
    reads_as(&before, &after, edits).then(|| changed.into_bytes())
}

fn end(text: &str, at: Span) -> Option<usize> {
    offset(text, at.end_line, at.end_column)
}

/// The byte at which a character of a line stands; the end of the text for a place behind it.
fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut start = mark;
    for _ in 1..line {
        let rest = text.get(start..)?;
        let Some(end) = rest.find(['\n', '\r']) else { return Some(text.len()) };
        let length = if rest.get(end..)?.starts_with("\r\n") { 2 } else { 1 };
        start += end + length;
    }
    let rest = text.get(start..)?;
    let characters = (column as usize).checked_sub(1)?;
    Some(rest.char_indices().nth(characters).map_or(text.len(), |(at, _)| start + at))
}

/// Whether two trees are the same but for the changes.
fn reads_as(before: &Node, after: &Node, edits: &[Edit]) -> bool {
    match (&before.value, &after.value) {
        (Value::Text(old), Value::Text(new)) => {
            match edits.iter().find(|edit| edit.at == before.at) {
                Some(edit) => *old == edit.old && *new == edit.new,
                None => old == new,
            }
        }
        (Value::List(old), Value::List(new)) => {
            old.len() == new.len()
                && old.iter().zip(new).all(|(old, new)| reads_as(old, new, edits))
        }
        (Value::Map(old), Value::Map(new)) => {
            let same =
                |((old_key, old), (new_key, new)): (&(super::Key, Node), &(super::Key, Node))| {
                    old_key.text == new_key.text && reads_as(old, new, edits)
                };
            old.len() == new.len() && old.iter().zip(new).all(same)
        }
        (old, new) => old == new,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Every text value that is `old`, changed to `new`.
    fn change(text: &str, old: &str, new: &str) -> Option<String> {
        fn find(node: &Node, old: &str, places: &mut Vec<Span>) {
            match &node.value {
                Value::Text(text) if text == old => places.push(node.at),
                Value::List(items) => items.iter().for_each(|item| find(item, old, places)),
                Value::Map(entries) => entries.iter().for_each(|(_, node)| find(node, old, places)),
                _ => {}
            }
        }
        let mut places = Vec::new();
        find(&read(text.as_bytes()).root.unwrap(), old, &mut places);
        assert!(!places.is_empty(), "{text}");
        let edits: Vec<Edit> = places
            .into_iter()
            .map(|at| Edit { at, old: old.to_owned(), new: new.to_owned() })
            .collect();
        edit(text.as_bytes(), &edits).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn everything_but_the_value_stays_as_it_is() {
        for (before, after) in [
            ("a: x # x\n", "a: longer # x\n"),
            (
                "# x\r\na:   'x'  # ä x\r\nb: \"x\"\r\n",
                "# x\r\na:   'longer'  # ä x\r\nb: \"longer\"\r\n",
            ),
            ("\u{feff}a: x", "\u{feff}a: longer"),
            ("ä: {b: x, c: [y, x]}\n", "ä: {b: longer, c: [y, longer]}\n"),
            ("a: 1\rb: x\r", "a: 1\rb: longer\r"),
            ("x: x\n", "x: longer\n"),
            ("a: >-\n  x\nb: 1\n", "a: >-\n  longer\nb: 1\n"),
            ("- x\n\n\n-   x   \n", "- longer\n\n\n-   longer   \n"),
        ] {
            assert_eq!(change(before, "x", "longer").as_deref(), Some(after), "{before:?}");
        }
    }

    #[test]
    fn what_is_not_written_literally_is_left_alone() {
        assert_eq!(change("a: \"\\x78\"\n", "x", "longer"), None);
        assert_eq!(change("a: x\n  y\n", "x y", "longer"), None);
    }

    #[test]
    fn a_change_that_would_read_as_something_else_is_refused() {
        for new in ["1", "x # y", "y: z", "'", "[", "*x", "a\nb: c", ""] {
            assert_eq!(change("a: x\nb: y\n", "x", new), None, "{new}");
        }
        assert_eq!(change("a: {b: x}\n", "x", "y, c: z"), None);
    }
}
