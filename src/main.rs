//! The program `vitrine`.

use std::process::ExitCode;

fn main() -> ExitCode {
    std::process::ExitCode::SUCCESS
}
