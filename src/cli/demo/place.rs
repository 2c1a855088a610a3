//! The demo's folder: whether it is the demo's own, and what of it is there already.
//!
//! Nothing is written into a folder that the demo did not make. A folder is its own when it holds
//! the demo's mark, which is written before anything else, or what an earlier version left, which
//! wrote no mark. The mark is locked while a demo runs, and names its board.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{Stop, catalogue};
use crate::git;
use vitrine_core::model::fault::harmless;
use vitrine_sandbox::Sandbox;

/// Says that the folder is the demo's. Its second line is what is told of the demo that runs.
const MARK: &str = "vitrine-demo";
const FIRST_LINE: &str = "vitrine demo 1";
const CATALOGUE: &str = "catalogue";
/// The catalogue until it is whole. What a killed demo left of it is made anew.
const HALF: &str = "catalogue.new";
const MIRROR: &str = "mirror";
const KUBECONFIG: &str = "kubeconfig";
/// Names of a foreign folder's content that the refusal tells.
const TOLD: usize = 3;

/// A folder that the demo may use. Nothing in it was changed yet.
pub(super) struct Candidate {
    folder: PathBuf,
    /// The locked mark, where there is one.
    mark: Option<File>,
    temporary: Option<tempfile::TempDir>,
}

/// The demo's own folder, as long as it runs.
pub(super) struct Place {
    folder: PathBuf,
    /// Locked as long as we live; the system frees it when we are killed.
    mark: File,
    /// Removes a temporary folder.
    _temporary: Option<tempfile::TempDir>,
}

impl Candidate {
    /// Judges the folder; without one, makes a temporary one.
    pub fn find(dir: Option<&Path>) -> Result<Self, Stop> {
        let Some(dir) = dir else {
            let made = tempfile::Builder::new().prefix("vitrine-demo-").tempdir();
            let temporary =
                made.map_err(|e| Stop::new(format!("cannot make a temporary folder: {e}")))?;
            let folder = whole(temporary.path())?;
            return Ok(Self { folder, mark: None, temporary: Some(temporary) });
        };
        let folder = whole(dir)?;
        if folder.to_str().is_none() {
            let shown = folder.display();
            return Err(Stop::new(format!(
                "{shown} is not UTF-8, so the demo's settings cannot name it; choose another folder \
                 with --dir"
            )));
        }
        match fs::symlink_metadata(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { folder, mark: None, temporary: None });
            }
            Err(error) => return Err(cannot(&folder, &error)),
            Ok(about) if !about.is_dir() => {
                let shown = folder.display();
                return Err(Stop::new(format!(
                    "{shown} is not a folder; choose an empty or a new folder with --dir"
                )));
            }
            Ok(_) => {}
        }
        let names = content(&folder).map_err(|error| cannot(&folder, &error))?;
        let mark = marked(&folder, &names)?;
        if mark.is_none() && !names.is_empty() && !is_of_an_earlier_version(&folder)? {
            return Err(foreign(&folder, &names));
        }
        let candidate = Self { folder, mark, temporary: None };
        candidate.judge_parts()?;
        Ok(candidate)
    }

    /// In the demo's own folder, too, a person may have put something in the place of what the
    /// demo made.
    fn judge_parts(&self) -> Result<(), Stop> {
        let (catalogue, mirror) = (self.folder.join(CATALOGUE), self.folder.join(MIRROR));
        let kubeconfig = self.folder.join(KUBECONFIG);
        let unfit = if !is_free(&catalogue) && !git::is_made_repository(&catalogue) {
            catalogue
        } else if !is_free(&mirror) && !git::is_mirror(&mirror) {
            mirror
        } else if !is_free(&kubeconfig) && !is_kubeconfig(&kubeconfig) {
            kubeconfig
        } else {
            return Ok(());
        };
        Err(Stop::new(format!(
            "{} was not made by the demo, which leaves it alone; move it away, or choose an empty \
             or a new folder with --dir",
            unfit.display()
        )))
    }

    /// Whether the catalogue has to be copied first, and can be.
    pub fn needs(&self, from: &Path) -> Result<bool, Stop> {
        if !is_free(&self.folder.join(CATALOGUE)) {
            return Ok(false);
        }
        let Some(real) = from.canonicalize().ok().filter(|from| from.is_dir()) else {
            return Err(Stop::new(format!(
                "there is no folder {}: run the demo where a catalogue lies, or name one with \
                 --catalog",
                from.display()
            )));
        };
        // Its copy would hold the copy.
        if self.folder.starts_with(&real) || real.starts_with(self.folder.join(HALF)) {
            return Err(Stop::new(format!(
                "the demo's folder {} and the catalogue {} that it copies lie in one another; \
                 choose a folder elsewhere with --dir",
                self.folder.display(),
                real.display()
            )));
        }
        Ok(true)
    }

    /// Makes the folder and its mark, before anything else.
    pub fn take(self) -> Result<Place, Stop> {
        let Self { folder, mark, temporary } = self;
        let wrong = |error: io::Error| cannot(&folder, &error);
        fs::create_dir_all(&folder).map_err(wrong)?;
        let mark = match mark {
            Some(mark) => mark,
            None => {
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(true).truncate(false);
                let mark = options.open(folder.join(MARK)).map_err(wrong)?;
                lock(&mark, &folder)?;
                mark
            }
        };
        let mut place = Place { folder, mark, _temporary: temporary };
        place.tell("no board")?;
        Ok(place)
    }
}

