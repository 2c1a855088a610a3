//! Git's smart protocol through the machine's own `ssh`.
//!
//! No SSH library: `ssh` knows keys, agents, jump hosts and host keys as the operator set them up.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use git2::transport::{Service, SmartSubtransportStream};

use vitrine_core::config::Auth;
use vitrine_core::model::invisible::is_invisible;

use super::Trouble;
use super::address::Ssh;
use super::remote::Limits;
use super::transport::Dial;

/// How much of what `ssh` complains is kept, in bytes.
const MAX_COMPLAINT: u64 = 4096;

/// A Git server behind SSH.
pub struct Server {
    pub address: Ssh,
    pub shown: String,
    pub auth: Option<Auth>,
    pub limits: Limits,
    pub program: PathBuf,
}

/// How long to wait for the complaint of an `ssh` that has closed its output.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One call to the server: its deadline, and its first failure.
pub struct Session {
    server: Arc<Server>,
    deadline: Instant,
    failure: Mutex<Option<Trouble>>,
}

impl Server {
    pub fn session(self: &Arc<Self>) -> Arc<Session> {
        Arc::new(Session {
            server: Arc::clone(self),
            deadline: Instant::now() + self.limits.total,
            failure: Mutex::new(None),
        })
    }

    fn command(&self, service: &str) -> Command {
        let mut command = Command::new(&self.program);
        let seconds = self.limits.connect.as_secs().max(1);
        let alive = (self.limits.read.as_secs() / 2).max(1);
        command.args(["-T", "-o", "BatchMode=yes"]);
        command.arg("-o").arg(format!("ConnectTimeout={seconds}"));
        command.arg("-o").arg(format!("ServerAliveInterval={alive}"));
        command.args(["-o", "ServerAliveCountMax=2"]);
        if let Some(Auth::SshKey { key_file, known_hosts_file }) = &self.auth {
            command.arg("-i").arg(key_file).args(["-o", "IdentitiesOnly=yes"]);
            // Quoted, because `ssh` takes a list of files here.
            let mut known = OsString::from("UserKnownHostsFile=\"");
            known.push(known_hosts_file);
            known.push("\"");
            command.arg("-o").arg(known);
            command.args(["-o", "StrictHostKeyChecking=yes"]);
        }
        if let Some(port) = self.address.port {
            command.arg("-p").arg(port.to_string());
        }
        if let Some(user) = &self.address.user {
            command.arg("-l").arg(user);
        }
        let path = self.address.path.replace('\'', r"'\''");
        command.arg("--").arg(&self.address.host).arg(format!("{service} '{path}'"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Session {
    pub fn failure(&self) -> Option<Trouble> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, what: &str) -> io::Error {
        let trouble = Trouble::new(format!("{} {what}", self.server.shown));
        let error = io::Error::other(trouble.sentence.clone());
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        error
    }
}

impl Dial for Session {
    fn stateless(&self) -> bool {
        false
    }

    fn dial(self: Arc<Self>, service: Service) -> io::Result<Box<dyn SmartSubtransportStream>> {
        let service = match service {
            Service::UploadPackLs | Service::UploadPack => "git-upload-pack",
            Service::ReceivePackLs | Service::ReceivePack => "git-receive-pack",
        };
        let program = self.server.program.display();
        let child = self.server.command(service).spawn().map_err(|error| {
            self.fail(&format!("needs the program `{program}`, which cannot be started ({error})"))
        })?;
        Ok(Box::new(Process::new(self, child)))
    }
}

/// A running `ssh`. Killed at the deadline and when dropped.
struct Process {
    session: Arc<Session>,
    child: Arc<Mutex<Child>>,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    /// What `ssh` said on its standard error, once that is closed.
    complaint: Receiver<String>,
    received: u64,
    /// Dropped with us; then the watchman goes home.
    _watchman: Sender<()>,
}

impl Process {
    fn new(session: Arc<Session>, mut child: Child) -> Self {
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (tell, complaint) = mpsc::channel();
        if let Some(mut stderr) = child.stderr.take() {
            std::thread::spawn(move || {
                let mut kept = Vec::new();
                let _ = stderr.by_ref().take(MAX_COMPLAINT).read_to_end(&mut kept);
                let _ = io::copy(&mut stderr, &mut io::sink());
                let _ = tell.send(String::from_utf8_lossy(&kept).into_owned());
            });
        }
        let child = Arc::new(Mutex::new(child));
        let (sender, receiver) = mpsc::channel::<()>();
        let left = session.deadline.saturating_duration_since(Instant::now());
        let watched = Arc::clone(&child);
        std::thread::spawn(move || {
            if receiver.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                kill(&watched);
            }
        });
        Self { session, child, input, output, complaint, received: 0, _watchman: sender }
    }

    /// Why `ssh` ended before it was asked to.
    fn ended(&mut self) -> io::Error {
        if Instant::now() >= self.session.deadline {
            let limit = self.session.server.limits.total.as_secs();
            return self
                .session
                .fail(&format!("did not finish within {limit} s; check the network to it"));
        }
        self.input = None;
        // A connection that `ssh` shares and keeps in the background may hold the stream open.
        let said = self.complaint.recv_timeout(LAST_WORDS).unwrap_or_default();
        kill(&self.child);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = if said.is_empty() { "no reason given".to_owned() } else { said.join("; ") };
        let said: String = said.chars().filter(|c| !is_invisible(*c)).take(300).collect();
        self.session.fail(&format!(
            "cannot be read through ssh ({said}); check repository.url, the key and the known hosts"
        ))
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = child.kill();
    let _ = child.wait();
}

impl Read for Process {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(output) = &mut self.output else { return Ok(0) };
        let length = match output.read(buffer) {
            Ok(0) | Err(_) => return Err(self.ended()),
            Ok(length) => length,
        };
        self.received += length as u64;
        if self.received > self.session.server.limits.bytes {
            let limit = self.session.server.limits.bytes >> 20;
            return Err(self.session.fail(&format!(
                "sent more than {limit} MiB; keep models and data out of the catalogue"
            )));
        }
        Ok(length)
    }
}

impl Write for Process {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(input) = &mut self.input else { return Err(self.ended()) };
        match input.write(bytes) {
            Ok(length) => Ok(length),
            Err(_) => Err(self.ended()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        kill(&self.child);
    }
}
