//! HTTPRoute: do the gateways that it asks let visitors through?
//!
//! In: [`RouteFacts`]. Out: [`Answer`]. Only `Accepted`, `ResolvedRefs` and `PartiallyInvalid` are
//! looked at: a gateway may add others (`BackendsAvailable` is False for whoever sleeps).

use super::{Answer, Trouble};
use crate::model::{ObjectKey, Party};
use crate::plan::observed::{Condition, GatewayFault, RouteFacts};
use crate::status::Cause;
use crate::status::wording::short;

/// What the parents that the route asks say of its newest form; `controller` = the Gateway's, where
/// it is known.
///
/// `gateway`: what the Gateway says is wrong with itself. A route has one word for many causes.
pub fn http_route(
    key: &ObjectKey,
    facts: &RouteFacts,
    controller: Option<&str>,
    gateway: Option<&GatewayFault>,
) -> Answer {
    let conditions = || {
        facts
            .asked
            .iter()
            .flat_map(|parent| facts.answers(parent, controller))
            .flat_map(|answer| &answer.conditions)
            .filter(|c| c.is_about(facts.generation))
    };
    let is = |kind: &str, status: &str| conditions().find(|c| c.kind == kind && c.status == status);
    if let Some(refused) = is("Accepted", "False").or_else(|| is("ResolvedRefs", "False")) {
        // The word for a listener that is not there, and for one that cannot serve.
        let gateway = gateway.filter(|_| &*refused.reason == "NoMatchingParent");
        return Answer::Refused(match (refusal(key, refused), gateway) {
            (Trouble { party, reason, .. }, Some(GatewayFault { sentence, next })) => Trouble {
                party,
                reason: reason.reworded(|reason| format!("{reason}; {}", short(sentence))),
                next: next.clone(),
            },
            (refused, None) => refused,
        });
    }
    if let Some(partial) = is("PartiallyInvalid", "True") {
        return Answer::Refused(Trouble {
            party: Party::Operator,
            reason: Cause::RouteRefused
                .says(format!("the gateway leaves a part of {key} out: {}", words(partial))),
            next: "look at what the message names; the rest is served".to_owned(),
        });
    }
    if facts.is_accepted(controller) {
        return Answer::Taken;
    }
    let waits = format!("waiting for the gateway to accept {key}");
    let waits =
        gateway.map_or(waits.clone(), |fault| format!("{waits}; {}", short(&fault.sentence)));
    Answer::Waiting { reason: Cause::AwaitsGateway.says(waits), look: "look at the Gateway" }
}

/// `NoMatchingParent: no such listener`.
fn words(condition: &Condition) -> String {
    let Condition { reason, message, .. } = condition;
    if message.is_empty() {
        short(reason)
    } else {
        format!("{}: {}", short(reason), short(message))
    }
}

