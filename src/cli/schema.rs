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
    /// `vitrine.yaml`, the daemon's own settings
    Settings,
}

pub(super) fn schema(arguments: &Arguments) -> Result<Answer, Stop> {
    let text = match arguments.of {
        Of::Solution => text(File::Solution),
        Of::Platform => text(File::Platform),
        Of::Settings => format!("{:#}", vitrine_core::config::schema()),
    };
    say!("{text}")?;
    Ok(Answer::Good)
}

/// The JSON Schema of a file, as it is written beside a catalogue.
pub(super) fn text(file: File) -> String {
    format!("{:#}", json_schema(file))
}
