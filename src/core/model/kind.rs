//! Every Kubernetes kind that vitrine writes or watches.

use std::fmt;

/// A Kubernetes kind at the one version that vitrine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What holds a solution's objects, `sol-<name>`; the only cluster-wide kind here.
    Namespace,
    /// The most that a solution can take of the cluster.
    ResourceQuota,
    /// Sizes for containers that others put into a solution's pods.
    LimitRange,
    /// A component's identity, without any right.
    ServiceAccount,
    /// A component's files, the requests that warm it up, the waking page, or an approval.
    ConfigMap,
    /// What may go into a solution's pods, and out of them.
    NetworkPolicy,
    /// Of Linkerd: a port of some pods, which then answers only who is authorized.
    Server,
    /// Of Linkerd: who calls a component, by the accounts in their certificates.
    MeshTlsAuthentication,
    /// Of Linkerd: lets a component's callers through to its [`Kind::Server`].
    AuthorizationPolicy,
    /// Of Linkerd: how much the mesh lets through to one pod of a public component.
    HttpLocalRateLimitPolicy,
    /// The address of a component inside its solution: `http://<component>`.
    Service,
    /// A component's pods, and how they are rolled out.
    Deployment,
    /// Of a component with several copies: a drained node takes one at a time.
    PodDisruptionBudget,
    /// Of the Prometheus operator: where a component serves its metrics.
    PodMonitor,
    /// Of KEDA's HTTP add-on: which requests the interceptor counts, holds or answers.
    InterceptorRoute,
    /// Of KEDA: when a component wakes, and when it is put to sleep.
    ScaledObject,
    /// Of Traefik.
    Middleware,
    /// Of Envoy Gateway.
    BackendTrafficPolicy,
    /// Of the Gateway API: lets a solution's routes lead to the interceptor in another namespace.
    ReferenceGrant,
    /// Of the Gateway API: how visitors get from a host to a component.
    HttpRoute,
    /// For platforms without a Gateway: how visitors get from a host to a component.
    Ingress,
    /// Watched only, for the words of a failure.
    Pod,
}

/// How the API server names a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Empty for the core group.
    pub group: &'static str,
    /// Without the group: `v1`, `v1beta1`.
    pub version: &'static str,
    /// As `kind` says it in a manifest: `HTTPRoute`.
    pub kind: &'static str,
    /// As it stands in a path of the API: `httproutes`.
    pub plural: &'static str,
    /// Whether its objects are in a namespace; cluster-wide otherwise.
    pub namespaced: bool,
}

impl Kind {
    /// Every kind that a solution can be rendered to. Each stays here after the renderer stops
    /// producing it, so that it stays prunable.
    pub const RENDERED: [Self; 21] = [
        Self::Namespace,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::NetworkPolicy,
        Self::Server,
        Self::MeshTlsAuthentication,
        Self::AuthorizationPolicy,
        Self::HttpLocalRateLimitPolicy,
        Self::Service,
        Self::Deployment,
        Self::PodDisruptionBudget,
        Self::PodMonitor,
        Self::InterceptorRoute,
        Self::ScaledObject,
        Self::Middleware,
        Self::BackendTrafficPolicy,
        Self::ReferenceGrant,
        Self::HttpRoute,
        Self::Ingress,
    ];

    /// Group, version and names of the kind on the API server.
    pub const fn facts(self) -> Facts {
        const fn f(
            group: &'static str,
            version: &'static str,
            kind: &'static str,
            plural: &'static str,
        ) -> Facts {
            Facts { group, version, kind, plural, namespaced: true }
        }
        match self {
            Self::Namespace => Facts {
                group: "",
                version: "v1",
                kind: "Namespace",
                plural: "namespaces",
                namespaced: false,
            },
            Self::ResourceQuota => f("", "v1", "ResourceQuota", "resourcequotas"),
            Self::LimitRange => f("", "v1", "LimitRange", "limitranges"),
            Self::ServiceAccount => f("", "v1", "ServiceAccount", "serviceaccounts"),
            Self::ConfigMap => f("", "v1", "ConfigMap", "configmaps"),
            Self::NetworkPolicy => f("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
            Self::Server => f("policy.linkerd.io", "v1beta3", "Server", "servers"),
            Self::MeshTlsAuthentication => f(
                "policy.linkerd.io",
                "v1alpha1",
                "MeshTLSAuthentication",
                "meshtlsauthentications",
            ),
            Self::AuthorizationPolicy => {
                f("policy.linkerd.io", "v1alpha1", "AuthorizationPolicy", "authorizationpolicies")
            }
            Self::HttpLocalRateLimitPolicy => f(
                "policy.linkerd.io",
                "v1alpha1",
                "HTTPLocalRateLimitPolicy",
                "httplocalratelimitpolicies",
            ),
            Self::Service => f("", "v1", "Service", "services"),
            Self::Deployment => f("apps", "v1", "Deployment", "deployments"),
            Self::PodDisruptionBudget => {
                f("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
            }
            Self::PodMonitor => f("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
            Self::InterceptorRoute => {
                f("http.keda.sh", "v1beta1", "InterceptorRoute", "interceptorroutes")
            }
            Self::ScaledObject => f("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
            Self::Middleware => f("traefik.io", "v1alpha1", "Middleware", "middlewares"),
            Self::BackendTrafficPolicy => f(
                "gateway.envoyproxy.io",
                "v1alpha1",
                "BackendTrafficPolicy",
                "backendtrafficpolicies",
            ),
            // `v1` came with Gateway API 1.5; this one every release serves.
            Self::ReferenceGrant => {
                f("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants")
            }
            Self::HttpRoute => f("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            Self::Ingress => f("networking.k8s.io", "v1", "Ingress", "ingresses"),
            Self::Pod => f("", "v1", "Pod", "pods"),
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(self) -> String {
        let Facts { group, version, .. } = self.facts();
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }

    /// The name that rights use: `pods`, `deployments.apps`.
    pub fn resource(self) -> String {
        let Facts { group, plural, .. } = self.facts();
        if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
    }

    /// The CustomResourceDefinition that must exist first, if the kind is not built in.
    pub fn crd(self) -> Option<String> {
        let Facts { group, plural, .. } = self.facts();
        let built_in = !group.contains('.') || group == "networking.k8s.io";
        (!built_in).then(|| format!("{plural}.{group}"))
    }

    /// The kind of this `apiVersion` and `kind`, if vitrine knows it.
    pub fn named(api_version: &str, kind: &str) -> Option<Self> {
        Self::RENDERED
            .into_iter()
            .chain([Self::Pod])
            .find(|k| k.facts().kind == kind && k.api_version() == api_version)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().kind)
    }
}
