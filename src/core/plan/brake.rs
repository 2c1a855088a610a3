//! The brake: too much harm at once waits for a person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::address::Address;
use super::approval::Harm;
use super::observed::{Approval, Observed, Record, Removal, Shelf, Went};
use crate::model::{ContentHash, Kind, ObjectKey, SolutionName};

/// How long a removal counts against the share.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// What waits for `vitrine approve <hash>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// [`Harm::hash`] of `harm`: what a person approves.
    pub hash: ContentHash,
    /// Every deletion that is asked for and not approved, and where too many addresses would be
    /// lost, these: what the hash is of.
    pub harm: Harm,
    /// The solutions that would disappear.
    pub disappearing: BTreeSet<SolutionName>,
    /// The solutions that stay but would lose objects; their whole plan is held.
    pub staying: BTreeSet<SolutionName>,
    /// The solutions that stay but would be opened elsewhere; what leads visitors there is held.
    pub moving: BTreeSet<SolutionName>,
    /// In words: `would remove 14 of 40 solutions`.
    pub reason: String,
}

impl Hold {
    /// Whether this deletion waits.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        self.harm.deletions.contains(key)
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

/// What solutions ask to take away.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Solutions that are no longer in the catalogue, with all that is ours of them, as
    /// [`super::deletions()`] found it.
    pub disappearing: BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    /// Solutions that stay, with what is no longer desired of them (superseded config maps with
    /// a hash in their name left out: a routine).
    pub staying: BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    /// Solutions that stay, with the addresses that they are opened at and shall not be any more.
    /// Those that are to sleep by their author's word are left out.
    pub losing: BTreeMap<SolutionName, BTreeSet<Address>>,
}

/// The addresses of a solution that visitors can open now.
pub fn opened(solution: &SolutionName, observed: &Observed) -> BTreeSet<Address> {
    let live = observed.solutions.get(solution).into_iter().flat_map(Shelf::values);
    live.filter(|live| live.is_ours()).filter_map(|live| live.opens()).flatten().cloned().collect()
}

/// What is wished and not approved.
fn open<T: Clone + Ord>(
    wishes: &BTreeMap<SolutionName, BTreeSet<T>>,
    approved: &BTreeSet<T>,
) -> BTreeMap<SolutionName, BTreeSet<T>> {
    let open = wishes.iter().map(|(name, all)| {
        (name.clone(), all.difference(approved).cloned().collect::<BTreeSet<T>>())
    });
    open.filter(|(_, rest)| !rest.is_empty()).collect()
}

/// The solutions whose addresses would move without a person's word for it.
pub fn losers(
    wishes: &Wishes,
    observed: &Observed,
    settings: &BrakeSettings<'_>,
) -> BTreeSet<SolutionName> {
    open(&wishes.losing, &approved(observed, settings).addresses).into_keys().collect()
}

/// Decides whether the harm may be done. `None`: it may.
///
/// Held are more than the configured share of the solutions (at least one may always go or move),
/// all of them going, more objects than the configured number, and every deletion after history was
/// rewritten, the catalogue's root moved, or the daemon lost its memory. What a person approved
/// is not asked again and leaves both sides of the share.
pub fn brake(wishes: &Wishes, observed: &Observed, settings: &BrakeSettings<'_>) -> Option<Hold> {
    let approved = approved(observed, settings);
    let disappearing = open(&wishes.disappearing, &approved.deletions);
    let staying = open(&wishes.staying, &approved.deletions);
    let losing = open(&wishes.losing, &approved.addresses);
    let deletions: BTreeSet<ObjectKey> =
        disappearing.values().chain(staying.values()).flatten().cloned().collect();
    if observed.record == Record::Unread {
        return None; // nothing is done to anybody before it is read: `Gate::Record`
    }

    let share = Count { disappearing: &disappearing, losing: &losing, approved: &approved };
    let share = share.reason(wishes, observed, settings);
    // Few may move whatever else is held.
    let losing = if share.is_some() { losing } else { BTreeMap::new() };
    let reason = reason(&deletions, share, observed, settings)?;
    let harm = Harm { deletions, addresses: losing.values().flatten().cloned().collect() };
    Some(Hold {
        hash: harm.hash(),
        harm,
        disappearing: disappearing.into_keys().collect(),
        staying: staying.into_keys().collect(),
        moving: losing.into_keys().collect(),
        reason,
    })
}

fn reason(
    deletions: &BTreeSet<ObjectKey>,
    share: Option<String>,
    observed: &Observed,
    settings: &BrakeSettings<'_>,
) -> Option<String> {
    if deletions.is_empty() {
        return share;
    }
    let would = format!("would delete {}", count(deletions.len(), "object"));
    match &observed.record {
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
        Record::Unread | Record::Kept { .. } => {}
    }
    if settings.rewritten {
        return Some(format!("{would}, and the branch's history was rewritten"));
    }
    share.or_else(|| too_many_deletions(deletions.len(), settings.max_deletions))
}

