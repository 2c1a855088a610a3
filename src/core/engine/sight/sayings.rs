//! What Events said and still counts, and what it makes of the facts of whom it is about.
//!
//! Little is kept: of each object the newest word on a topic, of each solution the newest
//! [`MOST`], and for [`LONG`] what is not about a pod in trouble. A word that says the same again
//! touches nothing, and one that goes to and fro is heard [`TURNS`] times and no more.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{InstanceName, ObjectKey, Quoted, SolutionName};
use crate::plan::observed::{HealthFacts, PodFacts, STARTUP_PROBE, UNREADY};
use crate::plan::said::{Said, Topic, Word};

/// Words that are kept of one solution.
pub const MOST: usize = 32;
/// How long a word counts after it was heard last.
pub const LONG: SignedDuration = SignedDuration::from_hours(1);
/// How often one probe may be answered otherwise; what was heard then stands.
pub const TURNS: u8 = 5;

/// What was said and still counts, by solution, then by object and topic.
#[derive(Debug, Default)]
pub(super) struct Sayings {
    all: BTreeMap<SolutionName, BTreeMap<(String, Topic), Saying>>,
    /// No word is too old to count before.
    next: Option<Timestamp>,
}

#[derive(Debug)]
struct Saying {
    word: Word,
    /// When it was said last, by the clock of whoever said it.
    at: Timestamp,
    /// Until when it counts, by our clock that does not jump.
    until: Timestamp,
    /// How often it has become another word.
    turns: u8,
    /// Whether whom it is about was in trouble then, as far as anybody knew.
    troubled: bool,
}

impl Sayings {
    /// Takes a word in. Answers whether it is another than before. `troubled`: whom it is about is
    /// in trouble. What was said of who is well is gone with that trouble, and any word takes its
    /// place.
    pub fn hear(&mut self, said: Said, troubled: bool, now: Timestamp) -> bool {
        let Said { solution, about, word, at } = said;
        let all = self.all.entry(solution).or_default();
        let until = now + LONG;
        self.next = Some(self.next.map_or(until, |next| next.min(until)));
        if let Some(known) = all.get_mut(&(about.clone(), word.topic())) {
            if at < known.at {
                return false;
            }
            let same = known.word == word;
            if !same && known.troubled && !known.gives_way(&word) {
                return false;
            }
            (known.at, known.until, known.troubled) = (at, until, troubled);
            if same {
                return false;
            }
            (known.word, known.turns) = (word, known.turns.saturating_add(1));
            return true;
        }
        let key = (about, word.topic());
        all.insert(key.clone(), Saying { word, at, until, turns: 0, troubled });
        if all.len() > MOST {
            let oldest = all.iter().min_by_key(|(_, saying)| saying.at);
            let oldest = oldest.map(|(key, _)| key.clone());
            return oldest.is_none_or(|oldest| {
                all.remove(&oldest);
                oldest != key
            });
        }
        true
    }

    /// What was said of an object on a topic.
    pub fn word(&self, solution: &SolutionName, about: &str, topic: Topic) -> Option<&Word> {
        self.all.get(solution)?.get(&(about.to_owned(), topic)).map(|saying| &saying.word)
    }

    /// A pod in trouble, and what was said of it.
    pub fn of_pod(&self, solution: &SolutionName, name: &str, facts: PodFacts) -> PodFacts {
        let said = |topic| self.word(solution, name, topic);
        match facts.word.as_deref() {
            Some("Succeeded") => match said(Topic::Eviction) {
                Some(Word::Evicted(message)) => PodFacts {
                    word: Some("Evicted".into()),
                    message: message.clone(),
                    exit_code: None,
                    ..facts
                },
                _ => facts,
            },
            Some(STARTUP_PROBE | UNREADY) => match said(Topic::Probe(facts.component.clone())) {
                Some(Word::Probed { got, .. }) => PodFacts { probed: Some(*got), ..facts },
                _ => facts,
            },
            Some("Unschedulable") => match said(Topic::Machine) {
                Some(Word::Machine(machine)) => PodFacts { machine: Some(*machine), ..facts },
                _ => PodFacts { machine: None, ..facts },
            },
            _ => facts,
        }
    }

