//! Values of a docker-compose file, and how they are written in ours.

use crate::model::yaml::{self, Key, Node, Value};
use crate::model::{Quantity, UrlPath};

/// The container's port of `8080:80/tcp`, `80` or `{target: 80}`.
pub(super) fn port(item: &Node) -> Option<u16> {
    if let Some(entries) = item.entries() {
        let (_, target) = entries.iter().find(|(key, _)| key.text == "target")?;
        return target.word()?.parse().ok();
    }
    let text = item.word()?;
    let last = text.rsplit(':').next()?.split('/').next()?.to_owned();
    last.parse().ok()
}

/// The words of a command that no shell has to take apart.
pub(super) fn words(value: &Node) -> Option<Vec<String>> {
    if let Value::List(items) = &value.value {
        return items.iter().map(Node::word).collect();
    }
    let text = value.word()?;
    let plain = !text.contains(['"', '\'', '$', '`', '|', '&', ';', '>', '<', '\\', '(', '*']);
    plain.then(|| text.split_whitespace().map(str::to_owned).collect())
}

/// A size as Docker takes it, whose units are binary: `512m`, `1g`, `1.5GB`.
pub(super) fn memory(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim() {
        "k" | "kb" => "Ki",
        "m" | "mb" => "Mi",
        "g" | "gb" => "Gi",
        _ => return None,
    };
    let spelt = format!("{number}{unit}");
    Quantity::parse(&spelt).is_ok().then_some(spelt)
}

/// The page that a health check asks: of `curl -f http://localhost:8080/health`.
pub(super) fn page(value: &Node) -> Option<String> {
    let (_, test) = value.entries()?.iter().find(|(key, _)| key.text == "test")?;
    let all: Vec<String> = match &test.value {
        Value::List(items) => items.iter().filter_map(Node::word).collect(),
        _ => vec![test.word()?],
    };
    let all = all.join(" ");
    let address = all.split_whitespace().find(|word| word.contains("http://"))?;
    let address = address.get(address.find("http://")?..)?.trim_matches(['"', '\'']);
    let url = url::Url::parse(address).ok()?;
    let here = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "0.0.0.0");
    let path = UrlPath::parse(url.path())?;
    here.then(|| path.as_str().to_owned())
}

/// A text in a map or a list, in quotes where it needs some.
pub(super) fn quoted(text: &str) -> String {
    if yaml::is_bare(text) { text.to_owned() } else { text_of(text) }
}

/// A text in quotes.
pub(super) fn text_of(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl Node {
    pub(super) fn entries(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A value as one text, however it is written.
    pub(super) fn word(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Integer(text) | Value::Float(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }
}
