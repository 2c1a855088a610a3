//! The labels, annotations and field managers that say whose an object is (docs/architecture.md).

/// Label on every object and pod template; its value is always [`PRODUCT`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const PRODUCT: &str = "vitrine";
/// Label: the instance that wrote the object. Watches select by it.
pub const INSTANCE: &str = "vitrine.dev/instance";
/// Label: the solution that the object belongs to.
pub const SOLUTION: &str = "vitrine.dev/solution";
/// Label: the component that the object belongs to; absent on what all components share.
pub const COMPONENT: &str = "vitrine.dev/component";
/// Label on an approval's ConfigMap, which belongs to no solution.
pub const APPROVAL: &str = "vitrine.dev/approval";
/// Label on the ConfigMap that lists what is held: the first 12 digits of the plan's hash.
pub const HELD: &str = "vitrine.dev/held";

/// Annotation: SHA-256 of the body before our two annotations are spliced in.
pub const CONTENT: &str = "vitrine.dev/content";
/// Annotation: the commit that last changed the object; not part of the hash.
pub const REVISION: &str = "vitrine.dev/revision";
/// Annotation: the fields that were ours, left the catalogue, and stay because another manager owns
/// them too; written as in `managedFields`. Absent where there are none. Not part of the hash, and
/// not of what is compared as ours.
pub const LEFT_BEHIND: &str = "vitrine.dev/left-behind";
/// Annotation on a Deployment: SHA-256 of what its pods run. How often a start is looked at is no
/// part of it, so that a trial need not be repeated when only that changes.
pub const TEMPLATE: &str = "vitrine.dev/template";
/// Annotation on a Deployment and on its pods: SHA-256 of the whole pod template. It tells a pod of
/// the newest template from one of an older, and whether an apply replaces pods.
pub const PODS: &str = "vitrine.dev/pods";
/// Annotation on a Deployment: `<template hash> born` by [`BIRTH`] when it was born asleep,
/// `<template hash> ok|failed` by [`VERIFIER`]. Another hash than [`TEMPLATE`] = to be verified.
pub const VERIFIED: &str = "vitrine.dev/verified";
/// KEDA's annotation that wakes a ScaledObject's target, set by [`VERIFIER`].
pub const FORCE_ACTIVATION: &str = "autoscaling.keda.sh/force-activation";

/// Annotation on the Namespace of a preview: the head of the pull request that it shows.
pub const PREVIEW: &str = "vitrine.dev/preview-of";

/// The field manager of every object that we apply.
pub const MANAGER: &str = "vitrine";
/// The field manager of the first, empty form of a Deployment that is born asleep.
pub const BIRTH: &str = "vitrine-birth";
/// The field manager of the two annotations of a verification.
pub const VERIFIER: &str = "vitrine-verify";
/// The field manager that keeps the live replicas when the autoscaler takes over.
pub const HANDOVER: &str = "vitrine-handover";
