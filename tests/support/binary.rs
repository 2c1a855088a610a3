//! The program as a person or a script runs it: a process of its own, with nothing of ours in its
//! environment.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::guard::Guard;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Variables that would tell the program something. Those that begin with `VITRINE_` go too.
const TELLING: [&str; 10] = [
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "COLUMNS",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
];

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Absent when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Finished {
    /// Asserts the exit code; shows what was said if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that these words were said, wherever.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let all = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(all.contains(word), "nothing says {word:?}:\n{all}");
        }
        self
    }

    /// Stdout as one JSON document and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|why| panic!("stdout is not one document ({why}):\n{}", self.out))
    }
}

/// The program, to be run in `home`, which is also where its temporary files go.
pub fn vitrine(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    untold(&mut command).env("HOME", home).env("TMPDIR", home).current_dir(home);
    command
}

/// Takes away what the environment of the tests would tell the program.
pub fn untold(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"VITRINE_") {
            command.env_remove(name);
        }
    }
    for name in TELLING {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
#[track_caller]
pub fn finish(command: &mut Command) -> Finished {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let out = read(child.stdout.take().unwrap());
    let err = read(child.stderr.take().unwrap());
    let code = code_of(&mut child, PATIENCE);
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    let Some(code) = code else {
        panic!("{command:?} was not over after {PATIENCE:?}\nstdout:\n{out}\nstderr:\n{err}");
    };
    judge(&err);
    Finished { code, out, err }
}

/// Nobody can act on a stack trace.
#[track_caller]
fn judge(err: &str) {
    for word in ["panicked at", "stack backtrace", "RUST_BACKTRACE"] {
        assert!(!err.contains(word), "the program panicked:\n{err}");
    }
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    })
}

/// The exit code, or `None` (and the end of the process) when it takes longer than `limit`.
fn code_of(child: &mut Child, limit: Duration) -> Option<Option<i32>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program while it runs. Ends with the test, however the test ends.
pub struct Running {
    child: Child,
    out: Arc<Said>,
    err: Arc<Said>,
    _guard: Guard,
}

/// What was said so far, and a bell.
#[derive(Default)]
struct Said(Mutex<String>, Condvar);

impl Said {
    fn by(from: impl Read + Send + 'static) -> Arc<Self> {
        let said = Arc::<Self>::default();
        let to = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                to.0.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                to.1.notify_all();
                line.clear();
            }
        });
        said
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// How long it took until the text was like this, or what it is instead.
    fn wait(&self, limit: Duration, is: impl Fn(&str) -> bool) -> Result<Duration, String> {
        let begun = Instant::now();
        let mut text = self.0.lock().unwrap();
        while !is(&text) {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(text.clone());
            }
            text = self.1.wait_timeout(text, left).unwrap().0;
        }
        Ok(begun.elapsed())
    }
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let scratch = tempfile::tempdir().unwrap().keep();
        let guard = Guard::over(&scratch).unwrap();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = guard.spawn(command).unwrap();
        let out = Said::by(child.stdout.take().unwrap());
        let err = Said::by(child.stderr.take().unwrap());
        Self { child, out, err, _guard: guard }
    }

    /// Everything on stdout so far.
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// Everything on stderr so far.
    pub fn log(&self) -> String {
        self.err.text()
    }

    /// Waits until stdout holds what is `told`, and answers how long that took.
    #[track_caller]
    pub fn wait(&self, told: &str, limit: Duration, is: impl Fn(&str) -> bool) -> Duration {
        self.out.wait(limit, is).unwrap_or_else(|out| {
            panic!("no {told} within {limit:?} in:\n{out}\nstderr:\n{}", self.err.text())
        })
    }

    /// Waits until the log holds what is `told`.
    #[track_caller]
    pub fn logs(&self, told: &str, is: impl Fn(&str) -> bool) {
        if let Err(log) = self.err.wait(PATIENCE, is) {
            panic!("no {told} within {PATIENCE:?} in:\n{log}");
        }
    }

    /// The most memory that it and its children have taken so far, in MiB.
    pub fn peak(&self) -> u64 {
        peak(self.child.id())
    }

    /// Waits for the end, and answers with the most memory that was seen, in MiB.
    #[track_caller]
    pub fn ended_within(mut self) -> (Finished, u64) {
        let mut most = 0;
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE {
            most = most.max(peak(self.child.id()));
            std::thread::sleep(Duration::from_millis(5));
        }
        (self.ended(), most)
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success(), "the signal {name} cannot be sent");
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ended(mut self) -> Finished {
        let code = code_of(&mut self.child, PATIENCE);
        // What it said last may not be read yet; what it left running may hold the pipe.
        let until = Instant::now() + Duration::from_secs(5);
        while [&self.out, &self.err].iter().any(|said| Arc::strong_count(said) > 1)
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (out, err) = (self.out.text(), self.err.text());
        let Some(code) = code else {
            panic!("the program did not end within {PATIENCE:?}\nstdout:\n{out}\nstderr:\n{err}");
        };
        judge(&err);
        Finished { code, out, err }
    }
}

/// What the kernel noted as the most memory of a process, with its children, in MiB.
fn peak(process: u32) -> u64 {
    let own = |process: u32| {
        let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children: String = tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .collect();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    own(process).unwrap_or_default() / 1024 + children.map(peak).sum::<u64>()
}

/// The body of `GET http://<address><path>`, whatever the status.
pub fn get(address: &str, path: &str) -> std::io::Result<String> {
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| std::io::Error::other(format!("no HTTP answer: {answer}")))
}

/// The status and the body that `POST http://<address><path>` is answered with.
pub fn post(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut head = format!("POST {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let parts = answer
        .split_once("\r\n\r\n")
        .and_then(|(head, body)| Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned())));
    parts.ok_or_else(|| std::io::Error::other(format!("no HTTP answer: {answer}")))
}
