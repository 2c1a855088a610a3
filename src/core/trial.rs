//! What an image did when it ran on its author's machine as the platform would run it, and what
//! that says of the contract.
//!
//! In: a component, how a node starts it, and what was [`Seen`]. Out: a [`Report`]: a line for each
//! part of the contract, and a suggestion for each number that the author chooses. Whoever runs the
//! image asks the [`questions`] and notes the answers; what they mean is decided here.

mod answers;
mod form;
mod json;
mod markdown;
mod numbers;
mod openapi;
mod question;
mod report;
mod seen;
mod start;
mod text;
mod words;

pub use json::{report_json, untried_json};
pub use markdown::{markdown, untried_markdown};
pub use question::{PROBE, Purpose, Question, questions};
pub use report::{Advice, Line, Mark, Number, Report};
pub use seen::{Answer, Asked, Cut, Ended, Listener, NoAnswer, Reach, Seen, Start, Subject};
pub use text::{summary, text};

/// Judges what was seen.
pub fn report(subject: &Subject<'_>, seen: &Seen) -> Report {
    let mut lines = start::lines(subject, seen);
    if seen.first.ready.is_some() {
        lines.extend(answers::lines(subject, seen));
    }
    lines.extend(form::lines(subject, seen));
    Report {
        lines,
        numbers: numbers::numbers(subject, seen),
        left_out: form::left_out(subject),
        log: start::log(seen),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
