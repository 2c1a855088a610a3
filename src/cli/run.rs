//! `run`: the daemon, until it is told to stop. Changed settings take effect by themselves.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::once::{bind, start};
use super::{Answer, LogArguments, SettingsArguments, Stop, settings, stopped_by_signal};
use crate::drive::{Drive, Until};
use crate::web;
use vitrine_core::config::Config;
use vitrine_core::status::Board;

/// How often the settings' file is looked at. Mounted files change without an event.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,
}

/// The daemon. Ends with 0 when it is told to stop.
pub(super) async fn run(arguments: Arguments, log: &LogArguments) -> Result<Answer, Stop> {
    let mut config = settings::read(&arguments.settings)?;
    log.begin(&config.log.level, config.log.json);
    let stop = stopped_by_signal()?;
    let empty = Board::new(config.instance.clone(), config.repository.shown_url());
    let (publish, boards) = watch::channel(Arc::new(empty));
    let heart = Arc::new(web::Heart::new());
    let bell = Arc::new(web::Bell::default());
    let (expect, expected) = watch::channel(Arc::new(web::Expected::of(&config)));
    let hooks = web::Hooks::new(expected, Arc::clone(&bell));
    serve(&config, &boards, &heart, hooks).await?;

    // Settings that could not be used are not tried again before they change.
    let mut unusable = None;
    let mut next = Some(start(&config, None).await?);
    while let Some((engine, boards)) = next.take() {
        tracing::info!(instance = %config.instance, repository = config.repository.shown_url(), "started");
        let forward = tokio::spawn(forward(boards, publish.clone()));
        let turn = stop.child_token();
        let hints = engine.hints();
        let engine =
            engine.with_check_up().with_heart(Arc::clone(&heart)).with_bell(Arc::clone(&bell));
        let engine = tokio::spawn(engine.run(Until::Stopped, turn.clone()));
        let changed = tokio::select! {
            changed = changed(&arguments.settings, &config, unusable.as_ref(), &hints) => Some(changed),
            () = stop.cancelled() => None,
            () = ended(&engine) => None,
        };
        turn.cancel();
        engine.await.map_err(|error| Stop::new(format!("the engine ended: {error}")))?;
        forward.abort();
        match changed {
            Some(changed) => {
                next = Some(restart(&mut config, changed, &mut unusable, &stop, &heart).await?);
                expect.send_replace(Arc::new(web::Expected::of(&config)));
            }
            None if stop.is_cancelled() => {}
            None => return Err(Stop::new("the engine ended by itself; the log says why")),
        }
    }
    tracing::info!("stopped");
    Ok(Answer::Good)
}

/// Listens where the settings say. Another address needs a restart of the daemon.
async fn serve(
    config: &Config,
    boards: &web::Boards,
    heart: &Arc<web::Heart>,
    hooks: web::Hooks,
) -> Result<(), Stop> {
    if let Some(listen) = &config.web.public_listen {
        let listener = listen_on(listen, "the board", "web.public.listen of the settings").await?;
        let router = web::router_with_hooks(boards.clone(), Arc::clone(heart), hooks);
        tokio::spawn(web::serve(listener, router));
    }
    if let Some(listen) = &config.web.private_listen {
        let listener = listen_on(listen, "health", "web.private.listen of the settings").await?;
        tokio::spawn(web::serve(listener, web::probes(boards.clone(), Arc::clone(heart))));
    }
    Ok(())
}

/// Listens, and tells where: port 0 lets the system choose.
async fn listen_on(listen: &str, what: &str, setting: &str) -> Result<TcpListener, Stop> {
    let listener = bind(listen, setting).await?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("{what} is served at http://{address}");
    }
    Ok(listener)
}

/// Shows the board of the engine that is at work.
async fn forward(mut boards: web::Boards, publish: watch::Sender<Arc<Board>>) {
    while boards.changed().await.is_ok() {
        publish.send_replace(boards.borrow_and_update().clone());
    }
}

async fn ended(engine: &tokio::task::JoinHandle<crate::drive::Ended>) {
    while !engine.is_finished() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for settings that are good and not the ones in force. Faulty ones are told once. SIGHUP
/// also asks the engine to look at the repository and to try everything now.
async fn changed(
    arguments: &SettingsArguments,
    config: &Config,
    unusable: Option<&Config>,
    hints: &Notify,
) -> Config {
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut told = String::new();
    loop {
        let asked = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            _ = asked => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        if asked {
            told.clear();
            hints.notify_one();
            tracing::info!("SIGHUP: looking at the settings, the repository and all that waits");
        }
        match settings::read(arguments) {
            Ok(new) if new != *config && Some(&new) != unusable => return new,
            Ok(_) => told.clear(),
            Err(stop) if stop.sentence != told => {
                tracing::error!(
                    "the changed settings are faulty, the old ones stay: {}",
                    stop.sentence
                );
                told = stop.sentence;
            }
            Err(_) => {}
        }
    }
}

/// Starts with the new settings; if that fails, with the old ones.
async fn restart(
    config: &mut Config,
    new: Config,
    unusable: &mut Option<Config>,
    stop: &CancellationToken,
    heart: &web::Heart,
) -> Result<(Drive, web::Boards), Stop> {
    tracing::info!("the settings changed");
    match start(&new, None).await {
        Ok(started) => {
            *config = new;
            *unusable = None;
            Ok(started)
        }
        Err(fault) => {
            *unusable = Some(new);
            tracing::error!(
                "the new settings cannot be used, the old ones stay: {}",
                fault.sentence
            );
            loop {
                match start(config, None).await {
                    Ok(started) => return Ok(started),
                    Err(fault) if stop.is_cancelled() => return Err(fault),
                    Err(fault) => tracing::error!("{}", fault.sentence),
                }
                heart.beat(); // waiting for a cluster is no hanging
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}
