//! What the other controllers say of the objects of a solution, taken together.

use super::case::Case;
use super::health::{self, Answer};
use crate::model::Kind;
use crate::plan::Phase;

/// Applied, but did the other controllers take it? What one of them refuses comes first.
pub(super) fn answered(case: &Case<'_>, phase: Phase) -> Option<Answer> {
    let live = case.objects()?;
    let mut waiting = None;
    for (key, live) in live.iter().filter(|(_, live)| live.deleting.is_none()) {
        match health::answer(key, live, phase, case.observed.gateway.as_ref()) {
            Answer::Taken => {}
            refused @ Answer::Refused(_) => return Some(refused),
            // What visitors would meet speaks first.
            waits @ Answer::Waiting { .. } if key.kind == Kind::HttpRoute => waiting = Some(waits),
            waits @ Answer::Waiting { .. } => {
                waiting.get_or_insert(waits);
            }
        }
    }
    waiting
}
