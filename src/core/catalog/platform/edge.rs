//! How requests come in and how sleepers are woken: `edge`, `activation`, `mesh`, `monitoring`,
//! and which of their words exclude each other.

use super::names::object_name;
use super::{
    Activation, Controller, EdgeKind, Interceptor, Mesh, MeshPolicy, Monitoring, Platform,
    Prometheus,
};
use crate::catalog::fault::code;
use crate::model::decode::{Cursor, Fields};
use crate::model::yaml::Span;

/// Reads all four, and judges them together.
pub fn edge(spec: &Fields<'_>, platform: &mut Platform) {
    let written = spec.get("edge").and_then(|c| c.fields());
    if let Some(fields) = &written {
        kind(fields, platform);
    }
    let mode = spec.get("activation").and_then(|c| activation(&c, platform));
    if let Some(fields) = spec.get("mesh").and_then(|c| c.fields()) {
        platform.mesh = mesh(&fields);
    }
    if let Some(cursor) = spec.or_null("monitoring") {
        platform.monitoring = monitoring(&cursor);
    }
    let edge = written.as_ref().and_then(|fields| fields.place("kind"));
    let controller = written.as_ref().and_then(|fields| fields.place("controller"));
    exclusions(spec, platform, edge, controller, mode);
}

fn kind(fields: &Fields<'_>, platform: &mut Platform) {
    let ingress = fields.get("kind").and_then(|c| c.word()).is_some_and(|w| w.value == "Ingress");
    let controller = fields.get("controller").and_then(|c| c.word()).map(|w| w.value);
    if let EdgeKind::Gateway(gateway) = &mut platform.edge.kind {
        gateway.controller = match controller {
            Some("traefik") => Controller::Traefik,
            Some("envoy-gateway") => Controller::EnvoyGateway,
            _ => Controller::Other,
        };
    }
    if let Some(fields) = fields.get("gateway").and_then(|c| c.fields()) {
        gateway(&fields, platform);
    }
    let class = fields.get("ingressClassName");
    if ingress {
        let class = class.and_then(|c| object_name(&c)).unwrap_or_else(|| "nginx".to_owned());
        platform.edge.kind = EdgeKind::Ingress { class };
        if let (Some("traefik" | "envoy-gateway"), Some(at)) =
            (controller, fields.place("controller"))
        {
            let message = "`kind: Ingress` speaks to ingress-nginx, `controller` names another";
            let fault = fields.sheet.fault(code::SWITCHES_EXCLUDE, at, message);
            fields.sheet.report(fault.help("take `controller` out, or write kind: Gateway"));
        }
    } else if let Some(class) = class {
        class.text();
        let message = "`ingressClassName` belongs to `kind: Ingress`";
        let fault = fields.sheet.fault(code::SWITCHES_EXCLUDE, class.key, message);
        fields.sheet.report(fault.help("take it out, or write kind: Ingress"));
    }
}

fn gateway(fields: &Fields<'_>, platform: &mut Platform) {
    let edge = &mut platform.edge;
    if let EdgeKind::Gateway(gateway) = &mut edge.kind {
        if let Some(name) = fields.get("name").and_then(|c| object_name(&c)) {
            gateway.name = name;
        }
        if let Some(namespace) = fields.get("namespace").and_then(|c| object_name(&c)) {
            edge.data_plane_namespace.clone_from(&namespace);
            gateway.namespace = namespace;
        }
        gateway.section_name = fields.or_null("sectionName").and_then(|c| object_name(&c));
    }
    let Some(fields) = fields.get("dataPlane").and_then(|c| c.fields()) else { return };
    if let Some(namespace) = fields.get("namespace").and_then(|c| object_name(&c)) {
        edge.data_plane_namespace = namespace;
    }
    edge.data_plane_service_account =
        fields.or_null("serviceAccount").and_then(|c| object_name(&c));
}

/// Reads `activation`; the place of its mode.
fn activation(cursor: &Cursor<'_>, platform: &mut Platform) -> Option<Span> {
    let fields = cursor.fields()?;
    let mode = fields.get("mode").and_then(|c| c.word());
    let mut interceptor = Interceptor::default();
    let names = fields.get("interceptor").and_then(|c| c.fields());
    if let Some(names) = &names {
        for (key, name) in [
            ("namespace", &mut interceptor.namespace),
            ("service", &mut interceptor.service),
            ("serviceAccount", &mut interceptor.service_account),
            ("scaler", &mut interceptor.scaler),
        ] {
            if let Some(written) = names.get(key).and_then(|c| object_name(&c)) {
                *name = written;
            }
        }
    }
    if let Some(hold) = fields.get("holdRequestsFor").and_then(|c| c.time()) {
        interceptor.hold_requests_for = hold.value;
    }
    let prometheus = fields.get("prometheus").and_then(|c| prometheus(&c));
    platform.interceptor = names.is_some().then(|| interceptor.clone());
    platform.activation = match mode.as_ref().map(|mode| mode.value) {
        Some("none") => Activation::None,
        Some("prometheus") => match prometheus {
            Some(prometheus) => Activation::Prometheus(prometheus),
            None => {
                if !fields.has("prometheus") {
                    let message = "`spec.activation` lacks `prometheus`".to_owned();
                    let help = "add prometheus: {serverAddress: \"http://prometheus.monitoring:9090\", job: traefik}";
                    cursor.sheet.missing("prometheus", fields.key, message, help, None);
                }
                Activation::None
            }
        },
        _ => {
            platform.interceptor = Some(interceptor.clone());
            Activation::Interceptor(interceptor)
        }
    };
    Some(mode.map_or(cursor.key, |mode| mode.at))
}

