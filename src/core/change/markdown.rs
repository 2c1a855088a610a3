//! A review for a pull request, in the Markdown that forges understand (GFM).
//!
//! What authors wrote stands in code spans and code blocks alone, where nothing in it is a mention,
//! a link, an image or a tag; it cannot end them either.

use super::fact::{Fact, Topic};
use super::folded::{Group, groups};
use super::sentence::{Part, Sentence};
use super::text::{counted, difference, hold};
use super::touched::What;
use super::{Operator, Review};
use crate::model::Fault;
use crate::model::fault::Severity;
use crate::model::markdown::{block, cell, code, tagged};

/// The longest text, in characters. GitHub takes 65 536; what stands around it needs room too.
pub const LONGEST: usize = 60_000;
/// From so many solutions on, each is folded below a line of a table.
const MANY: usize = 5;

/// The whole review, at most [`LONGEST`] characters: where that does not suffice the table alone.
pub fn markdown(review: &Review) -> String {
    let whole = page(review, Depth::Whole);
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let plain = page(review, Depth::NoObjects);
    if plain.chars().count() <= LONGEST {
        return plain;
    }
    let rows = page(review, Depth::Table);
    match rows.char_indices().nth(LONGEST) {
        // A row ends with its line.
        Some((end, _)) => {
            let kept = rows.get(..end).and_then(|rows| rows.rsplit_once('\n'));
            format!("{}\n", kept.map_or("", |(kept, _)| kept))
        }
        None => rows,
    }
}

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Whole,
    NoObjects,
    Table,
}

fn page(review: &Review, depth: Depth) -> String {
    let mut out = format!("{}\n", review.summary());
    if let Some(costs) = review.costs() {
        out += &format!("\n{costs}\n");
    }
    // What stops a merge or a removal comes first.
    if let Some(reason) = &review.held {
        out += &format!("\n> **Held:** {}\n", hold(reason).replace("HASH", "&lt;hash&gt;"));
    }
    if let Some(why) = &review.others_may_go {
        out += &format!(
            "\n> At {} every name was left alone ({}): what else ran then is in neither revision, \
             and is deleted.\n",
            review.base.short(),
            code(why)
        );
    }
    let dead: Vec<String> = review.would_fail().into_iter().map(code).collect();
    if !dead.is_empty() {
        let (first, rest) = dead.split_at(dead.len().min(MANY));
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        out += &format!("\n> **Would fail:** {}{more}. Below stands why.\n", first.join(", "));
    }
    if depth == Depth::Table {
        // Above what may be cut off.
        out += &format!(
            "\nThis is too much for one page: `vitrine diff {}..{}` tells all of it.\n",
            review.base.short(),
            review.head.short()
        );
    }
    match &review.platform {
        Operator::Same => {}
        Operator::Changed(facts) => {
            out +=
                "\n### `platform.yaml` · changed\n\n| | now | after the merge |\n|---|---|---|\n";
            facts.iter().for_each(|fact| out += &row(fact));
        }
        Operator::Refused(refused) => {
            out += "\n### `platform.yaml` · refused\n\nNothing at all is changed or deleted until \
                    it is mended.\n\n";
            out += &faults(refused);
        }
        Operator::Mended => {
            out += &format!(
                "\n### `platform.yaml` · mended\n\nAt {} every name was left alone; everything is \
                 published anew.\n",
                review.base.short()
            );
        }
    }
    let groups = groups(&review.touched);
    let many = groups.len() >= MANY || depth == Depth::Table;
    if many {
        out += &table(&groups);
    }
    if depth == Depth::Table {
        return out;
    }
    for group in &groups {
        let section = section(review, group, depth);
        if many {
            let summary =
                format!("{} · {}", tagged(group.one.name.as_str()), group.one.what.word());
            out += &format!("\n<details><summary>{summary}</summary>\n{section}\n</details>\n");
        } else {
            out += &section;
        }
    }
    out
}

