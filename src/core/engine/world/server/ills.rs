//! What ails pods that do not come up, in the kubelet's words, and how the pods are shown.

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};

use super::{Server, Stored};
use crate::engine::{Managed, Meta, News, Seen};
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::observed::{PodFacts, STARTUP_PROBE, UNREADY};

/// What a pod says that does not come up: word, message, exit code, restarts, whether no retry mends
/// it. As real kubelets said it.
const ILLS: [(&str, &str, Option<i32>, i32, bool); 10] = [
    ("ErrImagePull", "code = NotFound", None, 0, true),
    ("ImagePullBackOff", "no such host", None, 0, false),
    ("Error", "no database", Some(1), 0, false),
    ("CrashLoopBackOff", "no database", Some(1), 3, false),
    ("OOMKilled", "", Some(137), 2, true),
    ("CreateContainerConfigError", "secret \"app-secrets\" not found", None, 0, false),
    ("Unschedulable", "0/1 nodes are available", None, 0, false),
    (STARTUP_PROBE, "", Some(0), 1, true),
    (UNREADY, "", None, 0, false),
    ("Succeeded", "", Some(0), 0, false),
];

/// One of the things that may ail a pod.
pub(crate) fn ill(n: u8) -> PodFacts {
    let (word, message, exit_code, restarts, is_final) = ILLS[usize::from(n) % ILLS.len()];
    PodFacts {
        word: Some(word.into()),
        message: message.into(),
        exit_code,
        restarts,
        is_final,
        ..PodFacts::default()
    }
}

impl Server {
    /// The pods of all Deployments, as a list shows them. Those that are well say nothing.
    pub(super) fn pods(&self) -> Vec<Seen> {
        let deployments = self.state.objects.iter().filter(|(key, _)| key.kind == Kind::Deployment);
        deployments.filter_map(|(key, object)| self.pod(key, object)).collect()
    }

    /// Tells the watch of pods what became of a Deployment's.
    pub(super) fn pods_changed(&mut self, key: &ObjectKey) {
        let pod = self.state.objects.get(key).and_then(|object| self.pod(key, object));
        let name = self.pod_name(key);
        match pod {
            Some(seen) => {
                self.shown.insert(name);
                self.told(Kind::Pod, News::Present(Box::new(seen)));
            }
            None if self.shown.remove(&name) => {
                let gone = Seen { meta: self.pod_meta(key), ..Seen::default() };
                self.told(Kind::Pod, News::Deleted(Box::new(gone)));
            }
            None => {}
        }
    }

    fn pod(&self, key: &ObjectKey, object: &Stored) -> Option<Seen> {
        let facts = self.ills.get(&self.name_of(key)).filter(|_| object.replicas > 0)?;
        let (component, pods) = (key.name.to_string(), object.pods.clone());
        let pod = PodFacts { component, pods, ..facts.clone() };
        Some(Seen { meta: self.pod_meta(key), pod: Some(pod), ..Seen::default() })
    }

    fn pod_name(&self, key: &ObjectKey) -> (SmolStr, SmolStr) {
        (key.namespace.clone().unwrap_or_default(), format_smolstr!("{}-1", key.name))
    }

    fn pod_meta(&self, key: &ObjectKey) -> Meta {
        let labels = BTreeMap::from([
            (marks::INSTANCE.to_owned(), self.instance.as_str().to_owned()),
            (marks::SOLUTION.to_owned(), self.name_of(key)),
        ]);
        let (namespace, name) = self.pod_name(key);
        Meta {
            uid: format!("{namespace}/{name}").into(),
            name,
            namespace: Some(namespace),
            resource_version: self.state.version.to_string().into(),
            labels,
            managed_fields: Managed::default(),
            ..Meta::default()
        }
    }
}
