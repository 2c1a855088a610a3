//! A review for a terminal.

use super::bill::Bill;
use super::fact::{Fact, Topic};
use super::folded::groups;
use super::objects::{ObjectChange, Verb};
use super::sentence::Sentence;
use super::span::ago;
use super::touched::{Touched, What};
use super::{Operator, Review};
use crate::model::fault::{harmless, human};
use jiff::Timestamp;

/// From this many characters on, the value after a merge stands below the one before.
const WIDE: usize = 100;

/// The whole review; with `objects` every field of every object that differs too.
pub fn text(review: &Review, now: Timestamp, objects: bool) -> String {
    let mut out = String::new();
    out += &format!("{} -> {}\n", review.base.short(), review.head.short());
    out += &format!("{}\n", review.summary());
    out += &review.costs().map(|costs| format!("{costs}\n")).unwrap_or_default();
    match &review.platform {
        Operator::Same => {}
        Operator::Changed(facts) => {
            out += "\nplatform.yaml  changed\n";
            rows(&mut out, facts.iter().collect(), true);
        }
        Operator::Refused(faults) => {
            out += "\nplatform.yaml  refused: nothing at all is changed or deleted until it is mended\n";
            faults.iter().for_each(|fault| out += &indented(&human(fault)));
        }
        Operator::Mended => {
            out += &format!(
                "\nplatform.yaml  mended: at {} every name was left alone, and everything is \
                 published anew\n",
                review.base.short()
            );
        }
    }
    for group in groups(&review.touched) {
        out.push('\n');
        one(&mut out, review, group.one, now, objects);
        if !group.others.is_empty() {
            let names: Vec<&str> = group.others.iter().map(|other| other.name.as_str()).collect();
            out += &format!("  alike  {}\n", names.join(", "));
        }
    }
    if let Some(why) = &review.others_may_go {
        out += &format!(
            "\nAt {} every name was left alone ({}): what else ran then is in neither revision, \
             and is deleted.\n",
            review.base.short(),
            harmless(why)
        );
    }
    if let Some(reason) = &review.held {
        out += &format!("\n{}\n", hold(reason));
    }
    out
}

/// What the brake does, and who lets it go.
pub(super) fn hold(reason: &str) -> String {
    format!(
        "The brake will hold this: it {reason}. After the merge an operator lets exactly that \
         happen with `vitrine approve HASH`; the status of the merge commit names the hash."
    )
}

fn one(out: &mut String, review: &Review, one: &Touched, now: Timestamp, objects: bool) {
    let mut head = vec![harmless(one.name.as_str()), one.what.word().to_owned()];
    if one.by_platform && one.what == What::Changes {
        head.push("by platform.yaml".to_owned());
    }
    head.extend(one.urls.first().cloned());
    *out += &format!("{}\n", head.join("  "));
    if let Some(earlier) = &one.earlier {
        let ago = ago(earlier.committed, now);
        *out += &format!("  identical to revision {} of {ago}\n", earlier.revision.short());
    }
    for topic in Topic::ALL {
        let facts = one.facts_of(topic);
        if !facts.is_empty() {
            *out += &format!("  {}\n", one.words(topic));
            rows(out, facts, matches!(one.what, What::Changes | What::Words));
        }
    }
    list(out, "what could go wrong", &one.risks);
    if !one.asks.is_empty() {
        let whom = review.operators.as_deref().map(harmless);
        let whom = whom.map_or("an operator".to_owned(), |whom| format!("{whom} (operators)"));
        list(out, &format!("ask {whom} about"), &one.asks);
    }
    for fault in &one.faults {
        *out += &indented(&human(fault));
    }
    if !one.objects.is_empty() {
        *out += &format!("  objects: {}\n", counted(&one.objects));
        if objects {
            one.objects.iter().for_each(|object| difference(out, object, "    "));
        }
    }
}

