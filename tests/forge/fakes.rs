//! The fakes are as strict as the forges: each hard rule, asked with a plain client.

mod gitea;
mod github;
mod gitlab;

use std::sync::mpsc;
use std::time::Duration;

use futures::future::Either;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use vitrine_core::config::ForgeKind;

use crate::support::forge::{FakeForge, Fault};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";
const UNKNOWN: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// A forge, and somebody who asks it things.
struct Desk {
    forge: FakeForge,
    client: Client,
    kind: ForgeKind,
}

impl Desk {
    async fn open(kind: ForgeKind) -> Self {
        let forge = FakeForge::start(kind, [SHA.to_owned(), OTHER.to_owned()]).await;
        let builder = vitrine::http::builder().timeout(Duration::from_secs(30));
        Self { forge, client: builder.build().unwrap(), kind }
    }

    /// With the token in the header that this forge reads.
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.forge.api_url()));
        let (name, value) = match self.kind {
            ForgeKind::GitHub => ("authorization", format!("Bearer {}", FakeForge::TOKEN)),
            ForgeKind::GitLab => ("private-token", FakeForge::TOKEN.to_owned()),
            ForgeKind::Gitea | ForgeKind::Forgejo => {
                ("authorization", format!("token {}", FakeForge::TOKEN))
            }
        };
        request.header(name, value)
    }

    fn place(&self) -> String {
        match self.kind {
            ForgeKind::GitLab => "/projects/aim%2Fcatalogue".to_owned(),
            ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => {
                "/repos/aim/catalogue".to_owned()
            }
        }
    }

    async fn get(&self, rest: &str) -> (u16, Value) {
        let path = format!("{}{rest}", self.place());
        told(self.ask(Method::GET, &path).send().await.unwrap()).await
    }

    async fn post(&self, sha: &str, body: &Value) -> (u16, Value) {
        told(self.try_post(sha, body).await.unwrap()).await
    }

    async fn try_post(&self, sha: &str, body: &Value) -> reqwest::Result<Response> {
        let path = format!("{}/statuses/{sha}", self.place());
        self.ask(Method::POST, &path).json(body).send().await
    }
}

async fn told(response: Response) -> (u16, Value) {
    let code = response.status().as_u16();
    let text = response.text().await.unwrap();
    (code, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Until it is so. A loaded machine has all the time it needs.
async fn until(is: impl Fn() -> bool) {
    let so = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), so).await.expect("it becomes so");
}

/// A status that every forge takes.
fn ok(kind: ForgeKind, context: &str) -> Value {
    match kind {
        ForgeKind::GitLab => json!({"state": "success", "name": context, "ref": "main"}),
        ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => {
            json!({"state": "success", "context": context})
        }
    }
}

#[tokio::test]
async fn a_renamed_repository_is_told_as_each_forge_tells_it() {
    for (kind, on_get, on_post) in [
        (ForgeKind::GitHub, 301, 307),
        (ForgeKind::GitLab, 301, 405),
        (ForgeKind::Gitea, 301, 301),
        (ForgeKind::Forgejo, 301, 301),
    ] {
        let desk = Desk::open(kind).await;
        desk.forge.rename_repository("aim/new");
        let answer = desk.ask(Method::GET, &desk.place()).send().await.unwrap();
        assert_eq!(answer.status(), on_get, "{kind:?}");
        let to = reqwest::Url::parse(&desk.forge.api_url()).unwrap();
        let to = to.join(&header(&answer, "location")).unwrap();
        let path =
            to.path().strip_prefix(reqwest::Url::parse(&desk.forge.api_url()).unwrap().path());
        let followed = desk.ask(Method::GET, path.unwrap()).send().await.unwrap();
        assert_eq!(followed.status(), 200, "{kind:?}");
        assert_eq!(desk.try_post(SHA, &ok(kind, "a")).await.unwrap().status(), on_post, "{kind:?}");
        assert!(desk.forge.rows().is_empty());
    }
    // A client that follows turns the POST into a GET: the false success.
    let desk = Desk::open(ForgeKind::Gitea).await;
    desk.forge.rename_repository("aim/new");
    let client =
        vitrine::http::builder().redirect(reqwest::redirect::Policy::limited(3)).build().unwrap();
    let url = format!("{}/repos/aim/catalogue/statuses/{SHA}", desk.forge.api_url());
    let request = client.post(url).bearer_auth(FakeForge::TOKEN).json(&ok(desk.kind, "a"));
    assert_eq!(told(request.send().await.unwrap()).await, (200, json!([])));
}

