//! Git's smart protocol over HTTP.
//!
//! Ours instead of libgit2's, because every wait has an end here, a refused token is one clear
//! sentence instead of an endless question, and the poll can ask for one branch alone.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::http::Failure;
use crate::http::quiet::{self, Quiet};
use crate::http::redirect::{self, MAX_HOPS, Refused};
use vitrine_core::config::Auth;

use super::remote::Limits;
use super::{Trouble, secret};

mod exchange;
pub mod ls_refs;

/// A Git server, and what is remembered of it between calls.
pub struct Server {
    base: Url,
    auth: Option<Auth>,
    ca_file: Option<PathBuf>,
    limits: Limits,
    /// The client made with these bytes of the CA file.
    client: Mutex<Option<(Vec<u8>, Client)>>,
    /// The server answered `ls-refs` with something else: ask for the plain list.
    pub plain: AtomicBool,
}

/// One call to the server: its deadline, its allowance of bytes, and its first failure.
pub struct Session {
    server: Arc<Server>,
    client: Client,
    runtime: Handle,
    deadline: Instant,
    allowance: AtomicU64,
    /// Where the first request was answered, when it was redirected.
    moved: Mutex<Option<Url>>,
    failure: Mutex<Option<Trouble>>,
}

impl Server {
    pub fn new(
        base: Url,
        auth: Option<Auth>,
        ca_file: Option<PathBuf>,
        limits: Limits,
    ) -> Arc<Self> {
        let client = Mutex::new(None);
        Arc::new(Self { base, auth, ca_file, limits, client, plain: AtomicBool::new(false) })
    }

    /// Begins a call. Only on a thread of [`tokio::task::spawn_blocking`].
    ///
    /// # Errors
    /// A CA file that cannot be used, and a server that asked to be left alone.
    pub fn session(self: &Arc<Self>) -> Result<Arc<Session>, Trouble> {
        if let Some(quiet) = self.quiet() {
            return Err(self.left_alone(quiet));
        }
        Ok(Arc::new(Session {
            server: Arc::clone(self),
            client: self.client()?,
            runtime: Handle::current(),
            deadline: Instant::now() + self.limits.total,
            allowance: AtomicU64::new(self.limits.bytes),
            moved: Mutex::new(None),
            failure: Mutex::new(None),
        }))
    }

    /// Whether it asked to be left alone, and until when.
    pub fn quiet(&self) -> Option<Quiet> {
        quiet::of(&quiet::server(&self.base))
    }

    fn left_alone(&self, quiet: Quiet) -> Trouble {
        let (base, time) = (&self.base, quiet.time());
        Trouble::new(if quiet.status == StatusCode::TOO_MANY_REQUESTS {
            format!(
                "{base} is asked too often (429) and is left alone until {time}; if it comes back, \
                 raise repository.poll"
            )
        } else {
            format!(
                "{base} answered {} and is left alone until {time}, as it asks; if it comes back, \
                 the Git server must be mended",
                quiet.status.as_u16()
            )
        })
    }

    /// The client for the CA file as it is now.
    fn client(&self) -> Result<Client, Trouble> {
        let pem = match &self.ca_file {
            None => Vec::new(),
            Some(file) => std::fs::read(file).map_err(|error| {
                Trouble::new(format!("cannot read the CA file {}: {error}", file.display()))
            })?,
        };
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = &*kept
            && *of == pem
        {
            return Ok(client.clone());
        }
        let client = self.build(&pem)?;
        *kept = Some((pem, client.clone()));
        Ok(client)
    }

    fn build(&self, pem: &[u8]) -> Result<Client, Trouble> {
        let mut builder = crate::http::builder()
            // Some servers show a web page to what does not call itself git.
            .user_agent(concat!("git/2 (vitrine/", env!("CARGO_PKG_VERSION"), ")"))
            .connect_timeout(self.limits.connect)
            .read_timeout(self.limits.read);
        if let Some(file) = &self.ca_file {
            let bad = |why: String| {
                let file = file.display();
                Trouble::new(format!("the CA file {file} {why}; it must hold PEM certificates"))
            };
            builder = builder.tls_certs_only(crate::http::certificates(pem).map_err(bad)?);
        }
        builder.build().map_err(|error| {
            Trouble::new(format!("no HTTPS client can be made: {}", crate::http::reason(&error)))
        })
    }
}

impl Session {
    /// The first failure of this call, which says more than what libgit2 makes of it.
    pub fn failure(&self) -> Option<Trouble> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn trouble(&self, what: impl std::fmt::Display) -> Trouble {
        Trouble::new(format!("{} {what}", self.server.base))
    }

    fn fail(&self, trouble: Trouble) -> io::Error {
        let error = io::Error::other(trouble.sentence.clone());
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        error
    }

    /// `GET info/refs`, following redirects that stay on the host.
    fn advertisement(&self, service: &str) -> Result<Response, Trouble> {
        let tail = format!("info/refs?service={service}");
        let mut url = below(&self.server.base, &tail)?;
        for _ in 0..=MAX_HOPS {
            let response = self.send(self.client.get(url.clone()))?;
            if !response.status().is_redirection() {
                let answer = self.judge(response, &format!("{service}-advertisement"))?;
                self.remember(&url, &tail)?;
                return Ok(answer);
            }
            url = self.next_hop(&url, &response)?;
        }
        Err(self.trouble("redirects in a circle; check repository.url"))
    }

