//! What a batch of news touched, each thing named once.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::model::{Kind, SolutionName};
use crate::plan::observed::KindState;

/// What a batch of news touched. Each solution, kind and namespace is named once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// An object or a pod of this solution is not as it was.
    Solution(SolutionName),
    /// More or less is known of a kind.
    Kind(Kind, KindState),
    /// The CRD of a kind is another one.
    Definition(Kind),
    /// A namespace, ours or not, is not as it was.
    Namespace(SmolStr),
    /// Approvals came or went.
    Approvals,
    /// The record on the Lease was read.
    Record,
}

/// Collects what a batch touches.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) solutions: BTreeSet<SolutionName>,
    pub(super) kinds: BTreeMap<Kind, KindState>,
    pub(super) definitions: BTreeSet<Kind>,
    pub(super) namespaces: BTreeSet<SmolStr>,
    pub(super) approvals: bool,
    pub(super) record: bool,
    /// ConfigMaps whose approval is to be read.
    pub read: Vec<String>,
}

impl Batch {
    /// Names a solution.
    pub fn solution(&mut self, name: &SolutionName) {
        if !self.solutions.contains(name) {
            self.solutions.insert(name.clone());
        }
    }

    /// Whether an object turned out to be another than it was known to be.
    pub fn is_of_objects(&self) -> bool {
        !self.solutions.is_empty() || !self.namespaces.is_empty() || self.approvals
    }

    /// Takes in what another batch touched.
    pub fn absorb(&mut self, other: Self) {
        let Self { solutions, kinds, definitions, namespaces, approvals, record, read } = other;
        self.solutions.extend(solutions);
        self.kinds.extend(kinds);
        self.definitions.extend(definitions);
        self.namespaces.extend(namespaces);
        self.approvals |= approvals;
        self.record |= record;
        self.read.extend(read);
    }

    /// Everything, in an order that tells of knowledge before events.
    pub fn finish(self) -> Vec<Touched> {
        let mut all = Vec::new();
        all.extend(self.kinds.into_iter().map(|(kind, state)| Touched::Kind(kind, state)));
        all.extend(self.definitions.into_iter().map(Touched::Definition));
        all.extend(self.record.then_some(Touched::Record));
        all.extend(self.approvals.then_some(Touched::Approvals));
        all.extend(self.namespaces.into_iter().map(Touched::Namespace));
        all.extend(self.solutions.into_iter().map(Touched::Solution));
        all
    }
}
