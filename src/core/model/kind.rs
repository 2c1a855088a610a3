//! Every Kubernetes kind that vitrine writes or watches.

use std::fmt;

/// A Kubernetes kind at the one version that vitrine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Namespace,
    ResourceQuota,
    LimitRange,
    ServiceAccount,
    ConfigMap,
    NetworkPolicy,
    /// Of Linkerd: a port of some pods, which then answers only who is authorized.
    Server,
    MeshTlsAuthentication,
    AuthorizationPolicy,
    HttpLocalRateLimitPolicy,
    Service,
    Deployment,
    PodDisruptionBudget,
    PodMonitor,
    InterceptorRoute,
    ScaledObject,
    /// Of Traefik.
    Middleware,
    /// Of Envoy Gateway.
    BackendTrafficPolicy,
    ReferenceGrant,
    HttpRoute,
    Ingress,
    /// Watched only, for the words of a failure.
    Pod,
}

/// How the API server names a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
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
