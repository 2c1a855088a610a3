//! `WWW-Authenticate`: how a registry wants to be told who asks, and the token that follows.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;

/// What a registry asks for. `Bearer` before `Basic` where it takes both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
    Basic,
}

/// The strongest challenge that we can meet.
pub fn parse(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = false;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(text) = value.to_str() else { continue };
        for (scheme, parameters) in challenges(text) {
            let get = |name: &str| {
                let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = get("realm")
            {
                return Some(Challenge::Bearer {
                    realm,
                    service: get("service"),
                    scope: get("scope"),
                });
            }
            basic |= scheme.eq_ignore_ascii_case("basic");
        }
    }
    basic.then_some(Challenge::Basic)
}

type Parameters = Vec<(String, String)>;

/// `Scheme a="b", c=d, Other e="f"` as its schemes, each with its parameters (RFC 9110, 11.6.1).
fn challenges(text: &str) -> Vec<(String, Parameters)> {
    let mut all: Vec<(String, Parameters)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if word.is_empty() {
            return all;
        }
        let Some(value) = tail.trim_start().strip_prefix('=') else {
            all.push((word.to_owned(), Parameters::new()));
            rest = tail;
            continue;
        };
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let value = value.trim_start();
                let (value, after) = value.split_at(value.find(',').unwrap_or(value.len()));
                (value.trim().to_owned(), after)
            }
        };
        rest = after;
        if let Some((_, parameters)) = all.last_mut() {
            parameters.push((word.to_owned(), value));
        }
    }
}

/// A quoted text up to its quote, and what follows.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(at + 1..).unwrap_or("")),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// The scope to ask for: the registry's word for this repository, if it is for pulling alone. A
/// registry that asks for more would get a token that can do more.
pub fn narrow(asked: Option<&str>, repository: &str) -> String {
    let pulls = |scope: &str| {
        scope.starts_with("repository:") && scope.ends_with(":pull") && !scope.contains([' ', ','])
    };
    match asked.map(str::trim) {
        Some(scope) if pulls(scope) => scope.to_owned(),
        _ => format!("repository:{repository}:pull"),
    }
}

/// What a token server sends. Has no `Debug`, so that it cannot be printed.
#[derive(Deserialize)]
pub struct Grant {
    token: Option<String>,
    access_token: Option<String>,
}

impl Grant {
    /// `Bearer <token>`; `None` without a token that can stand in a header.
    pub fn header(self) -> Option<HeaderValue> {
        let token = self.token.or(self.access_token).filter(|token| !token.is_empty())?;
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        parse(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: own(service),
            scope: own(scope),
        })
    }

    #[test]
    fn challenges_are_read_as_servers_write_them() {
        let full =
            r#"Bearer realm="https://a.example/t?x=1",service="r",scope="repository:a/b:pull""#;
        let expected = bearer("https://a.example/t?x=1", Some("r"), Some("repository:a/b:pull"));
        assert_eq!(parsed(&[full]), expected);
        assert_eq!(parsed(&["Basic realm=\"x\"", full]), expected);
        assert_eq!(parsed(&[&format!("Basic realm=\"x, y\", {full}")]), expected);
        assert_eq!(
            parsed(&["bearer  realm = t , SERVICE=\"a \\\"b\\\"\""]),
            bearer("t", Some("a \"b\""), None)
        );
        assert_eq!(parsed(&["Basic realm=\"Registry Realm\""]), Some(Challenge::Basic));
        assert_eq!(parsed(&["BASIC"]), Some(Challenge::Basic));
        for nothing in
            ["", "Bearer", "Bearer service=\"x\"", "Negotiate", "realm=\"x\"", ",,,", "\""]
        {
            assert_eq!(parsed(&[nothing]), None, "{nothing}");
        }
    }

    #[test]
    fn a_registry_gets_no_token_that_can_do_more_than_pull() {
        assert_eq!(narrow(Some("repository:proxy/a:pull"), "a"), "repository:proxy/a:pull");
        for wide in [
            None,
            Some("repository:a:pull,push"),
            Some("repository:a:pull repository:b:push"),
            Some("registry:catalog:*"),
            Some("repository:a:pull repository:b:pull"),
        ] {
            assert_eq!(narrow(wide, "a"), "repository:a:pull", "{wide:?}");
        }
    }
}
