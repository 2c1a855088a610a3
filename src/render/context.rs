//! What every object of a solution is made from, and the two questions that most of them ask.

use std::time::Duration;

use super::Phase;
use super::door::Door;
use crate::catalog::platform::{Activation, Interceptor};
use crate::catalog::solution::{Component, Exposure, Scaling, Shape, Target};
use crate::catalog::{Platform, Solution};
use crate::model::InstanceName;

/// The arguments of [`super::all`].
pub(super) struct Context<'a> {
    pub solution: &'a Solution,
    pub platform: &'a Platform,
    pub instance: &'a InstanceName,
    pub phase: Phase,
}

/// Who decides how many copies of a component run.
pub(super) enum Copies<'a> {
    /// We do.
    Fixed(u16),
    /// KEDA does, between these bounds; the interceptor counts the requests.
    Scaled(Scaled<'a>),
}

/// How KEDA scales a component.
pub(super) struct Scaled<'a> {
    pub interceptor: &'a Interceptor,
    pub min: u16,
    pub max: u16,
    pub cooldown: Duration,
    pub target: Target,
}

impl<'a> Context<'a> {
    /// Who decides how many copies of a component run. Without activation nobody could wake it,
    /// so at least one stays.
    pub fn copies(&self, component: &Component) -> Copies<'a> {
        match (&component.scaling, &self.platform.activation) {
            (Scaling::AlwaysOn { replicas }, _) => Copies::Fixed(replicas.get()),
            (Scaling::Autoscaled { min, .. }, Activation::None | Activation::Prometheus(_)) => {
                Copies::Fixed((*min).max(1))
            }
            (
                Scaling::Autoscaled { min, max, cooldown, target, .. },
                Activation::Interceptor(i),
            ) => Copies::Scaled(Scaled {
                interceptor: i,
                min: *min,
                max: max.get(),
                cooldown: *cooldown,
                target: *target,
            }),
        }
    }

    /// The least and the greatest number of copies that may be wanted of a component.
    pub fn bounds(&self, component: &Component) -> (u16, u16) {
        match self.copies(component) {
            Copies::Fixed(replicas) => (replicas, replicas),
            Copies::Scaled(scaled) => (scaled.min, scaled.max.max(scaled.min)),
        }
    }

    /// How KEDA scales a component, if it does.
    pub fn scaled(&self, component: &Component) -> Option<Scaled<'a>> {
        match self.copies(component) {
            Copies::Fixed(_) => None,
            Copies::Scaled(scaled) => Some(scaled),
        }
    }

    /// Asleep on purpose: nothing wakes it, and its hosts lead to the gallery.
    pub fn rests(&self) -> bool {
        match self.phase {
            Phase::Live => false,
            Phase::Suspended | Phase::Expired => true,
        }
    }

    /// The hosts that visitors open: one for a solution, one for each configuration.
    pub fn doors(&self) -> Vec<Door<'a>> {
        let public = self
            .solution
            .components
            .values()
            .filter(|c| matches!(c.exposure, Exposure::Public { .. }));
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
