//! `try`: runs images on this machine as the platform would, and prints the contract report.

mod choice;

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::review::Format;
use super::{Answer, Stop, stopped_by_signal, terminal};
use crate::runtime::{self, NotTried, Opened, Room, Runtime, Sort, Trial};
use choice::{Choice, Chosen};
use vitrine_core::catalog::fit::User;
use vitrine_core::model::{InstanceName, Quoted, duration, quantity};
use vitrine_core::render::container::{Container, containers};
use vitrine_core::render::{self, Phase};
use vitrine_core::trial::{self, Report, Seen, Subject};

/// The port that is opened where none is named.
const PORT: u16 = 8080;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A solution, by its name or its folder. Without it, every solution below the present folder,
    /// one after the other.
    name: Option<String>,
    /// Only this component or configuration.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// The catalogue's folder. Without the flag, the nearest at or above the present one that holds
    /// `platform.yaml`; a solution's folder without any is tried by the defaults of a platform.
    #[arg(long, value_name = "DIR")]
    catalog: Option<std::path::PathBuf>,
    /// Leaves it running after the report, at this port of this machine, until Ctrl-C: with the same
    /// limits, and without a network of its own. Without a number, 8080 or the next that is free.
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    open: Option<Option<u16>>,
    /// Which program runs it. Without the flag, Podman or else Docker, whichever is on PATH and can.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    with: Option<With>,
    /// How long all of it may take, pulls included.
    #[arg(long, value_parser = duration::parse, default_value = "30m")]
    timeout: Duration,
    /// How the report is printed; json is one object a line, one line a component; markdown is for
    /// the summary of a CI or a comment.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum With {
    Podman,
    Docker,
}

impl From<With> for Sort {
    fn from(with: With) -> Self {
        match with {
            With::Podman => Self::Podman,
            With::Docker => Self::Docker,
        }
    }
}

pub(super) async fn try_(arguments: &Arguments) -> Result<Answer, Stop> {
    let choice = Choice::of(
        arguments.name.as_deref(),
        arguments.component.as_deref(),
        arguments.catalog.as_deref(),
    )?;
    if arguments.open.is_some() && choice.chosen.len() > 1 {
        let names: Vec<String> = choice.chosen.iter().map(Chosen::name).collect();
        return Err(Stop::new(format!(
            "--open leads to one component, and these would be tried: {}; name one by NAME and \
             --component",
            names.join(", ")
        )));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runtime = Runtime::find(&path, arguments.with.map(Sort::from)).await.map_err(Stop::new)?;
    let stop = stopped_by_signal()?;
    // Its containers carry it; nobody else's are touched.
    let id = format!("{:08x}", fastrand::u32(..));
    let mut desk = Desk { arguments, runtime: &runtime, id: &id, reports: Vec::new(), untried: 0 };
    let ended = tokio::select! {
        ended = desk.all(&choice) => ended,
        () = stop.cancelled() => Err(Stop::new("stopped; what was started is removed")),
        () = tokio::time::sleep(arguments.timeout) => {
            let limit = duration::text(arguments.timeout);
            Err(Stop::new(format!("it was not over within {limit}; --timeout gives it more")))
        }
    };
    let ended = match ended {
        Ok(Some((room, opened, port))) => {
            tokio::select! {
                () = room.carry(&opened, port) => {
                    Err(Stop::new("the program has ended by itself"))
                }
                () = stop.cancelled() => Ok(()),
            }
        }
        Ok(None) => Ok(()),
        Err(stop) => Err(stop),
    };
    runtime::clear(&runtime, &id).await;
    ended?;
    Ok(desk.answer(&choice))
}

/// What was tried so far.
struct Desk<'a> {
    arguments: &'a Arguments,
    runtime: &'a Runtime,
    id: &'a str,
    reports: Vec<Report>,
    untried: usize,
}

