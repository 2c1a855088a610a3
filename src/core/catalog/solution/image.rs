//! References of container images: OCI's grammar, and which of them this platform runs.

use super::bench::Bench;
use crate::catalog::fault::code;
use crate::model::decode::Cursor;
use crate::model::yaml::Spanned;

/// The parts of `registry/repository[:tag][@digest]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// With a host only where one was written.
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// Reads an image and reports what the platform does not run.
pub fn read(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Spanned<String>> {
    let text = cursor.text()?;
    let Some(reference) = parse(&text.value) else {
        let mut fault = cursor
            .fault(code::BAD_IMAGE, format!("`{}` is not an image reference", text.value))
            .help("write registry/repository:tag@sha256:<64 hexadecimal digits>");
        let lower = text.value.to_lowercase();
        if parse(&lower).is_some() {
            fault = fault.help(format!("write it in lower case: {lower}"));
        }
        cursor.sheet.report(fault);
        return None;
    };
    let host = reference.host();
    if host.is_some_and(is_local) {
        let message = "the image lies on one's own machine: the cluster cannot pull it from there";
        let help = "push it to a registry that the cluster reaches";
        cursor.sheet.report(cursor.fault(code::LOCAL_IMAGE, message).help(help));
        return None;
    }
    let registries = &bench.platform.registries;
    let full = reference.full_repository();
    if !registries.allow.is_empty() && !registries.allow.iter().any(|p| matches(p, &full)) {
        let message = format!("images of `{full}` are not allowed on this platform");
        let help = format!("allowed: {}", registries.allow.join(", "));
        cursor.sheet.report(cursor.fault(code::REGISTRY, message).help(help));
        return None;
    }
    if registries.require_digest && reference.digest.is_none() {
        let message =
            format!("`{}` has no digest: the registry can replace what a tag means", text.value);
        let help = "append @sha256:<digest>; `vitrine pin` asks the registry for it";
        cursor.sheet.report(cursor.fault(code::NO_DIGEST, message).help(help));
        return None;
    }
    Some(text)
}

/// Parses a reference by the grammar of the OCI distribution specification.
pub fn parse(text: &str) -> Option<Reference<'_>> {
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
    let reference = Reference { repository, tag, digest };
    let path = match reference.host() {
        Some(host) => repository.get(host.len() + 1..)?,
        None => repository,
    };
    let ok = reference.host().is_none_or(is_host)
        && path.split('/').all(is_path_part)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    ok.then_some(reference)
}

impl<'a> Reference<'a> {
    /// Takes a reference apart; `None` if it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        parse(text)
    }

    /// The registry, if one was written: the first part, when it looks like a host.
    pub fn host(&self) -> Option<&'a str> {
        let (first, _) = self.repository.split_once('/')?;
        (first.contains(['.', ':']) || first == "localhost").then_some(first)
    }

    /// With the registry and the folder that a container runtime would add.
    pub fn full_repository(&self) -> String {
        match self.host() {
            Some(_) => self.repository.to_owned(),
            None if self.repository.contains('/') => format!("docker.io/{}", self.repository),
            None => format!("docker.io/library/{}", self.repository),
        }
    }
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
        Some(("sha512", digits)) => hex(digits, 128),
        _ => false,
    }
}

/// A registry that is another machine for everyone.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    let name = name.to_lowercase();
    matches!(name.as_str(), "localhost" | "host.docker.internal" | "0.0.0.0" | "::1" | "::")
        || name.ends_with(".localhost")
        || name.ends_with(".local")
        // Also as `127.1`, which is not how an address is written and is understood all the same.
        || name.strip_prefix("127.").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_link_local())
}

/// Whether a text matches a pattern in which `*` stands for any text, `/` included.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or("");
    }
    rest.ends_with(last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn references_are_taken_apart_as_a_container_runtime_does() {
        let with_digest = format!("registry.example:5000/a/b_c__d--e:1.0@{DIGEST}");
        let reference = parse(&with_digest).unwrap();
        assert_eq!(reference.repository, "registry.example:5000/a/b_c__d--e");
        assert_eq!((reference.tag, reference.digest), (Some("1.0"), Some(DIGEST)));
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
    fn the_star_of_a_pattern_crosses_slashes_and_nothing_matches_by_accident() {
        assert!(matches("registry.example/*", "registry.example/a/b"));
        assert!(matches("*", "anything/at/all"));
        assert!(matches("ghcr.io/*/vitrine", "ghcr.io/a/b/vitrine"));
        assert!(matches("ghcr.io/aim/use", "ghcr.io/aim/use"));
        assert!(!matches("ghcr.io/aim/use", "ghcr.io/aim/use2"));
        assert!(!matches("ghcr.io/aim/*", "ghcr.io/aimless/x"));
        assert!(!matches("ghcr.io/a*a", "ghcr.io/a"));
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
            assert!(is_local(host), "{host}");
        }
        for host in ["registry.example", "localhost.example", "10.0.0.1:5000"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
