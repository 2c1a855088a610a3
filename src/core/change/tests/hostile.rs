//! Whatever authors write, it stays in its cell: rendered by a library and looked at as a tree.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::model::fault::code;
use crate::model::{ClaimedName, Fault, Kind, ObjectKey, Party};

/// What attackers try. Each holds the word by which it is found again.
const TRICKS: [&str; 26] = [
    "@EVIL please look",
    "`@EVIL`",
    "``` EVIL",
    "``````EVIL",
    "~~~ EVIL",
    "a | @EVIL | b",
    "a \\| @EVIL | b",
    "\\\\| EVIL",
    "</details><script>EVIL</script>",
    "</code></summary></details> EVIL",
    "<img src=x onerror=EVIL>",
    "<!-- EVIL -->",
    "--> EVIL",
    "[EVIL](https://evil.example)",
    "![EVIL](https://evil.example/x.png)",
    "https://EVIL.example www.EVIL.example",
    "EVIL@mail.example",
    "#1 EVIL !2 EVIL",
    "&#64;EVIL &lt;EVIL&gt;",
    "\u{202e}EVIL",
    "EVIL\n\n# EVIL",
    "EVIL\r\n| x | y |\n|---|---|",
    "[^EVIL]: note\n[^EVIL]",
    "$EVIL$ :EVIL: **EVIL** ~EVIL~",
    "EVIL\\",
    "`EVIL",
];

fn review(words: &[String]) -> Review {
    let word = |n: usize| words[n % words.len()].clone();
    let at = |n: usize| Some(word(n));
    let fact = |n: usize, topic| Fact {
        topic,
        components: Vec::new(),
        what: word(n),
        now: at(n + 1),
        then: at(n + 2),
    };
    let fault = Fault::new(code::BAD_TEXT, word(3), Party::Author, word(4)).help(word(5));
    let object = ObjectChange {
        key: ObjectKey::namespaced(Kind::ConfigMap, word(6), word(7)),
        verb: Verb::Update,
        fields: vec![Field { path: word(8), now: at(9), then: at(10) }],
    };
    let one = |n: usize, what| Touched {
        name: ClaimedName::of(&word(n)),
        folder: word(n + 1),
        title: at(n + 2),
        what,
        urls: vec!["https://use.demo.example".to_owned()],
        by_platform: false,
        earlier: None,
        facts: [Topic::Reach, Topic::Reaches, Topic::Cost, Topic::Different]
            .map(|topic| fact(n, topic))
            .into(),
        bills: (None, None),
        risks: vec![Sentence::of("{} goes with {}", &[&word(n + 3), &word(n + 4)])],
        asks: vec![Sentence::of("{} for {}", &[&word(n + 5), &word(n + 6)]).about(&word(n))],
        objects: vec![object.clone()],
        faults: vec![fault.clone()],
    };
    let whats = [What::Changes, What::Appears, What::Disappears, What::Refused, What::Kept];
    Review {
        base: Revision::parse(&"a".repeat(40)).unwrap(),
        head: Revision::parse(&"b".repeat(40)).unwrap(),
        platform: Operator::Changed(vec![fact(0, Topic::Different)]),
        operators: at(1),
        touched: whats.into_iter().enumerate().map(|(n, what)| one(n * 3, what)).collect(),
        untouched: 0,
        others_may_go: at(2),
        held: None,
    }
}

/// Fails if anything of an author's acts on the page.
fn harmless(page: &str) {
    assert!(page.chars().count() <= LONGEST);
    let (mut block, mut columns, mut cells) = (false, 0, 0);
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => block = true,
            Event::End(TagEnd::CodeBlock) => block = false,
            Event::Start(Tag::Table(ref alignments)) => columns = alignments.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow) => assert_eq!(cells, columns, "{page}"),
            Event::Text(ref text) if !block => {
                assert!(!text.contains("EVIL") && !text.contains('@'), "{text}\n{page}");
            }
            Event::Html(ref html) | Event::InlineHtml(ref html) => {
                let ours =
                    ["<details>", "<summary>", "</summary>", "</details>", "<code>", "</code>"];
                let rest = ours.iter().fold(html.to_string(), |html, tag| html.replace(tag, ""));
                assert!(!rest.contains('<') && !rest.contains('@'), "{html}\n{page}");
            }
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                assert_eq!(&**dest_url, "https://use.demo.example", "{page}");
            }
            Event::Start(
                Tag::Image { .. } | Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_),
            )
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => panic!("{event:?}\n{page}"),
            _ => {}
        }
    }
    assert!(!block, "{page}");
}

#[test]
fn no_trick_of_the_list_leaves_its_cell() {
    for one in TRICKS {
        for other in TRICKS {
            harmless(&markdown(&review(&[one.to_owned(), other.to_owned()])));
        }
    }
}

#[test]
fn a_value_of_a_hundred_kilobytes_stays_small_and_in_its_cell() {
    for trick in TRICKS {
        let long = trick.repeat(100_000 / trick.len());
        harmless(&markdown(&review(&[long])));
    }
    let many = Review {
        touched: vec![review(&["`EVIL".repeat(60)]).touched[0].clone(); 400],
        ..review(&["EVIL".to_owned()])
    };
    let page = markdown(&many);
    harmless(&page);
    assert!(page.contains("vitrine diff"), "where it ends it says how to read the rest");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_stays_in_its_cell(
        words in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    "[`~|\\\\<>&@#!\\[\\]()*_ \\n\\t-]{0,6}",
                    (0..TRICKS.len()).prop_map(|n| TRICKS[n].to_owned()),
                    "\\PC{0,4}",
                ],
                0..6,
            )
            .prop_map(|parts| parts.concat()),
            1..8,
        ),
    ) {
        harmless(&markdown(&review(&words)));
    }
}
