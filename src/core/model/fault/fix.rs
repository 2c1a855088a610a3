//! A correction that leaves no choice: what stands there can be meant in one way only.
//!
//! It is made where the fault is made, and is a value: [`apply`] gives the bytes that a file would
//! hold then, and nobody but the command line writes them.

use std::ops::Range;

use crate::model::credential::masked_lines;

/// What puts a fault right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What becomes of the fault's file.
    pub change: Change,
    /// What a reader sees of it; nothing where the file's name is all that changes.
    pub shown: Vec<Shown>,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Pieces of it are written otherwise, all of them or none.
    Write(Vec<Piece>),
    /// Another name in its folder.
    Rename(String),
    /// It goes: what it says stands elsewhere too.
    Remove,
}

/// A piece of a file, and the text that takes its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Piece {
    /// The first byte of the piece, counted from the beginning of the file.
    pub from: usize,
    /// The byte behind the piece; `from` where nothing goes.
    pub to: usize,
    /// What stands there then.
    pub text: String,
}

/// A line as a fix would leave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number, as the file is now.
    pub line: u32,
    /// What becomes of it.
    pub fate: Fate,
    /// The line; without credentials.
    pub text: String,
}

/// What a fix does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands there, new or changed.
    Stands,
    /// It is taken out.
    Goes,
}

/// The most lines that are shown of a fix.
const MOST_SHOWN: usize = 12;

impl Fix {
    /// Writes pieces of a text otherwise. Pieces that overlap are no fix.
    pub fn write(text: &str, mut pieces: Vec<Piece>) -> Option<Self> {
        pieces.sort();
        let apart = pieces.windows(2).all(|pair| match pair {
            [one, next] => one.to <= next.from && one != next,
            _ => true,
        });
        let inside = pieces.iter().all(|piece| text.get(piece.from..piece.to).is_some());
        let changes =
            pieces.iter().any(|piece| text.get(piece.from..piece.to) != Some(&piece.text));
        if !apart || !inside || !changes {
            return None;
        }
        let shown = shown(text, &pieces);
        Some(Self { change: Change::Write(pieces), shown })
    }

    /// Writes a file of so many bytes anew, because as it is nobody can show a line of it.
    pub fn whole(bytes: usize, text: String) -> Self {
        let change = Change::Write(vec![Piece { from: 0, to: bytes, text }]);
        Self { change, shown: Vec::new() }
    }

    /// Gives the file another name in its folder.
    pub fn rename(name: &str) -> Self {
        Self { change: Change::Rename(name.to_owned()), shown: Vec::new() }
    }

    /// Takes the file away.
    pub fn remove() -> Self {
        Self { change: Change::Remove, shown: Vec::new() }
    }

    /// The pieces that it writes otherwise.
    pub fn pieces(&self) -> &[Piece] {
        match &self.change {
            Change::Write(pieces) => pieces,
            Change::Rename(_) | Change::Remove => &[],
        }
    }
}

/// The bytes with as many of the corrections as go together, the first ones first, and how many
/// those are. One that touches a piece of another waits; one that says the same counts with it.
pub fn apply<'e>(bytes: &[u8], fixes: impl Iterator<Item = &'e [Piece]>) -> (Vec<u8>, usize) {
    let mut taken: Vec<&Piece> = Vec::new();
    let mut fixed = 0;
    for pieces in fixes {
        let known = |piece: &Piece| taken.contains(&piece);
        let touches = |piece: &Piece| taken.iter().any(|other| piece.touches(other));
        if pieces.iter().any(|piece| piece.to > bytes.len() || (!known(piece) && touches(piece))) {
            continue;
        }
        let new: Vec<&Piece> = pieces.iter().filter(|piece| !known(piece)).collect();
        taken.extend(new);
        fixed += 1;
    }
    taken.sort();
    let mut changed = bytes.to_vec();
    for piece in taken.into_iter().rev() {
        changed.splice(piece.from..piece.to, piece.text.bytes());
    }
    (changed, fixed)
}

impl Piece {
    /// What takes the place of some bytes of the file.
    pub fn new(bytes: Range<usize>, text: impl Into<String>) -> Self {
        Self { from: bytes.start, to: bytes.end, text: text.into() }
    }

