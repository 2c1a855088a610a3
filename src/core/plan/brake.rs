//! The brake: too many deletions at once wait for a person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::approval::deletions_hash;
use super::observed::{Approval, Live, Observed, Record};
use crate::model::{ContentHash, Kind, ObjectKey, SolutionName};

/// How long a removal counts against the share.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// Deletions that wait for `vitrine approve <hash>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// SHA-256 over the sorted deletions: what a person approves.
    pub hash: ContentHash,
    /// Every deletion that is asked for and not approved: what the hash is of.
    pub deletions: BTreeSet<ObjectKey>,
    /// The solutions that would disappear.
    pub disappearing: BTreeSet<SolutionName>,
    /// The solutions that stay but would lose objects; their whole plan is held.
    pub staying: BTreeSet<SolutionName>,
    /// In words: `would remove 14 of 40 solutions`.
    pub reason: String,
}

impl Hold {
    /// Whether this deletion waits.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        self.deletions.contains(key)
    }
}

/// The limits of the brake and what it remembers.
#[derive(Clone, Copy, Debug)]
pub struct BrakeSettings<'a> {
    /// The share of the solutions that may disappear within an hour, 0.0 to 1.0.
    pub max_removed_share: f64,
    /// The number of objects that may be deleted at once.
    pub max_deletions: usize,
    /// The age at which an approval ends, counted from [`Approval::created`].
    pub approvals_expire_after: SignedDuration,
    /// Where the catalogue lies in the repository, to notice that it moved.
    pub root: &'a str,
    /// Whether the last applied commit is not an ancestor of this one.
    pub rewritten: bool,
    /// When this is decided: approvals and remembered removals age by it.
    pub now: Timestamp,
}

/// What solutions ask to delete, as [`super::deletions()`] found it.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Solutions that are no longer in the catalogue, with all that is ours of them.
    pub disappearing: BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    /// Solutions that stay, with what is no longer desired of them (superseded config maps with
    /// a hash in their name left out: a routine).
    pub staying: BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
}

/// Decides whether the deletions may be done. `None`: they may.
///
/// Held are more than the configured share of the solutions (at least one may always go), all of
/// them, more objects than the configured number, and every deletion after history was
/// rewritten, the catalogue's root moved, or the daemon lost its memory. What a person approved
/// is not asked again and leaves both sides of the share.
pub fn brake(wishes: &Wishes, observed: &Observed, settings: &BrakeSettings<'_>) -> Option<Hold> {
    let approved = approved(observed, settings);
    let open =
        |wish: &BTreeMap<SolutionName, BTreeSet<ObjectKey>>| -> BTreeMap<SolutionName, BTreeSet<ObjectKey>> {
            wish.iter()
                .map(|(name, keys)| {
                    (name.clone(), keys.difference(&approved).cloned().collect::<BTreeSet<_>>())
                })
                .filter(|(_, keys)| !keys.is_empty())
                .collect()
        };
    let (disappearing, staying) = (open(&wishes.disappearing), open(&wishes.staying));
    let deletions: BTreeSet<ObjectKey> =
        disappearing.values().chain(staying.values()).flatten().cloned().collect();
    if deletions.is_empty() {
        return None;
    }

    let reason = reason(&disappearing, &deletions, &approved, wishes, observed, settings)?;
    Some(Hold {
        hash: deletions_hash(&deletions),
        disappearing: disappearing.into_keys().collect(),
        staying: staying.into_keys().collect(),
        deletions,
        reason,
    })
}

fn reason(
    disappearing: &BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    deletions: &BTreeSet<ObjectKey>,
    approved: &BTreeSet<ObjectKey>,
    wishes: &Wishes,
    observed: &Observed,
    settings: &BrakeSettings<'_>,
) -> Option<String> {
    let would = format!("would delete {}", count(deletions.len(), "object"));
    match &observed.record {
        Record::Unread => return None, // nothing is deleted before it is read: `Gate::Record`
        Record::Missing => {
            return Some(format!(
                "{would}, and the daemon's Lease, which remembers what was applied, is missing"
            ));
        }
        Record::Kept { root: Some(root), .. } if root != settings.root => {
            return Some(format!(
                "{would}, and the catalogue's root moved from `{root}` to `{}`",
                settings.root
            ));
        }
        Record::Kept { .. } => {}
    }
    if settings.rewritten {
        return Some(format!("{would}, and the branch's history was rewritten"));
    }

    let recent = recent_removals(&observed.record, settings.now, &wishes.disappearing, approved);
    let approved_away = wishes.disappearing.len() - disappearing.len();
    // What only carries our label is nobody's solution.
    let living = observed.solutions.values().filter(|o| o.values().any(Live::is_ours)).count();
    let total = (living + recent).saturating_sub(approved_away);
    let going = disappearing.len() + recent;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of solutions and a share between 0 and 1"
    )]
    let share = (total as f64 * settings.max_removed_share).floor() as usize;
    if !disappearing.is_empty() && (going > share.max(1) || going >= total) {
        let lately = if recent > 0 {
            format!(" ({recent} of them within the last hour)")
        } else {
            String::new()
        };
        return Some(format!("would remove {going} of {}{lately}", count(total, "solution")));
    }
    (deletions.len() > settings.max_deletions).then_some(would)
}

/// Solutions removed within the last hour that are not asked for again and that no person
/// approved.
fn recent_removals(
    record: &Record,
    now: Timestamp,
    disappearing: &BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    approved: &BTreeSet<ObjectKey>,
) -> usize {
    let Record::Kept { removals, .. } = record else { return 0 };
    let recent: BTreeSet<&SolutionName> = removals
        .iter()
        .filter(|(name, at)| {
            let namespace = ObjectKey::cluster(Kind::Namespace, name.namespace());
            let is_approved = approved.contains(&namespace);
            now.duration_since(*at) < REMEMBERED && !disappearing.contains_key(name) && !is_approved
        })
        .map(|(name, _)| name)
        .collect();
    recent.len()
}

/// Everything that approvals in force allow. An approval expires for what has not yet begun.
fn approved(observed: &Observed, settings: &BrakeSettings<'_>) -> BTreeSet<ObjectKey> {
    let lives = |approval: &&Approval| {
        let age = settings.now.duration_since(approval.created);
        age < settings.approvals_expire_after
    };
    observed.approvals.values().filter(lives).flat_map(|a| a.deletions.iter().cloned()).collect()
}

/// `1 object`, `2 objects`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
