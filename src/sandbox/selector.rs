//! Label and field selectors.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Which objects a list or a watch is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<Requirement>,
    /// `metadata.name`, `metadata.namespace`; of an Event more.
    fields: Vec<(String, String, bool)>,
}

/// What Events are selected by, of what the real API server knows.
pub const EVENT_FIELDS: [&str; 5] =
    ["reason", "type", "involvedObject.kind", "involvedObject.name", "involvedObject.namespace"];

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; empty texts select everything. `more`: fields that
    /// the kind selects by beside name and namespace.
    pub fn parse(labels: &str, fields: &str, more: &[&str]) -> Result<Self, Refusal> {
        let bad = |what: &str| Refusal::bad_request(format!("unable to parse requirement: {what}"));
        let labels = split(labels)
            .iter()
            .map(|part| requirement(part).ok_or_else(|| bad(part)))
            .collect::<Result<_, _>>()?;
        let mut selected = Vec::new();
        for part in split(fields) {
            let (name, value, equal) = match part.split_once("!=") {
                Some((name, value)) => (name, value, false),
                None => {
                    let (name, value) = part.split_once('=').ok_or_else(|| bad(&part))?;
                    (name, value.trim_start_matches('='), true)
                }
            };
            if !matches!(name, "metadata.name" | "metadata.namespace") && !more.contains(&name) {
                return Err(Refusal::bad_request(format!("field label not supported: {name}")));
            }
            selected.push((name.replace('.', "/"), value.to_owned(), equal));
        }
        Ok(Self { labels, fields: selected })
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        self.labels.iter().all(|r| r.holds(labels))
            && self.fields.iter().all(|(path, value, equal)| {
                let found = object.pointer(&format!("/{path}")).and_then(Value::as_str);
                (found.unwrap_or_default() == value) == *equal
            })
    }
}

impl Requirement {
    fn holds(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = labels.and_then(|l| l.get(&self.key)).and_then(Value::as_str);
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
        }
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            ',' if !inside => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.into_iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

fn requirement(text: &str) -> Option<Requirement> {
    let (key, test) = if let Some(key) = text.strip_prefix('!') {
        (key, Test::Absent)
    } else if let Some((left, right)) = text.split_once('(') {
        let values = right.strip_suffix(')')?.split(',').map(|v| v.trim().to_owned()).collect();
        let (key, word) = left.trim().rsplit_once(' ')?;
        match word {
            "in" => (key, Test::In(values)),
            "notin" => (key, Test::NotIn(values)),
            _ => return None,
        }
    } else if let Some((key, value)) = text.split_once("!=") {
        (key, Test::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((key, value)) = text.split_once('=') {
        (key, Test::In(vec![value.trim_start_matches('=').trim().to_owned()]))
    } else {
        (text, Test::Exists)
    };
    let key = key.trim();
    (!key.is_empty() && !key.contains(' ')).then(|| Requirement { key: key.to_owned(), test })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_selects_as_the_real_one() {
        let object = json!({"metadata": {"name": "n", "labels": {"a": "1", "b": "x"}}});
        for (text, expected) in [
            ("", true),
            ("a=1", true),
            ("a==1,b=x", true),
            ("a=2", false),
            ("a!=2", true),
            ("c!=2", true),
            ("a in (1, 2)", true),
            ("a notin (1,2)", false),
            ("c notin (1)", true),
            ("a", true),
            ("c", false),
            ("!c", true),
            ("!a", false),
            ("a in (1,2),b=y", false),
        ] {
            assert_eq!(
                Selector::parse(text, "", &[]).unwrap().matches(&object),
                expected,
                "{text}"
            );
        }
        assert!(Selector::parse("", "metadata.name=n", &[]).unwrap().matches(&object));
        assert!(!Selector::parse("", "metadata.name!=n", &[]).unwrap().matches(&object));
    }

    #[test]
    fn events_are_selected_by_what_they_are_about() {
        let event = json!({"reason": "Evicted", "involvedObject": {"kind": "Pod"}});
        for (text, expected) in [
            ("reason=Evicted,involvedObject.kind=Pod", true),
            ("reason!=Pulled,reason!=Created,involvedObject.kind!=Node", true),
            ("reason!=Pulled,reason!=Evicted", false),
        ] {
            let selector = Selector::parse("", text, &EVENT_FIELDS).unwrap();
            assert_eq!(selector.matches(&event), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        for bad in ["a b", "a foo (1)", "a in (1", "=x"] {
            assert_eq!(Selector::parse(bad, "", &[]).map_err(|r| r.code), Err(400), "{bad}");
        }
        assert!(Selector::parse("", "spec.x=1", &EVENT_FIELDS).is_err());
        assert!(Selector::parse("", "reason=Evicted", &[]).is_err());
    }
}
