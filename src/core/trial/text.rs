//! A report for people.

use super::report::{Advice, Mark, Number, Report};

/// The widest column of what was seen; what is longer stands as it is.
const WIDEST: usize = 60;

/// The lines of a report, each with its mark. With `colour`, marks are painted.
pub fn text(report: &Report, colour: bool) -> String {
    let width = |text: &str| text.chars().count();
    let fits = report.lines.iter().filter(|line| line.took.is_some() || line.hint.is_some());
    let widest = fits.map(|line| width(&line.text)).filter(|w| *w <= WIDEST).max().unwrap_or(0);
    let tooks = report.lines.iter().filter_map(|line| line.took.as_deref());
    let took_widest = tooks.map(width).max().unwrap_or(0);
    let mut text = String::new();
    for line in &report.lines {
        let took = line.took.as_deref().unwrap_or_default();
        let hint = line.hint.as_ref().map(|hint| format!("→ {hint}")).unwrap_or_default();
        let took = match took_widest {
            0 => String::new(),
            width => format!("{took:width$}  "),
        };
        let row = format!("{:widest$}  {took}{hint}", line.text);
        text += &format!("  {} {}\n", mark(line.mark, colour), row.trim_end());
    }
    if !report.log.is_empty() {
        text += "the last that it wrote\n";
        for line in &report.log {
            text += &format!("  | {line}\n");
        }
    }
    text += &numbers(&report.numbers);
    if !report.left_out.is_empty() {
        text += &format!("not given here: {}\n", report.left_out.join("; "));
    }
    text
}

/// `1 warning, 0 errors: the contract holds`
pub fn summary(reports: &[Report]) -> String {
    let count = |mark: Mark| reports.iter().map(|report| report.count(mark)).sum::<usize>();
    let number = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let (warnings, errors) = (count(Mark::Warning), count(Mark::Error));
    let holds = if errors == 0 { "the contract holds" } else { "the contract does not hold" };
    format!("{}, {}: {holds}", number(warnings, "warning"), number(errors, "error"))
}

fn numbers(numbers: &[Number]) -> String {
    let width = |of: fn(&Number) -> String| {
        numbers.iter().map(|number| of(number).chars().count()).max().unwrap_or(0)
    };
    let seen = |number: &Number| {
        let bound = number.now.as_ref().map(|now| format!(" of {now}")).unwrap_or_default();
        format!("{}{bound}", number.seen)
    };
    let (fields, widest) = (width(|n| n.field.to_owned()), width(seen));
    let line = |number: &Number| {
        let advice = match &number.advice {
            Advice::Keep => "is fine".to_owned(),
            Advice::Lower(value) => format!("{value} would do"),
            Advice::Raise(value) => format!("write {value}"),
        };
        format!("{:fields$}  {:widest$}  → {advice}\n", number.field, seen(number))
    };
    numbers.iter().map(line).collect()
}

fn mark(mark: Mark, colour: bool) -> String {
    let (sign, paint) = match mark {
        Mark::Good => ("✓", "32"),
        Mark::Warning => ("!", "33"),
        Mark::Error => ("✗", "31"),
    };
    if colour { format!("\u{1b}[1;{paint}m{sign}\u{1b}[0m") } else { sign.to_owned() }
}
