//! Where a new folder goes: a catalogue's root, or a group in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::Arguments;
use super::template;
use crate::cli::Stop;
use crate::cli::catalogue::{self, SOLUTION};
use crate::git;
use vitrine_core::catalog::Snapshot;
use vitrine_core::catalog::snapshot::{File, Folder};
use vitrine_core::model::{Domain, SolutionName};

/// Where the folder goes.
pub(super) struct Place {
    /// The catalogue's root.
    pub root: PathBuf,
    /// The solution's folder, relative to the root.
    pub path: String,
    /// The operator's file, if it is to be written too.
    pub platform: Option<String>,
    pub snapshot: Snapshot,
}

impl Place {
    pub fn find(arguments: &Arguments, name: &SolutionName) -> Result<Self, Stop> {
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
    pub fn solution(&self, name: &str) -> Option<(&String, &Arc<Folder>)> {
        self.snapshot.folders.iter().find(|(path, folder)| {
            path.rsplit('/').next() == Some(name) && folder.files.contains_key(SOLUTION)
        })
    }

    pub fn folder(&self) -> PathBuf {
        self.root.join(&self.path)
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

/// A file of a snapshot that holds these bytes.
pub(super) fn file(bytes: &[u8]) -> File {
    File { size: u64::try_from(bytes.len()).unwrap_or(u64::MAX), bytes: Some(bytes.into()) }
}
