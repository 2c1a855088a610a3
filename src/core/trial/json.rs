//! A report for programs. The names of the keys are a promise.

use serde_json::{Value, json};

use super::report::{Advice, Line, Mark, Number, Report};
use super::seen::{Seen, Start, Subject};
use crate::model::Quoted;

/// What was tried, what was seen and what it says, as one object.
pub fn report_json(subject: &Subject<'_>, seen: &Seen, report: &Report) -> Value {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let ready = |start: &Start| start.ready.map(millis);
    let again = seen.again.as_ref();
    let peak = std::iter::once(&seen.first).chain(again).filter_map(|start| start.peak).max();
    json!({
        "solution": subject.solution.name,
        "component": subject.component.name,
        "holds": report.holds(),
        "errors": report.count(Mark::Error),
        "warnings": report.count(Mark::Warning),
        "image": {
            "name": subject.container.image,
            "os": Quoted::of(&seen.image.os).as_str(),
            "architecture": Quoted::of(&seen.image.architecture).as_str(),
            "bytes": seen.image.size,
            "user": Quoted::of(&seen.image.user).as_str(),
        },
        "lines": report.lines.iter().map(line).collect::<Vec<_>>(),
        "measured": {
            "ready_ms": ready(&seen.first),
            "ready_again_ms": again.and_then(ready),
            "memory_peak_bytes": peak,
        },
        "numbers": report.numbers.iter().map(number).collect::<Vec<_>>(),
        "left_out": report.left_out,
        "log": report.log.iter().map(Quoted::as_str).collect::<Vec<_>>(),
    })
}

/// A component that could not be tried, and why.
pub fn untried_json(solution: &str, component: Option<&str>, why: &str) -> Value {
    json!({ "solution": solution, "component": component, "untried": why })
}

fn line(line: &Line) -> Value {
    json!({
        "part": line.part,
        "mark": line.mark,
        "text": line.text,
        "took": line.took,
        "hint": line.hint,
    })
}

fn number(number: &Number) -> Value {
    let (advice, suggested) = match &number.advice {
        Advice::Keep => ("keep", None),
        Advice::Lower(value) => ("lower", Some(value)),
        Advice::Raise(value) => ("raise", Some(value)),
    };
    json!({
        "field": number.field,
        "now": number.now,
        "seen": number.seen,
        "advice": advice,
        "suggested": suggested,
    })
}