    /// A ScaledObject as it was seen, and what was said of it.
    pub fn of_scaled(
        &self,
        key: &ObjectKey,
        instance: &InstanceName,
        health: HealthFacts,
    ) -> HealthFacts {
        match (health, key.solution(instance)) {
            (HealthFacts::ScaledObject(mut facts), Some(solution)) => {
                facts.unknown_zone = self.zone(&solution, &key.name);
                HealthFacts::ScaledObject(facts)
            }
            (health, _) => health,
        }
    }

    /// The time zone of a ScaledObject that KEDA does not know.
    pub fn zone(&self, solution: &SolutionName, name: &str) -> Option<Quoted> {
        match self.word(solution, name, Topic::Zone)? {
            Word::UnknownZone(zone) => Some(zone.clone()),
            Word::Evicted(_) | Word::Probed { .. } | Word::Machine(_) => None,
        }
    }

    /// A pod is well: what its probes got before says nothing any more.
    pub fn recovered(&mut self, solution: &SolutionName, pod: &str) {
        self.keep(solution, |about, topic| about != pod || !matches!(topic, Topic::Probe(_)));
    }

    /// A pod is gone.
    pub fn forget(&mut self, solution: &SolutionName, pod: &str) {
        self.keep(solution, |about, topic| about != pod || *topic == Topic::Zone);
    }

    /// These pods are all there are.
    pub fn keep_pods(&mut self, there: &HashSet<&str>) {
        let solutions: Vec<SolutionName> = self.all.keys().cloned().collect();
        for solution in solutions {
            self.keep(&solution, |about, topic| *topic == Topic::Zone || there.contains(about));
        }
    }

    fn keep(&mut self, solution: &SolutionName, stays: impl Fn(&str, &Topic) -> bool) {
        let Some(all) = self.all.get_mut(solution) else { return };
        all.retain(|(about, topic), _| stays(about, topic));
        if all.is_empty() {
            self.all.remove(solution);
        }
        if self.all.is_empty() {
            self.next = None;
        }
    }

    /// Takes out what is too old to count, and says what that was. What was said of a pod in trouble
    /// stays with it: why it is as it is does not change any more. That a machine comes counts for
    /// [`LONG`], and a zone that KEDA does not know is said again while it is so.
    pub fn expire(
        &mut self,
        now: Timestamp,
        in_trouble: impl Fn(&SolutionName, &str) -> bool,
    ) -> Vec<(SolutionName, String, Topic)> {
        let mut gone = Vec::new();
        if self.deadline().is_none_or(|at| at > now) {
            return gone;
        }
        self.all.retain(|solution, all| {
            all.retain(|(about, topic), saying| {
                if saying.until > now {
                    return true;
                }
                let lasts = matches!(topic, Topic::Eviction | Topic::Probe(_));
                if lasts && in_trouble(solution, about) {
                    saying.until = now + LONG;
                    return true;
                }
                gone.push((solution.clone(), about.clone(), topic.clone()));
                false
            });
            !all.is_empty()
        });
        self.next = self.all.values().flat_map(BTreeMap::values).map(|said| said.until).min();
        gone
    }

    /// When it has to be looked whether a word is too old to count.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.next
    }

    /// How many words are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.all.values().map(BTreeMap::len).sum()
    }
}

impl Saying {
    /// Whether another word takes its place. What a probe got that came further is not unsaid by
    /// one that came less far: a program that is ended and begun again refuses everything at first.
    fn gives_way(&self, word: &Word) -> bool {
        match (&self.word, word) {
            (Word::Probed { got: known, .. }, Word::Probed { got, .. }) => {
                self.turns < TURNS && got.depth() >= known.depth()
            }
            _ => true,
        }
    }
}
