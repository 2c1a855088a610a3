//! Namespace: what holds one that is being deleted.

use jiff::{SignedDuration, Timestamp};

use super::Trouble;
use crate::model::Party;
use crate::plan::observed::NamespaceFacts;
use crate::status::Cause;
use crate::status::wording::short;

/// How long the end of a namespace may take before somebody has to look.
pub const NAMESPACE_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// In: the facts, the time. Out: what holds it, in the words of its conditions; `None` while it is
/// not being deleted.
pub fn namespace(name: &str, facts: &NamespaceFacts, now: Timestamp) -> Option<Trouble> {
    let since = facts.deleting?;
    // The finalizer that holds something says more than that something is left.
    let word = |kind: &str| facts.remains.iter().find(|c| c.kind == kind && c.status == "True");
    let said = [
        "NamespaceFinalizersRemaining",
        "NamespaceContentRemaining",
        "NamespaceDeletionContentFailure",
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
    ]
    .into_iter()
    .find_map(word)
    .map(|c| short(&c.message))
    .filter(|said| !said.is_empty());
    let reason = match said {
        Some(said) => format!("Namespace {name} is being deleted: {said}"),
        None => format!("Namespace {name} is being deleted"),
    };
    let reason = Cause::Leaving.says(reason);
    let (party, next) = if now.duration_since(since) > NAMESPACE_PATIENCE {
        let next = "look at the controller that has to let it go; vitrine strips no finalizer";
        (Party::Operator, next)
    } else {
        (Party::Nobody, "wait a moment")
    };
    Some(Trouble { party, reason, next: next.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::observed::{Condition, Owner};
    use crate::status::health::sample::fact;

    #[test]
    fn a_namespace_that_goes_says_what_holds_it_and_after_a_while_whose_turn_it_is() {
        let begun: Timestamp = "2026-01-05T14:00:00Z".parse().unwrap_or_default();
        let holds = |kind: &str, message: &str| fact(kind, "True", "", message);
        let finalizer = || holds("NamespaceFinalizersRemaining", "finalizer.keda.sh in 1 resource");
        let content = || holds("NamespaceContentRemaining", "scaledobjects.keda.sh has 1 resource");
        let none = "Namespace sol-use is being deleted";
        let cases: [(Vec<Condition>, i64, Party, &str); 7] = [
            (vec![], 10, Party::Nobody, none),
            (vec![], 301, Party::Operator, none),
            (vec![finalizer()], 300, Party::Nobody, "finalizer.keda.sh in 1 resource"),
            (vec![content(), finalizer()], 301, Party::Operator, "finalizer.keda.sh in 1 resource"),
            (vec![content()], 301, Party::Operator, "scaledobjects.keda.sh has 1 resource"),
            (vec![fact("NamespaceContentRemaining", "False", "", "none")], 10, Party::Nobody, none),
            (
                vec![holds("NamespaceDeletionDiscoveryFailure", "x.example/v1: stale")],
                301,
                Party::Operator,
                "x.example/v1: stale",
            ),
        ];
        for (remains, seconds, party, said) in cases {
            let facts = NamespaceFacts {
                owner: Owner::ThisInstance,
                deleting: Some(begun),
                created: None,
                remains,
            };
            let now = begun + SignedDuration::from_secs(seconds);
            let trouble = namespace("sol-use", &facts, now).map(|t| (t.party, t.reason.text));
            let reason = if said == none { none.to_owned() } else { format!("{none}: {said}") };
            assert_eq!(trouble, Some((party, reason)));
        }
        let alive = NamespaceFacts {
            owner: Owner::ThisInstance,
            deleting: None,
            created: None,
            remains: vec![],
        };
        assert_eq!(namespace("sol-use", &alive, begun), None);
    }
}
