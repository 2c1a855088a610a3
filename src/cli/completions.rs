//! `completions`: what a shell needs to complete commands and flags.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Answer, Stop};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell that reads it.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(arguments: &Arguments, mut command: Command) -> Result<Answer, Stop> {
    use std::io::Write as _;
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "vitrine", &mut script);
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Stop::new(format!("cannot write to stdout: {error}")))?;
    Ok(Answer::Good)
}
