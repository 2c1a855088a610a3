//! The daemon's own settings: what a commit must not be able to change.
//!
//! In: the settings' text and the `VITRINE_*` variables, as values. Out: [`Config`]. Reads no
//! file and no environment itself; `cli` does. Secrets are names of files, never values.

mod address;
mod contract;
mod hook;
mod layers;
mod read;
mod reporting;
mod section;
mod shown;

use std::path::PathBuf;
use std::time::Duration;

use crate::model::InstanceName;

pub use contract::schema;
pub use layers::{File, SETTINGS, Setting, flag, variable};
pub use read::read;
pub use shown::{Origin, origins, value};

/// Every setting, judged, with its default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This daemon's name, by which it tells its objects from another's.
    pub instance: InstanceName,
    /// Where the catalogue lies, and how it is fetched.
    pub repository: Repository,
    /// Which cluster is written to.
    pub cluster: Cluster,
    /// How much may be deleted without a person's approval.
    pub safety: Safety,
    /// Whether a change is tried at once on what sleeps.
    pub rollouts: Rollouts,
    /// Whether git notes are written.
    pub notes: bool,
    /// Where commit statuses go, beside the notes or instead of them; `None`: nowhere.
    pub forge: Option<Forge>,
    /// Where the board and the probes of the kubelet are answered.
    pub web: Web,
    /// What is logged, and in which form.
    pub log: Log,
}

#[cfg(any(test, feature = "samples"))]
impl Config {
    /// Settings for tests: nothing on disk, no verification.
    #[allow(clippy::unwrap_used)]
    pub fn sample() -> Self {
        Self {
            instance: InstanceName::parse("prod").unwrap(),
            repository: Repository {
                url: "/srv/catalogue".to_owned(),
                branch: "main".to_owned(),
                path: ".".to_owned(),
                poll: Some(Duration::from_secs(60)),
                auth: None,
                ca_file: None,
                mirror: PathBuf::new(),
            },
            cluster: Cluster {
                kubeconfig: None,
                context: None,
                namespace: "vitrine".to_owned(),
                mode: Mode::Apply,
            },
            safety: Safety::default(),
            rollouts: Rollouts { max_parallel: 10, verify: Verify::Never },
            notes: true,
            forge: None,
            web: Web {
                public_listen: None,
                public_url: None,
                private_listen: None,
                hooks: Vec::new(),
            },
            log: Log { level: "info".to_owned(), json: false },
        }
    }
}

/// Whose API a forge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForgeKind {
    /// github.com, or GitHub Enterprise Server.
    GitHub,
    /// gitlab.com, or a GitLab of one's own.
    GitLab,
    /// A Gitea.
    Gitea,
    /// A Forgejo.
    Forgejo,
}

impl ForgeKind {
    /// Every kind, in the order of the settings' words.
    pub const ALL: [Self; 4] = [Self::GitHub, Self::GitLab, Self::Gitea, Self::Forgejo];

    /// As settings write it: `github`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Forgejo => "forgejo",
        }
    }
}

/// Where the catalogue lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// `https`, `http`, `ssh` (also `git@host:path`), `file`, or a path.
    pub url: String,
    /// Without `refs/heads/`; `main` if absent.
    pub branch: String,
    /// The catalogue's root in the repository; `.` = the repository's root.
    pub path: String,
    /// 5 s to 1 h; `None` = only hints.
    pub poll: Option<Duration>,
    /// Absent = no credential, or for SSH what `ssh` finds by itself.
    pub auth: Option<Auth>,
    /// PEM certificates that are trusted instead of the usual ones; absent = the usual ones.
    pub ca_file: Option<PathBuf>,
    /// A bare clone. A cache: it may be lost.
    pub mirror: PathBuf,
}

/// How to prove to the Git server who we are. The files are re-read at each use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// HTTP Basic with a token; the user name is `x-access-token`, which servers ignore or ask for.
    Token {
        /// Holds the token alone, on one line.
        token_file: PathBuf,
    },
    /// HTTP Basic.
    Password {
        /// At most 255 characters.
        username: String,
        /// Holds the password alone, on one line.
        password_file: PathBuf,
    },
    /// What `ssh` is given. No other key is offered, no unknown host is trusted.
    SshKey {
        /// The private key.
        key_file: PathBuf,
        /// The hosts that are trusted, in the form of OpenSSH.
        known_hosts_file: PathBuf,
    },
}

/// The forge that is told what became of commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forge {
    /// Whose API it speaks.
    pub kind: ForgeKind,
    /// Where its API begins, without a slash at its end: `https://api.github.com`.
    pub api_url: String,
    /// `owner/name`; on GitLab with every group before the name.
    pub repository: String,
    /// How to prove to it who we are. The files are re-read at each use.
    pub auth: ForgeAuth,
    /// Whether each solution has a status of its own; otherwise there is one for the whole branch,
    /// and one for each that fails.
    pub per_solution: bool,
    /// PEM certificates that are trusted besides the usual ones.
    pub ca_file: Option<PathBuf>,
    /// What open pull requests are told.
    pub pull_requests: PullRequests,
    /// Whether faults stand at their lines on heads, as a check run: of a GitHub App alone.
    pub annotations: bool,
    /// Whether the API server is asked in a dry run about the objects of pull requests whose head
    /// lies in the repository itself.
    pub dry_run: bool,
    /// How registries are asked for the images of pull requests; absent = they are not.
    pub images: Option<Images>,
}

