//! The answer of a watch: one JSON text a line.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use kube::client::Body;

use crate::cluster::request::{Failure, unavailable};
use crate::http::causes;

/// The longest line of a watch, in bytes; etcd holds no object of more than 1.5 MB.
pub(super) const LONGEST_LINE: usize = 8 * 1024 * 1024;

/// How much room for lines a watch keeps that has none, in bytes.
const KEPT: usize = 16 * 1024;

/// The body of a watch, line by line.
pub(super) struct Lines {
    body: Body,
    rest: BytesMut,
    /// How much of `rest` holds no line's end.
    read: usize,
}

impl Lines {
    pub fn of(body: Body) -> Self {
        Self { body, rest: BytesMut::new(), read: 0 }
    }

    /// The next line that is not empty; `None` at the end. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = self.rest[self.read..].iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(self.read + end + 1).freeze();
                self.read = 0;
                if line.len() > 1 {
                    return Ok(Some(line));
                }
                continue;
            }
            self.read = self.rest.len();
            if self.rest.len() > LONGEST_LINE {
                return Err(unavailable("an event of the watch is too long".to_owned()));
            }
            if self.rest.is_empty() && self.rest.capacity() > KEPT {
                // A list went through it: two dozen watches would keep as much for good.
                self.rest = BytesMut::new();
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    return Err(unavailable(format!("the watch broke off: {}", causes(&error))));
                }
                None => return Ok(None),
            }
        }
    }
}
