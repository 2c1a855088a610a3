//! A host that visitors open, and the components behind it, which wake as one.

use std::collections::BTreeSet;

use super::context::Context;
use crate::catalog::solution::{Component, Exposure, Shape};
use crate::model::HostName;

/// A host, its HTTPRoute and the public components behind it (at least one).
pub(super) struct Door<'a> {
    /// The name of its HTTPRoute.
    pub route: String,
    pub components: Vec<&'a Component>,
}

/// What a request meets while its component sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cold {
    /// It waits until the component is ready.
    Hold,
    /// It gets the waking page.
    Page,
}

impl Cold {
    /// The value of the header [`super::interceptor_route::COLD`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Page => "page",
        }
    }
}

/// One way through the interceptor: an InterceptorRoute and the triggers that listen to it.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub component: &'a Component,
    pub cold: Cold,
}

impl Way<'_> {
    /// The name of its InterceptorRoute.
    pub fn name(self) -> String {
        match self.cold {
            Cold::Hold => self.component.name.to_string(),
            Cold::Page => format!("{}-page", self.component.name),
        }
    }
}

impl<'a> Context<'a> {
    /// The hosts that visitors open: one for a solution, one for each configuration.
    pub fn doors(&self) -> Vec<Door<'a>> {
        let public = self.public();
        match self.solution.shape {
            Shape::Configurations => {
                public.map(|c| Door::new(format!("edge-{}", c.name), vec![c])).collect()
            }
            Shape::Single | Shape::Components => {
                let public = public.collect::<Vec<_>>();
                if public.is_empty() {
                    Vec::new()
                } else {
                    vec![Door::new("edge".to_owned(), public)]
                }
            }
        }
    }
}

impl<'a> Door<'a> {
    pub fn new(route: String, components: Vec<&'a Component>) -> Self {
        Self { route, components }
    }

    /// The host names, normally one.
    pub fn hosts(&self) -> BTreeSet<&'a HostName> {
        self.components.iter().filter_map(|c| host(c)).collect()
    }

    /// Whether a header must tell the interceptor which component is meant. A path could not:
    /// the gateway may have rewritten it.
    pub fn is_shared(&self) -> bool {
        self.components.len() > 1
    }

    /// The page that is opened first: of the component that exposes `/`.
    pub fn home(&self) -> &'a str {
        let root = self.components.iter().find(|c| prefix(c) == "/");
        root.map_or("/", |c| c.base_path.as_str())
    }

    /// The component that answers for [`Door::home`]: the one with the longest prefix of it.
    pub fn host_of_home(&self) -> Option<&'a Component> {
        let home = self.home();
        self.components
            .iter()
            .filter(|c| within(home, prefix(c)))
            .max_by_key(|c| prefix(c).len())
            .copied()
    }

    /// Every way through the interceptor, by name. Empty if nothing behind the door sleeps.
    pub fn ways(&self, cx: &Context) -> Vec<Way<'a>> {
        let home = self.host_of_home().map(|c| &c.name);
        let mut ways = Vec::new();
        for component in self.components.iter().copied().filter(|c| cx.interceptor(c).is_some()) {
            ways.push(Way { component, cold: Cold::Hold });
            if home == Some(&component.name) {
                ways.push(Way { component, cold: Cold::Page });
            }
        }
        ways
    }
}

/// The path below which a component answers visitors; `/` without one of its own.
pub(super) fn prefix(component: &Component) -> &str {
    match &component.exposure {
        Exposure::Public { path, .. } => {
            Some(path.as_str().trim_end_matches('/')).filter(|p| !p.is_empty())
        }
        Exposure::Private => None,
    }
    .unwrap_or("/")
}

/// Whether the gateway takes the prefix off before the component sees the path.
pub(super) fn strips(component: &Component) -> bool {
    matches!(component.exposure, Exposure::Public { strip_prefix: true, .. })
        && prefix(component) != "/"
}

fn host(component: &Component) -> Option<&HostName> {
    match &component.exposure {
        Exposure::Public { host, .. } => Some(host),
        Exposure::Private => None,
    }
}

/// Gateway API's PathPrefix: whole segments.
fn within(path: &str, prefix: &str) -> bool {
    prefix == "/" || path.strip_prefix(prefix).is_some_and(|r| r.is_empty() || r.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_whole_segments_only() {
        assert!(within("/", "/"));
        assert!(within("/api", "/api"));
        assert!(within("/api/docs", "/api"));
        assert!(within("/anything", "/"));
        assert!(!within("/apis", "/api"));
        assert!(!within("/", "/api"));
    }
}
