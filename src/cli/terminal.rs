//! What the terminal can do, and what it is told.

use std::io::{self, IsTerminal as _, Write as _};

use super::Stop;

/// Columns of the terminal on stdout; `None` for a file or a pipe.
pub(super) fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    Some(columns.unwrap_or(120))
}

/// Colour only on a terminal, and not where `NO_COLOR` asks for none.
pub(super) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Writes to stdout. A reader that has seen enough (`| head -1`) is no trouble.
pub(super) fn write(text: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::new(format!("cannot write to stdout: {}", error.kind())))
        }
        _ => Ok(()),
    }
}