    fn next_hop(&self, from: &Url, response: &Response) -> Result<Url, Trouble> {
        // The credentials were meant for another host, or would travel in the clear.
        let place = match redirect::next_hop(from, response.headers()) {
            Ok(hop) if hop.same_host => return Ok(hop.to),
            Ok(hop) => redirect::place(&hop.to),
            Err(Refused::Unsafe(place)) => place,
            Err(Refused::Nowhere) => {
                return Err(self.trouble("redirects to nowhere; check repository.url"));
            }
        };
        Err(self.trouble(format!(
            "redirects to {place}, which is not followed; if that is right, set repository.url to it"
        )))
    }

    /// Requests after the first go where it was answered.
    fn remember(&self, answered: &Url, tail: &str) -> Result<(), Trouble> {
        let Some(base) = answered.as_str().strip_suffix(tail).and_then(|b| Url::parse(b).ok())
        else {
            return Err(self
                .trouble("redirects to something that is not a repository; check repository.url"));
        };
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
        Ok(())
    }

    /// `POST git-upload-pack` or `git-receive-pack`. Never redirected: the POST would turn into a
    /// GET and its answer into a false success.
    fn exchange(&self, service: &str, body: Vec<u8>, version: u8) -> Result<Response, Trouble> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let url = below(moved.as_ref().unwrap_or(&self.server.base), service)?;
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, format!("application/x-{service}-request"))
            .header(ACCEPT, format!("application/x-{service}-result"))
            .body(body);
        if version == 2 {
            request = request.header("Git-Protocol", "version=2");
        }
        self.send(request)
    }

    fn send(&self, mut request: RequestBuilder) -> Result<Response, Trouble> {
        if let Some(basic) = secret::basic(self.server.auth.as_ref())? {
            request = request.basic_auth(basic.username, Some(basic.secret));
        }
        match self.runtime.block_on(timeout_at(self.deadline, request.send())) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Trouble {
        let limit = self.server.limits.total.as_secs();
        self.trouble(format!("did not finish within {limit} s; check the network to it"))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let what = match Failure::of(error) {
            Failure::Timeout if !error.is_connect() => {
                let limit = self.server.limits.read.as_secs();
                return self.trouble(format!("was silent for {limit} s; check the server"));
            }
            Failure::Broken => "broke off",
            Failure::Name | Failure::Certificate | Failure::Timeout | Failure::Connect => {
                "cannot be reached"
            }
        };
        self.trouble(format!(
            "{what} ({}); check the address and the network",
            crate::http::reason(error)
        ))
    }

    /// The answer, if it is the one that the protocol knows.
    fn judge(&self, response: Response, kind: &str) -> Result<Response, Trouble> {
        if response.status() != StatusCode::OK {
            return Err(self.refusal(&response));
        }
        let found = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let found = found.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if found.eq_ignore_ascii_case(&format!("application/x-{kind}")) {
            return Ok(response);
        }
        Err(self.trouble(if found.eq_ignore_ascii_case("text/html") {
            "answered with a web page instead of Git data; check that repository.url is the \
             address that `git clone` takes and that no login page or proxy stands before it"
        } else {
            "does not answer in Git's smart protocol; check that repository.url is the address \
             that `git clone` takes"
        }))
    }

    fn refusal(&self, response: &Response) -> Trouble {
        if let Some(quiet) = quiet::heed(&quiet::server(&self.server.base), response) {
            return self.server.left_alone(quiet);
        }
        let status = response.status();
        let auth = self.server.auth.as_ref();
        let origin = secret::origin(auth);
        self.trouble(match status {
            StatusCode::UNAUTHORIZED if auth.is_none() => {
                "asks for credentials (401); set repository.auth".to_owned()
            }
            StatusCode::UNAUTHORIZED => {
                format!("refused {origin} (401); put a valid one into the file")
            }
            StatusCode::FORBIDDEN => {
                format!(
                    "does not allow this with {origin} (403); give it the right to the repository"
                )
            }
            StatusCode::NOT_FOUND => format!(
                "does not exist or may not be seen with {origin} (404); check repository.url and \
                 repository.auth"
            ),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                "is behind a proxy that asks for credentials (407); check HTTPS_PROXY".to_owned()
            }
            StatusCode::TOO_MANY_REQUESTS => {
                "is asked too often (429); raise repository.poll".to_owned()
            }
            _ if status.is_redirection() => format!(
                "answered a request with a redirect ({}); set repository.url to the new address",
                status.as_u16()
            ),
            _ if status.is_server_error() => {
                format!("answered {}; the Git server must be mended", status.as_u16())
            }
            _ => format!("answered {}; check repository.url", status.as_u16()),
        })
    }
}

fn below(base: &Url, tail: &str) -> Result<Url, Trouble> {
    let text = format!("{}/{tail}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| Trouble::new("repository.url is not an address; check it"))
}
