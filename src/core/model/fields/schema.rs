//! How each field of the kinds that we know is merged: which lists have keys, which maps are one
//! value, which lists are sets.
//!
//! Only what differs from the rule is written down. The rule: a map is taken apart field by
//! field, a list is one value.

use serde_json::Value;

use crate::model::Kind;

/// How a value is merged when several managers apply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A map whose entries have owners of their own.
    Fields(Fields),
    /// One value, whatever is in it.
    Atomic,
    /// A list of maps that are told apart by these keys.
    Keyed(&'static [ListKey], Fields),
    /// A list of maps that are told apart by these keys, each of them one value.
    KeyedAtoms(&'static [ListKey]),
    /// A list of scalars without order.
    Set,
}

/// The fields of a map whose shape is not what its value suggests.
pub type Fields = &'static [(&'static str, Shape)];

/// A field that tells the items of a list apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// The field's name in an item: `containerPort`.
    pub field: &'static str,
    /// What the server takes when the item does not say.
    pub default: Option<&'static str>,
}

impl Shape {
    /// The shape of whole objects of a kind.
    pub fn of(kind: Kind) -> Self {
        let facts = kind.facts();
        Self::named(facts.group, facts.kind)
    }

    /// The shape of whole objects of any kind; of one we do not know it is the rule alone.
    pub fn named(group: &str, kind: &str) -> Self {
        Self::Fields(match (group, kind) {
            ("", "Namespace" | "ConfigMap") => PLAIN,
            ("", "ServiceAccount") => SERVICE_ACCOUNT,
            ("", "ResourceQuota") => QUOTA,
            ("", "Service") => SERVICE,
            ("", "Pod") => POD,
            ("", "PersistentVolumeClaim") => CLAIM,
            ("apps", "Deployment" | "StatefulSet") => WORKLOAD,
            ("batch", "Job") => WORKLOAD,
            ("networking.k8s.io", "NetworkPolicy") => NETWORK_POLICY,
            ("networking.k8s.io", "Ingress") => INGRESS,
            ("policy", "PodDisruptionBudget") => DISRUPTION_BUDGET,
            ("monitoring.coreos.com", "PodMonitor") => POD_MONITOR,
            (
                "keda.sh"
                | "gateway.networking.k8s.io"
                | "policy.linkerd.io"
                | "gateway.envoyproxy.io"
                | "traefik.io",
                _,
            ) => META_ONLY,
            _ => PLAIN,
        })
    }

    /// The shape of the field `name` in a map of this shape.
    pub fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Fields(fields) | Self::Keyed(_, fields) => {
                fields.iter().find(|(field, _)| *field == name).map(|(_, shape)| *shape)
            }
            Self::Atomic | Self::KeyedAtoms(_) | Self::Set => None,
        }
    }

    /// The shape of one item of a list of this shape.
    pub fn item(self) -> Self {
        match self {
            Self::Keyed(_, fields) => Self::Fields(fields),
            Self::KeyedAtoms(_) | Self::Set | Self::Atomic => Self::Atomic,
            Self::Fields(_) => self,
        }
    }

    /// The shape that a value has where the table says nothing.
    pub fn by_rule(value: &Value) -> Self {
        if value.is_object() { Self::Fields(&[]) } else { Self::Atomic }
    }
}

const fn key(field: &'static str) -> ListKey {
    ListKey { field, default: None }
}

const PROTOCOL: ListKey = ListKey { field: "protocol", default: Some("TCP") };
const BY_NAME: &[ListKey] = &[key("name")];
const BY_TYPE: &[ListKey] = &[key("type")];

/// The metadata of every object.
pub const META: (&str, Shape) = (
    "metadata",
    Shape::Fields(&[
        ("finalizers", Shape::Set),
        ("ownerReferences", Shape::KeyedAtoms(&[key("uid")])),
    ]),
);
const CONDITIONS: Fields = &[("conditions", Shape::Keyed(BY_TYPE, &[]))];

const META_ONLY: Fields = &[META];

/// Whatever has nothing special but metadata and conditions.
const PLAIN: Fields = &[META, ("status", Shape::Fields(CONDITIONS))];

const SERVICE_ACCOUNT: Fields = &[META, ("secrets", Shape::KeyedAtoms(BY_NAME))];

