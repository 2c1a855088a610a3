//! What an author may say.
//!
//! Long because it is one table: every key of `solution.yaml`, in the order of the file.

use super::bounds::{AMOUNTS, REPLICAS, TIME};
use super::foreign::{OF_FILE, OF_METADATA, OF_RUNTIME};
use crate::model::decode::{Field, Form, Schema};

/// `solution.yaml`
pub const SOLUTION: Schema = Schema::described(&[
    Field::new(
        "apiVersion",
        Form::Word(&[crate::catalog::API_VERSION]),
        "The version of this contract.",
    )
    .required()
    .example(crate::catalog::API_VERSION),
    Field::new("kind", Form::Word(&["Solution"]), "What the file describes.")
        .required()
        .example("Solution"),
    Field::new("metadata", Form::Map(&METADATA), "What the solution is called.").required(),
    Field::new("spec", Form::Map(&SPEC), "What runs, when, for whom.").required(),
])
.translating(OF_FILE);

/// A letter, then letters and digits with single dashes between them.
const NAME: &str = "^[a-z](-?[a-z0-9])*$";
/// `registry/repository:tag@digest`, of which only the digest is looked at closely.
const IMAGE: &str = "^[^\\s@]+(@sha256:[0-9a-f]{64})?$";
/// A day of the calendar, or of none.
const DAY: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

const METADATA: Schema = Schema::described(&[
    Field::new(
        "name",
        Form::Like(NAME),
        "The name of the folder and the first label of the host: 1 to 40 of a-z, 0-9 and -, first \
         a letter, last no -, no --. Unique in the catalogue. Reserved: www, api, auth, admin, \
         status, gallery, apex, docs, preview, validate, pr-*, and names with the word edge.",
    )
    .required()
    .example("part-comparer"),
    Field::new("title", Form::Line(80), "What the gallery calls it.")
        .default("(the first heading of README.md, else the name)")
        .example("Part comparer"),
    Field::new("description", Form::Line(300), "What it does, in a sentence or two.")
        .default("(the first paragraph of README.md)")
        .example("Finds parts of similar shape."),
    Field::new("tags", Form::List(&Form::Line(40), 10), "Words to find it by.")
        .default("[]")
        .example("[nlp, requirements]"),
    Field::new("links", Form::List(&Form::Map(&LINK), 20), "Pages about it elsewhere.")
        .default("[]")
        .example("[{title: Paper, url: \"https://example.org/paper\", type: paper}]"),
])
.translating(OF_METADATA);

const LINK: Schema = Schema::described(&[
    Field::new("title", Form::Line(80), "What the link says.").required().example("Paper"),
    Field::new("url", Form::Line(2000), "An http or https address without a password.")
        .required()
        .example("\"https://example.org/paper\""),
    Field::new("type", Form::Line(40), "What is behind it, in a word.").example("paper"),
]);

/// Words that are reserved where a container is described.
const LATER: &[(&str, &str)] = &[
    ("persistence", "solutions are stateless"),
    ("persistentVolumeClaim", "solutions are stateless"),
    ("ports", "one port: `port`"),
    ("placement", "use a hardware class"),
    ("slo", ""),
    ("budget", ""),
    ("switching", ""),
    ("traffic", ""),
    // A key of components, which know it before they ask here.
    ("dependsOn", "components have theirs"),
];