/// What a refusal means. An author cannot write a route, so none is the author's to mend.
fn refusal(key: &ObjectKey, condition: &Condition) -> Trouble {
    let next = match condition.reason.as_str() {
        "NotAllowedByListeners" => {
            "let the Gateway's listener take routes of namespaces labelled `vitrine.dev/tenant` (`allowedRoutes`)"
        }
        "NoMatchingListenerHostname" => "add a listener for `*.<domain>` to the Gateway",
        "NoMatchingParent" => {
            "look at the Gateway's listener: whether `edge.gateway` of platform.yaml names it, and \
             whether the Secret of its certificate is there"
        }
        "UnsupportedValue" | "UnsupportedProtocol" => {
            "use a Gateway controller that can do what the message names"
        }
        "IncompatibleFilters" => "use a Gateway controller that can combine these filters",
        "RefNotPermitted" => {
            "look whether the ReferenceGrant is in the namespace that platform.yaml names for the interceptor"
        }
        "BackendNotFound" => {
            "look whether `activation.interceptor` of platform.yaml names a Service that exists"
        }
        "InvalidKind" => "use a Gateway controller that routes to Services",
        _ => "look at the Gateway's listeners and at the back end that the message names",
    };
    Trouble {
        party: Party::Operator,
        reason: Cause::RouteRefused
            .says(format!("the gateway refuses {key}: {}", words(condition))),
        next: next.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::plan::observed::RouteParent;
    use crate::status::health::sample::fact;

    const OURS: &str = "edge/public#https";

    fn seen(kind: &str, status: &str, reason: &str, generation: i64) -> Condition {
        Condition { observed_generation: Some(generation), ..fact(kind, status, reason, "") }
    }

    fn parent(controller: &str, gateway: &str, conditions: Vec<Condition>) -> RouteParent {
        RouteParent { controller: controller.into(), gateway: gateway.into(), conditions }
    }

    fn good(generation: i64) -> Vec<Condition> {
        vec![
            seen("Accepted", "True", "Accepted", generation),
            seen("ResolvedRefs", "True", "ResolvedRefs", generation),
        ]
    }

    fn bad(kind: &str, reason: &str) -> Vec<Condition> {
        let mut all = good(3);
        all.retain(|c| c.kind != kind);
        all.push(seen(kind, "False", reason, 3));
        all
    }

    fn answer(parents: Vec<RouteParent>, controller: Option<&str>) -> String {
        let key = ObjectKey::namespaced(Kind::HttpRoute, "sol-use", "edge");
        let facts = RouteFacts {
            generation: 3,
            asked: vec![OURS.into()],
            parents,
            ..RouteFacts::default()
        };
        let answer = http_route(&key, &facts, controller, None);
        assert_eq!(
            answer == Answer::Taken
                || matches!(&answer, Answer::Refused(t) if t.reason.contains("leaves")),
            facts.is_accepted(controller)
        );
        match answer {
            Answer::Taken => "taken".to_owned(),
            Answer::Waiting { .. } => "waits".to_owned(),
            Answer::Refused(trouble) => {
                assert_eq!(trouble.party, Party::Operator);
                format!("{} -> {}", trouble.reason, trouble.next)
            }
        }
    }

    #[test]
    fn a_route_is_taken_when_our_gateway_says_so_of_its_newest_form() {
        let with = |extra: Condition| good(3).into_iter().chain([extra]).collect::<Vec<_>>();
        let cases = [
            ("nobody answered", vec![], None, "waits"),
            ("accepted", vec![parent("a", OURS, good(3))], None, "taken"),
            ("an older form was accepted", vec![parent("a", OURS, good(2))], None, "waits"),
            (
                "an older form was refused",
                vec![parent("a", OURS, vec![seen("Accepted", "False", "NoMatchingParent", 2)])],
                None,
                "waits",
            ),
            (
                "accepted, not resolved yet",
                vec![parent("a", OURS, vec![seen("Accepted", "True", "Accepted", 3)])],
                None,
                "waits",
            ),
            (
                "not decided yet",
                vec![parent("a", OURS, vec![seen("Accepted", "Unknown", "Pending", 3)])],
                None,
                "waits",
            ),
            (
                "only a foreign gateway answered",
                vec![parent("a", "other/gw", good(3))],
                None,
                "waits",
            ),
            (
                "another listener answered",
                vec![parent("a", "edge/public#http", good(3))],
                None,
                "waits",
            ),
            (
                "a foreign gateway refuses",
                vec![
                    parent("a", OURS, good(3)),
                    parent("b", "other/gw", bad("Accepted", "NoMatchingParent")),
                ],
                None,
                "taken",
            ),
            (
                "the controller before left its answer",
                vec![
                    parent("old", OURS, vec![seen("Accepted", "False", "NoMatchingParent", 2)]),
                    parent("new", OURS, good(3)),
                ],
                None,
                "taken",
            ),
            (
                "only another controller answered",
                vec![parent("old", OURS, good(3))],
                Some("new"),
                "waits",
            ),
            (
                "another controller refuses",
                vec![
                    parent("old", OURS, bad("Accepted", "NoMatchingParent")),
                    parent("new", OURS, good(3)),
                ],
                Some("new"),
                "taken",
            ),
            (
                "no back end is up, as asleep",
                vec![parent(
                    "a",
                    OURS,
                    with(seen("BackendsAvailable", "False", "NoReadyEndpoints", 3)),
                )],
                None,
                "taken",
            ),
            (
                "a controller without generations",
                vec![parent(
                    "a",
                    OURS,
                    vec![fact("Accepted", "True", "", ""), fact("ResolvedRefs", "True", "", "")],
                )],
                None,
                "taken",
            ),
        ];
        for (case, parents, controller, expected) in cases {
            assert_eq!(answer(parents, controller), expected, "{case}");
        }
    }

    #[test]
    fn every_refusal_names_its_word_and_what_mends_it() {
        for (kind, reason, next) in [
            ("Accepted", "NotAllowedByListeners", "let the Gateway's listener take routes"),
            ("Accepted", "NoMatchingListenerHostname", "add a listener for `*.<domain>`"),
            ("Accepted", "NoMatchingParent", "look at the Gateway's listener"),
            ("Accepted", "UnsupportedValue", "use a Gateway controller that can do"),
            ("Accepted", "IncompatibleFilters", "use a Gateway controller that can combine"),
            ("ResolvedRefs", "RefNotPermitted", "look whether the ReferenceGrant"),
            ("ResolvedRefs", "BackendNotFound", "look whether `activation.interceptor`"),
            ("ResolvedRefs", "InvalidKind", "use a Gateway controller that routes"),
            ("Accepted", "SomethingNew", "look at the Gateway's listeners"),
        ] {
            let said = answer(vec![parent("a", OURS, bad(kind, reason))], None);
            let begins = format!("the gateway refuses HTTPRoute/edge: {reason} -> {next}");
            assert!(said.starts_with(&begins), "{said}");
        }
        let partial: Vec<_> = good(3)
            .into_iter()
            .chain([seen("PartiallyInvalid", "True", "UnsupportedValue", 3)])
            .collect();
        assert_eq!(
            answer(vec![parent("a", OURS, partial)], None),
            "the gateway leaves a part of HTTPRoute/edge out: UnsupportedValue -> look at what the message names; the rest is served"
        );
    }

    #[test]
    fn every_gateway_that_is_asked_has_to_answer() {
        let key = ObjectKey::namespaced(Kind::HttpRoute, "sol-use", "edge");
        let mut facts = RouteFacts {
            generation: 3,
            asked: vec![OURS.into(), "edge/second".into()],
            parents: vec![parent("a", OURS, good(3))],
            ..RouteFacts::default()
        };
        assert!(matches!(http_route(&key, &facts, None, None), Answer::Waiting { .. }));
        facts.parents.push(parent("a", "edge/second", good(3)));
        assert_eq!(http_route(&key, &facts, None, None), Answer::Taken);
    }
}
