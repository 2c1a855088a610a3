//! What strangers wrote (a program that died, another controller, the API server), so that it can
//! stand in our sentences.

use std::fmt;
use std::ops::Deref;

use smol_str::SmolStr;

use super::credential;
use super::invisible::{is_invisible, is_joiner};

/// The longest quotation, in characters. Messages of pulled images say at their end what happened,
/// after some hundred.
const LONGEST: usize = 1024;

/// A stranger's text: on one line, of at most 1024 characters, with stars in the place of what looks
/// like a credential, without what steers a terminal or turns text around.
///
/// There is no other way to one than through the masker, so whoever holds one need not think of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quoted(SmolStr);

impl Quoted {
    /// The beginning of a text.
    pub fn of(text: &str) -> Self {
        Self(beginning(&plain(&credential::masked(text)), LONGEST).into())
    }

    /// The end of a text.
    pub fn end_of(text: &str) -> Self {
        Self(end(plain(&credential::masked(text))).into())
    }

    /// The last line that says something: a program says at the end why it ended.
    pub fn last_line_of(text: &str) -> Self {
        let masked = credential::masked(text);
        let said = masked.lines().rev().map(plain).find(|line| !line.is_empty());
        Self(end(said.unwrap_or_default()).into())
    }

    /// At most this many characters of it.
    pub fn short(&self, longest: usize) -> String {
        beginning(&self.0, longest)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn beginning(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn end(text: String) -> String {
    match text.char_indices().rev().nth(LONGEST) {
        Some((at, c)) => format!("...{}", text[at + c.len_utf8()..].trim_start()),
        None => text,
    }
}

/// On one line, without characters that act.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match c {
            // A colour or a cursor's move ends with a letter.
            '\u{1b}' if letters.as_str().starts_with('[') => {
                letters.by_ref().skip(1).find(|c| matches!(c, '@'..='~'));
            }
            c if c.is_control() || c.is_whitespace() => {
                if !plain.is_empty() && !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            // No stranger's joiner is worth a look.
            c if is_invisible(c) || is_joiner(c) => {}
            c => plain.push(c),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

impl From<&str> for Quoted {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<String> for Quoted {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl Deref for Quoted {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_one_bounded_line_without_power_over_a_terminal() {
        let of = |text: &str| Quoted::of(text).to_string();
        assert_eq!(of("a\tb\r\n\n  c\u{7}d  "), "a b c d");
        assert_eq!(of("\u{1b}[31mred\u{1b}[0m and \u{202e}back\u{200b}wards"), "red and backwards");
        assert_eq!(of("\u{1b}]0;title\u{7}x"), "]0;title x");
        assert_eq!(of("\u{1b}["), "");
        let all: Vec<char> = ('\0'..='\u{ffff}').collect();
        for few in all.chunks(100) {
            let text: String = few.iter().collect();
            for quoted in [Quoted::of(&text), Quoted::end_of(&text), Quoted::last_line_of(&text)] {
                assert!(!quoted.contains(|c| is_invisible(c) || is_joiner(c)), "{few:?}");
            }
        }
        let long = "ä".repeat(5000) + " end";
        assert_eq!(Quoted::of(&long).chars().count(), LONGEST + 3);
        assert!(Quoted::of(&long).ends_with("ä..."));
        assert!(Quoted::end_of(&long).ends_with("ä end"));
        assert_eq!(Quoted::end_of(&long).chars().count(), LONGEST + 3);
        assert_eq!(Quoted::of(&long).short(3), "äää...");
        assert_eq!(
            Quoted::last_line_of("Traceback\n  File x\nKeyError: 'A'\n\u{1b}[0m\n").as_str(),
            "KeyError: 'A'"
        );
    }

    #[test]
    fn a_credential_is_starred_however_it_is_quoted() {
        let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
        let text = format!("start\ncannot push to https://u:hunter2@git.example with {token}\n");
        for quoted in [Quoted::of(&text), Quoted::end_of(&text), Quoted::last_line_of(&text)] {
            assert!(!quoted.contains(token) && !quoted.contains("hunter2"), "{quoted}");
            assert!(quoted.contains("cannot push to https://u:*******@git.example"), "{quoted}");
        }
        // What names a token and shows none stays readable.
        let pull = "failed to fetch anonymous token: unexpected status: 401 Unauthorized";
        assert_eq!(Quoted::of(pull).as_str(), pull);
    }
}
