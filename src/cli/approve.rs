//! `approve`: lets a held plan delete.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::limit::Limit;
use super::{Answer, SettingsArguments, Stop, folder, once, settings, status};
use crate::cluster;
use vitrine_core::config;
use vitrine_core::model::{ContentHash, InstanceName, ObjectKey};

/// The fewest digits that name a plan.
const FEWEST: usize = 12;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The hash of the held plan, as the board shows it: at least its first 12 digits.
    hash: String,
    /// Takes the held deletions from this board; otherwise they are computed anew with --config.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
}

pub(super) async fn approve(arguments: Arguments) -> Result<Answer, Stop> {
    if arguments.hash.len() < FEWEST || !arguments.hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Stop::new(format!(
            "`{}` is not the hash of a plan: give at least the first {FEWEST} digits of the one that the board shows",
            arguments.hash
        )));
    }
    let (instance, cluster, held) = match &arguments.url {
        Some(url) => {
            let board = status::fetch(url).await?;
            let cluster = settings::cluster(&arguments.settings)?;
            let held = board.held.map(|held| (held.hash, held.deletions.into_iter().collect()));
            (board.instance, cluster, held)
        }
        None => {
            let (config, _mirror) = settings::read_aside(&arguments.settings)?;
            let outlook = once::look(&config, &Limit::of(Duration::from_secs(60))).await?;
            if !outlook.platform.is_empty() {
                return Err(folder::refused(&outlook.platform));
            }
            let held = outlook.hold.map(|hold| (hold.hash, hold.deletions));
            (config.instance.clone(), config.cluster.clone(), held)
        }
    };
    let Some((hash, deletions)) = held else {
        return Err(Stop::new("nothing is held: there is nothing to approve"));
    };
    give(&arguments.hash, &instance, &cluster, &hash, &deletions).await
}

async fn give(
    asked: &str,
    instance: &InstanceName,
    cluster: &config::Cluster,
    hash: &ContentHash,
    deletions: &BTreeSet<ObjectKey>,
) -> Result<Answer, Stop> {
    if !hash.as_str().starts_with(asked) {
        return Err(Stop::new(format!(
            "another plan is held now: {}; look at what it would delete before you approve it",
            hash.first(FEWEST)
        )));
    }
    let client = cluster::client(cluster).await.map_err(|e| Stop::new(e.to_string()))?;
    let settings = cluster::Settings::new(instance.clone(), cluster.namespace.as_str());
    cluster::approve(client, &settings, asked, deletions)
        .await
        .map_err(|e| Stop::new(e.to_string()))?;
    say!("approved: {} deletions of plan {}", deletions.len(), hash.first(FEWEST))?;
    Ok(Answer::Good)
}
