//! What a solution costs at the platform's prices, and what it takes where there are none.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Platform;
use crate::catalog::platform::{Assumptions, HardwareClass};
use crate::catalog::solution::{Component, Scaling, Solution};
use crate::model::{Quantity, duration};
use crate::render::Phase;

/// A month in hours, and a day in months: a year of 365 days, divided by twelve.
const MONTH: f64 = 730.0;
const DAYS: f64 = 365.0 / 12.0;

/// What a month of a solution costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The currency, by its letters in ISO 4217.
    pub currency: String,
    /// Hours a day that it is awake at the platform's assumptions, 0 to 24; its schedules left out.
    pub awake: f64,
    /// A month of those hours at the least number of copies, in the currency.
    pub expected: f64,
    /// A month in which all copies that its file allows run all the time, in the currency.
    pub most: f64,
    /// What is assumed for `expected`.
    pub assumptions: Assumptions,
    /// Whether its author keeps it awake at certain times, which `expected` does not count.
    pub scheduled: bool,
    /// Classes without a price that parts of it run on: they are in no sum.
    pub unpriced: BTreeSet<String>,
}

/// The bill of a solution; absent if the platform names no price for anything that it runs on.
pub(super) fn of(solution: &Solution, platform: &Platform, phase: Phase) -> Option<Bill> {
    let currency = platform.currency.clone()?;
    let mut bill = Bill {
        currency,
        awake: 0.0,
        expected: 0.0,
        most: 0.0,
        assumptions: platform.assumptions,
        scheduled: false,
        unpriced: BTreeSet::new(),
    };
    let rests = phase != Phase::Live;
    let mut priced = false;
    // A solution wakes as one: its parts are awake as long as the one that is longest.
    let cooldown = solution.components.values().filter_map(|component| match &component.scaling {
        Scaling::Autoscaled { range, cooldown, .. } if range.min() == 0 => Some(*cooldown),
        Scaling::Autoscaled { .. } | Scaling::AlwaysOn { .. } => None,
    });
    let visit = cooldown.max().map(|cooldown| cooldown.max(platform.assumptions.awake_per_visit));
    let visits = f64::from(platform.assumptions.visits_per_day);
    let by_visits = visit.map_or(0.0, |visit| (visits * visit.as_secs_f64() / 3600.0).min(24.0));
    for component in solution.components.values() {
        let class = platform.hardware.get(&component.hardware.class);
        let Some((class, price)) = class.and_then(|class| Some((class, class.price?))) else {
            bill.unpriced.insert(component.hardware.class.clone());
            continue;
        };
        priced = true;
        let hour = price.per_hour() * share(component, class);
        let (least, most, awake) = match &component.scaling {
            Scaling::AlwaysOn { replicas } => (replicas.get(), replicas.get(), 24.0),
            Scaling::Autoscaled { range, schedules, .. } => {
                bill.scheduled |= !schedules.is_empty();
                let awake = if range.min() == 0 { by_visits } else { 24.0 };
                (range.min().max(1), range.max().get(), awake)
            }
        };
        let awake = if rests { 0.0 } else { awake };
        bill.awake = bill.awake.max(awake);
        bill.expected += hour * f64::from(least) * awake * DAYS;
        bill.most += hour * f64::from(most) * MONTH;
    }
    priced.then_some(bill)
}

/// How many times what its class gives a copy asks for; a price is that of what the class gives,
/// and nobody pays for less.
fn share(component: &Component, class: &HardwareClass) -> f64 {
    let ratios = class.requests.iter().filter_map(|(name, given)| {
        let asked = component.requests.get(name)?.as_f64();
        let given = given.as_f64();
        (given > 0.0).then(|| asked / given)
    });
    ratios.fold(1.0, f64::max)
}

/// What all copies together may take: `2 copies: cpu 1, memory 4Gi`.
pub(super) fn resources(solution: &Solution) -> String {
    let mut copies = 0_u32;
    let mut together: BTreeMap<&str, Quantity> = BTreeMap::new();
    for component in solution.components.values() {
        let most = match &component.scaling {
            Scaling::AlwaysOn { replicas } => u32::from(replicas.get()),
            Scaling::Autoscaled { range, .. } => u32::from(range.max().get()),
        };
        copies += most;
        for (name, amount) in &component.requests {
            let amount = *amount * most;
            let sum = together.get(name.as_str()).map_or(amount, |sum| *sum + amount);
            together.insert(name, sum);
        }
    }
    let copies = if copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") };
    let together: Vec<String> =
        together.iter().map(|(name, sum)| format!("{name} {sum}")).collect();
    if together.is_empty() { copies } else { format!("{copies}: {}", together.join(", ")) }
}

impl Bill {
    /// `43.20 EUR a month`
    pub(super) fn at_most(&self) -> String {
        let Self { currency, most, unpriced, .. } = self;
        let mut text = format!("{most:.2} {currency} a month");
        if !unpriced.is_empty() {
            let classes: Vec<&str> = unpriced.iter().map(String::as_str).collect();
            text += &format!(", without {}, which has no price", classes.join(", "));
        }
        text
    }

    /// `1.10 EUR a month at 20 visits a day of 30m each: awake for 10.0 h a day, asleep for 14.0 h`
    pub(super) fn expectation(&self) -> String {
        let Self { currency, expected, awake, assumptions, scheduled, .. } = self;
        let mut text = format!("{expected:.2} {currency} a month");
        if *awake >= 24.0 {
            text += ", awake all day";
        } else {
            let Assumptions { visits_per_day, awake_per_visit } = assumptions;
            let each = duration::text(*awake_per_visit);
            let asleep = 24.0 - awake;
            text += &format!(
                " at {visits_per_day} visits a day of {each} each: awake for {awake:.1} h a day, \
                 asleep for {asleep:.1} h"
            );
        }
        if *scheduled {
            text += "; its schedules not counted";
        }
        text
    }
}