/// The keys of what runs, which a solution and each of its components share, after some of their
/// own.
macro_rules! runtime {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            Field::new(
                "image",
                Form::Like(IMAGE),
                "The container image, as registry/repository:tag@sha256:digest. It answers HTTP \
                 on `port`. The digest is required unless the platform says otherwise; `vitrine \
                 pin` asks the registry for it.",
            )
            .example(
                "registry.example/nlp/use:1.4.0@sha256:\
                 a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b",
            ),
            Field::new(
                "command",
                Form::List(&Form::Text, 100),
                "Replaces the image's entry point, word by word. A word has at most 128 KiB.",
            )
            .default("(the image's)")
            .example("[python, -m, server]"),
            Field::new("args", Form::List(&Form::Text, 100), "Replaces the image's arguments.")
                .default("(the image's)")
                .example("[\"--workers\", \"2\"]"),
            Field::new("port", Form::Whole(1024, 65_535), "The port on which the container listens.")
                .default("8080")
                .example("8080"),
            Field::new(
                "basePath",
                Form::Text,
                "The page that is opened first. When it is not /, the edge leads from / to it.",
            )
            .default("/")
            .example("/docs"),
            Field::new(
                "env",
                Form::Free(&Form::Text, 200),
                "Environment variables: values are text, and public by definition. What looks \
                 like a credential is refused. A name and its value have 128 KiB together.",
            )
            .default("{}")
            .example("{TF_CPP_MIN_LOG_LEVEL: \"2\"}"),
            Field::new(
                "expandVariables",
                Form::Bool,
                "Whether $(NAME) in env, command and args stands for the variable of that name, as in \
                 a Kubernetes manifest ($$ is a $). Otherwise every $ is the character.",
            )
            .default("false")
            .example("true"),
            Field::new(
                "secrets",
                Form::List(&Form::Text, 100),
                "Names of environment variables whose values the operator keeps, in the Secret \
                 <component>-secrets (app-secrets for a solution without components). A missing \
                 one is told by name.",
            )
            .default("[]")
            .example("[LICENSE_KEY]"),
            Field::new(
                "files",
                Form::Free(&Form::Text, 100),
                "Path in the container: file of this folder. Read-only; at most 512 KiB together.",
            )
            .default("{}")
            .example("{/config/model.yaml: configs/model.yaml}"),
            Field::new(
                "volumes",
                Form::List(&Form::Map(&VOLUME), 8),
                "OCI images that are mounted read-only: models and data beside the code. Needs Kubernetes \
                 1.35 (`cluster.version` of platform.yaml).",
            )
            .default("[]")
            .example(
                "[{name: model, image: \"registry.example/nlp/use-model@sha256:\
                 a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b\", mountPath: \
                 /models}]",
            ),
            Field::new(
                "scratch",
                Form::List(&Form::Map(&SCRATCH), 8),
                "Room to write that is empty at each start.",
            )
            .default("[]")
            .example("[{mountPath: /tmp, sizeLimit: 1Gi}]"),
            Field::new(
                "readOnlyRootFilesystem",
                Form::Bool,
                "Whether the container may write to `scratch` only.",
            )
            .default("false")
            .example("true"),
            Field::new("hardware", Form::Text, "A class of machine that the platform offers.")
                .default("(the platform's)")
                .example("cpu-basic"),
            Field::new(
                "resources",
                Form::Map(&RESOURCES),
                "What one replica needs and may use, within the caps of its hardware class.",
            )
            .default("(the hardware class's)")
            .example("{requests: {cpu: 500m, memory: 2Gi}, limits: {memory: 2Gi}}"),
            Field::new("scaling", Form::Map(&SCALING), "How many replicas run, and when none.")
                .default("(the platform's)")
                .example("{maxReplicas: 2, cooldownPeriod: 30m}"),
            Field::new("startup", Form::Map(&STARTUP), "How a start goes.")
                .example("{timeout: 5m}"),
            Field::new(
                "readinessProbe",
                Form::Map(&PROBE),
                "How the platform asks whether a replica can take requests.",
            )
            .default("(GET of basePath answers 2xx or 3xx)")
            .example("{httpGet: {path: /healthz}}"),
            Field::new(
                "livenessProbe",
                Form::Map(&PROBE),
                "How the platform asks whether a replica must be restarted. Off by default: a \
                 long inference must not be killed.",
            )
            .default("(none)")
            .example("{tcpSocket: {}}"),
            Field::new("http", Form::Map(&HTTP), "Limits for requests from outside.")
                .default("(the platform's)")
                .example("{maxRequestBodySize: 10Mi, requestTimeout: 60s}"),
            Field::new(
                "network",
                Form::Map(&NETWORK),
                "What it may open connections to: nothing, unless it is listed.",
            )
            .default("{egress: []}")
            .example("{egress: [{cidr: 192.0.2.0/24, port: 5432}]}"),
            Field::new(
                "metricsPath",
                Form::Text,
                "Where it serves Prometheus metrics; the platform's monitoring alone may read them.",
            )
            .default("(none)")
            .example("/metrics"),
            Field::new(
                "architectures",
                Form::List(&Form::Word(&["amd64", "arm64"]), 2),
                "The processors that the image is built for.",
            )
            .default("(any)")
            .example("[amd64, arm64]"),
        ]
    };
}