/// Why so many deletions at once are held, if they are.
pub fn too_many_deletions(deletions: usize, most: usize) -> Option<String> {
    (deletions > most).then(|| format!("would delete {}", count(deletions, "object")))
}

/// How many solutions somebody would miss, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// They disappear.
    pub going: usize,
    /// They stay, and lose an address.
    pub moving: usize,
    /// All that live.
    pub total: usize,
    /// How many of `going` and `moving` did so within the last hour, before this.
    pub lately: usize,
}

impl Tally {
    /// Why they are too many, if they are: more than the share (at least one may always go or
    /// move), or all of them going.
    pub fn reason(&self, max_removed_share: f64) -> Option<String> {
        self.weighed(max_removed_share, self.going > 0)
    }

    fn weighed(&self, max_removed_share: f64, some_go_now: bool) -> Option<String> {
        let Self { going, moving, total, lately } = *self;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of solutions and a share between 0 and 1"
        )]
        let share = (total as f64 * max_removed_share).floor() as usize;
        let all_go = some_go_now && going >= total;
        if going + moving <= share.max(1) && !all_go {
            return None;
        }
        let total = count(total, "solution");
        let lately = match lately {
            0 => String::new(),
            n => format!(" ({n} of them within the last hour)"),
        };
        Some(match (going, moving) {
            (going, 0) => format!("would remove {going} of {total}{lately}"),
            (0, moving) => format!("would move the addresses of {moving} of {total}{lately}"),
            (going, moving) => format!(
                "would remove {going} and move the addresses of {moving} of {total}{lately}"
            ),
        })
    }
}

/// The solutions that somebody would miss.
struct Count<'a> {
    disappearing: &'a BTreeMap<SolutionName, BTreeSet<ObjectKey>>,
    losing: &'a BTreeMap<SolutionName, BTreeSet<Address>>,
    approved: &'a Harm,
}

impl Count<'_> {
    /// Why they are too many, if they are.
    fn reason(
        &self,
        wishes: &Wishes,
        observed: &Observed,
        settings: &BrakeSettings<'_>,
    ) -> Option<String> {
        if self.disappearing.is_empty() && self.losing.is_empty() {
            return None;
        }
        let recent = |why| self.recent(why, &observed.record, wishes, settings.now);
        let (went, moved) = (recent(Went::Removed), recent(Went::Moved));
        let approved_away = wishes.disappearing.len() - self.disappearing.len();
        // What only carries our label is nobody's solution.
        let lives = |(name, objects): &(&SolutionName, &Shelf)| {
            !name.is_preview() && objects.values().any(|live| live.is_ours())
        };
        let living = observed.solutions.iter().filter(lives).count();
        let tally = Tally {
            going: self.disappearing.len() + went,
            moving: self.losing.len() + moved,
            total: (living + went).saturating_sub(approved_away),
            lately: went + moved,
        };
        // Those of the last hour alone are no reason.
        let some_go_now = !self.disappearing.is_empty();
        tally.weighed(settings.max_removed_share, some_go_now)
    }

    /// Solutions that went so within the last hour, that are not asked for again and that no person
    /// approved.
    fn recent(&self, went: Went, record: &Record, wishes: &Wishes, now: Timestamp) -> usize {
        let Record::Kept { removals, .. } = record else { return 0 };
        let counts = |removal: &&Removal| {
            let Removal { name, at, why } = removal;
            let namespace = ObjectKey::cluster(Kind::Namespace, name.namespace());
            *why == went
                && now.duration_since(*at) < REMEMBERED
                && !wishes.disappearing.contains_key(name)
                && !self.losing.contains_key(name)
                && !self.approved.deletions.contains(&namespace)
        };
        let names = removals.iter().filter(counts).map(|removal| &removal.name);
        names.collect::<BTreeSet<_>>().len()
    }
}

/// Everything that approvals in force allow. An approval expires for what has not yet begun.
fn approved(observed: &Observed, settings: &BrakeSettings<'_>) -> Harm {
    let lives = |approval: &&Approval| {
        let age = settings.now.duration_since(approval.created);
        age < settings.approvals_expire_after
    };
    let mut all = Harm::default();
    for approval in observed.approvals.values().filter(lives) {
        all.deletions.extend(approval.harm.deletions.iter().cloned());
        all.addresses.extend(approval.harm.addresses.iter().cloned());
    }
    all
}

/// `1 object`, `2 objects`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
