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
