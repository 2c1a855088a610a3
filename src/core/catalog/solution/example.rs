//! Example requests (`examples/*.json`): a broken one is a fault in that file, at that line.

use serde_json::{Map, Value};

use super::bench::Bench;
use super::secret;
use crate::catalog::fault::{Fault, Fix, Piece, apply, code};
use crate::model::Party;
use crate::model::credential::masked_lines;
use crate::model::decode::{certain, nearest};
use crate::model::yaml::{self, Span, is_lfs_pointer};

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
        if is_lfs_pointer(bytes) {
            let message = format!("`{path}` lies in Git LFS: the folder holds a pointer to it");
            let fault = Fault::new(code::LFS_POINTER, name, Party::Author, message);
            faults.push(fault.help("commit the file itself"));
            continue;
        }
        if let Some((line, what)) = secret::in_file(bytes) {
            let fault =
                Fault::new(code::CREDENTIAL, &name, Party::Author, format!("this is {what}"));
            let help = "whoever can read the catalogue could use it: revoke it, and take it out";
            faults.push(fault.at(Span::point(line, 1)).help(help));
        }
        if let Err((at, message)) = Example::read(bytes) {
            let text = String::from_utf8_lossy(bytes);
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let line = masked_lines(&lines)
                .into_iter()
                .nth((at.line as usize).saturating_sub(1))
                .filter(|line| line.len() < 4096 && secret::in_file(line.as_bytes()).is_none());
            let help = "an example is {\"method\": \"POST\", \"path\": \"/...\", \"json\": ..., \
                        \"expect\": {\"status\": 200}}";
            let fault = Fault::new(code::BAD_EXAMPLE, name, Party::Author, message);
            faults.push(fault.at(at).snippet(line).help(help).fix(mended(bytes)));
        }
    }
    faults
}

/// Whether a file of the folder is an example request.
pub fn is_example(path: &str) -> bool {
    path.starts_with("examples/")
        && path.rsplit_once('.').is_some_and(|(_, ending)| ending == "json")
}

/// A request that an author gives as an example, and what it should be answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// `GET` if absent; in capitals.
    pub method: String,
    /// Begins with `/`; a query may follow.
    pub path: String,
    /// In the order of their names.
    pub headers: Vec<(String, String)>,
    /// Empty if the file gives neither `json` nor `body`.
    pub body: Vec<u8>,
    /// Absent = any status below 400.
    pub status: Option<u16>,
}

impl Example {
    /// Reads an example file.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence, and where.
    pub fn read(bytes: &[u8]) -> Result<Self, (Span, String)> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1).max(1);
            let at = Span::point(number(error.line()), number(error.column()));
            (at, format!("this is not JSON: {error}"))
        })?;
        Self::of(&value).map_err(|message| (Span::START, message))
    }

    fn of(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return Err("an example is a JSON object".to_owned());
        };
        known("", fields, &KEYS)?;
        let method = fields.get("method").map_or(Some("GET"), Value::as_str).unwrap_or("");
        if !METHODS.contains(&method) {
            return Err(format!("`method` is one of {}", METHODS.join(", ")));
        }
        let path = match fields.get("path").and_then(Value::as_str) {
            Some(path) if path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()) => {
                path
            }
            _ => {
                let words = "`path` is missing or does not begin with `/`, or holds a space or a \
                             letter that an address must encode";
                return Err(words.to_owned());
            }
        };
        let mut headers = headers(fields.get("headers"))?;
        let body = match (fields.get("json"), fields.get("body")) {
            (Some(_), Some(_)) => return Err("`json` and `body` exclude each other".to_owned()),
            (None, None) => Vec::new(),
            (None, Some(body)) => {
                body.as_str().ok_or("`body` is a text; an object is `json`")?.as_bytes().to_vec()
            }
            (Some(json), None) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                json.to_string().into_bytes()
            }
        };
        let status = expected(fields.get("expect"))?;
        Ok(Self { method: method.to_owned(), path: path.to_owned(), headers, body, status })
    }
}

/// The fix of a broken example, if with it the file is a right one.
fn mended(bytes: &[u8]) -> Option<Fix> {
    let text = std::str::from_utf8(bytes).ok()?;
    let pieces = match serde_json::from_str::<Value>(text) {
        Err(error) => vec![last_comma(text, &error)?],
        Ok(Value::Object(fields)) => words(text, &fields),
        Ok(_) => return None,
    };
    let (changed, _) = apply(bytes, std::iter::once(pieces.as_slice()));
    Example::read(&changed).ok()?;
    Fix::write(text, pieces)
}

/// A comma behind which nothing comes.
fn last_comma(text: &str, error: &serde_json::Error) -> Option<Piece> {
    let starts = yaml::line_starts(text);
    let start = *starts.get(error.line().checked_sub(1)?)?;
    let before = text.get(..start + error.column().checked_sub(1)?)?;
    let from = before.trim_end().strip_suffix(',')?.len();
    Some(Piece { from, to: from + 1, text: String::new() })
}

