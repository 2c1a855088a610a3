//! `warm`: makes the example requests of an application before its first visitor comes.
//!
//! It runs beside the application in the same pod, and ends with it. Until every request was
//! answered as expected the pod is not ready; when the application stops listening, as in a
//! restart, it is not ready again and the requests are made anew.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::{Answer, Stop, stopped_by_signal};
use crate::web::{Visit, Visitor};
use vitrine_core::catalog::solution::example::Example;
use vitrine_core::model::duration;

/// How often it is looked whether the application listens.
const LOOK: Duration = Duration::from_secs(1);
/// How long the application has a rest after a request that was not answered as expected: twice
/// as long after each, up to the second.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a probe waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest example file, in bytes: no larger one is read from a catalogue.
const EXAMPLE_MAX: u64 = 512 * 1024;

/// How many folders may lie in each other, which is more than any catalogue is read.
const DEEPEST: usize = 32;

/// What is said to a probe.
const READY: u8 = b'1';
const NOT_READY: u8 = b'0';

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["folder", "ready"]).required(true))]
pub(super) struct Arguments {
    /// The folder with the requests, `*.json`, also in folders of it: made in the order of their
    /// names.
    #[arg(value_name = "DIR", requires = "port")]
    folder: Option<PathBuf>,
    /// The port on which the application listens.
    #[arg(long)]
    port: Option<u16>,
    /// The port of the loopback interface on which it is said whether all requests were made.
    #[arg(long, value_name = "PORT", default_value_t = 61_417)]
    says: u16,
    /// How long each request may take.
    #[arg(long, value_parser = duration::parse, default_value = "5m")]
    timeout: Duration,
    /// Asks the one that runs: 0 all requests were made, 1 not yet, 2 it does not run.
    #[arg(long, conflicts_with_all = ["folder", "port"])]
    ready: bool,
}

pub(super) async fn warm(arguments: Arguments) -> Result<Answer, Stop> {
    let (Some(folder), Some(port)) = (&arguments.folder, arguments.port) else {
        return ask(arguments.says).await;
    };
    let requests = read(folder)?;
    let visitor =
        Visitor::new(port, arguments.timeout).map_err(|error| Stop::new(error.to_string()))?;
    let stop = stopped_by_signal()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.says)).await;
    let listener = listener.map_err(|error| {
        let port = arguments.says;
        Stop::new(format!("port {port} cannot be had: {error}; name another with --says"))
    })?;
    let ready = Arc::new(AtomicBool::new(false));
    tokio::select! {
        () = stop.cancelled() => {}
        () = say(listener, Arc::clone(&ready)) => {}
        () = follow(port, &requests, &visitor, &ready) => {}
    }
    Ok(Answer::Good)
}

/// An example, and how it is called in a log line.
struct Request {
    name: String,
    example: Example,
}

/// Reads the requests of a folder and the folders in it, as a catalogue holds them, in the order of
/// their names.
fn read(folder: &Path) -> Result<Vec<Request>, Stop> {
    let mut files = Vec::new();
    collect(folder, DEEPEST, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Stop::new(format!("{} holds no example (*.json)", folder.display())));
    }
    files.iter().map(|file| request(file)).collect()
}

