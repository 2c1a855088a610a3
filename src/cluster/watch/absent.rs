//! What a kind waits for whose CRD is missing.

use std::time::Duration;

use super::pause::Pause;
use super::{Place, Watch};
use crate::cluster::subject::Subject;
use vitrine_core::engine::News;
use vitrine_core::plan::observed::{KindState, Problem};

/// How often a kind is tried whose CRD cannot be watched.
const BLIND_RETRY: Duration = Duration::from_secs(60);

impl Watch {
    /// Says that the kind is absent and waits until it may be there. False = stop.
    pub(super) async fn came(
        &mut self,
        definition: &str,
        place: &mut Place,
        pause: &mut Pause,
    ) -> bool {
        place.at = None;
        place.synced = false;
        let mut said = None;
        loop {
            let known = self.definitions.borrow_and_update().clone();
            let (state, problem, wait) = match known {
                // It is there, and will be served in a moment; or never at our version.
                Some(names) if names.contains(definition) => {
                    let problem = Problem::of_one(
                        format!(
                            "CRD {definition} exists, but the API server does not serve it at the \
                             version that vitrine writes"
                        ),
                        "install a release of it that serves this version",
                    );
                    (KindState::Unknown, Some(problem), pause.next(None))
                }
                Some(_) => (KindState::Absent, None, Duration::MAX),
                None => (KindState::Absent, None, BLIND_RETRY),
            };
            if said.replace(state) != Some(state) && !self.say(News::State(state, problem)).await {
                return false;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => return true,
                changed = self.definitions.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    *pause = Pause::default();
                }
                () = self.again.notified() => return true,
            }
        }
    }

    /// The CRD that the kind needs, if it is not built in.
    pub(super) fn definition(&self) -> Option<String> {
        match self.subject {
            Subject::Kind(kind) => kind.crd(),
            Subject::Definitions | Subject::Events => None,
        }
    }
}