/// `2 created, 1 updated`
pub(super) fn counted(objects: &[ObjectChange]) -> String {
    let words = [
        (Verb::Create, "created"),
        (Verb::Update, "updated"),
        (Verb::Apply, "created, updated or in place"),
        (Verb::Delete, "deleted"),
    ];
    let counts = words.map(|(verb, word)| {
        let count = objects.iter().filter(|object| object.verb == verb).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// An object with each of its fields, as a difference marks them.
pub(super) fn difference(out: &mut String, object: &ObjectChange, indent: &str) {
    *out += &format!("{indent}{} {}\n", object.verb.mark(), object.key);
    for field in &object.fields {
        for (mark, value) in [('-', &field.now), ('+', &field.then)] {
            if let Some(value) = value {
                *out += &format!("{indent}{mark}   {}: {value}\n", field.path);
            }
        }
    }
}

fn list(out: &mut String, title: &str, items: &[Sentence]) {
    if !items.is_empty() {
        *out += &format!("  {title}\n");
        items.iter().for_each(|item| *out += &format!("    - {item}\n"));
    }
}

/// One value a row. `both`: it is said what was before, also where nothing was.
fn rows(out: &mut String, facts: Vec<&Fact>, both: bool) {
    let labels: Vec<String> = facts.iter().map(|fact| fact.label()).collect();
    let width = labels.iter().map(|label| label.chars().count()).filter(|n| *n <= 32).max();
    let width = width.unwrap_or(0);
    for (fact, label) in facts.iter().zip(labels) {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let (now, then) = (or_none(&fact.now), or_none(&fact.then));
        let label = format!("    {label:width$}  ");
        if !fact.differs() || (!both && fact.now.is_none()) {
            *out += &format!("{label}{then}\n");
        } else if !both && fact.then.is_none() {
            *out += &format!("{label}{now}\n");
        } else if now.chars().count() + then.chars().count() < WIDE {
            *out += &format!("{label}{now}  ->  {then}\n");
        } else {
            let indent = " ".repeat(label.chars().count());
            *out += &format!("{label}   {now}\n{indent}-> {then}\n");
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

impl Review {
    /// What all of it together costs more or less than now, at most; absent where nothing is priced,
    /// where it costs the same, and where the currency changes.
    pub fn costs(&self) -> Option<String> {
        let most = |bill: &Option<Bill>| bill.as_ref().map_or(0.0, |bill| bill.most);
        let difference: f64 =
            self.touched.iter().map(|one| most(&one.bills.1) - most(&one.bills.0)).sum();
        let bills = self.touched.iter().flat_map(|one| [&one.bills.1, &one.bills.0]);
        let mut currencies = bills.flatten().map(|bill| &bill.currency);
        let currency = currencies.next()?;
        if currencies.any(|other| other != currency) {
            return None; // there is no sum of two
        }
        let word = if difference > 0.0 { "more" } else { "less" };
        let amount = difference.abs();
        (amount >= 0.005).then(|| {
            format!("All together it costs at most {amount:.2} {currency} a month {word}.")
        })
    }

    /// `1 new, 2 changed, 1 removed; 37 solutions as before`
    pub fn summary(&self) -> String {
        let counts = [
            What::Appears,
            What::Changes,
            What::Disappears,
            What::Refused,
            What::Kept,
            What::WasFrozen,
            What::FrozenThenGone,
            What::Words,
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .filter_map(|what| {
                let count = self.touched.iter().filter(|one| one.what == what).count();
                let word = match what {
                    What::Words => "with other files and nothing else",
                    what => what.word(),
                };
                (count > 0).then(|| format!("{count} {word}"))
            })
            .collect();
        match &self.platform {
            Operator::Same => {}
            Operator::Changed(_) => parts.push("platform.yaml changed".to_owned()),
            Operator::Refused(_) => parts.push("platform.yaml refused".to_owned()),
            Operator::Mended => parts.push("platform.yaml mended".to_owned()),
        }
        let parts = if parts.is_empty() { "nothing changes".to_owned() } else { parts.join(", ") };
        match self.untouched {
            0 => parts,
            1 => format!("{parts}; 1 solution as before"),
            n => format!("{parts}; {n} solutions as before"),
        }
    }
}
