//! What Events say of our pods and ScaledObjects: of each as little as a sentence needs.
//!
//! Nothing here decides what is done. Where Events cannot be read the sentences are only less exact.

use jiff::Timestamp;

use crate::model::{Quoted, SolutionName};

/// What one Event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The solution in whose namespace it was said.
    pub solution: SolutionName,
    /// The name of the pod or of the ScaledObject that it is about.
    pub about: String,
    /// What was said.
    pub word: Word,
    /// When it was said last, by the clock of whoever said it.
    pub at: Timestamp,
}

/// One of the things that nobody says but in an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The kubelet throws a pod out, and says why. A pod whose program then ends with 0 says
    /// nothing of it.
    Evicted(Quoted),
    /// What the kubelet's probe of a container got that failed.
    Probed {
        /// The container's name.
        container: String,
        /// What came back.
        got: Probed,
    },
    /// What the cluster's autoscaler does for a pod that has no machine.
    Machine(NewMachine),
    /// KEDA does not know this time zone.
    UnknownZone(Quoted),
}

/// What a probe got that failed, without addresses and times: the same failure is the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Nothing listens.
    Refused,
    /// The connection was taken and closed without an answer.
    Cut,
    /// No answer within the time that a probe has.
    Late,
    /// An answer of HTTP with this status, which is no success.
    Status(u16),
}

/// What the cluster's autoscaler does for a pod that has no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewMachine {
    /// It adds one.
    Coming,
    /// It adds none: no group of machines that it may enlarge would fit.
    Refused,
}

/// What a word is about: the newest of a kind counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// [`Word::Evicted`].
    Eviction,
    /// [`Word::Probed`], of this container.
    Probe(String),
    /// [`Word::Machine`].
    Machine,
    /// [`Word::UnknownZone`].
    Zone,
}

/// What Go programs say of a time zone whose file they do not find; its name follows.
pub const UNKNOWN_ZONE: &str = "unknown time zone ";

/// The name that follows [`UNKNOWN_ZONE`].
pub fn zone_in(rest: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    rest.split(|c: char| !is_part(c)).next().unwrap_or_default()
}

impl Word {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Evicted(_) => Topic::Eviction,
            Self::Probed { container, .. } => Topic::Probe(container.clone()),
            Self::Machine(_) => Topic::Machine,
            Self::UnknownZone(_) => Topic::Zone,
        }
    }
}

impl Probed {
    /// As a mark of a trial keeps it: `500`, `refused`.
    pub fn written(self) -> String {
        match self {
            Self::Refused => "refused".to_owned(),
            Self::Cut => "cut".to_owned(),
            Self::Late => "late".to_owned(),
            Self::Status(status) => status.to_string(),
        }
    }

    /// Reads [`Probed::written`]; `None` for what no version of today writes.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "refused" => Some(Self::Refused),
            "cut" => Some(Self::Cut),
            "late" => Some(Self::Late),
            status => status.parse().ok().map(Self::Status),
        }
    }

    /// How far into the program it got. Two statuses got equally far.
    pub const fn depth(self) -> u8 {
        match self {
            Self::Refused => 0,
            Self::Cut => 1,
            Self::Late => 2,
            Self::Status(_) => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_probe_got_can_be_read_back() {
        for got in [Probed::Refused, Probed::Cut, Probed::Late, Probed::Status(503)] {
            assert_eq!(Probed::read(&got.written()), Some(got));
        }
        assert_eq!(Probed::read("splendid"), None);
    }
}
