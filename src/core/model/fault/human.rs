//! A fault as a person reads it in a terminal.

use std::fmt::Write as _;

use super::{Change, Fate, Fault, Fix, Severity};
use crate::model::invisible::is_invisible;

/// The longest source line that is shown, in characters; a longer one is cut around the mark.
const WIDTH: usize = 160;

/// The longest line of help, in characters.
const HELP: usize = 100;
/// What the codes of the daemon's settings begin with.
const SETTINGS: &str = "V07";

/// A fault with its source line and a mark below it.
pub fn human(fault: &Fault) -> String {
    let severity = match fault.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!(
        "{severity}[{}]: {}\n  --> {}:{}:{}\n",
        fault.code, fault.message, fault.file, fault.line, fault.column
    );
    let number = fault.line.to_string();
    let gutter = " ".repeat(number.len());
    if let Some(line) = &fault.snippet {
        let (shown, mark) = marked(line, fault);
        let label = fault.label.as_deref().map(|label| format!(" {label}")).unwrap_or_default();
        let _ = writeln!(text, "{gutter} |");
        let _ = writeln!(text, "{number} | {}", shown.trim_end());
        let _ = writeln!(text, "{gutter} | {mark}{label}");
    }
    if let Some(help) = &fault.help {
        if fault.snippet.is_some() {
            let _ = writeln!(text, "{gutter} |");
        }
        let mut begin = "=";
        for line in wrapped(help) {
            let _ = writeln!(text, "{gutter} {begin} {line}");
            begin = " ";
        }
    }
    if let Some(fix) = &fault.fix {
        text += &fixed(fix, &gutter, fault.code.starts_with(SETTINGS));
    }
    text
}

/// What `check --fix` would do, as a person reads it beside the numbers of the lines. It mends no
/// settings of the daemon: there the person does.
fn fixed(fix: &Fix, gutter: &str, by_hand: bool) -> String {
    if by_hand && fix.shown.is_empty() {
        return String::new();
    }
    let who = if by_hand { "" } else { "`vitrine check --fix` " };
    let mut text = format!("{gutter} = {who}");
    match &fix.change {
        Change::Write(_) if by_hand => text.push_str("write instead:\n"),
        Change::Write(_) if fix.shown.is_empty() => text.push_str("writes the whole file anew\n"),
        Change::Write(_) => text.push_str("writes:\n"),
        Change::Rename(name) => {
            let _ = writeln!(text, "calls it `{name}`");
        }
        Change::Remove => text.push_str("takes it away\n"),
    }
    for shown in &fix.shown {
        let sign = match shown.fate {
            Fate::Stands => '~',
            Fate::Goes => '-',
        };
        let line: String = shown.text.chars().map(visible).take(WIDTH).collect();
        let width = gutter.len();
        let _ = writeln!(text, "{:>width$} {sign} {}", shown.line, line.trim_end());
    }
    text
}

/// A sentence in lines of at most [`HELP`] characters, but for words that are longer.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= HELP => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The line, without characters that a terminal would act on, and the carets below it.
fn marked(line: &str, fault: &Fault) -> (String, String) {
    let characters: Vec<char> = line.chars().map(visible).collect();
    let start = (fault.column.max(1) - 1) as usize;
    let end = if fault.end_line == fault.line {
        (fault.end_column.max(1) - 1) as usize
    } else {
        characters.len()
    };
    let first = if characters.len() > WIDTH { start.saturating_sub(WIDTH / 4) } else { 0 };
    let shown: String = characters.iter().skip(first).take(WIDTH).collect();
    let carets = end.saturating_sub(start).clamp(1, WIDTH.saturating_sub(start - first).max(1));
    (shown, format!("{}{}", " ".repeat(start - first), "^".repeat(carets)))
}

fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        c if is_invisible(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Party;
    use crate::model::fault::{Piece, code};
    use crate::model::yaml::Span;

    #[test]
    fn the_mark_stands_below_the_word() {
        let fault = Fault::new(
            code::UNKNOWN_FIELD,
            "use/solution.yaml",
            Party::Author,
            "unknown field `replica`",
        )
        .at(Span { line: 14, column: 5, end_line: 14, end_column: 12 })
        .label("not a field of `spec.scaling`")
        .help("did you mean `maxReplicas`?")
        .snippet(Some("    replica: 3".to_owned()));
        assert_eq!(
            human(&fault),
            "error[V0207]: unknown field `replica`\n  --> use/solution.yaml:14:5\n   |\n\
             14 |     replica: 3\n   |     ^^^^^^^ not a field of `spec.scaling`\n   |\n   \
             = did you mean `maxReplicas`?\n"
        );
    }

    #[test]
    fn what_puts_it_right_is_shown_as_it_will_stand() {
        let text = "spec:\n  prot: 80\n";
        let piece = Piece { from: 8, to: 12, text: "port".to_owned() };
        let fault = Fault::new(code::UNKNOWN_FIELD, "f", Party::Author, "m").at(Span {
            line: 2,
            column: 3,
            end_line: 2,
            end_column: 7,
        });
        let write = fault.clone().fix(Fix::write(text, vec![piece]));
        let writes = "  = `vitrine check --fix` writes:\n2 ~   port: 80\n";
        assert!(human(&write).ends_with(writes), "{}", human(&write));
        // Nothing but the person mends the daemon's settings.
        let setting = Fault { code: code::SETTING_UNKNOWN, ..write };
        assert!(human(&setting).ends_with("  = write instead:\n2 ~   port: 80\n"));
        let rename = fault.clone().fix(Some(Fix::rename("solution.yaml")));
        assert!(human(&rename).ends_with("  = `vitrine check --fix` calls it `solution.yaml`\n"));
        let remove = fault.fix(Some(Fix::remove()));
        assert!(human(&remove).ends_with("  = `vitrine check --fix` takes it away\n"));
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_around_the_mark() {
        let fault = Fault::new(code::SYNTAX, "f", Party::Author, "m")
            .at(Span { line: 1, column: 900_000, end_line: 1, end_column: 1_000_000 })
            .snippet(Some("x".repeat(1_000_000)));
        assert!(human(&fault).len() < 600);
    }

    #[test]
    fn a_mark_behind_the_end_of_the_line_is_still_a_mark() {
        let fault = Fault::new(code::SYNTAX, "f", Party::Author, "m")
            .at(Span { line: 3, column: 9, end_line: 2, end_column: 1 })
            .snippet(Some("ab".to_owned()));
        assert!(human(&fault).contains('^'));
    }
}
