//! Whether a text describes an interface as OpenAPI does.

use crate::model::Quoted;
use crate::model::yaml::{self, Value};

/// What is longer in YAML is not read to its end, in bytes: the reader is made for files that people
/// write. In JSON it is.
pub const LARGE: u64 = 64 * 1024;

/// `OpenAPI 3.1, 2 paths`
///
/// # Errors
/// Why it does not, as the end of a sentence that begins with its path.
pub fn read(body: &[u8]) -> Result<String, String> {
    let (version, paths) = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(document) => {
            let version = document.get("openapi").and_then(|version| version.as_str());
            let paths = document.get("paths").and_then(|paths| paths.as_object());
            (version.map(str::to_owned), paths.map(serde_json::Map::len))
        }
        Err(_) => in_yaml(body).ok_or("is neither JSON nor YAML")?,
    };
    let Some(version) = version else {
        return Err("is no OpenAPI document: it has no `openapi`".to_owned());
    };
    let mut numbers = version.split('.').map(|number| number.parse::<u16>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else {
        let version = Quoted::of(&version).short(20);
        return Err(format!("has no version of OpenAPI: `{version}`"));
    };
    let Some(paths) = paths else { return Err("lists no `paths`".to_owned()) };
    let plural = if paths == 1 { "" } else { "s" };
    Ok(format!("OpenAPI {major}.{minor}, {paths} path{plural}"))
}

fn in_yaml(body: &[u8]) -> Option<(Option<String>, Option<usize>)> {
    let Value::Map(entries) = yaml::read(body).root?.value else { return None };
    let of = |key: &str| entries.iter().find(|(name, _)| name.text == key).map(|(_, n)| &n.value);
    let version = match of("openapi") {
        Some(Value::Text(text) | Value::Float(text)) => Some(text.clone()),
        _ => None,
    };
    let paths = match of("paths") {
        Some(Value::Map(paths)) => Some(paths.len()),
        _ => None,
    };
    Some((version, paths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_told_by_its_version_and_its_paths() {
        for (body, told) in [
            (r#"{"openapi": "3.1.0", "paths": {"/a": {}, "/b": {}}}"#, Ok("OpenAPI 3.1, 2 paths")),
            ("openapi: 3.0.3\npaths:\n  /a: {}\n", Ok("OpenAPI 3.0, 1 path")),
            ("openapi: '3.1'\npaths: {}\n", Ok("OpenAPI 3.1, 0 paths")),
            ("<!doctype html>", Err("is neither JSON nor YAML")),
            (r#"{"swagger": "2.0"}"#, Err("is no OpenAPI document: it has no `openapi`")),
            (r#"{"openapi": "3.1.0"}"#, Err("lists no `paths`")),
            (
                "{\"openapi\": \"new\\u001b[31m\", \"paths\": {}}",
                Err("has no version of OpenAPI: `new`"),
            ),
        ] {
            let read = read(body.as_bytes());
            assert_eq!(read.as_deref().map_err(String::as_str), told, "{body}");
        }
    }
}