/// Misspelt keys, and values that can be written in one way only.
fn words(text: &str, fields: &Map<String, Value>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for key in fields.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let meant = certain(key, KEYS.into_iter()).filter(|meant| !fields.contains_key(*meant));
        pieces.extend(meant.and_then(|meant| written(text, &format!("\"{key}\""), meant)));
    }
    let said = |key: &str| fields.get(key).and_then(Value::as_str);
    if let Some(method) = said("method") {
        let upper = method.to_uppercase();
        if upper != method && METHODS.contains(&upper.as_str()) {
            pieces.extend(written(text, &format!("\"{method}\""), &upper));
        }
    }
    if let Some(path) = said("path").filter(|path| !path.starts_with('/')) {
        pieces.extend(written(text, &format!("\"{path}\""), &format!("/{path}")));
    }
    let status = fields.get("expect").and_then(|expect| expect.get("status"));
    if let Some(status) = status.and_then(Value::as_str) {
        let number = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
        let piece = written(text, &format!("\"{status}\""), status);
        pieces.extend(
            piece.filter(|_| number).map(|piece| Piece { text: status.to_owned(), ..piece }),
        );
    }
    pieces
}

/// Another word in quotes for one that stands in the text once.
fn written(text: &str, quoted: &str, new: &str) -> Option<Piece> {
    let mut found = text.match_indices(quoted);
    let (from, None) = (found.next()?.0, found.next()) else { return None };
    Some(Piece { from, to: from + quoted.len(), text: format!("\"{new}\"") })
}

/// Refuses a key that means nothing, with the one that was probably meant.
fn known(under: &str, fields: &Map<String, Value>, keys: &[&'static str]) -> Result<(), String> {
    let Some(key) = fields.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let near = nearest(key, keys.iter().copied());
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    Err(format!("unknown field `{under}{key}`{near}"))
}

/// Names and values as HTTP takes them (RFC 9110, section 5): nothing that could end a line.
fn headers(value: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let fields = value.as_object().ok_or("`headers` is an object of names and texts")?;
    let mut headers = Vec::new();
    for (name, value) in fields {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(format!("`{name}` is not the name of a header"));
        }
        let text = value.as_str().filter(|t| t.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let text = text.ok_or_else(|| format!("the header `{name}` is a text in ASCII"))?;
        headers.push((name.clone(), text.to_owned()));
    }
    Ok(headers)
}

/// The status in `expect`.
fn expected(value: Option<&Value>) -> Result<Option<u16>, String> {
    let Some(value) = value else { return Ok(None) };
    let fields = value.as_object().ok_or("`expect` is an object: {\"status\": 200}")?;
    known("expect.", fields, &["status"])?;
    let Some(status) = fields.get("status") else { return Ok(None) };
    let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (100..600).contains(status));
    Ok(Some(status.ok_or("`expect.status` is a status of HTTP, such as 200")?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_request_and_a_broken_one_names_its_line() {
        let example = Example::read(
            br#"{"method": "POST", "path": "/embed", "json": {}, "expect": {"status": 201}}"#,
        );
        assert_eq!(
            example.unwrap(),
            Example {
                method: "POST".to_owned(),
                path: "/embed".to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: b"{}".to_vec(),
                status: Some(201),
            }
        );
        assert_eq!(Example::read(b"{\n\"path\": }").unwrap_err().0.line, 2);
        for bad in [
            "[]",
            "{}",
            r#"{"path": "x"}"#,
            r#"{"path": "/a b"}"#,
            r#"{"path": "/", "metod": "GET"}"#,
            r#"{"path": "/", "method": 1}"#,
            r#"{"path": "/", "body": {}}"#,
            r#"{"path": "/", "json": 1, "body": ""}"#,
            r#"{"path": "/", "headers": ["a"]}"#,
            r#"{"path": "/", "headers": {"a": "b\r\nc: d"}}"#,
            r#"{"path": "/", "headers": {"a b": ""}}"#,
            r#"{"path": "/", "expect": 200}"#,
            r#"{"path": "/", "expect": {"status": "200"}}"#,
            r#"{"path": "/", "expect": {"status": 1000}}"#,
            r#"{"path": "/", "expect": {"statuz": 200}}"#,
        ] {
            assert!(Example::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_an_author_said_about_the_body_wins() {
        let example = Example::read(
            br#"{"path": "/", "json": {}, "headers": {"Content-Type": "application/geo+json"}}"#,
        );
        assert_eq!(example.unwrap().headers.len(), 1);
        let text = Example::read(br#"{"path": "/", "body": "a"}"#).unwrap();
        assert_eq!((text.body.as_slice(), text.method.as_str()), (&b"a"[..], "GET"));
    }
}
