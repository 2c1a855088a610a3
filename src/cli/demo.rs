//! `demo`: everything embedded, so that the main job can be seen on a laptop in a minute.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Answer, Format, Stop, follow, once, settings, stopped_by_signal, terminal};
use crate::apply::{self, Cluster};
use crate::reconcile::{Engine, Until};
use crate::sandbox::{Options, Sandbox};
use crate::source::{self, Source};
use crate::status::table;
use crate::web;

/// The name of the demo's daemon: `git log --notes=vitrine/demo`.
const INSTANCE: &str = "demo";
/// How long `--once` may take.
const AT_MOST: std::time::Duration = std::time::Duration::from_secs(120);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The catalogue to begin with.
    #[arg(long, value_name = "DIR", default_value = "catalog")]
    catalog: PathBuf,
    /// Keeps everything here: the repository in DIR/catalogue, a kubeconfig, the mirror. A second
    /// start goes on with the repository that it finds. Without it, a temporary folder.
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
    let (folder, _temporary) = folder(arguments.dir.as_deref())?;
    let catalogue = folder.join("catalogue");
    let fresh = prepare(&arguments.catalog, &catalogue)?;
    // The board's address first: a port in use should not leave half a demo behind.
    let listener = if arguments.once { None } else { Some(once::bind(&arguments.listen).await?) };

    // Then the mirror's lock: a second demo in this folder must not take the first one's files.
    let config = settings::of_demo(INSTANCE, &catalogue, &folder.join("mirror"))?;
    let source = Source::open(&config.repository).map_err(|unknown| Stop::new(unknown.cause))?;

    let sandbox = Sandbox::new(Options { controllers: true, ..Options::default() });
    let api = once::bind("127.0.0.1:0").await?;
    let kubeconfig = folder.join("kubeconfig");
    let address = api.local_addr().map_err(|e| Stop::new(e.to_string()))?;
    write(&kubeconfig, &Sandbox::kubeconfig(address))?;
    let _served = sandbox.serve(api);
    furnish(&sandbox)?;
    let cluster = Cluster::connect(sandbox.client(), apply::Settings::of(&config))
        .await
        .map_err(|e| Stop::new(e.to_string()))?;
    let (engine, mut boards) = Engine::new(config, source, cluster);

    let Some(listener) = listener else {
        let ended = engine.run(Until::Quiet { at_most: AT_MOST }, stop).await;
        let board = boards.borrow().clone();
        once::print(&board, arguments.format)?;
        return Ok(once::answer(&board, ended));
    };

    let shown = listener.local_addr().map_or(arguments.listen, |a| a.to_string());
    let router = web::router(boards.clone());
    tokio::spawn(web::serve(listener, router));
    let engine = tokio::spawn(engine.run(Until::Stopped, stop.clone()));

    let settled = boards.wait_for(|board| {
        let read = board.revision.is_some() || board.unknown.is_some();
        read && board.verdicts.iter().all(crate::status::Verdict::is_settled)
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
    let options = format!("--url http://{shown} --kubeconfig {}", kubeconfig.display());
    let told = tokio::spawn(follow::follow(boards, options));
    let ended = engine.await;
    told.abort();
    ended.map(|_| Answer::Good).map_err(|error| Stop::new(format!("the engine ended: {error}")))
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

/// The demo's folder, and the guard that removes it if it is temporary.
fn folder(dir: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), Stop> {
    match dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .map_err(|e| Stop::new(format!("cannot make the folder {}: {e}", dir.display())))?;
            let dir = dir
                .canonicalize()
                .map_err(|e| Stop::new(format!("cannot find the folder {}: {e}", dir.display())))?;
            Ok((dir, None))
        }
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("vitrine-demo-")
                .tempdir()
                .map_err(|e| Stop::new(format!("cannot make a temporary folder: {e}")))?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

/// Makes a repository of the catalogue, unless one is there from an earlier start. Whether it is
/// new.
fn prepare(catalog: &Path, catalogue: &Path) -> Result<bool, Stop> {
    if catalogue.join(".git").exists() {
        return Ok(false);
    }
    if !catalog.is_dir() {
        return Err(Stop::new(format!(
            "there is no folder {}: run the demo where a catalogue lies, or name one with --catalog",
            catalog.display()
        )));
    }
    source::make_repository(catalog, catalogue).map_err(|unknown| Stop::new(unknown.cause))?;
    Ok(true)
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    std::fs::write(path, text)
        .map_err(|e| Stop::new(format!("cannot write {}: {e}", path.display())))
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
