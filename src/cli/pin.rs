//! `pin`: writes the digest behind each tag into the files that name it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::registry::{self, RegistryArguments};
use super::{Answer, Format, Stop, catalogue};
use crate::git;
use vitrine_core::catalog::images;
use vitrine_core::model::ImageReference;
use vitrine_core::model::yaml::{self, Edit};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this solution.
    name: Option<String>,
    /// The catalogue's folder: the one that holds `platform.yaml`. Without the flag, the present
    /// folder or the nearest above it.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Asks also for tags that have a digest, and writes the one that they have now.
    #[arg(long)]
    update: bool,
    /// Says what would be written, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    registry: RegistryArguments,
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) async fn pin(arguments: Arguments) -> Result<Answer, Stop> {
    let root = catalogue::root(arguments.catalog.as_deref())?;
    let mut files = files(&root, arguments.name.as_deref())?;
    let wanted: BTreeSet<String> =
        files.iter().flat_map(|file| file.wanted(arguments.update)).collect();
    let digests = registry::digests(&arguments.registry.registries()?, wanted).await;
    for file in &mut files {
        file.decide(&digests, arguments.update);
        if !arguments.dry_run {
            file.write();
        }
    }
    let lines: Vec<&Line> = files.iter().flat_map(|file| &file.lines).collect();
    match arguments.format {
        Format::Human if lines.is_empty() => say!("no solution names an image")?,
        Format::Human => {
            lines.iter().try_for_each(|line| say!("{}", line.text(arguments.dry_run)))?;
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&lines)
                .map_err(|error| Stop::new(format!("the result cannot be written: {error}")))?;
            say!("{text}")?;
        }
    }
    let failed = lines.iter().any(|line| matches!(line.outcome, Outcome::Failed { .. }));
    Ok(if failed { Answer::NotGood } else { Answer::Good })
}

/// One `solution.yaml`, and a line for each image that it names.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    lines: Vec<Line>,
    edits: Vec<Edit>,
}

/// An image, and what became of it.
#[derive(Serialize)]
struct Line {
    /// Relative to the catalogue's root.
    file: String,
    line: u32,
    field: String,
    image: String,
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip)]
    at: yaml::Span,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum Outcome {
    /// It has a digest, and nobody asked whether the tag has moved.
    Kept,
    /// The tag still means what the file says.
    Unchanged {
        digest: String,
    },
    Pinned {
        digest: String,
    },
    Changed {
        digest: String,
        was: String,
    },
    Failed {
        reason: String,
    },
}

