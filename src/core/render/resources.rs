//! What a container may use. Every container has requests and limits.

use super::amounts::{Amounts, MEMORY, STORAGE};
use super::context::Context;
use super::{mesh, warm_up};
use crate::catalog::solution::Component;
use crate::model::Quantity;

/// What a container gets of the node's disk if nobody says anything.
const STORAGE_REQUEST: Quantity = Quantity::gibibytes(1);
const STORAGE_LIMIT: Quantity = Quantity::gibibytes(5);

/// What every container of one pod of a component takes: the application's, and what runs beside
/// it (a mesh's proxy, a warm-up), so that the quota has room for all of it.
pub(super) fn containers(cx: &Context, component: &Component) -> Vec<Amounts> {
    let beside = mesh::proxy(cx).into_iter().chain(warm_up::amounts(cx, component));
    [application(component)].into_iter().chain(beside).collect()
}

/// What the application takes.
pub(super) fn application(component: &Component) -> Amounts {
    let mut requests = component.requests.clone();
    let mut limits = component.limits.clone();

    if let Some(memory) = requests.get(MEMORY) {
        limits.entry(MEMORY.to_owned()).or_insert(*memory);
    }
    let (request, limit) = storage(requests.get(STORAGE), limits.get(STORAGE));
    requests.insert(STORAGE.to_owned(), request);
    limits.insert(STORAGE.to_owned(), limit);
    // Devices cannot be overcommitted: the API server refuses a request without an equal limit.
    for (name, count) in requests.iter().filter(|(name, _)| is_device(name)) {
        limits.entry(name.clone()).or_insert(*count);
    }
    Amounts { requests, limits }
}

/// Whether the component holds a device, of which a node has few.
pub(super) fn holds_device(component: &Component) -> bool {
    component.requests.keys().chain(component.limits.keys()).any(|name| is_device(name))
}

/// Extended resources have a domain: `nvidia.com/gpu`.
pub(super) fn is_device(resource: &str) -> bool {
    resource.contains('/')
}

/// Request and limit of the node's disk: what is not written bends to what is.
fn storage(request: Option<&Quantity>, limit: Option<&Quantity>) -> (Quantity, Quantity) {
    let least = limit.map_or(STORAGE_REQUEST, |limit| STORAGE_REQUEST.min(*limit));
    let request = *request.unwrap_or(&least);
    (request, limit.copied().unwrap_or_else(|| request.max(STORAGE_LIMIT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_bends_to_the_bound_that_is_written() {
        let gib = Quantity::gibibytes;
        let half = Quantity::mebibytes(512);
        assert_eq!(storage(None, None), (gib(1), gib(5)));
        assert_eq!(storage(None, Some(&half)), (half, half));
        assert_eq!(storage(None, Some(&gib(20))), (gib(1), gib(20)));
        assert_eq!(storage(Some(&gib(8)), None), (gib(8), gib(8)));
        assert_eq!(storage(Some(&half), Some(&gib(1))), (half, gib(1)));
    }
}
