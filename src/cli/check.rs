//! `check`: judges folders as the daemon would, without any cluster.
//!
//! In: paths. Out: every fault of the catalogues that they lie in, as far as it lies under one of
//! the paths.

mod finding;
mod fix;
mod images;
mod print;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::place::{self, Place, Target};
use super::registry::RegistryArguments;
use super::{Answer, Stop};
use finding::Findings;
use fix::Fixed;

use print::Format;
use vitrine_core::catalog::fit::Told;
use vitrine_core::catalog::{self, Catalog, Memory};
use vitrine_core::model::fault::code;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A catalogue, a group, a solution's folder or a file of one. The whole catalogue is read;
    /// what lies under a path is told. Files that Git does not track are judged too.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// For people, for programs (one JSON object a line), or as annotations of a GitHub workflow.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Exits with 1 also where there are only warnings.
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Writes every correction that leaves no choice, and judges again what was written. Comments,
    /// quotes and line ends stay. What a person has to decide is left, and told.
    #[arg(long)]
    fix: bool,
    /// With --fix: shows what would be written, as a difference, and writes nothing.
    #[arg(long, requires = "fix", conflicts_with = "format")]
    dry_run: bool,
    /// Asks the registries for each image too: whether it is there, and whether a component can run
    /// from it (processor, user, port). Needs a network; no layer is fetched, nothing is run.
    #[arg(long)]
    images: bool,
    #[command(flatten)]
    registry: RegistryArguments,
    /// Says what a fault means, with a wrong and a right example: `--explain V0207`.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "format", "deny", "fix", "images"])]
    explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deny {
    Warnings,
}

pub(super) async fn check(arguments: &Arguments) -> Result<Answer, Stop> {
    if let Some(asked) = &arguments.explain {
        return explain(asked);
    }
    let registries = match arguments.images {
        true => Some(arguments.registry.registries()?),
        false if arguments.registry.given() => {
            return Err(Stop::new("--docker-config and --plain-http belong to --images"));
        }
        false => None,
    };
    let mut said = Told::default();
    let mut places: Vec<Place> = Vec::new();
    for path in &arguments.paths {
        let (target, scope) = place::find(path)?;
        match places.iter_mut().find(|place| place.target == target) {
            Some(place) => place.scopes.push(scope),
            None => places.push(Place { target, scopes: vec![scope] }),
        }
    }
    let mut all = Findings::default();
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let mut fixed = Fixed::default();
    for place in &places {
        let mut snapshot = place::read(&place.target)?;
        if arguments.fix {
            let mended = fix::of(place, &snapshot);
            fixed.add(fix::size(&mended));
            if arguments.dry_run {
                fix::print(&snapshot, &mended)?;
            } else {
                fix::write(place, &snapshot, &mended)?;
                snapshot = place::read_again(&place.target)?;
            }
        }
        let mut catalog = catalog::read(&snapshot, &mut Memory::default());
        if catalog.platform.is_err() {
            // Nobody can be judged by limits that nobody can read, and where there is no
            // `platform.yaml` at all this may be no catalogue.
            catalog.refused.clear();
        }
        all.add(place, &snapshot, &catalog, today);
        if let Some(registries) = &registries {
            said = images::ask(registries, place, &catalog, said).await;
            for (folder, faults) in images::faults(place, &snapshot, &catalog, &said) {
                all.add_to(place, &folder, faults);
            }
        }
        let on_a_platform = !matches!(place.target, Target::Lone { .. });
        if on_a_platform && matches!(arguments.format, Format::Human) {
            tell_unlimited(&catalog);
        }
    }
    if matches!(arguments.format, Format::Human) {
        super::terminal::write(&images::told(&said))?;
    }
    let told = arguments.fix.then(|| fixed.told(arguments.dry_run));
    if arguments.dry_run {
        say!("{}\n{}", told.unwrap_or_default(), print::summary(&all))?;
    } else {
        print::print(&all, told.as_deref(), arguments.format)?;
    }
    let refused = all.errors() > 0 || (arguments.deny.is_some() && all.warnings() > 0);
    Ok(if refused { Answer::NotGood } else { Answer::Good })
}

/// Says beside the findings which limits nothing holds: they are nobody's fault, and promised all the
/// same.
fn tell_unlimited(catalog: &Catalog) {
    let Ok(platform) = &catalog.platform else { return };
    let unlimited: Vec<&str> = platform.unlimited().into_iter().map(|(what, _)| what).collect();
    if !unlimited.is_empty() && !catalog.solutions.is_empty() {
        eprintln!(
            "vitrine: nothing at the edge of this platform limits {}; `vitrine explain NAME \
             --isolation` says why",
            unlimited.join(", or ")
        );
    }
}

fn explain(asked: &str) -> Result<Answer, Stop> {
    let asked = asked.trim().to_uppercase();
    if let Some(page) = code::page(&asked) {
        super::terminal::write(&page.markdown())?;
        return Ok(Answer::Good);
    }
    let known: Vec<&str> = code::pages().map(|page| page.code).collect();
    let alike: Vec<&str> =
        known.iter().filter(|code| asked.get(..3) == code.get(..3)).copied().collect();
    let listed = if alike.is_empty() { known } else { alike };
    Err(Stop::new(format!("there is no fault `{asked}`; there are: {}", listed.join(", "))))
}
