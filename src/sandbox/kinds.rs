//! The kinds that the API serves: the built-in ones, and those that a CustomResourceDefinition
//! brings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::schema::Schema;
use vitrine_core::model::fields::Shape;

/// One kind at one version.
#[derive(Debug)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub namespaced: bool,
    /// Whether `/status` is written apart from the rest.
    pub status: bool,
    /// Whether there is `/scale`.
    pub scale: bool,
    /// Whether `metadata.generation` counts the changes of the spec.
    pub counted: bool,
    pub shape: Shape,
    /// The rules of a custom resource.
    pub schema: Option<Arc<Schema>>,
    /// Where the objects are kept: all versions of a kind share it. `plural.group`.
    pub table: String,
}

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `configmaps`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// What is served now.
#[derive(Clone, Debug)]
pub struct Kinds {
    served: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Kinds {
    /// The built-in kinds.
    pub fn built_in() -> Self {
        static BUILT_IN: OnceLock<Kinds> = OnceLock::new();
        BUILT_IN
            .get_or_init(|| {
                let mut kinds = Self { served: BTreeMap::new() };
                for row in BUILT_IN_KINDS {
                    kinds.serve(row.resource());
                }
                kinds
            })
            .clone()
    }

    /// The kind served at this path.
    pub fn at(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.served.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    /// The kind of this `apiVersion` and `kind`.
    pub fn named(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.all().find(|r| r.kind == kind && r.api_version() == api_version).cloned()
    }

    /// The kind that keeps its objects in this table, at its first version.
    pub fn of_table(&self, table: &str) -> Option<Arc<Resource>> {
        self.all().find(|r| r.table == table).cloned()
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.served.values()
    }

    /// Serves the kind that a definition describes; returns its table.
    pub fn install(&mut self, definition: &Value) -> Option<String> {
        let resources = custom(definition)?;
        let table = resources.first()?.table.clone();
        self.uninstall(&table);
        for resource in resources {
            self.serve_shared(resource);
        }
        Some(table)
    }

    /// Serves the kind of this table no more.
    pub fn uninstall(&mut self, table: &str) {
        self.served.retain(|_, r| r.table != table || r.schema.is_none());
    }

    fn serve(&mut self, resource: Resource) {
        self.serve_shared(Arc::new(resource));
    }

    fn serve_shared(&mut self, resource: Arc<Resource>) {
        let key = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.served.insert(key, resource);
    }
}

/// The kinds of a definition, one for each served version; read once per process, because a
/// [`Shape`] lives as long as the process.
fn custom(definition: &Value) -> Option<Vec<Arc<Resource>>> {
    static READ: OnceLock<Mutex<BTreeMap<String, Vec<Arc<Resource>>>>> = OnceLock::new();
    let spec = definition.get("spec")?;
    let mut read = READ.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let key = spec.to_string();
    if let Some(resources) = read.get(&key) {
        return Some(resources.clone());
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let names = spec.get("names")?;
    let (group, plural) = (text(spec.get("group")?)?, text(names.get("plural")?)?);
    let kind = text(names.get("kind")?)?;
    let mut resources = Vec::new();
    for version in spec.get("versions")?.as_array()? {
        if version.get("served") != Some(&Value::Bool(true)) {
            continue;
        }
        let schema = Schema::of_objects(version.pointer("/schema/openAPIV3Schema")?);
        let has = |what: &str| version.pointer(&format!("/subresources/{what}")).is_some();
        resources.push(Arc::new(Resource {
            version: text(version.get("name")?)?,
            singular: names.get("singular").and_then(text).unwrap_or_else(|| kind.to_lowercase()),
            short_names: names
                .get("shortNames")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(text).collect())
                .unwrap_or_default(),
            namespaced: spec.get("scope").and_then(Value::as_str) == Some("Namespaced"),
            status: has("status"),
            scale: false,
            counted: true,
            shape: schema.shape(),
            schema: Some(Arc::new(schema)),
            table: format!("{plural}.{group}"),
            group: group.clone(),
            plural: plural.clone(),
            kind: kind.clone(),
        }));
    }
    read.insert(key, resources.clone());
    Some(resources)
}

struct Row {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    /// `n` namespaced, `s` status, `c` scale, `g` generation.
    traits: &'static str,
}

impl Row {
    fn resource(&self) -> Resource {
        let has = |letter: char| self.traits.contains(letter);
        Resource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
            singular: self.kind.to_lowercase(),
            short_names: (!self.short.is_empty())
                .then(|| self.short.to_owned())
                .into_iter()
                .collect(),
            namespaced: has('n'),
            status: has('s'),
            scale: has('c'),
            counted: has('g'),
            shape: Shape::named(self.group, self.kind),
            schema: None,
            table: format!("{}.{}", self.plural, self.group),
        }
    }
}

const fn row(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    traits: &'static str,
) -> Row {
    Row { group, version, kind, plural, short, traits }
}

const BUILT_IN_KINDS: &[Row] = &[
    row("", "v1", "Namespace", "namespaces", "ns", "s"),
    row("", "v1", "ServiceAccount", "serviceaccounts", "sa", "n"),
    row("", "v1", "ConfigMap", "configmaps", "cm", "n"),
    row("", "v1", "ResourceQuota", "resourcequotas", "quota", "ns"),
    row("", "v1", "LimitRange", "limitranges", "limits", "n"),
    row("", "v1", "Service", "services", "svc", "ns"),
    row("", "v1", "Pod", "pods", "po", "nsg"),
    row("", "v1", "Event", "events", "ev", "n"),
    row("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", "ns"),
    row("apps", "v1", "Deployment", "deployments", "deploy", "nscg"),
    row("apps", "v1", "StatefulSet", "statefulsets", "sts", "nscg"),
    row("batch", "v1", "Job", "jobs", "", "nsg"),
    row("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", "ng"),
    row("networking.k8s.io", "v1", "Ingress", "ingresses", "ing", "nsg"),
    row("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", "nsg"),
    row("coordination.k8s.io", "v1", "Lease", "leases", "", "n"),
    row(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd",
        "sg",
    ),
];
