//! One call of the runtime's program: words in, text out, within a time.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use vitrine_core::model::{Quoted, duration};

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

/// A command in a process group of its own: a Ctrl-C is ours to answer, and nothing stays behind.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    command
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
    let mut command = command(program);
    command.args(words);
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let work = async {
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let feed = async {
            if let (Some(mut stdin), Some(bytes)) = (stdin, input) {
                // Who ended early says why.
                let _ = stdin.write_all(bytes).await;
            }
        };
        let (ended, ()) = tokio::join!(child.wait_with_output(), feed);
        ended
    };
    let ended = match timeout(patience, work).await {
        Err(_) => {
            let word = words.first().map(|word| word.as_ref().to_string_lossy().into_owned());
            let word = word.unwrap_or_default();
            return Err(Failed::Late { program: name(), word, patience });
        }
        Ok(Err(error)) => {
            return Err(Failed::NoStart { program: name(), why: Quoted::of(&error.to_string()) });
        }
        Ok(Ok(ended)) => ended,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&ended.stdout), text(&ended.stderr));
    if ended.status.success() { Ok(Wrote { out, err }) } else { Err(Failed::Said(reason(&err))) }
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
