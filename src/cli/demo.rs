//! `demo`: everything embedded, so that the main job can be seen on a laptop in a minute.

mod follow;
mod place;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::sync::{mpsc, watch};

use super::{Answer, Format, Stop, once, settings, stopped_by_signal, terminal};
use crate::cluster::{self, Cluster};
use crate::drive::{Drive, Until};
use crate::git::Source;
use crate::web;
use place::Candidate;
use vitrine_core::status::{Board, table};
use vitrine_sandbox::{Options, Sandbox};

/// The name of the demo's daemon: `git log --notes=vitrine/demo`.
const INSTANCE: &str = "demo";
/// How long `--once` may take.
const AT_MOST: std::time::Duration = std::time::Duration::from_secs(120);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The catalogue to begin with.
    #[arg(long, value_name = "DIR", default_value = "catalog")]
    catalog: PathBuf,
    /// Keeps everything here: the repository in DIR/catalogue, a kubeconfig, the mirror. An empty
    /// or a new folder, or one of an earlier start, which goes on with the repository that it
    /// finds. Without it, a temporary folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where the board listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Publishes, waits until it is quiet, prints the board and leaves.
    #[arg(long)]
    once: bool,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn demo(arguments: Arguments) -> Result<Answer, Stop> {
    let stop = stopped_by_signal()?;
    let candidate = Candidate::find(arguments.dir.as_deref())?;
    let fresh = candidate.needs(&arguments.catalog)?;
    // The board's address first: a port in use should not leave half a demo behind.
    let listener = if arguments.once { None } else { Some(bind(&arguments.listen).await?) };

    let mut place = candidate.take()?;
    let listening = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(board) = listening {
        place.announce(board)?;
    }
    if fresh {
        place.copy(&arguments.catalog)?;
    }
    let (catalogue, kubeconfig) = (place.catalogue(), place.kubeconfig());
    let config = settings::of_demo(INSTANCE, &catalogue, &place.mirror())?;
    let source = Source::open(&config.repository).map_err(|unknown| Stop::new(unknown.cause))?;

    let sandbox = Sandbox::new(Options { controllers: true, ..Options::default() });
    let api = bind("127.0.0.1:0").await?;
    let address = api.local_addr().map_err(|e| Stop::new(e.to_string()))?;
    place.write_kubeconfig(&Sandbox::kubeconfig(address))?;
    let _served = sandbox.serve(api);
    furnish(&sandbox)?;
    let cluster = Cluster::connect(sandbox.client(), cluster::Settings::of(&config))
        .await
        .map_err(|e| Stop::new(e.to_string()))?;
    let (engine, boards) = Drive::new(config, source, cluster);

    let Some(listener) = listener else {
        let ended = engine.run(Until::Quiet { at_most: AT_MOST }, stop).await;
        let board = boards.borrow().clone();
        once::print(&board, arguments.format)?;
        return Ok(once::answer(&board, ended));
    };

    let mut boards = reachable(boards, format!("--kubeconfig {}", as_word(&kubeconfig)));
    let shown = listening.map_or(arguments.listen, |address| address.to_string());
    let heart = Arc::new(web::Heart::new());
    let (tell, news) = mpsc::unbounded_channel();
    let engine = engine.with_heart(Arc::clone(&heart)).with_listener(tell);
    let router = web::router(boards.clone(), heart);
    tokio::spawn(web::serve(listener, router));
    let engine = tokio::spawn(engine.run(Until::Stopped, stop.clone()));

    let settled = boards.wait_for(|board| {
        let read = board.revision.is_some() || board.unknown.is_some();
        read && board.verdicts.iter().all(vitrine_core::status::Verdict::is_settled)
    });
    tokio::select! {
        board = settled => if let Ok(board) = board {
            let board = board.clone();
            match arguments.format {
                Format::Json => once::print(&board, Format::Json)?,
                Format::Human => {
                    terminal::write(&table(&board, terminal::width(), terminal::colour()))?;
                    terminal::write(&guide(&catalogue, &kubeconfig, &shown, fresh))?;
                }
            }
        },
        () = stop.cancelled() => {}
    }
    let told = tokio::spawn(follow::follow(boards, news));
    let ended = engine.await;
    told.abort();
    ended.map(|_| Answer::Good).map_err(|error| Stop::new(format!("the engine ended: {error}")))
}

/// A path as one word of a shell.
fn as_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The boards with commands that reach this cluster: no kubeconfig of the caller's own leads here.
fn reachable(
    mut boards: watch::Receiver<Arc<Board>>,
    options: String,
) -> watch::Receiver<Arc<Board>> {
    let (sender, reachable) =
        watch::channel(Arc::new(boards.borrow_and_update().approved_with(&options)));
    tokio::spawn(async move {
        while boards.changed().await.is_ok() {
            let board = boards.borrow_and_update().approved_with(&options);
            sender.send_replace(Arc::new(board));
        }
    });
    reachable
}

/// What an operator has set up before vitrine comes: the namespaces of the daemon and of KEDA.
fn furnish(sandbox: &Sandbox) -> Result<(), Stop> {
    for name in ["vitrine-system", "keda", "edge"] {
        let namespace = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name },
        });
        sandbox.create("operator", namespace).map_err(|refusal| {
            Stop::new(format!("the sandbox refuses a namespace: {refusal:?}"))
        })?;
    }
    Ok(())
}

async fn bind(address: &str) -> Result<tokio::net::TcpListener, Stop> {
    once::bind(address, "--listen ADDRESS:PORT").await
}

/// Where everything is, and three things to try.
fn guide(catalogue: &Path, kubeconfig: &Path, listen: &str, fresh: bool) -> String {
    let (repo, kubeconfig) = (catalogue.display(), kubeconfig.display());
    let origin = if fresh { "a copy of the catalogue" } else { "from an earlier start" };
    format!(
        "
  board       http://{listen}
  repository  {repo} ({origin})
  cluster     in memory; look with: kubectl --kubeconfig {kubeconfig} get deployments -A

Three things to try in another terminal; each shows here and on the board within a second:

  cd {repo}

  1  another image: one object changes, it is woken once and seen running
     sed -i 's/sha256:a3b1/sha256:b3b1/' use/solution.yaml && git commit -qam 'A newer encoder'

  2  a mistake: the commit is told the line, the old revision keeps serving
     echo 'replicas: 3' >> use/solution.yaml && git commit -qam 'Oops'

  3  no folder, no solution: everything of it is taken down, in order
     git rm -rq tourism && git commit -qm 'The tourism project is over'

What became of a commit: git log --notes=vitrine/{INSTANCE}
Ctrl-C ends the demo.

"
    )
}
