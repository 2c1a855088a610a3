//! Slips that the parser stumbles over: put right by trying. With the change the file must be
//! understood, or further than before, and no other small change may do the same.

use crate::model::fault::Piece;
use crate::model::yaml::{self, Finding, Node, Problem, Value};

/// The only one of some small changes by which the file is understood further.
pub(super) fn mend(text: &str, line: u32) -> Option<Vec<Piece>> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = (line as usize).checked_sub(1)?;
    let starts = yaml::line_starts(text);
    if starts.len() > lines.len() + 1 {
        return None; // Mac line ends: nobody writes them
    }
    let here = Here { lines: &lines, at: at.min(lines.len().checked_sub(1)?), starts: &starts };
    if lines.iter().any(|line| indent(line).contains('\t')) {
        return here.tabs();
    }
    let tries = [here.glued(), here.colon(), here.indented(), here.closed()];
    let mut better = tries.into_iter().flatten().filter(|piece| understood(text, piece, line));
    let first = better.next()?;
    better.next().is_none().then(|| vec![first])
}

/// Whether the parser gets further with a change.
fn understood(text: &str, piece: &Piece, line: u32) -> bool {
    let Some((before, after)) = text.get(..piece.from).zip(text.get(piece.to..)) else {
        return false;
    };
    let changed = format!("{before}{}{after}", piece.text);
    let findings = yaml::read(changed.as_bytes()).findings;
    let worse = |finding: &Finding| match finding.problem {
        Problem::Syntax => finding.at.line <= line + 1,
        _ => true,
    };
    !findings.iter().any(worse)
}

/// How many keys have no value.
fn empty(node: &Node) -> usize {
    match &node.value {
        Value::Null => 1,
        Value::List(items) => items.iter().map(empty).sum(),
        Value::Map(entries) => entries.iter().map(|(_, node)| empty(node)).sum(),
        _ => 0,
    }
}

fn indent(line: &str) -> &str {
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

/// The line that the parser stumbles over, among the others.
struct Here<'t> {
    lines: &'t [&'t str],
    at: usize,
    starts: &'t [usize],
}

