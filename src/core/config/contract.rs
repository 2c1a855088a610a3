//! The contract with operators about the daemon's own settings: every key of `vitrine.yaml`.
//!
//! One description judges the file and makes the JSON Schema for editors. No key is required of the
//! file, because a variable or a flag can say it as well.

use serde_json::{Value, json};

use super::{ForgeKind, Images, PullRequests, Web};
use crate::model::decode::{Field, Form, Schema, json_schema};

/// The JSON Schema (draft 7) of `vitrine.yaml`.
pub fn schema() -> Value {
    let mut schema = json_schema(ROOT, "vitrine settings");
    if let Some(poll) = schema.pointer_mut("/properties/repository/anyOf/0/properties/poll") {
        let often = poll["allOf"].take();
        poll["anyOf"] = json!([{ "const": 0 }, { "const": "0" }, { "allOf": often }]);
        if let Some(poll) = poll.as_object_mut() {
            poll.remove("allOf");
        }
    }
    let hook = "/properties/web/anyOf/0/properties/hooks/anyOf/0/items/properties";
    if let Some(files) = schema.pointer_mut(&format!("{hook}/secretFiles")) {
        files["minItems"] = json!(1);
    }
    schema
}

pub(super) const ROOT: Schema = Schema::described(&[
    Field::new(
        "instance",
        Form::Like("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$"),
        "The name of this daemon, in contexts, notes and marks. Another name orphans what runs.",
    )
    .example("prod"),
    Field::new("repository", Form::Map(&REPOSITORY), "Where the catalogue lies.").nullable(),
    Field::new("cluster", Form::Map(&CLUSTER), "Where solutions run.").nullable(),
    Field::new("safety", Form::Map(&SAFETY), "How much may be removed without a person's word.")
        .nullable(),
    Field::new("rollouts", Form::Map(&ROLLOUTS), "How changes reach what runs.").nullable(),
    Field::new("schedule", Form::Map(&SCHEDULE), "Nothing can be said here yet.").nullable(),
    Field::new("reporting", Form::Map(&REPORTING), "Where a commit is told what became of it.")
        .nullable(),
    Field::new("web", Form::Map(&WEB), "Where the daemon listens.").nullable(),
    Field::new("log", Form::Map(&LOG), "What the daemon writes to its log.").nullable(),
]);

pub(super) const REPOSITORY: Schema = Schema::described(&[
    Field::new("url", Form::Text, "https, http, ssh, file, or a path.")
        .example("\"https://git.example/aim/catalogue.git\""),
    Field::new("branch", Form::Line(255), "The branch that is published.").default("main"),
    Field::new("path", Form::Line(1024), "The catalogue's root in the repository.")
        .default("\".\""),
    Field::new(
        "poll",
        Form::Duration(5, 3600),
        "How often the repository is asked for commits. 0: only hints.",
    )
    .default("60s"),
    Field::new("auth", Form::Map(&AUTH), "One complete way to prove who asks.").nullable(),
    Field::new(
        "caFile",
        Form::Line(4096),
        "Certificates that are trusted instead of the system's.",
    )
    .nullable()
    .default("null"),
    Field::new("mirror", Form::Line(4096), "A cache, which may be lost.")
        .default("/var/lib/vitrine/mirror"),
]);

pub(super) const AUTH: Schema = Schema::described(&[
    Field::new("tokenFile", Form::Line(4096), "A file with a token; read again at each use."),
    Field::new("username", Form::Line(255), "The user whom `passwordFile` belongs to."),
    Field::new("passwordFile", Form::Line(4096), "A file with a password."),
    Field::new("sshKeyFile", Form::Line(4096), "A file with a private key."),
    Field::new("knownHostsFile", Form::Line(4096), "The keys of the server, as ssh writes them."),
]);

