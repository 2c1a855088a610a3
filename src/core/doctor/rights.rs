//! The rights of `deploy/rbac.yaml`, one by one.

use std::collections::BTreeMap;

use super::Visit;
use crate::model::Kind;
use crate::plan::facts::{Look, Question, Right};

const WRITTEN: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];
const WATCHED: [&str; 3] = ["get", "list", "watch"];

/// Every right that the daemon uses, with the one in its own namespace.
pub fn rights(namespace: &str) -> Vec<Right> {
    let mut all = Vec::new();
    let mut add = |verbs: &[&'static str], group, resource, namespace: Option<&str>| {
        all.extend(verbs.iter().map(|verb| Right {
            verb,
            group,
            resource,
            namespace: namespace.map(str::to_owned),
        }));
    };
    for kind in Kind::RENDERED {
        add(&WRITTEN, kind.facts().group, kind.facts().plural, None);
    }
    add(&WATCHED, "", "pods", None);
    add(&WATCHED, "apiextensions.k8s.io", "customresourcedefinitions", None);
    add(&["list"], "", "persistentvolumeclaims", None);
    add(&["list"], "apps", "statefulsets", None);
    add(&["list"], "batch", "jobs", None);
    // What the daemon looks at once, at its start.
    add(&["list"], "", "nodes", None);
    add(&["get"], "apps", "daemonsets", None);
    add(&["get"], "scheduling.k8s.io", "priorityclasses", None);
    add(&["get"], "networking.k8s.io", "ingressclasses", None);
    add(&["get"], "gateway.networking.k8s.io", "gatewayclasses", None);
    add(&["get"], "gateway.networking.k8s.io", "gateways", None);
    add(&["list"], "cert-manager.io", "certificates", None);
    add(&["get"], "apiregistration.k8s.io", "apiservices", None);
    add(&["get"], "admissionregistration.k8s.io", "mutatingwebhookconfigurations", None);
    add(&["get", "create", "patch", "update"], "coordination.k8s.io", "leases", Some(namespace));
    all
}

/// Rights that only findings need. Without one, what it would tell is told to be unknown.
pub fn optional() -> Vec<Right> {
    let right = |verb, group, resource| Right { verb, group, resource, namespace: None };
    vec![
        right("list", "discovery.k8s.io", "endpointslices"),
        right("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]
}

/// One line for all of them.
pub(super) fn review(visit: &mut Visit<'_>) {
    const SUBJECT: &str = "rights of the daemon";
    let rights = rights(visit.patient.namespace);
    let (mut missing, mut number) = (BTreeMap::<String, Vec<&str>>::new(), 0);
    let mut untold: Option<&str> = None;
    for right in &rights {
        let question = Question::May(right.clone());
        match visit.facts.look(&question) {
            None => {
                visit.found.open.insert(question);
            }
            Some(Look::Found(_)) => number += 1,
            Some(Look::Absent) => {
                let dot = if right.group.is_empty() { "" } else { "." };
                let what = format!("{}{dot}{}", right.resource, right.group);
                missing.entry(what).or_default().push(right.verb);
            }
            Some(Look::NotTold(why)) => untold = Some(why),
        }
    }
    if !missing.is_empty() {
        let each = missing.iter().map(|(what, verbs)| format!("{} {what}", verbs.join(", ")));
        let sentence = format!("lack: {}", each.collect::<Vec<_>>().join("; "));
        visit.miss(SUBJECT, sentence, "kubectl apply -f deploy/rbac.yaml");
    } else if let Some(why) = untold {
        let sentence = format!("could not be looked at: {why}");
        visit.say(super::Grade::NotTold, SUBJECT, sentence, "ask the cluster's administrator");
    } else if number == rights.len() {
        visit.fine(SUBJECT, format!("are complete, all {number}"));
    }
    let lacking: Vec<String> = optional()
        .into_iter()
        .filter(|right| {
            let question = Question::May(right.clone());
            let look = visit.facts.look(&question);
            let lacks = look == Some(&Look::Absent);
            if look.is_none() {
                visit.found.open.insert(question);
            }
            lacks
        })
        .map(|right| format!("{} {}.{}", right.verb, right.resource, right.group))
        .collect();
    if !lacking.is_empty() {
        let sentence = format!("lack: {}", lacking.join("; "));
        let mend = "kubectl apply -f deploy/rbac.yaml, or live without the findings that need them";
        visit.warn("optional rights of the daemon", sentence, mend);
    }
}
