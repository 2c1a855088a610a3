//! What the API server stores, as a watch tells it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::mpsc;

/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Changes of a kind from now on.
pub struct Seen {
    changes: mpsc::UnboundedReceiver<(Instant, Value)>,
    task: tokio::task::JoinHandle<()>,
}

impl Seen {
    /// Watches; answers when what is there was listed.
    pub async fn on(api: Api<DynamicObject>) -> Self {
        let (tell, changes) = mpsc::unbounded_channel();
        let (listed, is_listed) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut listed = Some(listed);
            let mut events = Box::pin(watcher::watcher(api, watcher::Config::default()));
            while let Some(event) = events.next().await {
                match event {
                    // A watch that broke lists again: what changed meanwhile stands in the list.
                    Ok(Event::InitApply(object)) if listed.is_some() => drop(object),
                    Ok(Event::Apply(object) | Event::InitApply(object)) => {
                        let object = serde_json::to_value(object).unwrap();
                        let _ = tell.send((Instant::now(), object));
                    }
                    Ok(Event::InitDone) => {
                        listed.take().map(|listed| listed.send(()));
                    }
                    Ok(Event::Init | Event::Delete(_)) => {}
                    Err(why) => eprintln!("a watch of the benchmark broke: {why}"),
                }
            }
        });
        is_listed.await.expect("the API server lists");
        Self { changes, task }
    }

    /// Waits until so many different objects were seen; answers when the last of them was.
    pub async fn count(&mut self, many: usize) -> Instant {
        let mut names = BTreeSet::new();
        while let Some((at, object)) = self.changes.recv().await {
            let metadata = &object["metadata"];
            names.insert(format!("{}/{}", metadata["namespace"], metadata["name"]));
            if names.len() >= many {
                return at;
            }
        }
        panic!("the watch ended");
    }

    /// Waits for a change like this; answers when it was seen, or nothing if that takes too long.
    pub async fn until(&mut self, is: impl Fn(&Value) -> bool) -> Option<Instant> {
        let found = async {
            while let Some((at, object)) = self.changes.recv().await {
                if is(&object) {
                    return at;
                }
            }
            panic!("the watch ended");
        };
        tokio::time::timeout(PATIENCE, found).await.ok()
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}
