//! The contract as a page for people: `docs/manifest.md`.

use std::fmt::Write as _;

use super::File;
use crate::model::decode::{Choice, Field, Form, Schema};
use crate::model::duration;
use std::time::Duration;

/// The reference of both files, in Markdown. A test holds the page in `docs` against it.
pub fn reference() -> String {
    let mut page = "\
# Every key of `solution.yaml` and `platform.yaml`

This page is made from the same description that judges the files and that `vitrine schema` \
prints: what stands here is what holds. An author's first steps are in [the tutorial](tutorial.md); \
what a mistake means is in [the faults](faults/README.md).

Both files are one YAML document of at most 256 KiB. Keys that are not listed here are refused, \
with a suggestion. A value in *italics* is described in words.

A *duration* is a number with `h`, `m`, `s` or `ms`, or several of them: `30m`, `1h30m`. A \
*quantity* is a number, if need be with `m` (a thousandth), `k`, `M`, `G` or `Ki`, `Mi`, `Gi`: \
`500m` of a processor, `2Gi` of memory. `[]` after a key means each item of its list, `<name>` \
a name that the author chooses.
"
    .to_owned();
    for file in [File::Solution, File::Platform] {
        let _ = writeln!(page, "\n## `{}.yaml`", file.kind().to_lowercase());
        let mut seen = Vec::new();
        section(&mut page, "", file.schema(), &mut seen);
    }
    page
}

/// One map and then the maps inside it. A map that was told before is named, not repeated.
fn section(page: &mut String, path: &str, schema: Schema, seen: &mut Vec<(String, Signature)>) {
    if !path.is_empty() {
        let _ = writeln!(page, "\n### `{path}`");
    }
    let _ = writeln!(page, "\n| key | holds | default | meaning |\n|---|---|---|---|");
    let mut inner: Vec<(String, Schema)> = Vec::new();
    for field in schema.fields() {
        let below =
            if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        let mut see = String::new();
        if let Some((suffix, schema)) = map_of(&field.form) {
            let place = format!("{below}{suffix}");
            let signature = signature(schema);
            match seen.iter().find(|(_, known)| *known == signature) {
                Some((first, _)) => see = format!(" As [`{first}`](#{}).", anchor(first)),
                None => {
                    seen.push((place.clone(), signature));
                    inner.push((place, schema));
                }
            }
        }
        row(page, field, &see);
    }
    if let Some(Choice { one, other, why_not_both }) = schema.choice {
        let word = if why_not_both.is_some() { "Exactly" } else { "At least" };
        let _ = writeln!(page, "\n{word} one of `{one}` and `{other}` is required.");
    }
    let is_key = |word: &str| schema.keys().any(|key| key == word);
    let later: Vec<_> = schema.later.iter().filter(|(word, _)| !is_key(word)).collect();
    if !later.is_empty() {
        let way = |(word, way): &(&str, &str)| match *way {
            "" => format!("`{word}`"),
            way => format!("`{word}` ({way})"),
        };
        let words: Vec<String> = later.into_iter().map(way).collect();
        let _ = writeln!(page, "\nReserved, and refused today: {}.", words.join(", "));
    }
    for (place, schema) in inner {
        section(page, &place, schema, seen);
    }
}

/// What makes two maps the same to a reader.
type Signature = Vec<(&'static str, &'static str)>;

fn signature(schema: Schema) -> Signature {
    schema.fields().iter().map(|field| (field.name, field.about)).collect()
}

fn map_of(form: &Form) -> Option<(&'static str, Schema)> {
    match form {
        Form::Map(schema) => Some(("", **schema)),
        Form::List(Form::Map(schema), _) => Some(("[]", **schema)),
        Form::Free(Form::Map(schema), _) => Some((".<name>", **schema)),
        _ => None,
    }
}

fn row(page: &mut String, field: &Field, see: &str) {
    let default = match field.default {
        _ if field.required => "**required**".to_owned(),
        None => String::new(),
        Some(words) if words.starts_with('(') => {
            format!("*{}*", words.trim_matches(['(', ')']))
        }
        Some(value) => format!("`{value}`"),
    };
    let example =
        field.example.map(|example| format!(" Example: `{example}`.")).unwrap_or_default();
    let null = if field.nullable { " `null` may be written." } else { "" };
    let cells = [
        format!("`{}`", field.name),
        holds(&field.form),
        default,
        format!("{}{null}{see}{example}", field.about),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace('<', "&lt;"));
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn holds(form: &Form) -> String {
    let time = |seconds| duration::text(Duration::from_secs(seconds));
    let words = |words: &[&str]| {
        words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    };
    match form {
        Form::Any => "anything".to_owned(),
        Form::Text | Form::Like(_) => "text".to_owned(),
        Form::Line(most) => format!("a line of 1 to {most} characters"),
        Form::Word([]) => "nothing yet".to_owned(),
        Form::Word(one) => words(one),
        Form::Bool => "`true`, `false`".to_owned(),
        Form::Whole(least, most) => format!("{least} to {most}"),
        Form::Number => "a number".to_owned(),
        Form::Quantity => "a quantity".to_owned(),
        Form::Duration(least, most) => {
            format!("a duration, {} to {}", time(*least), time(*most))
        }
        Form::List(of, most) => format!("at most {most} of: {}", holds(of)),
        Form::Map(_) => "a map".to_owned(),
        Form::Free(of, most) => format!("at most {most} entries of: {}", holds(of)),
        Form::Amounts(most) => format!("at most {most} resources, each with a quantity"),
        Form::WordOrList(one, of, most) => {
            format!("{}, or at most {most} of: {}", words(one), holds(of))
        }
    }
}

/// The anchor that Markdown viewers give a heading of this code.
fn anchor(place: &str) -> String {
    let kept = place.to_lowercase();
    kept.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}
