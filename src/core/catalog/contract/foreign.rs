//! Words of other people's files that stand in a `solution.yaml` again and again, and what each of
//! them is here.

use crate::model::decode::{Foreign, Means};

const fn word(word: &'static str, says: &'static str, means: Means) -> Foreign {
    Foreign { word, says, means }
}

const COMPOSE: &str =
    "`vitrine new NAME --from-compose FILE` translates a whole docker-compose file";

/// At the top of the file.
pub(super) const OF_FILE: &[Foreign] = &[
    word("services", COMPOSE, Means::Other),
    word("version", "docker-compose's; nothing here needs it", Means::Nothing(&[])),
    word("networks", "a solution has a network of its own", Means::Other),
    word("status", "the cluster's; nobody writes it here", Means::Other),
];

/// In `metadata`.
pub(super) const OF_METADATA: &[Foreign] = &[
    word("namespace", "a solution has a namespace of its own", Means::Nothing(&[])),
    word("labels", "vitrine labels its objects itself; `tags` are for people", Means::Other),
    word("annotations", "vitrine annotates its objects itself", Means::Other),
    word("short_description", "Hugging Face's; here `description`", Means::Key("description")),
];

/// In `spec` and in a component.
pub(super) const OF_RUNTIME: &[Foreign] = &[
    // docker-compose
    word(
        "environment",
        "docker-compose's; here `env`, a map of names and texts",
        Means::Key("env"),
    ),
    word(
        "env_file",
        "docker-compose's; write the values into `env`, or mount the file by `files`",
        Means::Other,
    ),
    word(
        "build",
        "nothing is built here: push an image, and name it with its digest",
        Means::Other,
    ),
    word(
        "restart",
        "docker-compose's; what ends is started again anyway",
        Means::Nothing(&["always", "unless-stopped", "on-failure"]),
    ),
    word(
        "container_name",
        "docker-compose's; components are called by their keys",
        Means::Nothing(&[]),
    ),
    word(
        "entrypoint",
        "docker-compose's; here `command`, and its `command` is `args`",
        Means::Other,
    ),
    word("depends_on", "docker-compose's; here `dependsOn`, a list", Means::Key("dependsOn")),
    word(
        "healthcheck",
        "docker-compose's; here `readinessProbe: {httpGet: {path: /}}`",
        Means::Other,
    ),
    word("deploy", "docker-compose's; here `scaling` and `resources`", Means::Other),
    word(
        "networks",
        "docker-compose's; components reach those in their `dependsOn`, and the world by `network.egress`",
        Means::Other,
    ),
    word("mem_limit", "docker-compose's; here `resources: {limits: {memory: 1Gi}}`", Means::Other),
    word("cpus", "docker-compose's; here `resources: {requests: {cpu: 500m}}`", Means::Other),
    word("user", "the image's own user counts, which must not be root", Means::Other),
    word("working_dir", "the image's own folder counts", Means::Other),
    word(
        "tmpfs",
        "docker-compose's; here `scratch: [{mountPath: /tmp, sizeLimit: 1Gi}]`",
        Means::Other,
    ),
    word(
        "stdin_open",
        "docker-compose's; nobody is at a terminal here",
        Means::Nothing(&["true", "false"]),
    ),
    word(
        "tty",
        "docker-compose's; nobody is at a terminal here",
        Means::Nothing(&["true", "false"]),
    ),
    // a Deployment, a Pod
    word(
        "replicas",
        "a Deployment's; here `scaling: {minReplicas: 0, maxReplicas: 1}`",
        Means::Other,
    ),
    word("selector", "a Deployment's; vitrine selects its own pods", Means::Other),
    word(
        "template",
        "a Deployment's; what its container says stands in `spec` itself",
        Means::Other,
    ),
    word(
        "containers",
        "a Pod's; one container is `spec` itself, several are `components`",
        Means::Other,
    ),
    word("initContainers", "a Pod's; do in the image what comes before the start", Means::Other),
    word("envFrom", "a Pod's; here `env`, and `secrets` for what nobody may read", Means::Other),
    word(
        "imagePullPolicy",
        "a Pod's; a digest means one image only",
        Means::Nothing(&["Always", "IfNotPresent", "Never"]),
    ),
    word(
        "imagePullSecrets",
        "a Pod's; the operator has them (`registries.pullSecret`)",
        Means::Other,
    ),
    word("nodeSelector", "a Pod's; here `hardware`, a class of the platform", Means::Other),
    word("tolerations", "a Pod's; here `hardware`, a class of the platform", Means::Other),
    word("serviceAccountName", "a Pod's; a solution has no rights on the cluster", Means::Other),
    word("securityContext", "a Pod's; the platform decides, and allows no root", Means::Other),
    word(
        "hostNetwork",
        "a Pod's; a solution never has the machine's network",
        Means::Nothing(&["false"]),
    ),
    word(
        "volumeMounts",
        "a Pod's; here `files`, `scratch` or `volumes`, each with its path",
        Means::Other,
    ),
    // the values of a chart
    word(
        "replicaCount",
        "a chart's; here `scaling: {minReplicas: 0, maxReplicas: 1}`",
        Means::Other,
    ),
    word("autoscaling", "a chart's; here `scaling`", Means::Other),
    word("service", "a chart's; here `port`", Means::Other),
    word(
        "ingress",
        "a chart's; every solution has an address, `expose` says under which path",
        Means::Other,
    ),
    word("nameOverride", "a chart's; the folder's name is the name", Means::Nothing(&[])),
    word("fullnameOverride", "a chart's; the folder's name is the name", Means::Nothing(&[])),
    // the head of a Space
    word("app_port", "Hugging Face's; here `port`", Means::Key("port")),
    word("sdk", "Hugging Face's; here an image, whatever made it", Means::Nothing(&["docker"])),
    word("colorFrom", "Hugging Face's; the gallery has its own colours", Means::Nothing(&[])),
    word("colorTo", "Hugging Face's; the gallery has its own colours", Means::Nothing(&[])),
    word(
        "pinned",
        "Hugging Face's; the operator features solutions (`gallery.featured`)",
        Means::Nothing(&["true", "false"]),
    ),
    word("emoji", "here `gallery: {emoji: \"🔎\"}`", Means::Key("gallery.emoji")),
    word(
        "thumbnail",
        "here `gallery: {thumbnail: thumbnail.png}`",
        Means::Key("gallery.thumbnail"),
    ),
    word(
        "suggested_hardware",
        "Hugging Face's; here `hardware`, a class of the platform",
        Means::Other,
    ),
];
