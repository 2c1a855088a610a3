//! What a run is asked to do.

use std::path::PathBuf;
use std::time::Duration;

/// Which API server the requests go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum On {
    /// etcd and kube-apiserver of the tests: the judge.
    Real,
    /// The API in memory, in the benchmark's own process: for counts, and for many solutions.
    Sandbox,
}

/// Measures vitrine beside a bare client, on the same machine in the same run.
#[derive(Debug, clap::Parser)]
#[command(bin_name = "cargo bench --bench cluster --")]
pub struct Arguments {
    /// The API server [default: real; with --growth or --quick: sandbox]
    #[arg(long, value_enum)]
    on: Option<On>,
    /// How many solutions, one table each [default: 100,1000; with --growth 500,2000,8000]
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    solutions: Vec<usize>,
    /// Commits of each sort, and edits by hand [default: 40]
    #[arg(long, value_name = "N")]
    commits: Option<usize>,
    /// How long nothing is done, in seconds, to see what that costs [default: 30]
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
    /// Only the CPU time of a first publication, and how it grows with the number of solutions
    #[arg(long)]
    pub growth: bool,
    /// Few of everything: does it still run?
    #[arg(long)]
    quick: bool,
    /// Writes the tables into docs/benchmarks.md
    #[arg(long)]
    pub write: bool,
    /// cargo says it to every benchmark.
    #[arg(long = "bench", hide = true)]
    _bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What this program is when it starts itself.
#[derive(Debug, clap::Subcommand)]
pub enum Role {
    /// The client that does nothing else, in a process of its own.
    #[command(hide = true)]
    Bare(Orders),
}

/// What the bare client has to know.
#[derive(Debug, clap::Args)]
pub struct Orders {
    #[arg(long)]
    pub kubeconfig: PathBuf,
    #[arg(long)]
    pub catalogue: PathBuf,
    #[arg(long, value_enum)]
    pub workload: Workload,
    #[arg(long)]
    pub in_flight: usize,
}

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// What the example's platform makes of the catalogue: the very requests of the daemon.
    Rendered,
    /// Ten objects a solution that stay the same whatever vitrine renders.
    Fixed,
}

impl Arguments {
    /// The API server.
    pub fn on(&self) -> On {
        self.on.unwrap_or(if self.growth || self.quick { On::Sandbox } else { On::Real })
    }

    /// How many solutions, one measurement each.
    pub fn sizes(&self) -> Vec<usize> {
        let default: &[usize] = match (self.growth, self.quick) {
            (false, false) => &[100, 1000],
            (false, true) => &[20],
            (true, false) => &[500, 2000, 8000],
            (true, true) => &[20, 40],
        };
        if self.solutions.is_empty() { default.to_vec() } else { self.solutions.clone() }
    }

    /// Commits of each sort, and edits by hand.
    pub fn samples(&self) -> usize {
        self.commits.unwrap_or(if self.quick { 3 } else { 40 })
    }

    /// How long nothing is done.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle.unwrap_or(if self.quick { 1 } else { 30 }))
    }
}
