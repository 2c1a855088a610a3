//! What the API server stores, as it stores it: a watch in the server's own process.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::mpsc;
use vitrine_core::model::Kind;

/// Changes of a kind from now on.
pub struct Seen {
    changes: mpsc::UnboundedReceiver<(Instant, Value)>,
    task: tokio::task::JoinHandle<()>,
}

impl Seen {
    /// Watches a kind in all namespaces; answers when what is there was listed.
    pub async fn all(client: Client, kind: Kind) -> Self {
        let facts = kind.facts();
        let gvk = GroupVersionKind::gvk(facts.group, facts.version, facts.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, facts.plural);
        let api: Api<DynamicObject> = Api::all_with(client, &resource);
        let (tell, changes) = mpsc::unbounded_channel();
        let (listed, is_listed) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut listed = Some(listed);
            let mut events = Box::pin(watcher::watcher(api, watcher::Config::default()));
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(object)) => {
                        let object = serde_json::to_value(object).unwrap();
                        let _ = tell.send((Instant::now(), object));
                    }
                    Ok(Event::InitDone) => {
                        listed.take().map(|listed| listed.send(()));
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        });
        is_listed.await.expect("the sandbox lists");
        Self { changes, task }
    }

    /// Waits for a change like this; answers when it was seen.
    pub async fn until(&mut self, is: impl Fn(&Value) -> bool) -> Instant {
        let found = async {
            while let Some((at, object)) = self.changes.recv().await {
                if is(&object) {
                    return at;
                }
            }
            panic!("the watch ended");
        };
        tokio::time::timeout(Duration::from_secs(30), found).await.expect("it is seen in time")
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}