fn prometheus(cursor: &Cursor<'_>) -> Option<Prometheus> {
    let fields = cursor.fields()?;
    let address = fields.required("serverAddress").and_then(|c| {
        let text = c.line()?.value;
        let ok = url::Url::parse(&text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !ok {
            if text.contains('@') {
                c.sheet.mask(&c.spanned(text.clone()));
            }
            let help = "write http://<service>.<namespace>:9090, without a user";
            let message = format!("`{text}` is not the address of a server");
            c.sheet.report(c.fault(code::BAD_TEXT, message).help(help));
        }
        ok.then_some(text)
    });
    let job = fields.required("job").and_then(|c| {
        let text = c.line()?.value;
        // It stands between quotes in a query.
        if text.contains(['"', '\\']) {
            c.say(code::BAD_TEXT, format!("`{}` must not contain quotes", c.path));
            return None;
        }
        Some(text)
    });
    Some(Prometheus { server_address: address?, job: job? })
}

fn mesh(fields: &Fields<'_>) -> Mesh {
    let policy = match fields.get("policy").and_then(|c| c.word()).map(|word| word.value) {
        Some("audit") => MeshPolicy::Audit,
        _ => MeshPolicy::Deny,
    };
    match fields.get("kind").and_then(|c| c.word()).map(|word| word.value) {
        Some("linkerd") => Mesh::Linkerd(policy),
        _ => Mesh::Off,
    }
}

fn monitoring(cursor: &Cursor<'_>) -> Option<Monitoring> {
    let fields = cursor.fields()?;
    let namespace = fields.required("namespace").and_then(|c| object_name(&c));
    let service_account = fields.or_null("serviceAccount").and_then(|c| object_name(&c));
    let pod_monitors = fields.get("podMonitors").and_then(|c| c.boolean());
    Some(Monitoring {
        namespace: namespace?,
        service_account,
        pod_monitors: pod_monitors.is_some_and(|written| written.value),
    })
}

/// A mesh that refuses strangers must know the edge by its account: visitors would otherwise be
/// strangers. Where the interceptor stands before everything its account is enough; the gateway
/// itself calls only what is always awake, and the platform's limits may rule that out. To be asked
/// when these are read.
pub fn strangers(spec: &Fields<'_>, platform: &Platform) {
    let named = platform.edge.data_plane_service_account.is_some();
    if named || platform.mesh != Mesh::Linkerd(MeshPolicy::Deny) {
        return;
    }
    let awake = match &platform.activation {
        Activation::Interceptor(_) if platform.limits.min_replicas == 0 => return,
        Activation::Interceptor(_) => "a solution that is always awake",
        Activation::Prometheus(_) | Activation::None => "any solution",
    };
    let message = format!(
        "the mesh refuses the gateway, whose account is not named: nobody could \
                           reach {awake}"
    );
    let at = spec.place("mesh").unwrap_or(spec.key);
    let fault = spec.sheet.fault(code::SWITCHES_EXCLUDE, at, message);
    spec.sheet.report(fault.help(
        "name the account of the gateway's pods: edge: {gateway: {dataPlane: {serviceAccount: \
         ...}}}; until then write policy: audit",
    ));
}

/// Words that are right each, and wrong together. Told at the mode, because it is the mode that
/// the edge cannot serve.
fn exclusions(
    spec: &Fields<'_>,
    platform: &mut Platform,
    edge: Option<Span>,
    controller: Option<Span>,
    mode: Option<Span>,
) {
    let other = matches!(
        &platform.edge.kind,
        EdgeKind::Gateway(gateway) if gateway.controller == Controller::Other
    );
    let ingress = matches!(platform.edge.kind, EdgeKind::Ingress { .. });
    let (at, message, help) = match &platform.activation {
        Activation::Interceptor(_) if ingress => (
            mode.or(edge),
            "an Ingress cannot lead to the interceptor, which lies in another namespace",
            "write activation: {mode: none} or {mode: prometheus, ...}, or edge: {kind: Gateway}",
        ),
        Activation::Prometheus(_) if other => (
            mode.or(controller),
            "nobody counts the requests of an edge with `controller: other`",
            "name the controller (traefik or envoy-gateway), or write mode: interceptor",
        ),
        Activation::Interceptor(_) | Activation::Prometheus(_) | Activation::None => return,
    };
    let fault = spec.sheet.fault(code::SWITCHES_EXCLUDE, at.unwrap_or(spec.key), message);
    spec.sheet.report(fault.help(help));
}
