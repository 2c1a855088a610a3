//! The rights of `deploy/rbac.yaml`, one by one.

use std::collections::BTreeMap;

use super::Visit;
use crate::model::Kind;
use crate::plan::facts::{Look, Question, Right};

const WRITTEN: [&str; 5] = ["list", "watch", "create", "patch", "delete"];
/// The written kinds of which the platform has some of its own, which are looked at by name.
const LOOKED_AT: [Kind; 4] =
    [Kind::Namespace, Kind::Service, Kind::ServiceAccount, Kind::Deployment];

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
        if LOOKED_AT.contains(&kind) {
            add(&["get"], kind.facts().group, kind.facts().plural, None);
        }
        add(&WRITTEN, kind.facts().group, kind.facts().plural, None);
    }
    add(&["get"], "", "configmaps", Some(namespace)); // approvals
    add(&["list", "watch"], "", "pods", None);
    add(&["get", "list", "watch"], "apiextensions.k8s.io", "customresourcedefinitions", None);
    add(&["list"], "", "persistentvolumeclaims", None);
    add(&["list"], "apps", "statefulsets", None);
    add(&["list"], "batch", "jobs", None);
    // What the daemon looks at besides.
    add(&["list"], "", "nodes", None);
    add(&["get"], "apps", "daemonsets", None);
    add(&["get"], "scheduling.k8s.io", "priorityclasses", None);
    add(&["get"], "networking.k8s.io", "ingressclasses", None);
    add(&["get"], "gateway.networking.k8s.io", "gatewayclasses", None);
    add(&["get"], "gateway.networking.k8s.io", "gateways", None);
    add(&["list"], "cert-manager.io", "certificates", None);
    add(&["get"], "apiregistration.k8s.io", "apiservices", None);
    add(&["get"], "admissionregistration.k8s.io", "mutatingwebhookconfigurations", None);
    add(&["get", "create", "patch"], "coordination.k8s.io", "leases", Some(namespace));
    all
}

/// What an optional right tells: verbs, group, resource, and what is not known without it.
type Optional = (&'static [&'static str], &'static str, &'static str, &'static str);

const OPTIONAL: [Optional; 3] = [
    (&["list"], "discovery.k8s.io", "endpointslices", "whether a pod answers behind a Service"),
    (
        &["create"],
        "authorization.k8s.io",
        "subjectaccessreviews",
        "whether the add-on may read the waking page",
    ),
    (
        &["list", "watch"],
        "",
        "events",
        "why a pod was thrown out, what its probe got, whether a machine is being added, which \
         time zone KEDA does not know",
    ),
];

/// Rights that only findings and the words of a verdict need. Without one, what it would tell is
/// told to be unknown, or less exactly.
pub fn optional() -> Vec<Right> {
    let each = |(verbs, group, resource, _): Optional| {
        verbs.iter().map(move |verb| Right { verb, group, resource, namespace: None })
    };
    OPTIONAL.into_iter().flat_map(each).collect()
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
    let mut lacking = Vec::new();
    for (verbs, group, resource, tells) in OPTIONAL {
        let mut lacks = |verb: &&'static str| {
            let question = Question::May(Right { verb, group, resource, namespace: None });
            let look = visit.facts.look(&question);
            let lacks = look == Some(&Look::Absent);
            if look.is_none() {
                visit.found.open.insert(question);
            }
            lacks
        };
        let verbs: Vec<&str> = verbs.iter().copied().filter(|verb| lacks(verb)).collect();
        if !verbs.is_empty() {
            let dot = if group.is_empty() { "" } else { "." };
            lacking.push(format!("{} {resource}{dot}{group} ({tells})", verbs.join(", ")));
        }
    }
    if !lacking.is_empty() {
        let sentence = format!("lack: {}", lacking.join("; "));
        let mend = "kubectl apply -f deploy/rbac.yaml, or live without what they tell";
        visit.warn("optional rights of the daemon", sentence, mend);
    }
}
