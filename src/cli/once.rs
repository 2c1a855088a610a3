//! `once`: publishes until it is quiet; and what every command with an engine shares.

use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::limit::{Limit, keep};
use super::{
    Answer, Format, LogArguments, SettingsArguments, Stop, settings, stopped_by_signal, terminal,
};
use crate::cluster::{self, Cluster};
use crate::drive::{Awaited, Drive, Ended, Outlook, Unseen, Until};
use crate::git::Source;
use vitrine_core::config::Config;
use vitrine_core::status::{Board, status_json, table};

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
    let limit = Limit::of(arguments.timeout);
    let (engine, boards) = start(&config, Some(&limit)).await?;
    let ended = engine.run(Until::Quiet { at_most: limit.left() }, stop).await;
    let board = boards.borrow().clone();
    print(&board, arguments.format)?;
    match ended {
        Ended::OutOfTime(awaited) => {
            // The board above is how far it came.
            eprintln!("vitrine: {}", limit.passed(awaited, &config).sentence);
        }
        Ended::Stopped | Ended::Quiet => {}
    }
    Ok(answer(&board, ended))
}

/// Opens both ends and puts the engine between them.
pub(super) async fn start(
    config: &Config,
    limit: Option<&Limit>,
) -> Result<(Drive, tokio::sync::watch::Receiver<std::sync::Arc<Board>>), Stop> {
    let (repository, reached) = (config.repository.clone(), config.cluster.clone());
    let source = aside(move || Source::open(&repository));
    let source = keep(limit, Awaited::Repository, config, source).await??;
    let source = source.map_err(|unknown| Stop::new(unknown.cause))?;
    // A kubeconfig may name a program that gives the credentials, which is waited for.
    let here = tokio::runtime::Handle::current();
    let client = aside(move || here.block_on(cluster::client(&reached)));
    let client = keep(limit, Awaited::Cluster, config, client).await??;
    let client = client.map_err(|e| Stop::new(e.to_string()))?;
    let cluster = Cluster::connect(client, cluster::Settings::of(config));
    let cluster = keep(limit, Awaited::Cluster, config, cluster).await?;
    let cluster = cluster.map_err(|e| Stop::new(e.to_string()))?;
    Ok(Drive::new(config.clone(), source, cluster))
}

/// Does on a thread of its own what may block. Nobody waits for that thread at the end.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Stop::new(format!("the start was broken off: {error}")))
}

/// What a pass would do now.
pub(super) async fn look(config: &Config, limit: &Limit) -> Result<Outlook, Stop> {
    let (engine, _) = start(config, Some(limit)).await?;
    let looked = engine.look(limit.left()).await;
    looked.map_err(|unseen| match unseen {
        Unseen::Late(awaited) => limit.passed(awaited, config),
        Unseen::Because(sentence) => Stop::new(sentence),
    })
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
        Format::Json => terminal::write(&status_json(board)),
    }
}

/// 0 all Synced, 1 some solution is not, 2 it could not be told.
pub(super) fn answer(board: &Board, ended: Ended) -> Answer {
    if board.unknown.is_some() || board.cluster.is_some() || board.revision.is_none() {
        return Answer::Unknown;
    }
    let good =
        board.verdicts.iter().all(vitrine_core::status::Verdict::is_good) && board.held.is_none();
    match ended {
        Ended::Quiet if good && board.problems.is_empty() => Answer::Good,
        Ended::Quiet => Answer::NotGood,
        Ended::OutOfTime(_) | Ended::Stopped => Answer::Unknown,
    }
}
