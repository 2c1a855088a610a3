//! One call of the runtime's program: words in, text out, within a time.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use vitrine_core::model::{Quoted, duration};

/// How much of what a program writes is kept at least, in bytes. Every answer is shorter; a log may
/// have no end.
const KEPT: usize = 1 << 20;

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The program could not be started.
    #[error("{program} does not start: {why}")]
    NoStart {
        /// Its name.
        program: String,
        /// In the system's words.
        why: Quoted,
    },
    /// It ended with an error.
    #[error("{0}")]
    Said(Quoted),
    /// It did not end.
    #[error("{program} {word} was not over within {}", duration::text(*patience))]
    Late {
        /// Its name.
        program: String,
        /// The first word of the call.
        word: String,
        /// How long it had.
        patience: Duration,
    },
}

/// A program that runs, and whatever it started itself: `docker` is often a script around Podman. A
/// process group of their own, so that a Ctrl-C is ours to answer; all of it ends with this.
pub struct Group {
    pub child: Child,
}

impl Group {
    /// Starts a program; its outputs are pipes, and so is its input if it is told `feed`.
    pub fn start<W: AsRef<OsStr>>(program: &Path, words: &[W], feed: bool) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(words).stdin(if feed { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Ok(Self { child: command.spawn()? })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // None once it was waited for: then its number may be somebody else's.
        let leader = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(leader) = leader {
            // Who is gone already needs no end.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// What a program wrote.
pub struct Wrote {
    pub out: String,
    pub err: String,
}

/// Calls the program, and answers what it wrote.
pub async fn call<W: AsRef<OsStr>>(
    program: &Path,
    words: &[W],
    input: Option<&[u8]>,
    patience: Duration,
) -> Result<Wrote, Failed> {
    let name = || program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let work = async {
        let mut group = Group::start(program, words, input.is_some())?;
        let child = &mut group.child;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let (Some(mut stdin), Some(bytes)) = (stdin, input) {
                // Who ended early says why.
                let _ = stdin.write_all(bytes).await;
            }
        };
        let (out, err, ()) = tokio::join!(read(out), read(err), feed);
        Ok((child.wait().await?, out?, err?))
    };
    let ended = match timeout(patience, work).await {
        Err(_) => {
            let word = words.first().map(|word| word.as_ref().to_string_lossy().into_owned());
            let word = word.unwrap_or_default();
            return Err(Failed::Late { program: name(), word, patience });
        }
        Ok(Err::<_, io::Error>(error)) => {
            return Err(Failed::NoStart { program: name(), why: Quoted::of(&error.to_string()) });
        }
        Ok(Ok(ended)) => ended,
    };
    let (status, out, err) = ended;
    if status.success() { Ok(Wrote { out, err }) } else { Err(Failed::Said(reason(&err))) }
}

/// The end of what a program writes.
async fn read(from: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        while from.read_buf(&mut bytes).await? > 0 {
            if bytes.len() > 2 * KEPT {
                bytes.drain(..bytes.len() - KEPT);
            }
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last line of what a runtime said, without the word that every one begins with.
pub fn reason(said: &str) -> Quoted {
    let last = Quoted::last_line_of(said);
    let words = ["Error: ", "Error response from daemon: ", "docker: "];
    let bare =
        words.iter().fold(last.as_str(), |rest, word| rest.strip_prefix(word).unwrap_or(rest));
    match bare {
        "" => Quoted::of("it gave no reason"),
        bare => Quoted::of(bare),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A script around another program, as `docker` often is around Podman.
    fn script(folder: &Path, text: &str) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let program = folder.join("docker");
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[tokio::test]
    async fn what_a_script_started_ends_with_it() {
        let home = tempfile::tempdir().unwrap();
        let program = script(home.path(), "sleep 600 &\necho $! >\"$1\"\nwait");
        let note = home.path().join("note");
        let waiting = Duration::from_millis(500);
        let late = call(&program, &[&note], None, waiting).await.err();
        assert!(matches!(late, Some(Failed::Late { .. })), "{late:?}");
        let number = std::fs::read_to_string(note).unwrap();
        // Nobody here waits for it: it may stay as a zombie.
        let stat = Path::new("/proc").join(number.trim()).join("stat");
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let deadline = Instant::now() + Duration::from_secs(10);
        while lives() {
            assert!(Instant::now() < deadline, "it lives");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_it_reads_and_writes_is_passed_on() {
        let home = tempfile::tempdir().unwrap();
        let program = script(home.path(), "cat; echo said >&2; exit $1");
        let patience = Duration::from_secs(20);
        let wrote = call(&program, &["0"], Some(b"fed"), patience).await.unwrap();
        assert_eq!((wrote.out.as_str(), wrote.err.as_str()), ("fed", "said\n"));
        let long = vec![b'x'; 5 * KEPT];
        let wrote = call(&program, &["0"], Some(&long), patience).await.unwrap();
        assert!((KEPT..=2 * KEPT).contains(&wrote.out.len()), "{} bytes", wrote.out.len());
        let failed = call(&program, &["3"], None, patience).await.err().unwrap();
        assert_eq!(failed.to_string(), "said");
    }
}
