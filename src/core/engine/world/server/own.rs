//! What lies in the daemon's own namespace besides the Lease, and what is somebody else's.

use super::{DAEMON, Server, Stored};
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::held_list;
use crate::plan::observed::Approval;

impl Server {
    /// A person approves.
    pub fn approve(&mut self, approval: Approval) {
        let name = format!("approval-{}", approval.hash.first(12));
        let key = ObjectKey::namespaced(Kind::ConfigMap, DAEMON, name.as_str());
        self.state.approvals.insert(name, approval);
        self.label(key, (marks::APPROVAL, "true".to_owned()));
    }

    /// Somebody makes or touches a namespace that looks like a solution's and is not ours.
    pub fn touch_foreign(&mut self, name: &str) {
        let key = ObjectKey::cluster(Kind::Namespace, name);
        self.label(key, ("team", format!("v{}", self.state.version)));
    }

    /// The daemon writes down what is held, or takes that away.
    pub fn post(&mut self, list: Option<String>) {
        let key = self.held_list();
        match list {
            Some(list) => self.label(key, (marks::HELD, list)),
            None => self.remove(&key),
        }
    }

    fn label(&mut self, key: ObjectKey, label: (&'static str, String)) {
        let object = Stored { label: Some(label), generation: 1, ..self.fresh() };
        self.state.objects.insert(key.clone(), object);
        self.changed(&key);
    }

    fn held_list(&self) -> ObjectKey {
        ObjectKey::namespaced(Kind::ConfigMap, DAEMON, held_list(&self.instance))
    }

    /// What the list of what is held says.
    pub fn posted(&self) -> Option<&str> {
        let (_, list) = self.state.objects.get(&self.held_list())?.label.as_ref()?;
        Some(list)
    }
}
