//! How many bytes may still be sent before the other end has taken some out.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::frame::WINDOW;

/// Of one connection, in one direction.
pub struct Credit {
    left: Mutex<Left>,
    bell: Condvar,
}

struct Left {
    bytes: usize,
    over: bool,
}

impl Credit {
    pub fn new() -> Self {
        let left = Left { bytes: WINDOW as usize, over: false };
        Self { left: Mutex::new(left), bell: Condvar::new() }
    }

    /// Waits until some bytes may be sent, and takes as many as there are, at most so many.
    /// Nothing once it is over.
    pub fn take(&self, most: usize) -> Option<usize> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if left.over {
                return None;
            }
            if left.bytes > 0 {
                let taken = left.bytes.min(most);
                left.bytes -= taken;
                return Some(taken);
            }
            left = self.bell.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// So many more may be sent.
    pub fn give(&self, bytes: usize) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.bytes = left.bytes.saturating_add(bytes);
        self.bell.notify_all();
    }

    /// Nobody wants any more: whoever waits is let go.
    pub fn end(&self) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.bell.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn no_more_is_sent_than_was_let_and_an_end_lets_go() {
        let credit = Arc::new(Credit::new());
        let window = WINDOW as usize;
        assert_eq!(credit.take(window - 1), Some(window - 1));
        assert_eq!(credit.take(window), Some(1));
        let waiting = Arc::clone(&credit);
        let waiter =
            std::thread::spawn(move || (waiting.take(5), waiting.take(9), waiting.take(1)));
        credit.give(7);
        while credit.left.lock().unwrap().bytes > 0 {
            std::thread::yield_now();
        }
        credit.end();
        assert_eq!(waiter.join().unwrap(), (Some(5), Some(2), None));
    }
}
