//! Why a step cannot begin, in words: who has to open which gate.

use super::wording::{clock, list};
use super::{Case, Sync};
use crate::model::{Kind, ObjectKey, Party};
use crate::plan::{Gate, Outcome, Rejection};

/// A gate that somebody should know about.
pub(super) struct Obstacle {
    /// Greater = needs somebody more.
    pub rank: u8,
    pub sync: Sync,
    pub party: Party,
    pub reason: String,
    pub next: String,
}

/// What stands in the way, if it is more than time.
pub(super) fn obstacle(case: &Case<'_>, gate: &Gate) -> Option<Obstacle> {
    let blocked = |rank, party, reason: String, next: String| {
        Some(Obstacle { rank, sync: Sync::Blocked, party, reason, next })
    };
    match gate {
        Gate::ForeignNamespace { namespace, instance: Some(other) } => blocked(
            9,
            Party::Operator,
            format!("Namespace {namespace} belongs to the vitrine instance `{other}`"),
            format!(
                "publish it from one of the two only; a second daemon needs other solutions than `{other}`"
            ),
        ),
        Gate::ForeignNamespace { namespace, instance: None } => blocked(
            9,
            Party::Operator,
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
                format!("held: {}", hold.reason),
                format!(
                    "approve with `vitrine approve {}`, or revert the commit",
                    hold.hash.first(12)
                ),
            )
        }
        // A try under way does not take back what the last one was told.
        Gate::InFlight(key) => match case.setbacks.get(key).map(|s| &s.outcome) {
            Some(Outcome::Rejected(rejection)) => Some(rejected(case, key, rejection)),
            _ => None,
        },
        Gate::BackOff { key, until } => match case.setbacks.get(key).map(|s| &s.outcome) {
            Some(Outcome::Rejected(rejection)) => Some(rejected(case, key, rejection)),
            Some(Outcome::Unavailable { cause, .. }) => blocked(
                5,
                Party::Operator,
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
                format!("waiting for CRD {crd}"),
                provider(*kind).to_owned(),
            )
        }
        Gate::UnknownKind(kind) => {
            let problem = case.problems.get(&kind.resource())?;
            blocked(
                7,
                Party::Operator,
                problem.clone(),
                "apply deploy/rbac.yaml, or mend what the message names".to_owned(),
            )
        }
        Gate::ForeignWork(foreign) => blocked(
            4,
            Party::Operator,
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
        | Gate::Slot => None,
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

fn rejected(case: &Case<'_>, key: &ObjectKey, rejection: &Rejection) -> Obstacle {
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
        reason: case.serving(format!("the API server refused {key}: {}", rejection.message)),
        next: next.to_owned(),
    }
}

/// A gate that another controller opens, usually at once.
pub(super) fn slow(gate: &Gate) -> Option<(String, &'static str)> {
    match gate {
        Gate::NotReady(key) => Some((
            format!("waiting for the KEDA HTTP add-on to see {key}"),
            "wait a moment; if it stays, look at the add-on",
        )),
        Gate::NotAccepted(key) => Some((
            format!("waiting for the gateway to accept {key}"),
            "wait a moment; if it stays, look at the Gateway",
        )),
        Gate::Leaving { key, finalizers } if finalizers.is_empty() => {
            Some((format!("waiting until the old {key} is gone"), "wait a moment"))
        }
        Gate::Leaving { key, finalizers } => Some((
            format!(
                "waiting until the old {key} is gone; {} holds it",
                list(finalizers.iter().map(String::as_str))
            ),
            "wait a moment; if it stays, look at the controller that owns the finalizer",
        )),
        _ => None,
    }
}
