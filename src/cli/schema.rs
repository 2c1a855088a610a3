//! `schema`: what editors complete and check with.

use clap::{Args, ValueEnum};

use super::{Answer, Stop};
use vitrine_core::catalog::contract::{File, json_schema};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Of which file.
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    /// `solution.yaml`
    Solution,
    /// `platform.yaml`
    Platform,
}

pub(super) fn schema(arguments: &Arguments) -> Result<Answer, Stop> {
    let file = match arguments.of {
        Of::Solution => File::Solution,
        Of::Platform => File::Platform,
    };
    say!("{}", text(file))?;
    Ok(Answer::Good)
}

/// The JSON Schema of a file, as it is written beside a catalogue.
pub(super) fn text(file: File) -> String {
    format!("{:#}", json_schema(file))
}
