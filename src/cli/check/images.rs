//! `check --images`: what the registries say of the images, at the lines that name them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::cli::place::Place;
use crate::registry::{Registries, each};
use vitrine_core::catalog::fit::{self, Image, Told};
use vitrine_core::catalog::{Catalog, Fault, Snapshot, Solution};
use vitrine_core::model::ImageReference;

/// Asks for every image of the good solutions under the paths that is not yet known.
pub(super) async fn ask(
    registries: &Registries,
    place: &Place,
    catalog: &Catalog,
    mut said: Told,
) -> Told {
    let images = solutions(place, catalog).flat_map(fit::pulled);
    let images: BTreeSet<ImageReference> =
        images.filter(|image| !said.contains_key(image)).cloned().collect();
    said.extend(each(images, async |image| registries.image(image).await).await);
    said
}

/// What stands against the images, with the folder of each solution.
pub(super) fn faults(
    place: &Place,
    snapshot: &Snapshot,
    catalog: &Catalog,
    said: &Told,
) -> Vec<(String, Vec<Fault>)> {
    let Ok(platform) = &catalog.platform else { return Vec::new() };
    let of = |solution: &Solution| {
        let file = snapshot.folders.get(&solution.folder)?.files.get("solution.yaml")?;
        let bytes = file.bytes.as_deref()?;
        let faults = fit::judge(solution, platform, bytes, |image| said.get(image));
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
pub(super) fn told(said: &Told) -> String {
    let mut text = String::new();
    for (name, image) in said.iter().filter_map(|(name, image)| Some((name, image.as_ref().ok()?)))
    {
        let _ = writeln!(text, "image {}", short(name, image));
        for build in &image.builds {
            let _ = writeln!(text, "  {}", build.told());
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The name with its tag, and as much of the digest as people compare.
fn short(name: &ImageReference, image: &Image) -> String {
    let name = match name.tag() {
        Some(tag) => format!("{}:{tag}", name.repository()),
        None => name.repository().to_owned(),
    };
    let digest = image.digest.get(..19).unwrap_or(&image.digest);
    format!("{name} {digest}")
}
