//! Arguments that several commands share.

use clap::{Args, ValueEnum};

/// One log line an event, on stderr. Without a flag, the settings decide.
#[derive(Clone, Debug, Args)]
pub struct LogArguments {
    /// How log lines look.
    #[arg(long, global = true, value_enum)]
    pub log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug or trace.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// How a command prints its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// Where the daemon's settings come from: flag > variable `VITRINE_...` > file > default.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArguments {
    /// The daemon's settings (docs/operating.md).
    #[arg(long, value_name = "FILE", env = "VITRINE_CONFIG")]
    pub config: Option<std::path::PathBuf>,
    /// The repository: https, http, ssh, file or a path.
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
    /// The tracked branch.
    #[arg(long)]
    pub branch: Option<String>,
    /// The catalogue's root in the repository.
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Where the bare clone lies: a cache.
    #[arg(long, value_name = "DIR")]
    pub mirror: Option<std::path::PathBuf>,
    /// The name of this daemon on its cluster.
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// The kubeconfig; in a cluster none is needed.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<std::path::PathBuf>,
    /// The kubeconfig's context.
    #[arg(long)]
    pub context: Option<String>,
    /// The namespace of the daemon's Lease and of approvals.
    #[arg(long)]
    pub namespace: Option<String>,
}

impl LogArguments {
    /// Begins to log; `level` and `json` are what stands where no flag does.
    pub fn begin(&self, level: &str, json: bool) {
        use std::io::IsTerminal as _;
        let level = self.log_level.as_deref().unwrap_or(level);
        let filter = tracing_subscriber::EnvFilter::try_new(format!(
            "error,kube_client=off,vitrine={level}"
        ))
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error,vitrine=info"));
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal());
        let json = self.log_format.map_or(json, |format| format == LogFormat::Json);
        // A second beginning, as in a test, is no harm.
        let _ = if json {
            builder.json().flatten_event(true).try_init()
        } else {
            builder.compact().try_init()
        };
    }
}
