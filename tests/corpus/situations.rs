//! Whoever reads only the board, only the notes, only the terminal or only `/status.json` knows the
//! same. A dozen situations, each as all four tell it, side by side in `tests/corpus/situations.md`;
//! `UPDATE_GOLDEN=1` writes it anew, and the difference is for a person to read.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use vitrine::web;
use vitrine_core::config::Config;
use vitrine_core::engine::world::{Act, Form, NAMES, World};
use vitrine_core::model::invisible::is_invisible;
use vitrine_core::status::{self, Board, CommitState, CommitStatus, Sync, Verdict};

/// Long enough for everything that is on its way.
const ON: Act = Act::Go(250);

/// What happened, and the acts that bring it about in a world of published solutions.
const SITUATIONS: [(&str, &[Act]); 12] = [
    ("A solution sleeps until somebody visits it", &[]),
    ("Somebody visits it", &[Act::Scale(0, 1)]),
    ("It has configurations, each with an address", &[Act::Publish(0, 2)]),
    ("Somebody visits it, and it does not come up yet", &[Act::Scale(0, 1), Act::Sick(0, true)]),
    ("A commit is refused, and the one before serves", &[Act::Scale(0, 1), Act::Slip(0)]),
    (
        "A commit is refused, and what runs does not come up",
        &[Act::Scale(0, 1), Act::Sick(0, true), Act::Slip(0)],
    ),
    ("The API server refuses the new version", &[Act::Deny(0, 0, true), Act::Publish(0, 1)]),
    ("Too many folders disappear at once", &[Act::RemoveMany(2)]),
    ("The catalogue gets another domain", &[Act::Domain(true)]),
    ("The operator's file is broken", &[Act::BreakPlatform, Act::Publish(0, 1)]),
    ("The cluster lacks a kind", &[Act::Definition(false), Act::Publish(0, 2)]),
    ("The repository cannot be read", &[Act::RepositoryDown(true)]),
];

/// A world of three solutions in which this happened.
fn staged(acts: &[Act]) -> World {
    let mut world = World::with(Config::sample(), &NAMES[..3], 1);
    world.remote.commit(false, |made| {
        made.folders.insert("gamma".to_owned(), Form::Good(3));
    });
    world.settle();
    for act in acts.iter().chain(&[Act::Hint, ON, Act::Pass(5), ON, Act::Pass(40), ON]) {
        world.act(act);
        world.decide();
    }
    world
}

/// A page as a person reads it: without tags, one line a block.
fn text_of(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    let body = body.split_once("<footer>").map_or(body, |(body, _)| body);
    let mut text = String::new();
    for part in body.split('<') {
        let (tag, said) = part.split_once('>').unwrap_or(("", part));
        let block = ["li", "p", "h1", "h2", "h3", "div", "dt", "ul", "section", "summary"];
        let name = tag.trim_start_matches('/').split([' ', '.']).next().unwrap_or_default();
        let inline = tag.starts_with("li") && text.ends_with(": ");
        text.push_str(if block.contains(&name) && !inline { "\n" } else { "" });
        text.push_str(said);
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let lines = text.replace("&amp;", "&");
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands on the commit that a verdict is about.
fn note<'a>(world: &'a World, verdict: &Verdict) -> Option<&'a CommitStatus> {
    let context = format!("vitrine/prod/{}", verdict.name);
    let lines = world.notes.get(verdict.revision.as_ref()?)?;
    lines.iter().find(|line| line.context == context)
}

/// The facts of a verdict that a person has to know, as the views may write them.
fn facts(verdict: &Verdict) -> Vec<String> {
    let mut facts = vec![verdict.name.to_string(), format!("{:?}", verdict.sync)];
    facts.push(verdict.reason.text.clone());
    facts.push(verdict.next.clone());
    facts.extend(verdict.health.map(|health| format!("{health:?}")));
    facts.extend(verdict.urls.iter().map(|url| url.trim_start_matches("https://").to_owned()));
    facts.extend(verdict.revision.as_ref().map(|revision| revision.short().to_owned()));
    facts.extend(verdict.serves_another().map(|serving| serving.short().to_owned()));
    facts
}

/// What one view does not tell of a board.
fn untold(view: &str, board: &Board) -> Vec<String> {
    let said: String = view.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let facts = board.verdicts.iter().flat_map(facts);
    let mut lacks: Vec<String> = facts
        .filter(|fact| {
            let fact: String = fact.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            !said.contains(&fact) && !said.contains(&fact.replace("wakefailed", "wake failed"))
        })
        .collect();
    lacks.extend(board.held.iter().map(|held| held.command()).filter(|c| !said.contains(&**c)));
    lacks
}

