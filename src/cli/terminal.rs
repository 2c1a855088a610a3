//! What the terminal can do.

use std::io::IsTerminal as _;

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