/// The solutions' files, of all or of one.
fn files(root: &Path, name: Option<&str>) -> Result<Vec<File>, Stop> {
    let snapshot = git::read_folder(root).map_err(|unknown| Stop::new(unknown.cause))?;
    let solutions =
        snapshot.folders.iter().filter(|(_, folder)| folder.files.contains_key("solution.yaml"));
    let paths: Vec<&String> = solutions.map(|(path, _)| path).collect();
    let named = |path: &&&String| name.is_none_or(|name| last(path) == name);
    let chosen: Vec<&&String> = paths.iter().filter(named).collect();
    if let (Some(name), true) = (name, chosen.is_empty()) {
        let names: Vec<&str> = paths.iter().map(|path| last(path)).collect();
        return Err(Stop::new(format!(
            "there is no solution `{name}` in {}; there are: {}",
            root.display(),
            names.join(", ")
        )));
    }
    chosen.into_iter().map(|folder| read(root, folder)).collect()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn read(root: &Path, folder: &str) -> Result<File, Stop> {
    let name = format!("{folder}/solution.yaml");
    let path = root.join(&name);
    let bytes = std::fs::read(&path)
        .map_err(|error| Stop::new(format!("cannot read {}: {error}", path.display())))?;
    let document = yaml::read(&bytes);
    let line = |line, field: String, image: String, at, outcome| Line {
        file: name.clone(),
        line,
        field,
        image,
        outcome,
        at,
    };
    let lines = match document.findings.first() {
        None => document
            .root
            .as_ref()
            .map(images::named)
            .unwrap_or_default()
            .into_iter()
            .map(|named| {
                let at = named.image.at;
                line(at.line, named.field, named.image.value, at, Outcome::Kept)
            })
            .collect(),
        Some(finding) => {
            let reason = format!("{}; mend the file first", finding.message);
            let failed = Outcome::Failed { reason };
            vec![line(finding.at.line, String::new(), String::new(), finding.at, failed)]
        }
    };
    Ok(File { path, bytes, lines, edits: Vec::new() })
}

impl File {
    /// The images whose tags are to be asked for.
    fn wanted(&self, update: bool) -> impl Iterator<Item = String> {
        let open = self.lines.iter().filter(move |line| line.outcome == Outcome::Kept);
        open.filter_map(move |line| {
            let image = ImageReference::parse(&line.image)?;
            let asked = image.digest().is_none() || (update && image.tag().is_some());
            asked.then(|| line.image.clone())
        })
    }

    fn decide(
        &mut self,
        digests: &BTreeMap<String, Result<String, crate::registry::Unresolved>>,
        update: bool,
    ) {
        for line in &mut self.lines {
            if line.outcome != Outcome::Kept {
                continue;
            }
            let Some(image) = ImageReference::parse(&line.image) else {
                let reason = "it is not an image reference".to_owned();
                line.outcome = Outcome::Failed { reason };
                continue;
            };
            let (digest, was) = match (digests.get(&line.image), image.digest()) {
                (Some(Err(unresolved)), _) => {
                    line.outcome = Outcome::Failed { reason: unresolved.to_string() };
                    continue;
                }
                (Some(Ok(digest)), Some(was)) if update && digest == was => {
                    line.outcome = Outcome::Unchanged { digest: digest.clone() };
                    continue;
                }
                (Some(Ok(digest)), was) => (digest.clone(), was.map(str::to_owned)),
                (None, _) => continue,
            };
            let new = images::pinned(&image, &digest);
            let edit = Edit { at: line.at, old: line.image.clone(), new };
            // Each alone, so that one that cannot be written leaves the others.
            if yaml::edit(&self.bytes, std::slice::from_ref(&edit)).is_none() {
                let reason = format!("it is not written plainly; write `{}` there", edit.new);
                line.outcome = Outcome::Failed { reason };
                continue;
            }
            self.edits.push(edit);
            line.outcome = match was {
                Some(was) => Outcome::Changed { digest, was },
                None => Outcome::Pinned { digest },
            };
        }
    }

    fn write(&mut self) {
        if self.edits.is_empty() {
            return;
        }
        let written = match yaml::edit(&self.bytes, &self.edits) {
            Some(bytes) => catalogue::replace(&self.path, &bytes).map_err(|e| e.to_string()),
            None => Err("the file would read differently".to_owned()),
        };
        let Err(error) = written else { return };
        for line in &mut self.lines {
            if matches!(line.outcome, Outcome::Pinned { .. } | Outcome::Changed { .. }) {
                let reason = format!("the file cannot be written: {error}");
                line.outcome = Outcome::Failed { reason };
            }
        }
    }
}

impl Line {
    fn text(&self, dry_run: bool) -> String {
        let place = format!("{}:{}", self.file, self.line);
        let would = if dry_run { "would be " } else { "" };
        let tag = match ImageReference::parse(&self.image) {
            Some(image) if image.tag().is_none() && image.digest().is_none() => " (no tag: latest)",
            _ => "",
        };
        let image = &self.image;
        match &self.outcome {
            Outcome::Kept => format!("{place}: {image} has its digest"),
            Outcome::Unchanged { .. } => format!("{place}: {image} is what the tag means"),
            Outcome::Pinned { digest } => {
                format!("{place}: {image}{tag} {would}pinned to {digest}")
            }
            Outcome::Changed { digest, .. } => {
                format!("{place}: {image} {would}changed to {digest}")
            }
            Outcome::Failed { reason } if image.is_empty() => {
                format!("{place}: not pinned: {reason}")
            }
            Outcome::Failed { reason } => format!("{place}: {image}{tag} not pinned: {reason}"),
        }
    }
}
