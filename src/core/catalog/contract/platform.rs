//! What the operator may say.
//!
//! Long because it is one table: every key, what it may hold and the words about it.

use super::bounds::{AMOUNTS, DAY, REPLICAS, TIME, WEEK};
use crate::model::decode::{Field, Form, Schema};

/// `platform.yaml`
pub const PLATFORM: Schema = Schema::described(&[
    Field::new(
        "apiVersion",
        Form::Word(&[crate::catalog::API_VERSION]),
        "The version of this contract.",
    )
    .required()
    .example(crate::catalog::API_VERSION),
    Field::new("kind", Form::Word(&["Platform"]), "What the file describes.")
        .required()
        .example("Platform"),
    Field::new("metadata", Form::Map(&METADATA), "What the platform is called."),
    Field::new("spec", Form::Map(&SPEC), "What the platform provides and allows.").required(),
]);

const METADATA: Schema =
    Schema::described(&[Field::new("name", Form::Line(63), "A name for people.")
        .default("platform")
        .example("aim")]);

const SPEC: Schema = Schema::described(&[
    Field::new(
        "domain",
        Form::Text,
        "Hosts are <solution>.<domain>, one label deep, so that one wildcard certificate covers \
         all.",
    )
    .required()
    .example("demo.example"),
    Field::new("edge", Form::Map(&EDGE), "How requests from outside come in.")
        .example("{controller: traefik, gateway: {name: public, namespace: edge}}"),
    Field::new("activation", Form::Map(&ACTIVATION), "How a sleeping solution is woken.")
        .example("{mode: interceptor}"),
    Field::new("mesh", Form::Map(&MESH), "Whether a service mesh encrypts and authorizes calls.")
        .example("{kind: linkerd, policy: deny}"),
    Field::new(
        "monitoring",
        Form::Map(&MONITORING),
        "Who may read metrics. Without it nobody may.",
    )
    .nullable()
    .default("null")
    .example("{namespace: monitoring, serviceAccount: prometheus, podMonitors: true}"),
    Field::new("registries", Form::Map(&REGISTRIES), "Which images may run.")
        .example("{allow: [\"registry.example/*\"], requireDigest: true}"),
    Field::new(
        "hardware",
        Form::List(&Form::Map(&CLASS), 100),
        "The classes of machine that authors may ask for.",
    )
    .default("(one class, cpu-basic, on any node)")
    .example("[{name: cpu-basic, requests: {cpu: 250m, memory: 1Gi}}]"),
    Field::new("nodes", Form::Map(&NODES), "How pods find their machines.")
        .example("{provisioner: karpenter}"),
    Field::new("warmup", Form::Map(&WARMUP), "How example requests are made before visitors come."),
    Field::new("cluster", Form::Map(&CLUSTER), "What the API servers of this platform know.")
        .example("{version: \"1.35\"}"),
    Field::new("network", Form::Map(&NETWORK), "Which addresses are the cluster's own.")
        .example("{own: [10.96.0.0/12, 10.244.0.0/16]}"),
    Field::new("defaults", Form::Map(&DEFAULTS), "What a solution gets that says nothing.")
        .example("{hardware: cpu-basic, scaling: {cooldownPeriod: 30m}}"),
    Field::new("limits", Form::Map(&LIMITS), "What no solution may exceed.")
        .example("{maxReplicas: 5, egress: forbidden}"),
    Field::new("podSecurity", Form::Map(&POD_SECURITY), "What containers may do.")
        .example("{level: restricted, runAsRoot: refuse}"),
    Field::new("gallery", Form::Map(&GALLERY), "How the gallery is ordered.")
        .example("{categories: [product-development], featured: [part-comparer]}"),
    Field::new(
        "currency",
        Form::Like("^[A-Z]{3}$"),
        "Of the prices of `hardware`: three letters of ISO 4217. Without it nothing is said of \
         cost.",
    )
    .default("(none)")
    .example("EUR"),
    Field::new(
        "assumptions",
        Form::Map(&ASSUMPTIONS),
        "What a month is taken to be when a reviewer is told a cost.",
    )
    .example("{visitsPerDay: 20, awakePerVisit: 30m}"),
    Field::new(
        "operators",
        Form::Line(100),
        "Whom reviewers are told to ask about more than a solution gets without a word: a team of \
         the forge, a mail address.",
    )
    .default("(nobody is named)")
    .example("\"@aim/operators\""),
    Field::new(
        "previews",
        Form::Map(&PREVIEWS),
        "Shows what a pull request changes before the merge, where somebody puts a label on it. \
         Without it nothing is shown.",
    )
    .nullable()
    .default("null")
    .example("{label: preview, keepFor: 168h, atMost: 5}"),
]);

