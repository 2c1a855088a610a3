//! `new`: a folder that passes `check`, from an image and nothing else.
//!
//! In: a name, an image, a template or another solution. Out: a folder, written whole or not at
//! all, and what to do next. It is judged like a commit before anything is written.

mod copy;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::registry::{self, RegistryArguments};
use super::{Answer, Stop, catalogue, folder, schema};
use crate::git;
use template::{Filled, Template};
use vitrine_core::catalog::contract;
use vitrine_core::catalog::fault::code;
use vitrine_core::catalog::snapshot::{File, Folder};
use vitrine_core::catalog::{self, Fault, Snapshot, images};
use vitrine_core::model::fault::human;
use vitrine_core::model::{Domain, ImageReference, SolutionName};

/// The file that makes a folder a solution.
const SOLUTION: &str = "solution.yaml";
/// Where a catalogue keeps the schema that editors read, from its root.
const SCHEMA: &str = ".schemas/solution.json";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The solution's name: its folder and the first word of its address. 1 to 40 of a-z, 0-9
    /// and dashes.
    name: String,
    /// The container image: it answers HTTP on port 8080. A tag is resolved to its digest.
    #[arg(long, required_unless_present = "from")]
    image: Option<String>,
    /// What the solution looks like.
    #[arg(long, value_enum, default_value = "page", conflicts_with = "from")]
    template: Template,
    /// Copies the folder of this solution instead, with its comments.
    #[arg(long, value_name = "SOLUTION")]
    from: Option<String>,
    /// The folder to write the solution's folder into: the catalogue's root or a group in it.
    /// Without the flag, the root of the catalogue around the present folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Begins a catalogue here, with a `platform.yaml` that says this domain and nothing else.
    #[arg(long, value_name = "DOMAIN")]
    with_platform: Option<String>,
    #[command(flatten)]
    registry: RegistryArguments,
}

pub(super) async fn new(arguments: Arguments) -> Result<Answer, Stop> {
    let name = SolutionName::parse(&arguments.name).map_err(|bad| Stop::new(bad.to_string()))?;
    let place = Place::find(&arguments, &name)?;
    let mut draft = Draft::begin(&arguments, &name, &place)?;
    // Before any network: what this catalogue would refuse is refused at once.
    let domain = draft.judge(&place)?.domain;
    let failed = match draft.open_image() {
        Some(image) => match digest(&arguments.registry, &image).await? {
            Ok(digest) => {
                draft.pin(&image, &digest)?;
                None
            }
            Err(reason) => Some(reason),
        },
        None => None,
    };
    let unpinned = draft.judge(&place)?.unpinned;
    place.write(&draft)?;
    super::terminal::write(&closing(
        &name,
        &place,
        &draft,
        &domain,
        failed.is_none() && !unpinned,
    ))?;
    if failed.is_none() && !unpinned {
        return Ok(Answer::Good);
    }
    let reason = failed.map_or_else(String::new, |reason| format!(": {reason}"));
    eprintln!("vitrine: the image's digest is not known{reason}");
    eprintln!("vitrine: the folder is written with the tag; finish it with: vitrine pin {name}");
    Ok(Answer::NotGood)
}

/// Asks the registry; `Ok(Err)` with its reason.
async fn digest(
    arguments: &RegistryArguments,
    image: &str,
) -> Result<Result<String, String>, Stop> {
    let mut answers =
        registry::digests(&arguments.registries()?, BTreeSet::from([image.to_owned()])).await;
    Ok(match answers.remove(image) {
        Some(answer) => answer.map_err(|unresolved| unresolved.to_string()),
        None => Err(format!("`{image}` is not an image reference")),
    })
}

/// Where the folder goes.
struct Place {
    /// The catalogue's root.
    root: PathBuf,
    /// The solution's folder, relative to the root.
    path: String,
    /// The operator's file, if it is to be written too.
    platform: Option<String>,
    snapshot: Snapshot,
}

