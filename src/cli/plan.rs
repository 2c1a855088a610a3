//! `plan`: what a pass would do now, or what changes between two revisions.

mod row;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::limit::Limit;
use super::review::{self, Format, Shape, Told};
use super::{Answer, SettingsArguments, Stop, once, settings};
use crate::drive::{Awaited, Outlook};
use crate::git::Source;
use row::Row;
use vitrine_core::catalog::{self, Fault, Refused};
use vitrine_core::change::Comparison;
use vitrine_core::config::Config;
use vitrine_core::model::ClaimedName;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Compares the branch with this revision instead of the cluster.
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// How long it may take, whoever does not answer.
    #[arg(long, default_value = "1m", value_parser = settings::duration)]
    timeout: Duration,
    #[command(flatten)]
    shape: Shape,
}

pub(super) async fn plan(arguments: Arguments) -> Result<Answer, Stop> {
    let limit = Limit::of(arguments.timeout);
    let (config, _mirror) = settings::read_aside(&arguments.settings)?;
    if let Some(revision) = &arguments.against {
        let compared =
            limit.keep(Awaited::Repository, &config, between(&config, revision)).await??;
        let brake = review::brake(&config.safety);
        let told = Told { instance: &config.instance, now: Timestamp::now(), brake };
        return review::tell(&compared, &told, &arguments.shape);
    }
    if arguments.shape.format == Format::Markdown || arguments.shape.objects {
        return Err(Stop::new(
            "--format markdown and --objects tell what differs between two commits; add --against",
        ));
    }
    let Said { rows, frozen } = of_a_pass(&once::look(&config, &limit).await?);
    match arguments.shape.format {
        Format::Human | Format::Markdown if rows.is_empty() => say!("nothing to do")?,
        Format::Human | Format::Markdown => {
            rows.iter().try_for_each(|row| say!("{}", row.text()))?;
        }
        Format::Json => {
            let all: Vec<serde_json::Value> = rows.iter().map(Row::json).collect();
            say!("{:#}", serde_json::Value::Array(all))?;
        }
    }
    if frozen {
        // What the catalogue asks for cannot be told without the operator's file.
        eprintln!(
            "vitrine: platform.yaml is refused, so a pass changes nothing, and what would change \
             cannot be told; mend the file"
        );
        return Ok(Answer::Unknown);
    }
    Ok(if rows.is_empty() { Answer::Good } else { Answer::NotGood })
}

/// What is to be said, and whether a faulty `platform.yaml` freezes everything.
struct Said {
    rows: Vec<Row>,
    frozen: bool,
}

fn of_a_pass(outlook: &Outlook) -> Said {
    let mut rows = refused(&outlook.platform, &outlook.refused);
    for (solution, plan) in &outlook.plans {
        rows.extend(plan.steps.iter().map(|planned| Row::of_step(solution.as_str(), planned)));
        rows.extend(plan.waits.iter().map(|gate| Row::wait(solution.as_str(), gate)));
    }
    let frozen = !outlook.platform.is_empty();
    if !frozen {
        rows.extend(outlook.kept.iter().map(|(name, why)| Row::kept(name.as_str(), why)));
    }
    rows.extend(outlook.hold.as_ref().map(Row::held));
    Said { rows, frozen }
}

/// What is left alone, first: it is what a person has to mend.
fn refused(platform: &[Fault], folders: &BTreeMap<ClaimedName, Refused>) -> Vec<Row> {
    let platform = Some(platform).filter(|faults| !faults.is_empty()).map(Row::frozen);
    let folders = folders.iter().map(|(name, one)| Row::refused(name.as_str(), one));
    platform.into_iter().chain(folders).collect()
}

/// Two commits of the repository beside each other, without any cluster.
async fn between(config: &Config, against: &str) -> Result<Comparison, Stop> {
    let unknown = |u: catalog::snapshot::Unknown| Stop::new(u.cause);
    let mut source = Source::open(&config.repository).map_err(unknown)?;
    let tip = source.tip().await.map_err(unknown)?;
    source.fetch(&tip).await.map_err(unknown)?;
    let against = source.resolve(against).await.map_err(unknown)?;
    source.beside(&against, &tip).await.map_err(unknown)
}
