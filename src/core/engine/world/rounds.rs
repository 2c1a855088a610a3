//! A world in step with the daemon's loop: everything that waits is heard, then the engine is asked
//! once. So two worlds can be held against each other, pass by pass.

use super::World;
use crate::engine::{Event, News, Order};
use crate::model::{Kind, ObjectKey, SolutionName};

impl World {
    /// Everything that was ordered is carried out, everything that waits is heard, and the engine
    /// decides once. Returns the steps that it orders, each with the name of its solution.
    pub fn round(&mut self) -> Vec<(SolutionName, ObjectKey)> {
        while let Some(order) = self.orders.pop_front() {
            self.carry_out(order);
        }
        if self.remote.is_sent() && !self.remote.is_read() {
            self.visit();
        }
        for (id, answer) in std::mem::take(&mut self.answers) {
            self.hear(Event::Answered(id, answer));
        }
        while let Some(event) = self.events.pop_front() {
            self.hear(event);
        }
        let kinds: Vec<Kind> = self.server.untold.keys().copied().collect();
        for kind in kinds {
            let untold = self.server.untold.get_mut(&kind).map(std::mem::take);
            let news: Vec<News> = untold.into_iter().flatten().collect();
            if !news.is_empty() {
                self.hear(Event::Watched(kind, news));
            }
        }
        self.decide();
        let steps = self.orders.iter().filter_map(|order| match order {
            Order::Step { solution, step, .. } => Some((solution.clone(), step.key())),
            _ => None,
        });
        steps.collect()
    }
}