impl Place {
    fn find(arguments: &Arguments, name: &SolutionName) -> Result<Self, Stop> {
        let start = arguments.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        let start = start.canonicalize().map_err(|error| {
            Stop::new(format!("there is no folder {} ({error})", start.display()))
        })?;
        let skipped = start.file_name().is_some_and(|name| {
            name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().starts_with(b"_")
        });
        if skipped && arguments.dir.is_some() {
            return Err(Stop::new(format!(
                "{} begins with `.` or `_`: a catalogue skips such folders",
                start.display()
            )));
        }
        let (root, platform) = match (catalogue::above(&start), &arguments.with_platform) {
            (Some(root), None) => (root, None),
            (Some(root), Some(_)) => {
                return Err(Stop::new(format!(
                    "{} holds a {} already; leave --with-platform out",
                    root.display(),
                    catalogue::PLATFORM
                )));
            }
            (None, Some(text)) => {
                let Some(domain) = Domain::parse(text) else {
                    return Err(Stop::new(format!(
                        "--with-platform: {text:?} is not a domain; write a DNS name in lower case, \
                     such as demo.example"
                    )));
                };
                (start.clone(), Some(template::platform(&domain)))
            }
            (None, None) => {
                let image = arguments.image.as_deref().unwrap_or("IMAGE");
                return Err(no_catalogue(&start, &arguments.name, image));
            }
        };
        let group = match &arguments.dir {
            Some(_) => start.strip_prefix(&root).unwrap_or(Path::new("")).to_str(),
            None => Some(""),
        };
        let group = group.ok_or_else(|| Stop::new("the folder's name is not UTF-8; rename it"))?;
        let path = if group.is_empty() { name.to_string() } else { format!("{group}/{name}") };
        let mut snapshot = git::read_folder(&root).map_err(|unknown| Stop::new(unknown.cause))?;
        if let Some(text) = &platform {
            snapshot.platform = Some(file(text.as_bytes()));
        }
        let place = Self { root, path, platform, snapshot };
        place.must_be_free(name)?;
        Ok(place)
    }

    fn must_be_free(&self, name: &SolutionName) -> Result<(), Stop> {
        if let Some((taken, _)) = self.solution(name.as_str()) {
            return Err(Stop::new(format!(
                "there is a solution `{name}` in {taken}/ already; choose another name"
            )));
        }
        let folder = self.folder();
        // A link that points nowhere is there, too.
        if folder.symlink_metadata().is_ok() {
            return Err(Stop::new(format!(
                "{} is there already, and nothing is overwritten; choose another name",
                folder.display()
            )));
        }
        // In a solution's folder it is a file like any other, which does not make a catalogue.
        if self.platform.is_some() && catalogue::holds(&self.root, catalogue::PLATFORM) {
            return Err(Stop::new(format!(
                "{} is there already, and nothing is overwritten; begin the catalogue in an empty \
                 folder",
                self.root.join(catalogue::PLATFORM).display()
            )));
        }
        Ok(())
    }

    /// The solution of this name, by its folder.
    fn solution(&self, name: &str) -> Option<(&String, &Arc<Folder>)> {
        self.snapshot.folders.iter().find(|(path, folder)| {
            path.rsplit('/').next() == Some(name) && folder.files.contains_key(SOLUTION)
        })
    }

    fn folder(&self) -> PathBuf {
        self.root.join(&self.path)
    }

    /// Writes the folder beside its place and moves it there, then the platform's file.
    fn write(&self, draft: &Draft) -> Result<(), Stop> {
        let folder = self.folder();
        let cannot = |error: std::io::Error| {
            Stop::new(format!("cannot write {}: {error}", folder.display()))
        };
        let group = folder.parent().unwrap_or(&self.root);
        let beside =
            tempfile::Builder::new().prefix(".vitrine-").tempdir_in(group).map_err(cannot)?;
        let whole = beside.path().join("folder");
        for (path, bytes) in &draft.files {
            let file = whole.join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(&whole)).map_err(cannot)?;
            std::fs::write(&file, bytes).map_err(cannot)?;
        }
        std::fs::rename(&whole, &folder).map_err(cannot)?;
        let schema = self.root.join(SCHEMA);
        if draft.schema {
            write_schema(&schema).map_err(|error| {
                Stop::new(format!("cannot write {}: {error}", schema.display()))
            })?;
        }
        if let Some(text) = &self.platform {
            let file = self.root.join(catalogue::PLATFORM);
            create(&file, text)
                .map_err(|error| Stop::new(format!("cannot write {}: {error}", file.display())))?;
        }
        Ok(())
    }
}

fn no_catalogue(start: &Path, name: &str, image: &str) -> Stop {
    Stop::new(format!(
        "there is no {} in {} or above, so it is no catalogue. Go into the folder that holds one \
         (or name it by --dir DIR); to begin a catalogue here, say the domain under which its \
         solutions are served:\n\n  vitrine new {name} --image {image} --with-platform demo.example\n",
        catalogue::PLATFORM,
        start.display()
    ))
}

/// The files of the folder, before they are written.
struct Draft {
    files: BTreeMap<String, Vec<u8>>,
    /// Whether `solution.yaml` names the catalogue's schema.
    schema: bool,
}

/// What the catalogue says to a draft that it does not refuse.
struct Judged {
    domain: Domain,
    /// An image lacks the digest that the platform asks for.
    unpinned: bool,
}

impl Draft {
    fn begin(arguments: &Arguments, name: &SolutionName, place: &Place) -> Result<Self, Stop> {
        if let Some(from) = &arguments.from {
            return copy::copy(place, from, name, arguments.image.as_deref());
        }
        let image = arguments.image.as_deref().unwrap_or_default();
        let filled = Filled { name, image, schema: schema_comment(&place.path) };
        Ok(Self { files: arguments.template.files(&filled), schema: true })
    }

