//! Judges what a commit says: which folders are solutions, and which are refused and why.
//!
//! In: [`Snapshot`]. Out: [`Catalog`]. Whoever holds a [`Solution`] need not check it again.

mod changes;
pub mod compose;
pub mod contract;
mod dated;
pub mod explain;
pub mod fault;
pub mod fit;
mod folders;
pub mod images;
mod memory;
mod mend;
mod network;
mod pattern;
pub mod platform;
mod preview;
mod read;
pub mod snapshot;
pub mod solution;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use changes::{Change, Changes};
pub use dated::Dated;
pub use fault::Fault;
pub use memory::Memory;
pub use mend::{Mended, mend};
pub use platform::Platform;
pub use preview::{NoPreview, preview};
pub use read::read;
pub use snapshot::{Folder, Snapshot};
pub use solution::Solution;
pub use standing::Standing;

use crate::model::decode::{Cursor, Fields, certain, nearest};
use crate::model::yaml::Spanned;
use crate::model::{ClaimedName, Revision, SolutionName};
use platform::NotAble;
use solution::RateLimit;

/// What the catalogue says at a revision: checked solutions and refused folders.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The commit that it says this at; forty zeros for a folder of a disk.
    pub revision: Revision,
    /// The operator's file, or why it cannot be used. Without it nothing is published.
    pub platform: Result<Arc<Platform>, Vec<Fault>>,
    /// Folders without a fault. While `platform` is an error they are judged, and not published.
    pub solutions: BTreeMap<SolutionName, Arc<Solution>>,
    /// Refused folders by the name their solution has (or would have), with their faults.
    pub refused: BTreeMap<ClaimedName, Refused>,
    /// What a refused folder or a doubt keeps from being pruned.
    pub protected: Protected,
    /// Said, and nothing else: they refuse nobody.
    pub warnings: Vec<Fault>,
    /// What has to be said from a day on; [`Catalog::said_on`] asks for it.
    pub dated: Vec<Dated>,
}

impl Catalog {
    /// What has to be said on a day (UTC), beside the warnings of every day.
    pub fn said_on(&self, today: jiff::civil::Date) -> impl Iterator<Item = &Fault> {
        self.dated.iter().filter(move |dated| dated.from <= today).map(|dated| &dated.warning)
    }
}

/// A folder that says something we cannot do. What runs of it is frozen.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The folder, relative to the catalogue's root.
    pub folder: String,
    /// All that is wrong with it; of several refused folders of one name, what is wrong with each.
    pub faults: Vec<Fault>,
}

/// The names that must not be pruned although no good solution carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Names of refused folders, and the names that their files declare.
    pub names: BTreeSet<ClaimedName>,
    /// The reason why no absent name at all may be pruned, if there is one.
    pub all: Option<String>,
}

impl Protected {
    /// Whether this name must be left alone.
    pub fn covers(&self, name: &str) -> bool {
        self.all.is_some() || self.names.contains(name)
    }
}

/// The words that both files begin with.
const API_VERSION: &str = "vitrine.dev/v1alpha1";

/// Kinds of Kubernetes that people bring along.
const KUBERNETES: [&str; 9] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Pod",
    "Service",
    "Ingress",
    "ConfigMap",
    "Job",
    "Kustomization",
];

/// What to do with a manifest of Kubernetes.
const OF_KUBERNETES: &str = "a manifest of Kubernetes, which vitrine writes itself: `vitrine new NAME \
     --image IMAGE` begins a solution; `image`, `command`, `args`, `env` and `resources` of the \
     container stand in its `spec` as they are, `containerPort` is `port`";

/// Judges `apiVersion` and `kind`.
fn envelope(root: &Fields<'_>, kind: &'static str) {
    for (key, word, code) in
        [("apiVersion", API_VERSION, fault::code::API_VERSION), ("kind", kind, fault::code::KIND)]
    {
        let before = if key == "kind" { "metadata" } else { "kind" };
        let Some(cursor) = root.required_as(key, word, before) else { continue };
        let Some(text) = cursor.text() else { continue };
        if text.value != word {
            let near = nearest(&text.value, [word].into_iter());
            let message = format!("`{key}` is `{}`", text.value);
            let help = match near {
                Some(_) => format!("did you mean `{key}: {word}`?"),
                None if key == "kind" && KUBERNETES.contains(&text.value.as_str()) => {
                    OF_KUBERNETES.to_owned()
                }
                None => format!("write `{key}: {word}`"),
            };
            // Another version may be one that a newer vitrine knows.
            let sure = certain(&text.value, [word].into_iter());
            let fix = sure.and_then(|word| cursor.instead(&text.value, word));
            cursor.sheet.report(cursor.fault(code, message).help(help).fix(fix));
        }
    }
}

/// Reads a rate limit. Without `burst`, five seconds' worth may come at once.
fn rate_limit(cursor: &Cursor<'_>) -> Option<Spanned<RateLimit>> {
    let fields = cursor.fields()?;
    let rate = fields.required("requestsPerSecond").and_then(|c| c.whole());
    let burst = fields.get("burst").and_then(|c| c.whole());
    let rate = u32::try_from(rate?.value).ok()?;
    let burst = match burst {
        None if fields.has("burst") => return None,
        None => rate.saturating_mul(5),
        Some(burst) if burst.value < u64::from(rate) => {
            let message = format!("`burst` is {}, less than `requestsPerSecond`", burst.value);
            cursor.sheet.say(fault::code::OVER_OWN_LIMIT, burst.at, message);
            return None;
        }
        Some(burst) => u32::try_from(burst.value).ok()?,
    };
    Some(cursor.spanned(RateLimit { requests_per_second: rate, burst }))
}

/// Warns at a written value that the edge does not hold.
fn not_enforced(cursor: &Cursor<'_>, not_able: NotAble) {
    let message = match not_able {
        NotAble::Never(_) => format!("`{}` has no effect on this platform", cursor.path),
        NotAble::Otherwise(_) => format!("`{}` works differently on this platform", cursor.path),
    };
    let warning = cursor.sheet.fault(fault::code::NOT_ENFORCED, cursor.key, message);
    cursor.sheet.report(warning.help(not_able.why()));
}
