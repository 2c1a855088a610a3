//! `doctor`: is this cluster ready for a platform file?

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{Answer, Format, SettingsArguments, Stop, folder, settings};
use crate::cluster::{self, Asker, Whose};
use vitrine_core::catalog::snapshot::File;
use vitrine_core::catalog::{Catalog, Platform, platform};
use vitrine_core::doctor::{self, Demand, Finding, Grade, Patient};
use vitrine_core::model::InstanceName;
use vitrine_core::plan::facts::Facts;
use vitrine_core::render;
use vitrine_core::render::phase::phase_at;
use vitrine_core::status::json;

/// Answers raise questions at most so often: a Gateway names its class, and no more.
const ROUNDS: usize = 5;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The catalogue's folder, or a `platform.yaml` alone.
    #[arg(long, value_name = "PATH", default_value = ".")]
    catalog: PathBuf,
    /// Asks for the rights of this ServiceAccount of --namespace, not for your own: `vitrine` is
    /// that of deploy/rbac.yaml.
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn doctor(arguments: Arguments) -> Result<Answer, Stop> {
    let (platform, demand) = read(&arguments.catalog)?;
    let (cluster, _) = settings::cluster(&arguments.settings)?;
    let whose = match arguments.service_account {
        Some(name) => Whose::Account { namespace: cluster.namespace.clone(), name },
        None => Whose::Ours,
    };
    let client = cluster::client(&cluster).await.map_err(|e| Stop::new(e.to_string()))?;
    let asker = Asker::connect(client, whose).await.map_err(|e| Stop::new(e.to_string()))?;
    let patient = Patient {
        platform: &platform,
        namespace: &cluster.namespace,
        demand: demand.as_ref(),
        rights: true,
        now: Timestamp::now(),
    };
    let findings = examined(&patient, &asker).await;
    match arguments.format {
        Format::Human => {
            doctor::lines(&findings).iter().for_each(|line| println!("{line}"));
            println!("\n{}", doctor::summary(&findings));
        }
        Format::Json => findings.iter().for_each(|f| println!("{}", json::finding(f))),
    }
    Ok(match doctor::answer(&findings) {
        Grade::Fine | Grade::Warning => Answer::Good,
        Grade::NotTold => Answer::Unknown,
        Grade::Missing => Answer::NotGood,
    })
}

/// Asks until nothing is open.
async fn examined(patient: &Patient<'_>, asker: &Asker) -> Vec<Finding> {
    let mut facts = Facts::default();
    let mut findings = Vec::new();
    for _ in 0..ROUNDS {
        let found = doctor::examine(patient, &facts);
        findings = found.findings;
        if found.open.is_empty() {
            break;
        }
        facts.learn(asker.ask(found.open).await);
    }
    findings
}

/// The platform, and what its solutions may ask for if they are there too.
fn read(path: &Path) -> Result<(Platform, Option<Demand>), Stop> {
    if path.is_dir() {
        let catalog = folder::read(path)?;
        let platform = catalog.platform.as_ref().map_err(|faults| folder::refused(faults))?;
        let demand = demand(&catalog, platform)?;
        return Ok((Platform::clone(platform), demand));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        Stop::new(format!("cannot read {}: {error}; name another with --catalog", path.display()))
    })?;
    let file = File { size: bytes.len() as u64, bytes: Some(bytes.into()) };
    let judged = platform::judge(Some(&file));
    match judged.faults.as_slice() {
        [] => Ok((judged.platform, None)),
        faults => Err(folder::refused(faults)),
    }
}

/// `None` where there is no solution yet.
fn demand(catalog: &Catalog, platform: &Platform) -> Result<Option<Demand>, Stop> {
    let instance = InstanceName::parse("doctor").map_err(|e| Stop::new(e.to_string()))?;
    let now = Timestamp::now();
    let all = catalog.solutions.values().map(|solution| {
        render::all(solution, platform, &instance, phase_at(solution, now)).objects
    });
    let objects: Vec<_> = all.flatten().collect();
    let demand = doctor::demand(objects.iter().map(|object| &**object));
    Ok((!demand.is_empty()).then_some(demand))
}