#[tokio::test]
async fn who_may_not_is_told_so_by_every_forge() {
    for kind in ForgeKind::ALL {
        let desk = Desk::open(kind).await;
        assert_eq!(desk.post(SHA, &ok(kind, "a")).await.0, 201, "{kind:?}");
        desk.forge.scope_missing();
        assert_eq!(desk.post(SHA, &ok(kind, "a")).await.0, 403, "{kind:?}");
        assert_eq!(desk.get("").await.0, 200, "{kind:?}");
        desk.forge.no_access();
        assert_eq!(desk.get("").await.0, 404, "{kind:?}");
        desk.forge.revoke_token();
        assert_eq!(desk.get("").await.0, 401, "{kind:?}");
        assert_eq!(desk.forge.rows().len(), 1);
        let place = desk.place().replace("catalogue", "other");
        let desk = Desk::open(kind).await;
        assert_eq!(desk.ask(Method::GET, &place).send().await.unwrap().status(), 404, "{kind:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_goes_wrong_once_and_what_was_stored_stays() {
    for kind in ForgeKind::ALL {
        let desk = Desk::open(kind).await;
        desk.forge.next_write(Fault::StoreThenBreak);
        assert_eq!(desk.get("").await.0, 200, "{kind:?}: a read meets nothing");
        assert!(desk.try_post(SHA, &ok(kind, "a")).await.is_err(), "{kind:?}");
        assert_eq!(desk.forge.rows().len(), 1, "{kind:?}");

        desk.forge.next(Fault::StoreThenHang);
        let body = ok(kind, "b");
        let asked = Box::pin(desk.post(SHA, &body));
        let stored = Box::pin(until(|| desk.forge.rows().len() == 2));
        let met = futures::future::select(asked, stored).await;
        assert!(matches!(met, Either::Right(_)), "{kind:?}");
        assert_eq!(desk.forge.requests().last().unwrap().code, None);

        let headers = vec![("retry-after", "7".to_owned())];
        desk.forge.next(Fault::Status(429, headers, "Retry later".to_owned()));
        desk.forge.next(Fault::Redirect("aim/new".to_owned()));
        let refused = desk.try_post(SHA, &ok(kind, "c")).await.unwrap();
        assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, "7".into()));
        let moved = desk.try_post(SHA, &ok(kind, "c")).await.unwrap();
        assert_eq!(moved.status(), 301);
        assert!(header(&moved, "location").contains("new"), "{kind:?}");
        assert_eq!(desk.forge.rows().len(), 2, "{kind:?}");
        assert_eq!(desk.post(SHA, &ok(kind, "c")).await.0, 201, "{kind:?}");
        assert_eq!(desk.forge.latest(SHA).len(), 3);
    }
}

#[tokio::test]
async fn a_forge_that_is_down_comes_back_with_what_it_had() {
    for kind in ForgeKind::ALL {
        let desk = Desk::open(kind).await;
        assert_eq!(desk.post(SHA, &ok(kind, "a")).await.0, 201);
        desk.forge.down(true);
        assert!(desk.try_post(SHA, &ok(kind, "b")).await.is_err(), "{kind:?}");
        assert!(!desk.forge.knocks().is_empty() || desk.forge.requests().len() == 2, "{kind:?}");
        desk.forge.down(false);
        desk.forge.unavailable(true);
        let answer = desk.try_post(SHA, &ok(kind, "b")).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "retry-after")),
            (503, String::new())
        );
        desk.forge.unavailable(false);
        assert_eq!(desk.post(SHA, &ok(kind, "b")).await.0, 201);
        assert_eq!(desk.forge.latest(SHA).len(), 2);
    }
}

#[tokio::test]
async fn a_trial_delivery_reaches_the_test() {
    for (kind, rest, code) in [
        (ForgeKind::GitHub, "pings", 204),
        (ForgeKind::GitLab, "test/push_events", 201),
        (ForgeKind::Gitea, "tests", 204),
        (ForgeKind::Forgejo, "tests", 204),
    ] {
        let desk = Desk::open(kind).await;
        let id = desk.forge.add_hook("https://vitrine.example/hook/catalogue");
        let (told, heard) = mpsc::channel();
        desk.forge.on_ping(move |id| {
            told.send(id).unwrap();
            (204, String::new())
        });
        let (_, hooks) = desk.get("/hooks").await;
        assert!(hooks.to_string().contains("https://vitrine.example/hook/catalogue"), "{kind:?}");
        for (hook, code) in [(id, code), (id + 1, 404)] {
            let path = format!("{}/hooks/{hook}/{rest}", desk.place());
            let answer = desk.ask(Method::POST, &path).send().await.unwrap();
            assert_eq!(answer.status(), code, "{kind:?}");
        }
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)).unwrap(), id);
        assert_eq!(desk.forge.faults(), [""; 0]);
    }
}

#[tokio::test]
async fn a_word_that_the_api_does_not_have_is_a_fault() {
    for kind in ForgeKind::ALL {
        let desk = Desk::open(kind).await;
        let mut body = ok(kind, "a");
        assert_eq!(desk.post(SHA, &body).await.0, 201);
        assert_eq!(desk.forge.faults(), [""; 0], "{kind:?}");
        body["targetUrl"] = json!("https://x.example");
        assert_eq!(desk.post(SHA, &body).await.0, 201);
        assert!(
            desk.forge.faults()[0].contains("targetUrl"),
            "{kind:?}: {:?}",
            desk.forge.faults()
        );
        let _ = desk.get("?pages=1").await;
        assert!(desk.forge.faults()[1].contains("pages"), "{kind:?}");
        let plain = desk.ask(Method::POST, &format!("{}/statuses/{SHA}", desk.place()));
        let _ = plain.body(ok(kind, "a").to_string()).send().await.unwrap();
        assert!(desk.forge.faults()[2].contains("not said to be JSON"), "{kind:?}");
        let _ = desk.get("/issues").await;
        assert!(desk.forge.faults()[3].contains("no such thing"), "{kind:?}");
    }
}
