//! The board as a page. Everything it needs is in it: no font, picture or script from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use vitrine_core::model::{Party, Revision};
use vitrine_core::plan::Harm;
use vitrine_core::status::word::{self, Tone};
use vitrine_core::status::{Board, Held, Outage, Verdict, Verdicts};

/// The page's style. Its hash stands in the content security policy.
pub const STYLE: &str = include_str!("page/style.css");
/// The page's script: it asks for a newer board once a second. Without it the page reloads
/// itself.
pub const SCRIPT: &str = include_str!("page/script.js");

/// The board. `version` is its entity tag, from which the script goes on asking.
pub fn board(board: &Board, version: &str) -> Markup {
    let title = format!("{} - vitrine/{}", board.summary(), board.instance);
    document(
        &title,
        worst(board),
        &html! {
            header {
                h1 { "vitrine" span.instance { "/" (board.instance) } }
                p #summary role="status" { (board.summary()) }
                (facts(board))
            }
            p #lost.notice.trouble hidden role="alert" {
                "The daemon does not answer. What you see is the last that it said."
            }
            main #board data-version=(version) {
                (notices(board))
                (sections(&board.verdicts))
                (previews(&board.previews))
            }
            footer {
                p { "The three words of a solution: is the cluster what the catalogue says, where \
                    is it between sleep and service, does it work." }
                p { "This page changes nothing. The same for programs: "
                    a href="/status.json" { "status.json" } }
            }
            script { (PreEscaped(SCRIPT)) }
        },
        true,
    )
}

/// One solution, for who comes from a commit's status; `asked`: that commit. `None`: the board has
/// no such solution.
pub fn solution(board: &Board, name: &str, asked: Option<&str>) -> Option<Markup> {
    let all = board.verdicts.iter().chain(board.previews.iter());
    let verdict = all.into_iter().find(|verdict| verdict.name.as_str() == name)?;
    let title = format!("{name} - vitrine/{}", board.instance);
    let newer = asked.filter(|asked| {
        board.revision.as_ref().is_some_and(|revision| !revision.as_str().starts_with(asked))
    });
    Some(document(
        &title,
        word::tone(verdict),
        &html! {
            header {
                h1 { "vitrine" span.instance { "/" (board.instance) } }
                p { a href="/" { "All solutions" } }
                (facts(board))
            }
            main {
                @if let Some(asked) = newer {
                    p.notice { "You come from commit " code { (asked) } ". This is how the solution \
                        is now; what became of that commit stands on the commit." }
                }
                ul.rows { (row(verdict)) }
            }
        },
        true,
    ))
}

/// What stands at the address of a solution that the board does not have.
pub fn no_solution(name: &str) -> Markup {
    document(
        "No such solution - vitrine",
        Tone::Calm,
        &html! {
            header { h1 { "No such solution" } }
            main { p { "There is no " code { (name) } " in the catalogue or on the cluster, or not \
                any more. " a href="/" { "The board" } " lists every solution." } }
        },
        false,
    )
}

/// What stands at an address that is none of ours.
pub fn not_found() -> Markup {
    document(
        "Not found - vitrine",
        Tone::Calm,
        &html! {
            header { h1 { "Not found" } }
            main { p { "There is nothing here. " a href="/" { "The board" } " lists every solution." } }
        },
        false,
    )
}

fn document(title: &str, tone: Tone, body: &Markup, reloads: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if reloads { noscript { meta http-equiv="refresh" content="5"; } }
                title { (title) }
                link #icon rel="icon" href=(icon(tone));
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

/// Which catalogue, which commit, how fresh.
fn facts(board: &Board) -> Markup {
    html! {
        dl #facts {
            div { dt { "Catalogue" } dd { (board.repository) } }
            @if let Some(revision) = &board.revision {
                div { dt { "Commit" } dd { (commit(revision)) } }
            }
            @if let Some(checked) = &board.checked_at {
                div { dt { "Checked" } dd {
                    time datetime=(checked) { (checked.strftime("%H:%M:%S UTC")) }
                } }
            }
        }
    }
}

fn notices(board: &Board) -> Markup {
    html! {
        @if board.reports {
            section.notice aria-label="Mode" {
                h2 { "This daemon only reports" }
                p { "Nothing is written, whatever is merged (" code { "cluster.mode: report" } ")." }
            }
        }
        @if let Some(outage) = &board.unknown { (outage_notice(outage, board.revision.as_ref())) }
        @if let Some(outage) = &board.cluster { (silence_notice(outage)) }
        @if let Some(held) = &board.held { (held_notice(held)) }
        @if !board.findings.is_empty() {
            section.notice.trouble aria-label="Platform" {
                h2 { "The platform" }
                ul { @for finding in &board.findings { li { (finding.line()) } } }
            }
        }
        @if !board.problems.is_empty() {
            section.notice.trouble aria-label="Problems" {
                h2 { "For the operator" }
                ul { @for problem in &board.problems { li { (problem) } } }
            }
        }
    }
}

fn outage_notice(outage: &Outage, revision: Option<&Revision>) -> Markup {
    html! {
        section.notice.trouble aria-label="Outage" {
            h2 { "The repository cannot be read since "
                time datetime=(outage.since) { (outage.since.strftime("%H:%M UTC, %-d %B")) } }
            p { (outage.cause) }
            @if let Some(revision) = revision {
                p { "Commit " (commit(revision)) " keeps serving. Nothing is deleted meanwhile." }
            }
        }
    }
}

