//! Two threads for what is pure and long: judging a commit, rendering solutions.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc};

use super::Tally;
use vitrine_core::catalog::{Memory, Snapshot};
use vitrine_core::engine::{Answer, Event, OrderId, Reviewing, Work, judged};

/// How many threads work at a time.
const THREADS: usize = 2;

/// The workers.
pub(super) struct Pool {
    room: Arc<Semaphore>,
    /// What was judged before: it makes judging quick, and changes nothing in the answer.
    memory: Arc<Mutex<Memory>>,
    tally: Arc<Tally>,
    tell: mpsc::UnboundedSender<Event>,
}

impl Pool {
    /// Workers that tell what they did.
    pub fn new(tell: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            room: Arc::new(Semaphore::new(THREADS)),
            memory: Arc::default(),
            tally: Arc::default(),
            tell,
        }
    }

    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    pub fn judge(&self, id: OrderId, snapshot: Arc<Snapshot>) {
        let memory = Arc::clone(&self.memory);
        self.work(id, move || {
            // A panic in an earlier reading left a memory that is as true as before.
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            Answer::Judged(Box::new(judged(&snapshot, &mut memory)))
        });
    }

    pub fn review(&self, id: OrderId, work: Reviewing) {
        // What hostile folders are remembered as is nobody else's.
        self.work(id, move || Answer::Reviewed(Box::new(work.done(&mut Memory::default()))));
    }

    pub fn render(&self, id: OrderId, work: Work) {
        let tally = Arc::clone(&self.tally);
        self.work(id, move || {
            let rendered = work.done();
            tally.rendered(rendered.len());
            Answer::Rendered(rendered)
        });
    }

    fn work(&self, id: OrderId, work: impl FnOnce() -> Answer + Send + 'static) {
        let (room, tell) = (Arc::clone(&self.room), self.tell.clone());
        tokio::spawn(async move {
            let _room = room.acquire_owned().await;
            let event = match tokio::task::spawn_blocking(work).await {
                Ok(answer) => Event::Answered(id, answer),
                Err(_) => Event::Lost(id), // it panicked; the log has where
            };
            let _ = tell.send(event);
        });
    }
}
