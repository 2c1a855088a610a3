//! What a forge answered, as far as it matters.

use std::error::Error;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use vitrine_core::engine::Left;
use vitrine_core::model::Quoted;

use crate::http::redirect::place;

/// How long a forge may take for one answer.
const TOTAL: Duration = Duration::from_secs(30);
/// The longest pause that is believed.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);
/// What is waited where a forge wants a pause and does not say how long.
const UNSAID: SignedDuration = SignedDuration::from_mins(1);
/// How much of a forge's words stands in a sentence, in characters.
const WORDS: usize = 160;

/// An answer.
pub(super) struct Heard {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// `null` where it is not JSON.
    pub body: Value,
    text: String,
    /// What was asked; a place that it names may be told from there.
    url: Url,
    /// What we proved ourselves with.
    secret: String,
    now: Timestamp,
}

/// Sends a request and reads at most so many bytes of its answer. `secret`: what the request proves
/// itself with, which is never among the answer's words.
///
/// # Errors
/// Why there is no answer, without the address.
pub(super) async fn of(
    request: RequestBuilder,
    most: usize,
    secret: &str,
) -> Result<Heard, String> {
    let mut response = request.timeout(TOTAL).send().await.map_err(|error| why(&error))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if bytes.len() + chunk.len() > most {
            return Err(format!("it answers more than {most} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let is_words = !body.is_array(); // of a list nobody quotes anything, and it may be large
    Ok(Heard {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        text: if is_words { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() },
        body,
        url: response.url().clone(),
        secret: secret.to_owned(),
        now: Timestamp::now(),
    })
}

fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    error.source().map_or_else(|| "no reason given".to_owned(), crate::http::causes)
}

impl Heard {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.parse().ok()
    }

    /// How many requests are left of this hour.
    pub fn left(&self) -> Option<Left> {
        let resets_in = self.reset()?;
        Some(Left {
            remaining: u32::try_from(self.number("x-ratelimit-remaining")?).ok()?,
            limit: u32::try_from(self.number("x-ratelimit-limit")?).ok()?,
            resets_in,
        })
    }

    fn reset(&self) -> Option<SignedDuration> {
        let name = ["x-ratelimit-reset", "ratelimit-reset"];
        let at = name.into_iter().find_map(|name| self.number(name))?;
        let at = Timestamp::from_second(at).ok()?;
        Some(at.duration_since(self.now).clamp(SignedDuration::ZERO, LONGEST))
    }

    /// How long the forge wants to be left alone, if it does.
    pub fn pause(&self) -> Option<SignedDuration> {
        let asked = self.number("retry-after").map(SignedDuration::from_secs);
        let remaining = ["x-ratelimit-remaining", "ratelimit-remaining"];
        let spent = remaining.into_iter().any(|name| self.number(name) == Some(0));
        let wait = match self.status {
            StatusCode::TOO_MANY_REQUESTS => asked.or_else(|| self.reset()).unwrap_or(UNSAID),
            StatusCode::FORBIDDEN if asked.is_some() || spent => {
                asked.or_else(|| self.reset()).unwrap_or(UNSAID)
            }
            StatusCode::SERVICE_UNAVAILABLE => asked?,
            _ => return None,
        };
        Some(wait.clamp(SignedDuration::from_secs(1), LONGEST))
    }

    /// What it says for people: on one line, without what looks like a secret.
    pub fn words(&self) -> String {
        let said = ["message", "error", "error_description"].into_iter();
        let said = said.map(|field| &self.body[field]).find(|said| !said.is_null());
        let text = match said {
            Some(Value::String(text)) if !text.is_empty() => text.clone(),
            Some(Value::String(_)) => "without a word".to_owned(),
            Some(other) => other.to_string(),
            None if self.body.is_object() => self.body.to_string(),
            None => self.text.clone(),
        };
        let details = self.body["errors"].as_array().filter(|errors| !errors.is_empty());
        let details = details.map(|errors| format!(" {}", Value::Array(errors.clone())));
        let text = format!("{text}{}", details.unwrap_or_default());
        let words = self.quoted(&text);
        if words.is_empty() { "without a word".to_owned() } else { words }
    }

    /// Where it says that the thing is now: scheme and host, and the path. Gitea says the path alone.
    pub fn location(&self) -> Option<String> {
        let to = self.url.join(self.headers.get(LOCATION)?.to_str().ok()?).ok()?;
        Some(self.quoted(&format!("{}{}", place(&to), to.path())))
    }

    /// For a sentence; a forge may repeat what it does not accept.
    fn quoted(&self, text: &str) -> String {
        let text = match self.secret.as_str() {
            "" => text.to_owned(),
            secret => text.replace(secret, "***"),
        };
        Quoted::of(&text).short(WORDS)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn heard(status: u16, headers: &[(&'static str, &str)], body: &str) -> Heard {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        Heard {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect(),
            body: serde_json::from_str(body).unwrap_or_default(),
            text: body.to_owned(),
            url: Url::parse("https://git.example/api/v1/repos/aim/old/statuses/1").unwrap(),
            secret: "hunter2".to_owned(),
            now: Timestamp::from_second(1000).unwrap(),
        }
    }

    #[test]
    fn a_pause_is_what_the_forge_says_and_never_more_than_two_hours() {
        let pause = |status, headers: &[(&'static str, &str)]| {
            heard(status, headers, "").pause().map(|wait| wait.as_secs())
        };
        assert_eq!(pause(403, &[("retry-after", "30")]), Some(30));
        assert_eq!(pause(429, &[]), Some(60));
        assert_eq!(pause(429, &[("ratelimit-reset", "1090")]), Some(90));
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1300")];
        assert_eq!(pause(403, &spent), Some(300));
        assert_eq!(pause(403, &[("x-ratelimit-remaining", "12")]), None, "a credential's fault");
        assert_eq!(pause(503, &[]), None);
        assert_eq!(pause(503, &[("retry-after", "0")]), Some(1));
        assert_eq!(pause(429, &[("retry-after", "99999999")]), Some(7200));
        assert_eq!(pause(200, &[("retry-after", "5")]), None);
    }

    #[test]
    fn words_are_one_line_without_secrets() {
        let said = |body: &str| heard(422, &[], body).words();
        assert_eq!(said(r#"{"message":"Validation Failed"}"#), "Validation Failed");
        assert_eq!(said(r#"{"message":""}"#), "without a word");
        assert_eq!(said(""), "without a word");
        assert_eq!(said(r#"{"message":{"name":["is missing"]}}"#), r#"{"name":["is missing"]}"#);
        let html = said(&format!("<html>\n<b>502</b>\u{1b}[31m{}", "x".repeat(500)));
        assert!(!html.contains(['\n', '\u{1b}']) && html.chars().count() < 170, "{html}");
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let masked = said(&format!(r#"{{"message":"bad token {token}"}}"#));
        assert!(!masked.contains(&token), "{masked}");
        // What we sent ourselves looks like nothing, and may be said back to us.
        let long = format!(r#"{{"message":"{} hunter2"}}"#, "x".repeat(WORDS - 3));
        for repeated in [r#"{"message":"who is hunter2?"}"#, "hunter2", long.as_str()] {
            let words = said(repeated);
            assert!(!words.contains("hunt"), "{words}");
        }
    }

    #[test]
    fn where_a_thing_is_now_is_told_whole_though_the_forge_says_the_path_alone() {
        let to = |place: &str| heard(301, &[("location", place)], "").location();
        let new = "https://git.example/api/v1/repos/aim/new";
        assert_eq!(to("/api/v1/repos/aim/new").as_deref(), Some(new));
        assert_eq!(to(&format!("{new}?token=hunter2")).as_deref(), Some(new));
        assert_eq!(to("https://[").as_deref(), None);
    }

    #[test]
    fn what_is_left_is_read_where_it_is_said() {
        let headers = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", "1060"),
        ];
        let left = heard(201, &headers, "{}").left().unwrap();
        assert_eq!((left.remaining, left.limit, left.resets_in.as_secs()), (4999, 5000, 60));
        assert_eq!(heard(201, &headers[..2], "{}").left(), None);
    }
}
