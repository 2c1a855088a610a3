//! Whether a program starts, and where it listens.

use super::question::{Purpose, Question};
use super::report::Line;
use super::seen::{Ended, Listener, NoAnswer, Reach, Seen, Start, Subject};
use super::words::{answer, no_answer, seconds};
use crate::catalog::solution::Probe;
use crate::model::{Quantity, Quoted, duration};

const PART: &str = "start";
/// What a program writes that may not write, in the words of most languages.
const MAY_NOT_WRITE: [&str; 3] = ["read-only file system", "erofs", "os error 30"];
/// What it writes that is not the owner.
const NOT_THE_OWNER: [&str; 3] = ["permission denied", "eacces", "os error 13"];

/// What a kernel says of a program for another processor.
const OTHER_PROCESSOR: &str = "exec format error";

/// What is to be said of the starts.
pub fn lines(subject: &Subject<'_>, seen: &Seen) -> Vec<Line> {
    let mut lines = vec![first(subject, seen)];
    if let Some(ready) = seen.first.ready {
        lines.extend(ended_later(subject, &seen.first));
        let again = seen.again.as_ref();
        if let Some(again) = again
            && again.ready.is_none()
        {
            let line = failed(subject, seen, again);
            lines.push(Line { text: format!("a second start {}", line.text), ..line });
        } else if let Some(line) = again.and_then(|again| ended_later(subject, again)) {
            lines.push(Line { text: format!("a second start {}", line.text), ..line });
        }
        let slowest = again.and_then(|again| again.ready).unwrap_or_default().max(ready);
        let budget = subject.component.startup;
        if slowest * 2 > budget {
            let text = format!(
                "takes {} of the {} that a start may take",
                seconds(slowest),
                duration::text(budget)
            );
            lines.push(Line::warning("slow start", text).hint("a busy machine is slower"));
        }
    }
    lines
}

/// The last lines of a start that did not do well.
pub fn log(seen: &Seen) -> Vec<Quoted> {
    let starts = std::iter::once(&seen.first).chain(&seen.again);
    starts.map(|start| &start.log).find(|log| !log.is_empty()).cloned().unwrap_or_default()
}

fn first(subject: &Subject<'_>, seen: &Seen) -> Line {
    let Some(ready) = seen.first.ready else { return failed(subject, seen, &seen.first) };
    let port = subject.component.port;
    let ours = seen.first.listeners.iter().find(|one| one.port == port);
    let text = match ours {
        Some(listener) => format!("listens on {}", place(listener)),
        None => format!("listens on port {port}"),
    };
    let again = seen.again.as_ref().and_then(|again| again.ready);
    let again = again.map(|again| format!(", then {}", seconds(again))).unwrap_or_default();
    Line::good(PART, text).took(format!("{}{again}", seconds(ready)))
}

/// `0.0.0.0:8080`, `[::]:8080`
fn place(listener: &Listener) -> String {
    std::net::SocketAddr::new(listener.host, listener.port).to_string()
}

/// Why a start was no good.
fn failed(subject: &Subject<'_>, seen: &Seen, start: &Start) -> Line {
    if let Some(why) = &start.refused {
        return refused(seen, why);
    }
    if let Some(ended) = &start.ended {
        let other_processor = |line: &&Quoted| line.to_lowercase().contains(OTHER_PROCESSOR);
        if let Some(line) = start.log.iter().find(other_processor) {
            return refused(seen, line);
        }
        return early(subject, start, ended);
    }
    let port = subject.component.port;
    let budget = duration::text(subject.component.startup);
    match start.reach {
        Reach::All => not_ready(subject, start, &budget),
        Reach::Loopback => {
            let loopback = |one: &&Listener| one.port == port && one.host.is_loopback();
            let place = start.listeners.iter().find(loopback).map(place);
            let place = place.unwrap_or_else(|| format!("127.0.0.1:{port}"));
            let text = format!(
                "listens on {place} only, where nobody outside of its container reaches it"
            );
            Line::error(PART, text).hint("let it listen on 0.0.0.0")
        }
        Reach::No => {
            if let Some(one) = start.listeners.iter().find(|one| one.port == port) {
                let text = format!("listens on {} only, where it is not asked", place(one));
                return Line::error(PART, text).hint("let it listen on 0.0.0.0");
            }
            let mut others: Vec<u16> = start.listeners.iter().map(|one| one.port).collect();
            others.sort_unstable();
            others.dedup();
            let words: Vec<String> = others.iter().map(u16::to_string).collect();
            match others.iter().find(|port| **port >= 1024) {
                None if others.is_empty() => {
                    Line::error(PART, format!("listens on no port within {budget}"))
                }
                other => {
                    let text = format!("listens on {}, not on {port}", words.join(" and "));
                    let hint = match other {
                        Some(other) => format!("write port: {other}"),
                        None => "ports below 1024 are root's: let it listen above".to_owned(),
                    };
                    Line::error(PART, text).hint(hint)
                }
            }
        }
    }
}

