//! Patience: what waits for another controller, since when, and when that is somebody's turn.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::ClaimedName;
use crate::status::{Cause, Verdict};

/// How long a controller may take before somebody should look at it. Usually it takes a second.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waits: BTreeMap<ClaimedName, Wait>,
}

#[derive(Debug)]
struct Wait {
    cause: Cause,
    since: Timestamp,
    /// Whether it was said that it takes too long.
    told: bool,
}

impl Patience {
    /// What is said of a name now.
    pub fn note(&mut self, name: &ClaimedName, verdict: Option<&Verdict>, now: Timestamp) {
        let cause = verdict.map(|verdict| verdict.reason.cause);
        let waits = cause.filter(|cause| cause.awaits_controller());
        match waits {
            None => {
                self.waits.remove(name);
            }
            Some(cause) if self.waits.get(name).is_some_and(|wait| wait.cause == cause) => {}
            Some(cause) => {
                self.waits.insert(name.clone(), Wait { cause, since: now, told: false });
            }
        }
    }

    /// Whether it has taken too long.
    pub fn is_over(&self, name: &ClaimedName, now: Timestamp) -> bool {
        self.waits.get(name).is_some_and(|wait| wait.since + PATIENCE <= now)
    }

    /// The names of which it is to be said now.
    pub fn ring(&mut self, now: Timestamp) -> Vec<ClaimedName> {
        let mut news = Vec::new();
        for (name, wait) in self.waits.iter_mut().filter(|(_, w)| w.since + PATIENCE <= now) {
            if !std::mem::replace(&mut wait.told, true) {
                news.push(name.clone());
            }
        }
        news
    }

    /// When the next one takes too long.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.waits.values().filter(|wait| !wait.told).map(|wait| wait.since + PATIENCE).min()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::status::sample;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_wait_is_over_a_minute_after_it_began_and_told_once() {
        let mut patience = Patience::default();
        let name = ClaimedName::of("use");
        let says = |cause: Cause| {
            let reason = cause.says("so it is");
            Some(Verdict { reason, ..sample::board().verdicts[0].clone() })
        };
        patience.note(&name, says(Cause::AwaitsGateway).as_ref(), at(0));
        patience.note(&name, says(Cause::AwaitsGateway).as_ref(), at(30));
        assert_eq!(patience.deadline(), Some(at(60)));
        assert!(!patience.is_over(&name, at(59)) && patience.ring(at(59)).is_empty());
        assert!(patience.is_over(&name, at(60)));
        assert_eq!(patience.ring(at(60)), std::slice::from_ref(&name));
        assert!(patience.ring(at(61)).is_empty() && patience.is_over(&name, at(61)));
        assert_eq!(patience.deadline(), None);
        // Another controller has a minute of its own.
        patience.note(&name, says(Cause::AwaitsKeda).as_ref(), at(90));
        assert!(!patience.is_over(&name, at(149)) && patience.is_over(&name, at(150)));
        patience.note(&name, says(Cause::Serving).as_ref(), at(151));
        assert!(!patience.is_over(&name, at(500)) && patience.deadline().is_none());
        patience.note(&name, says(Cause::AwaitsKeda).as_ref(), at(600));
        patience.note(&name, None, at(601));
        assert_eq!(patience.deadline(), None);
    }
}
