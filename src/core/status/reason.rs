//! Why a verdict is as it is: a sentence, and what it is about as one of a fixed set of words.

use std::fmt;
use std::ops::Deref;

use crate::model::fault::code;
use crate::model::invisible::visible;

/// A sentence for people, and the word for programs that stands behind it.
///
/// Two sentences of one cause say the same thing of another moment: `2 replicas`, `3 replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it is about.
    pub cause: Cause,
    /// The sentence, without a full stop; may quote what authors and controllers wrote.
    pub text: String,
}

impl Reason {
    /// The same cause, told otherwise.
    pub fn reworded(self, tell: impl FnOnce(&str) -> String) -> Self {
        Self { text: tell(&self.text), ..self }
    }
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

macro_rules! causes {
    ($($name:ident: $doc:literal;)*) => {
        /// What a reason is about. Metrics and logs count these words; `/status.json` has them as
        /// `cause`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $(#[doc = $doc] $name,)*
            /// The first fault of a refused folder: its code, such as `V0207`.
            Fault(&'static str),
        }

        impl Cause {
            /// Every one but the faults.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As one word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Fault(code) => code,
                }
            }
        }
    };
}

causes! {
    Sleeping: "No replica is wanted; a visit wakes it.";
    Serving: "It runs.";
    Starting: "A replica is wanted and does not serve yet.";
    Suspended: "The author suspended it for a while.";
    Expired: "Its last day is over.";
    ImagePull: "Its image cannot be pulled.";
    ImageName: "Its image is none that could be pulled.";
    OutOfMemory: "It used more memory than it may.";
    Evicted: "A machine threw it out.";
    Storage: "It wrote more than it may.";
    NoMachine: "No machine of its class has room.";
    RunsAsRoot: "Its image runs as root, or may.";
    SecretMissing: "A secret that it reads is not there.";
    Setup: "Its container cannot be set up.";
    Program: "Its program cannot be started.";
    Crashing: "It ends by itself.";
    Silent: "It runs and does not answer.";
    Neighbour: "A container that the platform adds to its pods is broken.";
    Quota: "The quota of its namespace is used up.";
    PodSecurity: "Pod Security refuses its pods.";
    PodsRefused: "The cluster refuses its pods.";
    Paused: "A person told KEDA to leave it alone.";
    Unscalable: "KEDA cannot wake it, or not by everything that should.";
    Unmeasured: "The number of its replicas does not follow its visitors.";
    AwaitsKeda: "KEDA has not taken it on yet.";
    AwaitsAddOn: "The KEDA HTTP add-on has not seen it yet.";
    AwaitsGateway: "The gateway has not accepted its route yet.";
    AwaitsTurn: "A change for all reaches it after others.";
    AwaitsLimits: "Nobody has taken on its limits yet.";
    RouteRefused: "The gateway refuses its route, or a part of it.";
    LimitsRefused: "Whoever should enforce its limits refuses them.";
    ForeignNamespace: "Its namespace is somebody else's.";
    ForeignWork: "Something that is not vitrine's is in its namespace.";
    NotOurs: "What carries vitrine's labels is not vitrine's.";
    Held: "Its deletions wait for a person.";
    Rejected: "The API server refused one of its objects.";
    Unwritten: "One of its objects could not be written.";
    MissingKind: "The cluster does not have a kind that it needs.";
    UnreadKind: "A kind that it needs cannot be read.";
    Edited: "Somebody changed it on the cluster.";
    LeftBehind: "Something that left the catalogue is kept by another manager.";
    TakenAway: "Admission takes away something that the catalogue asks for.";
    Leaving: "An older object has to go first.";
    Applying: "Its objects are being written.";
    RollingOut: "The rest waits for its new version.";
    Verifying: "It is woken once to see its new version running.";
    Tidying: "What is no longer asked for is being deleted.";
    Rendering: "Its objects are being rendered.";
    Reading: "The cluster is being read.";
    Nothing: "Nothing of it is on the cluster yet.";
    Refused: "Its folder was refused.";
    Frozen: "It is left alone, because of something beside its folder.";
    Unreadable: "The repository cannot be read.";
    ClusterUnread: "The cluster cannot be read.";
    Reported: "Something would be done, by a daemon that only reports.";
    Removing: "It left the catalogue.";
}

impl Cause {
    /// A reason of this cause, on one line and without what acts on a terminal or is not seen:
    /// whatever was quoted in it.
    pub fn says(self, text: impl AsRef<str>) -> Reason {
        Reason { cause: self, text: visible(text.as_ref()) }
    }

    /// Whether another controller has not answered yet: usually it does at once.
    pub const fn awaits_controller(self) -> bool {
        matches!(
            self,
            Self::AwaitsGateway | Self::AwaitsAddOn | Self::AwaitsKeda | Self::AwaitsLimits
        )
    }

    /// Reads [`Cause::as_str`]; `None` for a word that no version of today writes.
    pub fn read(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().copied().find(|cause| cause.as_str() == word);
        known.or_else(|| code::page(word).map(|page| Self::Fault(page.code)))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_one_word_and_can_be_read_back() {
        let faults = code::pages().map(|page| Cause::Fault(page.code));
        for cause in Cause::ALL.iter().copied().chain(faults) {
            assert_eq!(Cause::read(cause.as_str()), Some(cause));
        }
        assert_eq!(Cause::read("Splendid"), None);
    }

    #[test]
    fn a_reason_that_is_reworded_keeps_its_cause() {
        let reason = Cause::OutOfMemory.says("out of memory");
        let partly = reason.reworded(|text| format!("1 of 2 replicas: {text}"));
        assert_eq!(partly, Cause::OutOfMemory.says("1 of 2 replicas: out of memory"));
    }
}
