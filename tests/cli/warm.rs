//! `vitrine warm` beside an application that is played here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::support::binary::{Running, finish, vitrine};

/// An application on a port of its own. It notes what it is asked: method, path and body.
struct Application {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    /// `answer` gets the number of the request and gives the whole answer.
    fn start(port: u16, answer: impl Fn(usize) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (asked, end) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (notes, over) = (Arc::clone(&asked), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.unwrap();
                // Who only looks whether somebody listens asks nothing.
                let Some(request) = request(&stream) else { continue };
                let number = notes.lock().unwrap().len();
                notes.lock().unwrap().push(request);
                let _ = stream.write_all(answer(number).as_bytes());
            }
        });
        Self { port, asked, end, thread: Some(thread) }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

fn request(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    if lines.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let (what, _) = first.rsplit_once(' ').unwrap();
    Some(format!("{what} {}", String::from_utf8(body).unwrap()).trim_end().to_owned())
}

fn answered(status: u16) -> String {
    format!("HTTP/1.1 {status} Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}

/// A port that nobody has.
fn free() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Two requests, in files whose names are in the other order than their making.
fn examples(home: &Path) {
    let folder = home.join("examples");
    let deep = folder.join("more/deep");
    std::fs::create_dir_all(&deep).unwrap();
    let second = r#"{"path": "/two?q=1"}"#;
    let first =
        r#"{"method": "POST", "path": "/one", "json": {"a": 1}, "expect": {"status": 201}}"#;
    std::fs::write(deep.join("001.json"), second).unwrap();
    std::fs::write(folder.join("000.json"), first).unwrap();
    // What a mounted ConfigMap also holds.
    std::fs::create_dir(folder.join("..data")).unwrap();
}

struct Scene {
    home: tempfile::TempDir,
    port: u16,
    says: u16,
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        examples(home.path());
        Self { home, port: free(), says: free() }
    }

    fn warm(&self) -> Command {
        let mut command = vitrine(self.home.path());
        command.args(["warm", "examples", "--port", &self.port.to_string()]);
        command.args(["--says", &self.says.to_string()]);
        command
    }

    /// The exit code of the probe.
    fn probe(&self) -> Option<i32> {
        let says = self.says.to_string();
        finish(vitrine(self.home.path()).args(["warm", "--ready", "--says", &says])).code
    }
}

fn expected(number: usize) -> String {
    answered(if number.is_multiple_of(2) { 201 } else { 200 })
}

#[test]
fn the_requests_are_made_in_order_before_it_is_ready_and_again_after_a_restart() {
    let scene = Scene::new();
    assert_eq!(scene.probe(), Some(2), "nothing warms up yet");
    // An image may lack certificates.
    let warm = Running::start(scene.warm().env("SSL_CERT_FILE", "/no").env("SSL_CERT_DIR", "/no"));
    let told = |of: &str| {
        let says = scene.says;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, says)).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(scene.probe(), Some(1), "{of}");
    };
    told("the application does not listen");

    let application = Application::start(scene.port, expected);
    warm.logs("warmth", |log| log.contains("warm after 2 requests in "));
    assert_eq!(scene.probe(), Some(0));
    assert_eq!(application.asked(), [r#"POST /one {"a":1}"#, "GET /two?q=1"]);

    drop(application);
    warm.logs("cold", |log| log.contains("cold again"));
    assert_eq!(scene.probe(), Some(1), "a restarted application is not warm");
    let application = Application::start(scene.port, expected);
    warm.logs("warmth", |log| log.matches("warm after 2 requests").count() == 2);
    assert_eq!(scene.probe(), Some(0));
    assert_eq!(application.asked().len(), 2, "once each");

    warm.signal("TERM");
    warm.ended().exits(0);
}

#[test]
fn an_answer_that_is_not_the_expected_one_keeps_it_cold_and_is_told_once() {
    let scene = Scene::new();
    // Three times an answer, but not the right one.
    let application =
        Application::start(scene.port, |n| if n < 3 { answered(503) } else { expected(n + 1) });
    let warm = Running::start(&mut scene.warm());
    warm.logs("a reason", |log| {
        log.contains(
            "not warm: POST /one was answered with 503, expected is 201; it is tried again",
        )
    });
    assert_eq!(scene.probe(), Some(1));
    warm.logs("warmth", |log| log.contains("warm after 2 requests"));
    assert_eq!(warm.log().matches("not warm").count(), 1, "{}", warm.log());
    assert_eq!(application.asked().len(), 5, "{:?}", application.asked());
}

#[test]
fn an_application_that_never_ends_its_answer_is_given_up_in_time() {
    let scene = Scene::new();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, scene.port)).unwrap();
    let warm = Running::start(scene.warm().args(["--timeout", "200ms"]));
    warm.logs("a reason", |log| log.contains("not warm: POST /one: no answer in time"));
    assert_eq!(scene.probe(), Some(1));
    drop(silent);
}

#[test]
fn what_cannot_be_warmed_with_is_told_before_anything_is_asked() {
    let scene = Scene::new();
    let examples = scene.home.path().join("examples");
    std::fs::write(examples.join("001.json"), "{\n\"path\": }").unwrap();
    finish(&mut scene.warm()).exits(2).says(&["examples/001.json:2:", "not JSON"]);
    for file in ["000.json", "001.json", "more/deep/001.json"] {
        std::fs::remove_file(examples.join(file)).unwrap();
    }
    finish(&mut scene.warm()).exits(2).says(&["holds no example"]);
    std::fs::create_dir_all(examples.join(["d"; 40].join("/"))).unwrap();
    finish(&mut scene.warm()).exits(2).says(&["deeper than 32 folders"]);
    std::fs::remove_dir_all(&examples).unwrap();
    finish(&mut scene.warm()).exits(2).says(&["examples cannot be read"]);

    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, scene.says)).unwrap();
    std::fs::create_dir(&examples).unwrap();
    std::fs::write(examples.join("000.json"), r#"{"path": "/"}"#).unwrap();
    finish(&mut scene.warm()).exits(2).says(&["cannot be had", "--says"]);
    drop(taken);
    finish(vitrine(scene.home.path()).args(["warm", "examples"])).exits(2).says(&["--port"]);
}
