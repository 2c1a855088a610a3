//! `once`: publishes until it is quiet; and what every command with an engine shares.

use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::{
    Answer, Format, LogArguments, SettingsArguments, Stop, settings, stopped_by_signal, terminal,
};
use crate::apply::{self, Cluster};
use crate::config::Config;
use crate::reconcile::{Ended, Engine, Until};
use crate::source::Source;
use crate::status::{Board, status_json, table};

#[derive(Debug, Args)]
pub(super) struct OnceArguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// How long it may take.
    #[arg(long, default_value = "10m", value_parser = settings::duration)]
    timeout: Duration,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// One publication.
pub(super) async fn once(arguments: OnceArguments, log: &LogArguments) -> Result<Answer, Stop> {
    let config = settings::read(&arguments.settings)?;
    log.begin(&config.log.level, config.log.json);
    let stop = stopped_by_signal()?;
    let (engine, boards) = start(&config).await?;
    let ended = engine.run(Until::Quiet { at_most: arguments.timeout }, stop).await;
    let board = boards.borrow().clone();
    print(&board, arguments.format)?;
    if ended == Ended::OutOfTime {
        eprintln!("vitrine: {}", out_of_time(arguments.timeout));
    }
    Ok(answer(&board, ended))
}

/// The board above is how far it came.
pub(super) fn out_of_time(after: Duration) -> String {
    let after = crate::model::duration::text(after);
    format!("it was still under way after {after}: run it again, or give it longer with --timeout")
}

/// Opens both ends and puts the engine between them.
pub(super) async fn start(
    config: &Config,
) -> Result<(Engine, tokio::sync::watch::Receiver<std::sync::Arc<Board>>), Stop> {
    let source = Source::open(&config.repository).map_err(|unknown| Stop::new(unknown.cause))?;
    let client = apply::client(&config.cluster).await.map_err(|e| Stop::new(e.to_string()))?;
    let cluster = Cluster::connect(client, apply::Settings::of(config))
        .await
        .map_err(|e| Stop::new(e.to_string()))?;
    Ok(Engine::new(config.clone(), source, cluster).await)
}

/// An engine that only looks.
pub(super) async fn engine(config: &Config) -> Result<Engine, Stop> {
    start(config).await.map(|(engine, _)| engine)
}

/// Listens, or says what chooses another address.
pub(super) async fn bind(address: &str, chooser: &str) -> Result<TcpListener, Stop> {
    TcpListener::bind(address).await.map_err(|error| {
        Stop::new(format!(
            "cannot listen on {address}: {error}; choose another address with {chooser}"
        ))
    })
}

/// Prints the board as it was asked for.
pub(super) fn print(board: &Board, format: Format) -> Result<(), Stop> {
    match format {
        Format::Human => terminal::write(&table(board, terminal::width(), terminal::colour())),
        Format::Json => say!("{:#}", status_json(board)),
    }
}

/// 0 all Synced, 1 some solution is not, 2 it could not be told.
pub(super) fn answer(board: &Board, ended: Ended) -> Answer {
    if board.unknown.is_some() || board.revision.is_none() {
        return Answer::Unknown;
    }
    let good = board.verdicts.iter().all(crate::status::Verdict::is_good) && board.held.is_none();
    match ended {
        Ended::Quiet if good && board.problems.is_empty() => Answer::Good,
        Ended::Quiet => Answer::NotGood,
        Ended::OutOfTime | Ended::Stopped => Answer::Unknown,
    }
}
