//! The stream that libgit2 writes a request to and reads the answer from.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Buf, Bytes};
use git2::transport::{Service, SmartSubtransportStream};
use reqwest::Response;
use tokio::time::timeout_at;

use super::Session;
use crate::git::Trouble;
use crate::git::transport::Dial;

/// One request and its answer: written first, sent at the first read.
pub struct Exchange {
    session: Arc<Session>,
    service: &'static str,
    request: Vec<u8>,
    answer: Option<Response>,
    chunk: Bytes,
    received: bool,
}

impl Exchange {
    /// `answer` is there already for a request without a body.
    pub fn new(session: Arc<Session>, service: &'static str, answer: Option<Response>) -> Self {
        let (request, chunk) = (Vec::new(), Bytes::new());
        Self { session, service, request, answer, chunk, received: false }
    }

    fn next_chunk(&mut self) -> Result<Bytes, Trouble> {
        let session = &self.session;
        let response = match &mut self.answer {
            Some(response) => response,
            empty => {
                let request = std::mem::take(&mut self.request);
                let response = session.exchange(self.service, request, 0)?;
                let kind = format!("{}-result", self.service);
                empty.insert(session.judge(response, &kind)?)
            }
        };
        let chunk = next(session, response)?;
        if chunk.is_empty() && !self.received {
            return Err(session.trouble("answered with nothing; the Git server must be mended"));
        }
        self.received = true;
        Ok(chunk)
    }
}

/// The next bytes of a body; none at its end.
pub fn next(session: &Session, response: &mut Response) -> Result<Bytes, Trouble> {
    loop {
        let chunk = session
            .runtime
            .block_on(timeout_at(session.deadline, response.chunk()))
            .map_err(|_| session.late())?
            .map_err(|error| session.unreachable(&error))?;
        let Some(chunk) = chunk else { return Ok(Bytes::new()) };
        let spend = |left: u64| left.checked_sub(chunk.len() as u64);
        if session.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            let limit = session.server.limits.bytes >> 20;
            return Err(session.trouble(format!(
                "sent more than {limit} MiB; keep models and data out of the catalogue"
            )));
        }
        if !chunk.is_empty() {
            return Ok(chunk);
        }
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk = self.next_chunk().map_err(|trouble| self.session.fail(trouble))?;
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Dial for Session {
    fn stateless(&self) -> bool {
        true
    }

    fn dial(self: Arc<Self>, service: Service) -> io::Result<Box<dyn SmartSubtransportStream>> {
        let (name, asks) = match service {
            Service::UploadPackLs => ("git-upload-pack", false),
            Service::UploadPack => ("git-upload-pack", true),
            Service::ReceivePackLs => ("git-receive-pack", false),
            Service::ReceivePack => ("git-receive-pack", true),
        };
        let answer = if asks {
            None
        } else {
            Some(self.advertisement(name).map_err(|trouble| self.fail(trouble))?)
        };
        Ok(Box::new(Exchange::new(self, name, answer)))
    }
}
