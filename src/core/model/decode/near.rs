//! "Did you mean": the nearest of some words, and the place where a word belongs.

use super::form::{Form, Schema};

/// The word that differs least from what was written, if it is near enough to be meant: by case
/// only, or by one edit, or by a third of its letters, or as the beginning of a longer word.
pub fn nearest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let written = written.to_lowercase();
    if written.is_empty() || written.chars().count() > 64 {
        return None;
    }
    let allowed = (written.chars().count() / 3).max(1);
    words
        .filter_map(|word| {
            let lower = word.to_lowercase();
            let mut distance = distance(&written, &lower);
            let stem = written.trim_end_matches(['s', 'y']);
            if distance > allowed && stem.len() >= 4 && lower.contains(stem) {
                distance = allowed;
            }
            (distance <= allowed).then_some((distance, word))
        })
        // Of equals the last: bounds are listed from the least to the most, and who writes
        // `replicas` means how many there may be.
        .reduce(|best, next| if next.0 <= best.0 { next } else { best })
        .map(|(_, word)| word)
}

/// The word that was meant beyond doubt: the same but for case and separators, or for one slip (two
/// in a long word), or in the singular for the plural, while no other word is as near. Numbers are
/// no slips: who writes `gpu-l5` does not mean `gpu-l4`.
pub fn certain<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    if written.chars().count() > 64 {
        return None;
    }
    let (plain, digits) = (letters(written), numbers(written));
    let mut best: Option<(usize, &str)> = None;
    let mut alone = true;
    for word in words {
        let other = letters(word);
        let distance = match one_of_many(&plain, &other) {
            true => usize::from(plain != other),
            false => distance(&plain, &other),
        };
        match best {
            Some((least, known)) if distance >= least => {
                // Two slips are near only where nothing else is.
                alone &= word == known || distance > least + usize::from(least > 1);
            }
            _ => {
                alone = best.is_none_or(|(least, _)| least > distance + usize::from(distance > 1));
                best = Some((distance, word));
            }
        }
    }
    let (distance, word) = best?;
    let length = plain.chars().count();
    let allowed = match length {
        0..3 => 0,
        3..9 => 1,
        _ => 2,
    };
    (alone && distance <= allowed && numbers(word) == digits).then_some(word)
}

/// A word in lower case without what separates its parts.
fn letters(word: &str) -> String {
    word.chars().filter(|c| !"-_ ".contains(*c)).flat_map(char::to_lowercase).collect()
}

fn numbers(word: &str) -> Vec<&str> {
    word.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect()
}

/// Whether one of two words is the plural of the other.
fn one_of_many(one: &str, other: &str) -> bool {
    let plural = |word: &str, many: &str| {
        many.strip_suffix('s').is_some_and(|stem| stem == word)
            || many.strip_suffix("ies").is_some_and(|stem| word.strip_suffix('y') == Some(stem))
    };
    one == other || plural(one, other) || plural(other, one)
}

/// The path below `path` of the key that was meant, for a key that stands at the wrong level: it
/// has the written name, or is longer by a few letters. Of several the one that lies least deep;
/// entries that an author names are looked into last.
pub fn elsewhere(written: &str, path: &str, schema: Schema) -> Option<String> {
    let mut level = vec![(path.to_owned(), schema)];
    let mut named: Vec<(String, Schema)> = Vec::new();
    while !level.is_empty() {
        let mut below = Vec::new();
        for (path, schema) in &level {
            if let Some(key) = same(written, schema.keys()) {
                return Some(join(path, key));
            }
            for field in schema.fields() {
                let path = join(path, field.name);
                match field.form {
                    Form::Map(schema) => below.push((path, *schema)),
                    Form::List(Form::Map(schema), _) => below.push((path + "[]", **schema)),
                    Form::Free(Form::Map(schema), _) => named.push((path + ".<name>", **schema)),
                    _ => {}
                }
            }
        }
        level = if below.is_empty() { std::mem::take(&mut named) } else { below };
    }
    None
}

/// The key of this name whatever its case; else the last one that holds it as a word of its own.
fn same<'w>(written: &str, keys: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let written = written.to_lowercase();
    let stem = written.trim_end_matches('s');
    let mut holds = None;
    for key in keys {
        let lower = key.to_lowercase();
        if lower == written {
            return Some(key);
        }
        if stem.len() >= 5 && lower.trim_end_matches('s').ends_with(stem) {
            holds = Some(key);
        }
    }
    holds
}

/// `spec.scaling` and `minReplicas`.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let get = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (get(&row, j) + usize::from(x != y))
                .min(get(&row, j + 1) + 1)
                .min(get(&next, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(get(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words =
            ["minReplicas", "maxReplicas", "cooldownPeriod", "image", "env", "port", "registries"];
        for (written, near) in [
            ("maxReplica", Some("maxReplicas")),
            ("imgae", Some("image")),
            ("Image", Some("image")),
            ("ENV", Some("env")),
            ("ports", Some("port")),
            ("cooldown", Some("cooldownPeriod")),
            ("replica", Some("maxReplicas")),
            ("registry", Some("registries")),
            ("quux", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, words.into_iter()), near, "{written}");
        }
    }

    #[test]
    fn a_slip_is_certain_only_where_one_word_can_be_meant() {
        let words = ["minReplicas", "maxReplicas", "image", "env", "port", "registries", "args"];
        for (written, meant) in [
            ("prot", Some("port")),
            ("ports", Some("port")),
            ("registry", Some("registries")),
            ("max_replicas", Some("maxReplicas")),
            ("MaxReplicas", Some("maxReplicas")),
            ("minReplica", Some("minReplicas")),
            ("evn", Some("env")),
            ("ENV", Some("env")),
            // Near enough to be asked for, not to be written.
            ("replica", None),
            ("mxReplicas", Some("maxReplicas")),
            ("mReplicas", None),
            ("cooldown", None),
            ("e", None),
            ("", None),
        ] {
            assert_eq!(certain(written, words.into_iter()), meant, "{written}");
        }
        assert_eq!(certain("gpu-l5", ["gpu-l4", "cpu-basic"].into_iter()), None);
        assert_eq!(certain("api2", ["api1", "web"].into_iter()), None);
        assert_eq!(certain("wed", ["web", "red"].into_iter()), None);
        assert_eq!(certain("web", ["web-1", "web"].into_iter()), Some("web"));
    }
}
