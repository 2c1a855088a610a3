//! `render`: what a solution becomes, without any cluster.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{Answer, Stop, catalogue, folder};
use vitrine_core::model::InstanceName;
use vitrine_core::render;
use vitrine_core::render::phase::phase_at;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this solution.
    name: Option<String>,
    /// The catalogue's folder: the one that holds `platform.yaml`. Without the flag, the present
    /// folder or the nearest above it.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// The daemon's name, which stands in labels and in the names of shared objects.
    #[arg(long, value_name = "NAME", default_value = "demo")]
    instance: String,
}

pub(super) fn render(arguments: &Arguments) -> Result<Answer, Stop> {
    let instance = InstanceName::parse(&arguments.instance)
        .map_err(|error| Stop::new(format!("--instance: {error}")))?;
    let catalog = folder::read(&catalogue::root(arguments.catalog.as_deref())?)?;
    let platform = match &catalog.platform {
        Ok(platform) => platform,
        Err(faults) => return Err(folder::refused(faults)),
    };
    if let Some(name) = &arguments.name {
        if let Some(refused) = catalog.refused.get(name.as_str()) {
            return Err(folder::refused(&refused.faults));
        }
        if !catalog.solutions.contains_key(name.as_str()) {
            let names: Vec<&str> = catalog.solutions.keys().map(|n| n.as_str()).collect();
            return Err(Stop::new(format!(
                "the catalogue has no solution `{name}`; it has: {}",
                names.join(", ")
            )));
        }
    }
    let now = Timestamp::now();
    let wanted = catalog
        .solutions
        .values()
        .filter(|s| arguments.name.as_deref().is_none_or(|name| s.name.as_str() == name));
    for solution in wanted {
        let phase = phase_at(solution, now);
        for object in &render::all(solution, platform, &instance, phase).objects {
            say!("---\n{}", render::yaml(&object.body).trim_end())?;
        }
    }
    let mut answer = Answer::Good;
    if arguments.name.is_none() {
        for refused in catalog.refused.values() {
            for fault in &refused.faults {
                eprintln!("vitrine: {fault}");
            }
            answer = Answer::NotGood;
        }
    }
    Ok(answer)
}
