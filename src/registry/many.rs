//! Many questions at once: for a command, or for the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

use vitrine_core::catalog::fit::{Denial, Image, NotHad, Told};
use vitrine_core::config;
use vitrine_core::engine::{Answer, Event, OrderId};
use vitrine_core::model::fault::code;
use vitrine_core::model::{ImageReference, Party};

use super::{Access, Registries};

/// Questions under way at a time.
const AT_ONCE: usize = 8;
/// How long the engine waits for all images of one order.
const PATIENCE: Duration = Duration::from_secs(30);
/// The images that are remembered; one is a few hundred bytes.
const REMEMBERED: usize = 2000;

/// Asks something of each of these images once, some at a time.
pub async fn each<T>(
    images: BTreeSet<ImageReference>,
    ask: impl AsyncFn(&ImageReference) -> T,
) -> BTreeMap<ImageReference, T> {
    let ask = &ask;
    stream::iter(images)
        .map(|image| async move {
            let answer = ask(&image).await;
            (image, answer)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Asks registries for the engine. What a digest names never changes, so it is asked for once.
pub struct Desk {
    inner: Arc<Inner>,
    tell: mpsc::UnboundedSender<Event>,
}

struct Inner {
    registries: Result<Registries, String>,
    known: Mutex<BTreeMap<ImageReference, Image>>,
}

impl Desk {
    /// With these settings. Touches no network and no file. `tell`: whom the answers go to.
    pub fn new(settings: &config::Images, tell: mpsc::UnboundedSender<Event>) -> Self {
        let config::Images { credentials_file, plain_http } = settings.clone();
        let access = Access { credentials: credentials_file, plain_http };
        let inner = Inner { registries: Registries::new(access), known: Mutex::default() };
        Self { inner: Arc::new(inner), tell }
    }

    /// Asks for each of these images, and does not wait for the answers.
    pub fn ask(&self, id: OrderId, images: BTreeSet<ImageReference>) {
        let (inner, tell) = (Arc::clone(&self.inner), self.tell.clone());
        tokio::spawn(async move {
            let end = Instant::now() + PATIENCE;
            let asked = images.into_iter().map(|image| {
                let inner = Arc::clone(&inner);
                async move {
                    let answer = inner.image(&image, end).await;
                    (image, answer)
                }
            });
            let told: Told = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
            let _ = tell.send(Event::Answered(id, Answer::Images(told))); // the loop may have ended
        });
    }
}

impl Inner {
    async fn image(&self, image: &ImageReference, end: Instant) -> Result<Image, NotHad> {
        if let Some(known) = self.known().get(image) {
            return Ok(known.clone());
        }
        let registries = self.registries.as_ref().map_err(|why| silent(why.clone()))?;
        let answer = tokio::time::timeout_at(end.into(), registries.image(image)).await;
        let late = |_| Err(silent(format!("`{image}` was not looked at in time")));
        let answer = answer.unwrap_or_else(late)?;
        if image.digest().is_some() {
            let mut known = self.known();
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(image.clone(), answer.clone());
        }
        Ok(answer)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ImageReference, Image>> {
        // Nobody panics while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silent(what: String) -> NotHad {
    NotHad {
        denial: Denial::Silent,
        code: code::IMAGE_NOT_HAD,
        what,
        help: "try again".to_owned(),
        party: Party::Operator,
    }
}