impl Place {
    pub fn catalogue(&self) -> PathBuf {
        self.folder.join(CATALOGUE)
    }

    pub fn mirror(&self) -> PathBuf {
        self.folder.join(MIRROR)
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join(KUBECONFIG)
    }

    /// Writes where the board of this demo is, for whoever starts another one here.
    pub fn announce(&mut self, board: SocketAddr) -> Result<(), Stop> {
        self.tell(&format!("board http://{board}"))
    }

    /// The first line is the same in every mark, so that one that is being written says enough.
    fn tell(&mut self, line: &str) -> Result<(), Stop> {
        let text = format!("{FIRST_LINE}\n{line}\n");
        let written = self
            .mark
            .rewind()
            .and_then(|()| self.mark.write_all(text.as_bytes()))
            .and_then(|()| self.mark.set_len(text.len() as u64));
        written.map_err(|error| cannot(&self.folder, &error))
    }

    /// Makes a repository of the catalogue. It appears whole or not at all.
    pub fn copy(&self, from: &Path) -> Result<(), Stop> {
        let half = self.folder.join(HALF);
        let wrong = |error: io::Error| cannot(&self.folder, &error);
        if half.symlink_metadata().is_ok() {
            fs::remove_dir_all(&half).map_err(wrong)?;
        }
        if let Err(unknown) = git::make_repository(from, &half) {
            let _ = fs::remove_dir_all(&half);
            return Err(Stop::new(unknown.cause));
        }
        fs::rename(&half, self.catalogue()).map_err(wrong)
    }

    /// Writes the kubeconfig of this start, whole or not at all.
    pub fn write_kubeconfig(&self, text: &str) -> Result<(), Stop> {
        let file = self.kubeconfig();
        let written = match OpenOptions::new().write(true).create_new(true).open(&file) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => catalogue::replace(&file, text.as_bytes()),
        };
        written.map_err(|error| cannot(&self.folder, &error))
    }
}

/// The folder's path without links, also of one that is not there yet.
fn whole(dir: &Path) -> Result<PathBuf, Stop> {
    let mut missing = Vec::new();
    let mut there = dir;
    loop {
        let shown = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        match shown.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(dir, &error)),
        }
        // A link to nowhere is there, and nothing can be made in its place.
        match (there.file_name(), there.parent()) {
            (Some(name), Some(parent)) if there.symlink_metadata().is_err() => {
                missing.push(name);
                there = parent;
            }
            _ => {
                let nowhere = io::Error::from(io::ErrorKind::NotFound);
                return Err(cannot(dir, &nowhere));
            }
        }
    }
}

