//! Leavers: what solutions had on the cluster when their folders went, so that the last line on
//! them can say what went with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ObjectKey, SolutionName};
use crate::plan::{self, Address, Observed, address};
use crate::status::Gone;

/// The solutions that are being removed.
#[derive(Debug, Default)]
pub(super) struct Leavers {
    known: BTreeMap<SolutionName, Leaver>,
}

#[derive(Debug)]
struct Leaver {
    /// Whether its removal began in this life. Of another one nobody knows what went before.
    whole: bool,
    /// Every object of ours that was there since.
    objects: BTreeSet<ObjectKey>,
    /// Where visitors could open it.
    addresses: BTreeSet<Address>,
}

impl Leavers {
    /// The catalogue has a name.
    pub fn stays(&mut self, name: &SolutionName) {
        self.known.remove(name);
    }

    /// The catalogue lacks a name, and this is there of it now. `stood`: it was known while the
    /// catalogue had it.
    pub fn leaves(&mut self, name: &SolutionName, stood: bool, observed: &Observed) {
        let Some(shelf) = observed.solutions.get(name) else { return };
        let new = || Leaver { whole: stood, objects: BTreeSet::new(), addresses: BTreeSet::new() };
        let leaver = self.known.entry(name.clone()).or_insert_with(new);
        for (key, _) in shelf.iter().filter(|(_, live)| live.is_ours()) {
            if !leaver.objects.contains(key) {
                leaver.objects.insert(key.clone());
            }
        }
        leaver.addresses.extend(plan::opened(name, observed));
    }

    /// Nothing of it is left: what went.
    pub fn gone(&mut self, name: &SolutionName) -> Gone {
        let Some(leaver) = self.known.remove(name) else { return Gone::default() };
        Gone {
            objects: leaver.whole.then_some(leaver.objects.len()),
            urls: address::urls(&leaver.addresses),
        }
    }
}
