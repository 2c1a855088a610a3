//! The one door to HTTP out: TLS, whom it trusts, redirects, servers that want to be left alone,
//! and the printer of causes. It does not know what it carries.

pub mod failure;
pub mod quiet;
pub mod redirect;

use std::error::Error;

pub use failure::Failure;
use reqwest::{Certificate, Client, ClientBuilder};

/// What vitrine calls itself.
pub const USER_AGENT: &str = concat!("vitrine/", env!("CARGO_PKG_VERSION"));

/// How every client begins: rustls on ring, our name, no redirect followed unseen, names looked up
/// so that [`Failure`] knows those that are not found.
pub fn builder() -> ClientBuilder {
    use_ring();
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(failure::names())
}

/// rustls panics when it must choose between two providers; this chooses.
pub fn use_ring() {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The certificates of a bundle in PEM.
///
/// # Errors
/// The end of a sentence that begins with the file's name.
pub fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    match Certificate::from_pem_bundle(pem) {
        Err(error) => Err(format!("cannot be read ({error})")),
        Ok(found) if found.is_empty() => Err("holds no certificate".to_owned()),
        Ok(found) => Ok(found),
    }
}

/// An error and its sources in one line, outermost first; none that only repeats another.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let word = error.to_string();
        if !word.is_empty() && !words.iter().any(|known| known.contains(&word)) {
            words.push(word);
        }
        next = error.source();
    }
    words.join(": ")
}

/// Why a request failed: the sources of its error, without the address, which the sentence around
/// it has already and which may hold a query.
pub fn reason(error: &reqwest::Error) -> String {
    error.source().map_or_else(|| "no reason given".to_owned(), causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|told| told as _)
        }
    }

    #[test]
    fn causes_are_told_once_and_outermost_first() {
        let inner = Told("no route to host", None);
        let middle = Told("no route to host (os error 113)", Some(Box::new(inner)));
        let error = Told("tcp connect error", Some(Box::new(middle)));
        assert_eq!(causes(&error), "tcp connect error: no route to host (os error 113)");
    }

    #[test]
    fn a_bundle_without_a_certificate_is_told() {
        assert!(certificates(b"hello").is_err_and(|why| why == "holds no certificate"));
    }
}