/// One line a solution.
fn table(groups: &[Group<'_>]) -> String {
    let mut out = "\n| solution | | reachable by | may reach | at most | for an operator |\n\
                   |---|---|---|---|---|---|\n"
        .to_owned();
    for Group { one, others } in groups {
        let of = |topic: Topic| {
            let fact = one.facts.iter().find(|fact| fact.topic == topic && fact.answers());
            fact.map_or_else(String::new, |fact| match (&fact.now, &fact.then) {
                (Some(now), Some(then)) if now != then => format!("{} → {}", cell(now), cell(then)),
                (_, Some(value)) | (Some(value), None) => cell(value),
                (None, None) => String::new(),
            })
        };
        let more = match others.len() {
            0 => String::new(),
            n => format!(" and {n} alike"),
        };
        let asks = if one.asks.is_empty() { "none".to_owned() } else { one.asks.len().to_string() };
        out += &format!(
            "| {}{more} | {} | {} | {} | {} | {asks} |\n",
            cell(one.name.as_str()),
            one.what.word(),
            of(Topic::Reach),
            of(Topic::Reaches),
            of(Topic::Cost),
        );
    }
    out
}

fn section(review: &Review, group: &Group<'_>, depth: Depth) -> String {
    let one = group.one;
    let mut head = vec![code(one.name.as_str()), one.what.word().to_owned()];
    if one.by_platform && one.what == What::Changes {
        head.push("by `platform.yaml`".to_owned());
    }
    // Made of checked names alone.
    head.extend(one.urls.first().map(|url| format!("<{url}>")));
    let mut out = format!("\n### {}\n", head.join(" · "));
    if let Some(title) = one.title.as_ref().filter(|title| title.as_str() != one.name.as_str()) {
        out += &format!("\n{}\n", code(title));
    }
    if !group.others.is_empty() {
        let names: Vec<String> = group.others.iter().map(|o| code(o.name.as_str())).collect();
        out += &format!("\nAlike: {}\n", names.join(", "));
    }
    if let Some(earlier) = &one.earlier {
        // A day, and not how long ago it is: the same is told the same tomorrow.
        let day = earlier.committed.strftime("%Y-%m-%d");
        let short = earlier.revision.short();
        out += &format!(
            "\nIts folder goes back to exactly what it was at revision {short} of {day}.\n"
        );
    }
    if !one.facts.is_empty() {
        out += match one.what {
            What::Appears | What::WasFrozen => "\n| | after the merge |\n|---|---|\n",
            What::Disappears => "\n| | now |\n|---|---|\n",
            What::Refused => "\n| | now, and after the merge |\n|---|---|\n",
            What::Changes | What::Words | What::Kept | What::FrozenThenGone => {
                "\n| | now | after the merge |\n|---|---|---|\n"
            }
        };
    }
    for topic in Topic::ALL {
        let facts = one.facts_of(topic);
        if facts.is_empty() {
            continue;
        }
        let sides = match one.what {
            What::Appears | What::WasFrozen | What::Disappears | What::Refused => 1,
            What::Changes | What::Words | What::Kept | What::FrozenThenGone => 2,
        };
        let question = capital(one.words(topic));
        out += &format!("| **{question}** |{}\n", " |".repeat(sides));
        for fact in facts {
            out += &if sides == 1 {
                let value = fact.then.as_ref().or(fact.now.as_ref());
                format!("| {} | {} |\n", label(fact), value.map_or("–".to_owned(), |v| cell(v)))
            } else {
                row(fact)
            };
        }
    }
    let refused = one.what == What::Refused;
    if refused {
        out += &format!("\n**What is wrong**\n\n{}", faults(&one.faults));
    }
    if !one.risks.is_empty() {
        out +=
            if refused { "\n**What a merge does**\n\n" } else { "\n**What could go wrong?**\n\n" };
        one.risks.iter().for_each(|risk| out += &format!("- {}\n", spoken(risk)));
    }
    if !one.asks.is_empty() {
        let whom = review.operators.as_deref().map_or("an operator".to_owned(), code);
        out += &format!("\n**Ask {whom} before the merge about**\n\n");
        one.asks.iter().for_each(|ask| out += &format!("- {}\n", spoken(ask)));
    } else if matches!(one.what, What::Appears | What::Changes | What::WasFrozen) {
        out += "\nIt asks for nothing that an operator has to be asked about.\n";
    }
    let is_error = |fault: &&Fault| fault.severity == Severity::Error;
    let (errors, warnings): (Vec<&Fault>, Vec<&Fault>) = one.faults.iter().partition(is_error);
    if !errors.is_empty() && !refused {
        out += &format!("\n**Why it would fail**\n\n{}", faults(errors));
    }
    if !warnings.is_empty() && !refused {
        out += &format!("\n**Warnings**\n\n{}", faults(warnings));
    }
    if !one.objects.is_empty() {
        let counts = counted(&one.objects);
        if depth == Depth::Whole {
            let mut lines = String::new();
            one.objects.iter().for_each(|object| difference(&mut lines, object, ""));
            let block = block("diff", &lines);
            out += &format!(
                "\n<details><summary>Objects: {counts}</summary>\n\n{block}\n</details>\n"
            );
        } else {
            out += &format!("\nObjects: {counts}\n");
        }
    }
    out
}

/// As a question.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['?']).collect()
}

fn row(fact: &Fact) -> String {
    let or_dash = |value: &Option<String>| value.as_ref().map_or("–".to_owned(), |v| cell(v));
    let then = if fact.differs() { or_dash(&fact.then) } else { "as now".to_owned() };
    format!("| {} | {} | {then} |\n", label(fact), or_dash(&fact.now))
}

/// Names of variables and files are authors' words too.
fn label(fact: &Fact) -> String {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b' ');
    let what = match fact.what.as_str() {
        what if plain(what) => what.to_owned(),
        what => cell(what),
    };
    match fact.components.as_slice() {
        [] => what,
        some => {
            let names: Vec<String> = some.iter().map(|name| cell(name.as_str())).collect();
            format!("{}: {what}", names.join(", "))
        }
    }
}

fn faults<'f>(faults: impl IntoIterator<Item = &'f Fault>) -> String {
    let told = faults.into_iter().map(|fault| {
        let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
        let help = fault.help.as_ref().map(|help| format!("; {}", code(help)));
        format!("- {} {}{}\n", code(&place), code(&fault.message), help.unwrap_or_default())
    });
    told.collect()
}

/// A sentence, with authors' words as code.
fn spoken(sentence: &Sentence) -> String {
    let parts = sentence.parts().iter().map(|part| match part {
        Part::Ours(text) => text.clone(),
        Part::Theirs(text) => code(text),
    });
    parts.collect()
}
