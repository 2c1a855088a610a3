//! A repository made by the git program, a place for the mirror, and servers to read it from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::git::remote::{Limits, Remote};
use crate::git::{Inner, Source};
use vitrine_core::config::Repository;
use vitrine_core::model::Revision;

pub const SOLUTION: &str = "kind: Solution\n";

/// A folder that goes away, with a work tree `work` and room for a mirror.
pub struct Scene {
    pub folder: tempfile::TempDir,
}

impl Scene {
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(scene.work()).unwrap();
        scene.git(&["init", "-q", "-b", "main"]);
        scene
    }

    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.work(), arguments)
    }

    pub fn put(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits a tree that was made by hand, as the new tip of `main`.
    pub fn commit_tree(&self, tree: &str) {
        let commit = self.git(&["commit-tree", "-m", "by hand", tree]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    pub fn commit(&self) -> Revision {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.head()
    }

    /// Empty commits, oldest first.
    pub fn many_commits(&self, count: usize) -> Vec<Revision> {
        let commit = "commit refs/heads/main\ncommitter A <a@example> 1700000000 +0000\ndata 0\n\n";
        let stream = self.file("stream", &commit.repeat(count));
        self.shell(&format!("git fast-import --quiet < {}", stream.display()));
        let list = self.git(&["rev-list", "--reverse", "main"]);
        list.lines().map(|line| Revision::parse(line).unwrap()).collect()
    }

    /// Runs a line in the work tree and gives back what it printed.
    pub fn shell(&self, line: &str) -> String {
        let output =
            Command::new("sh").current_dir(self.work()).args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn head(&self) -> Revision {
        Revision::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
    }

    /// A commit with one solution `use`.
    pub fn published(&self) -> Revision {
        self.put("use/solution.yaml", SOLUTION);
        self.commit()
    }

    pub fn settings(&self, url: &str) -> Repository {
        Repository {
            url: url.to_owned(),
            branch: "main".to_owned(),
            path: ".".to_owned(),
            poll: None,
            auth: None,
            ca_file: None,
            mirror: self.folder.path().join("mirror"),
        }
    }

    pub fn local(&self) -> Repository {
        self.settings(self.work().to_str().unwrap())
    }

    pub fn open(&self) -> Source {
        Source::open(&self.local()).unwrap()
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program of one shell line.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@example", "-c", "gc.auto=0"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Short waits, so that a test of a silent server ends.
pub fn impatient() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        read: Duration::from_secs(1),
        total: Duration::from_secs(20),
        bytes: 8 << 20,
        room: 0,
    }
}

pub fn open_with(settings: &Repository, limits: Limits) -> Source {
    let mut inner = Inner::open(settings).unwrap();
    inner.remote = Remote::with_limits(settings, limits).unwrap();
    Source::new(inner)
}

/// What a server got: the first line, the headers in lower case, and the body.
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut request = Self { line, headers: Vec::new(), body: Vec::new() };
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            request.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

/// An HTTP server that answers each connection once, with whatever bytes the test wants.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<AtomicUsize>,
    pub lines: Arc<Mutex<Vec<String>>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Server {
    pub fn new(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(None, answer)
    }

    pub fn start(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(tls, move |request, stream| {
            let _ = stream.write_all(&answer(request));
        })
    }

    /// A server that decides itself when to write what.
    pub fn streaming(answer: impl Fn(&Request, &mut dyn Write) + Send + Sync + 'static) -> Self {
        Self::listen(None, answer)
    }

    fn listen(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Request, &mut dyn Write) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (count, log, answer) = (requests.clone(), lines.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (count, log, answer) = (count.clone(), log.clone(), answer.clone());
                let tls = tls.clone();
                std::thread::spawn(move || {
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(tls) => Box::new(rustls::StreamOwned::new(
                            rustls::ServerConnection::new(tls).unwrap(),
                            stream,
                        )),
                    };
                    let mut stream = BufReader::new(stream);
                    if let Some(request) = Request::read(&mut stream) {
                        count.fetch_add(1, Ordering::SeqCst);
                        log.lock().unwrap().push(request.line.trim().to_owned());
                        answer(&request, stream.get_mut());
                        let _ = stream.get_mut().flush();
                    }
                });
            }
        });
        Self { address, requests, lines }
    }

    /// Serves the scene's repository by `git http-backend`; with a token if there is one.
    pub fn git(scene: &Scene, token: Option<&str>) -> Self {
        let root = scene.folder.path().to_owned();
        scene.git(&["config", "http.receivepack", "true"]);
        let wanted = token.map(|token| {
            use base64::Engine;
            let pair = format!("x-access-token:{token}");
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        });
        Self::new(move |request| {
            if wanted.is_some() && request.header("authorization") != wanted.as_deref() {
                return reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"no");
            }
            http_backend(&root, request)
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

pub fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Runs `git http-backend` as the CGI program that it is.
pub fn http_backend(root: &Path, request: &Request) -> Vec<u8> {
    let mut words = request.line.split_whitespace();
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", "vitrine")
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = std::thread::spawn(move || input.write_all(&body));
    let output = child.wait_with_output().unwrap().stdout;
    let _ = writer.join();
    let split = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let headers: String = head
        .lines()
        .filter(|line| !line.starts_with("Status") && !line.starts_with("Content-Length"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    reply(status, &headers, &output[split + 4..])
}
