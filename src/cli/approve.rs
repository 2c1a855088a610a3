//! `approve`: lets a held plan take away what it lists.

use std::time::Duration;

use clap::Args;

use super::limit::Limit;
use super::{Answer, SettingsArguments, Stop, folder, once, settings, status};
use crate::cluster::{self, HeldList};
use vitrine_core::config;
use vitrine_core::model::{ContentHash, InstanceName};
use vitrine_core::plan::{HELD_DIGITS, Harm};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The hash of the held plan, as the board shows it: at least its first 12 digits.
    hash: String,
    /// Takes what is held from this board, not from the list that the daemon wrote onto the
    /// cluster.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// What would be approved, and where.
struct Plan {
    instance: InstanceName,
    cluster: config::Cluster,
    hash: ContentHash,
    harm: Harm,
}

pub(super) async fn approve(arguments: Arguments) -> Result<Answer, Stop> {
    let asked = arguments.hash.as_str();
    if asked.len() < HELD_DIGITS || !asked.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Stop::new(format!(
            "`{asked}` is not the hash of a plan: give at least the first {HELD_DIGITS} digits of the one that the board shows",
        )));
    }
    let plans = match &arguments.url {
        Some(url) => of_board(url, &arguments.settings).await?,
        None => of_cluster(asked, &arguments.settings).await?,
    };
    if let Some(plan) = plans.iter().find(|plan| plan.hash.to_string().starts_with(asked)) {
        return give(asked, plan).await;
    }
    let Some(other) = plans.first() else {
        return Err(Stop::new("nothing is held: there is nothing to approve"));
    };
    Err(Stop::new(format!(
        "another plan is held now: {}; look at what it would take away before you approve it",
        other.hash.first(HELD_DIGITS)
    )))
}

async fn of_board(url: &str, arguments: &SettingsArguments) -> Result<Vec<Plan>, Stop> {
    let board = status::fetch(url).await?;
    let (cluster, _) = settings::cluster(arguments)?;
    let plan = board.held.map(|held| Plan {
        instance: board.instance,
        cluster,
        hash: held.hash,
        harm: held.harm,
    });
    Ok(plan.into_iter().collect())
}

/// From the lists that daemons wrote onto the cluster; with a file of settings also computed anew,
/// where no list says so: the daemon may not run.
async fn of_cluster(asked: &str, arguments: &SettingsArguments) -> Result<Vec<Plan>, Stop> {
    let (cluster, instance) = settings::cluster(arguments)?;
    let client = cluster::client(&cluster).await.map_err(|e| Stop::new(e.to_string()))?;
    let only_there = arguments.namespace.is_some();
    let lists = cluster::held_lists(client, &cluster, instance.as_ref(), only_there).await;
    let plan = |HeldList { instance, namespace, hash, harm }| {
        let cluster = config::Cluster { namespace, ..cluster.clone() };
        Plan { instance, cluster, hash, harm }
    };
    let plans: Vec<Plan> = match (lists, &arguments.config) {
        (Ok(lists), _) => lists.into_iter().map(plan).collect(),
        (Err(_), Some(_)) => Vec::new(),
        (Err(cause), None) => return Err(Stop::new(cause)),
    };
    let named = plans.iter().any(|plan| plan.hash.to_string().starts_with(asked));
    if named || arguments.config.is_none() {
        return Ok(plans);
    }
    let (config, _mirror) = settings::read_aside(arguments)?;
    let outlook = once::look(&config, &Limit::of(Duration::from_secs(60))).await?;
    if !outlook.platform.is_empty() {
        return Err(folder::refused(&outlook.platform));
    }
    let (instance, cluster) = (config.instance, config.cluster);
    let plan =
        outlook.hold.map(|hold| Plan { instance, cluster, hash: hold.hash, harm: hold.harm });
    Ok(plan.into_iter().collect())
}

async fn give(asked: &str, plan: &Plan) -> Result<Answer, Stop> {
    let Plan { instance, cluster, hash, harm } = plan;
    let client = cluster::client(cluster).await.map_err(|e| Stop::new(e.to_string()))?;
    let settings = cluster::Settings::new(instance.clone(), cluster.namespace.as_str());
    cluster::approve(client, &settings, asked, harm).await.map_err(|e| Stop::new(e.to_string()))?;
    for line in harm.lines() {
        say!("  {line}")?;
    }
    say!("approved: {} of plan {}", harm.count(), hash.first(HELD_DIGITS))?;
    Ok(Answer::Good)
}