fn refused(seen: &Seen, why: &Quoted) -> Line {
    let built = format!("{}/{}", seen.image.os, seen.image.architecture);
    if why.to_lowercase().contains(OTHER_PROCESSOR) && built != seen.machine {
        let text = format!("is built for {built}, and this machine is {}", seen.machine);
        return Line::error(PART, text).hint("build it for the platform's processors, too");
    }
    let line = Line::error(PART, format!("does not start: {}", why.short(300)));
    let lower = why.to_lowercase();
    if lower.contains("no such file") || lower.contains("not found") {
        return line.hint("its entry point or `command` is not in the image");
    }
    line
}

fn not_ready(subject: &Subject<'_>, start: &Start, budget: &str) -> Line {
    let path = match &subject.component.readiness {
        Probe::Get { path } => path.as_str(),
        Probe::TcpConnect => "",
    };
    match &start.probed {
        Some(Ok(said)) => {
            let text = format!("is not ready within {budget}: GET {path} → {}", answer(said));
            Line::error(PART, text).hint("a readiness probe is answered with 2xx or 3xx")
        }
        Some(Err(NoAnswer::Late(_))) => {
            let text = format!("takes connections, and does not answer GET {path} within {budget}");
            Line::error(PART, text)
        }
        Some(Err(why)) => {
            let why = no_answer(why);
            Line::error(PART, format!("is not ready within {budget}: GET {path} {why}"))
        }
        None => Line::error(PART, format!("is not ready within {budget}")),
    }
}

/// It ended before it was ready.
fn early(subject: &Subject<'_>, start: &Start, ended: &Ended) -> Line {
    let after = seconds(ended.after);
    let line = match ended.code {
        _ if ended.out_of_memory => return out_of_memory(subject, &format!("after {after}")),
        0 => {
            let text = format!("ends by itself after {after}");
            return Line::error(PART, text).hint("let its program run in the foreground");
        }
        code => Line::error(PART, format!("ends after {after} with {}", code_words(code))),
    };
    let wrote = |words: &[&str]| {
        start.log.iter().any(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })
    };
    if wrote(&MAY_NOT_WRITE) {
        return line.hint("it writes where it may not: name the folder under `scratch`");
    }
    if wrote(&NOT_THE_OWNER) {
        let user = subject_user(subject);
        return line.hint(format!("it may not use what it needs{user}: `chmod` in its Dockerfile"));
    }
    match ended.code {
        126 | 127 => line.hint("its entry point or `command` is not in the image"),
        137 => line.hint(format!("most likely for its memory: {}", more_memory(subject))),
        _ if !subject.container.secrets.is_empty() => {
            line.hint("its secrets are not given here, which may be why")
        }
        _ => line,
    }
}

fn subject_user(subject: &Subject<'_>) -> &'static str {
    if subject.container.never_root { " as a user that is not root" } else { "" }
}

fn out_of_memory(subject: &Subject<'_>, when: &str) -> Line {
    let limit = subject.container.memory;
    let text = match limit {
        Some(limit) => format!("is killed for its memory {when}: it may take {}", limit.size()),
        None => format!("is killed for its memory {when}"),
    };
    Line::error(PART, text).hint(more_memory(subject))
}

fn more_memory(subject: &Subject<'_>) -> String {
    let limit = subject.container.memory;
    match limit.map(|limit| Quantity::bytes(limit.whole().saturating_mul(2))) {
        Some(more) => format!("write resources: {{requests: {{memory: {more}}}}}"),
        None => "this machine has no more".to_owned(),
    }
}

/// It ended while it was asked.
fn ended_later(subject: &Subject<'_>, start: &Start) -> Option<Line> {
    let ended = start.ended.as_ref()?;
    // It ended before it answered this one.
    let asked = subject.questions.get(start.asked.len()).map(called);
    let when = asked.map_or_else(|| "after it was asked".to_owned(), |asked| format!("at {asked}"));
    Some(match ended.out_of_memory {
        true => out_of_memory(subject, &when),
        false => Line::error(PART, format!("ends {when}, with {}", code_words(ended.code))),
    })
}

fn called(question: &Question) -> String {
    match &question.purpose {
        Purpose::Example { file, .. } => file.clone(),
        _ => format!("{} {}", question.method, question.path),
    }
}

fn code_words(code: i32) -> String {
    match code - 128 {
        4 => "an illegal instruction of the processor (signal 4)".to_owned(),
        6 => "an abort (signal 6)".to_owned(),
        11 => "a segmentation fault (signal 11)".to_owned(),
        signal @ 1..=31 => format!("signal {signal}"),
        _ => format!("exit code {code}"),
    }
}
