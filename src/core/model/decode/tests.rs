#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use super::*;
use crate::model::Party;
use crate::model::fault::{Fault, code};

const SCHEMA: Schema = Schema::of(&["name", "port", "ready", "after", "size", "tags", "image"])
    .reserving(&[("ports", "one port: `port`")]);

fn judged(text: &str, judge: impl Fn(&Fields<'_>)) -> Vec<String> {
    let (sheet, root) = open("f.yaml", text.as_bytes(), Party::Author);
    if let Some(fields) = root.as_ref().and_then(|root| sheet.root(root, SCHEMA)) {
        judge(&fields);
    }
    sheet.finish().iter().map(|fault| format!("{} {fault}", fault.code)).collect()
}

#[test]
fn every_fault_of_a_file_is_told_at_once_and_in_its_order() {
    let faults = judged("nmae: x\nport: 080\nready: yes\nports: []\ntags: 3\n", |fields| {
        fields.required("name");
        fields.get("tags").and_then(|tags| tags.list());
        fields.get("ready").and_then(|ready| ready.boolean());
        fields.get("port").and_then(|port| port.integer(1, 100));
    });
    let codes: Vec<&str> = faults.iter().filter_map(|fault| fault.get(..5)).collect();
    assert_eq!(codes, ["V0207", "V0210", "V0204", "V0208", "V0204"], "{faults:#?}");
    assert!(faults[0].contains("did you mean `name`"), "{faults:#?}");
    assert!(faults[1].contains("write 80"), "{faults:#?}");
    assert!(faults[3].contains("one port: `port`"), "{faults:#?}");
}

#[test]
fn a_missing_key_is_told_at_the_map_that_lacks_it_unless_it_stands_misspelt() {
    let missing = judged("port: 1\n", |fields| {
        fields.required("name");
    });
    assert_eq!(missing, ["V0203 f.yaml:1:1: `name` is missing; add `name:`"]);
    let misspelt = judged("Name: x\n", |fields| {
        fields.required("name");
    });
    assert_eq!(misspelt.len(), 1, "{misspelt:#?}");
    assert!(misspelt[0].starts_with("V0207"));
}

#[test]
fn a_key_with_nothing_behind_it_is_a_fault_and_not_a_default() {
    let faults = judged("port:\nname: ~\n", |fields| {
        assert!(fields.get("port").is_none());
        assert!(fields.or_null("name").is_none());
    });
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("V0205 f.yaml:1:1"), "{faults:#?}");
}

#[test]
fn a_value_of_the_wrong_type_says_how_to_write_it() {
    let faults = judged("name: 1.20\nport: \"80\"\nafter: 5\nsize: 1GB\n", |fields| {
        fields.get("name").and_then(|c| c.text());
        fields.get("port").and_then(|c| c.integer(1, 100));
        fields.get("after").and_then(|c| c.duration(Duration::ZERO, Duration::from_secs(60)));
        fields.get("size").and_then(|c| c.quantity());
    });
    assert!(faults[0].contains("write it in quotes: \"1.20\""), "{faults:#?}");
    assert!(faults[1].contains("without quotes: 80"), "{faults:#?}");
    assert!(faults[2].starts_with("V0306"), "{faults:#?}");
    assert!(faults[3].starts_with("V0305"), "{faults:#?}");
}

#[test]
fn an_alias_is_told_once_and_not_again_as_a_wrong_type() {
    let faults = judged("name: &a x\nport: *a\n", |fields| {
        fields.get("name").and_then(|c| c.text());
        fields.get("port").and_then(|c| c.integer(1, 100));
    });
    assert_eq!(faults.len(), 2, "{faults:#?}");
}

const INNER: Schema = Schema::described(&[
    Field::new("minReplicas", Form::Whole(0, 9), ""),
    Field::new("maxReplicas", Form::Whole(0, 9), ""),
]);
const PROBE: Schema =
    Schema::described(&[Field::new("get", Form::Text, ""), Field::new("connect", Form::Text, "")])
        .choosing("get", "connect", "a probe asks one way");
const OUTER: Schema = Schema::described(&[
    Field::new("title", Form::Line(9), ""),
    Field::new("scaling", Form::Map(&INNER), ""),
    Field::new("probe", Form::Map(&PROBE), ""),
]);

fn described(text: &str) -> Vec<Fault> {
    let (sheet, root) = open("f.yaml", text.as_bytes(), Party::Author);
    if let Some(fields) = root.as_ref().and_then(|root| sheet.root(root, OUTER)) {
        for key in ["scaling", "probe"] {
            fields.get(key).and_then(|cursor| cursor.fields());
        }
    }
    sheet.finish()
}

#[test]
fn a_key_at_the_wrong_level_is_told_where_it_belongs() {
    for (text, meant) in [
        ("replicas: 3\n", "did you mean `scaling.maxReplicas`? "),
        ("minreplicas: 3\n", "did you mean `scaling.minReplicas`? "),
        ("scaling: {title: a}\n", "did you mean `title`? "),
        ("titel: a\n", "did you mean `title`? "),
        ("quux: 3\n", "allowed: "),
    ] {
        let help = described(text).remove(0).help.unwrap();
        assert!(help.starts_with(meant), "{text}: {help}");
    }
}

#[test]
fn of_two_keys_a_map_may_need_one_and_take_not_both() {
    let told = |text: &str| -> Vec<String> {
        described(text).iter().map(|fault| format!("{} {fault}", fault.code)).collect()
    };
    assert_eq!(told("probe: {get: a}\n"), Vec::<String>::new());
    assert_eq!(told("probe: {}\n"), ["V0203 f.yaml:1:1: `probe` lacks `get` or `connect`"]);
    let both = told("probe:\n  get: a\n  connect: b\n");
    assert!(both[0].starts_with("V0209 f.yaml:3:3"), "{both:#?}");
}

#[test]
fn of_thousands_of_faults_the_first_are_told_and_the_last_says_how_many() {
    let text: String = (0..5000).map(|n| format!("key{n}: 1\n")).collect();
    let faults = described(&text);
    assert_eq!(faults.len(), sheet::MOST_FAULTS + 1);
    assert_eq!(faults[99].line, 100);
    assert!(faults[99].help.is_some() && faults[99].snippet.is_some());
    assert_eq!(faults[100].code, code::TOO_MANY_FAULTS);
    assert!(faults[100].message.contains("5000"), "{}", faults[100]);
    assert_eq!(described(&text[..text.find("key100:").unwrap()]).len(), 100);
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let read = |text: &str| {
        judged(text, |fields| {
            fields.get("port").and_then(|c| c.integer(0, 100));
        })
        .len()
    };
    for (text, faults) in [
        ("80.0", 0),
        ("8e1", 0),
        ("+80", 0),
        ("-0", 0),
        ("80.5", 1),
        ("1e3", 1),
        ("-1", 1),
        ("0x10", 1),
    ] {
        assert_eq!(read(&format!("port: {text}\n")), faults, "{text}");
    }
}

#[test]
fn a_boolean_has_one_spelling() {
    let read = |text: &str| {
        judged(text, |fields| {
            fields.get("ready").and_then(|c| c.boolean());
        })
    };
    assert_eq!(read("name: \u{e4}\nready: true # yes\n").len(), 0);
    assert_eq!(read("{name: \u{e4}, ready: false}\n").len(), 0);
    let shouted = read("ready: TRUE\n");
    assert!(shouted[0].contains("write true"), "{shouted:#?}");
}