fn silence_notice(outage: &Outage) -> Markup {
    html! {
        section.notice.trouble aria-label="Cluster" {
            h2 { "The cluster cannot be read since "
                time datetime=(outage.since) { (outage.since.strftime("%H:%M UTC, %-d %B")) } }
            p { (outage.cause) }
            p { "What runs there goes on. How it does, nobody knows." }
        }
    }
}

fn held_notice(held: &Held) -> Markup {
    let Harm { deletions, addresses } = &held.harm;
    html! {
        section.notice.trouble aria-label="Held" {
            h2 { (held.harm.count()) " held: " (held.reason) }
            p { "If that is what you want: " code.command { (held.command()) } }
            details #held {
                summary { "What would be lost" }
                ul {
                    @for address in addresses {
                        li { (address) span.muted { " through " (address.gateway) } }
                    }
                    @for key in deletions {
                        li { (key) @if let Some(ns) = &key.namespace { span.muted { " in " (ns) } } }
                    }
                }
            }
        }
    }
}

/// Three lists: what waits for somebody, what ends by itself, and the rest.
fn sections(verdicts: &Verdicts) -> Markup {
    let of = |tones: &[Tone]| -> Vec<&Verdict> {
        verdicts.iter().filter(|v| tones.contains(&word::tone(v))).collect()
    };
    let sections = [
        ("Somebody must act", of(&[Tone::Trouble])),
        ("Under way", of(&[Tone::Moving])),
        ("In order", of(&[Tone::Calm, Tone::Good])),
    ];
    html! {
        @for (title, members) in sections.iter().filter(|(_, members)| !members.is_empty()) {
            section {
                h2 { (title) " " span.count { (members.len()) } }
                ul.rows { @for verdict in members { (row(verdict)) } }
            }
        }
        @if verdicts.is_empty() {
            p.empty { "As soon as a folder of the catalogue holds a "
                code { "solution.yaml" } ", it appears here." }
        }
    }
}

/// What pull requests show beside the catalogue.
fn previews(verdicts: &Verdicts) -> Markup {
    html! {
        @if !verdicts.is_empty() {
            section {
                h2 { "Previews of pull requests " span.count { (verdicts.len()) } }
                ul.rows { @for verdict in verdicts.iter() { (row(verdict)) } }
            }
        }
    }
}

fn row(verdict: &Verdict) -> Markup {
    html! {
        li.row.(class(word::tone(verdict))) id={ "solution-" (verdict.name) } {
            div.who {
                h3 { (verdict.name) }
                @for (n, url) in verdict.urls.iter().filter(|url| is_web(url)).enumerate() {
                    @let id = if n == 0 { format!("open-{}", verdict.name) } else { format!("open-{}-{}", verdict.name, n + 1) };
                    a id=(id) href=(url) rel="noopener noreferrer" { (host(url)) }
                }
            }
            ul.words {
                (one_word("Sync", Some((word::sync(verdict.sync), word::sync_tone(verdict.sync)))))
                (one_word("Stage", verdict.stage.map(|s| (word::stage(s), word::stage_tone(s)))))
                (one_word("Health", verdict.health.map(|h| (word::health(h), word::health_tone(h)))))
            }
            div.say {
                p.reason { (verdict.reason) }
                p.next {
                    strong { (whose(verdict.party)) " turn" @if !verdict.next.is_empty() { ":" } }
                    " " (verdict.next)
                }
            }
            p.facts {
                @if let Some(revision) = &verdict.revision { (commit(revision)) " " }
                @if let Some(serving) = verdict.serves_another() { "serving " (commit(serving)) " " }
                span { (verdict.objects) @if verdict.objects == 1 { " object" } @else { " objects" } }
            }
        }
    }
}

/// One of the three words, with a sign of its own shape: colour alone says nothing.
fn one_word(label: &str, word: Option<(&str, Tone)>) -> Markup {
    html! {
        li {
            span.hidden { (label) ": " }
            @match word {
                Some((word, tone)) => span.word.(class(tone)) {
                    span aria-hidden="true" { (sign(tone)) } (word)
                },
                None => span.word.none { "\u{2013}" },
            }
        }
    }
}

fn commit(revision: &Revision) -> Markup {
    html! { code title=(revision) { (revision.short()) } }
}

const fn whose(party: Party) -> &'static str {
    match party {
        Party::Nobody => "Nobody\u{2019}s",
        Party::Vitrine => "vitrine\u{2019}s",
        Party::Author => "The author\u{2019}s",
        Party::Reviewer => "A reviewer\u{2019}s",
        Party::Operator => "The operator\u{2019}s",
    }
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Trouble => "trouble",
        Tone::Moving => "moving",
        Tone::Calm => "calm",
        Tone::Good => "good",
    }
}

const fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Trouble => "\u{25b2}",
        Tone::Moving => "\u{25d0}",
        Tone::Calm => "\u{25cb}",
        Tone::Good => "\u{25cf}",
    }
}

/// The worst of the board, for the sign in the browser's tab.
fn worst(board: &Board) -> Tone {
    let outage = board.unknown.is_some() || board.cluster.is_some();
    if outage || board.held.is_some() || !board.problems.is_empty() {
        return Tone::Trouble;
    }
    board.verdicts.iter().map(word::tone).min().unwrap_or(Tone::Calm)
}

fn icon(tone: Tone) -> String {
    let colour = match tone {
        Tone::Trouble => "%23c62828",
        Tone::Moving => "%23c77700",
        Tone::Calm | Tone::Good => "%23188038",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
         %3Crect x='2' y='2' width='12' height='12' rx='3' fill='{colour}'/%3E%3C/svg%3E"
    )
}

/// Only these become links: another scheme could run a script.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}
