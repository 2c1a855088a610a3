//! A request as the rules read it, and what they answer.

use base64::Engine as _;
use http::HeaderMap;
use serde_json::Value;

/// What somebody asks of the API.
pub struct Call {
    pub method: String,
    /// Without the base, decoded one by one: `%2F` inside a segment is part of it.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// As it came, with the base.
    pub path: String,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    pub body: Vec<u8>,
}

/// How somebody says who they are.
#[derive(Debug, PartialEq, Eq)]
pub enum Credential {
    None,
    Token(String),
    /// In a way that this forge does not know.
    Odd,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that counts from 1; nothing sensible = absent.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name)?.parse().ok().filter(|number| *number > 0)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// From `Authorization`, in one of these schemes; of `basic` either half.
    pub fn authorization(&self, schemes: &[&str]) -> Credential {
        let Some(said) = self.header("authorization") else { return Credential::None };
        let Some((scheme, rest)) = said.split_once(' ') else { return Credential::Odd };
        let scheme = scheme.to_ascii_lowercase();
        if !schemes.contains(&scheme.as_str()) {
            return Credential::Odd;
        }
        if scheme != "basic" {
            return Credential::Token(rest.trim().to_owned());
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok();
        match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(pair) => match pair.split_once(':') {
                Some((user, "" | "x-oauth-basic")) => Credential::Token(user.to_owned()),
                Some((_, password)) => Credential::Token(password.to_owned()),
                None => Credential::Odd,
            },
            None => Credential::Odd,
        }
    }

    /// The parts of `items` that this call asks for, and how many pages there are.
    pub fn page<T: Clone>(&self, items: &[T], size: usize) -> (Vec<T>, Pages) {
        let page = self.number("page").unwrap_or(1);
        let total = items.len();
        let shown =
            items.iter().skip((page - 1).saturating_mul(size)).take(size).cloned().collect();
        (shown, Pages { page, size, total, last: total.div_ceil(size).max(1) })
    }

    /// RFC 8288, as all of them send it.
    pub fn link(&self, pages: &Pages) -> Option<(&'static str, String)> {
        let others = self.query.iter().filter(|(key, _)| key != "page");
        let others: String = others.map(|(key, value)| format!("&{key}={value}")).collect();
        let to = |page: usize, rel: &str| {
            format!("<{}{}?page={page}{others}>; rel=\"{rel}\"", self.origin, self.path)
        };
        let (next, last) = (to(pages.page + 1, "next"), to(pages.last, "last"));
        (pages.page < pages.last).then(|| ("link", format!("{next}, {last}")))
    }
}

/// Where a page lies among the others.
pub struct Pages {
    pub page: usize,
    pub size: usize,
    pub total: usize,
    pub last: usize,
}

/// What is sent back.
pub struct Answer {
    pub code: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// The hook that a trial delivery was asked of.
    pub pinged: Option<u64>,
}

impl Answer {
    pub fn json(code: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self { code, headers, body: body.to_string(), pinged: None }
    }

    pub fn empty(code: u16) -> Self {
        Self { code, headers: Vec::new(), body: String::new(), pinged: None }
    }

    pub fn with(mut self, headers: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.headers.extend(headers);
        self
    }
}
