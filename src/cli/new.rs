//! `new`: a folder that passes `check`, from an image and nothing else.
//!
//! In: a name, an image, a template or another solution. Out: a folder, written whole or not at
//! all, and what to do next. It is judged like a commit before anything is written.

mod arguments;
mod copy;
mod place;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{PLATFORM, SOLUTION};
use super::registry::{self, RegistryArguments};
use super::{Answer, Stop, folder, schema};
pub(super) use arguments::Arguments;
use place::{Place, file};
use template::Filled;
use vitrine_core::catalog::contract;
use vitrine_core::catalog::fault::code;
use vitrine_core::catalog::snapshot::Folder;
use vitrine_core::catalog::{self, Fault, compose, images};
use vitrine_core::model::fault::human;
use vitrine_core::model::{Domain, ImageReference, SolutionName};

/// Where a catalogue keeps the schema that editors read, from its root.
const SCHEMA: &str = ".schemas/solution.json";

pub(super) async fn new(arguments: Arguments) -> Result<Answer, Stop> {
    let name = SolutionName::parse(&arguments.name).map_err(|bad| Stop::new(bad.to_string()))?;
    let place = Place::find(&arguments, &name)?;
    let mut draft = Draft::begin(&arguments, &name, &place)?;
    for said in &draft.said {
        eprintln!("vitrine: {said}");
    }
    // Before any network: what this catalogue would refuse is refused at once.
    let domain = draft.judge(&place)?.domain;
    let mut failed = None;
    for image in draft.open_images() {
        match digest(&arguments.registry, &image).await? {
            Ok(digest) => draft.pin(&image, &digest)?,
            Err(reason) => failed = Some(reason),
        }
    }
    let unpinned = draft.judge(&place)?.unpinned;
    draft.write(&place)?;
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

/// The files of the folder, before they are written.
struct Draft {
    files: BTreeMap<String, Vec<u8>>,
    /// Whether `solution.yaml` names the catalogue's schema.
    schema: bool,
    /// What of a translated file is not in it.
    said: Vec<String>,
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
            let files = copy::copy(place, from, name, arguments.image.as_deref())?;
            return Ok(Self { files, schema: false, said: Vec::new() });
        }
        if let Some(file) = &arguments.from_compose {
            return Self::translated(file, arguments, name, place);
        }
        let image = arguments.image.as_deref().unwrap_or_default();
        let filled = Filled { name, image, schema: schema_comment(&place.path) };
        Ok(Self { files: arguments.template.files(&filled), schema: true, said: Vec::new() })
    }

    fn translated(
        file: &Path,
        arguments: &Arguments,
        name: &SolutionName,
        place: &Place,
    ) -> Result<Self, Stop> {
        let shown = file.display().to_string();
        let bytes = std::fs::read(file)
            .map_err(|error| Stop::new(format!("cannot read {shown}: {error}")))?;
        let image = arguments.image.as_deref();
        let of = compose::translate(&shown, &bytes, name, image).map_err(|faults| {
            let pages: Vec<String> = faults.iter().map(human).collect();
            let pages = pages.join("\n");
            Stop::new(format!("{shown} cannot be translated\n\n{}", pages.trim_end()))
        })?;
        let text = schema_comment(&place.path) + &of.solution;
        let files = BTreeMap::from([(SOLUTION.to_owned(), text.into_bytes())]);
        Ok(Self { files, schema: true, said: of.said })
    }

    /// The images that still have to be asked for.
    fn open_images(&self) -> BTreeSet<String> {
        let images = self.files.get(SOLUTION).map(|bytes| copy::named(bytes)).unwrap_or_default();
        let images = images.into_iter().map(|named| named.image.value);
        let open = images.filter(|image| {
            ImageReference::parse(image).is_some_and(|image| image.digest().is_none())
        });
        open.collect()
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
        Arc::make_mut(&mut snapshot.folders).insert(place.path.clone(), Arc::new(new));
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
        // What would put it right can be written when it is there.
        let bare = |fault: &Fault| human(&Fault { fix: None, ..fault.clone() });
        let pages: Vec<String> = faults.into_iter().map(bare).collect();
        Err(Stop::new(format!(
            "this catalogue would refuse it, so nothing is written\n\n{}",
            pages.join("\n").trim_end()
        )))
    }

    /// Writes the folder beside its place and moves it there, then the platform's file.
    fn write(&self, place: &Place) -> Result<(), Stop> {
        let folder = place.folder();
        let cannot = |error: std::io::Error| {
            Stop::new(format!("cannot write {}: {error}", folder.display()))
        };
        let group = folder.parent().unwrap_or(&place.root);
        let beside =
            tempfile::Builder::new().prefix(".vitrine-").tempdir_in(group).map_err(cannot)?;
        let whole = beside.path().join("folder");
        for (path, bytes) in &self.files {
            let file = whole.join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(&whole)).map_err(cannot)?;
            std::fs::write(&file, bytes).map_err(cannot)?;
        }
        std::fs::rename(&whole, &folder).map_err(cannot)?;
        let schema = place.root.join(SCHEMA);
        if self.schema {
            write_schema(&schema).map_err(|error| {
                Stop::new(format!("cannot write {}: {error}", schema.display()))
            })?;
        }
        if let Some(text) = &place.platform {
            let file = place.root.join(PLATFORM);
            create(&file, text)
                .map_err(|error| Stop::new(format!("cannot write {}: {error}", file.display())))?;
        }
        Ok(())
    }
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
         https://{name}.{domain}.\n"
    );
    text += match draft.files.keys().any(|file| file.eq_ignore_ascii_case("readme.md")) {
        true => "README.md gives its title and description.\n",
        false => "A README.md beside it gives its title and description.\n",
    };
    text
}