const SPEC: Schema = Schema::described(runtime![
    Field::new(
        "type",
        Form::Word(&["demo", "service", "pipeline"]),
        "A word for the gallery, no behaviour.",
    )
    .example("demo"),
    Field::new(
        "lifecycle",
        Form::Word(&["experimental", "production", "deprecated"]),
        "How far it is; production needs a contact.",
    )
    .example("experimental"),
    Field::new("owner", Form::Line(87), "user:NAME or group:NAME. A warning if absent.")
        .example("group:nlp-team"),
    Field::new("contact", Form::Map(&CONTACT), "Whom visitors may ask.")
        .example("{name: NLP team, email: nlp@example.org}"),
    Field::new("license", Form::Line(200), "An SPDX expression.").example("Apache-2.0"),
    Field::new(
        "expires",
        Form::Like(DAY),
        "A day: from 00:00 UTC on it sleeps and its address leads to its page. Deletes nothing.",
    )
    .default("(never)")
    .example("2027-06-30"),
    Field::new("suspend", Form::Map(&SUSPEND), "Asleep on purpose, for a reason, until a day.")
        .default("(not)")
        .example("{reason: \"incident 12\", until: 2027-01-05}"),
    Field::new("gallery", Form::Map(&GALLERY), "Its card in the gallery.")
        .example("{category: product-development, emoji: \"🔎\"}"),
    Field::new("models", Form::List(&Form::Line(200), 50), "The models that it uses.")
        .default("[]")
        .example("[google/universal-sentence-encoder]"),
    Field::new("datasets", Form::List(&Form::Line(200), 50), "The data that it was made with.")
        .default("[]")
        .example("[sts-benchmark]"),
    Field::new("evaluation", Form::List(&Form::Map(&EVALUATION), 50), "What was measured of it.",)
        .default("[]")
        .example("[{metric: spearman, value: 0.78, dataset: sts-benchmark}]"),
    Field::new("access", Form::Word(&["public"]), "Who may open it.").default("public"),
    Field::new("api", Form::Map(&API), "Where its interface is described.")
        .example("{openapi: /openapi.json, examples: [examples/embed.json]}"),
    Field::new(
        "components",
        Form::Free(&Form::Map(&COMPONENT), 100),
        "Several services that wake as one. The keys are their names: 1 to 20 of a-z, 0-9 and -, \
         first a letter; not app, default, *-page, *-files, *-secrets. Each may set every key of what runs, and inherits the solution's values. Excludes \
         `configurations`.",
    )
    .default("{}")
    .example("{web: {expose: {path: /}}}"),
    Field::new(
        "configurations",
        Form::Free(&Form::Map(&CONFIGURATION), 100),
        "One image with several settings, each at a host of its own: \
         <name>--<configuration>.<domain>. Excludes `components`.",
    )
    .default("{}")
    .example("{pumps: {title: Pumps, env: {ALGORITHM: isolation-forest}}}"),
])
.reserving(LATER)
.translating(OF_RUNTIME);

const COMPONENT: Schema = Schema::described(runtime![
    Field::new(
        "expose",
        Form::Map(&EXPOSE),
        "Makes it public. Without it, only components that list it in `dependsOn` reach it.",
    )
    .default("(private)")
    .example("{path: /api}"),
    Field::new(
        "dependsOn",
        Form::List(&Form::Text, 50),
        "The components that it calls. Each gives it <COMPONENT>_URL in its environment.",
    )
    .default("[]")
    .example("[compare]"),
])
.reserving(LATER)
.translating(OF_RUNTIME);

const CONFIGURATION: Schema = Schema::described(&[
    Field::new("title", Form::Line(80), "What the gallery calls it.").example("Pumps"),
    Field::new(
        "env",
        Form::Free(&Form::Text, 200),
        "Environment variables, over those of the solution.",
    )
    .example("{ALGORITHM: lof}"),
    Field::new(
        "files",
        Form::Free(&Form::Text, 100),
        "Path in the container: file of this folder, over those of the solution.",
    )
    .example("{/config/model.yaml: configs/spindles.yaml}"),
    Field::new("scaling", Form::Map(&SCALING), "Over that of the solution.")
        .example("{maxReplicas: 2}"),
])
.reserving(LATER);

const EXPOSE: Schema = Schema::described(&[
    Field::new("path", Form::Text, "Below which path it is public. Exactly one component is at /.")
        .required()
        .example("/api"),
    Field::new(
        "stripPrefix",
        Form::Bool,
        "Whether the path is taken off before the component sees it.",
    )
    .default("false"),
]);

