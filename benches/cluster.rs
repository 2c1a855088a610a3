//! The one ruler: what publishing costs, beside the least that it can cost on the same machine.
//!
//! `cargo bench --bench cluster` measures two processes one after the other on the same kind of
//! cluster: a bare client, which sends the requests that vitrine sends and does nothing else, and
//! `vitrine run`. `--help` has the arguments; `docs/benchmarks.md` says what each row means. It
//! prints and judges nothing: what can be counted is a test, and a time on a shared machine is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "cluster/arguments.rs"]
mod arguments;
#[path = "cluster/bare.rs"]
mod bare;
#[path = "cluster/daemon.rs"]
mod daemon;
#[path = "cluster/growth.rs"]
mod growth;
#[path = "cluster/judge.rs"]
mod judge;
#[path = "cluster/measure.rs"]
mod measure;
#[path = "cluster/process.rs"]
mod process;
#[path = "cluster/report.rs"]
mod report;
#[path = "cluster/seen.rs"]
mod seen;
#[path = "cluster/state.rs"]
mod state;
#[path = "cluster/subject.rs"]
mod subject;
#[path = "cluster/table.rs"]
mod table;
#[path = "cluster/workload.rs"]
mod workload;

/// What the tests stand on: a control plane of their own, the other controllers, a repository.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/support"]
mod support {
    pub mod catalogue;
    pub mod certificates;
    pub mod clear;
    pub mod cluster;
    pub mod guard;
    pub mod objects;
    pub mod players;
    pub mod policy;
    pub mod real;
    pub mod requests;
}

use arguments::{Arguments, Role};
use clap::Parser as _;
use report::Report;
use state::State;

fn main() {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match &arguments.role {
            Some(Role::Bare(orders)) => bare::run(orders).await,
            None => compare(&arguments).await,
        }
    });
}

async fn compare(arguments: &Arguments) {
    if let Err(why) = judge::at_hand(arguments.on()) {
        eprintln!("{why}");
        std::process::exit(1);
    }
    let mut report = Report::begin(arguments, State::now());
    if arguments.growth {
        report.add(&growth::measure(&arguments.sizes()).await);
    } else {
        for solutions in arguments.sizes() {
            report.add(&measure::one_size(arguments, solutions).await);
        }
    }
}
