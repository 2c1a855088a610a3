//! The listener that routes attach to, and how long its certificate lasts.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::finding::Grade;
use super::visit::{GATEWAYS, Visit, list, not, text};
use crate::catalog::Platform;
use crate::catalog::platform::{EdgeKind, Gateway};
use crate::model::Quoted;
use crate::plan::facts::{Facts, Look, Resource};
use crate::plan::observed::GatewayFault;

const CERTIFICATES: Resource = Resource::new("cert-manager.io", "v1", "certificates");
/// A certificate that lasts less is told. cert-manager renews 30 days before the end of one of
/// 90 days: with 14 left, renewal has failed for two weeks.
const SHORT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is wrong with a listener, or could be better.
struct Flaw {
    grade: Grade,
    sentence: String,
    mend: String,
}

/// The listener that serves solutions best, with its flaws, one line each.
pub(super) fn listener(visit: &mut Visit<'_>, gateway: &Gateway, found: &Value) {
    let at = format!("{}/{}", gateway.namespace, gateway.name);
    let named = |listener: &&Value| {
        gateway.section_name.as_deref().is_none_or(|name| text(listener, "/name") == name)
    };
    let listeners = list(found, "/spec/listeners");
    let domain = visit.patient.platform.domain.as_str();
    let candidates = listeners.iter().filter(named).map(|l| (l, flaws(found, l, domain)));
    let best = candidates.min_by_key(|(_, flaws)| {
        (flaws.iter().map(|flaw| flaw.grade).max().unwrap_or(Grade::Fine), flaws.len())
    });
    let Some((listener, flaws)) = best else {
        let there: Vec<&str> = listeners.iter().map(|l| text(l, "/name")).collect();
        let name = gateway.section_name.as_deref().unwrap_or("at all");
        visit.miss(
            &format!("listener {name} of {at}"),
            format!("is not there; there are: {}", there.join(", ")),
            "edge: {gateway: {sectionName: <one of them>}} in platform.yaml, or add it",
        );
        return;
    };
    let subject = format!("listener {} of {at}", text(listener, "/name"));
    if flaws.is_empty() {
        visit.fine(&subject, format!("serves *.{domain} and admits the namespaces of solutions"));
    }
    for flaw in flaws {
        visit.say(flaw.grade, &subject, flaw.sentence, flaw.mend);
    }
    let clear = listeners.iter().find(|l| text(l, "/protocol") == "HTTP" && covers(l, domain));
    if let (None, Some(clear)) = (&gateway.section_name, clear)
        && text(listener, "/protocol") != "HTTP"
    {
        visit.warn(
            &format!("listener {} of {at}", text(clear, "/name")),
            "serves solutions in clear text too, because no sectionName is given",
            format!("edge: {{gateway: {{sectionName: {}}}}}", text(listener, "/name")),
        );
    }
    if text(listener, "/protocol") == "HTTPS" {
        certificate(visit, gateway, listener);
    }
}

/// What the Gateway says is wrong with itself or with the listener of solutions, out of what was
/// answered.
pub fn gateway_fault(platform: &Platform, facts: &Facts) -> Option<GatewayFault> {
    let EdgeKind::Gateway(gateway) = &platform.edge.kind else { return None };
    let question = GATEWAYS.one(Some(&gateway.namespace), &gateway.name);
    let Some(Look::Found(found)) = facts.look(&question) else { return None };
    let found = found.first()?;
    let at = format!("{}/{}", gateway.namespace, gateway.name);
    let conditions = list(found, "/status/conditions");
    let describe = format!("kubectl -n {} describe gateway {}", gateway.namespace, gateway.name);
    if let Some(fault) = not(conditions, "Accepted") {
        return Some(GatewayFault {
            sentence: format!("Gateway {at} {fault}").into(),
            next: describe,
        });
    }
    let its = |status: &&Value| {
        gateway.section_name.as_deref().is_none_or(|name| text(status, "/name") == name)
    };
    let mut listeners = list(found, "/status/listeners").iter().filter(its);
    let faulty = listeners.find_map(|status| {
        let conditions = list(status, "/conditions");
        let name = text(status, "/name");
        let say = |fault| Quoted::from(format!("listener {name} of {at} {fault}"));
        if let Some(fault) = not(conditions, "ResolvedRefs") {
            let next = "put the certificate into the Secret that the listener names, or mend the \
                        Certificate that writes it";
            return Some(GatewayFault { sentence: say(fault), next: next.to_owned() });
        }
        let fault = not(conditions, "Programmed")?;
        Some(GatewayFault { sentence: say(fault), next: describe.clone() })
    });
    faulty.or_else(|| {
        let fault = not(conditions, "Programmed")?;
        Some(GatewayFault {
            sentence: format!("Gateway {at} {fault}").into(),
            next: describe.clone(),
        })
    })
}