/// What lies in the folder, but for what the system puts at the root of a volume.
fn content(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "lost+found" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The demo's mark, locked. Of a demo that was killed at its very first step it is empty, and
/// alone.
fn marked(folder: &Path, names: &[String]) -> Result<Option<File>, Stop> {
    let path = folder.join(MARK);
    if !path.symlink_metadata().is_ok_and(|about| about.is_file()) {
        return Ok(None);
    }
    let wrong = |error: io::Error| cannot(folder, &error);
    let mut text = Vec::new();
    let reading = File::open(&path).map_err(wrong)?;
    reading.take(4096).read_to_end(&mut text).map_err(wrong)?;
    let ours = match text.split(|byte| *byte == b'\n').next() {
        Some(b"") | None => names.len() == 1,
        Some(line) => line == FIRST_LINE.as_bytes(),
    };
    if !ours {
        return Ok(None);
    }
    let mark = OpenOptions::new().read(true).write(true).open(&path).map_err(wrong)?;
    lock(&mark, folder)?;
    Ok(Some(mark))
}

/// Takes the mark's lock, or says where the board of the demo is that has it. A lock that was just
/// given up may live on for a moment in a child of that demo, so a taken one is asked for again.
fn lock(mark: &File, folder: &Path) -> Result<(), Stop> {
    for _ in 0..20 {
        match mark.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
            // A file system without locks: then nobody can be told apart, and one is expected.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(());
            }
            Err(TryLockError::Error(error)) => return Err(cannot(folder, &error)),
        }
    }
    let text = fs::read_to_string(folder.join(MARK)).unwrap_or_default();
    let board = text.lines().find_map(|line| line.strip_prefix("board http://"));
    let folder = folder.display();
    Err(Stop::new(match board {
        Some(board) => format!(
            "a demo is running in {folder}, its board is http://{}; look there, stop that demo, or \
             choose another folder with --dir",
            harmless(board)
        ),
        None => format!(
            "a demo that serves no board is running in {folder}; wait for its end, or choose \
             another folder with --dir"
        ),
    }))
}

/// Whether an earlier version, which wrote no mark, made this folder: then all three are its.
fn is_of_an_earlier_version(folder: &Path) -> Result<bool, Stop> {
    let (catalogue, mirror) = (folder.join(CATALOGUE), folder.join(MIRROR));
    if !git::is_made_repository(&catalogue) || !git::is_mirror(&mirror) {
        return Ok(false);
    }
    if git::is_mirror_in_use(&mirror) {
        return Err(Stop::new(format!(
            "a demo of an earlier version is running in {}; stop it, or choose another folder with \
             --dir",
            folder.display()
        )));
    }
    Ok(true)
}

/// Nothing is there, or a folder or file without anything in it.
fn is_free(path: &Path) -> bool {
    match path.symlink_metadata() {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(about) if about.is_dir() => content(path).is_ok_and(|names| names.is_empty()),
        Ok(about) => about.is_file() && about.len() == 0 && path.ends_with(KUBECONFIG),
    }
}

/// Whether the file is the kubeconfig of a demo, also if `kubectl config` changed it.
fn is_kubeconfig(path: &Path) -> bool {
    let plain = path.symlink_metadata().is_ok_and(|about| about.is_file());
    plain && fs::read_to_string(path).is_ok_and(|text| Sandbox::is_kubeconfig(&text))
}

fn foreign(folder: &Path, names: &[String]) -> Stop {
    let mut told: Vec<String> = names.iter().take(TOLD).map(|name| harmless(name)).collect();
    if names.len() > TOLD {
        told.push("...".to_owned());
    }
    Stop::new(format!(
        "{} holds what no demo made ({}), so nothing is written there; choose an empty or a new \
         folder with --dir",
        folder.display(),
        told.join(", ")
    ))
}

fn cannot(folder: &Path, error: &io::Error) -> Stop {
    Stop::new(format!(
        "the demo cannot use {} ({error}); choose a folder that you may write with --dir",
        folder.display()
    ))
}