const ASSUMPTIONS: Schema = Schema::described(&[
    Field::new("visitsPerDay", Form::Whole(0, 10_000), "How many visits wake a solution on a day.")
        .default("20"),
    Field::new(
        "awakePerVisit",
        Form::Duration(1, DAY),
        "How long one visit keeps it awake, until it sleeps again. A solution with a longer \
         cooldownPeriod is awake for that.",
    )
    .default("30m"),
]);

const PREVIEWS: Schema = Schema::described(&[
    Field::new(
        "label",
        Form::Line(50),
        "The label of the forge that asks for one. It counts for the commit that it was put on.",
    )
    .default("preview"),
    Field::new(
        "keepFor",
        Form::Duration(10, 30 * DAY),
        "How long one stays, from when its namespace was made.",
    )
    .default("168h"),
    Field::new(
        "atMost",
        Form::Whole(1, 100),
        "How many solutions are shown at a time, of all pull requests.",
    )
    .default("5"),
    Field::new(
        "secrets",
        Form::List(&Form::Line(253), 50),
        "The keys of Secrets that a preview may ask for. All others are left out of it.",
    )
    .default("[]")
    .example("[DEMO_KEY]"),
]);

const PRICE: Schema = Schema::described(&[Field::new(
    "perHour",
    Form::Like("^[0-9]{1,4}([.][0-9]{1,4})?$"),
    "For one replica that asks for no more than the class gives; who asks for twice as much pays \
     twice. Digits in quotes.",
)
.required()
.example("\"0.95\"")]);

const EDGE: Schema = Schema::described(&[
    Field::new(
        "kind",
        Form::Word(&["Gateway", "Ingress"]),
        "Gateway API, or the older Ingress with the annotations of ingress-nginx.",
    )
    .default("Gateway"),
    Field::new(
        "controller",
        Form::Word(&["traefik", "envoy-gateway", "other"]),
        "Who implements the Gateway, which decides how limits are expressed. `other` uses \
         nothing but the Gateway API.",
    )
    .default("other")
    .example("traefik"),
    Field::new("gateway", Form::Map(&GATEWAY), "The Gateway that routes attach to.")
        .example("{name: public, namespace: edge, sectionName: https-solutions}"),
    Field::new("ingressClassName", Form::Text, "With `kind: Ingress`: the class.")
        .default("nginx")
        .example("nginx"),
]);

const GATEWAY: Schema = Schema::described(&[
    Field::new("name", Form::Text, "The Gateway's name.").default("public").example("public"),
    Field::new("namespace", Form::Text, "The Gateway's namespace.").default("edge").example("edge"),
    Field::new("sectionName", Form::Text, "The listener for solutions.")
        .nullable()
        .default("null")
        .example("https-solutions"),
    Field::new("dataPlane", Form::Map(&DATA_PLANE), "Who really sends the requests.")
        .example("{namespace: edge, serviceAccount: traefik}"),
]);

const DATA_PLANE: Schema = Schema::described(&[
    Field::new("namespace", Form::Text, "The namespace of its pods.")
        .default("(the Gateway's)")
        .example("edge"),
    Field::new("serviceAccount", Form::Text, "Its account, which the mesh knows it by.")
        .nullable()
        .default("null")
        .example("traefik"),
]);

const ACTIVATION: Schema = Schema::described(&[
    Field::new(
        "mode",
        Form::Word(&["interceptor", "prometheus", "none"]),
        "interceptor: KEDA's HTTP add-on holds the first request. prometheus: KEDA asks \
         Prometheus; the first visitor meets an error. none: everything stays awake.",
    )
    .default("interceptor"),
    Field::new("interceptor", Form::Map(&INTERCEPTOR), "Where KEDA's HTTP add-on lies."),
    Field::new("prometheus", Form::Map(&PROMETHEUS), "Where Prometheus is asked.")
        .example("{serverAddress: \"http://prometheus.monitoring:9090\", job: traefik}"),
    Field::new(
        "holdRequestsFor",
        Form::Duration(1, 600),
        "How long the interceptor holds a request while the solution starts.",
    )
    .default("55s")
    .example("55s"),
]);

