//! Where a redirect leads, and whether it may be followed.

use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

/// How many redirects of one request are followed.
pub const MAX_HOPS: usize = 3;

/// A place that may be asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    pub to: Url,
    /// The same host, by the same door or from plain HTTP up to TLS: what was meant for the one
    /// may be told to the other.
    pub same_host: bool,
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It names no address.
    Nowhere,
    /// From TLS to plain HTTP, or to something that is not HTTP: `scheme://host`.
    Unsafe(String),
}

/// Where an answer sends us.
///
/// # Errors
/// [`Refused`].
pub fn next_hop(from: &Url, headers: &HeaderMap) -> Result<Hop, Refused> {
    let to = headers
        .get(LOCATION)
        .and_then(|location| from.join(location.to_str().ok()?).ok())
        .ok_or(Refused::Nowhere)?;
    let upgraded = from.scheme() == "http" && to.scheme() == "https";
    let kept = from.scheme() == to.scheme();
    if !(kept || upgraded) || !matches!(to.scheme(), "http" | "https") || !to.has_host() {
        return Err(Refused::Unsafe(place(&to)));
    }
    let same_door = kept && from.port_or_known_default() == to.port_or_known_default();
    let same_host = from.host_str() == to.host_str() && (same_door || upgraded);
    Ok(Hop { to, same_host })
}

/// `scheme://host`, without user, path or query.
pub fn place(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or("?"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hop(from: &str, location: &str) -> Result<Hop, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().unwrap());
        next_hop(&Url::parse(from).unwrap(), &headers)
    }

    #[test]
    fn a_hop_says_whether_it_stays_with_the_host() {
        for (from, to, same_host) in [
            ("https://a.org/x", "/y", true),
            ("https://a.org/x", "https://a.org:443/y", true),
            ("https://a.org/x", "https://a.org:8443/y", false),
            ("http://a.org:3000/x", "https://a.org/y", true),
            ("https://a.org/x", "https://b.org/x", false),
            ("https://a.org/x", "//b.org/x", false),
            ("http://a.org/x", "http://a.org:81/x", false),
        ] {
            assert_eq!(hop(from, to).map(|hop| hop.same_host), Ok(same_host), "{from} {to}");
        }
    }

    #[test]
    fn nothing_leaves_tls_and_nothing_but_http_is_asked() {
        let refused = |place: &str| Err(Refused::Unsafe(place.to_owned()));
        assert_eq!(hop("https://a.org/x", "http://a.org/x"), refused("http://a.org"));
        assert_eq!(hop("https://a.org/x", "ftp://user:pw@a.org/x?q"), refused("ftp://a.org"));
        assert_eq!(hop("https://a.org/x", "file:///etc/passwd"), refused("file://?"));
        let nowhere = next_hop(&Url::parse("https://a.org").unwrap(), &HeaderMap::new());
        assert_eq!(nowhere, Err(Refused::Nowhere));
    }
}
