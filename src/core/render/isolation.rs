//! What the rendered objects let a solution do, said in words: who can reach it, what it can
//! reach, as whom it runs, what it may store.
//!
//! In: [`Desired`]. Out: [`Isolation`]s. Read from the objects alone, as a cluster would read them,
//! never from the solution that they were rendered from: what a rule forgot shows here. A pair of
//! components is connected only if both ends allow it.

mod network;
mod pods;
mod routes;
mod statement;

use super::Desired;
pub use statement::{Isolation, Peer, Root, Runs};

/// The statement of every component, by name.
pub fn isolation(desired: &Desired) -> Vec<Isolation> {
    let pods = pods::pods(desired);
    let network = network::Network::new(desired, &pods);
    let visitors = routes::visitors(desired);
    let names = pods.keys();
    let statement = |name: &String| {
        let pod = pods.get(name)?;
        let admitted = network.admitted(name);
        let ways = visitors.get(name).into_iter().flatten();
        let open = ways.filter(|way| {
            admitted.contains(&Peer::Anyone)
                || admitted.contains(&Peer::Namespace(way.through.clone()))
        });
        Some(Isolation {
            component: name.clone(),
            visitors: open.map(|way| way.address.clone()).collect(),
            reached_by: admitted,
            reaches: network.reached(name),
            audited: network.is_audited(name),
            runs: pod.runs(),
            stores: pod.stores(),
        })
    };
    names.filter_map(statement).collect()
}