/// Hidden names are left out: a mounted ConfigMap keeps its older contents under one.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let cannot = |error| Stop::new(format!("{} cannot be read: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Not behind a link, which may lead to where it comes from.
        if entry.file_type().map_err(cannot)?.is_dir() {
            if depth == 0 {
                let name = path.display();
                return Err(Stop::new(format!("{name} lies deeper than {DEEPEST} folders")));
            }
            collect(&path, depth - 1, files)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn request(file: &Path) -> Result<Request, Stop> {
    let cannot = |error| Stop::new(format!("{} cannot be read: {error}", file.display()));
    if std::fs::metadata(file).map_err(cannot)?.len() > EXAMPLE_MAX {
        return Err(Stop::new(format!("{} is larger than 512 KiB", file.display())));
    }
    let bytes = std::fs::read(file).map_err(cannot)?;
    let example = Example::read(&bytes)
        .map_err(|(at, what)| Stop::new(format!("{}:{}: {what}", file.display(), at.line)))?;
    // Without the query, which may hold much.
    let path = example.path.split('?').next().unwrap_or_default();
    Ok(Request { name: format!("{} {path}", example.method), example })
}

/// Makes the requests whenever the application has begun to listen, and tells whether it is warm.
async fn follow(port: u16, requests: &[Request], visitor: &Visitor, ready: &AtomicBool) {
    let mut said = String::new();
    let mut rest = REST.0;
    loop {
        match (listens(port).await, ready.load(Ordering::Relaxed)) {
            (false, was) => {
                ready.store(false, Ordering::Relaxed);
                rest = REST.0;
                if was {
                    tracing::info!("the application stopped listening on port {port}: cold again");
                }
                sleep(LOOK).await;
            }
            (true, true) => sleep(LOOK).await,
            (true, false) => {
                let begun = Instant::now();
                match all(requests, visitor).await {
                    Ok(()) => {
                        let took = Duration::from_millis(
                            u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                        );
                        ready.store(true, Ordering::Relaxed);
                        said.clear();
                        let (number, took) = (requests.len(), duration::text(took));
                        let plural = if number == 1 { "" } else { "s" };
                        tracing::info!("warm after {number} request{plural} in {took}");
                    }
                    Err(what) => {
                        // One line a reason, however often it is tried.
                        if said != what {
                            tracing::warn!("not warm: {what}; it is tried again");
                            said = what;
                        }
                        sleep(rest).await;
                        rest = (rest * 2).min(REST.1);
                    }
                }
            }
        }
    }
}

/// Makes all requests, one after the other; why one was not answered as expected.
async fn all(requests: &[Request], visitor: &Visitor) -> Result<(), String> {
    for Request { name, example } in requests {
        let visit = Visit {
            method: &example.method,
            path: &example.path,
            headers: &example.headers,
            body: &example.body,
        };
        let status = visitor.visit(&visit).await.map_err(|error| format!("{name}: {error}"))?;
        match example.status {
            Some(expected) if status == expected => {}
            None if status < 400 => {}
            Some(expected) => {
                return Err(format!("{name} was answered with {status}, expected is {expected}"));
            }
            None => return Err(format!("{name} was answered with {status}")),
        }
    }
    Ok(())
}

/// Whether the application takes connections. A queue that is full is an answer that comes late.
async fn listens(port: u16) -> bool {
    match timeout(PATIENCE, TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await {
        Ok(connected) => connected.is_ok(),
        Err(_) => true,
    }
}

/// Tells each probe whether all requests were made.
async fn say(listener: TcpListener, ready: Arc<AtomicBool>) {
    loop {
        let Ok((mut probe, _)) = listener.accept().await else {
            // No descriptors left: they come back.
            sleep(LOOK).await;
            continue;
        };
        let word = if ready.load(Ordering::Relaxed) { READY } else { NOT_READY };
        // A probe that went away needs no answer.
        let _ = timeout(PATIENCE, probe.write_all(&[word])).await;
    }
}

/// What the one says that runs.
async fn ask(port: u16) -> Result<Answer, Stop> {
    let asked = timeout(PATIENCE, async {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?.read_u8().await
    });
    match asked.await {
        Ok(Ok(READY)) => Ok(Answer::Good),
        Ok(Ok(NOT_READY)) => Ok(Answer::NotGood),
        Ok(Ok(_)) | Err(_) => Err(Stop::new(format!("port {port} is not one of `vitrine warm`"))),
        Ok(Err(error)) => Err(Stop::new(format!("nothing warms up on port {port}: {error}"))),
    }
}
