//! Values that are one thing: texts, words, numbers, quantities, durations.

use std::time::Duration;

use super::cursor::Cursor;
use super::form::Form;
use super::near::{certain, nearest};
use crate::model::credential::is_secret_name;
use crate::model::fault::{Fix, Piece, code};
use crate::model::invisible::is_invisible;
use crate::model::yaml::{Spanned, Value};
use crate::model::{Quantity, duration, meant};

/// A number up to this long is written out in the help, with its quotes.
const LONGEST_SHOWN: usize = 8;

impl Cursor<'_> {
    /// Text. A number or a boolean without quotes is a fault that says how to write it.
    pub fn text(&self) -> Option<Spanned<String>> {
        match &self.node.value {
            Value::Text(text) => self.visible(text),
            Value::Integer(raw) | Value::Float(raw) => {
                // A long number may be a password, and what is called one is.
                let name = self.path.rsplit(['.', '[']).next().unwrap_or_default();
                let shown = raw.len() <= LONGEST_SHOWN && !is_secret_name(name);
                let help = match shown {
                    true => format!("write it in quotes: \"{raw}\""),
                    false => "write it in quotes".to_owned(),
                };
                self.wrong_type("text", Some(help), self.in_quotes());
                None
            }
            Value::Bool(value) => {
                let help = format!("write it in quotes: \"{value}\"");
                self.wrong_type("text", Some(help), self.in_quotes());
                None
            }
            _ => {
                self.wrong_type("text", None, None);
                None
            }
        }
    }

    /// The fix that puts quotes around a word.
    fn in_quotes(&self) -> Option<Fix> {
        let (from, source) = self.sheet.source(self.at())?;
        let quote = |at: usize| Piece { from: at, to: at, text: "\"".to_owned() };
        self.sheet.fix(vec![quote(from), quote(from + source.len())])
    }

    /// The fix that writes this YAML in place of the value.
    pub fn as_yaml(&self, yaml: impl Into<String>) -> Option<Fix> {
        self.sheet.rewrite(self.at(), yaml)
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
                let fix = self.as_yaml(value.to_string());
                self.sheet.report(self.fault(code::BAD_TEXT, message).help(help).fix(fix));
                None
            }
            _ => {
                let meant = match &self.node.value {
                    Value::Text(text) => meant::boolean(text),
                    _ => None,
                };
                let help = meant.map(|value| format!("write {value}, without quotes"));
                let fix = meant.and_then(|value| self.as_yaml(value.to_string()));
                self.wrong_type("`true` or `false`", help, fix);
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
                let fix = match (&self.node.value, &help) {
                    (Value::Text(text), Some(_)) => self.as_yaml(text.as_str()),
                    _ => None,
                };
                self.wrong_type("a whole number", help, fix);
                return None;
            }
        };
        if raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit()) {
            let plain = raw.trim_start_matches('0');
            let plain = if plain.is_empty() { "0" } else { plain };
            let message = format!("`{}` begins with a zero", self.path);
            let help = format!("write {plain}, or \"{raw}\" in quotes where text is meant");
            // To YAML 1.1 and to C it may be octal; with an 8 or a 9 in it, it is not.
            let decimal = raw.contains(['8', '9']);
            let fix = decimal.then(|| self.as_yaml(plain)).flatten();
            self.sheet.report(self.fault(code::LEADING_ZERO, message).help(help).fix(fix));
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
            self.wrong_type("a number", None, None);
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
        // What reads YAML 1.1 and writes the file again makes `false` of `off`.
        if self.node.value == Value::Bool(false) && words.contains(&OFF) {
            return Some(self.spanned(OFF));
        }
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
        let fix = certain(&text.value, words.iter().copied());
        let fix = fix.and_then(|word| self.instead(&text.value, word));
        self.sheet.report(self.fault(code::NOT_ONE_OF, message).help(help).fix(fix));
        None
    }

    /// The fix that writes another text in place of the one that stands there.
    pub fn instead(&self, old: &str, new: &str) -> Option<Fix> {
        self.sheet.reword(self.at(), old, new)
    }

    /// A quantity as Kubernetes takes it; a number needs no quotes.
    pub fn quantity(&self) -> Option<Spanned<Quantity>> {
        let (Value::Text(raw) | Value::Integer(raw) | Value::Float(raw)) = &self.node.value else {
            self.wrong_type("a quantity such as 500m or 2Gi", None, None);
            return None;
        };
        match Quantity::parse(raw) {
            Ok(quantity) => Some(self.spanned(quantity)),
            Err(bad) => {
                let help = "write a number, if need be with one of m, k, M, G, Ki, Mi, Gi, Ti";
                let message = format!("`{}`: {bad}", self.path);
                let fix = meant::quantity(raw).and_then(|meant| self.instead(raw, &meant));
                self.sheet.report(self.fault(code::BAD_QUANTITY, message).help(help).fix(fix));
                None
            }
        }
    }

    /// A quantity of bytes. Kubernetes takes `512m` and means half a byte, which nobody does.
    pub fn size(&self) -> Option<Spanned<Quantity>> {
        let size = self.quantity()?;
        if size.value.is_whole() {
            return Some(size);
        }
        let raw = match &self.node.value {
            Value::Text(raw) | Value::Integer(raw) | Value::Float(raw) => raw.as_str(),
            _ => "",
        };
        let message = format!("`{}` is {raw}, which is no whole number of bytes", self.path);
        let help = match raw.strip_suffix('m') {
            Some(number) => format!("`m` means thousandths; did you mean `{number}Mi`?"),
            None => "write it with Ki, Mi or Gi, such as 512Mi".to_owned(),
        };
        self.sheet.report(self.fault(code::BAD_QUANTITY, message).help(help));
        None
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
            self.wrong_type("a duration such as 30m or 1h30m", None, None);
            return None;
        };
        let Ok(value) = duration::parse(raw) else {
            let message = format!("`{}`: `{raw}` is not a duration", self.path);
            let help = "write numbers with h, m, s or ms, such as 30m or 1h30m";
            let fix = meant::duration(raw).and_then(|meant| self.instead(raw, &meant));
            self.sheet.report(self.fault(code::BAD_DURATION, message).help(help).fix(fix));
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

/// The word that YAML 1.1 takes for `false`.
pub(super) const OFF: &str = "off";

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
