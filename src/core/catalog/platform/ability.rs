//! What the edge of a platform cannot do. Never silently: whoever asked for it is told.

use super::{Activation, Controller, EdgeKind, Mesh, Platform};

/// Something that a solution may ask of the edge, or of who counts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// The longest that an answer may take: `http.requestTimeout`.
    RequestTimeout,
    /// How often one client may ask: `http.rateLimit`.
    RateLimit,
    /// The largest request: `http.maxRequestBodySize`.
    BodyLimit,
    /// Which other pages may call it from a browser: `http.cors`.
    Cors,
    /// Scaling by how many requests are open.
    Concurrency,
}

/// How the edge falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAble {
    /// Nothing holds the value. The reason, for people.
    Never(&'static str),
    /// Something else holds than was asked for. What, for people.
    Otherwise(&'static str),
}

impl NotAble {
    /// The sentence for people.
    pub fn why(self) -> &'static str {
        match self {
            Self::Never(why) | Self::Otherwise(why) => why,
        }
    }
}

impl Platform {
    /// What nothing at this edge limits for anybody, whatever was asked for or is the default: the
    /// thing, and why.
    pub fn unlimited(&self) -> Vec<(&'static str, &'static str)> {
        let never = |(what, ability)| match self.lacks(ability) {
            Some(NotAble::Never(why)) => Some((what, why)),
            Some(NotAble::Otherwise(_)) | None => None,
        };
        let promised = [
            ("how large a request may be", Ability::BodyLimit),
            ("how many requests a visitor may send", Ability::RateLimit),
            ("how long an answer may take", Ability::RequestTimeout),
        ];
        promised.into_iter().filter_map(never).collect()
    }

    /// How the edge falls short of an ability; `None` if it has it.
    pub(crate) fn lacks(&self, ability: Ability) -> Option<NotAble> {
        use NotAble::{Never, Otherwise};
        if ability == Ability::Concurrency {
            return matches!(self.activation, Activation::Prometheus(_)).then_some(Otherwise(
                "Prometheus counts requests and not how many are open: `concurrency: 10` is taken \
                 for 10 requests a second",
            ));
        }
        let EdgeKind::Gateway(gateway) = &self.edge.kind else { return None };
        match (gateway.controller, ability) {
            (Controller::Traefik, Ability::RequestTimeout) => {
                Some(Never("Traefik ignores a route's timeout: its entry point has one for all"))
            }
            (Controller::Traefik, Ability::BodyLimit) => Some(Never(
                "Traefik can only limit requests by holding back whole requests and answers, \
                 which breaks streaming",
            )),
            (Controller::EnvoyGateway, Ability::RateLimit) => {
                Some(Otherwise("Envoy Gateway counts all visitors of a route together"))
            }
            (Controller::EnvoyGateway, Ability::BodyLimit) => Some(Otherwise(
                "Envoy Gateway limits requests by holding them back whole: no streaming uploads, \
                 no WebSockets",
            )),
            (Controller::Other, Ability::RateLimit) => Some(match self.mesh {
                Mesh::Linkerd(_) => Otherwise("the mesh counts all visitors together"),
                Mesh::Off => Never("an edge with `controller: other` has no rate limits"),
            }),
            (Controller::Other, Ability::BodyLimit) => {
                Some(Never("an edge with `controller: other` has no limit for requests"))
            }
            (Controller::Other, Ability::Cors) => {
                Some(Never("an edge with `controller: other` does not answer for CORS"))
            }
            (Controller::Traefik, Ability::RateLimit | Ability::Cors)
            | (Controller::EnvoyGateway, Ability::RequestTimeout | Ability::Cors)
            | (Controller::Other, Ability::RequestTimeout)
            | (_, Ability::Concurrency) => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::platform::Gateway;
    use crate::model::Domain;

    #[test]
    fn what_nothing_holds_is_told_of_every_edge() {
        let mut platform = Platform::bare(Domain::parse("demo.example").unwrap());
        let mut unlimited = |controller| {
            let gateway = Gateway { controller, ..Gateway::default() };
            platform.edge.kind = EdgeKind::Gateway(gateway);
            platform.unlimited().into_iter().map(|(what, _)| what).collect::<Vec<_>>()
        };
        let (size, rate) = ("how large a request may be", "how many requests a visitor may send");
        assert_eq!(unlimited(Controller::Other), [size, rate]);
        assert_eq!(unlimited(Controller::Traefik), [size, "how long an answer may take"]);
        assert_eq!(unlimited(Controller::EnvoyGateway), [""; 0]);
    }
}
