//! One file under judgement: its lines, and every fault found in it so far.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;

use super::form::Schema;
use crate::model::Party;
use crate::model::credential::masked_lines;
use crate::model::fault::{Change, Fault, Fix, Piece, Severity, code};
use crate::model::yaml::{self, Node, Span, Spanned};

/// How many faults of one file are told.
pub const MOST_FAULTS: usize = 100;

/// How many characters are counted to find places in lines. Nobody's file needs a hundredth of it;
/// one that is a single line of thousands of faults would need seconds.
const MOST_COUNTED: usize = 8 << 20;

/// The longest source line that is kept with a fault, in bytes. A longer one helps nobody.
const LONGEST_LINE: usize = 4096;

/// One file under judgement.
#[derive(Debug)]
pub struct Sheet {
    file: String,
    /// The file without its byte order mark, where it can be read at all.
    text: String,
    /// How many bytes of the file stand before `text`.
    mark: usize,
    lines: OnceCell<Vec<String>>,
    /// The byte of `text` at which each line begins.
    starts: OnceCell<Vec<usize>>,
    /// What the text says, read once more for whoever moves a key.
    tree: OnceCell<Option<Node>>,
    /// How many fixes were made.
    fixes: Cell<usize>,
    /// How many characters were counted to find places in lines.
    counted: Cell<usize>,
    /// The same as they may be shown, once that was asked for.
    shown: RefCell<Option<Vec<String>>>,
    party: Party,
    /// What the file may say, where that was described.
    schema: Cell<Option<Schema>>,
    faults: RefCell<Vec<Fault>>,
    /// Keys that lack, each with its fault: dropped if the same key stands misplaced elsewhere.
    missing: RefCell<Vec<(String, Fault)>>,
    /// Unknown keys in lower case, and what they were probably meant to be.
    misplaced: RefCell<Vec<String>>,
    /// Texts that no output may show, and where they stand.
    masked: RefCell<Vec<Spanned<String>>>,
}