impl Desk<'_> {
    /// Tries one after the other; what is left open, if something is.
    async fn all(&mut self, choice: &Choice) -> Result<Option<(Room, Opened, u16)>, Stop> {
        let instance = InstanceName::parse("try").map_err(|error| Stop::new(error.to_string()))?;
        for chosen in &choice.chosen {
            let Chosen { solution, component, examples } = chosen;
            // Whether it is suspended changes no container.
            let desired = render::all(solution, &choice.platform, &instance, Phase::Live);
            let all = containers(&desired);
            let Some(container) = all.get(component.name.as_str()) else { continue };
            let questions = trial::questions(solution, component, examples);
            let subject = Subject { solution, component, container, questions: &questions };
            let room = self.one(&subject).await?;
            if let (Some(port), Some(room)) = (self.arguments.open, room) {
                self.sum_up()?;
                return self.open(room, port, component.port).await.map(Some);
            }
            runtime::clear(self.runtime, self.id).await;
        }
        self.sum_up()?;
        Ok(None)
    }

    fn sum_up(&self) -> Result<(), Stop> {
        match self.arguments.format {
            Format::Human if !self.reports.is_empty() => say!("{}", trial::summary(&self.reports)),
            Format::Human | Format::Json | Format::Markdown => Ok(()),
        }
    }

    async fn one(&mut self, subject: &Subject<'_>) -> Result<Option<Room>, Stop> {
        let told = |text: &str| eprintln!("vitrine: {text}");
        let trial = Trial::new(self.runtime, self.id, &told);
        let (seen, room) = match trial.see(subject).await {
            Ok(seen) => seen,
            Err(NotTried(why)) => {
                self.untried += 1;
                self.print_untried(subject, &why)?;
                return Ok(None);
            }
        };
        let report = trial::report(subject, &seen);
        match self.arguments.format {
            Format::Human => {
                let text = trial::text(&report, terminal::colour());
                terminal::write(&format!("{}{text}", head(subject, &seen, self.runtime)))?;
            }
            Format::Json => say!("{}", trial::report_json(subject, &seen, &report))?,
            Format::Markdown => {
                let head = head(subject, &seen, self.runtime);
                terminal::write(&trial::markdown(&name(subject), &head, &report))?;
            }
        }
        self.reports.push(report);
        Ok(room)
    }

    fn print_untried(&self, subject: &Subject<'_>, why: &str) -> Result<(), Stop> {
        let (solution, component) =
            (subject.solution.name.as_str(), subject.component.name.as_str());
        match self.arguments.format {
            Format::Human => {
                eprintln!("vitrine: {solution}/{component}: {why}");
                Ok(())
            }
            Format::Json => say!("{}", trial::untried_json(solution, Some(component), why)),
            Format::Markdown => terminal::write(&trial::untried_markdown(&name(subject), why)),
        }
    }

    async fn open(
        &self,
        room: Room,
        wanted: Option<u16>,
        port: u16,
    ) -> Result<(Room, Opened, u16), Stop> {
        let (wanted, exact) = (wanted.unwrap_or(PORT), wanted.is_some());
        let cannot =
            |error| Stop::new(format!("port {wanted} of this machine cannot be had: {error}"));
        let opened = runtime::open(wanted, exact).await.map_err(cannot)?;
        let address = opened.address().map_err(cannot)?;
        let told = format!("open at http://localhost:{}/ until Ctrl-C", address.port());
        match self.arguments.format {
            Format::Human => say!("{told}")?,
            Format::Json | Format::Markdown => eprintln!("vitrine: {told}"),
        }
        Ok((room, opened, port))
    }

    fn answer(self, choice: &Choice) -> Answer {
        let holds = self.reports.iter().all(Report::holds);
        match self.untried == 0 && choice.refused == 0 {
            _ if !holds => Answer::NotGood,
            true => Answer::Good,
            false => Answer::Unknown,
        }
    }
}

/// As people call it: of a solution with one component its own name does.
fn name(subject: &Subject<'_>) -> String {
    match subject.solution.components.len() {
        1 => subject.solution.name.to_string(),
        _ => format!("{}/{}", subject.solution.name, subject.component.name),
    }
}

/// What is tried, and how.
fn head(subject: &Subject<'_>, seen: &Seen, runtime: &Runtime) -> String {
    let container = subject.container;
    let name = name(subject);
    let size = quantity::rounded(seen.image.size);
    let system = Quoted::of(&format!("{}/{}", seen.image.os, seen.image.architecture)).short(40);
    format!(
        "{name}: {} · {size} unpacked · {system}\n{} · {}\n",
        container.image,
        runtime.name(),
        limits(container, seen)
    )
}

fn limits(container: &Container, seen: &Seen) -> String {
    let user = match seen.image.runs_as() {
        User::Root => "root".to_owned(),
        User::Named(name) => format!("user `{}`", Quoted::of(name).short(32)),
        User::Numbered(number) => format!("user {number}"),
    };
    let memory = container.memory.map(|memory| format!(" · memory {memory}")).unwrap_or_default();
    let root = if container.read_only { " · read-only root" } else { "" };
    format!("{user}{memory}{root} · no capabilities · no network")
}