    /// The one image that still has to be asked for.
    fn open_image(&self) -> Option<String> {
        let images = copy::named(self.files.get(SOLUTION)?).into_iter();
        let mut open = images.map(|named| named.image.value).filter(|image| {
            ImageReference::parse(image).is_some_and(|image| image.digest().is_none())
        });
        open.next()
    }

    /// Writes the digest behind every mention of the image.
    fn pin(&mut self, image: &str, digest: &str) -> Result<(), Stop> {
        let Some(reference) = ImageReference::parse(image) else { return Ok(()) };
        let pinned = images::pinned(&reference, digest);
        copy::replace_image(&mut self.files, |old| (old == image).then(|| pinned.clone()))
    }

    /// Judges the catalogue as it would be with this folder.
    fn judge(&self, place: &Place) -> Result<Judged, Stop> {
        let mut snapshot = place.snapshot.clone();
        let files = self.files.iter().map(|(path, bytes)| (path.clone(), file(bytes)));
        // The tree's id only tells folders apart.
        let tree = snapshot.root.clone();
        let new = Folder { tree, files: files.collect(), oddities: BTreeMap::new() };
        snapshot.folders.insert(place.path.clone(), Arc::new(new));
        let catalog = catalog::read(&snapshot, &mut catalog::Memory::default());
        let platform = catalog.platform.as_ref().map_err(|faults| folder::refused(faults))?;
        let refused = catalog.refused.values().filter(|refused| {
            refused.folder == place.path || place.path.starts_with(&format!("{}/", refused.folder))
        });
        let (unpinned, faults): (Vec<&Fault>, Vec<&Fault>) = refused
            .flat_map(|refused| &refused.faults)
            .partition(|fault| fault.code == code::NO_DIGEST);
        if faults.is_empty() {
            let domain = platform.domain.clone();
            return Ok(Judged { domain, unpinned: !unpinned.is_empty() });
        }
        let pages: Vec<String> = faults.into_iter().map(human).collect();
        Err(Stop::new(format!(
            "this catalogue would refuse it, so nothing is written\n\n{}",
            pages.join("\n").trim_end()
        )))
    }
}

fn file(bytes: &[u8]) -> File {
    File { size: u64::try_from(bytes.len()).unwrap_or(u64::MAX), bytes: Some(bytes.into()) }
}

/// The comment by which an editor finds the schema, from a solution's folder.
fn schema_comment(path: &str) -> String {
    let up = "../".repeat(path.split('/').count());
    format!("# yaml-language-server: $schema={up}{SCHEMA}\n")
}

/// Writes the schema where the comment says, unless the catalogue keeps one already.
fn write_schema(file: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(file.parent().unwrap_or(file))?;
    match create(file, &(schema::text(contract::File::Solution) + "\n")) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Writes a file that is not there yet. A link to nowhere is there.
fn create(file: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(file)?;
    std::io::Write::write_all(&mut file, text.as_bytes())
}

/// What was written, and what to do next.
fn closing(
    name: &SolutionName,
    place: &Place,
    draft: &Draft,
    domain: &Domain,
    pinned: bool,
) -> String {
    let path = &place.path;
    let root = place.root.display();
    let mut text = format!("written, in {root}:\n");
    if place.platform.is_some() {
        text += "  platform.yaml  what the operator allows; only the domain is set\n";
    }
    for file in draft.files.keys() {
        text += &format!("  {path}/{file}\n");
    }
    let elsewhere = std::env::current_dir().is_ok_and(|here| here != place.root);
    if draft.schema {
        text += &format!("  {SCHEMA}  by which an editor completes and checks solution.yaml\n");
    }
    text += "\nnext:\n";
    if elsewhere {
        text += &format!("  cd {root}\n");
    }
    if !pinned {
        text += &format!(
            "  vitrine pin {name}              # writes the digest, when the registry answers\n"
        );
    }
    text += &format!(
        "  less {path}/solution.yaml        # what runs; change what does not fit\n  \
         vitrine check {path}             # says whether it would be published\n"
    );
    let git = if place.root.ancestors().any(|folder| folder.join(".git").exists()) {
        ""
    } else {
        "git init && "
    };
    let add = match (place.platform.is_some(), draft.schema) {
        (true, _) => ".".to_owned(),
        (false, true) => format!(".schemas {path}"),
        (false, false) => path.clone(),
    };
    text += &format!("  {git}git add {add} && git commit -m 'Add {name}'\n");
    text += &format!(
        "\nThen push and open a pull request. Once it is merged, it is served at \
         https://{name}.{domain}.\nREADME.md gives its title and description.\n"
    );
    text
}
