//! References of container images, by the grammar of the OCI distribution specification.

use std::fmt;

/// `[registry/]repository[:tag][@digest]`, at most 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Takes a reference apart; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 512 {
            return None;
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let name_starts = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match rest.get(name_starts..)?.find(':') {
            Some(colon) => {
                (rest.get(..name_starts + colon)?, Some(rest.get(name_starts + colon + 1..)?))
            }
            None => (rest, None),
        };
        let host = host(repository);
        let path = match host {
            Some(host) => repository.get(host.len() + 1..)?,
            None => repository,
        };
        let ok = host.is_none_or(is_host)
            && path.split('/').all(is_path_part)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        ok.then(|| Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// With a registry only where one was written.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What stands after the `:`; absent if no tag was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `sha256:<64 hexadecimal digits>`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The registry, if one was written: the first part, when it looks like a host.
    pub fn host(&self) -> Option<&str> {
        host(&self.repository)
    }

    /// With the registry and the folder that a container runtime would add.
    pub fn full_repository(&self) -> String {
        match self.host() {
            Some(_) => self.repository.clone(),
            None if self.repository.contains('/') => format!("docker.io/{}", self.repository),
            None => format!("docker.io/library/{}", self.repository),
        }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// Whether a host, with or without a port, is another machine for everyone.
pub fn is_own_machine(host: &str) -> bool {
    let name = without_port(host);
    is_loopback(host)
        || name == "host.docker.internal"
        || name.ends_with(".local")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_link_local())
}

/// Whether a host, with or without a port, is whoever asks for it.
pub fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    matches!(name.as_str(), "localhost" | "0.0.0.0" | "::1" | "::")
        || name.ends_with(".localhost")
        // Also as `127.1`, which is not how an address is written and is understood all the same.
        || name.strip_prefix("127.").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// In lower case; of an IPv6 address without its brackets.
fn without_port(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.to_lowercase()
}

fn host(repository: &str) -> Option<&str> {
    let (first, _) = repository.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_ok = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        }),
    };
    name_ok && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_part(part: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = part.bytes().next().is_some_and(alphanumeric)
        && part.bytes().next_back().is_some_and(alphanumeric);
    let mut separator = String::new();
    for character in part.chars() {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            let ok = matches!(separator.as_str(), "" | "." | "_" | "__")
                || separator.bytes().all(|b| b == b'-');
            if !ok {
                return false;
            }
            separator.clear();
        } else if matches!(character, '.' | '_' | '-') {
            separator.push(character);
        } else {
            return false;
        }
    }
    ends
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_digest(digest: &str) -> bool {
    let hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match digest.split_once(':') {
        Some(("sha256", digits)) => hex(digits, 64),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn references_are_taken_apart_as_a_container_runtime_does() {
        let with_digest = format!("registry.example:5000/a/b_c__d--e:1.0@{DIGEST}");
        let parse = ImageReference::parse;
        let reference = parse(&with_digest).unwrap();
        assert_eq!(reference.repository(), "registry.example:5000/a/b_c__d--e");
        assert_eq!((reference.tag(), reference.digest()), (Some("1.0"), Some(DIGEST)));
        for text in [with_digest.as_str(), "nginx", "a/b:1", "ghcr.io/a/b"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("nginx").unwrap().full_repository(), "docker.io/library/nginx");
        assert_eq!(parse("a/b:1").unwrap().full_repository(), "docker.io/a/b");
        assert_eq!(parse("ghcr.io/a/b").unwrap().full_repository(), "ghcr.io/a/b");
        for bad in [
            "",
            ":",
            "/",
            "a/",
            "/a",
            "A/b",
            "a:b:c",
            "a b",
            "a@sha256:12",
            "a@md5:0",
            "a..b",
            "a-/b",
            "a/b:",
            "a/b:.x",
            "http://a.b/c",
            "a.b:x/c",
            "a___b",
            "a@",
            "a@x@y",
            "é",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ones_own_machine_is_recognised_in_every_disguise() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:5000",
            "127.1:5000",
            "169.254.169.254",
        ] {
            assert!(is_own_machine(host), "{host}");
        }
        for host in ["registry.example", "localhost.example", "10.0.0.1:5000"] {
            assert!(!is_own_machine(host), "{host}");
        }
        for (host, loops) in [("[::1]:5000", true), ("127.1", true), ("registry.corp.local", false)]
        {
            assert_eq!(is_loopback(host), loops, "{host}");
        }
    }
}
