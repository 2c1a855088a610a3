//! What every object of a solution is made from, and the two questions that most of them ask.

use std::time::Duration;

use super::Phase;
use crate::catalog::platform::{Activation, Interceptor, Prometheus};
use crate::catalog::solution::{Component, Range, Scaling, Schedule, Target};
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
    /// KEDA does, between these bounds.
    Scaled(Scaled<'a>),
}

/// How KEDA scales a component.
pub(super) struct Scaled<'a> {
    pub counter: Counter<'a>,
    pub range: Range,
    pub cooldown: Duration,
    pub target: Target,
    pub schedules: &'a [Schedule],
}

/// Who tells KEDA how many requests there are.
#[derive(Clone, Copy)]
pub(super) enum Counter<'a> {
    /// The interceptor, which also holds them: requests go through it.
    Interceptor(&'a Interceptor),
    /// Prometheus, which asks the edge: requests go straight to the Service.
    Prometheus(&'a Prometheus),
}

impl<'a> Context<'a> {
    /// Who decides how many copies of a component run. Without activation nobody could wake it,
    /// so at least one stays.
    pub fn copies(&self, component: &'a Component) -> Copies<'a> {
        let (range, cooldown, target, schedules) = match &component.scaling {
            Scaling::AlwaysOn { replicas } => return Copies::Fixed(replicas.get()),
            Scaling::Autoscaled { range, cooldown, target, schedules } => {
                (*range, *cooldown, *target, schedules)
            }
        };
        let counter = match &self.platform.activation {
            Activation::None => return Copies::Fixed(range.min().max(1)),
            Activation::Interceptor(interceptor) => Counter::Interceptor(interceptor),
            Activation::Prometheus(prometheus) => Counter::Prometheus(prometheus),
        };
        Copies::Scaled(Scaled { counter, range, cooldown, target, schedules })
    }

    /// The least and the greatest number of copies that may be wanted of a component.
    pub fn bounds(&self, component: &'a Component) -> (u16, u16) {
        match self.copies(component) {
            Copies::Fixed(replicas) => (replicas, replicas),
            Copies::Scaled(scaled) => (scaled.range.min(), scaled.range.max().get()),
        }
    }

    /// How KEDA scales a component, if it does.
    pub fn scaled(&self, component: &'a Component) -> Option<Scaled<'a>> {
        match self.copies(component) {
            Copies::Fixed(_) => None,
            Copies::Scaled(scaled) => Some(scaled),
        }
    }

    /// The interceptor that stands before a component, if it sleeps behind one.
    pub fn interceptor(&self, component: &'a Component) -> Option<&'a Interceptor> {
        match self.scaled(component)?.counter {
            Counter::Interceptor(interceptor) => Some(interceptor),
            Counter::Prometheus(_) => None,
        }
    }

    /// Asleep on purpose: nothing wakes it, and its hosts lead to the gallery.
    pub fn rests(&self) -> bool {
        match self.phase {
            Phase::Live => false,
            Phase::Suspended | Phase::Expired => true,
        }
    }
}
