//! Patience: what waits for another controller, since when, and when that is somebody's turn.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::alarms::Alarms;
use crate::model::ClaimedName;
use crate::status::{Cause, Verdict};

/// How long a controller may take before somebody should look at it. Usually it takes a second.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// What each waits for, and since when.
    waits: BTreeMap<ClaimedName, (Cause, Timestamp)>,
    alarms: Alarms<ClaimedName>,
}

impl Patience {
    /// What is said of a name now.
    pub fn note(&mut self, name: &ClaimedName, verdict: Option<&Verdict>, now: Timestamp) {
        let cause = verdict.map(|verdict| verdict.reason.cause);
        let waits = cause.filter(|cause| cause.awaits_controller());
        if self.waits.get(name).map(|(cause, _)| *cause) == waits {
            return;
        }
        self.waits.remove(name);
        self.alarms.stop(name);
        if let Some(cause) = waits {
            self.waits.insert(name.clone(), (cause, now));
            self.alarms.set(name.clone(), now + PATIENCE);
        }
    }

    /// Whether a name has waited too long for one and the same.
    pub fn is_over(&self, name: &ClaimedName, now: Timestamp) -> bool {
        self.waits.get(name).is_some_and(|(_, since)| *since + PATIENCE <= now)
    }

    /// The names whose wait has become too long, told once.
    pub fn ring(&mut self, now: Timestamp) -> Vec<ClaimedName> {
        self.alarms.ring(now)
    }

    pub fn deadline(&self) -> Option<Timestamp> {
        self.alarms.deadline()
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
