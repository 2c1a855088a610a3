//! How the CPU time of a first publication grows with the number of solutions.

use std::time::Duration;

use crate::arguments::{On, Workload};
use crate::measure::{IN_FLIGHT, names, publication};
use crate::report::progress;
use crate::subject::Who;

/// One row for each number of solutions.
pub struct Growth {
    pub rows: Vec<Row>,
}

/// The CPU time of both sides.
pub struct Row {
    pub solutions: usize,
    pub bare: Duration,
    pub vitrine: Duration,
    /// Against the row before, as if there were four times as many solutions as there.
    pub bare_grown: Option<f64>,
    pub vitrine_grown: Option<f64>,
}

/// Publishes so many solutions onto a fresh sandbox, each number from both sides.
pub async fn measure(sizes: &[usize]) -> Growth {
    let mut rows: Vec<Row> = Vec::new();
    for solutions in sizes {
        let names = names(*solutions);
        let [in_flight, _] = IN_FLIGHT;
        progress(&format!("{solutions}: bare client"));
        let bare = Who::Bare { workload: Workload::Rendered, in_flight };
        let bare = publication(On::Sandbox, bare, &names).await.cpu;
        progress(&format!("{solutions}: vitrine"));
        let vitrine = publication(On::Sandbox, Who::Vitrine, &names).await.cpu;
        let last = rows.last();
        let grown = |now: Duration, before: fn(&Row) -> Duration| {
            last.map(|last| for_four(last.solutions, before(last), *solutions, now))
        };
        let (bare_grown, vitrine_grown) =
            (grown(bare, |row| row.bare), grown(vitrine, |row| row.vitrine));
        rows.push(Row { solutions: *solutions, bare, vitrine, bare_grown, vitrine_grown });
    }
    Growth { rows }
}

/// What four times as many would cost, if the exponent is the same as between these two.
#[expect(clippy::cast_precision_loss, reason = "so many solutions nobody has")]
fn for_four(few: usize, cost: Duration, many: usize, most: Duration) -> f64 {
    let exponent = (most.as_secs_f64() / cost.as_secs_f64()).ln() / (many as f64 / few as f64).ln();
    4_f64.powf(exponent)
}
