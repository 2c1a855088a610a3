//! `check --images`: what the registries say of the images, at the lines that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::cli::place::Place;
use crate::cli::registry;
use crate::registry::Registries;
use vitrine_core::catalog::fit::{self, Build, Image, NotHad, User};
use vitrine_core::catalog::{Catalog, Fault, Snapshot, Solution};
use vitrine_core::model::{ImageReference, quantity};

/// Image as it is written → what its registry said of it.
pub(super) type Said = BTreeMap<String, Result<Image, NotHad>>;

/// Asks for every image of the good solutions under the paths that is not yet known.
pub(super) async fn ask(
    registries: &Registries,
    place: &Place,
    catalog: &Catalog,
    mut said: Said,
) -> Said {
    let images: BTreeSet<String> = solutions(place, catalog)
        .flat_map(fit::pulled)
        .map(ToString::to_string)
        .filter(|image| !said.contains_key(image))
        .collect();
    said.extend(registry::each(images, async |image| registries.image(image).await).await);
    said
}

/// What stands against the images, with the folder of each solution.
pub(super) fn faults(
    place: &Place,
    snapshot: &Snapshot,
    catalog: &Catalog,
    said: &Said,
) -> Vec<(String, Vec<Fault>)> {
    let Ok(platform) = &catalog.platform else { return Vec::new() };
    let of = |solution: &Solution| {
        let file = snapshot.folders.get(&solution.folder)?.files.get("solution.yaml")?;
        let bytes = file.bytes.as_deref()?;
        let faults =
            fit::judge(solution, platform, bytes, |image| said.get(image.to_string().as_str()));
        Some((solution.folder.clone(), faults))
    };
    solutions(place, catalog).filter_map(of).collect()
}

fn solutions<'c>(place: &Place, catalog: &'c Catalog) -> impl Iterator<Item = &'c Solution> {
    let covered = |path: &str| place.scopes.iter().any(|scope| scope.covers(path));
    catalog.solutions.values().map(AsRef::as_ref).filter(move |one| covered(&one.folder))
}

/// What a reader sees of each image that could be had: what it is built for, how much a node
/// fetches, as whom it runs.
pub(super) fn told(said: &Said) -> String {
    let mut text = String::new();
    for (name, image) in said.iter().filter_map(|(name, image)| Some((name, image.as_ref().ok()?)))
    {
        let _ = writeln!(text, "image {}", short(name, image));
        for build in &image.builds {
            let _ = writeln!(text, "  {}", line(build));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The name with its tag, and as much of the digest as people compare.
fn short(name: &str, image: &Image) -> String {
    let name = ImageReference::parse(name).map_or_else(
        || name.to_owned(),
        |image| match image.tag() {
            Some(tag) => format!("{}:{tag}", image.repository()),
            None => image.repository().to_owned(),
        },
    );
    let digest = image.digest.get(..19).unwrap_or(&image.digest);
    format!("{name} {digest}")
}

fn line(build: &Build) -> String {
    let mut text = format!("{}/{}", build.os, build.architecture);
    // Of a system that no node here has, only the name is known.
    if build.size == 0 && build.user.is_empty() && build.ports.is_empty() && build.created.is_none()
    {
        return text;
    }
    let user = match build.runs_as() {
        User::Root => "root".to_owned(),
        User::Named(name) => format!("user `{name}`"),
        User::Numbered(number) => format!("user {number}"),
    };
    let _ = write!(text, " · {} to fetch · {user}", quantity::rounded(build.size));
    if !build.ports.is_empty() {
        let ports: Vec<String> = build.ports.iter().map(u16::to_string).collect();
        let _ = write!(text, " · port {}", ports.join(", "));
    }
    // A build that is made to be the same at any time says 1970.
    if let Some(created) = build.created.filter(|time| time.as_second() > 86_400) {
        let _ = write!(text, " · built {}", created.strftime("%Y-%m-%d"));
    }
    text
}
