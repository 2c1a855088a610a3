//! Paths that people write: where something lies in a container, and what a page is asked for.

/// An absolute path in a container, at which something can be mounted.
///
/// At most 255 bytes, without `.`, `..`, `:` and empty parts, without what means something to those
/// who read lists of mounts (commas, quotes, control characters), and nothing that the container or
/// the kubelet needs itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountPath(String);

/// Why nothing can be mounted at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMount {
    /// It is no absolute path in the form that [`MountPath`] asks for, or it is `/`.
    NotAPath,
    /// It belongs to the system.
    System,
}

impl MountPath {
    /// Parses a path.
    ///
    /// # Errors
    /// [`BadMount`].
    pub fn parse(text: &str) -> Result<Self, BadMount> {
        let parts: Vec<&str> = text.split('/').skip(1).collect();
        let taken = ["proc", "sys", "dev"].contains(parts.first().unwrap_or(&""))
            || text.starts_with("/var/run/secrets")
            || text.starts_with("/run/secrets")
            || ["/etc", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"].contains(&text);
        if taken {
            return Err(BadMount::System);
        }
        let shape = text.starts_with('/')
            && text.len() <= 255
            && !text.contains([':', ',', '"'])
            && !text.contains(char::is_control)
            && parts.iter().all(|part| !part.is_empty() && *part != "." && *part != "..");
        if shape { Ok(Self(text.to_owned())) } else { Err(BadMount::NotAPath) }
    }

    /// The path, which never ends with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this path lies in the folder `other`.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// An absolute path of a URL: begins with `/`, has no query, no `..` and nothing to be escaped.
///
/// At most 512 bytes of letters, digits and `/-._~%`: what an edge writes into its own
/// configuration must mean nothing there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath(String);

impl UrlPath {
    /// Parses a path.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = text.starts_with('/')
            && text.len() <= 512
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b))
            && !text.contains("//")
            && is_escaped(text)
            && text.split('/').all(|part| part != ".." && part != ".");
        ok.then(|| Self(text.to_owned()))
    }

    /// `/`
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path as it was written, escapes included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether each `%` begins an escape, and none hides a `/`: a route takes no other.
fn is_escaped(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.len() == 2
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && !digits.eq_ignore_ascii_case("2f")
    })
}

shown_as_text!(MountPath, UrlPath);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_mounted_over_what_the_system_needs() {
        for good in ["/tmp", "/config/model.yaml", "/etc/app", "/device"] {
            assert_eq!(MountPath::parse(good).unwrap().as_str(), good);
        }
        let long = format!("/{}", "a".repeat(255));
        for bad in [
            "",
            "tmp",
            "/",
            "/a/",
            "/a//b",
            "/a/../b",
            "/a:b",
            "/a\nb",
            "/a\u{1b}b",
            "/a,b",
            "/a\"b",
            &long,
        ] {
            assert_eq!(MountPath::parse(bad), Err(BadMount::NotAPath), "{bad}");
        }
        for taken in ["/proc/x", "/sys", "/dev/shm", "/etc", "/etc/hosts", "/run/secrets/x"] {
            assert_eq!(MountPath::parse(taken), Err(BadMount::System), "{taken}");
        }
        let path = |text| MountPath::parse(text).unwrap();
        assert!(path("/a/b").is_below(&path("/a")) && !path("/ab").is_below(&path("/a")));
    }

    #[test]
    fn the_path_of_a_page_means_nothing_to_an_edge() {
        for good in ["/", "/docs/", "/a-b/c.html", "/%C3%A4"] {
            assert_eq!(UrlPath::parse(good).unwrap().as_str(), good);
        }
        let long = format!("/{}", "a".repeat(512));
        for bad in
            ["", "a", "//", "/a//b", "/..", "/./a", "/a?b", "/a b", "/ä", "/%2Fa", "/%4", &long]
        {
            assert!(UrlPath::parse(bad).is_none(), "{bad}");
        }
    }
}
