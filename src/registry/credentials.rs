//! Credentials for registries, from a Docker configuration. Read anew for each image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use reqwest::header::HeaderValue;
use serde::Deserialize;

/// A user name and a password. Has no `Debug`, so that it cannot be printed.
pub struct Basic {
    username: String,
    password: String,
}

/// What the file holds for a registry.
pub enum Held<'a> {
    Basic(&'a Basic),
    /// A program that would know.
    Helper(&'a str),
    IdentityToken,
    /// An entry that is no user and password.
    Unreadable,
    Nothing,
}

/// A Docker configuration that was read.
pub struct Credentials {
    file: Option<PathBuf>,
    entries: BTreeMap<String, Entry>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

enum Entry {
    Basic(Basic),
    IdentityToken,
    Unreadable,
}

/// Why the file cannot be used.
pub struct Bad {
    pub what: String,
    pub help: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl Credentials {
    /// Reads the file; no file is no credentials.
    pub fn read(file: Option<&Path>) -> Result<Self, Bad> {
        let config = match file {
            None => Config::default(),
            Some(file) => {
                let bad = |what: String| Bad {
                    what: format!("cannot be asked: the credentials in {} {what}", file.display()),
                    help: "mend the file, or name another one by --docker-config".to_owned(),
                };
                let bytes =
                    std::fs::read(file).map_err(|e| bad(format!("cannot be read ({e})")))?;
                // The reason would quote the file.
                serde_json::from_slice(&bytes).map_err(|error| {
                    bad(format!("are not a Docker configuration (line {})", error.line()))
                })?
            }
        };
        let mut entries = BTreeMap::new();
        for (key, auth) in config.auths {
            if let (Some(host), Some(entry)) = (host(&key), auth.entry()) {
                entries.insert(host, entry);
            }
        }
        let helpers =
            config.helpers.into_iter().filter_map(|(key, name)| Some((host(&key)?, name)));
        Ok(Self {
            file: file.map(Path::to_owned),
            entries,
            helpers: helpers.collect(),
            store: config.store.filter(|name| !name.is_empty()),
        })
    }

    /// What there is for a registry, as images name it.
    pub fn held(&self, registry: &str) -> Held<'_> {
        match (self.entries.get(registry), self.helpers.get(registry), &self.store) {
            (Some(Entry::Basic(basic)), _, _) => Held::Basic(basic),
            (_, Some(helper), _) => Held::Helper(helper),
            (_, None, Some(store)) => Held::Helper(store),
            (Some(Entry::IdentityToken), None, None) => Held::IdentityToken,
            (Some(Entry::Unreadable), None, None) => Held::Unreadable,
            (None, None, None) => Held::Nothing,
        }
    }

    /// The file's name, for a sentence.
    pub fn place(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => "~/.docker/config.json (which is not there)".to_owned(),
        }
    }
}

impl Auth {
    fn entry(self) -> Option<Entry> {
        if self.identitytoken.is_some_and(|token| !token.is_empty()) {
            return Some(Entry::IdentityToken);
        }
        if let Some(encoded) = self.auth.filter(|encoded| !encoded.is_empty()) {
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
            let pair = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let basic = pair.as_deref().and_then(|pair| pair.split_once(':'));
            return Some(basic.map_or(Entry::Unreadable, |(username, password)| {
                Entry::Basic(Basic {
                    username: username.to_owned(),
                    password: password.trim_end_matches('\0').to_owned(),
                })
            }));
        }
        match (self.username, self.password) {
            (Some(username), Some(password)) => Some(Entry::Basic(Basic { username, password })),
            // An empty entry says that a helper knows.
            (None, None) => None,
            _ => Some(Entry::Unreadable),
        }
    }
}

/// The registry that a key of the file is for. A key with a path of its own is for less than a
/// registry, and is left alone.
fn host(key: &str) -> Option<String> {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    if !matches!(path.trim_end_matches('/'), "" | "v1" | "v2") {
        return None;
    }
    Some(match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    })
}

impl Held<'_> {
    pub fn basic(&self) -> Option<&Basic> {
        match self {
            Self::Basic(basic) => Some(basic),
            Self::Helper(_) | Self::IdentityToken | Self::Unreadable | Self::Nothing => None,
        }
    }
}

impl Basic {
    /// `Basic <base64>`.
    pub fn header(&self) -> HeaderValue {
        let pair = format!("{}:{}", self.username, self.password);
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        // Base64 can always stand in a header.
        let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}
