//! Git over HTTP as forges serve it: `git http-backend` behind a door that can be shut, guarded by a
//! token, or made to say something else.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::Engine as _;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, header};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As `git http-backend` does.
    Well,
    /// This status and nothing else, as to somebody whose rights were taken away.
    Says(u16),
    /// 500, as when its disk is full.
    Broken,
    /// 200 with a web page, as a login or a proxy does.
    WebPage,
    /// As for a repository without any ref.
    NoRefs,
    /// Half of every answer that carries objects.
    CutShort,
    /// Nothing, ever, where the answer would carry objects.
    NoObjects,
    /// 429, with so many seconds in `Retry-After`.
    Later(u32),
}

/// Serves every repository in a folder. Runs on threads of its own until it is dropped.
pub struct GitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Never listens: nobody else gets the port while the server is down.
    _keeper: TcpSocket,
    door: Mutex<Door>,
    /// Taken by `Drop`: a runtime cannot wait for its end inside another one.
    runtime: Option<Runtime>,
}

/// A port that refuses connections is kept all the same: it is bound, but nobody listens.
enum Door {
    Open(JoinHandle<()>),
    Shut(TcpSocket),
}

struct Shared {
    root: PathBuf,
    /// What `Authorization` has to say.
    wanted: Option<String>,
    /// Holds one repository without refs.
    empty: TempDir,
    manner: Mutex<Manner>,
    requests: Mutex<Vec<String>>,
    /// When each of them came.
    times: Mutex<Vec<Instant>>,
}

impl GitServer {
    /// Serves the repositories in `root` to everyone.
    pub fn over(root: &Path) -> Self {
        Self::start(root, None)
    }

    /// Serves them to those who have the token.
    pub fn with_token(root: &Path, token: &str) -> Self {
        let pair = format!("x-access-token:{token}");
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        Self::start(root, Some(format!("Basic {pair}")))
    }

    fn start(root: &Path, wanted: Option<String>) -> Self {
        let empty = tempfile::tempdir().unwrap();
        let mut init = Command::new("git");
        let made = init.args(["init", "-q", "--bare"]).arg(empty.path()).status().unwrap();
        assert!(made.success(), "git cannot make a repository");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let keeper = bound("127.0.0.1:0".parse().unwrap());
        let address = keeper.local_addr().unwrap();
        let socket = bound(address);
        let server = Self {
            address,
            _keeper: keeper,
            shared: Arc::new(Shared {
                root: root.to_owned(),
                wanted,
                empty,
                manner: Mutex::new(Manner::Well),
                requests: Mutex::default(),
                times: Mutex::default(),
            }),
            door: Mutex::new(Door::Shut(socket)),
            runtime: Some(runtime),
        };
        server.come_back();
        server
    }

