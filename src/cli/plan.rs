//! `plan`: what a pass would do now, or what changes between two revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::{Answer, Format, SettingsArguments, Stop, folder, once, settings};
use crate::catalog::{self, Catalog};
use crate::config::Config;
use crate::model::{ObjectKey, Revision};
use crate::plan::{Step, When, Why};
use crate::reconcile::{self, Outlook};
use crate::render::{self, DesiredObject};
use crate::source::Source;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Compares the branch with this revision instead of the cluster.
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    #[arg(long, default_value = "1m", value_parser = settings::duration)]
    timeout: Duration,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn plan(arguments: Arguments) -> Result<Answer, Stop> {
    let (config, _mirror) = settings::read_aside(&arguments.settings)?;
    let lines = match &arguments.against {
        Some(revision) => between(&config, revision).await?,
        None => {
            let outlook = once::engine(&config).await?.look(arguments.timeout).await;
            of_a_pass(&outlook.map_err(Stop::new)?)
        }
    };
    match arguments.format {
        Format::Human if lines.is_empty() => say!("nothing to do")?,
        Format::Human => lines.iter().try_for_each(|line| say!("{}", line.text()))?,
        Format::Json => {
            let all: Vec<serde_json::Value> = lines.iter().map(Line::json).collect();
            say!("{:#}", serde_json::Value::Array(all))?;
        }
    }
    Ok(if lines.is_empty() { Answer::Good } else { Answer::NotGood })
}

/// One thing that would be done.
struct Line {
    solution: String,
    /// `create`, `update`, `repair`, `delete`, ...
    verb: &'static str,
    object: String,
    detail: String,
}

impl Line {
    fn text(&self) -> String {
        let detail =
            if self.detail.is_empty() { String::new() } else { format!("  ({})", self.detail) };
        format!("{:<20} {:<7} {}{detail}", self.solution, self.verb, self.object)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "solution": self.solution,
            "verb": self.verb,
            "object": self.object,
            "detail": self.detail,
        })
    }
}

fn of_a_pass(outlook: &Outlook) -> Vec<Line> {
    let mut lines = Vec::new();
    for (solution, plan) in &outlook.plans {
        for planned in &plan.steps {
            let (verb, mut detail) = match &planned.step {
                Step::Apply { why: Why::Create, .. } | Step::Birth { .. } => {
                    ("create", String::new())
                }
                Step::Apply { why: Why::Update, .. } | Step::Handover { .. } => {
                    ("update", String::new())
                }
                Step::Apply { why: Why::Repair { fields, manager }, .. } => {
                    let by = manager
                        .as_deref()
                        .map_or_else(String::new, |m| format!(", changed by {m}"));
                    ("repair", format!("{}{by}", fields.join(" ")))
                }
                Step::Delete { .. } => ("delete", String::new()),
                Step::Survey { .. } => ("look", "for work that is not vitrine's".to_owned()),
                Step::ForceActivation { .. } | Step::Verified { .. } => ("verify", String::new()),
            };
            if let When::After(gate) = &planned.when {
                let after = format!("{gate}");
                detail = if detail.is_empty() { after } else { format!("{detail}; {after}") };
            }
            let object = planned.step.key().to_string();
            lines.push(Line { solution: solution.clone(), verb, object, detail });
        }
        for gate in &plan.waits {
            let detail = String::new();
            lines.push(Line {
                solution: solution.clone(),
                verb: "wait",
                object: gate.to_string(),
                detail,
            });
        }
    }
    if let Some(hold) = &outlook.hold {
        lines.push(Line {
            solution: "*".to_owned(),
            verb: "held",
            object: hold.hash.to_string(),
            detail: hold.reason.clone(),
        });
    }
    lines
}

/// What changes between two revisions, object by object, without any cluster.
async fn between(config: &Config, against: &str) -> Result<Vec<Line>, Stop> {
    let unknown = |u: catalog::snapshot::Unknown| Stop::new(u.cause);
    let mut source = Source::open(&config.repository).map_err(unknown)?;
    let tip = source.tip().await.map_err(unknown)?;
    source.fetch(&tip).await.map_err(unknown)?;
    let old = source.resolve(against).await.map_err(unknown)?;
    let old = read(&mut source, &old).await?;
    let new = read(&mut source, &tip).await?;
    let (old, new) = (objects(config, &old)?, objects(config, &new)?);
    let names: BTreeSet<&(String, ObjectKey)> = old.keys().chain(new.keys()).collect();
    let line = |at: &(String, ObjectKey), verb| Line {
        solution: at.0.clone(),
        verb,
        object: at.1.to_string(),
        detail: String::new(),
    };
    Ok(names
        .into_iter()
        .filter_map(|at| match (old.get(at), new.get(at)) {
            (None, Some(_)) => Some(line(at, "create")),
            (Some(_), None) => Some(line(at, "delete")),
            (Some(a), Some(b)) if a.content != b.content => Some(line(at, "update")),
            _ => None,
        })
        .collect())
}

async fn read(source: &mut Source, revision: &Revision) -> Result<Catalog, Stop> {
    let snapshot = source.read(revision).await.map_err(|u| Stop::new(u.cause))?;
    Ok(catalog::read(&snapshot, &mut catalog::Memory::default()))
}

type Objects = BTreeMap<(String, ObjectKey), std::sync::Arc<DesiredObject>>;

fn objects(config: &Config, catalog: &Catalog) -> Result<Objects, Stop> {
    let platform = catalog.platform.as_ref().map_err(|faults| folder::refused(faults))?;
    let now = Timestamp::now();
    let mut all = Objects::new();
    for solution in catalog.solutions.values() {
        let phase = reconcile::phase_at(solution, now);
        for object in render::all(solution, platform, &config.instance, phase).objects {
            all.insert((solution.name.to_string(), object.key.clone()), object);
        }
    }
    Ok(all)
}
