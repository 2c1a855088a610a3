//! What KEDA asks Prometheus: how many requests the edge saw for a host lately.

use super::context::Context;
use super::door::Door;
use super::{http_route, ingress};
use crate::catalog::platform::{Controller, EdgeKind, Gateway, Prometheus};
use crate::catalog::solution::Target;

/// The time over which requests are counted, in seconds: longer than two scrapes, so that even a
/// lone request is seen.
const WINDOW_SECONDS: u64 = 120;

/// The requests of the last two minutes at a door, as one number.
///
/// `rate` would not see the first request of a counter that was not there before, so the sums are
/// subtracted instead. When the edge is not scraped the answer is empty, which is an error and
/// not silence: nothing falls asleep for it.
pub(super) fn query(cx: &Context, door: &Door, prometheus: &Prometheus) -> String {
    let counters = counters(cx, door);
    let seen = |offset: &str| {
        let counters: Vec<_> = counters.iter().map(|c| format!("{c}{offset}")).collect();
        format!("(sum({}) or vector(0))", counters.join(" or "))
    };
    let (now, then) = (seen(""), seen(&format!(" offset {}m", WINDOW_SECONDS / 60)));
    let job = &prometheus.job;
    format!("clamp_min({now} - {then}, 0) and on() (sum(up{{job=\"{job}\"}}) > 0)")
}

/// The requests within the window that one replica is good for. The edge counts requests and not
/// how many are open, so a concurrency is taken for as many requests a second: as if each took
/// one.
pub(super) fn threshold(target: Target) -> u64 {
    let (Target::Concurrency(a_second) | Target::RequestRate(a_second)) = target;
    u64::from(a_second) * WINDOW_SECONDS
}

/// The counters of a door's requests, also of those that found nobody awake.
fn counters(cx: &Context, door: &Door) -> Vec<String> {
    let namespace = cx.solution.name.namespace();
    match &cx.platform.edge.kind {
        EdgeKind::Gateway(gateway) => {
            let routes = one_of(&http_route::names(cx, door));
            vec![match gateway.controller {
                Controller::Traefik => router(&namespace, &routes, gateway),
                Controller::EnvoyGateway => format!(
                    "envoy_cluster_upstream_rq_total{{envoy_cluster_name=~\"httproute/\
                     {namespace}/{routes}/rule/.*\"}}"
                ),
                // Who is not known is counted by the mesh around it.
                Controller::Other => format!(
                    "outbound_http_route_request_statuses_total{{parent_kind=\"Service\",\
                     parent_namespace=\"{namespace}\"}}"
                ),
            }]
        }
        // Prometheus moves a target's own `namespace` aside unless it is told to honour it.
        EdgeKind::Ingress { .. } => ["exported_namespace", "namespace"]
            .map(|label| {
                let ingresses = one_of(&ingress::names(door));
                format!(
                    "nginx_ingress_controller_requests{{{label}=\"{namespace}\",\
                     ingress=~\"{ingresses}\"}}"
                )
            })
            .to_vec(),
    }
}

/// The routers that Traefik makes of routes: one a rule, each with a hash of the rule. Whatever
/// is no letter or digit becomes one dash.
fn router(namespace: &str, routes: &str, gateway: &Gateway) -> String {
    let parent = format!("{}-{}", gateway.namespace, gateway.name);
    let words: Vec<_> =
        parent.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let parent = words.join("-");
    format!(
        "traefik_router_requests_total{{router=~\"httproute-{namespace}-{routes}-gw-{parent}\
         -ep-[0-9A-Za-z-]+-[0-9]+-[0-9a-f]{{20}}@kubernetesgateway\"}}"
    )
}

/// A pattern of exactly these names.
fn one_of(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        many => format!("({})", many.join("|")),
    }
}
