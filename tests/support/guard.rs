//! Processes that end when the tests end, whatever ends the tests.
//!
//! A test run may pass, panic, be interrupted or be killed with a signal that nobody can catch. So
//! the watch over the servers is kept by another process: a shell that waits for the end of its
//! standard input. We hold the other end of that pipe; the kernel closes it when we are gone. The
//! shell leads a process group, every server joins it, and its last act is to kill the group.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Leads a process group, and ends it together with a folder.
pub struct Guard {
    /// Its standard input is what keeps the group alive.
    shell: Child,
}

/// `$1` is the folder. Removing is tried twice, because a server may still be writing. Signal 9 to
/// process group 0 is everyone in the shell's own group, itself included.
const WATCH: &str = r#"trap "" HUP INT TERM
cat >/dev/null
rm -rf -- "$1" || rm -rf -- "$1"
kill -KILL 0"#;

impl Guard {
    /// Starts to watch over `folder`, which is removed with the group.
    pub fn over(folder: &Path) -> io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", WATCH, "guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Starts `command` in the group.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let group = i32::try_from(self.shell.id()).expect("a process id fits an i32");
        command.stdin(Stdio::null()).process_group(group).spawn()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_server_and_its_folder_end_with_their_guard() {
        let folder = tempfile::tempdir().unwrap().keep();
        let guard = Guard::over(&folder).unwrap();
        let mut server = guard.spawn(Command::new("sleep").arg("600")).unwrap();
        assert!(server.try_wait().unwrap().is_none(), "the server is not running");

        drop(guard);

        let deadline = Instant::now() + Duration::from_secs(10);
        while server.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the server outlived its guard");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!folder.exists(), "the folder outlived its guard");
    }
}
