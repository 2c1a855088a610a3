//! Reads what is sent, within bounds of size, time and memory: anybody may call.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The largest delivery, in bytes. A push of thousands of commits has less.
pub const LARGEST: usize = 3 * 1024 * 1024;

/// How long a delivery may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A step of memory.
const STEP: usize = 1024;

/// What all deliveries together may take, in steps: eight of the largest, thousands of usual ones.
const STEPS: usize = 8 * LARGEST / STEP;

/// Why a delivery was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    TooLarge,
    Late,
    Crowded,
    Broken,
}

/// The memory for deliveries that are being read.
#[derive(Debug)]
pub struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(STEPS))
    }
}

/// A delivery, which gives its room back when it goes.
#[derive(Debug)]
pub struct Read<'a> {
    bytes: Vec<u8>,
    _room: Option<SemaphorePermit<'a>>,
}

impl std::ops::Deref for Read<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether a body says beforehand that it is too large.
pub fn is_too_large(body: &Body) -> bool {
    body.size_hint().lower() > LARGEST as u64
}

impl Room {
    /// Reads a body to its end.
    ///
    /// # Errors
    /// [`Unread`]; what was read so far is dropped.
    pub async fn read(&self, body: Body) -> Result<Read<'_>, Unread> {
        tokio::time::timeout(PATIENCE, self.read_all(body)).await.unwrap_or(Err(Unread::Late))
    }

    async fn read_all(&self, mut body: Body) -> Result<Read<'_>, Unread> {
        let mut read = Read { bytes: Vec::new(), _room: None };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unread::Broken)?;
            if let Ok(part) = frame.into_data() {
                self.add(&mut read, &part)?;
            }
        }
        Ok(read)
    }

    fn add<'a>(&'a self, read: &mut Read<'a>, part: &Bytes) -> Result<(), Unread> {
        let length = read.bytes.len() + part.len();
        if length > LARGEST {
            return Err(Unread::TooLarge);
        }
        let more = length.div_ceil(STEP) - read.bytes.len().div_ceil(STEP);
        let more = u32::try_from(more).map_err(|_| Unread::TooLarge)?;
        let more = self.0.try_acquire_many(more).map_err(|_| Unread::Crowded)?;
        match &mut read._room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        read.bytes.extend_from_slice(part);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_deliveries_together_have_a_bound_and_room_comes_back() {
        let room = Room::default();
        let large = || Body::from(vec![0; LARGEST]);
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(room.read(large()).await.unwrap());
        }
        assert_eq!(room.read(Body::from("{}")).await.unwrap_err(), Unread::Crowded);
        held.pop();
        assert_eq!(&*room.read(Body::from("{}")).await.unwrap(), b"{}");
        assert_eq!(
            room.read(Body::from(vec![0; LARGEST + 1])).await.unwrap_err(),
            Unread::TooLarge
        );
        assert!(room.read(large()).await.is_ok());
    }
}
