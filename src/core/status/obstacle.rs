//! Why a step cannot begin, in words: who has to open which gate.

use super::wording::{clock, list, short};
use super::{Case, Cause, Reason, Sync};
use crate::model::{Kind, ObjectKey, Party};
use crate::plan::{Gate, HELD_DIGITS, Outcome, Rejection};

/// A gate that somebody should know about.
pub(super) struct Obstacle {
    /// Greater = needs somebody more.
    pub rank: u8,
    pub sync: Sync,
    pub party: Party,
    pub reason: Reason,
    pub next: String,
    /// Whether something new was refused, so that what was there before goes on.
    pub keeps_the_old: bool,
}

/// What stands in the way, if it is more than time.
pub(super) fn obstacle(case: &Case<'_>, gate: &Gate) -> Option<Obstacle> {
    let blocked = |rank, party, cause: Cause, reason: String, next: String| {
        let reason = cause.says(reason);
        let sync = Sync::Blocked;
        Some(Obstacle { rank, sync, party, reason, next, keeps_the_old: false })
    };
    match gate {
        Gate::ForeignNamespace { namespace, instance: Some(other) } => blocked(
            9,
            Party::Operator,
            Cause::ForeignNamespace,
            format!("Namespace {namespace} belongs to the vitrine instance `{other}`"),
            format!(
                "publish it from one of the two only; a second daemon needs other solutions than `{other}`"
            ),
        ),
        Gate::ForeignNamespace { namespace, instance: None } => blocked(
            9,
            Party::Operator,
            Cause::ForeignNamespace,
            format!("Namespace {namespace} exists and is not vitrine's"),
            format!(
                "to adopt it, label it `vitrine.dev/instance={}`; otherwise rename the solution",
                case.instance
            ),
        ),
        Gate::Held => {
            let hold = case.hold?;
            blocked(
                8,
                Party::Reviewer,
                Cause::Held,
                format!("held: {}", hold.reason),
                format!(
                    "approve with `vitrine approve {}`, or revert the commit",
                    hold.hash.first(HELD_DIGITS)
                ),
            )
        }
        // A try under way does not take back what the last one was told.
        Gate::InFlight(key) => match case.setbacks.get(key).map(|s| &s.outcome) {
            Some(Outcome::Rejected(rejection)) => Some(rejected(key, rejection)),
            Some(Outcome::Unavailable { cause, .. }) => blocked(
                5,
                Party::Operator,
                Cause::Unwritten,
                format!("{key} could not be written: {cause}"),
                "tried again now; look at the API server".to_owned(),
            ),
            _ => None,
        },
        Gate::BackOff { key, until } => match case.setbacks.get(key).map(|s| &s.outcome) {
            Some(Outcome::Rejected(rejection)) => Some(rejected(key, rejection)),
            Some(Outcome::Unavailable { cause, .. }) => blocked(
                5,
                Party::Operator,
                Cause::Unwritten,
                format!("{key} could not be written: {cause}"),
                format!("tried again at {}; look at the API server", clock(*until)),
            ),
            _ => None,
        },
        Gate::MissingKind(kind) => {
            let crd = kind.crd().unwrap_or_else(|| kind.to_string());
            blocked(
                6,
                Party::Operator,
                Cause::MissingKind,
                format!("waiting for CRD {crd}"),
                provider(*kind).to_owned(),
            )
        }
        Gate::UnknownKind(kind) => {
            let problem = case.problems.get(&kind.resource())?;
            blocked(
                7,
                Party::Operator,
                Cause::UnreadKind,
                problem.sentence.clone(),
                problem.next.clone(),
            )
        }
        Gate::ForeignWork(foreign) => blocked(
            4,
            Party::Operator,
            Cause::ForeignWork,
            format!(
                "work that is not vitrine's is left: {}",
                list(foreign.iter().map(String::as_str))
            ),
            "move or delete it; the namespace goes then".to_owned(),
        ),
        Gate::Leaving { .. }
        | Gate::Object(_)
        | Gate::NotReady(_)
        | Gate::NotAvailable(_)
        | Gate::NotAccepted(_)
        | Gate::Record
        | Gate::Unheard
        | Gate::Rendering
        | Gate::Additions(_)
        | Gate::Slot
        | Gate::Turn => None,
    }
}