const CONTACT: Schema = Schema::described(&[
    Field::new("name", Form::Line(80), "Who.").example("NLP team"),
    Field::new("email", Form::Line(254), "A mail address. This or url is required.")
        .example("nlp@example.org"),
    Field::new("url", Form::Line(2000), "A page.").example("\"https://example.org/contact\""),
])
.needing("email", "url");

const SUSPEND: Schema = Schema::described(&[
    Field::new("reason", Form::Line(200), "Why, for everyone.")
        .required()
        .example("\"incident 12\""),
    Field::new("until", Form::Like(DAY), "Until this day (UTC) begins.")
        .required()
        .example("2027-01-05"),
]);

const GALLERY: Schema = Schema::described(&[
    Field::new("category", Form::Line(80), "One of the platform's categories.")
        .example("product-development"),
    Field::new("emoji", Form::Line(16), "One emoji.").example("\"🔎\""),
    Field::new("thumbnail", Form::Text, "A picture of this folder.").example("thumbnail.png"),
    Field::new("screenshots", Form::List(&Form::Text, 20), "Pictures of this folder.")
        .default("[]")
        .example("[screenshots/start.png]"),
]);

const EVALUATION: Schema = Schema::described(&[
    Field::new("metric", Form::Line(80), "What was measured.").required().example("spearman"),
    Field::new("value", Form::Number, "How much.").required().example("0.78"),
    Field::new("dataset", Form::Line(200), "On which data.").example("sts-benchmark"),
]);

const API: Schema = Schema::described(&[
    Field::new("openapi", Form::Text, "The path of its OpenAPI document.").example("/openapi.json"),
    Field::new("docs", Form::Text, "The path of the page that documents it.").example("/docs"),
    Field::new(
        "examples",
        Form::List(&Form::Text, 50),
        "Example requests of this folder (JSON): contract check, warm-up and documentation.",
    )
    .default("[]")
    .example("[examples/embed.json]"),
]);

const VOLUME: Schema = Schema::described(&[
    Field::new("name", Form::Like(NAME), "A name of 1 to 20 of a-z, 0-9 and -.")
        .required()
        .example("model"),
    Field::new("image", Form::Like(IMAGE), "The image whose files are mounted, with its digest.")
        .required()
        .example(
            "registry.example/nlp/use-model@sha256:\
             a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b",
        ),
    Field::new("mountPath", Form::Text, "Where.").required().example("/models"),
])
.reserving(&[
    ("persistentVolumeClaim", "solutions are stateless"),
    ("emptyDir", "use `scratch`"),
    ("configMap", "use `files`"),
    ("secret", "use `secrets`"),
    ("hostPath", ""),
]);

const SCRATCH: Schema = Schema::described(&[
    Field::new("mountPath", Form::Text, "Where.").required().example("/tmp"),
    Field::new("sizeLimit", Form::Quantity, "The most that may be written.")
        .required()
        .example("1Gi"),
]);

const RESOURCES: Schema = Schema::described(&[
    Field::new(
        "requests",
        AMOUNTS,
        "What one replica is sure to get: cpu, memory, ephemeral-storage, or a device.",
    )
    .example("{cpu: 500m, memory: 2Gi}"),
    Field::new("limits", AMOUNTS, "What one replica may use at most.").example("{memory: 2Gi}"),
]);

const SCALING: Schema = Schema::described(&[
    Field::new("minReplicas", Form::Whole(0, REPLICAS), "0 sleeps; 1 and more stay awake.")
        .default("(the platform's: 0)")
        .example("0"),
    Field::new("maxReplicas", Form::Whole(1, REPLICAS), "The most that run under load.")
        .default("(the platform's: 1)")
        .example("2"),
    Field::new("cooldownPeriod", TIME, "How long nobody must ask before it sleeps.")
        .default("(the platform's: 30m)")
        .example("30m"),
    Field::new("target", Form::Map(&TARGET), "What one replica is trusted with.")
        .default("{concurrency: 10}")
        .example("{requestRate: 5}"),
    Field::new(
        "schedules",
        Form::List(&Form::Map(&SCHEDULE), 8),
        "Times at which it is kept awake.",
    )
    .default("[]")
    .example(
        "[{timezone: Europe/Berlin, start: \"0 8 * * 1-5\", end: \"0 17 * * 1-5\", \
         desiredReplicas: 1}]",
    ),
]);