    /// Whether it matters which of the two comes first.
    fn touches(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

/// The lines of a text that would stand otherwise.
fn shown(text: &str, pieces: &[Piece]) -> Vec<Shown> {
    let mut all = Vec::new();
    let mut rest = pieces;
    while let Some(first) = rest.first() {
        let start = line_start(text, first.from);
        let mut end = line_end(text, first.to, start);
        let mut taken = 0;
        // What touches the same lines is one place.
        while let Some(piece) = rest.get(taken).filter(|piece| taken == 0 || piece.from < end) {
            end = end.max(line_end(text, piece.to, start));
            taken += 1;
        }
        let (here, later) = rest.split_at(taken);
        rest = later;
        let mut new = String::new();
        let mut done = start;
        for piece in here {
            new += text.get(done..piece.from).unwrap_or_default();
            new += &piece.text;
            done = piece.to;
        }
        new += text.get(done..end).unwrap_or_default();
        let line = text.get(..start).unwrap_or_default().matches('\n').count();
        let old = text.get(start..end).unwrap_or_default();
        let (fate, said, other) = match new.trim_end_matches(['\r', '\n']) {
            "" => (Fate::Goes, old, ""),
            _ => (Fate::Stands, new.as_str(), old),
        };
        let number = |at: usize| u32::try_from(line + at + 1).unwrap_or(u32::MAX);
        let lines: Vec<&str> = said.trim_end_matches(['\r', '\n']).lines().collect();
        // A line that only makes room for another stays as it is.
        let same = other.lines().rev().zip(lines.iter().rev()).take_while(|(a, b)| a == *b).count();
        let lines = lines.iter().take(lines.len() - same).enumerate();
        all.extend(lines.map(|(at, text)| Shown {
            line: number(at),
            fate,
            text: (*text).to_owned(),
        }));
    }
    if all.len() > MOST_SHOWN {
        all.truncate(MOST_SHOWN);
        if let Some(last) = all.last_mut() {
            "...".clone_into(&mut last.text);
        }
    }
    let lines: Vec<String> = all.iter().map(|shown| shown.text.clone()).collect();
    for (shown, masked) in all.iter_mut().zip(masked_lines(&lines)) {
        shown.text = masked;
    }
    all
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |at| at + 1)
}

/// Behind the line that a piece ends in; a piece that ends where a line begins leaves that line.
fn line_end(text: &str, to: usize, start: usize) -> usize {
    let at_start = to > start && text.get(..to).is_some_and(|before| before.ends_with('\n'));
    if at_start {
        return to;
    }
    let rest = text.get(to..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |at| to + at + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn piece(from: usize, to: usize, text: &str) -> Piece {
        Piece { from, to, text: text.to_owned() }
    }

    fn applied(text: &str, fixes: &[Vec<Piece>]) -> (String, usize) {
        let (bytes, fixed) = apply(text.as_bytes(), fixes.iter().map(Vec::as_slice));
        (String::from_utf8(bytes).unwrap(), fixed)
    }

    #[test]
    fn pieces_apart_change_together_whatever_their_order() {
        let fixes = [vec![piece(6, 7, "long")], vec![piece(0, 1, "A"), piece(3, 3, "+")]];
        assert_eq!(applied("a: b, c", &fixes), ("A: +b, long".to_owned(), 2));
    }

    #[test]
    fn of_two_that_touch_the_first_is_made_and_the_other_waits_whole() {
        let fixes = [vec![piece(0, 3, "x")], vec![piece(2, 4, "y"), piece(5, 6, "z")]];
        assert_eq!(applied("abcdef", &fixes), ("xdef".to_owned(), 1));
        // Which of two texts at one place comes first, nobody can say.
        assert_eq!(applied("ab", &[vec![piece(1, 1, "x")], vec![piece(1, 1, "y")]]).0, "axb");
    }

    #[test]
    fn two_that_say_the_same_are_made_once() {
        let same = vec![piece(0, 1, "x")];
        assert_eq!(applied("ab", &[same.clone(), same]), ("xb".to_owned(), 2));
    }

    #[test]
    fn what_lies_behind_the_file_changes_nothing() {
        assert_eq!(applied("ab", &[vec![piece(1, 9, "x")]]), ("ab".to_owned(), 0));
    }

    #[test]
    fn what_overlaps_itself_or_changes_nothing_is_no_fix() {
        assert_eq!(Fix::write("abc", vec![piece(0, 2, "x"), piece(1, 3, "y")]), None);
        assert_eq!(Fix::write("abc", vec![piece(0, 2, "ab")]), None);
        assert_eq!(Fix::write("abc", vec![piece(2, 9, "x")]), None);
    }

    #[test]
    fn a_reader_sees_the_lines_as_they_will_stand() {
        let text = "a: 1\nbb: 2\ncc: 3\ndd: 4\n";
        let fix = Fix::write(text, vec![piece(5, 7, "b"), piece(11, 17, ""), piece(22, 22, "5")]);
        let shown = fix.unwrap().shown;
        let shown: Vec<(u32, Fate, &str)> =
            shown.iter().map(|one| (one.line, one.fate, one.text.as_str())).collect();
        assert_eq!(
            shown,
            [(2, Fate::Stands, "b: 2"), (3, Fate::Goes, "cc: 3"), (4, Fate::Stands, "dd: 45")]
        );
    }

    #[test]
    fn of_a_line_that_is_put_in_only_that_one_is_shown() {
        let text = "a: 1\n  c: 3\n";
        let shown = Fix::write(text, vec![piece(7, 7, "b: 2\n  ")]).unwrap().shown;
        assert_eq!(shown, [Shown { line: 2, fate: Fate::Stands, text: "  b: 2".to_owned() }]);
    }

    #[test]
    fn a_reader_sees_no_credential() {
        let text = "DB_PASSWORD: 12345678\n";
        let shown = Fix::write(text, vec![piece(13, 13, "\""), piece(21, 21, "\"")]).unwrap().shown;
        assert!(!shown[0].text.contains("12345678"), "{shown:?}");
    }
}
