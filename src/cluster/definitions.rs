//! Which CRDs of our kinds exist, for those watches that wait for theirs.

use std::collections::BTreeSet;

use tokio::sync::watch;

use vitrine_core::engine::{Event, News};
use vitrine_core::model::Kind;
use vitrine_core::plan::observed::{KindState, Problem};

/// The CRDs of our kinds that exist; `None` = they cannot be watched.
pub(super) type Definitions = Option<BTreeSet<String>>;

/// How rights call CRDs.
pub(super) const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Keeps the list of CRDs true, and wakes who waits.
pub(super) struct Registry {
    known: watch::Sender<Definitions>,
    /// CRDs that a list brought so far.
    came: BTreeSet<String>,
    troubled: bool,
}

impl Registry {
    pub fn new() -> (Self, watch::Receiver<Definitions>) {
        let (known, receiver) = watch::channel(None);
        (Self { known, came: BTreeSet::new(), troubled: false }, receiver)
    }

    /// Hears the watch of CRDs. What the engine should know of it comes back.
    pub fn hear(&mut self, news: News) -> Vec<Event> {
        match news {
            News::Listing => self.came.clear(),
            News::Present(seen) => {
                let name = seen.meta.name;
                let defines = defines(&name);
                self.came.insert(name.into());
                // Its conditions may have changed: wake who waits, also if the name was known.
                self.known.send_if_modified(|known| match known {
                    Some(names) => {
                        names.clone_from(&self.came);
                        true
                    }
                    None => false,
                });
                let version = seen.meta.resource_version;
                return defines
                    .map(|kind| Event::Defined(kind, version.into()))
                    .into_iter()
                    .collect();
            }
            News::Deleted(seen) => {
                self.came.remove(seen.meta.name.as_str());
                self.known.send_if_modified(|known| match known {
                    Some(names) => names.remove(seen.meta.name.as_str()),
                    None => false,
                });
            }
            News::Listed(_) | News::State(KindState::Synced, _) => {
                self.known.send_replace(Some(self.came.clone()));
                return self.trouble(None);
            }
            News::Bookmark(_) => {}
            News::State(_, problem) => {
                self.known.send_replace(None);
                if problem.is_some() {
                    return self.trouble(problem);
                }
            }
        }
        Vec::new()
    }

    fn trouble(&mut self, problem: Option<Problem>) -> Vec<Event> {
        let news = problem.is_some() || self.troubled;
        self.troubled = problem.is_some();
        if news { vec![Event::Trouble(RESOURCE.to_owned(), problem)] } else { Vec::new() }
    }
}

/// The kind of ours whose CRD has this name.
fn defines(name: &str) -> Option<Kind> {
    Kind::RENDERED.into_iter().find(|kind| kind.crd().is_some_and(|crd| crd == name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use vitrine_core::engine::{Meta, Seen};

    fn crd(version: &str) -> Box<Seen> {
        let meta = Meta {
            name: "scaledobjects.keda.sh".into(),
            resource_version: version.into(),
            ..Meta::default()
        };
        Box::new(Seen { meta, ..Seen::default() })
    }

    #[test]
    fn those_who_wait_for_a_crd_are_woken_when_it_comes_or_changes() {
        let (mut registry, mut known) = Registry::new();
        registry.hear(News::Listing);
        registry.hear(News::Listed("1".to_owned()));
        assert_eq!(*known.borrow_and_update(), Some(BTreeSet::new()));
        let told = registry.hear(News::Present(crd("2")));
        assert!(
            matches!(&told[..], [Event::Defined(Kind::ScaledObject, version)] if version == "2")
        );
        assert!(known.has_changed().unwrap());
        assert!(known.borrow_and_update().as_ref().unwrap().contains("scaledobjects.keda.sh"));
        registry.hear(News::Present(crd("3")));
        assert!(known.has_changed().unwrap(), "it may be established now");
        known.borrow_and_update();
        registry.hear(News::Deleted(crd("3")));
        assert_eq!(*known.borrow_and_update(), Some(BTreeSet::new()));
    }

    #[test]
    fn trouble_is_told_while_there_is_some_and_once_when_it_ends() {
        let (mut registry, _known) = Registry::new();
        let trouble =
            || News::State(KindState::Unknown, Some(Problem::of_one("no right", "give it")));
        assert_eq!(registry.hear(News::Listed("1".to_owned())).len(), 0);
        assert!(matches!(&registry.hear(trouble())[..], [Event::Trouble(_, Some(_))]));
        assert!(matches!(
            &registry.hear(News::Listed("2".to_owned()))[..],
            [Event::Trouble(_, None)]
        ));
        assert_eq!(registry.hear(News::Listed("3".to_owned())).len(), 0);
    }
}