const QUOTA: Fields = &[META, ("spec", Shape::Fields(&[("scopeSelector", Shape::Atomic)]))];

const SERVICE: Fields = &[
    META,
    (
        "spec",
        Shape::Fields(&[
            ("selector", Shape::Atomic),
            ("ports", Shape::Keyed(&[key("port"), PROTOCOL], &[])),
        ]),
    ),
    ("status", Shape::Fields(CONDITIONS)),
];

const NETWORK_POLICY: Fields = &[META, ("spec", Shape::Fields(&[("podSelector", Shape::Atomic)]))];

const INGRESS: Fields = &[META, ("spec", Shape::Fields(&[("defaultBackend", INGRESS_BACKEND)]))];

const INGRESS_BACKEND: Shape = Shape::Fields(&[
    ("resource", Shape::Atomic),
    ("service", Shape::Fields(&[("port", Shape::Atomic)])),
]);

const DISRUPTION_BUDGET: Fields = &[
    META,
    ("spec", Shape::Fields(&[("selector", Shape::Atomic)])),
    ("status", Shape::Fields(CONDITIONS)),
];

const POD_MONITOR: Fields = &[META, ("spec", Shape::Fields(&[("selector", Shape::Atomic)]))];

const CLAIM: Fields = &[
    META,
    ("spec", Shape::Fields(&[("selector", Shape::Atomic), ("dataSource", Shape::Atomic)])),
    ("status", Shape::Fields(CONDITIONS)),
];

const POD: Fields = &[
    META,
    ("spec", Shape::Fields(POD_SPEC)),
    (
        "status",
        Shape::Fields(&[
            ("conditions", Shape::Keyed(BY_TYPE, &[])),
            ("podIPs", Shape::Keyed(&[key("ip")], &[])),
        ]),
    ),
];

const WORKLOAD: Fields = &[
    META,
    (
        "spec",
        Shape::Fields(&[
            ("selector", Shape::Atomic),
            ("template", Shape::Fields(&[META, ("spec", Shape::Fields(POD_SPEC))])),
        ]),
    ),
    ("status", Shape::Fields(CONDITIONS)),
];

const POD_SPEC: Fields = &[
    ("containers", Shape::Keyed(BY_NAME, CONTAINER)),
    ("initContainers", Shape::Keyed(BY_NAME, CONTAINER)),
    ("ephemeralContainers", Shape::Keyed(BY_NAME, CONTAINER)),
    ("volumes", Shape::Keyed(BY_NAME, &[])),
    ("imagePullSecrets", Shape::KeyedAtoms(BY_NAME)),
    ("nodeSelector", Shape::Atomic),
    ("hostAliases", Shape::Keyed(&[key("ip")], &[])),
    ("schedulingGates", Shape::Keyed(BY_NAME, &[])),
    ("resourceClaims", Shape::Keyed(BY_NAME, &[])),
    ("resources", RESOURCES),
    (
        "topologySpreadConstraints",
        Shape::Keyed(
            &[key("topologyKey"), key("whenUnsatisfiable")],
            &[("labelSelector", Shape::Atomic)],
        ),
    ),
    (
        "affinity",
        Shape::Fields(&[(
            "nodeAffinity",
            Shape::Fields(&[("requiredDuringSchedulingIgnoredDuringExecution", Shape::Atomic)]),
        )]),
    ),
];

const CONTAINER: Fields = &[
    ("env", Shape::Keyed(BY_NAME, ENV)),
    ("ports", Shape::Keyed(&[key("containerPort"), PROTOCOL], &[])),
    ("volumeMounts", Shape::Keyed(&[key("mountPath")], &[])),
    ("volumeDevices", Shape::Keyed(&[key("devicePath")], &[])),
    ("resources", RESOURCES),
];

const RESOURCES: Shape = Shape::Fields(&[("claims", Shape::Keyed(BY_NAME, &[]))]);

const ENV: Fields = &[(
    "valueFrom",
    Shape::Fields(&[
        ("fieldRef", Shape::Atomic),
        ("resourceFieldRef", Shape::Atomic),
        ("configMapKeyRef", Shape::Atomic),
        ("secretKeyRef", Shape::Atomic),
        ("fileKeyRef", Shape::Atomic),
    ]),
)];
