//! Findings on stdout: for people, for programs, for a GitHub workflow.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use super::finding::{Finding, Findings};
use crate::cli::Stop;
use crate::cli::terminal;
use vitrine_core::model::fault::{FaultJson, Severity, human};

/// What the findings are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
    Github,
}

/// Prints what was found. `fixed` says what was put right before.
pub(super) fn print(found: &Findings, fixed: Option<&str>, format: Format) -> Result<(), Stop> {
    let mut text = String::new();
    if let (Some(fixed), Format::Json | Format::Github) = (fixed, format) {
        eprintln!("{fixed}");
    }
    match format {
        Format::Human => {
            let colour = terminal::colour();
            for finding in &found.all {
                text += &for_people(finding, colour);
                text.push('\n');
            }
            for line in fixed.into_iter().chain([summary(found).as_str()]) {
                text += line;
                text.push('\n');
            }
        }
        Format::Json => {
            for finding in &found.all {
                text += &line(finding)?;
                text.push('\n');
            }
        }
        Format::Github => {
            for finding in &found.all {
                text += &annotation(finding);
                text.push('\n');
            }
            eprintln!("{}", summary(found));
        }
    }
    terminal::write(&text)
}

/// `4 solutions: 3 good, 1 refused; 2 errors, 1 warning`
pub(super) fn summary(found: &Findings) -> String {
    let number = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let mut text = number(found.good + found.refused, "solution");
    if found.good + found.refused > 0 {
        let refused = match found.refused {
            0 => String::new(),
            n => format!(", {n} refused"),
        };
        let _ = write!(text, ": {} good{refused}", found.good);
    }
    let _ = write!(text, "; {}", number(found.errors(), "error"));
    let _ = write!(text, ", {}", number(found.warnings(), "warning"));
    text
}

fn for_people(finding: &Finding, colour: bool) -> String {
    let fault = &finding.fault;
    let gutter = " ".repeat(fault.line.to_string().len());
    let mut text = human(fault);
    let _ = writeln!(text, "{gutter} = see: vitrine check --explain {}", fault.code);
    if !colour {
        return text;
    }
    let paint = match fault.severity {
        Severity::Error => "\u{1b}[1;31m",
        Severity::Warning => "\u{1b}[1;33m",
    };
    match text.split_once(": ") {
        Some((word, rest)) => format!("{paint}{word}\u{1b}[0m: {rest}"),
        None => text,
    }
}

/// A finding as programs read it. The names of the keys are a promise.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    fault: FaultJson<'a>,
    solution: Option<&'a str>,
}

fn line(finding: &Finding) -> Result<String, Stop> {
    let fault = FaultJson::from(&finding.fault);
    let line = Line { fault, solution: finding.solution.as_deref() };
    serde_json::to_string(&line).map_err(|error| Stop::new(error.to_string()))
}

/// `::error file=use/solution.yaml,line=9,...::unknown field`, with the file as the repository
/// calls it. Columns only for what ends on its line: GitHub ignores the others.
fn annotation(finding: &Finding) -> String {
    let fault = &finding.fault;
    let command = match fault.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = property(&format!("{}{}", finding.in_repository, fault.file));
    let mut text =
        format!("::{command} file={file},line={},endLine={}", fault.line, fault.end_line);
    if fault.line == fault.end_line {
        let _ = write!(text, ",col={},endColumn={}", fault.column, fault.end_column);
    }
    let _ = write!(text, ",title={}::{}", fault.code, data(&fault.message));
    if let Some(help) = &fault.help {
        let _ = write!(text, "%0A{}", data(help));
    }
    text
}

/// The text of a workflow command: what would end its line is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use vitrine_core::model::Party;
    use vitrine_core::model::fault::{Fault, code};
    use vitrine_core::model::yaml::Span;

    fn finding(file: &str, message: &str) -> Finding {
        let fault = Fault::new(code::UNKNOWN_FIELD, file, Party::Author, message).at(Span {
            line: 3,
            column: 5,
            end_line: 3,
            end_column: 9,
        });
        let in_repository = "lab/".to_owned();
        Finding { fault, solution: Some("use".to_owned()), in_repository }
    }

    #[test]
    fn an_annotation_escapes_what_would_end_it() {
        let mut odd = finding("a,b:c/100%.yaml", "50% of `x`::y, z");
        odd.fault.help = Some("try: a, b".to_owned());
        assert_eq!(
            annotation(&odd),
            "::error file=lab/a%2Cb%3Ac/100%25.yaml,line=3,endLine=3,col=5,endColumn=9,\
             title=V0207::50%25 of `x`::y, z%0Atry: a, b"
        );
    }

    #[test]
    fn an_annotation_of_several_lines_has_no_columns() {
        let mut long = finding("a", "m");
        long.fault.end_line = 4;
        assert_eq!(annotation(&long), "::error file=lab/a,line=3,endLine=4,title=V0207::m");
    }

    #[test]
    fn colour_is_around_the_first_words_only() {
        let plain = for_people(&finding("a", "m"), false);
        let coloured = for_people(&finding("a", "m"), true);
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(coloured.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", ""), plain);
        assert!(coloured.starts_with("\u{1b}[1;31merror[V0207]\u{1b}[0m: "));
    }

    #[test]
    fn a_file_name_cannot_begin_an_annotation_of_its_own() {
        let text = annotation(&finding("a\n::error::x", "b\r\n::error::y"));
        assert_eq!(text.lines().count(), 1);
    }
}