impl Here<'_> {
    fn line(&self, at: usize) -> &str {
        self.lines.get(at).copied().unwrap_or_default()
    }

    fn start(&self, at: usize) -> usize {
        self.starts.get(at).copied().unwrap_or_default()
    }

    /// Spaces for the tabs that indent: as many as the file allows, if all that it allows mean
    /// the same.
    fn tabs(&self) -> Option<Vec<Piece>> {
        let mut found: Vec<(usize, serde_json::Value, Vec<Piece>)> = Vec::new();
        for width in [2, 4, 8] {
            let mut pieces = Vec::new();
            let mut changed = String::new();
            for (at, line) in self.lines.iter().enumerate() {
                let old = indent(line);
                let new = old.replace('\t', &" ".repeat(width));
                changed += &new;
                changed += line.get(old.len()..).unwrap_or_default();
                if old != new {
                    let start = self.start(at);
                    pieces.push(Piece::new(start..start + old.len(), new));
                }
            }
            let document = yaml::read(changed.as_bytes());
            let Some(root) = document.root.filter(|_| document.findings.is_empty()) else {
                continue;
            };
            found.push((empty(&root), root.to_json(), pieces));
        }
        // What stands below a key and is indented belongs to it, rather than leaving it empty.
        let least = found.iter().map(|(empty, ..)| *empty).min()?;
        let mut likely = found.into_iter().filter(|(empty, ..)| *empty == least);
        let (_, means, pieces) = likely.next()?;
        likely.all(|(_, other, _)| other == means).then_some(pieces)
    }

    /// A space behind a colon.
    fn glued(&self) -> Option<Piece> {
        let line = self.line(self.at);
        let trimmed = line.trim_start().trim_start_matches("- ");
        let (key, rest) = trimmed.split_once(':')?;
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let glued = !key.is_empty()
            && key.chars().all(word)
            && rest.starts_with(|c: char| !c.is_whitespace())
            && !rest.starts_with("//");
        let colon = self.start(self.at) + (line.len() - rest.len());
        glued.then(|| Piece::new(colon..colon, " "))
    }

    /// Quotes around a text in which `: ` stands.
    fn colon(&self) -> Option<Piece> {
        let line = self.line(self.at);
        let (_, value) = line.split_once(": ")?;
        let value = value.trim();
        let plain = value.contains(": ")
            && !value.contains(" #")
            && !value.contains(['"', '\\'])
            && value.starts_with(|c: char| c.is_alphanumeric());
        let from = self.start(self.at) + line.find(value)?;
        plain.then(|| Piece::new(from..from + value.len(), format!("\"{value}\"")))
    }

    /// One space more or less, where one of the lines above stands so.
    fn indented(&self) -> Option<Piece> {
        let line = self.line(self.at);
        let own = indent(line).len();
        let mut open: Vec<usize> = Vec::new();
        for above in self.lines.iter().take(self.at).rev() {
            let trimmed = above.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let level = indent(above).len();
            if open.last().is_none_or(|last| level < *last) {
                open.push(level);
            }
        }
        let mut near = open.into_iter().filter(|level| level.abs_diff(own) == 1);
        let (level, None) = (near.next()?, near.next()) else { return None };
        // What stands below belongs to it, and nobody knows how deep it should stand.
        let childless = !line.trim_end().ends_with(':');
        let start = self.start(self.at);
        childless.then(|| Piece::new(start..start + own, " ".repeat(level)))
    }

    /// A bracket at the end of a line above that opens one and closes none.
    fn closed(&self) -> Option<Piece> {
        let above = self.lines.iter().take(self.at).enumerate().rev();
        let (at, line) = above
            .map(|(at, line)| (at, *line))
            .find(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'))?;
        let said = line.split(" #").next().unwrap_or(line).trim_end();
        if said.ends_with([',', '[', '{', ':']) || said.contains(['"', '\'']) {
            return None;
        }
        let mut open = Vec::new();
        for character in said.chars() {
            match character {
                '[' => open.push(']'),
                '{' => open.push('}'),
                ']' | '}' if open.pop() != Some(character) => return None,
                _ => {}
            }
        }
        let [bracket] = open.as_slice() else { return None };
        let end = self.start(at) + said.len();
        Some(Piece::new(end..end, bracket.to_string()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A file with the slip put right that the parser stumbles over first.
    fn mended(text: &str) -> Option<String> {
        let findings = yaml::read(text.as_bytes()).findings;
        let slip = findings.iter().find(|finding| finding.problem == Problem::Syntax);
        let mut mended = text.to_owned();
        let pieces = mend(text, slip.unwrap_or_else(|| unreachable!("{text}")).at.line)?;
        for Piece { from, to, text } in pieces.iter().rev() {
            mended.replace_range(*from..*to, text);
        }
        Some(mended)
    }

    #[test]
    fn a_slip_that_can_be_meant_in_one_way_is_put_right() {
        let rows = [
            ("a: 1\nb:2\n", "a: 1\nb: 2\n"),
            ("title: one: two\n", "title: \"one: two\"\n"),
            ("a:\n  b: 1\n   c: 2\n", "a:\n  b: 1\n  c: 2\n"),
            // A remark stands where it likes.
            ("a:\n  b: 1\n# x\n   c: 2\n", "a:\n  b: 1\n# x\n  c: 2\n"),
            ("a: [1, 2\nb: 3\n", "a: [1, 2]\nb: 3\n"),
            ("a: [1 # one\nb: 3\n", "a: [1] # one\nb: 3\n"),
            ("a:\n\tb: 1\n", "a:\n  b: 1\n"),
            // What is indented below a key is its value.
            ("a:\n  b:\n\tc: 1\n", "a:\n  b:\n    c: 1\n"),
            // The next slip is another one.
            ("a: 1\nb:2\nc: 3\nd: 4\ne:5\n", "a: 1\nb: 2\nc: 3\nd: 4\ne:5\n"),
        ];
        let wrong = rows.into_iter().filter(|(text, right)| mended(text).as_deref() != Some(right));
        assert_eq!(wrong.collect::<Vec<_>>(), []);
    }

    #[test]
    fn what_can_be_meant_otherwise_is_left() {
        let rows = [
            ("b:2\ra: 1\r", "line ends of old Macs"),
            ("a: 1\nhttp://x\n", "an address, not a key"),
            ("a: 1\na:2\n", "the key is there"),
            ("title: one: two # three\n", "is the remark a part of it?"),
            ("title: C: \\temp\n", "a backslash means something between quotes"),
            ("tags: - a: 1\n", "a list on one line"),
            ("a:\n  b:\n    c: 1\n   d: 2\n", "below a or below b?"),
            ("a:\n  b: 1\n   c:\n    d: 2\n", "how deep does d stand?"),
            ("a: 1\nb c:2\nd: 1\n", "two words are no key"),
            ("a: {b:\nc: 3\n", "a value is missing"),
            ("a: ['x'\nb: 1\n", "what stands between quotes may be a bracket"),
            ("a:\n  b: 1\n  c:\n    d: 1\n\te: 2\n", "beside c or beside d?"),
        ];
        let mended = rows.into_iter().filter(|(text, _)| mended(text).is_some());
        assert_eq!(mended.collect::<Vec<_>>(), []);
    }
}
