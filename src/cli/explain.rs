//! `explain`: every effective value of a solution, and where it came from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{Answer, Format, Stop, catalogue, folder};
use vitrine_core::catalog::explain::{Effective, Origin};
use vitrine_core::catalog::fault::human;
use vitrine_core::catalog::{self, Catalog, Platform, Solution};
use vitrine_core::model::InstanceName;
use vitrine_core::model::decode::nearest;
use vitrine_core::model::fault::harmless;
use vitrine_core::plan::{self, Desired};
use vitrine_core::render;
use vitrine_core::render::phase::phase_at;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The solution.
    name: String,
    /// Only this component or configuration.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// The catalogue's folder: the one that holds `platform.yaml`. Without the flag, the present
    /// folder or the nearest above it.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Who can reach it, what it can reach, as whom it runs and what it may store; read from the
    /// objects that it is rendered to.
    #[arg(long)]
    isolation: bool,
    /// How the values are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) fn explain(arguments: &Arguments) -> Result<Answer, Stop> {
    let snapshot = folder::snapshot(&catalogue::root(arguments.catalog.as_deref())?)?;
    let catalog = catalog::read(&snapshot, &mut catalog::Memory::default());
    let name = arguments.name.as_str();
    if let Err(faults) = &catalog.platform {
        faults.iter().for_each(|fault| eprintln!("{}", human(fault)));
        return Ok(Answer::NotGood);
    }
    if let Some(refused) = catalog.refused.get(name) {
        refused.faults.iter().for_each(|fault| eprintln!("{}", human(fault)));
        return Ok(Answer::NotGood);
    }
    let (Ok(platform), Some(solution)) = (&catalog.platform, catalog.solutions.get(name)) else {
        return Err(unknown(name, &catalog));
    };
    if arguments.isolation {
        return isolation(solution, platform, arguments);
    }
    let values = catalog::explain::explain(&snapshot, platform, solution).unwrap_or_default();
    let wanted = |component: &str| arguments.component.as_deref().is_none_or(|c| c == component);
    let values: Vec<&Effective> = values.iter().filter(|v| wanted(&v.component)).collect();
    if let Some(component) = arguments.component.as_deref().filter(|_| values.is_empty()) {
        let names: Vec<&str> = solution.components.keys().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        return Err(Stop::new(format!("`{name}` has no component `{component}`; it has: {names}")));
    }
    match arguments.format {
        Format::Human => {
            let urls = plan::urls_of(&rendered(solution, platform)?);
            super::terminal::write(&page(solution, &urls, &values))?;
        }
        Format::Json => {
            for value in values {
                say!("{}", line(value))?;
            }
        }
    }
    Ok(Answer::Good)
}

/// As it would be published now. The instance stands in labels alone: nothing that is told here
/// depends on it.
fn rendered(solution: &Solution, platform: &Platform) -> Result<Desired, Stop> {
    let instance = InstanceName::parse("explain").map_err(|error| Stop::new(error.to_string()))?;
    Ok(render::all(solution, platform, &instance, phase_at(solution, Timestamp::now())))
}

fn isolation(
    solution: &Solution,
    platform: &Platform,
    arguments: &Arguments,
) -> Result<Answer, Stop> {
    let desired = rendered(solution, platform)?;
    let wanted = |component: &str| arguments.component.as_deref().is_none_or(|c| c == component);
    for told in render::isolation::isolation(&desired) {
        if !wanted(&told.component) {
            continue;
        }
        // Who has no visitors has nothing to be limited.
        let unlimited = if told.visitors.is_empty() { Vec::new() } else { platform.unlimited() };
        match arguments.format {
            Format::Human => {
                let limits =
                    unlimited.iter().map(|(what, why)| format!("  no limit    {what}: {why}\n"));
                super::terminal::write(&format!("{told}{}", limits.collect::<String>()))?;
            }
            Format::Json => {
                let mut line = told.to_json();
                line["unlimited"] = unlimited.iter().map(|(what, _)| *what).collect();
                say!("{line}")?;
            }
        }
    }
    Ok(Answer::Good)
}

fn unknown(name: &str, catalog: &Catalog) -> Stop {
    let names: Vec<&str> = catalog.solutions.keys().map(|n| n.as_str()).collect();
    let near = nearest(name, names.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Stop::new(format!("the catalogue has no solution `{name}`; {near}it has: {}", names.join(", ")))
}

/// A table a component. What is the same for all components is told once, at the first.
fn page(solution: &Solution, urls: &[String], values: &[&Effective]) -> String {
    let mut page = format!("{}: {}\n", solution.name, harmless(&solution.title));
    page += &match urls {
        [] => format!("  in {}/, opened by nobody\n", solution.folder),
        [url] => format!("  in {}/, at {url}\n", solution.folder),
        [first, more @ ..] => {
            let more: String = more.iter().map(|url| format!("  and {url}\n")).collect();
            format!("  in {}/, at {first}\n{more}", solution.folder)
        }
    };
    if let Some(day) = solution.expires {
        page += &format!("  expires on {day}\n");
    }
    if let Some(suspension) = &solution.suspend {
        page +=
            &format!("  suspended until {}: {}\n", suspension.until, harmless(&suspension.reason));
    }
    let mut components: BTreeMap<&str, Vec<&Effective>> = BTreeMap::new();
    for value in values {
        components.entry(&value.component).or_default().push(value);
    }
    let widths = |of: fn(&Effective) -> usize, most: usize| {
        values.iter().map(|value| of(value)).filter(|width| *width <= most).max().unwrap_or(0)
    };
    let paths = widths(|value| value.path.chars().count(), 40);
    let shown = widths(|value| value.value.chars().count(), 48);
    for (component, values) in components {
        page += &format!("\n{component}\n");
        for value in values {
            let Effective { path, origin, note, .. } = value;
            let value = harmless(&value.value);
            page += &format!("  {path:paths$}  {value:shown$}  {origin}\n");
            if let Some(note) = note {
                page += &format!("  {:paths$}  ! {note}\n", "");
            }
        }
    }
    page
}

/// One value as JSON, on one line.
fn line(value: &Effective) -> serde_json::Value {
    let (origin, line, class) = match &value.origin {
        Origin::Component { line } => ("component", Some(line), None),
        Origin::Solution { line } => ("solution", Some(line), None),
        Origin::Class(name) => ("hardware class", None, Some(name)),
        Origin::Platform => ("platform", None, None),
        Origin::BuiltIn => ("built in", None, None),
        Origin::Follows(_) => ("follows", None, None),
    };
    serde_json::json!({
        "component": value.component,
        "path": value.path,
        "value": value.value,
        "origin": origin,
        "line": line,
        "class": class,
        "note": value.note,
    })
}