pub(super) const CLUSTER: Schema = Schema::described(&[
    Field::new(
        "kubeconfig",
        Form::Line(4096),
        "Absent: the account of the pod, else $KUBECONFIG, else ~/.kube/config.",
    )
    .nullable()
    .default("null"),
    Field::new("context", Form::Line(253), "A context of the kubeconfig.")
        .nullable()
        .default("null"),
    Field::new(
        "namespace",
        Form::Like("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        "Where the Lease, approvals and the held list lie.",
    )
    .default("vitrine-system"),
    Field::new(
        "mode",
        Form::Word(&["apply", "report"]),
        "`report` writes nothing and says what would be.",
    )
    .default("apply"),
    Field::new("leaderElection", Form::Bool, "Not supported yet; only false can be written.")
        .default("false"),
]);

pub(super) const SAFETY: Schema = Schema::described(&[
    Field::new(
        "maxRemovedShare",
        Form::Number,
        "The share of all solutions, 0 to 1, that may leave within an hour.",
    )
    .default("0.2"),
    Field::new(
        "maxDeletions",
        Form::Whole(0, 1_000_000),
        "How many objects may be deleted by one plan without a person.",
    )
    .default("100"),
    Field::new(
        "approvalsExpireAfter",
        Form::Duration(60, 30 * 24 * 3600),
        "How long an approval is good for.",
    )
    .default("24h"),
]);

pub(super) const ROLLOUTS: Schema = Schema::described(&[
    Field::new(
        "maxParallel",
        Form::Whole(1, 1000),
        "How many running Deployments a change for all replaces at a time.",
    )
    .default("10"),
    Field::new("verify", Form::Map(&VERIFY), "Whether sleepers are woken to see a change run.")
        .nullable(),
]);

pub(super) const VERIFY: Schema = Schema::described(&[
    Field::new("on", Form::Word(&["update", "never"]), "When they are woken.").default("update"),
    Field::new("parallel", Form::Whole(1, 100), "How many at a time.").default("5"),
]);

pub(super) const SCHEDULE: Schema =
    Schema::described(&[]).reserving(&[("audit", ""), ("freeze", "")]);

pub(super) const REPORTING: Schema = Schema::described(&[
    Field::new(
        "notes",
        Form::Bool,
        "Whether git notes are written (refs/notes/vitrine/<instance>).",
    )
    .default("true"),
    Field::new(
        "forge",
        Form::Map(&FORGE),
        "The forge whose commit statuses are written (docs/forges.md).",
    )
    .nullable(),
]);

pub(super) const FORGE: Schema = Schema::described(&[
    Field::new("kind", Form::Word(&FORGES), "Whose API."),
    Field::new(
        "apiUrl",
        Form::Text,
        "Where its API begins. Absent: that of github.com or gitlab.com.",
    )
    .nullable()
    .example("\"https://git.example/api/v1\""),
    Field::new("repository", Form::Line(400), "owner/name, as the forge shows it.")
        .example("aim/catalogue"),
    Field::new("auth", Form::Map(&FORGE_AUTH), "One complete way to prove who writes."),
    Field::new(
        "perSolution",
        Form::Bool,
        "Whether each solution has its own status. false: the whole, and those that fail.",
    )
    .default("true, false on GitLab"),
    Field::new("caFile", Form::Line(4096), "Certificates that are trusted besides the system's.")
        .nullable()
        .default("null"),
    Field::new(
        "pullRequests",
        Form::Word(&PULL_REQUESTS),
        "What open pull requests are told: nothing; a status on each head; the status, and one \
         comment that says what a merge changes (docs/review.md).",
    )
    .default("off"),
    Field::new(
        "annotations",
        Form::Bool,
        "Whether faults also stand at their lines on the head of a pull request, as a check run; a \
         GitHub App alone can.",
    )
    .default("false"),
    Field::new(
        "dryRun",
        Form::Bool,
        "Whether the API server is asked, in a dry run, if it would take what a pull request \
         changes; only for branches of the repository itself.",
    )
    .default("false"),
    Field::new(
        "images",
        Form::Map(&FORGE_IMAGES),
        "Whether registries are asked for the images of pull requests (docs/forges.md).",
    )
    .nullable(),
]);

pub(super) const FORGE_IMAGES: Schema = Schema::described(&[
    Field::new(
        "ask",
        Form::Bool,
        "Whether they are: those whose host registries.allow of the platform in force names.",
    )
    .default("false"),
    Field::new("credentialsFile", Form::Line(4096), "A Docker configuration with `auths`.")
        .nullable()
        .default("null"),
    Field::new(
        "plainHttp",
        Form::List(&Form::Line(255), Images::MOST_PLAIN),
        "Registries without TLS, or on the daemon's own machine, as images name them.",
    )
    .nullable()
    .default("[]"),
]);

pub(super) const FORGE_AUTH: Schema = Schema::described(&[
    Field::new("tokenFile", Form::Line(4096), "A file with a token; read again at each use."),
    Field::new("appId", Form::Any, "A GitHub App: its number or client id."),
    Field::new(
        "installationId",
        Form::Whole(1, 9_223_372_036_854_775_807),
        "Its installation on the repository's owner.",
    ),
    Field::new("privateKeyFile", Form::Line(4096), "A file with its private key, in PEM."),
]);

pub(super) const WEB: Schema = Schema::described(&[
    Field::new("public", Form::Map(&PUBLIC), "The board and status.json, for everybody.")
        .nullable(),
    Field::new("private", Form::Map(&PRIVATE), "/healthz and /readyz, for the platform.")
        .nullable(),
    Field::new(
        "hooks",
        Form::List(&Form::Map(&HOOK), Web::MOST_HOOKS),
        "Webhooks, at /hook/<name> beside the board: a push makes the daemon look at once.",
    )
    .nullable()
    .default("[]"),
]);

pub(super) const HOOK: Schema = Schema::described(&[
    Field::new(
        "name",
        Form::Like("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        "The last part of its address: a DNS label, no two alike.",
    )
    .required()
    .example("aim"),
    Field::new("kind", Form::Word(&FORGES), "Which forge calls.").required().example("github"),
    Field::new(
        "secretFiles",
        Form::List(&Form::Line(4096), 2),
        "A file with the secret that the forge was given; two while it is changed.",
    )
    .required()
    .example("[/run/secrets/hook]"),
]);

const PULL_REQUESTS: [&str; 3] = {
    let [off, validate, comment] = PullRequests::ALL;
    [off.as_str(), validate.as_str(), comment.as_str()]
};

const FORGES: [&str; 4] = {
    let [github, gitlab, gitea, forgejo] = ForgeKind::ALL;
    [github.as_str(), gitlab.as_str(), gitea.as_str(), forgejo.as_str()]
};

pub(super) const PUBLIC: Schema = Schema::described(&[
    Field::new("listen", Form::Line(300), "An address and a port; null closes the door.")
        .nullable()
        .default("\"0.0.0.0:8080\""),
    Field::new("url", Form::Text, "How people reach it from outside.").nullable(),
]);

pub(super) const PRIVATE: Schema = Schema::described(&[Field::new(
    "listen",
    Form::Line(300),
    "An address and a port; null closes the door.",
)
.nullable()
.default("\"127.0.0.1:9090\"")]);

pub(super) const LOG: Schema = Schema::described(&[
    Field::new(
        "level",
        Form::Word(&["error", "warn", "info", "debug", "trace"]),
        "The least that is told.",
    )
    .default("info"),
    Field::new("format", Form::Word(&["text", "json"]), "How a line is written.").default("text"),
]);