/// What the notes do not tell of a verdict: whether all is well, else why not, what to do and which
/// commit serves meanwhile.
fn unnoted(world: &World, verdict: &Verdict) -> Option<String> {
    let Some(note) = note(world, verdict) else { return Some("no line".to_owned()) };
    let said = &note.description;
    let word = format!("{:?}", verdict.sync);
    if !said.starts_with(&word) {
        // What was said to the end stays said; what came after is on the newest commit, with its name.
        let head = world.engine.board().revision.as_ref();
        let whole = head.filter(|head| Some(*head) != verdict.revision.as_ref());
        let whole = whole.and_then(|head| world.notes.get(head)).into_iter().flatten();
        let tells = |line: &CommitStatus| {
            line.context == "vitrine/prod"
                && line.description.contains(&word)
                && line.description.contains(verdict.name.as_str())
        };
        let told = note.state == CommitState::Success && whole.into_iter().any(tells);
        return (!told).then(|| format!("{said}: not {word}"));
    }
    if verdict.is_good() || verdict.sync == Sync::Progressing {
        return None;
    }
    let start: String = verdict.reason.text.chars().take(30).collect();
    let serves = verdict.serves_another().map(|revision| revision.short().to_owned());
    let lacks = [start, verdict.next.clone()].into_iter().chain(serves);
    lacks.into_iter().find(|fact| !said.contains(fact.as_str()))
}

#[test]
fn board_notes_terminal_and_json_tell_the_same() {
    let mut golden = "# Situations\n\nThe same as the board, the terminal, the notes and \
                      `/status.json` tell it. Made by `tests/corpus/situations.rs`.\n"
        .to_owned();
    for (title, acts) in SITUATIONS {
        let world = staged(acts);
        assert!(world.wrong.is_empty(), "{title}: {:?}", world.wrong);
        let board = world.engine.board();
        let page = text_of(&web::page_of(board));
        let mut terminal = status::table(board, None, false);
        for verdict in &board.verdicts {
            terminal += &status::details(board, verdict, None, false);
        }
        let document = serde_json::from_str(&status::status_json(board)).unwrap();
        let strings = strings(&document);
        assert_eq!(untold(&page, board), [""; 0], "{title}: the page\n{page}");
        assert_eq!(untold(&terminal, board), [""; 0], "{title}: the terminal\n{terminal}");
        assert_eq!(untold(&strings, board), [""; 0], "{title}: the document\n{strings}");
        for verdict in &board.verdicts {
            // What cannot be read cannot be written to either: the notes keep their last word.
            if verdict.sync == Sync::Unknown {
                continue;
            }
            assert_eq!(unnoted(&world, verdict), None, "{title}: the notes of {}", verdict.name);
        }
        let _ = write!(golden, "\n## {title}\n\nThe board:\n\n```text\n{page}\n```\n");
        let table = status::table(board, None, false);
        let _ =
            write!(golden, "\n`vitrine status`:\n\n```text\n{table}```\n\nThe notes:\n\n```text\n");
        for verdict in &board.verdicts {
            if let Some(CommitStatus { state, context, description, url }) = note(&world, verdict) {
                let commit = verdict.revision.as_ref().map_or("", |revision| revision.short());
                let _ =
                    writeln!(golden, "{commit} {} {context} {description} {url}", state.as_str());
            }
        }
        let alpha = document["solutions"].as_array().and_then(|all| all.first());
        let alpha = alpha.map_or_else(String::new, |solution| format!("{solution:#}"));
        let _ = write!(
            golden,
            "```\n\nThe first solution in `/status.json`:\n\n```json\n{alpha}\n```\n"
        );
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/situations.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &golden).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(known == golden, "tests/corpus/situations.md is stale: UPDATE_GOLDEN=1 writes it anew");
}

/// Folder names as somebody would choose them who wants to be seen, or not to be.
fn evil_name() -> impl Strategy<Value = String> {
    prop_oneof![
        r"[a-zA-Z0-9 <>&\x01-\x1f\x7f-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{200b}-\u{200f}]{1,60}",
        "[a-z]{200,3000}",
        Just("\u{1b}]0;owned\u{7}".to_owned()),
        Just("<script>alert(1)</script>".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 16, ..<_>::default() })]

    #[test]
    fn whatever_folders_are_called_neither_page_nor_notes_nor_lines_act_on_who_reads_them(
        names in prop::collection::btree_set(evil_name(), 1..5),
    ) {
        let mut world = World::settled(&["alpha"]);
        world.remote.commit(false, |made| {
            made.folders.extend(names.iter().map(|name| (name.clone(), Form::Slip)));
        });
        for act in [Act::Hint, ON, Act::Pass(10), ON] {
            world.act(&act);
            world.decide();
        }
        let board = world.engine.board();
        let acts = |c: char| is_invisible(c) && c != '\n';
        let page = web::page_of(board);
        prop_assert!(!page.contains(acts) && !page.contains("<script>alert"), "{page:?}");
        let mut told = 0;
        for verdict in &board.verdicts {
            let details = status::details(board, verdict, Some(60), false);
            prop_assert!(!details.contains(acts), "{details:?}");
            if let Some(CommitStatus { context, description, url, .. }) = note(&world, verdict) {
                let line = format!("{context} {description} {url}");
                prop_assert!(!line.contains(is_invisible), "{line:?}");
                told += 1;
            }
        }
        prop_assert!(told > names.len(), "each refused folder has a line: {:?}", board.verdicts);
    }
}

/// All text of a document.
fn strings(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text} "),
        Value::Array(list) => list.iter().map(strings).collect(),
        Value::Object(map) => map.values().map(strings).collect(),
        _ => String::new(),
    }
}
