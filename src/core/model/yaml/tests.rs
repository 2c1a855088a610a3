#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn problems(text: &str) -> Vec<Problem> {
    read(text.as_bytes()).findings.iter().map(|finding| finding.problem).collect()
}

fn entry(text: &str) -> Node {
    let document = read(text.as_bytes());
    assert_eq!(document.findings, [], "{text}");
    match document.root.unwrap().value {
        Value::Map(mut entries) => entries.remove(0).1,
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_mean_what_the_core_schema_says_and_nothing_else() {
    for (word, value) in [
        ("no", Value::Text("no".into())),
        ("off", Value::Text("off".into())),
        ("06:30", Value::Text("06:30".into())),
        ("2027-06-30", Value::Text("2027-06-30".into())),
        ("1_000", Value::Text("1_000".into())),
        ("true", Value::Bool(true)),
        ("~", Value::Null),
        ("", Value::Null),
        ("0o17", Value::Integer("0o17".into())),
        ("-3", Value::Integer("-3".into())),
        ("0.5", Value::Float("0.5".into())),
        ("1e3", Value::Float("1e3".into())),
        (".inf", Value::Float(".inf".into())),
        (".", Value::Text(".".into())),
        ("e5", Value::Text("e5".into())),
        ("\"true\"", Value::Text("true".into())),
        ("'1'", Value::Text("1".into())),
    ] {
        assert_eq!(entry(&format!("a: {word}\n")).value, value, "{word}");
    }
}

#[test]
fn a_value_knows_its_line_and_its_columns_in_characters() {
    let node = entry("\"ä\": wörd # comment\n");
    assert_eq!((node.at.line, node.at.column, node.at.end_column), (1, 6, 10));
    let node = entry("\u{feff}a:\r\n  - 1\r\n");
    let Value::List(items) = node.value else { panic!() };
    assert_eq!((items[0].at.line, items[0].at.column), (2, 5));
}

#[test]
fn what_makes_a_file_say_more_than_it_shows_is_found_by_name() {
    assert_eq!(problems("a: &x 1\nb: *x\n"), [Problem::Anchor, Problem::Alias]);
    assert_eq!(problems("b: *nowhere\n"), [Problem::Alias]);
    assert_eq!(problems("a: {<<: {b: 1}}\n"), [Problem::MergeKey]);
    assert_eq!(problems("a: !!str 1\n"), [Problem::Tag]);
    assert_eq!(problems("a: !mine {b: 1}\n"), [Problem::Tag]);
    assert_eq!(problems("a: 1\na: 2\n"), [Problem::DuplicateKey]);
    assert_eq!(problems("a: 1\n\"a\": 2\n"), [Problem::DuplicateKey]);
    assert_eq!(problems("[a]: 1\n"), [Problem::KeyNotText]);
    assert_eq!(problems("? {b: 1}\n: 1\n"), [Problem::KeyNotText]);
    assert_eq!(problems(": 1\n"), [Problem::KeyNotText]);
    assert_eq!(problems("a: 1\n---\na: 2\n"), [Problem::SeveralDocuments]);
    assert_eq!(problems("%YAML 1.1\n---\na: 1\n"), [Problem::Directive]);
    assert_eq!(problems("a: \"x\u{202e}y\"\n"), [Problem::BidiControl]);
    assert_eq!(problems("a: \"x\u{7f}y\"\n"), [Problem::ControlCharacter]);
    assert!(problems("a: 1\n\u{feff}b: 2\n").contains(&Problem::ByteOrderMark));
    assert_eq!(problems(""), [Problem::Empty]);
    assert_eq!(problems("# only a comment\n"), [Problem::Empty]);
    assert_eq!(problems("a: [1\n"), [Problem::Syntax]);
}

#[test]
fn what_is_no_text_is_named_before_it_is_parsed() {
    let one = |bytes: &[u8]| read(bytes).findings[0].problem;
    assert_eq!(one(&[0xff, 0xfe, b'a', 0]), Problem::Utf16);
    assert_eq!(one(b"a\0:\0 \x001\0"), Problem::Utf16);
    assert_eq!(one(b"a: \0"), Problem::Binary);
    assert_eq!(one(b"a: \xff"), Problem::NotUtf8);
    assert_eq!(one(b"version https://git-lfs.github.com/spec/v1\noid x\n"), Problem::LfsPointer);
    assert_eq!(one(&vec![b'a'; MAX_BYTES + 1]), Problem::TooLarge);
}

#[test]
fn deep_nesting_and_alias_bombs_end_early() {
    for deep in ["[".repeat(10_000), "{a: ".repeat(10_000), "- ".repeat(10_000)] {
        assert_eq!(problems(&deep), [Problem::TooDeep]);
    }
    let most = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(problems(&most), []);
    let flood = format!("[{}]", "1,".repeat(MAX_NODES + 1));
    assert_eq!(problems(&flood), [Problem::TooManyNodes]);
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..9 {
        bomb += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    let found = problems(&bomb);
    assert_eq!(found.iter().filter(|problem| **problem == Problem::Anchor).count(), 9);
    assert_eq!(found.iter().filter(|problem| **problem == Problem::Alias).count(), 16);
}

#[test]
fn the_lines_of_a_file_are_counted_as_the_parser_counts_them() {
    assert_eq!(lines(b"a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
    assert_eq!(lines("\u{feff}a".as_bytes()), ["a"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let document = read(&bytes);
        prop_assert!(document.root.is_some() || !document.findings.is_empty());
    }

    #[test]
    fn no_mutilated_file_makes_it_panic(
        cut in 0_usize..200,
        insert in "[\\[\\]{}:,&*!|>'\"%@`\\-? \\n\\t#a0]{0,12}",
    ) {
        let text = "apiVersion: v1\nkind: Solution\nspec:\n  env: {A: \"1\", B: 'x'}\n  \
                    args: [a, |\n   b]\n  text: >-\n    folded\n    text\n";
        let cut = cut.min(text.len());
        let document = read(format!("{}{insert}{}", &text[..cut], &text[cut..]).as_bytes());
        prop_assert!(document.root.is_some() || !document.findings.is_empty());
    }
}