const INTERCEPTOR: Schema = Schema::described(&[
    Field::new("namespace", Form::Text, "Its namespace.").default("keda"),
    Field::new("service", Form::Text, "The Service that routes point at.")
        .default("keda-add-ons-http-interceptor-proxy"),
    Field::new("serviceAccount", Form::Text, "Its account, which the mesh knows it by.")
        .default("keda-add-ons-http-interceptor"),
    Field::new("scaler", Form::Text, "The Service of its scaler.")
        .default("keda-add-ons-http-external-scaler"),
]);

const PROMETHEUS: Schema = Schema::described(&[
    Field::new("serverAddress", Form::Line(2000), "An http or https address.")
        .required()
        .example("\"http://prometheus.monitoring:9090\""),
    Field::new("job", Form::Line(100), "The scrape job of the edge.").required().example("traefik"),
]);

const MESH: Schema = Schema::described(&[
    Field::new("kind", Form::Word(&["linkerd", "off"]), "Which mesh.").default("off"),
    Field::new(
        "policy",
        Form::Word(&["deny", "audit"]),
        "Whether calls that nobody declared are refused or only counted.",
    )
    .default("deny"),
]);

const MONITORING: Schema = Schema::described(&[
    Field::new("namespace", Form::Text, "The namespace of Prometheus.")
        .required()
        .example("monitoring"),
    Field::new("serviceAccount", Form::Text, "Its account, which the mesh knows it by.")
        .nullable()
        .default("null")
        .example("prometheus"),
    Field::new(
        "podMonitors",
        Form::Bool,
        "Whether PodMonitors are made for solutions with a metricsPath.",
    )
    .default("false"),
]);

const REGISTRIES: Schema = Schema::described(&[
    Field::new(
        "allow",
        Form::List(&Form::Line(255), 100),
        "Repositories; * stands for any text, / included.",
    )
    .default("(any)")
    .example("[\"registry.example/*\"]"),
    Field::new("requireDigest", Form::Bool, "Whether a tag alone is refused.").default("true"),
    Field::new(
        "pullSecret",
        Form::Text,
        "The Secret that the operator puts into each namespace for pulling.",
    )
    .nullable()
    .default("null")
    .example("regcred"),
]);

const CLASS: Schema = Schema::described(&[
    Field::new("name", Form::Text, "What authors ask for.").required().example("cpu-large"),
    Field::new("nodeGroup", Form::Text, "The value of the node label; null is any node.")
        .nullable()
        .default("null")
        .example("solutions-large"),
    Field::new(
        "isolation",
        Form::Word(&["shared", "exclusive"]),
        "Whether a machine serves several solutions at once.",
    )
    .default("shared"),
    Field::new("requests", AMOUNTS, "What a replica is sure to get.")
        .default("{}")
        .example("{cpu: \"4\", memory: 16Gi}"),
    Field::new("limits", AMOUNTS, "What a replica may use at most.")
        .default("{}")
        .example("{memory: 16Gi}"),
    Field::new("caps", AMOUNTS, "The most that an author may ask for.")
        .default("{}")
        .example("{cpu: \"8\", memory: 32Gi}"),
    Field::new("maxCooldown", TIME, "The longest idle time on this class.")
        .default("(the platform's)")
        .example("15m"),
    Field::new("price", Form::Map(&PRICE), "What reviewers are told that it costs.")
        .default("(not said)")
        .example("{perHour: \"0.95\"}"),
]);

const NODES: Schema = Schema::described(&[
    Field::new(
        "provisioner",
        Form::Word(&["cluster-autoscaler", "karpenter"]),
        "Who makes machines.",
    )
    .default("cluster-autoscaler"),
    Field::new("labelKey", Form::Text, "The label of nodes that carries their group.")
        .default("vitrine.dev/node-group"),
    Field::new("priorityClassName", Form::Text, "The priority of solutions' pods.")
        .nullable()
        .default("null")
        .example("vitrine-solution"),
]);

const WARMUP: Schema = Schema::described(&[Field::new(
    "image",
    Form::Text,
    "An image that has `vitrine warm`, with its digest.",
)
.nullable()
.default("null")
.example(
    "registry.example/vitrine:1.0.0@sha256:\
     a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b",
)]);

const NETWORK: Schema = Schema::described(&[Field::new(
    "own",
    Form::List(&Form::Text, 50),
    "The networks of the cluster's pods, Services and nodes. No solution may call them by address.",
)
.default("[]")
.example("[10.96.0.0/12, 10.244.0.0/16]")]);

