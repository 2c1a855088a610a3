//! What a rendered solution promises, one test a promise.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_core::catalog::platform::{Activation, Controller, EdgeKind};
use vitrine_core::catalog::solution::{Component, Exposure, RateLimit, Scaling, Shape, Target};
use vitrine_core::catalog::{Platform, Solution};
use vitrine_core::model::{ContentHash, FieldSet, Kind, Revision, marks};
use vitrine_core::plan::is_routine;
use vitrine_core::render::{self, Body, Desired, DesiredObject, Phase, Wave};

use super::fixtures::{
    DOMAIN, cases, component, components, configurations, controlled_by, copies, instance,
    keep_awake, mount, part_comparer, platform, prometheus, single, solution, strip,
};

pub fn live(solution: &Solution) -> Desired {
    on(solution, &platform(), Phase::Live)
}

pub fn on(solution: &Solution, platform: &Platform, phase: Phase) -> Desired {
    render::all(solution, platform, &instance(), phase)
}

pub fn find<'a>(desired: &'a Desired, kind: Kind, name: &str) -> &'a DesiredObject {
    let found = desired.objects.iter().find(|o| o.key.kind == kind && o.key.name == name);
    found.unwrap_or_else(|| panic!("no {kind}/{name}"))
}

pub fn of_kind(desired: &Desired, kind: Kind) -> impl Iterator<Item = &Arc<DesiredObject>> {
    desired.objects.iter().filter(move |o| o.key.kind == kind)
}

