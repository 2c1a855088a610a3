//! Pods, as their templates describe them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::statement::{Root, Runs};
use crate::model::{Kind, marks};
use crate::render::Desired;
use crate::render::read::{items, of_kind, text, texts};

/// What a Deployment's pods are.
pub struct Pod<'a> {
    pub labels: BTreeMap<String, String>,
    pub account: String,
    spec: &'a Value,
}

/// The pods of every component, by its name.
pub fn pods(desired: &Desired) -> BTreeMap<String, Pod<'_>> {
    let pods = of_kind(desired, Kind::Deployment).filter_map(|deployment| {
        let labels = texts(&deployment.body, "/spec/template/metadata/labels");
        let component = labels.get(marks::COMPONENT)?.clone();
        let spec = deployment.body.pointer("/spec/template/spec")?;
        let account = text(spec, "/serviceAccountName").unwrap_or("default").to_owned();
        Some((component, Pod { labels, account, spec }))
    });
    pods.collect()
}

impl Pod<'_> {
    fn containers(&self) -> impl Iterator<Item = &Value> {
        items(self.spec, "/containers").iter().chain(items(self.spec, "/initContainers"))
    }

    /// As whom the pod's containers run: the most that any of them may.
    pub fn runs(&self) -> Runs {
        let never =
            |security: &Value| security.pointer("/runAsNonRoot") == Some(&Value::Bool(true));
        let pod = self.spec.get("securityContext").is_some_and(never);
        let each = self.containers().all(|container| {
            match container.pointer("/securityContext/runAsNonRoot") {
                Some(own) => *own == Value::Bool(true),
                None => pod,
            }
        });
        let as_root = if each {
            Root::Never
        } else if self.spec.get("hostUsers") == Some(&Value::Bool(false)) {
            Root::Mapped
        } else {
            Root::Allowed
        };
        let any = |wrong: fn(&Value) -> bool| self.containers().any(wrong);
        let mut privileges = Vec::new();
        let said = |container: &Value, key: &str| {
            container.pointer(&format!("/securityContext/{key}")).and_then(Value::as_bool)
        };
        if self.containers().any(|c| said(c, "allowPrivilegeEscalation") != Some(false)) {
            privileges.push("ways to gain privileges");
        }
        if any(|c| !items(c, "/securityContext/capabilities/drop").iter().any(|w| w == "ALL")) {
            privileges.push("capabilities of the kernel");
        }
        if self.containers().any(|c| said(c, "privileged") == Some(true)) {
            privileges.push("the whole machine");
        }
        if ["hostNetwork", "hostPID", "hostIPC"]
            .iter()
            .any(|key| self.spec.get(*key) == Some(&Value::Bool(true)))
        {
            privileges.push("the machine's own network or processes");
        }
        if self.spec.get("automountServiceAccountToken") != Some(&Value::Bool(false)) {
            privileges.push("its account's token");
        }
        Runs { as_root, privileges, secrets: self.secrets() }
    }

    fn secrets(&self) -> BTreeSet<String> {
        let variables = self.containers().flat_map(|container| items(container, "/env"));
        let secret = variables.filter(|v| v.pointer("/valueFrom/secretKeyRef").is_some());
        secret.filter_map(|variable| Some(text(variable, "/name")?.to_owned())).collect()
    }

    /// What the pod may write, and how much.
    pub fn stores(&self) -> Vec<String> {
        let mut stores = Vec::new();
        let writes_root = self.containers().any(|container| {
            container.pointer("/securityContext/readOnlyRootFilesystem") != Some(&Value::Bool(true))
        });
        let most = self
            .containers()
            .find_map(|container| text(container, "/resources/limits/ephemeral-storage"))
            .unwrap_or("any amount");
        if writes_root {
            stores.push(format!("its own files, {most}"));
        }
        for volume in items(self.spec, "/volumes") {
            let Some(name) = text(volume, "/name") else { continue };
            let mounts = self.containers().flat_map(|container| items(container, "/volumeMounts"));
            let paths: BTreeSet<&str> = mounts
                .filter(|mount| text(mount, "/name") == Some(name))
                .filter(|mount| mount.get("readOnly") != Some(&Value::Bool(true)))
                .filter_map(|mount| text(mount, "/mountPath"))
                .collect();
            if volume.get("emptyDir").is_some() {
                let size = text(volume, "/emptyDir/sizeLimit").unwrap_or("any amount");
                stores.extend(paths.iter().map(|path| format!("{path}, {size}")));
            } else if volume.get("configMap").is_none() && volume.get("image").is_none() {
                stores.extend(paths.iter().map(|path| format!("{path}, which stays")));
            }
        }
        if stores.is_empty() {
            stores.push("nothing".to_owned());
        } else {
            stores.push("all gone when it sleeps".to_owned());
        }
        stores
    }
}