const CLUSTER: Schema = Schema::described(&[
    Field::new(
        "version",
        Form::Text,
        "The oldest API server of this platform. It alone decides which fields are used.",
    )
    .default("\"1.33\"")
    .example("\"1.35\""),
    Field::new(
        "features",
        Form::List(&Form::Word(&[]), 20),
        "Optional features of what is installed; none yet.",
    )
    .default("[]"),
]);

const DEFAULTS: Schema = Schema::described(&[
    Field::new("hardware", Form::Text, "A class of `hardware`.")
        .default("(cpu-basic, else the first class)")
        .example("cpu-basic"),
    Field::new("scaling", Form::Map(&SCALING), "How many replicas run, and when none.")
        .example("{minReplicas: 0, maxReplicas: 1}"),
    Field::new("http", Form::Map(&HTTP), "Limits for requests from outside.")
        .example("{requestTimeout: 60s}"),
]);

const SCALING: Schema = Schema::described(&[
    Field::new("minReplicas", Form::Whole(0, REPLICAS), "0 sleeps.").default("0"),
    Field::new("maxReplicas", Form::Whole(1, REPLICAS), "The most that run under load.")
        .default("1"),
    Field::new("cooldownPeriod", TIME, "How long nobody must ask before it sleeps.").default("30m"),
]);

const HTTP: Schema = Schema::described(&[
    Field::new("maxRequestBodySize", Form::Quantity, "The largest request.").default("10Mi"),
    Field::new("requestTimeout", Form::Duration(1, DAY), "The longest that an answer may take.")
        .default("60s"),
    Field::new("rateLimit", Form::Map(&RATE_LIMIT), "How often one client may ask.")
        .default("{requestsPerSecond: 10, burst: 50}"),
]);

/// How often one client may ask; the same for authors.
pub(super) const RATE_LIMIT: Schema = Schema::described(&[
    Field::new("requestsPerSecond", Form::Whole(1, 100_000), "Requests a second of one client.")
        .required()
        .example("10"),
    Field::new("burst", Form::Whole(1, 1_000_000), "Requests at once.")
        .default("(five seconds' worth)")
        .example("50"),
]);

const LIMITS: Schema = Schema::described(&[
    Field::new("maxReplicas", Form::Whole(1, REPLICAS), "The most that `maxReplicas` may be.")
        .default("5"),
    Field::new("minReplicas", Form::Whole(0, REPLICAS), "The most that `minReplicas` may be.")
        .default("1"),
    Field::new("maxComponents", Form::Whole(1, 100), "The most components of a solution.")
        .default("12"),
    Field::new("maxConfigurations", Form::Whole(1, 100), "The most configurations of a solution.")
        .default("50"),
    Field::new("maxRequestBodySize", Form::Quantity, "The largest request that may be allowed.")
        .default("100Mi"),
    Field::new("requestTimeout", Form::Duration(1, DAY), "The longest answer that may be allowed.")
        .default("15m"),
    Field::new("cooldownPeriod", Form::Map(&COOLDOWN), "The bounds of `cooldownPeriod`.")
        .default("{min: 5m, max: 24h}"),
    Field::new("startupTimeout", Form::Duration(1, DAY), "The longest start.").default("30m"),
    Field::new(
        "egress",
        Form::WordOrList(&["public", "allowed", "forbidden"], &Form::Text, 200),
        "Whether solutions may open connections: to what they name of the public internet, to \
         what they name, private networks too, to nothing, or to these networks only.",
    )
    .default("public")
    .example("[192.0.2.0/24]"),
]);

const COOLDOWN: Schema = Schema::described(&[
    Field::new("min", Form::Duration(1, WEEK), "The shortest.").default("5m"),
    Field::new("max", Form::Duration(1, WEEK), "The longest.").default("24h"),
]);

const POD_SECURITY: Schema = Schema::described(&[
    Field::new(
        "level",
        Form::Word(&["restricted", "baseline"]),
        "The Pod Security Standard that solutions' namespaces enforce.",
    )
    .default("restricted"),
    Field::new(
        "runAsRoot",
        Form::Word(&["refuse", "userNamespace"]),
        "What becomes of images that run as root: they do not start, or root is nobody outside \
         its container.",
    )
    .default("refuse"),
]);

const GALLERY: Schema = Schema::described(&[
    Field::new(
        "categories",
        Form::List(&Form::Line(80), 50),
        "The categories that solutions may name.",
    )
    .default("(any)")
    .example("[product-development]"),
    Field::new("featured", Form::List(&Form::Line(80), 50), "The solutions that stand first.")
        .default("[]")
        .example("[part-comparer]"),
]);