fn triggers(desired: &Desired, name: &str) -> Vec<String> {
    let list = find(desired, Kind::ScaledObject, name).body["spec"]["triggers"].clone();
    list.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

/// A platform whose Gateway is implemented by this one.
fn behind(controller: Controller) -> Platform {
    let mut platform = platform();
    controlled_by(&mut platform, controller);
    platform
}

/// A platform with an Ingress, on which nothing sleeps.
fn behind_nginx() -> Platform {
    let mut platform = platform();
    platform.edge.kind = EdgeKind::Ingress { class: "nginx".to_owned() };
    platform.activation = Activation::None;
    platform
}

#[test]
fn a_route_passes_only_middlewares_that_come_before_it() {
    for case in cases() {
        let mut platform = case.platform.clone();
        controlled_by(&mut platform, Controller::Traefik);
        let desired = on(&case.solution, &platform, Phase::Live);
        for route in of_kind(&desired, Kind::HttpRoute) {
            for rule in route.body["spec"]["rules"].as_array().unwrap() {
                let filters = rule["filters"].as_array().into_iter().flatten();
                let named = filters.filter(|f| f["type"] == "ExtensionRef");
                let named = named.map(|f| f["extensionRef"]["name"].as_str().unwrap());
                let named = named.collect::<Vec<_>>();
                let leads_on = rule.get("backendRefs").is_some();
                let limited = named.iter().any(|name| name.ends_with("rate-limit"));
                assert_eq!(leads_on, limited, "{}: {rule:#}", case.name);
                for name in named {
                    assert!(find(&desired, Kind::Middleware, name).wave < route.wave);
                }
                assert!(rule.get("timeouts").is_none(), "Traefik would ignore it");
            }
        }
    }
}

#[test]
fn a_policy_of_envoy_names_routes_and_rules_that_are_there() {
    for case in cases() {
        let mut platform = case.platform.clone();
        controlled_by(&mut platform, Controller::EnvoyGateway);
        let desired = on(&case.solution, &platform, Phase::Live);
        for policy in of_kind(&desired, Kind::BackendTrafficPolicy) {
            let targets = policy.body["spec"]["targetRefs"].as_array().unwrap();
            assert!(!targets.is_empty(), "{}: {}", case.name, policy.key);
            for target in targets {
                let route = find(&desired, Kind::HttpRoute, target["name"].as_str().unwrap());
                let rules = route.body["spec"]["rules"].as_array().unwrap();
                let rule = &target["sectionName"];
                assert!(rule.is_null() || rules.iter().any(|r| r["name"] == *rule), "{target}");
                assert!(policy.wave < route.wave);
            }
        }
    }
}

#[test]
fn another_limit_of_one_component_touches_nobody_elses() {
    let changed = |platform: &Platform| {
        let old = part_comparer();
        let mut new = part_comparer();
        let api = new.components.values_mut().find(|c| c.name.as_str() == "api").unwrap();
        api.http.rate_limit = RateLimit { requests_per_second: 1, burst: 2 };
        let (old, new) = (on(&old, platform, Phase::Live), on(&new, platform, Phase::Live));
        let known = old.objects.iter().map(|o| (&o.key, &o.content)).collect::<BTreeSet<_>>();
        let changed = new.objects.iter().filter(|o| !known.contains(&(&o.key, &o.content)));
        changed.map(|o| o.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        changed(&behind(Controller::Traefik)),
        ["Middleware/api-rate-limit", "HTTPRoute/edge"]
    );
    assert_eq!(changed(&behind(Controller::EnvoyGateway)), ["BackendTrafficPolicy/edge-api"]);
    assert_eq!(changed(&behind_nginx()), ["Ingress/edge-api"]);
    assert!(changed(&behind(Controller::Other)).is_empty(), "it has no limits");
}

/// To know a request's size Envoy holds it back whole, which breaks streaming: never for a
/// default that nobody asked for.
#[test]
fn envoy_holds_requests_back_only_for_who_asked() {
    let buffer = |asked: bool| {
        let solution = single("use", |app| app.http.body_limit_asked = asked);
        let desired = on(&solution, &behind(Controller::EnvoyGateway), Phase::Live);
        find(&desired, Kind::BackendTrafficPolicy, "edge").body["spec"]["requestBuffer"].clone()
    };
    assert_eq!(buffer(false), Value::Null);
    assert_eq!(buffer(true), json!({ "limit": "10Mi" }));
}

#[test]
fn an_ingress_takes_the_place_of_every_route() {
    for case in cases() {
        let desired = on(&case.solution, &behind_nginx(), Phase::Live);
        for absent in [Kind::HttpRoute, Kind::ReferenceGrant, Kind::Middleware] {
            assert_eq!(of_kind(&desired, absent).count(), 0, "{}: {absent}", case.name);
        }
        let mut served = BTreeSet::new();
        for ingress in of_kind(&desired, Kind::Ingress) {
            for rule in ingress.body["spec"]["rules"].as_array().unwrap() {
                for path in rule["http"]["paths"].as_array().unwrap() {
                    let at = (rule["host"].to_string(), path["path"].to_string());
                    assert!(served.insert(at), "{}: two Ingresses for one path", case.name);
                    let service = path["backend"]["service"]["name"].as_str().unwrap();
                    find(&desired, Kind::Service, service);
                }
            }
        }
        assert!(!served.is_empty());
    }
}

/// nginx tries patterns from the longest text to the shortest and takes the first that matches.
#[test]
fn among_nginx_patterns_the_longest_prefix_still_wins() {
    let desired = on(
        &components(
            "manual",
            &[
                ("web", Some("/"), &[], |_| {}),
                ("v1", Some("/v1.0"), &[], strip),
                ("deep", Some("/v1.0/x"), &[], |_| {}),
            ],
        ),
        &behind_nginx(),
        Phase::Live,
    );
    let mut paths = Vec::new();
    for ingress in of_kind(&desired, Kind::Ingress) {
        let annotations = &ingress.body["metadata"]["annotations"];
        assert_eq!(annotations["nginx.ingress.kubernetes.io/use-regex"], "true");
        for path in ingress.body["spec"]["rules"][0]["http"]["paths"].as_array().unwrap() {
            let service = path["backend"]["service"]["name"].as_str().unwrap().to_owned();
            paths.push((path["path"].as_str().unwrap().to_owned(), service));
        }
    }
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let path = |path: &str, service: &str| (path.to_owned(), service.to_owned());
    assert_eq!(
        paths,
        [path(r"/v1\.0/x(/|$)(.*)", "deep"), path(r"/v1\.0(/|$)(.*)", "v1"), path("/", "web"),]
    );
}

#[test]
fn prometheus_counts_at_the_door_and_the_route_leads_straight_to_the_service() {
    let mut platform = behind(Controller::Traefik);
    platform.activation = Activation::Prometheus(prometheus());
    let desired = on(&part_comparer(), &platform, Phase::Live);
    for absent in [Kind::InterceptorRoute, Kind::ReferenceGrant] {
        assert_eq!(of_kind(&desired, absent).count(), 0, "{absent}");
    }
    assert_eq!(triggers(&desired, "web"), ["visits"]);
    assert_eq!(triggers(&desired, "api"), ["visits"]);
    assert_eq!(triggers(&desired, "compare"), ["public"]);
    let route = find(&desired, Kind::HttpRoute, "edge").body.to_string();
    assert!(!route.contains("keda") && !route.contains("X-Vitrine"), "{route}");
    let trigger = &find(&desired, Kind::ScaledObject, "web").body["spec"]["triggers"][0];
    assert_eq!(trigger["metadata"]["ignoreNullValues"], "false");
    assert_eq!(trigger["metadata"]["activationThreshold"], "0");
    let deployment = find(&desired, Kind::Deployment, "web");
    assert!(deployment.body["spec"].get("replicas").is_none());
}

/// Ten a second are 1200 within the window of two minutes; ten at once count as ten a second.
#[test]
fn a_target_is_so_many_requests_within_the_window() {
    let mut platform = behind(Controller::Traefik);
    platform.activation = Activation::Prometheus(prometheus());
    for target in [Target::RequestRate(10), Target::Concurrency(10)] {
        let solution = single("use", |app| {
            let Scaling::Autoscaled { target: own, .. } = &mut app.scaling else { return };
            *own = target;
        });
        let desired = on(&solution, &platform, Phase::Live);
        let trigger = &find(&desired, Kind::ScaledObject, "app").body["spec"]["triggers"][0];
        assert_eq!(trigger["metadata"]["threshold"], "1200");
    }
}

#[test]
fn routes_that_a_door_needs_more_of_are_all_counted() {
    let host = format!("many.{DOMAIN}");
    let parts = (0..20).map(|n| {
        let path = if n == 0 { "/".to_owned() } else { format!("/part/{n}") };
        component(&format!("part{n}"), Some((&host, &path)))
    });
    let many = solution("many", Shape::Components, parts);
    let mut platform = behind(Controller::Traefik);
    platform.activation = Activation::Prometheus(prometheus());
    let desired = on(&many, &platform, Phase::Live);
    let triggers = &find(&desired, Kind::ScaledObject, "part7").body["spec"]["triggers"];
    let query = triggers[0]["metadata"]["query"].as_str().unwrap();
    assert!(query.contains("httproute-sol-many-(edge|edge-2)-gw-edge-public-ep-"), "{query}");
}

#[test]
fn hours_wake_everybody_behind_the_door_and_private_ones_follow() {
    let desired = live(&components(
        "office",
        &[
            ("web", Some("/"), &["store"], |c| keep_awake(c, "0 8 * * *", 3)),
            ("api", Some("/api"), &[], |_| {}),
            ("store", None, &[], |_| {}),
            ("alone", None, &[], |_| {}),
        ],
    ));
    let hours = |name: &str| {
        let triggers = &find(&desired, Kind::ScaledObject, name).body["spec"]["triggers"];
        let all = triggers.as_array().unwrap().iter().filter(|t| t["type"] == "cron");
        all.map(|t| t["metadata"]["desiredReplicas"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(hours("web"), ["3"]);
    assert_eq!(hours("api"), ["1"], "awake is enough");
    for private in ["store", "alone"] {
        assert_eq!(triggers(&desired, private), ["public"], "nobody calls `alone`");
    }
}

#[test]
fn the_same_hours_are_kept_once() {
    let solution = components(
        "office",
        &[
            ("web", Some("/"), &[], |c| keep_awake(c, "0 8 * * *", 1)),
            ("api", Some("/api"), &[], |c| keep_awake(c, "0 8 * * *", 2)),
        ],
    );
    let desired = live(&solution);
    for (name, replicas) in [("web", "1"), ("api", "2")] {
        let spec = &find(&desired, Kind::ScaledObject, name).body["spec"]["triggers"];
        let hours = spec.as_array().unwrap().iter().filter(|t| t["type"] == "cron");
        let hours = hours.map(|t| &t["metadata"]["desiredReplicas"]).collect::<Vec<_>>();
        assert_eq!(hours, [replicas], "{name}");
    }
}

#[test]
fn a_configuration_keeps_its_own_hours_only() {
    let mut solution = configurations();
    let pumps = solution.components.values_mut().find(|c| c.name.as_str() == "pumps").unwrap();
    keep_awake(pumps, "0 8 * * *", 1);
    let desired = live(&solution);
    assert_eq!(triggers(&desired, "pumps"), ["pumps", "pumps-page", "edge-schedule-1"]);
    assert_eq!(triggers(&desired, "spindles"), ["spindles", "spindles-page"]);
}

#[test]
fn a_solution_wakes_as_one() {
    let desired = live(&part_comparer());
    assert_eq!(triggers(&desired, "web"), ["api", "web", "web-page"]);
    assert_eq!(triggers(&desired, "api"), triggers(&desired, "web"));
    let follower = &find(&desired, Kind::ScaledObject, "compare").body["spec"]["triggers"];
    assert_eq!(follower[0]["type"], "kubernetes-workload");
    assert_eq!(follower[0]["metadata"]["podSelector"], "vitrine.dev/exposure=public");
    assert_eq!(follower.as_array().unwrap().len(), 1, "a follower listens to nothing else");
}

#[test]
fn each_configuration_sleeps_on_its_own() {
    let desired = live(&configurations());
    assert_eq!(triggers(&desired, "pumps"), ["pumps", "pumps-page"]);
    assert_eq!(triggers(&desired, "spindles"), ["spindles", "spindles-page"]);
}

#[test]
fn every_trigger_names_an_interceptor_route_that_is_rendered() {
    for case in cases() {
        let desired = case.render();
        let routes = of_kind(&desired, Kind::InterceptorRoute)
            .map(|o| o.key.name.as_str())
            .collect::<BTreeSet<_>>();
        for scaled in of_kind(&desired, Kind::ScaledObject) {
            for trigger in scaled.body["spec"]["triggers"].as_array().unwrap() {
                if trigger["type"] == "external-push" {
                    let route = trigger["metadata"]["interceptorRoute"].as_str().unwrap();
                    assert!(routes.contains(route), "{}: {route}", case.name);
                }
            }
        }
    }
}

/// What the gateway sends to the interceptor is what some InterceptorRoute waits for; else the
/// visitor gets a 404.
#[test]
fn the_gateway_sets_the_headers_that_the_interceptor_matches() {
    for case in cases() {
        let desired = case.render();
        let waited = of_kind(&desired, Kind::InterceptorRoute)
            .map(|o| {
                let rule = &o.body["spec"]["rules"][0];
                (rule["hosts"].clone(), rule["headers"].clone())
            })
            .collect::<Vec<_>>();
        for route in of_kind(&desired, Kind::HttpRoute) {
            for rule in route.body["spec"]["rules"].as_array().unwrap() {
                if rule["backendRefs"][0]["namespace"] != "keda" {
                    continue;
                }
                let set = rule["filters"][0]["requestHeaderModifier"]["set"].clone();
                let sent = (route.body["spec"]["hostnames"].clone(), set);
                assert!(waited.contains(&sent), "{}: nobody waits for {sent:?}", case.name);
            }
        }
    }
}

#[test]
fn suspension_deletes_nothing_and_rolls_nothing() {
    for case in cases() {
        let awake = on(&case.solution, &case.platform, Phase::Live);
        let asleep = on(&case.solution, &case.platform, Phase::Suspended);
        let keys = |d: &Desired| d.objects.iter().map(|o| o.key.clone()).collect::<BTreeSet<_>>();
        assert_eq!(keys(&awake), keys(&asleep), "{}", case.name);
        for deployment in of_kind(&awake, Kind::Deployment) {
            let after = find(&asleep, Kind::Deployment, &deployment.key.name);
            assert_eq!(deployment.template, after.template, "{}", case.name);
        }
    }
}

#[test]
fn a_suspended_solution_runs_nothing_and_leads_to_the_gallery() {
    for case in cases() {
        let desired = on(&case.solution, &case.platform, Phase::Suspended);
        for deployment in of_kind(&desired, Kind::Deployment) {
            let replicas = &deployment.body["spec"]["replicas"];
            assert!(replicas.is_null() || replicas == 0, "{}: {replicas}", case.name);
        }
        for scaled in of_kind(&desired, Kind::ScaledObject) {
            let annotations = &scaled.body["metadata"]["annotations"];
            assert_eq!(annotations["autoscaling.keda.sh/paused-replicas"], "0");
        }
        for route in of_kind(&desired, Kind::HttpRoute) {
            let rules = &route.body["spec"]["rules"];
            let redirect = &rules[0]["filters"][0]["requestRedirect"];
            assert_eq!(redirect["hostname"], json!(format!("gallery.{DOMAIN}")));
            assert_eq!(
                redirect["path"]["replaceFullPath"],
                json!(format!("/r/{}", case.solution.name))
            );
            assert!(rules[0].get("backendRefs").is_none());
            assert_eq!(route.wave, Wave::Protection, "a redirect waits for no back end");
        }
        for ingress in of_kind(&desired, Kind::Ingress) {
            let annotations = &ingress.body["metadata"]["annotations"];
            let page = format!("https://gallery.{DOMAIN}/r/{}", case.solution.name);
            assert_eq!(annotations["nginx.ingress.kubernetes.io/temporal-redirect"], page);
            assert_eq!(ingress.wave, Wave::Protection);
        }
    }
}

#[test]
fn an_expired_solution_is_rendered_like_a_suspended_one() {
    for case in cases() {
        assert_eq!(
            on(&case.solution, &case.platform, Phase::Suspended),
            on(&case.solution, &case.platform, Phase::Expired)
        );
    }
}

#[test]
fn a_route_to_a_component_comes_last() {
    for case in cases() {
        let desired = on(&case.solution, &case.platform, Phase::Live);
        let routed = desired
            .objects
            .iter()
            .filter(|o| matches!(o.key.kind, Kind::HttpRoute | Kind::Ingress))
            .filter(|o| !o.body.to_string().contains("gallery."));
        for route in routed {
            assert_eq!(route.wave, Wave::Route, "{}", case.name);
        }
        let waves = desired.objects.iter().map(|o| o.wave).collect::<Vec<_>>();
        assert!(waves.is_sorted(), "{}: {waves:?}", case.name);
    }
}

#[test]
fn more_rules_than_a_route_can_hold_go_into_a_second_one() {
    let host = format!("many.{DOMAIN}");
    let parts = (0..20).map(|n| {
        let path = if n == 0 { "/".to_owned() } else { format!("/part/{n}") };
        component(&format!("part{n}"), Some((&host, &path)))
    });
    let many = solution("many", Shape::Components, parts);
    let desired = live(&many);
    let routes = of_kind(&desired, Kind::HttpRoute).collect::<Vec<_>>();
    let names = routes.iter().map(|r| r.key.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["edge", "edge-2"]);
    let rules = routes.iter().flat_map(|r| r.body["spec"]["rules"].as_array().unwrap());
    let paths = rules.map(|rule| rule["matches"][0]["path"].to_string()).collect::<BTreeSet<_>>();
    assert_eq!(paths.len(), 21, "20 prefixes and the page");
    for route in routes {
        assert!(route.body["spec"]["rules"].as_array().unwrap().len() <= 16);
    }
    let asleep = on(&many, &platform(), Phase::Suspended);
    assert_eq!(of_kind(&asleep, Kind::HttpRoute).count(), 2, "suspension deletes nothing");
}

#[test]
fn a_change_of_activation_never_cuts_a_living_route() {
    let desired = live(&single("use", |_| {}));
    let from = find(&desired, Kind::NetworkPolicy, "allow-edge").body["spec"]["ingress"][0]["from"]
        .to_string();
    assert!(from.contains(r#""kubernetes.io/metadata.name":"edge""#), "{from}");
    assert!(from.contains(r#""kubernetes.io/metadata.name":"keda""#), "{from}");
}

#[test]
fn without_activation_nothing_sleeps() {
    let mut platform = platform();
    platform.activation = Activation::None;
    let desired = on(&part_comparer(), &platform, Phase::Live);
    for deployment in of_kind(&desired, Kind::Deployment) {
        assert_eq!(deployment.body["spec"]["replicas"], 1);
    }
    for absent in [Kind::ScaledObject, Kind::InterceptorRoute, Kind::ReferenceGrant] {
        assert_eq!(of_kind(&desired, absent).count(), 0, "{absent}");
    }
}

#[test]
fn a_component_that_scales_keeps_its_own_replicas_out_of_ours() {
    let desired = live(&single("use", |_| {}));
    let deployment = find(&desired, Kind::Deployment, "app");
    assert!(deployment.body["spec"].get("replicas").is_none());
}

#[test]
fn a_new_tag_of_the_same_image_rolls_nothing() {
    let image = |image: &str| {
        let desired = live(&single("use", |app| app.image = super::fixtures::image(image)));
        let deployment = find(&desired, Kind::Deployment, "app");
        let pod = &deployment.body["spec"]["template"]["spec"];
        (pod["containers"][0]["image"].clone(), deployment.template.clone())
    };
    let digest = format!("sha256:{}", "a".repeat(64));
    let old = image(&format!("registry.example:5000/nlp/use:1.4.0@{digest}"));
    let new = image(&format!("registry.example:5000/nlp/use:1.5.0@{digest}"));
    assert_eq!(old.0, json!(format!("registry.example:5000/nlp/use@{digest}")));
    assert_eq!(old, new);
    let bare = image(&format!("registry.example:5000/nlp/use@{digest}"));
    assert_eq!(old, bare);
}

#[test]
fn a_changed_file_is_another_config_map_and_rolls_the_pods() {
    let with = |text: &'static [u8]| {
        live(&single("use", |app| {
            app.files.insert(mount("/config/a"), Arc::from(text));
        }))
    };
    let name = |d: &Desired| {
        let mut maps = of_kind(d, Kind::ConfigMap).map(|o| o.key.name.clone());
        maps.find(|name| name.starts_with("app-files-")).unwrap()
    };
    let (old, new) = (with(b"one"), with(b"two"));
    assert_ne!(name(&old), name(&new));
    let template = |d: &Desired| find(d, Kind::Deployment, "app").template.clone();
    assert_ne!(template(&old), template(&new));
    assert_eq!(name(&old), name(&with(b"one")));
}

#[test]
fn a_variable_that_the_author_wrote_wins_over_ours() {
    let desired = live(&components(
        "use",
        &[
            ("web", Some("/"), &["part-index", "other"], |c| {
                c.env.insert("PART_INDEX_URL".to_owned(), "http://mine".to_owned());
            }),
            ("part-index", None, &[], |_| {}),
            ("other", None, &[], |_| {}),
        ],
    ));
    let pod = &find(&desired, Kind::Deployment, "web").body["spec"]["template"]["spec"];
    assert_eq!(
        pod["containers"][0]["env"],
        json!([
            { "name": "OTHER_URL", "value": "http://other" },
            { "name": "PART_INDEX_URL", "value": "http://mine" },
        ])
    );
}

#[test]
fn another_title_touches_the_page_alone() {
    let old = part_comparer();
    let mut new = part_comparer();
    new.title = "Another".to_owned();
    let (old, new) = (live(&old), live(&new));
    let changed = old.objects.iter().zip(&new.objects).filter(|(a, b)| a.content != b.content);
    let changed = changed.map(|(a, _)| a.key.to_string()).collect::<Vec<_>>();
    assert_eq!(changed, ["ConfigMap/cold-start-page"]);
}

#[test]
fn the_commit_is_in_the_body_that_is_sent_and_in_no_hash() {
    let revision = Revision::parse(&"4be1".repeat(10)).unwrap();
    for case in cases() {
        for object in &case.render().objects {
            let sent = Body::of(object).with_marks(&revision, None);
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            assert_eq!(sent["metadata"]["annotations"][marks::REVISION], revision.as_str());
            assert!(!object.body.to_string().contains(marks::REVISION));
            assert_eq!(FieldSet::owned(object.key.kind, &sent), *object.fields);

            let mut before = object.body.clone();
            let metadata = before["metadata"].as_object_mut().unwrap();
            let annotations = metadata["annotations"].as_object_mut().unwrap();
            let content = annotations.remove(marks::CONTENT);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
            assert_eq!(content, Some(Value::from(object.content.to_string())));
            assert_eq!(object.content, ContentHash::of(before.to_string().as_bytes()));
        }
    }
}

#[test]
fn a_private_component_has_no_way_in_but_its_callers() {
    let desired = live(&part_comparer());
    let into_compare = of_kind(&desired, Kind::NetworkPolicy).filter(|policy| {
        let spec = &policy.body["spec"];
        spec.get("ingress").is_some()
            && spec["podSelector"]["matchLabels"][marks::COMPONENT] == "compare"
    });
    let names = into_compare.map(|policy| policy.key.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["called-compare--api"]);
    let edge = &find(&desired, Kind::NetworkPolicy, "allow-edge").body["spec"]["podSelector"];
    assert_eq!(edge["matchLabels"], json!({ "vitrine.dev/exposure": "public" }));
    let pod = &find(&desired, Kind::Deployment, "compare").body["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"]["vitrine.dev/exposure"], "private");
}

/// A sleeping solution beside an always-on one: the public one needs no waker, and the private
/// one follows it and so stays awake.
#[test]
fn an_always_on_component_is_reached_without_the_interceptor() {
    let always = |c: &mut Component| c.scaling = Scaling::AlwaysOn { replicas: copies(1) };
    let desired = live(&single("use", always));
    for absent in [Kind::ScaledObject, Kind::InterceptorRoute, Kind::ReferenceGrant] {
        assert_eq!(of_kind(&desired, absent).count(), 0, "{absent}");
    }
    let rules = &find(&desired, Kind::HttpRoute, "edge").body["spec"]["rules"];
    assert_eq!(rules[0]["backendRefs"][0]["name"], "app");
    assert_eq!(of_kind(&desired, Kind::ConfigMap).count(), 0, "nobody needs the waking page");
}

#[test]
fn a_start_up_budget_reaches_the_probe_and_the_roll_out_deadline() {
    let desired = live(&single("use", |app| app.startup = Duration::from_secs(481)));
    let spec = &find(&desired, Kind::Deployment, "app").body["spec"];
    let probe = &spec["template"]["spec"]["containers"][0]["startupProbe"];
    assert_eq!((&probe["periodSeconds"], &probe["failureThreshold"]), (&json!(1), &json!(481)));
    assert_eq!(spec["progressDeadlineSeconds"], 1081);
}

#[test]
fn every_config_map_but_the_page_is_replaced_by_a_roll_out() {
    let mut seen = 0;
    for case in cases() {
        let desired = on(&case.solution, &case.platform, Phase::Live);
        for object in of_kind(&desired, Kind::ConfigMap) {
            let is_page = object.key.name == "cold-start-page";
            assert_eq!(is_routine(&object.key), !is_page, "{}", object.key);
            seen += usize::from(!is_page);
        }
    }
    assert!(seen > 3, "{seen}");
}

/// Prints the time for whoever looks (`--nocapture`); no clock decides whether it passes.
#[test]
fn a_thousand_solutions_are_rendered() {
    let solutions = (0..1000).map(|n| {
        let name = format!("solution-{n}");
        let mut one = part_comparer();
        one.name = vitrine_core::model::SolutionName::parse(&name).unwrap();
        let own = super::fixtures::domain().solution(&one.name);
        for component in one.components.values_mut() {
            if let Exposure::Public { host, .. } = &mut component.exposure {
                host.clone_from(&own);
            }
        }
        one
    });
    let (solutions, platform) = (solutions.collect::<Vec<_>>(), platform());
    let start = Instant::now();
    let objects = solutions.iter().flat_map(|s| on(s, &platform, Phase::Live).objects);
    let keys = objects.map(|o| o.key.clone()).collect::<BTreeSet<_>>();
    println!("{} objects of 1000 solutions in {:?}", keys.len(), start.elapsed());
    assert_eq!(keys.len(), 1000 * live(&part_comparer()).objects.len());
}
