//! What goes wrong on request, and how it is told.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::*;
use crate::{Cause, Denial, Fault, Meets, Refusal, Verb, Which};
use vitrine_core::model::{Kind, ObjectKey};

fn plan(sandbox: &Sandbox, fault: Fault) {
    sandbox.faults(|faults| faults.planned.push(fault));
}

fn teapot() -> Meets {
    Meets::Refusal(Refusal::new(418, "Teapot", "short and stout"))
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::namespaced(Kind::ConfigMap, "p", name)
}

async fn raw(sandbox: &Sandbox, uri: &str) -> std::io::Result<http::Response<crate::answer::Body>> {
    let request = http::Request::get(uri).header("user-agent", "curl/8").body(()).unwrap();
    sandbox.answer(Request::read(&request.into_parts().0, Vec::new().into())).await
}

#[tokio::test]
async fn a_refusal_is_told_with_its_code_reason_causes_and_retry_after() {
    let s = sandbox();
    let cause = Cause {
        reason: "FieldValueInvalid",
        message: "no".to_owned(),
        field: "spec.replicas".to_owned(),
    };
    let refusal = Refusal::new(503, "ServiceUnavailable", "later").because_of(&[cause]);
    plan(&s, Fault::new(Which::any(), Meets::Refusal(refusal.try_again_after(3))));
    let answer = raw(&s, MAPS).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "3");
    let (_, status) = get(&s, MAPS).await;
    assert_eq!((&status["reason"], &status["code"]), (&json!("ServiceUnavailable"), &json!(503)));
    assert_eq!(status["message"], "later");
    assert_eq!(
        status["details"],
        json!({"retryAfterSeconds": 3, "causes": [
            {"reason": "FieldValueInvalid", "message": "no", "field": "spec.replicas"}]})
    );
}

#[tokio::test]
async fn requests_are_chosen_by_verb_kind_namespace_name_and_subresource() {
    let s = sandbox();
    s.create("t", map_in("p", "one")).unwrap();
    let one = format!("{MAPS}/one");
    let body = map("one", json!({"a": "b"}));
    for (which, met, not_met) in [
        (Which::any().verbs(&[Verb::Get]), ("GET", one.as_str()), ("GET", MAPS)),
        (Which::any().verbs(&[Verb::List]), ("GET", MAPS), ("GET", one.as_str())),
        (Which::any().verbs(&[Verb::Create]), ("POST", MAPS), ("PATCH", one.as_str())),
        (Which::any().verbs(&Verb::WRITES), ("PATCH", one.as_str()), ("DELETE", one.as_str())),
        (Which::any().kind(Kind::ConfigMap), ("GET", MAPS), ("GET", DEPLOYMENTS)),
        (
            Which::any().resource("leases", "coordination.k8s.io"),
            ("GET", "/apis/coordination.k8s.io/v1/namespaces/p/leases"),
            ("GET", MAPS),
        ),
        (Which::any().inside("p*"), ("GET", MAPS), ("GET", "/api/v1/namespaces/q/configmaps")),
        (
            Which::any().named("o*e"),
            ("GET", one.as_str()),
            ("GET", "/api/v1/namespaces/p/configmaps/ones"),
        ),
        // What is created has its name in its body.
        (Which::any().named("one"), ("POST", MAPS), ("GET", MAPS)),
        (
            Which::any().through("status"),
            ("GET", "/apis/apps/v1/namespaces/p/deployments/d/status"),
            ("GET", "/apis/apps/v1/namespaces/p/deployments/d"),
        ),
    ] {
        s.faults(|faults| faults.planned = vec![Fault::new(which.clone(), teapot())]);
        for ((method, uri), expected) in [(met, true), (not_met, false)] {
            let method: Method = method.parse().unwrap();
            let sent = if method == Method::GET { Value::Null } else { body.clone() };
            let kind = "application/merge-patch+json";
            let (code, _) = send(&s, method.clone(), uri, kind, &sent).await;
            assert_eq!(code == 418, expected, "{which:?}: {method} {uri}: {code}");
        }
    }
}

fn map_in(namespace: &str, name: &str) -> Value {
    let mut object = map(name, json!({}));
    object["metadata"]["namespace"] = json!(namespace);
    object
}

