//! Lets libgit2 talk through our own connections.
//!
//! One scheme, `vitrine://<number>`, is registered with libgit2 once. The number finds the
//! connection that a call of this room has just put down, so neither address nor credential ever
//! reaches libgit2, its configuration or its messages.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};

use super::Trouble;
use super::sieved::{Shared, Sieved};

const PREFIX: &str = "vitrine";

/// A way to reach a Git server for the length of one call.
pub trait Dial: Send + Sync + 'static {
    /// Whether each request stands alone, as over HTTP.
    fn stateless(&self) -> bool;
    /// Opens the stream on which libgit2 speaks `service`.
    fn dial(self: Arc<Self>, service: Service) -> io::Result<Box<dyn SmartSubtransportStream>>;
}

/// A connection, and what is found out about the server on it.
#[derive(Clone)]
struct Dialer {
    dial: Arc<dyn Dial>,
    findings: Shared,
}

static LINES: Mutex<BTreeMap<u64, Dialer>> = Mutex::new(BTreeMap::new());

/// A [`Dial`] that libgit2 can find; gone when dropped.
pub struct Line {
    number: u64,
    /// What was found out about the server in this call.
    pub findings: Shared,
}

impl Line {
    pub fn new(dial: Arc<dyn Dial>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let findings = Shared::default();
        let dialer = Dialer { dial, findings: findings.clone() };
        LINES.lock().unwrap_or_else(PoisonError::into_inner).insert(number, dialer);
        Self { number, findings }
    }

    /// What libgit2 takes for the remote's address.
    pub fn url(&self) -> String {
        format!("{PREFIX}://{}", self.number)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Registers the scheme, once in the life of the process.
///
/// # Errors
/// libgit2's own, which would come back at each call.
pub fn install() -> Result<(), Trouble> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| register().map_err(|error| error.message().to_owned()))
        .clone()
        .map_err(|error| Trouble::new(format!("libgit2 cannot be used ({error})")))
}

#[expect(unsafe_code, reason = "libgit2 keeps transports in a global list; see SAFETY")]
fn register() -> Result<(), git2::Error> {
    // Else it keeps up to 256 MiB of the objects that it has read.
    git2::opts::enable_caching(false);
    // SAFETY: the list must not be changed while a transport is created. `install` runs this once,
    // and `Source::open`, the only door to everything that creates transports, waits for it.
    unsafe {
        git2::transport::register(PREFIX, |remote| {
            let url = remote.url()?;
            let dialer =
                find(url).ok_or_else(|| git2::Error::from_str("the connection is gone"))?;
            Transport::smart(remote, dialer.dial.stateless(), dialer)
        })
    }
}

fn find(url: &str) -> Option<Dialer> {
    let number = url.strip_prefix(PREFIX)?.strip_prefix("://")?.parse().ok()?;
    LINES.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
}

impl SmartSubtransport for Dialer {
    fn action(
        &self,
        _url: &str,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let stream = Arc::clone(&self.dial)
            .dial(service)
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        Ok(match service {
            Service::UploadPackLs | Service::UploadPack => {
                Box::new(Sieved::new(stream, self.findings.clone()))
            }
            Service::ReceivePackLs | Service::ReceivePack => stream,
        })
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}
