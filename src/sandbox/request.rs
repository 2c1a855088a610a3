//! What a request asks for.

use std::collections::BTreeMap;

use http::Method;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub accept: String,
    pub content_type: String,
    pub user_agent: String,
    pub body: bytes::Bytes,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Ready,
    Version,
    CoreVersions,
    Groups,
    Group(String),
    Resources {
        group: String,
        version: String,
    },
    /// Where the schemas of each group and version lie.
    Schemas,
    Schema {
        group: String,
        version: String,
    },
    Objects(Objects),
    Nothing,
}

/// One object, or all objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Objects {
    pub group: String,
    pub version: String,
    pub plural: String,
    /// Empty = all namespaces, or none.
    pub namespace: String,
    /// Empty = all.
    pub name: String,
    pub subresource: String,
}

impl Request {
    /// Takes a request apart.
    pub fn read(parts: &http::request::Parts, body: bytes::Bytes) -> Self {
        let header = |name: http::HeaderName| {
            parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let query = parts.uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes());
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: query.map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
            accept: header(http::header::ACCEPT),
            content_type: header(http::header::CONTENT_TYPE),
            user_agent: header(http::header::USER_AGENT),
            body,
        }
    }

    /// A parameter of the query; empty if absent.
    pub fn param(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// Whether a parameter of the query is `true` or `1`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    /// Whether the answer is to hold metadata only.
    pub fn metadata_only(&self) -> bool {
        self.accept
            .split(',')
            .next()
            .is_some_and(|first| first.contains("as=PartialObjectMetadata"))
    }

    /// Whether the aggregated form of discovery is understood.
    pub fn aggregated(&self) -> bool {
        self.accept.split(',').any(|kind| {
            kind.contains("as=APIGroupDiscoveryList")
                && kind.contains("v=v2")
                && !kind.contains("v=v2beta1")
        })
    }

    /// The field manager: named, or else the first word of the user agent.
    pub fn manager(&self) -> String {
        match self.param("fieldManager") {
            "" => self.user_agent.split('/').next().unwrap_or_default().to_owned(),
            named => named.to_owned(),
        }
    }

    pub fn target(&self) -> Target {
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        match parts[..] {
            ["livez" | "readyz" | "healthz"] => Target::Ready,
            ["version"] => Target::Version,
            ["api"] => Target::CoreVersions,
            ["apis"] => Target::Groups,
            ["apis", group] => Target::Group(group.to_owned()),
            ["api", version] => {
                Target::Resources { group: String::new(), version: version.to_owned() }
            }
            ["apis", group, version] => {
                Target::Resources { group: group.to_owned(), version: version.to_owned() }
            }
            ["openapi", "v3"] => Target::Schemas,
            ["openapi", "v3", "api", version] => {
                Target::Schema { group: String::new(), version: version.to_owned() }
            }
            ["openapi", "v3", "apis", group, version] => {
                Target::Schema { group: group.to_owned(), version: version.to_owned() }
            }
            ["api", version, ref rest @ ..] => objects("", version, rest),
            ["apis", group, version, ref rest @ ..] => objects(group, version, rest),
            _ => Target::Nothing,
        }
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Target {
    let (namespace, rest) = match rest {
        // A Namespace, or a subresource of one, is no content of a namespace.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] if group.is_empty() => {
            ("", rest)
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        _ => ("", rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, subresource] => (*plural, *name, *subresource),
        _ => return Target::Nothing,
    };
    let own = str::to_owned;
    Target::Objects(Objects {
        group: own(group),
        version: own(version),
        plural: own(plural),
        namespace: own(namespace),
        name: own(name),
        subresource: own(subresource),
    })
}
