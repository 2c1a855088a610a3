//! The program of the second container.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match vitrine_carrier::carry(io::stdin().lock(), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
