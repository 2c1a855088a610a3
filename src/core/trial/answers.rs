//! What the answers say: the page, what asks beside visitors, and the examples, which decide.

use std::time::Duration;

use super::openapi;
use super::question::{Purpose, Question};
use super::report::Line;
use super::seen::{Answer, Asked, Cut, NoAnswer, Seen, Subject};
use super::words::{answer, no_answer, seconds, some};
use crate::model::{duration, quantity};

/// A first answer that takes as long is worth a warm-up, if the next is much faster.
const COLD: Duration = Duration::from_secs(1);
/// How much faster.
const MUCH: u32 = 5;

/// What is to be said of the answers of the first start, and of those that differ in a second one.
pub fn lines(subject: &Subject<'_>, seen: &Seen) -> Vec<Line> {
    let pairs = subject.questions.iter().zip(&seen.first.asked);
    let mut lines: Vec<Line> = pairs.map(|(question, asked)| of(question, asked)).collect();
    lines.extend(equality(subject.questions, seen));
    lines
}

fn of(question: &Question, asked: &Asked) -> Line {
    match &question.purpose {
        Purpose::Page => page(question, &asked.first),
        Purpose::Head => head(question, &asked.first),
        Purpose::Readiness => probe("readiness", question, &asked.first),
        Purpose::Liveness => {
            let line = probe("liveness", question, &asked.first);
            match line.hint {
                Some(_) => line.hint("it would be restarted again and again"),
                None => line,
            }
        }
        Purpose::OpenApi => description(question, &asked.first),
        Purpose::Example { file, status, warms } => example(file, *status, *warms, asked),
    }
}

type First = Result<Answer, NoAnswer>;

fn page(question: &Question, first: &First) -> Line {
    const PART: &str = "page";
    let asked = format!("GET {}", question.path);
    let said = match first {
        Err(why) => return Line::error(PART, format!("{asked} {}", no_answer(why))),
        Ok(said) => said,
    };
    let text = format!("{asked} → {}", answer(said));
    if said.status >= 400 {
        return Line::error(PART, text).hint("visitors begin here; `basePath` names another page");
    }
    if let Some(cut) = said.cut {
        return Line::error(
            PART,
            format!("{text}, and does not end: {}", cut_words(cut, question)),
        );
    }
    let line = match said.kind.as_str() {
        _ if (300..400).contains(&said.status) => {
            Line::warning(PART, text).hint("visitors are led elsewhere")
        }
        "text/html" | "application/xhtml+xml" => Line::good(PART, text),
        kind if kind.ends_with("json") => {
            Line::warning(PART, format!("{text}: no page for people"))
                .hint("answer HTML there, or name the page with `basePath`")
        }
        _ => Line::warning(PART, format!("{text}: no HTML"))
            .hint("answer HTML there, or name the page with `basePath`"),
    };
    line.took(seconds(said.took))
}

fn head(question: &Question, first: &First) -> Line {
    const PART: &str = "head";
    let asked = format!("HEAD {}", question.path);
    match first {
        Ok(said) if said.status < 400 => {
            Line::good(PART, format!("{asked} → {}", said.status)).took(seconds(said.took))
        }
        Ok(said) => Line::warning(PART, format!("{asked} → {}", said.status))
            .hint("link previews and some proxies ask with HEAD"),
        Err(why) => Line::warning(PART, format!("{asked} {}", no_answer(why)))
            .hint("link previews and some proxies ask with HEAD"),
    }
}

fn probe(part: &'static str, question: &Question, first: &First) -> Line {
    let asked = format!("GET {}", question.path);
    match first {
        Ok(said) if (200..400).contains(&said.status) => {
            Line::good(part, format!("{asked} → {}, {part}", said.status)).took(seconds(said.took))
        }
        Ok(said) => Line::error(part, format!("{asked} → {}, {part}", said.status))
            .hint("a probe is answered with 2xx or 3xx"),
        Err(why) => Line::error(part, format!("{asked} {}, {part}", no_answer(why)))
            .hint("a probe is answered with 2xx or 3xx"),
    }
}