/// How registries are asked for images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// A Docker configuration with `auths`. It is read again at each use.
    pub credentials_file: Option<PathBuf>,
    /// Registries, as images name them, that have no TLS, or are on this machine and asked all the
    /// same.
    pub plain_http: Vec<String>,
}

impl Images {
    /// The most registries without TLS.
    pub const MOST_PLAIN: usize = 20;
}

impl ForgeKind {
    /// The reference at which the repository has the head of a pull request, of a fork too.
    pub fn pull_reference(self, number: u64) -> String {
        match self {
            Self::GitHub | Self::Gitea | Self::Forgejo => format!("refs/pull/{number}/head"),
            Self::GitLab => format!("refs/merge-requests/{number}/head"),
        }
    }
}

/// What open pull requests are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PullRequests {
    /// Nothing; nobody asks for them.
    #[default]
    Off,
    /// A status `validate` on each head.
    Validate,
    /// The status, and one comment that says what a merge changes.
    Comment,
}

impl PullRequests {
    /// All of them, in this order.
    pub const ALL: [Self; 3] = [Self::Off, Self::Validate, Self::Comment];

    /// As the settings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Validate => "validate",
            Self::Comment => "comment",
        }
    }
}

#[cfg(any(test, feature = "samples"))]
impl Forge {
    /// A forge for tests: a Forgejo, on which each solution has its own status or not.
    pub fn sample(per_solution: bool) -> Self {
        Self {
            kind: ForgeKind::Forgejo,
            api_url: "https://git.example/api/v1".to_owned(),
            repository: "aim/catalogue".to_owned(),
            auth: ForgeAuth::Token { token_file: PathBuf::from("/run/token") },
            per_solution,
            ca_file: None,
            pull_requests: PullRequests::Off,
            annotations: false,
            dry_run: false,
            images: None,
        }
    }
}

/// How to prove to a forge who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForgeAuth {
    /// A token of a person, a project or a machine account.
    Token {
        /// Holds the token alone, on one line.
        token_file: PathBuf,
    },
    /// An installation of a GitHub App.
    App {
        /// The App's number, or its client id.
        app_id: String,
        /// The installation on the repository's owner.
        installation_id: u64,
        /// The App's private key, in PEM.
        private_key_file: PathBuf,
    },
}

/// Which cluster, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Absent: in-cluster, else `$KUBECONFIG`, else the default file.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; absent = its current one. With one, in-cluster is not used.
    pub context: Option<String>,
    /// Holds the Lease and the approvals.
    pub namespace: String,
    /// Whether anything is written.
    pub mode: Mode,
}

/// Whether the daemon acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The cluster is made what the catalogue says.
    Apply,
    /// Nothing is written, neither onto the cluster nor onto commits; the board says what would
    /// be done.
    Report,
}

/// The brake on deletions.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// 0.0 to 1.0.
    pub max_removed_share: f64,
    /// How many objects may be deleted at once, 0 to 1 000 000; 100 if absent.
    pub max_deletions: usize,
    /// 60 s to 30 days; 24 hours if absent. What an older approval allows may no longer begin.
    pub approvals_expire_after: Duration,
}

impl Default for Safety {
    /// What holds where the operator says nothing.
    fn default() -> Self {
        Self {
            max_removed_share: 0.2,
            max_deletions: 100,
            approvals_expire_after: Duration::from_secs(24 * 3600),
        }
    }
}

/// How changes roll out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollouts {
    /// How many running Deployments a change for all (`platform.yaml`, or vitrine itself) replaces
    /// at a time, 1 to 1000; 10 if absent.
    pub max_parallel: usize,
    /// Whether a changed solution that sleeps is woken to see whether it starts.
    pub verify: Verify,
}

/// Whether a changed pod template is woken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// What sleeps stays asleep: a green commit is applied, and perhaps does not start.
    Never,
    /// It is woken, and must come up before its commit is green.
    OnUpdate {
        /// How many are awake for this at once, 1 to 100; 5 if absent.
        parallel: usize,
    },
}

/// Addresses to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The board and `/status.json`.
    pub public_listen: Option<String>,
    /// The board's address as visitors see it.
    pub public_url: Option<String>,
    /// `/healthz` and `/readyz`.
    pub private_listen: Option<String>,
    /// Whose word is taken, at the board's address, that the repository moved; at most
    /// [`Web::MOST_HOOKS`].
    pub hooks: Vec<Hook>,
}

impl Web {
    /// How many hooks there may be.
    pub const MOST_HOOKS: usize = 16;
}

/// A webhook of a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// It is called at `/hook/<name>`: a DNS label, no two alike.
    pub name: String,
    /// Whose way of signing it has.
    pub kind: ForgeKind,
    /// 1 or 2 files, each with a secret alone; what is signed with either is good, so that a secret
    /// can be changed without a gap. They are read again at each use.
    pub secret_files: Vec<PathBuf>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// Whether a line is a JSON object; otherwise it is text.
    pub json: bool,
}

impl Repository {
    /// The address for logs and faults. [`read`] lets no password through; this also leaves out
    /// user names and queries, in case somebody fills the field by hand.
    pub fn shown_url(&self) -> String {
        address::shown(&self.url)
    }
}