/// Who brings the kind.
const fn provider(kind: Kind) -> &'static str {
    match kind {
        Kind::ScaledObject => "install KEDA; vitrine goes on by itself",
        Kind::InterceptorRoute => "install the KEDA HTTP add-on; vitrine goes on by itself",
        Kind::HttpRoute | Kind::ReferenceGrant => {
            "install the Gateway API; vitrine goes on by itself"
        }
        Kind::Server
        | Kind::MeshTlsAuthentication
        | Kind::AuthorizationPolicy
        | Kind::HttpLocalRateLimitPolicy => "install Linkerd; vitrine goes on by itself",
        Kind::Middleware => "install Traefik; vitrine goes on by itself",
        Kind::BackendTrafficPolicy => "install Envoy Gateway; vitrine goes on by itself",
        Kind::PodMonitor => "install the Prometheus operator; vitrine goes on by itself",
        Kind::Namespace
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::PodDisruptionBudget
        | Kind::Ingress
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::NetworkPolicy
        | Kind::Service
        | Kind::Deployment
        | Kind::Pod => "use a complete Kubernetes API server",
    }
}

fn rejected(key: &ObjectKey, rejection: &Rejection) -> Obstacle {
    if rejection.is_taken_away() {
        let fields = short(&rejection.message);
        let reason = format!("admission takes {fields} away from {key}");
        return Obstacle {
            rank: 7,
            sync: Sync::Blocked,
            party: Party::Operator,
            reason: Cause::TakenAway.says(reason),
            next:
                "change the webhook or MutatingAdmissionPolicy that does so; vitrine tries again \
                   by itself"
                    .to_owned(),
            keeps_the_old: false,
        };
    }
    let next = if rejection.code == 403 {
        "give the daemon the right (deploy/rbac.yaml), or mend the policy that the message names; \
         vitrine tries again by itself"
    } else {
        "change what the message names; vitrine tries again by itself"
    };
    Obstacle {
        rank: 7,
        sync: Sync::Failed,
        party: Party::Operator,
        reason: Cause::Rejected
            .says(format!("the API server refused {key}: {}", short(&rejection.message))),
        next: next.to_owned(),
        keeps_the_old: true,
    }
}

/// A gate that opens by itself.
pub(super) struct Slow {
    pub reason: Reason,
    pub wait: Wait,
}

/// How long it is waited.
pub(super) enum Wait {
    /// For another controller, which answers at once; otherwise this is to be looked at.
    For(&'static str),
    /// As long as it takes; what to do meanwhile.
    Only(&'static str),
}

/// What a gate waits for that opens by itself.
pub(super) fn slow(gate: &Gate) -> Option<Slow> {
    let (reason, wait) = match gate {
        Gate::Turn => (
            Cause::AwaitsTurn.says(
                "waits for its turn: a change for all reaches a few running solutions at a time",
            ),
            Wait::Only("nothing to do; what runs keeps serving meanwhile"),
        ),
        Gate::NotReady(key) => (
            Cause::AwaitsAddOn.says(format!("waiting for the KEDA HTTP add-on to see {key}")),
            Wait::For("look at the add-on"),
        ),
        Gate::NotAccepted(key) => (
            Cause::AwaitsGateway.says(format!("waiting for the gateway to accept {key}")),
            Wait::For("look at the Gateway"),
        ),
        Gate::Leaving { key, finalizers } if finalizers.is_empty() => (
            Cause::Leaving.says(format!("waiting until the old {key} is gone")),
            Wait::Only("wait a moment"),
        ),
        Gate::Leaving { key, finalizers } => (
            Cause::Leaving.says(format!(
                "waiting until the old {key} is gone; {} holds it",
                list(finalizers.iter().map(String::as_str))
            )),
            Wait::Only(
                "wait a moment; if it stays, look at the controller that owns the finalizer",
            ),
        ),
        _ => return None,
    };
    Some(Slow { reason, wait })
}
