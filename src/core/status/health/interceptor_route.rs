//! InterceptorRoute: has the HTTP add-on seen it? It calls every one ready that it has seen, so that
//! is all that can be known from it.

use super::Answer;
use crate::model::ObjectKey;
use crate::status::Cause;

/// In: whether its condition `Ready` is true.
pub fn interceptor_route(key: &ObjectKey, seen: bool) -> Answer {
    if seen {
        return Answer::Taken;
    }
    Answer::Waiting {
        reason: Cause::AwaitsAddOn.says(format!("waiting for the KEDA HTTP add-on to see {key}")),
        look: "look at the add-on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn an_interceptor_route_is_seen_or_waited_for() {
        let key = ObjectKey::namespaced(Kind::InterceptorRoute, "sol-use", "app");
        assert_eq!(interceptor_route(&key, true), Answer::Taken);
        let Answer::Waiting { reason, .. } = interceptor_route(&key, false) else {
            unreachable!("it was not seen")
        };
        assert_eq!(&*reason, "waiting for the KEDA HTTP add-on to see InterceptorRoute/app");
    }
}