fn description(question: &Question, first: &First) -> Line {
    const PART: &str = "openapi";
    let path = &question.path;
    let hint = "`api.openapi` names it: whoever reads the solution's page is led there";
    match first {
        Err(why) => Line::error(PART, format!("GET {path} {}", no_answer(why))).hint(hint),
        Ok(said) if !(200..300).contains(&said.status) => {
            Line::error(PART, format!("GET {path} → {}", answer(said))).hint(hint)
        }
        Ok(said) => match openapi::read(&said.body) {
            Ok(document) => Line::good(PART, format!("{path} is {document}")),
            // Of something that large only the beginning was read, or nothing.
            Err(_) if said.cut.is_some() || said.length > openapi::LARGE => {
                let size = quantity::rounded(said.length);
                Line::warning(PART, format!("{path} is {size}: too large to be read here"))
            }
            Err(why) => Line::error(PART, format!("{path} {why}")).hint(hint),
        },
    }
}

fn example(file: &str, status: Option<u16>, warms: bool, asked: &Asked) -> Line {
    const PART: &str = "example";
    let is_expected = |said: &Answer| match status {
        Some(expected) => said.status == expected,
        None => said.status < 400,
    };
    let wrong = |said: &Answer| {
        let expected = match status {
            Some(expected) => expected.to_string(),
            None => "below 400".to_owned(),
        };
        format!("{}, expected is {expected}", answer(said))
    };
    let first = match &asked.first {
        Err(why) => return Line::error(PART, format!("{file} {}", no_answer(why))),
        Ok(first) if !is_expected(first) => {
            return Line::error(PART, format!("{file} → {}", wrong(first)));
        }
        Ok(first) => first,
    };
    let text = format!("{file} → {}", answer(first));
    match &asked.then {
        Some(Err(why)) => {
            return Line::error(PART, format!("{text}; the second time it {}", no_answer(why)));
        }
        Some(Ok(then)) if !is_expected(then) => {
            return Line::error(PART, format!("{text}; the second time {}", wrong(then)));
        }
        _ => {}
    }
    if let Some(cut) = first.cut {
        let cut = match cut {
            Cut::Size => format!("cut after {}", quantity::rounded(first.length)),
            Cut::Time => format!("cut after {}", seconds(first.took)),
        };
        return Line::warning(PART, format!("{text}, and does not end: {cut}"));
    }
    let then = asked.then.as_ref().and_then(|then| then.as_ref().ok());
    let line = Line::good(PART, text);
    match then {
        Some(then) if first.took >= COLD && first.took > then.took * MUCH => {
            let line = line.took(format!("{}, then {}", seconds(first.took), seconds(then.took)));
            match warms {
                true => line,
                false => line.hint(format!("write startup: {{warmup: [{file}]}}")),
            }
        }
        _ => line.took(seconds(first.took)),
    }
}

fn cut_words(cut: Cut, question: &Question) -> String {
    match cut {
        Cut::Size => "cut there".to_owned(),
        Cut::Time => format!("cut after {}", duration::text(question.patience)),
    }
}

/// Whether a second start says the same. What says something else each time says nothing of it.
fn equality(questions: &[Question], seen: &Seen) -> Option<Line> {
    const PART: &str = "stateless";
    let again = seen.again.as_ref().filter(|again| again.ready.is_some())?;
    let (mut same, mut other, mut vary) = (0, Vec::new(), Vec::new());
    for ((question, first), second) in questions.iter().zip(&seen.first.asked).zip(&again.asked) {
        let Purpose::Example { file, .. } = &question.purpose else { continue };
        let Asked { first: Ok(once), then: Some(Ok(twice)) } = first else { continue };
        let body = |said: &Answer| (said.status, said.hash.clone());
        match &second.first {
            _ if once.cut.is_some() => {}
            _ if body(once) != body(twice) => vary.push(file.as_str()),
            Ok(second) if body(once) == body(second) => same += 1,
            _ => other.push(file.as_str()),
        }
    }
    if !other.is_empty() {
        let text = format!("a second start answers {} otherwise", some(&other));
        return Some(Line::warning(PART, text).hint(
            "no answer may hang on what ran before: it sleeps, wakes, and runs more than once",
        ));
    }
    if same > 0 {
        return Some(Line::good(PART, "a second start gives equal answers"));
    }
    let text = format!("{} is answered otherwise each time: no word on state", some(&vary));
    (!vary.is_empty()).then(|| Line::good(PART, text))
}
