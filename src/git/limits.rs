//! What one call to a repository may take.

use std::time::Duration;

use super::room;

/// How long and how much a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To open a connection.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// For a whole call.
    pub total: Duration,
    /// Received in one call.
    pub bytes: u64,
    /// Bytes that stay free on the disk of the mirror.
    pub room: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            total: Duration::from_secs(300),
            bytes: 1 << 30,
            room: room::MARGIN,
        }
    }
}
