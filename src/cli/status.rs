//! `status`: the board in the terminal, from a running daemon or from the notes of a clone.

use std::path::PathBuf;

use clap::Args;

use super::{Answer, Format, Stop, once, settings, terminal};
use crate::drive::Ended;
use crate::git::Source;
use crate::web;
use vitrine_core::model::InstanceName;
use vitrine_core::status::{Board, details};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this solution.
    name: Option<String>,
    /// The board's address.
    #[arg(long, value_name = "URL", conflicts_with = "at")]
    url: Option<String>,
    /// Reads the notes on this revision of the clone in --repo instead.
    #[arg(long, value_name = "REVISION", num_args = 0..=1, default_missing_value = "HEAD")]
    at: Option<String>,
    /// The clone.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// Whose notes.
    #[arg(long, value_name = "NAME", default_value = "demo")]
    instance: String,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn status(arguments: Arguments) -> Result<Answer, Stop> {
    match (&arguments.url, &arguments.at) {
        (_, Some(at)) => of_notes(&arguments, at).await,
        (Some(url), None) => of_daemon(&arguments, url).await,
        (None, None) => of_daemon(&arguments, "http://127.0.0.1:8080").await,
    }
}

async fn of_daemon(arguments: &Arguments, url: &str) -> Result<Answer, Stop> {
    let mut board = fetch(url).await?;
    if let Some(name) = &arguments.name {
        board.verdicts.retain(|v| v.name.as_str() == name);
        board.previews.retain(|v| v.name.as_str() == name);
        if board.verdicts.is_empty() {
            board.verdicts = std::mem::take(&mut board.previews);
        }
        if board.verdicts.is_empty() {
            return Err(Stop::new(format!("there is no solution `{name}` on the board of {url}")));
        }
    }
    match (&arguments.name, arguments.format) {
        (Some(_), Format::Human) => {
            for verdict in &board.verdicts {
                terminal::write(&details(&board, verdict, terminal::width(), terminal::colour()))?;
            }
        }
        (_, format) => once::print(&board, format)?,
    }
    Ok(once::answer(&board, Ended::Quiet))
}

/// The board that a daemon publishes.
pub(super) async fn fetch(url: &str) -> Result<Board, Stop> {
    web::fetch(url).await.map_err(|error| Stop::new(error.to_string()))
}

async fn of_notes(arguments: &Arguments, at: &str) -> Result<Answer, Stop> {
    let instance = InstanceName::parse(&arguments.instance)
        .map_err(|error| Stop::new(format!("--instance: {error}")))?;
    let mirror = tempfile::tempdir().map_err(|e| Stop::new(format!("no temporary folder: {e}")))?;
    let repository =
        settings::of_demo(&arguments.instance, &arguments.repo, &mirror.path().join("mirror"))?
            .repository;
    let unknown = |u: vitrine_core::catalog::snapshot::Unknown| Stop::new(u.cause);
    let mut source = Source::open(&repository).map_err(unknown)?;
    let revision = source.resolve(at).await.map_err(unknown)?;
    source.fetch_notes(&instance).await.map_err(unknown)?;
    let notes = source.read_notes(&instance, &[revision.clone()].into()).await.map_err(unknown)?;
    let lines: Vec<_> = notes
        .get(&revision)
        .into_iter()
        .flatten()
        .filter(|s| {
            arguments.name.as_ref().is_none_or(|name| s.context.ends_with(&format!("/{name}")))
        })
        .collect();
    if let (true, Some(name)) = (lines.is_empty() && notes.contains_key(&revision), &arguments.name)
    {
        return Err(Stop::new(format!(
            "commit {} did not change `{name}`; what became of it stands on the commit that did",
            revision.short()
        )));
    }
    if lines.is_empty() {
        return Err(Stop::new(format!(
            "commit {} has no note of vitrine/{instance}; fetch them with `git fetch origin 'refs/notes/vitrine/*:refs/notes/vitrine/*'`",
            revision.short()
        )));
    }
    match arguments.format {
        Format::Human => {
            for status in &lines {
                say!("{:<8} {:<40} {}", status.state.as_str(), status.context, status.description)?;
            }
        }
        Format::Json => {
            let all: Vec<serde_json::Value> = lines
                .iter()
                .map(|s| {
                    serde_json::json!({
                        "state": s.state.as_str(),
                        "context": s.context,
                        "description": s.description,
                        "url": s.url,
                    })
                })
                .collect();
            say!("{:#}", serde_json::Value::Array(all))?;
        }
    }
    let good = lines.iter().all(|s| s.state == vitrine_core::status::CommitState::Success);
    Ok(if good { Answer::Good } else { Answer::NotGood })
}
