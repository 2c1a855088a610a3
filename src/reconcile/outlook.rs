//! What a pass would do, told and not done.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use super::patience::{Awaited, at};
use vitrine_core::catalog::{Fault, Refused, Standing};
use vitrine_core::plan::{Hold, SolutionPlan};

/// What a pass would do.
#[derive(Debug, Default)]
pub struct Outlook {
    /// Plans that are not empty.
    pub plans: Vec<(String, SolutionPlan)>,
    pub hold: Option<Hold>,
    /// The folders that the pass leaves alone, as in the catalogue.
    pub refused: BTreeMap<String, Refused>,
    /// Why the operator's file freezes everything, if it does.
    pub platform: Vec<Fault>,
    /// What runs, is in no folder and is left alone all the same, with the reason.
    pub kept: BTreeMap<String, String>,
}

/// Why there is no [`Outlook`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    Late(Awaited),
    /// A sentence: the repository or the cluster cannot be read.
    Because(String),
}

impl Engine {
    /// What a pass would do now, without doing it: waits until the repository is read and every
    /// kind is known, then plans.
    ///
    /// # Errors
    /// [`Unseen`]: the repository or the cluster could not be read, or not in time.
    pub async fn look(mut self, at_most: Duration) -> Result<Outlook, Unseen> {
        let limit = Some(tokio::time::Instant::now() + at_most);
        while self.memory.catalog.is_none() || !self.knows_every_kind() {
            tokio::select! {
                () = at(limit) => return Err(Unseen::Late(self.awaited(at_most))),
                touched = self.cluster.next() => self.absorb(touched, Timestamp::now()),
                news = self.courier.news() => match news {
                    Some(news) => self.hear(news, Timestamp::now()),
                    None => {
                        return Err(Unseen::Because("the repository's reader ended".to_owned()));
                    }
                },
            }
            if let Some(unknown) = &self.unknown {
                return Err(Unseen::Because(unknown.cause.clone()));
            }
            if let Some(problem) = self.cluster.problems().values().next() {
                return Err(Unseen::Because(problem.clone()));
            }
        }
        self.all_dirty();
        let plans = self.think(Timestamp::now());
        let plans = plans.into_iter().filter(|(_, plan)| !plan.is_empty()).collect();
        let mut outlook = Outlook { plans, hold: self.hold.take(), ..Outlook::default() };
        if let Some(catalog) = &self.memory.catalog {
            outlook.refused = catalog.refused.clone();
            outlook.platform = catalog.platform.as_ref().err().cloned().unwrap_or_default();
            let live = self.cluster.observed().solutions.iter();
            let live = live.filter(|(_, objects)| !objects.is_empty()).map(|(name, _)| name);
            let kept = live.filter(|name| {
                catalog.standing(name) == Standing::Frozen && !catalog.refused.contains_key(*name)
            });
            outlook.kept = kept.map(|name| (name.clone(), catalog.why_frozen(name))).collect();
        }
        self.part_soon().await;
        Ok(outlook)
    }
}
