//! Where the repository lies, judged before anything is opened.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use vitrine_core::config::{Auth, Repository};

use super::Trouble;

/// A repository's address without any credential, so that it can be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Local(PathBuf),
    Http(Url),
    Ssh(Ssh),
}

/// `ssh://user@host:port/path` or `user@host:path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    pub path: String,
}

impl Address {
    /// Judges `repository.url` and that `repository.auth` fits it.
    pub fn parse(settings: &Repository) -> Result<Self, Trouble> {
        let address = Self::of(settings.url.trim())?;
        match (&address, &settings.auth) {
            (_, None)
            | (Self::Http(_), Some(Auth::Token { .. } | Auth::Password { .. }))
            | (Self::Ssh(_), Some(Auth::SshKey { .. })) => Ok(address),
            (Self::Local(_), Some(_)) => Err(Trouble::new(format!(
                "{address} is a local repository and takes no credentials; remove repository.auth"
            ))),
            (Self::Http(_), Some(Auth::SshKey { .. })) => Err(Trouble::new(format!(
                "{address} cannot use an SSH key; set repository.auth.tokenFile instead"
            ))),
            (Self::Ssh(_), Some(Auth::Token { .. } | Auth::Password { .. })) => {
                Err(Trouble::new(format!(
                    "{address} cannot use a token or password; set repository.auth.sshKeyFile and \
                     knownHostsFile instead"
                )))
            }
        }
    }

    fn of(text: &str) -> Result<Self, Trouble> {
        if text.is_empty() {
            return Err(Trouble::new("repository.url is empty; name the repository"));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some((host, path)) if !host.contains('/') => Self::scp(host, path),
                _ => Ok(Self::Local(PathBuf::from(text))),
            };
        };
        // The text itself is not repeated: it may hold a password.
        let url = Url::parse(text).map_err(|error| {
            Trouble::new(format!("repository.url is not an address ({error}); check its spelling"))
        })?;
        if url.password().is_some() || (scheme != "ssh" && !url.username().is_empty()) {
            return Err(Trouble::new(
                "repository.url holds credentials; remove them and name a file in repository.auth",
            ));
        }
        match scheme {
            "file" => url.to_file_path().map(Self::Local).map_err(|()| {
                Trouble::new(format!("{url} is not a path on this machine; write file:///path"))
            }),
            "http" | "https" => {
                if url.query().is_some() || url.fragment().is_some() {
                    return Err(Trouble::new(
                        "repository.url has a `?` or `#`; use the address that `git clone` takes",
                    ));
                }
                Ok(Self::Http(url))
            }
            "ssh" => Self::ssh(&url),
            _ => Err(Trouble::new(format!(
                "repository.url begins with `{scheme}://`; use https, http, ssh, file or a path"
            ))),
        }
    }

    fn ssh(url: &Url) -> Result<Self, Trouble> {
        let user = (!url.username().is_empty()).then(|| url.username().to_owned());
        // `/~user/x` is relative to a home directory, as git has it.
        let path = url.path();
        let path = if path.starts_with("/~") { &path[1..] } else { path };
        Self::judged(Ssh {
            user,
            host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: url.port(),
            path: path.to_owned(),
        })
    }

    fn scp(host: &str, path: &str) -> Result<Self, Trouble> {
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, host),
        };
        Self::judged(Ssh { user, host: host.to_owned(), port: None, path: path.to_owned() })
    }

    /// A name that begins with `-` would be an option of `ssh`.
    fn judged(ssh: Ssh) -> Result<Self, Trouble> {
        let bad = |name: &str| {
            name.is_empty()
                || name.starts_with('-')
                || name.contains(|c: char| c.is_control() || c.is_whitespace())
        };
        let bad_path = ssh.path.trim_matches('/').is_empty() || ssh.path.contains(char::is_control);
        if bad(&ssh.host) || ssh.user.as_deref().is_some_and(bad) || bad_path {
            return Err(Trouble::new(
                "repository.url does not name a host and a path; write ssh://git@host/path.git or \
                 git@host:path.git",
            ));
        }
        Ok(Self::Ssh(ssh))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Http(url) => write!(f, "{url}"),
            Self::Ssh(Ssh { user, host, port, path }) => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                f.write_str(host)?;
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                write!(f, "{}{path}", if path.starts_with('/') { "" } else { "/" })
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address_is_understood() {
        for (text, shown) in [
            ("/srv/catalogue", "/srv/catalogue"),
            ("./catalogue", "./catalogue"),
            ("file:///srv/catalogue", "/srv/catalogue"),
            ("https://git.example/aim/c.git", "https://git.example/aim/c.git"),
            ("ssh://git@git.example:2222/aim/c.git", "ssh://git@git.example:2222/aim/c.git"),
            ("git@git.example:aim/c.git", "ssh://git@git.example/aim/c.git"),
        ] {
            assert_eq!(Address::of(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for text in ["https://me:hunter2@git.example/c", "https://hunter2@git.example/c"] {
            let refused = Address::of(text).unwrap_err().to_string();
            assert!(refused.contains("repository.auth"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn an_address_cannot_smuggle_an_option_into_ssh() {
        for text in ["ssh://-oProxyCommand=x/p", "-oProxyCommand=x:p", "git@:p", "-x@host:p"] {
            Address::of(text).unwrap_err();
        }
    }
}