impl Sheet {
    /// A file whose text is judged by other means.
    pub fn new(file: &str, text: &str, party: Party) -> Self {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            file: file.to_owned(),
            text: plain.to_owned(),
            mark: text.len() - plain.len(),
            lines: OnceCell::new(),
            starts: OnceCell::new(),
            tree: OnceCell::new(),
            fixes: Cell::new(0),
            counted: Cell::new(0),
            shown: RefCell::default(),
            party,
            schema: Cell::default(),
            faults: RefCell::default(),
            missing: RefCell::default(),
            misplaced: RefCell::default(),
            masked: RefCell::default(),
        }
    }

    /// A fault of this file at a place. Not yet reported, and without its source line.
    pub fn fault(&self, code: &'static str, at: Span, message: impl Into<String>) -> Fault {
        Fault::new(code, self.file.as_str(), self.party, message).at(at)
    }

    /// A fault with its source line, if that is one that a person could read.
    pub fn shown(&self, fault: Fault) -> Fault {
        let mut shown = self.shown.borrow_mut();
        let shown = shown.get_or_insert_with(|| masked_lines(self.lines()));
        let line = shown.get((fault.line as usize).saturating_sub(1));
        fault.snippet(line.filter(|line| line.len() <= LONGEST_LINE).cloned())
    }

    fn lines(&self) -> &[String] {
        self.lines.get_or_init(|| match self.text.is_empty() {
            true => Vec::new(),
            false => yaml::lines(self.text.as_bytes()),
        })
    }

    /// The byte of the text at which a character of a line stands.
    fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let starts = self.starts.get_or_init(|| yaml::line_starts(&self.text));
        let start = *starts.get((line as usize).checked_sub(1)?)?;
        let characters = (column as usize).checked_sub(1)?;
        self.counted.set(self.counted.get() + characters);
        if self.counted.get() > MOST_COUNTED {
            return None;
        }
        let rest = self.text.get(start..)?;
        Some(rest.char_indices().nth(characters).map_or(self.text.len(), |(at, _)| start + at))
    }

    /// What stands at a place, as it is written, and the byte at which it begins.
    pub fn source(&self, at: Span) -> Option<(usize, &str)> {
        let (from, to) =
            (self.offset(at.line, at.column)?, self.offset(at.end_line, at.end_column)?);
        Some((from, self.text.get(from..to)?))
    }

    /// The whole text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the whole file says.
    pub(super) fn tree(&self) -> Option<&Node> {
        self.tree.get_or_init(|| yaml::read(self.text.as_bytes()).root).as_ref()
    }

    /// How the file ends its lines.
    pub(super) fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// A fix of this file by pieces of its text; none where a fault more would not be told.
    pub fn fix(&self, pieces: Vec<Piece>) -> Option<Fix> {
        if self.fixes.get() >= MOST_FAULTS {
            return None;
        }
        self.fixes.set(self.fixes.get() + 1);
        let mut fix = Fix::write(&self.text, pieces)?;
        if let Change::Write(pieces) = &mut fix.change {
            for piece in pieces {
                piece.from += self.mark;
                piece.to += self.mark;
            }
        }
        Some(fix)
    }

    /// A fix that writes other YAML at a place.
    pub fn rewrite(&self, at: Span, yaml: impl Into<String>) -> Option<Fix> {
        self.fix(vec![self.piece(at, yaml)?])
    }

    /// A fix that writes another word at a place, in the quotes that stand there.
    pub fn reword(&self, at: Span, old: &str, new: &str) -> Option<Fix> {
        self.fix(vec![self.word(at, old, new)?])
    }

    /// The piece at a place, and what takes its place.
    pub fn piece(&self, at: Span, yaml: impl Into<String>) -> Option<Piece> {
        let (from, source) = self.source(at)?;
        Some(Piece { from, to: from + source.len(), text: yaml.into() })
    }

    /// A word at a place that is written literally, and the word that takes its place. In the same
    /// quotes if there are any, and in new ones if it would read as something else without.
    pub fn word(&self, at: Span, old: &str, new: &str) -> Option<Piece> {
        let (_, source) = self.source(at)?;
        let quote = source.chars().next().filter(|first| "\"'".contains(*first));
        let plain = quote.is_none() && source == old;
        let quoted = quote.is_some_and(|quote| source == format!("{quote}{old}{quote}"));
        let simple = !new.contains(['"', '\'', '\\', '\n', '\r']);
        match (plain, quoted, simple) {
            (_, true, true) => {
                let quote = quote.unwrap_or('"');
                self.piece(at, format!("{quote}{new}{quote}"))
            }
            (true, _, true) => {
                let bare = yaml::is_bare(new);
                self.piece(at, if bare { new.to_owned() } else { format!("\"{new}\"") })
            }
            _ => None,
        }
    }

    /// Says what the file may say.
    pub(super) fn describe(&self, schema: Schema) {
        self.schema.set(Some(schema));
    }

    /// What the file may say, where that was described.
    pub(super) fn schema(&self) -> Option<Schema> {
        self.schema.get()
    }

    /// Whether the file shows exactly this text at a place of one line.
    pub(super) fn shows(&self, at: Span, text: &str) -> bool {
        let line = self.lines().get((at.line as usize).saturating_sub(1));
        let from = (at.column as usize).saturating_sub(1);
        let length = (at.end_column as usize).saturating_sub(at.column as usize);
        line.is_some_and(|line| line.chars().skip(from).take(length).eq(text.chars()))
    }

    /// Adds a fault to what this file is refused for.
    pub fn report(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// Whether a fault of a code was reported on a line.
    pub(super) fn told(&self, code: &str, line: u32) -> bool {
        self.faults.borrow().iter().any(|fault| fault.code == code && fault.line == line)
    }

    /// Adds a fault without more words.
    pub fn say(&self, code: &'static str, at: Span, message: impl Into<String>) {
        self.report(self.fault(code, at, message));
    }

    /// Adds the fault of two keys that may not stand together.
    pub(super) fn excludes(&self, one: &str, other: &str, why: &str, at: Span) {
        self.say(code::EXCLUDES, at, format!("`{one}` and `{other}` exclude each other: {why}"));
    }

    /// Adds a fault about a key that lacks; told only if the key does not stand misplaced in
    /// this file, for then that is the fault.
    pub fn missing(&self, key: &str, at: Span, message: String, help: &str, fix: Option<Fix>) {
        let fault = self.fault(code::MISSING, at, message).help(help).fix(fix);
        self.missing.borrow_mut().push((key.to_owned(), fault));
    }

    /// Notes an unknown key, and what it was probably meant to be.
    pub(super) fn misplaced(&self, key: &str, near: Option<&str>) {
        let mut misplaced = self.misplaced.borrow_mut();
        misplaced.push(key.to_lowercase());
        misplaced.extend(near.map(str::to_lowercase));
    }

    /// Keeps a text out of every fault of this file: out of messages, and out of source lines
    /// wherever it stands there, escaped or not.
    pub fn mask(&self, text: &Spanned<String>) {
        self.masked.borrow_mut().push(text.clone());
    }

    /// Every fault, in the order of the file; of more than [`MOST_FAULTS`] the first ones, and
    /// the last one says how many there are.
    pub fn finish(self) -> Vec<Fault> {
        let misplaced = self.misplaced.take();
        let mut faults = self.faults.take();
        faults.extend(
            self.missing
                .take()
                .into_iter()
                .filter(|(key, _)| !misplaced.contains(&key.to_lowercase()))
                .map(|(_, fault)| fault),
        );
        faults.sort_by(|a, b| {
            (a.line, a.column, a.code, &a.message).cmp(&(b.line, b.column, b.code, &b.message))
        });
        // A value that several components inherit is one value.
        faults.dedup();
        self.bound(&mut faults);
        let mut faults: Vec<Fault> = faults.into_iter().map(|fault| self.shown(fault)).collect();
        for text in self.masked.take() {
            for fault in &mut faults {
                hide(fault, &text);
            }
        }
        faults
    }

    /// Keeps the first faults and the first warnings. A file with thousands of them is one that
    /// somebody broke as a whole: nobody reads all, and every forge cuts them off without a word.
    fn bound(&self, faults: &mut Vec<Fault>) {
        let mut found: BTreeMap<Severity, usize> = BTreeMap::new();
        faults.retain(|fault| {
            let so_far = found.entry(fault.severity).or_default();
            *so_far += 1;
            *so_far <= MOST_FAULTS
        });
        let errors = found.get(&Severity::Error).copied().unwrap_or_default();
        if errors > MOST_FAULTS
            && let Some(last) = faults.iter().rfind(|fault| fault.severity == Severity::Error)
        {
            let at = Span::point(last.line, last.column);
            let message =
                format!("the file has {errors} faults: only the first {MOST_FAULTS} are told");
            let help = "mend these first; the others are told then";
            faults.push(self.fault(code::TOO_MANY_FAULTS, at, message).help(help));
        }
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
    // What would write it could show it.
    let told = |part: &str| part.contains(text.value.trim());
    let shows = |fix: &Fix| {
        fix.shown.iter().any(|shown| told(&shown.text))
            || fix.pieces().iter().any(|piece| told(&piece.text))
            || fix.shown.iter().any(|shown| (text.at.line..=text.at.end_line).contains(&shown.line))
    };
    fault.fix = fault.fix.take().filter(|fix| !shows(fix));
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
