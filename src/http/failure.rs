//! What kept a request from being answered, by kind.
//!
//! In: the error of a request. Out: [`Failure`]. Read from the types in its sources and not from
//! their words, which libraries may change at any time. The client's own resolver gives no type to
//! a name that is not found, so [`Names`] stands in its place.

use std::error::Error;
use std::io;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What kept a request from being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody knows an address of the host.
    Name,
    /// The server does not prove that it is who we want to talk to.
    Certificate,
    /// A limit of ours was over, for the connection or for an answer.
    Timeout,
    /// There was no connection.
    Connect,
    /// There was a connection, and it ended too early.
    Broken,
}

impl Failure {
    /// The kind of an error of a request.
    pub fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if error.is::<NotFound>() {
                return Self::Name;
            }
            if let Some(
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented,
            ) = error.downcast_ref()
            {
                return Self::Certificate;
            }
            // The `source` of an I/O error that carries another error passes that one over.
            let carried = error.downcast_ref().and_then(io::Error::get_ref);
            next = carried.map(|error| error as _).or_else(|| error.source());
        }
        if error.is_connect() { Self::Connect } else { Self::Broken }
    }
}

/// A name without an address, and what the system said.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotFound(#[from] io::Error);

/// The system's resolver, whose errors have a type of their own.
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0: the client puts its own in.
            let place = (name.as_str().to_owned(), 0);
            let found = tokio::net::lookup_host(place).await.map_err(NotFound)?;
            Ok(Box::new(found) as Addrs)
        })
    }
}

/// The resolver of every client.
pub(super) fn names() -> Arc<Names> {
    Arc::new(Names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::git::tests::scene::{Server, reply};

    async fn fails(url: &str) -> Failure {
        let client = crate::http::builder().no_proxy().read_timeout(Duration::from_millis(200));
        Failure::of(&client.build().unwrap().get(url).send().await.unwrap_err())
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_known() {
        assert_eq!(fails("https://no-such-host.invalid/").await, Failure::Name);
        assert_eq!(fails("http://no-such-host.invalid/").await, Failure::Name);
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_issued_is_known() {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = made.signing_key.serialize_der();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key).unwrap();
        crate::http::use_ring();
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let server = Server::start(Some(tls.into()), |_| reply("200 OK", "", b""));
        let url = format!("https://{}/", server.address);
        assert_eq!(fails(&url).await, Failure::Certificate);
    }

    #[tokio::test]
    async fn what_does_not_listen_breaks_off_or_is_silent_is_told_apart() {
        assert_eq!(fails("http://127.0.0.1:1/").await, Failure::Connect);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // The kernel takes the connection; nobody answers.
        assert_eq!(fails(&format!("http://{address}/")).await, Failure::Timeout);
        let closing = std::thread::spawn(move || {
            for _ in 0..2 {
                drop(listener.accept().unwrap());
            }
        });
        assert_eq!(fails(&format!("http://{address}/")).await, Failure::Broken);
        closing.join().unwrap();
    }
}
