//! `forge test`: can the forge be told what becomes of commits, and how does it tell us of pushes?

use clap::{Args, Subcommand};

use super::{Answer, Format, SettingsArguments, Stop, settings};
use crate::forge::{self, Hooked, Tried};
use vitrine_core::config::{self, ForgeKind, Hook};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tries the credential, the repository and the right to write statuses, and writes none; asks
    /// the forge for a delivery of each webhook that leads to us.
    #[command(
        after_help = "Exit codes: 0 the forge can be told and no webhook is broken, 1 that is not so, \
                      2 the settings cannot be read."
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
    let mut tried = forge::tried(forge, &config.repository.branch).await;
    let board = config.web.public_url.as_deref().map(|board| board.trim_end_matches('/'));
    let can_ask = tried.iter().all(|one| one.good);
    let mut hooks = Vec::new();
    for hook in &config.web.hooks {
        let set = webhook(hook, board);
        let (Some(board), true) = (board, can_ask && is_of(hook, forge)) else {
            hooks.push(set);
            continue;
        };
        let url = format!("{board}/hook/{}", hook.name);
        match forge::hook_tried(forge, &config.repository.branch, &url).await {
            Hooked::Works(sentence) => tried.push(Tried { good: true, sentence }),
            Hooked::Broken(why) => {
                let sentence = format!("{why}; {set}");
                tried.push(Tried { good: false, sentence });
            }
            Hooked::Asked(sentence) => hooks.push(sentence),
            Hooked::Unseen(why) => hooks.push(format!("{why}; {set}")),
        }
    }
    match arguments.format {
        Format::Human => {
            for one in &tried {
                say!("{:<8}{}", if one.good { "ok" } else { "fault" }, one.sentence)?;
            }
            for hook in &hooks {
                say!("{:<8}{hook}", "hook")?;
            }
        }
        Format::Json => {
            for one in &tried {
                say!("{}", serde_json::json!({"good": one.good, "sentence": one.sentence}))?;
            }
            for hook in &hooks {
                say!("{}", serde_json::json!({"hook": hook}))?;
            }
        }
    }
    Ok(if tried.iter().all(|one| one.good) { Answer::Good } else { Answer::NotGood })
}

/// Whether the forge that is told is of the kind that a webhook comes from. Gitea and Forgejo speak
/// alike.
fn is_of(hook: &Hook, forge: &config::Forge) -> bool {
    let alike = |kind| if kind == ForgeKind::Forgejo { ForgeKind::Gitea } else { kind };
    alike(hook.kind) == alike(forge.kind)
}

/// What to set at the forge for a webhook, in its own words.
fn webhook(hook: &Hook, board: Option<&str>) -> String {
    let url = format!("{}/hook/{}", board.unwrap_or("https://<board>"), hook.name);
    let files: Vec<String> =
        hook.secret_files.iter().map(|file| file.display().to_string()).collect();
    let files = files.join(" or ");
    match hook.kind {
        ForgeKind::GitHub => format!(
            "Settings, Webhooks, Add webhook: Payload URL {url}, Content type application/json, \
             Secret as in {files}, just the push event"
        ),
        ForgeKind::GitLab => format!(
            "Settings, Webhooks, Add new webhook: URL {url}, Secret token as in {files}, only Push \
             events"
        ),
        ForgeKind::Gitea | ForgeKind::Forgejo => format!(
            "Settings, Webhooks, Add webhook: Target URL {url}, method POST, content type \
             application/json, Secret as in {files}, push events"
        ),
    }
}