    /// The address of the repository in the folder `name`.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Answers differently from now on.
    pub fn turn(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// Refuses connections from now on. Whatever is under way is finished.
    pub fn go_down(&self) {
        let mut door = self.door.lock().unwrap();
        if let Door::Open(task) = &*door {
            task.abort();
            while !task.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            *door = Door::Shut(bound(self.address));
        }
    }

    /// Listens, at the first time or again, at the same address.
    pub fn come_back(&self) {
        let runtime = self.runtime.as_ref().unwrap();
        let _entered = runtime.enter();
        let mut door = self.door.lock().unwrap();
        if let Door::Open(_) = &*door {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let shared = Arc::clone(&shared);
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let answer = tokio::task::spawn_blocking(move || shared.answer(&head, &body));
                answer.await.unwrap()
            }
        });
        // A port cannot be bound twice, so the waiting socket is the one that listens.
        let spare = tokio::net::TcpSocket::new_v4().unwrap();
        let Door::Shut(socket) = std::mem::replace(&mut *door, Door::Shut(spare)) else {
            unreachable!("it was open a moment ago");
        };
        let listener = socket.listen(64).unwrap();
        *door = Door::Open(runtime.spawn(async move { axum::serve(listener, app).await.unwrap() }));
    }

    /// What was asked, oldest first: `GET /catalogue/info/refs?service=git-upload-pack`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// When that was asked.
    pub fn times(&self) -> Vec<Instant> {
        self.shared.times.lock().unwrap().clone()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Beside others that are bound so.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

impl Shared {
    fn answer(&self, head: &Parts, body: &Bytes) -> Response {
        self.times.lock().unwrap().push(Instant::now());
        self.requests.lock().unwrap().push(format!("{} {}", head.method, head.uri));
        let said = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        if self.wanted.is_some() && said(header::AUTHORIZATION) != self.wanted.as_deref() {
            let mut refusal = reply(StatusCode::UNAUTHORIZED, "text/plain", "who are you?");
            refusal
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, "Basic realm=\"git\"".parse().unwrap());
            return refusal;
        }
        let manner = *self.manner.lock().unwrap();
        match manner {
            Manner::Says(status) => {
                reply(StatusCode::from_u16(status).unwrap(), "text/plain", "not for you")
            }
            Manner::Broken => {
                reply(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "no space left")
            }
            Manner::Later(seconds) => {
                let mut later = reply(StatusCode::TOO_MANY_REQUESTS, "text/plain", "not now");
                later.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                later
            }
            Manner::WebPage => {
                reply(StatusCode::OK, "text/html; charset=utf-8", "<html><h1>Sign in</h1></html>")
            }
            Manner::NoRefs => {
                let (_, tail) = head.uri.path().trim_start_matches('/').split_once('/').unwrap();
                backend(self.empty.path(), &format!("/{tail}"), head, body).into_response()
            }
            Manner::Well => backend(&self.root, head.uri.path(), head, body).into_response(),
            Manner::CutShort => {
                let mut answer = backend(&self.root, head.uri.path(), head, body);
                if answer.body.windows(4).any(|w| w == b"PACK") {
                    answer.body.truncate(answer.body.len() / 2);
                }
                answer.into_response()
            }
            Manner::NoObjects => {
                let answer = backend(&self.root, head.uri.path(), head, body);
                while answer.body.windows(4).any(|w| w == b"PACK") {
                    std::thread::park();
                }
                answer.into_response()
            }
        }
    }
}

fn reply(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        // So that no connection outlives a shut door.
        .header(header::CONNECTION, "close")
        .body(body.into())
        .unwrap()
}

/// What the CGI program said.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn into_response(self) -> Response {
        let mut response = reply(self.status, "text/plain", self.body);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Runs `git http-backend` as the CGI program that it is.
fn backend(root: &Path, path: &str, head: &Parts, body: &[u8]) -> Answer {
    let said = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", path)
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REMOTE_USER", "vitrine") // whoever has a name may push
        .env("CONTENT_TYPE", said("content-type"))
        .env("HTTP_CONTENT_ENCODING", said("content-encoding"))
        .env("GIT_PROTOCOL", said("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may answer before it has read everything.
        scope.spawn(move || input.write_all(body));
        child.wait_with_output().unwrap().stdout
    });
    let split = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let lines = String::from_utf8_lossy(&output[..split]).into_owned();
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        match name {
            "Status" => status = value[..3].parse().unwrap(),
            "Content-Length" => {}
            _ => {
                let name = header::HeaderName::try_from(name).unwrap();
                headers.append(name, value.parse().unwrap());
            }
        }
    }
    Answer { status, headers, body: output[split + 4..].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::catalogue::Catalogue;

    fn listed(url: &str) -> (bool, String) {
        let mut git = Command::new("git");
        git.args(["ls-remote", url, "refs/heads/main"]).env("GIT_TERMINAL_PROMPT", "0");
        let done = git.output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    }

    #[test]
    fn a_git_server_can_be_shut_and_opened_and_made_to_lie() {
        let catalogue = Catalogue::of(&["one"]);
        let server = GitServer::over(catalogue.path().parent().unwrap());
        let url = server.url("catalogue");
        assert!(listed(&url).1.starts_with(catalogue.head().as_str()));
        server.go_down();
        assert!(!listed(&url).0, "it still answers");
        server.come_back();
        assert!(listed(&url).0, "it does not come back");
        server.turn(Manner::NoRefs);
        assert_eq!(listed(&url), (true, String::new()));
        for manner in [Manner::Broken, Manner::WebPage] {
            server.turn(manner);
            assert_eq!(listed(&url).1, "", "{manner:?}");
        }
    }

    #[test]
    fn a_git_server_lets_in_who_has_the_token() {
        let catalogue = Catalogue::of(&["one"]);
        let server = GitServer::with_token(catalogue.path().parent().unwrap(), "open-sesame");
        let url = server.url("catalogue");
        assert!(!listed(&url).0);
        assert!(!listed(&url.replace("http://", "http://x-access-token:wrong@")).0);
        assert!(listed(&url.replace("http://", "http://x-access-token:open-sesame@")).0);
    }
}
