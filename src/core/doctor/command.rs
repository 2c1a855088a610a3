//! The commands that bring what a platform counts on. `docs/platform.md` has each in its place, with
//! the value files that they name; a test compares.

/// KEDA.
pub(super) const KEDA: &str =
    "helm upgrade --install keda kedacore/keda -n keda --create-namespace -f keda.yaml";
/// The kinds of the Gateway API.
pub(super) const GATEWAY_API: &str =
    "kubectl apply --server-side -f standard-install.yaml (of a Gateway API release, 1.4 or newer)";
/// Traefik, with its own kinds.
pub(super) const TRAEFIK: &str =
    "helm upgrade --install traefik traefik/traefik -n edge -f traefik.yaml";
/// Envoy Gateway, with its own kinds.
pub(super) const ENVOY: &str = "helm upgrade --install envoy-gateway <its chart gateway-helm> -n envoy-gateway-system --create-namespace";
/// The kinds of Linkerd.
pub(super) const LINKERD_KINDS: &str = "linkerd install --crds | kubectl apply -f -";
/// Linkerd's network plugin.
pub(super) const LINKERD_CNI: &str = "linkerd install-cni | kubectl apply -f -";
/// Linkerd.
pub(super) const LINKERD: &str = "linkerd install --linkerd-cni-enabled | kubectl apply -f -";
/// The Prometheus operator.
pub(super) const PROMETHEUS: &str = "helm upgrade --install monitoring prometheus-community/kube-prometheus-stack -n monitoring \
     --create-namespace";

/// KEDA's HTTP add-on, in this namespace.
pub(super) fn add_on(namespace: &str) -> String {
    format!(
        "helm upgrade --install keda-http kedacore/keda-add-ons-http -n {namespace} -f add-on.yaml"
    )
}

/// The right that the interceptor of this account needs for the waking page, and its chart lacks.
pub(super) fn waking_page(namespace: &str, account: &str) -> String {
    format!(
        "kubectl create clusterrole vitrine-waking-page --verb=get,list,watch \
         --resource=configmaps && kubectl create clusterrolebinding vitrine-waking-page \
         --clusterrole=vitrine-waking-page --serviceaccount={namespace}:{account}"
    )
}

/// The PriorityClass of solutions.
pub(super) fn priority_class(name: &str) -> String {
    format!("kubectl create priorityclass {name} --value=0 --preemption-policy=Never")
}
