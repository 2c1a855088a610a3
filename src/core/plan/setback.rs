//! What went wrong with an object lately, and when it is tried again.
//!
//! No refusal is for ever. It ends when the object, its Namespace or its CRD is another one, when
//! another body is sent, with a new revision, when a person asks, or by a timer. What others cause
//! may cost one try out of turn in [`OUT_OF_TURN`], so that busy objects and busy branches do not
//! turn a refusal into a flood.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use super::observed::Observed;
use super::step::{Outcome, Step};
use crate::model::{ContentHash, Kind, ObjectKey, SolutionName, Uid};

/// The longest pause between two tries; the first is 1 s, and each is twice the one before.
const LONGEST: Duration = Duration::from_secs(300);
/// The least time between two tries out of turn.
const OUT_OF_TURN: SignedDuration = SignedDuration::from_secs(30);
/// A conflict is decided again at once this many times.
const CONFLICTS_AT_ONCE: u32 = 5;

/// What went wrong with each object lately.
pub type Setbacks = BTreeMap<ObjectKey, Setback>;

/// One object's bad luck.
#[derive(Clone, Debug, PartialEq)]
pub struct Setback {
    /// What became of the last try: a refusal, a conflict or no answer.
    pub outcome: Outcome,
    /// What was sent; another content is tried at once.
    pub content: Option<ContentHash>,
    /// Failed tries of this content since it last began anew; the pause grows with them.
    pub attempts: u32,
    /// Not before.
    pub until: Timestamp,
    /// What the server judged it against.
    against: Surroundings,
    /// When it was last allowed a try out of turn.
    out_of_turn: Option<Timestamp>,
    /// Whether the loop was told that `until` is over.
    told: bool,
}

/// What a refusal may have been due to, besides the body: another one of these is another question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Surroundings {
    /// UID and resourceVersion of the object; absent if there is none.
    object: Option<(Uid, SmolStr)>,
    /// resourceVersion of its Namespace, if that is ours.
    namespace: Option<SmolStr>,
    /// resourceVersion of its CRD.
    definition: Option<String>,
}

impl Surroundings {
    fn of(key: &ObjectKey, observed: &Observed) -> Self {
        let namespace = key.namespace.as_deref();
        let home = SolutionName::of_namespace(namespace.unwrap_or(&key.name));
        let shelf = home.and_then(|home| observed.solutions.get(&home));
        let live = |key: &ObjectKey| {
            shelf
                .and_then(|shelf| shelf.get(key))
                .map(|live| (live.uid.clone(), live.resource_version.clone()))
        };
        let namespace = namespace.map(|name| ObjectKey::cluster(Kind::Namespace, name));
        Self {
            object: live(key),
            namespace: namespace.and_then(|key| live(&key)).map(|(_, version)| version),
            definition: observed.definitions.get(&key.kind).cloned(),
        }
    }

    fn uid(&self) -> Option<&Uid> {
        self.object.as_ref().map(|(uid, _)| uid)
    }
}

impl Setback {
    /// Tried again at once, whatever was before: a person asks, or it is another object now.
    pub fn at_once(&mut self, now: Timestamp) {
        self.until = self.until.min(now);
        self.told = false;
    }

    /// Something happened that may have ended it: one try, unless it had one just now.
    fn out_of_turn(&mut self, now: Timestamp) {
        if let Outcome::Unavailable { retry_after: Some(_), .. } = self.outcome {
            return; // the server said when
        }
        let at = self.out_of_turn.map_or(now, |last| (last + OUT_OF_TURN).max(now));
        if at < self.until {
            self.until = at;
            self.out_of_turn = Some(at);
            self.told = false;
        }
    }

    /// A new revision came.
    pub fn new_revision(&mut self, now: Timestamp) {
        self.out_of_turn(now);
        if matches!(self.outcome, Outcome::Unavailable { .. }) {
            self.attempts = 0;
        }
    }

    /// When the loop has to look at it; `None` if it was told already.
    pub fn deadline(&self) -> Option<Timestamp> {
        (!self.told).then_some(self.until)
    }

    /// Whether it is due now, answered once.
    pub fn rings(&mut self, now: Timestamp) -> bool {
        let rings = !self.told && self.until <= now;
        self.told |= rings;
        rings
    }
}

/// Learns from what became of a step. `jitter` is between 0 and 1.
///
/// Answers whether it is news: the same refusal of the same body again is none.
pub fn learn(
    setbacks: &mut Setbacks,
    step: &Step,
    outcome: Outcome,
    observed: &Observed,
    now: Timestamp,
    jitter: f64,
) -> bool {
    let key = step.key();
    let content = step.form().map(|form| form.content.clone());
    let before = setbacks.remove(&key);
    let same = before.as_ref().filter(|before| before.content == content);
    let attempts = same.map_or(0, |before| before.attempts) + 1;
    let until = match &outcome {
        Outcome::Applied { .. } | Outcome::Deleted | Outcome::Gone | Outcome::Surveyed => {
            return true;
        }
        Outcome::Changed if attempts <= CONFLICTS_AT_ONCE => now,
        Outcome::Changed => later(now, attempts - CONFLICTS_AT_ONCE, jitter),
        Outcome::Unavailable { retry_after: Some(wait), .. } => {
            now + SignedDuration::try_from((*wait).min(LONGEST))
                .unwrap_or(SignedDuration::from_secs(1))
        }
        Outcome::Rejected(_) | Outcome::Unavailable { retry_after: None, .. } => {
            later(now, attempts, jitter)
        }
    };
    let news = same.is_none_or(|before| before.outcome != outcome);
    let out_of_turn = same.and_then(|before| before.out_of_turn);
    let against = Surroundings::of(&key, observed);
    let told = false;
    let setback = Setback { outcome, content, attempts, until, against, out_of_turn, told };
    setbacks.insert(key, setback);
    news
}

/// The cluster changed: what was refused in other surroundings is tried again. `concerned` says
/// which objects to look at.
pub fn notice(
    setbacks: &mut Setbacks,
    observed: &Observed,
    now: Timestamp,
    concerned: impl Fn(&ObjectKey) -> bool,
) {
    for (key, setback) in setbacks.iter_mut().filter(|(key, _)| concerned(key)) {
        let present = Surroundings::of(key, observed);
        if present == setback.against {
            continue;
        }
        if present.uid() == setback.against.uid() {
            setback.out_of_turn(now);
        } else {
            // Not the object that was in the way.
            setback.attempts = 0;
            setback.at_once(now);
        }
        setback.against = present;
    }
}

fn later(now: Timestamp, attempts: u32, jitter: f64) -> Timestamp {
    let seconds = 2_f64.powi(i32::try_from(attempts.clamp(1, 10)).unwrap_or(10) - 1);
    let jittered = seconds.min(LONGEST.as_secs_f64()) * (0.8 + 0.4 * jitter);
    now + SignedDuration::from_millis((jittered * 1000.0) as i64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