fn flaws(gateway: &Value, listener: &Value, domain: &str) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut say = |grade, sentence: String, mend: &str| {
        flaws.push(Flaw { grade, sentence, mend: mend.to_owned() });
    };
    match text(listener, "/protocol") {
        "HTTPS" => {}
        "HTTP" => say(
            Grade::Warning,
            "speaks HTTP: what visitors send can be read on the way".to_owned(),
            "protocol: HTTPS, with tls.certificateRefs",
        ),
        other => say(
            Grade::Missing,
            format!("speaks {other}: no HTTPRoute can attach to it"),
            "protocol: HTTPS, with tls.certificateRefs",
        ),
    }
    if !covers(listener, domain) {
        let hostname = text(listener, "/hostname");
        say(
            Grade::Missing,
            format!("serves {hostname}, which does not cover *.{domain}"),
            &format!("hostname: \"*.{domain}\""),
        );
    }
    match admits(listener) {
        Admits::Solutions => {}
        Admits::Everyone => say(
            Grade::Warning,
            "admits routes of every namespace: whoever may write one can take any host".to_owned(),
            SELECT,
        ),
        Admits::Others => {
            say(Grade::Missing, "does not admit the namespaces of solutions".to_owned(), SELECT);
        }
    }
    let kinds = list(listener, "/allowedRoutes/kinds");
    if !kinds.is_empty() && !kinds.iter().any(|kind| text(kind, "/kind") == "HTTPRoute") {
        say(
            Grade::Missing,
            "does not admit HTTPRoutes".to_owned(),
            "allowedRoutes: {kinds: [{kind: HTTPRoute}]}",
        );
    }
    let status = list(gateway, "/status/listeners");
    let status = status.iter().find(|s| text(s, "/name") == text(listener, "/name"));
    if let Some(conditions) = status.map(|status| list(status, "/conditions"))
        && let Some(fault) =
            not(conditions, "ResolvedRefs").or_else(|| not(conditions, "Programmed"))
    {
        say(Grade::Missing, fault, "kubectl describe the Gateway; mostly its Secret is missing");
    }
    flaws
}

const SELECT: &str = "allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {vitrine.dev/tenant: solution}}}}";

/// Whether hosts one label below the domain are this listener's.
fn covers(listener: &Value, domain: &str) -> bool {
    let hostname = text(listener, "/hostname");
    let Some(parent) = hostname.strip_prefix("*.") else { return hostname.is_empty() };
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

enum Admits {
    Solutions,
    Everyone,
    Others,
}

fn admits(listener: &Value) -> Admits {
    let namespaces = listener.pointer("/allowedRoutes/namespaces").unwrap_or(&Value::Null);
    match text(namespaces, "/from") {
        "All" => Admits::Everyone,
        "Selector" if selects(namespaces.get("selector").unwrap_or(&Value::Null)) => {
            Admits::Solutions
        }
        // `Same` is the default.
        _ => Admits::Others,
    }
}

/// Whether a selector admits the namespace of every solution.
fn selects(selector: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let all = labels.fold(true, |all, (key, value)| {
        all && matches!(label(key), Label::Is(known) if value.as_str() == Some(known))
    });
    all && list(selector, "/matchExpressions").iter().all(|expression| {
        let label = label(text(expression, "/key"));
        let values = list(expression, "/values");
        match (text(expression, "/operator"), label) {
            ("Exists", Label::Is(_) | Label::Differs) | ("NotIn" | "DoesNotExist", Label::No) => {
                true
            }
            ("In", Label::Is(known)) => values.iter().any(|v| v.as_str() == Some(known)),
            ("NotIn", Label::Is(known)) => values.iter().all(|v| v.as_str() != Some(known)),
            _ => false,
        }
    })
}

enum Label {
    Is(&'static str),
    /// Every solution has it, with a value of its own.
    Differs,
    No,
}

/// The labels of a solution's namespace.
fn label(key: &str) -> Label {
    match key {
        "vitrine.dev/tenant" => Label::Is("solution"),
        "app.kubernetes.io/managed-by" => Label::Is("vitrine"),
        "pod-security.kubernetes.io/enforce" => Label::Is("restricted"),
        "vitrine.dev/solution" | "vitrine.dev/instance" | "kubernetes.io/metadata.name" => {
            Label::Differs
        }
        _ => Label::No,
    }
}

/// How long the certificate lasts, as cert-manager says: the Secret itself is never read.
fn certificate(visit: &mut Visit<'_>, gateway: &Gateway, listener: &Value) {
    let secrets: Vec<&str> =
        list(listener, "/tls/certificateRefs").iter().map(|r| text(r, "/name")).collect();
    let subject = format!("certificate of listener {}", text(listener, "/name"));
    let Some(all) = visit.all(&subject, CERTIFICATES.all(Some(&gateway.namespace))) else { return };
    let writes = |certificate: &&Value| secrets.contains(&text(certificate, "/spec/secretName"));
    let Some(certificate) = all.iter().find(writes) else {
        visit.warn(
            &subject,
            format!("is not known: no Certificate writes Secret {}", secrets.join(", ")),
            "renew it by hand in time, or apply a Certificate (docs/platform.md, \"The certificate\")",
        );
        return;
    };
    let name = text(certificate, "/metadata/name");
    let describe = format!("kubectl -n {} describe certificate {name}", gateway.namespace);
    let domain = visit.patient.platform.domain.as_str();
    let wildcard = format!("*.{domain}");
    let names = list(certificate, "/spec/dnsNames");
    if !names.iter().any(|n| n.as_str() == Some(&wildcard)) {
        visit.miss(
            &subject,
            format!("is not for {wildcard}"),
            format!("add it to dnsNames of Certificate {}/{name}", gateway.namespace),
        );
        return;
    }
    let until = text(certificate, "/status/notAfter").parse::<Timestamp>().ok();
    let now = visit.patient.now;
    match until {
        None => {
            let fault = not(list(certificate, "/status/conditions"), "Ready");
            visit.miss(&subject, fault.unwrap_or_else(|| "was not issued".to_owned()), describe);
        }
        Some(until) if until <= now => {
            visit.miss(&subject, format!("ended on {}", day(until)), describe);
        }
        Some(until) if until.duration_since(now) < SHORT => {
            let left = until.duration_since(now).as_hours() / 24;
            let sentence = format!("ends on {}, in {left} days: it is not renewed", day(until));
            visit.warn(&subject, sentence, describe);
        }
        Some(until) => visit.fine(&subject, format!("lasts until {}", day(until))),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