const TARGET: Schema = Schema::described(&[
    Field::new("concurrency", Form::Whole(1, 100_000), "Requests at the same time.").example("10"),
    Field::new("requestRate", Form::Whole(1, 100_000), "Requests a second.").example("5"),
])
.choosing("concurrency", "requestRate", "a replica is measured by one of them");

const SCHEDULE: Schema = Schema::described(&[
    Field::new("timezone", Form::Text, "An IANA name.").required().example("Europe/Berlin"),
    Field::new(
        "start",
        Form::Text,
        "When it wakes: minute, hour, day of the month, month, day of the week.",
    )
    .required()
    .example("\"0 8 * * 1-5\""),
    Field::new("end", Form::Text, "When it may sleep again, in the same form.")
        .required()
        .example("\"0 17 * * 1-5\""),
    Field::new("desiredReplicas", Form::Whole(1, REPLICAS), "How many are kept awake.")
        .default("1")
        .example("1"),
]);

const STARTUP: Schema = Schema::described(&[
    Field::new("timeout", TIME, "How long it may take from start to ready.")
        .default("5m")
        .example("5m"),
    Field::new(
        "warmup",
        Form::List(&Form::Text, 20),
        "Example requests that are made before the first visitor's.",
    )
    .default("[]")
    .example("[examples/embed.json]"),
]);

const PROBE_LATER: &str = "`startup.timeout` says how long a start may take; the rest is ours";

const PROBE: Schema = Schema::described(&[
    Field::new("httpGet", Form::Map(&HTTP_GET), "Ask for a page.").example("{path: /healthz}"),
    Field::new("tcpSocket", Form::Map(&TCP_SOCKET), "Open a connection.").example("{}"),
])
.choosing("httpGet", "tcpSocket", "a probe asks one way")
.reserving(&[
    ("exec", "let the container answer `httpGet`"),
    ("grpc", "let the container answer `httpGet`, or use `tcpSocket: {}`"),
    ("initialDelaySeconds", PROBE_LATER),
    ("periodSeconds", PROBE_LATER),
    ("timeoutSeconds", PROBE_LATER),
    ("failureThreshold", PROBE_LATER),
    ("successThreshold", PROBE_LATER),
]);

const HTTP_GET: Schema =
    Schema::described(&[Field::new("path", Form::Text, "The page; it answers 2xx or 3xx.")
        .required()
        .example("/healthz")])
    .reserving(&[
        ("port", "probes ask the component's own `port`"),
        ("scheme", "TLS ends at the edge"),
        ("host", ""),
        ("httpHeaders", ""),
    ]);

const TCP_SOCKET: Schema = Schema::described(&[])
    .reserving(&[("port", "probes ask the component's own `port`"), ("host", "")]);

const HTTP: Schema = Schema::described(&[
    Field::new("maxRequestBodySize", Form::Quantity, "The largest request.")
        .default("(the platform's: 10Mi)")
        .example("50Mi"),
    Field::new("requestTimeout", TIME, "The longest that an answer may take.")
        .default("(the platform's: 60s)")
        .example("120s"),
    Field::new(
        "rateLimit",
        Form::Map(&super::platform::RATE_LIMIT),
        "How often one client may ask.",
    )
    .default("(the platform's: 10 a second, 50 at once)")
    .example("{requestsPerSecond: 10, burst: 50}"),
    Field::new("cors", Form::Map(&CORS), "Which other pages may call it from a browser.")
        .default("(none)")
        .example("{allowOrigins: [\"https://plm.example.org\"]}"),
]);

const CORS: Schema = Schema::described(&[Field::new(
    "allowOrigins",
    Form::List(&Form::Text, 16),
    "Origins without path, or * for every page.",
)
.required()
.example("[\"https://plm.example.org\"]")]);

const NETWORK: Schema = Schema::described(&[Field::new(
    "egress",
    Form::List(&Form::Map(&EGRESS), 50),
    "The networks and ports. 0.0.0.0/0 never includes private or link-local addresses.",
)
.default("[]")
.example("[{cidr: 0.0.0.0/0, port: 443}]")]);

const EGRESS: Schema = Schema::described(&[
    Field::new("cidr", Form::Text, "A network without host bits.")
        .required()
        .example("192.0.2.0/24"),
    Field::new("port", Form::Whole(1, 65_535), "One TCP port.").required().example("5432"),
])
.reserving(&[("host", "name the networks: `cidr`")]);
