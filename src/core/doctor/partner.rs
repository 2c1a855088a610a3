//! Whether those that vitrine counts on work: pods behind their Services, and a right that one of
//! their charts leaves out.

use serde_json::Value;

use super::command;
use super::visit::{DEPLOYMENTS, SLICES, Visit, list, text};
use crate::plan::facts::{Look, Question, Right};

/// The add-on whose chart gives its interceptor no right to read ConfigMaps, as seen on a real node.
const WITHOUT_THE_RIGHT: &str = "0.15.0";

/// What may end without a sign that is watched: the pods of others, and what a Gateway says. These
/// few are asked for more often than the rest.
pub fn may_stop(question: &Question) -> bool {
    match question {
        Question::One { resource, .. } | Question::All { resource, .. } => {
            matches!(resource.plural, "deployments" | "endpointslices" | "gateways")
        }
        Question::Version | Question::May(_) | Question::MayOther { .. } => false,
    }
}

/// Whether a pod answers behind a Service.
pub(super) fn behind(visit: &mut Visit<'_>, namespace: &str, service: &str) {
    let subject = format!("what answers behind Service {namespace}/{service}");
    let label = format!("kubernetes.io/service-name={service}");
    let mend = format!("kubectl -n {namespace} get pods");
    match visit.all(&subject, SLICES.labelled(Some(namespace), label)).map(ready) {
        None => {}
        Some(0) => visit.miss(&subject, "is not there: none of its pods is ready", mend),
        Some(1) => visit.fine(&subject, "is 1 pod"),
        Some(pods) => visit.fine(&subject, format!("is {pods} pods")),
    }
}

/// Whether anything runs where the gateway's pods are said to be. Which of them is the gateway's
/// its controller alone knows.
pub(super) fn data_plane(visit: &mut Visit<'_>, namespace: &str) {
    let subject = format!("data plane of the gateway in namespace {namespace}");
    match visit.all(&subject, SLICES.all(Some(namespace))).map(ready) {
        None => {}
        Some(0) => visit.warn(
            &subject,
            "has no ready endpoint of a Service; right only if its pods are reached without one",
            format!(
                "kubectl -n {namespace} get pods; or name theirs in edge.gateway.dataPlane.namespace"
            ),
        ),
        Some(_) => visit.fine(&subject, "runs"),
    }
}

/// How many addresses of these EndpointSlices are ready. One that does not say is.
fn ready(slices: &[Value]) -> usize {
    let endpoints = slices.iter().flat_map(|slice| list(slice, "/endpoints"));
    endpoints.filter(|e| e.pointer("/conditions/ready") != Some(&Value::Bool(false))).count()
}

/// Whether the interceptor may read the waking page, which is a ConfigMap of each solution.
pub(super) fn waking_page(visit: &mut Visit<'_>, namespace: &str, account: &str) {
    const VERBS: [&str; 3] = ["get", "list", "watch"];
    let subject = format!("rights of ServiceAccount {namespace}/{account}");
    let hangs = "without them a browser's first visit to a sleeping solution gets no answer";
    let mend = command::waking_page(namespace, account);
    let looks = VERBS.map(|verb| {
        let right = Right { verb, group: "", resource: "configmaps", namespace: None };
        let (namespace, account) = (namespace.to_owned(), account.to_owned());
        let question = Question::MayOther { namespace, account, right };
        let look = visit.facts.look(&question);
        if look.is_none() {
            visit.found.open.insert(question);
        }
        look
    });
    let [Some(get), Some(list), Some(watch)] = looks else { return };
    let all = VERBS.iter().zip([get, list, watch]);
    let lacking: Vec<&str> =
        all.clone().filter(|(_, look)| **look == Look::Absent).map(|(verb, _)| *verb).collect();
    let untold = all.clone().find_map(|(_, look)| match look {
        Look::NotTold(why) => Some(why),
        Look::Found(_) | Look::Absent => None,
    });
    if !lacking.is_empty() {
        let sentence = format!("lack: {} configmaps; {hangs}", lacking.join(", "));
        visit.miss(&subject, sentence, mend);
    } else if let Some(why) = untold {
        let label = "app.kubernetes.io/component=interceptor";
        let Some(found) = visit.all(&subject, DEPLOYMENTS.labelled(Some(namespace), label)) else {
            return;
        };
        let version = |d: &Value| text(d, "/metadata/labels/app.kubernetes.io~1version").to_owned();
        let sentence = match found.iter().map(version).find(|v| v == WITHOUT_THE_RIGHT) {
            Some(version) => format!(
                "could not be looked at ({why}), and the chart of {version} leaves out get, list, \
                 watch of configmaps; {hangs}"
            ),
            None => format!("could not be looked at: {why}; {hangs}"),
        };
        visit.say(super::Grade::NotTold, &subject, sentence, mend);
    } else {
        visit.fine(&subject, "are enough for the waking page");
    }
}
