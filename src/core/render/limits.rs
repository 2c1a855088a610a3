//! The edge's limits, as every kind of edge needs them: which public components share one, and
//! what browsers may do from other pages.

use super::context::Context;
use super::door::prefix;
use crate::catalog::platform::{Controller, EdgeKind};
use crate::catalog::solution::{Component, Exposure};

/// The methods that a page of another origin may use.
pub(super) const CORS_METHODS: [&str; 7] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// How long a browser remembers what it may do, in seconds.
pub(super) const CORS_MAX_AGE: u32 = 600;

impl<'a> Context<'a> {
    /// Who implements the Gateway; `None` where the edge is an Ingress.
    pub fn controller(&self) -> Option<Controller> {
        match &self.platform.edge.kind {
            EdgeKind::Gateway(gateway) => Some(gateway.controller),
            EdgeKind::Ingress { .. } => None,
        }
    }

    /// The components that visitors reach.
    pub fn public(&self) -> impl Iterator<Item = &'a Component> {
        let all = self.solution.components.values().map(|component| &**component);
        all.filter(|c| matches!(c.exposure, Exposure::Public { .. }))
    }

    /// The component whose limits are the solution's: the one at `/`. The others have limits of
    /// their own only where theirs differ, so that a change of one touches nobody else's.
    pub fn foremost(&self) -> Option<&'a Component> {
        self.public().find(|c| prefix(c) == "/").or_else(|| self.public().next())
    }
}

/// The name of the limit `word` of a component: shared, or its own.
pub(super) fn name(word: &str, component: &Component, shared: bool) -> String {
    if shared { word.to_owned() } else { format!("{}-{word}", component.name) }
}
