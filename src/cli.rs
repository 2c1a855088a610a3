//! Arguments, files, exit codes; starts everything.
//!
//! Human output goes to stdout, one log line per event to stderr. Exit codes, everywhere:
//! 0 good, 1 not good (some solution is not Synced, there are changes, a finding), 2 it could not
//! be told or the command was wrong.

/// As `println!`, for a reader who may have seen enough (`| head -1`): that is no failure.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::terminal::write(&(format!($($text)*) + "\n")) };
}

mod answer;
mod approve;
mod arguments;
mod catalogue;
mod check;
mod completions;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod diff;
mod doctor;
mod explain;
mod folder;
mod forge;
mod limit;
mod man;
mod new;
mod once;
mod pin;
mod place;
mod plan;
mod registry;
mod render;
mod review;
mod run;
mod schema;
mod settings;
mod signal;
mod status;
mod terminal;
mod try_;
mod warm;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use answer::{Answer, Stop};
use arguments::{Format, LogArguments, LogFormat, SettingsArguments};
use signal::stopped_by_signal;

/// Makes a Git repository the only place where AI demonstrators are published.
///
/// A folder with a `solution.yaml` is a solution. Merging publishes it onto Kubernetes, deleting
/// the folder removes it, and the commit itself says what became of it.
///
/// Begin with `vitrine demo`: it needs no cluster and no account.
#[derive(Debug, Parser)]
#[command(name = "vitrine", version, propagate_version = true)]
#[command(after_help = "Exit codes: 0 good, 1 not good, 2 it could not be told.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything embedded: a catalogue as a Git repository, a Kubernetes API in memory, the
    /// board on localhost.
    #[cfg(feature = "demo")]
    #[command(
        after_help = "Exit codes: 0 it ended as asked and, with --once, all solutions are Synced; 1 with --once, some solution is not; 2 it could not run."
    )]
    Demo(demo::Arguments),
    /// The forge whose commit statuses are written.
    #[command(subcommand)]
    Forge(forge::Command),
    /// The daemon: follows the repository and the cluster until it is told to stop.
    #[command(after_help = "Exit codes: 0 it was told to stop; 2 it could not run.")]
    Run(run::Arguments),
    /// Publishes until nothing is under way: 0 all Synced, 1 some solution is not, 2 it could
    /// not be told.
    #[command(
        after_help = "Exit codes: 0 all solutions are Synced, 1 some solution is not, 2 it could not be told."
    )]
    Once(once::OnceArguments),
    /// Judges folders without any cluster: 0 good, 1 findings, 2 could not run.
    #[command(
        after_help = "Exit codes: 0 no errors (and with --deny warnings no warnings), 1 there are, 2 it could not be told."
    )]
    Check(check::Arguments),
    /// Runs a solution's image on this machine as the platform would, without a network, asks it
    /// what visitors will ask, and prints what of the contract holds: 0 all of it, 1 something does
    /// not, 2 it could not be tried. Needs Podman or Docker.
    #[command(
        after_help = "Exit codes: 0 the contract holds, 1 something fails, 2 it could not be tried."
    )]
    Try(try_::Arguments),
    /// The objects that a solution of a folder becomes, as YAML.
    #[command(
        after_help = "Exit codes: 0 all rendered, 1 some folder is broken and was left out, 2 nothing could be rendered."
    )]
    Render(render::Arguments),
    /// Every effective value of a solution, and where it came from.
    #[command(
        after_help = "Exit codes: 0 explained, 1 its folder or the platform is faulty, 2 there is no such solution."
    )]
    Explain(explain::Arguments),
    /// The JSON Schema of a file, for editors.
    #[command(after_help = "Exit codes: 0 printed, 2 the command was wrong.")]
    Schema(schema::Arguments),
    /// What a pass would do now, or what changes between two revisions: 0 nothing, 1 changes,
    /// 2 cannot tell.
    #[command(
        after_help = "Exit codes: 0 nothing to do, 1 there are changes or refused folders, 2 it cannot be told."
    )]
    Plan(plan::Arguments),
    /// What a merge of one branch into another would change, told as a reviewer asks: who can reach
    /// it, what it can reach, what it takes, what differs, what could go wrong. Needs a clone and
    /// nothing else: 0 nothing changes, 1 something does, 2 cannot tell.
    #[command(after_help = "Exit codes: 0 nothing changes, 1 something does, 2 it cannot be told.")]
    Diff(diff::Arguments),
    /// The board in the terminal, from a running daemon or from the notes of a clone.
    #[command(
        after_help = "Exit codes: 0 all good, 1 some solution is not, 2 it could not be told."
    )]
    Status(status::Arguments),
    /// Writes a folder that passes `check`: a `solution.yaml`, a README and an example.
    #[command(
        after_help = "Exit codes: 0 written; 1 written, but the tag's digest is not known (see `vitrine pin`); 2 nothing was written."
    )]
    New(new::Arguments),
    /// Writes the digest behind each image's tag into the files, asking the registry.
    #[command(
        after_help = "Exit codes: 0 all images have their digest, 1 some could not be pinned, 2 it could not run."
    )]
    Pin(pin::Arguments),
    /// The daemon's own settings: judges a file, or shows what is in force and why.
    #[command(
        after_help = "Exit codes: 0 good, 1 the settings have faults, 2 they could not be read."
    )]
    Config(config::Arguments),
    /// What a shell needs to complete commands and flags, on stdout.
    #[command(after_help = "Exit codes: 0 printed, 2 it could not be printed.")]
    Completions(completions::Arguments),
    /// Writes a manual page for each command.
    #[command(after_help = "Exit codes: 0 written, 2 it could not be written.")]
    Man(man::Arguments),
    /// Makes the example requests of an application before its first visitor comes. It runs beside
    /// the application in the same pod.
    #[command(
        after_help = "Exit codes: 0 it was told to stop, with --ready: all requests were made; 1 with --ready, not yet; 2 it could not run, with --ready: it does not."
    )]
    Warm(warm::Arguments),
    /// Is this cluster ready for a platform file? What is missing or dangerous, and what mends it.
    #[command(
        after_help = "Exit codes: 0 all fine, or warnings; 1 something is missing; 2 something could not be looked at."
    )]
    Doctor(doctor::Arguments),
    /// Lets a held plan delete; bound to exactly that plan.
    #[command(after_help = "Exit codes: 0 approved, 2 nothing was approved.")]
    Approve(approve::Arguments),
}

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let Cli { command, log } = Cli::parse();
    // rustls asks for one provider; a second installation is no harm.
    crate::http::use_ring();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vitrine: no threads to run on: {error}");
            return Answer::Unknown.into();
        }
    };
    let answer = runtime.block_on(async {
        match command {
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => {
                log.begin("warn", false);
                demo::demo(arguments).await
            }
            Command::Run(arguments) => run::run(arguments, &log).await,
            Command::Once(arguments) => once::once(arguments, &log).await,
            Command::Check(arguments) => check::check(&arguments).await,
            Command::Try(arguments) => try_::try_(&arguments).await,
            Command::Render(arguments) => render::render(&arguments),
            Command::Explain(arguments) => explain::explain(&arguments),
            Command::Schema(arguments) => schema::schema(&arguments),
            Command::Plan(arguments) => plan::plan(arguments).await,
            Command::Diff(arguments) => diff::diff(&arguments),
            Command::Status(arguments) => status::status(arguments).await,
            Command::New(arguments) => new::new(arguments).await,
            Command::Pin(arguments) => pin::pin(arguments).await,
            Command::Config(arguments) => config::config(&arguments, &log),
            Command::Completions(arguments) => completions::completions(&arguments, Cli::command()),
            Command::Man(arguments) => man::man(&arguments, Cli::command()),
            Command::Warm(arguments) => {
                log.begin("info", false);
                warm::warm(arguments).await
            }
            Command::Doctor(arguments) => doctor::doctor(arguments).await,
            Command::Forge(command) => forge::forge(command).await,
            Command::Approve(arguments) => approve::approve(arguments).await,
        }
    });
    // A Git call that still blocks on a thread of its own must not hold the exit up, and it panics
    // when it finds its runtime gone: both end with the process.
    std::mem::forget(runtime);
    match answer {
        Ok(answer) => answer.into(),
        Err(stop) => {
            eprintln!("vitrine: {}", stop.sentence);
            Answer::Unknown.into()
        }
    }
}
