//! The words that people read, and what each of them means at a glance.

use crate::model::Party;

use super::{Health, Stage, Sync, Verdict};

/// Every sync, in the order in which they are counted.
pub const SYNCS: [Sync; 7] = [
    Sync::Synced,
    Sync::Progressing,
    Sync::OutOfSync,
    Sync::Removing,
    Sync::Failed,
    Sync::Blocked,
    Sync::Unknown,
];
/// Every stage.
pub const STAGES: [Stage; 5] =
    [Stage::Asleep, Stage::Waking, Stage::Awake, Stage::WakeFailed, Stage::Queued];
/// Every health.
pub const HEALTHS: [Health; 3] = [Health::Healthy, Health::Progressing, Health::Degraded];
/// Every party.
pub const PARTIES: [Party; 5] =
    [Party::Nobody, Party::Vitrine, Party::Author, Party::Reviewer, Party::Operator];

/// What a word means at a glance. Colours follow it, and never stand without the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Somebody must act.
    Trouble,
    /// Under way; it ends by itself.
    Moving,
    /// As it should be, and at rest.
    Calm,
    /// As it should be.
    Good,
}

/// The word for a sync.
pub const fn sync(sync: Sync) -> &'static str {
    match sync {
        Sync::Synced => "Synced",
        Sync::Progressing => "Progressing",
        Sync::OutOfSync => "OutOfSync",
        Sync::Failed => "Failed",
        Sync::Blocked => "Blocked",
        Sync::Unknown => "Unknown",
        Sync::Removing => "Removing",
    }
}

/// What a sync means at a glance.
pub const fn sync_tone(sync: Sync) -> Tone {
    match sync {
        Sync::Synced => Tone::Good,
        Sync::Progressing | Sync::OutOfSync | Sync::Removing => Tone::Moving,
        Sync::Failed | Sync::Blocked | Sync::Unknown => Tone::Trouble,
    }
}

/// The word for a stage.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Asleep => "Asleep",
        Stage::Waking => "Waking",
        Stage::Awake => "Awake",
        Stage::WakeFailed => "WakeFailed",
        Stage::Queued => "Queued",
    }
}

/// What a stage means at a glance. Asleep is a success.
pub const fn stage_tone(stage: Stage) -> Tone {
    match stage {
        Stage::Asleep => Tone::Calm,
        Stage::Awake => Tone::Good,
        Stage::Waking | Stage::Queued => Tone::Moving,
        Stage::WakeFailed => Tone::Trouble,
    }
}

/// The word for a health.
pub const fn health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "Healthy",
        Health::Progressing => "Progressing",
        Health::Degraded => "Degraded",
    }
}

/// What a health means at a glance.
pub const fn health_tone(health: Health) -> Tone {
    match health {
        Health::Healthy => Tone::Good,
        Health::Progressing => Tone::Moving,
        Health::Degraded => Tone::Trouble,
    }
}

/// What a whole verdict means at a glance: whoever must act comes first.
pub fn tone(verdict: &Verdict) -> Tone {
    if needs_a_person(verdict.party) {
        return Tone::Trouble;
    }
    [Some(sync_tone(verdict.sync)), verdict.stage.map(stage_tone), verdict.health.map(health_tone)]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(Tone::Good)
}

/// Whether somebody has to do something; vitrine is not somebody.
pub(super) const fn needs_a_person(party: Party) -> bool {
    match party {
        Party::Nobody | Party::Vitrine => false,
        Party::Author | Party::Reviewer | Party::Operator => true,
    }
}
