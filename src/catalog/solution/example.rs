//! Example requests (`examples/*.json`): a broken one is a fault in that file, at that line.

use serde_json::Value;

use super::judge::Bench;
use super::secret;
use crate::catalog::fault::{Fault, code};
use crate::model::Party;
use crate::model::decode::nearest;
use crate::model::yaml::Span;

const KEYS: [&str; 6] = ["method", "path", "json", "body", "headers", "expect"];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Judges every example of the folder, listed in `api.examples` or not.
pub fn judge(bench: &Bench<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, file) in &bench.folder.files {
        if !is_example(path) {
            continue;
        }
        let name = format!("{}/{path}", bench.path);
        let Some(bytes) = &file.bytes else {
            let message = format!("`{path}` is larger than 512 KiB");
            faults.push(Fault::new(code::BAD_EXAMPLE, name, Party::Author, message));
            continue;
        };
        if let Some((line, what)) = secret::in_file(bytes) {
            let fault =
                Fault::new(code::CREDENTIAL, &name, Party::Author, format!("this is {what}"));
            let help = "whoever can read the catalogue could use it: revoke it, and take it out";
            faults.push(fault.at(Span::point(line, 1)).help(help));
        }
        if let Err((at, message)) = example(bytes) {
            let line = String::from_utf8_lossy(bytes)
                .lines()
                .nth((at.line as usize).saturating_sub(1))
                .map(str::to_owned)
                .filter(|line| line.len() < 4096 && secret::in_file(line.as_bytes()).is_none());
            let help = "an example is {\"method\": \"POST\", \"path\": \"/...\", \"json\": ..., \
                        \"expect\": {\"status\": 200}}";
            let fault = Fault::new(code::BAD_EXAMPLE, name, Party::Author, message);
            faults.push(fault.at(at).snippet(line).help(help));
        }
    }
    faults
}

/// Whether a file of the folder is an example request.
pub fn is_example(path: &str) -> bool {
    path.starts_with("examples/")
        && path.rsplit_once('.').is_some_and(|(_, ending)| ending == "json")
}

fn example(bytes: &[u8]) -> Result<(), (Span, String)> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1).max(1);
        let at = Span::point(number(error.line()), number(error.column()));
        (at, format!("this is not JSON: {error}"))
    })?;
    let at = |message: String| (Span::START, message);
    let Value::Object(fields) = value else {
        return Err(at("an example is a JSON object".to_owned()));
    };
    for key in fields.keys() {
        if !KEYS.contains(&key.as_str()) {
            let near = nearest(key, KEYS.into_iter());
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(at(format!("unknown field `{key}`{near}")));
        }
    }
    let method = fields.get("method").map(|method| method.as_str().unwrap_or(""));
    if method.is_some_and(|method| !METHODS.contains(&method)) {
        return Err(at(format!("`method` is one of {}", METHODS.join(", "))));
    }
    match fields.get("path").and_then(Value::as_str) {
        Some(path) if path.starts_with('/') => {}
        _ => return Err(at("`path` is missing or does not begin with `/`".to_owned())),
    }
    if fields.contains_key("json") && fields.contains_key("body") {
        return Err(at("`json` and `body` exclude each other".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_request_and_a_broken_one_names_its_line() {
        assert!(example(br#"{"method": "POST", "path": "/embed", "json": {}}"#).is_ok());
        assert_eq!(example(b"{\n\"path\": }").unwrap_err().0.line, 2);
        for bad in ["[]", "{}", r#"{"path": "x"}"#, r#"{"path": "/", "metod": "GET"}"#] {
            assert!(example(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
