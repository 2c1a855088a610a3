//! Limits at the edge: HTTPLocalRateLimitPolicy and BackendTrafficPolicy. Does somebody enforce them?
//!
//! In: [`PolicyFacts`]. Out: [`Answer`]. A limit that nobody took on is no limit.

use super::{Answer, Trouble};
use crate::model::{ObjectKey, Party};
use crate::plan::observed::PolicyFacts;
use crate::status::Cause;
use crate::status::wording::short;

/// What the controllers say of its newest form.
pub fn policy(key: &ObjectKey, facts: &PolicyFacts) -> Answer {
    let mesh = key.kind.facts().group.ends_with("linkerd.io");
    let who = if mesh { "the mesh" } else { "the gateway" };
    let accepted = || {
        let all = facts.conditions.iter();
        all.filter(|c| c.kind == "Accepted" && c.is_about(facts.generation))
    };
    if let Some(refused) = accepted().find(|c| c.status == "False") {
        let words = match (short(&refused.reason), short(&refused.message)) {
            (reason, message) if message.is_empty() => reason,
            (reason, message) => format!("{reason}: {message}"),
        };
        let next = match refused.reason.as_str() {
            "Conflicted" => "take the other policy off that speaks of the same target",
            "Invalid" => "use a controller that can do what the message names",
            "TargetNotFound" => "wait for its target; if it stays, look at the message",
            _ => "look at what the message names",
        };
        return Answer::Refused(Trouble {
            party: Party::Operator,
            reason: Cause::LimitsRefused.says(format!("{who} refuses {key}: {words}")),
            next: next.to_owned(),
        });
    }
    if accepted().any(|c| c.status == "True") {
        return Answer::Taken;
    }
    Answer::Waiting {
        reason: Cause::AwaitsLimits.says(format!("waiting for {who} to take on {key}")),
        look: "look at the controller that enforces it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::plan::observed::Condition;
    use crate::status::health::sample::fact;

    #[test]
    fn a_limit_is_taken_on_or_refused_in_the_controllers_words() {
        let seen = |status: &str, reason: &str, message: &str, generation: i64| Condition {
            observed_generation: Some(generation),
            ..fact("Accepted", status, reason, message)
        };
        let begins = "the gateway refuses BackendTrafficPolicy/edge: ";
        let cases = [
            (vec![], "waits".to_owned()),
            (vec![seen("True", "Accepted", "", 2)], "taken".to_owned()),
            (vec![seen("True", "Accepted", "", 1)], "waits".to_owned()),
            (vec![fact("Accepted", "True", "", "")], "taken".to_owned()),
            (vec![seen("Unknown", "", "", 2)], "waits".to_owned()),
            (vec![fact("Programmed", "False", "Invalid", "")], "waits".to_owned()),
            (vec![seen("False", "Conflicted", "older", 2)], format!("{begins}Conflicted: older")),
            (vec![seen("False", "Invalid", "", 2)], format!("{begins}Invalid")),
            (vec![seen("False", "Invalid", "", 1)], "waits".to_owned()),
            // One ancestor takes it on, another does not.
            (
                vec![seen("True", "Accepted", "", 2), seen("False", "TargetNotFound", "", 2)],
                format!("{begins}TargetNotFound"),
            ),
        ];
        for (conditions, expected) in cases {
            let facts = PolicyFacts { generation: 2, conditions };
            let key = ObjectKey::namespaced(Kind::BackendTrafficPolicy, "sol-use", "edge");
            let said = match policy(&key, &facts) {
                Answer::Taken => "taken".to_owned(),
                Answer::Waiting { .. } => "waits".to_owned(),
                Answer::Refused(trouble) => trouble.reason.text,
            };
            assert_eq!(said, expected);
        }
    }
}