#[tokio::test]
async fn a_fault_is_met_so_often_and_then_the_next_one_is() {
    let s = sandbox();
    plan(&s, Fault::new(Which::any().kind(Kind::ConfigMap), teapot()).times(2));
    plan(&s, Fault::new(Which::any(), Meets::Refusal(Refusal::bad_request("no"))).times(1));
    s.faults(|f| f.internal = 1);
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(get(&s, MAPS).await.0);
    }
    assert_eq!(codes, [418, 418, 400, 500, 200]);
}

#[tokio::test]
async fn delays_add_up_and_what_hangs_never_answers() {
    let s = sandbox();
    s.faults(|f| f.latency = Duration::from_millis(20));
    plan(&s, Fault::new(Which::any(), Meets::Delay(Duration::from_millis(40))));
    plan(&s, Fault::new(Which::any(), teapot()).times(1));
    let begun = Instant::now();
    assert_eq!(get(&s, MAPS).await.0, 418);
    assert!(begun.elapsed() >= Duration::from_millis(60), "{:?}", begun.elapsed());
    plan(&s, Fault::new(Which::any().verbs(&[Verb::Patch]), Meets::Hang).times(1));
    let body = map("a", json!({}));
    let uri = format!("{MAPS}/a?fieldManager=m");
    assert!(timeout(Duration::from_millis(300), apply(&s, &uri, &body)).await.is_err());
    assert_eq!(s.get(&key("a")), None, "what hangs is not carried out");
    let next = timeout(Duration::from_secs(20), apply(&s, &uri, &body)).await;
    assert_eq!(next.expect("the fault is used up").0, 201);
}

#[tokio::test]
async fn the_http_door_closes_where_an_answer_is_lost_and_the_write_stays() {
    let s = sandbox();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = s.serve(listener);
    let body = map("a", json!({})).to_string();
    let request = format!(
        "POST {MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    for (meets, carried_out) in [(Meets::Unreached, false), (Meets::LostAnswer, true)] {
        plan(&s, Fault::new(Which::any().verbs(&[Verb::Create]), meets.clone()).times(1));
        let request = request.clone();
        let heard = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut heard = Vec::new();
            let closed = stream.read_to_end(&mut heard).map_err(|why| why.kind());
            assert!(matches!(closed, Ok(_) | Err(ErrorKind::ConnectionReset)), "{closed:?}");
            heard
        });
        let heard = heard.await.unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), "", "{meets:?}");
        assert_eq!(s.get(&key("a")).is_some(), carried_out, "{meets:?}");
    }
    door.abort();
}

#[tokio::test]
async fn a_watch_is_cut_after_a_while_and_a_list_is_not() {
    let s = sandbox();
    plan(&s, Fault::new(Which::any(), Meets::Cut(Duration::from_millis(50))));
    assert_eq!(get(&s, MAPS).await.0, 200);
    s.create("t", map_in("p", "one")).unwrap();
    let watch = raw(&s, &format!("{MAPS}?watch=true&resourceVersion=0")).await.unwrap();
    let mut body = watch.into_body();
    let begun = Instant::now();
    let first = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(first.data_ref().unwrap()).contains("ADDED"));
    let last = http_body_util::BodyExt::frame(&mut body).await.unwrap();
    assert_eq!(last.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert!(begun.elapsed() >= Duration::from_millis(40), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_denial_meets_the_object_and_not_its_status() {
    let s = sandbox();
    s.faults(|f| {
        f.denials.push(Denial {
            kind: Kind::Deployment,
            namespace: Some("p".to_owned()),
            code: 422,
            reason: "Invalid",
            message: "denied".to_owned(),
        });
    });
    let (code, status) = post(&s, DEPLOYMENTS, &deployment(None)).await;
    assert_eq!((code, &status["message"]), (422, &json!("denied")));
    let mut body = deployment(None);
    body["metadata"]["namespace"] = json!("p");
    s.create("t", body).unwrap();
    let status = json!({"status": {"replicas": 1}});
    assert_eq!(merge(&s, &format!("{DEPLOYMENTS}/d/status"), &status).await.0, 200);
    assert_eq!(merge(&s, &format!("{DEPLOYMENTS}/d"), &json!({})).await.0, 422);
}
