//! `forge test`: can the forge be told what becomes of commits, and how does it tell us of pushes?

use clap::{Args, Subcommand};

use super::{Answer, Format, SettingsArguments, Stop, settings};
use crate::forge;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tries the credential, the repository and the right to write statuses, and writes none.
    #[command(
        after_help = "Exit codes: 0 the forge can be told, 1 it cannot, 2 the settings cannot be read."
    )]
    Test(Arguments),
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn forge(command: Command) -> Result<Answer, Stop> {
    let Command::Test(arguments) = command;
    let config = settings::read(&arguments.settings)?;
    let Some(forge) = &config.forge else {
        return Err(Stop::new(
            "the settings name no forge; write reporting: {forge: {kind: .., repository: .., \
             auth: {tokenFile: ..}}}",
        ));
    };
    let tried = forge::tried(forge, &config.repository.branch).await;
    match arguments.format {
        Format::Human => {
            for one in &tried {
                say!("{:<8}{}", if one.good { "ok" } else { "fault" }, one.sentence)?;
            }
        }
        Format::Json => {
            for one in &tried {
                say!("{}", serde_json::json!({"good": one.good, "sentence": one.sentence}))?;
            }
        }
    }
    Ok(if tried.iter().all(|one| one.good) { Answer::Good } else { Answer::NotGood })
}
