//! Copies a branch of a repository on this machine into the mirror.
//!
//! Ours instead of libgit2's, which loads every object whole. Here the sizes come first, small
//! objects go from pack to pack as they are deflated, and large files are left out and remembered.
//! Everything arrives as one pack or not at all, so what the mirror has it has completely.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use git2::{ObjectType, Oid, Repository};

use super::address::Address;
use super::commits::{self, Commit};
use super::left_out::{self, Known};
use super::pack::sieve::LeftOut;
use super::pack::write::Pack;
use super::pack::{Form, LARGEST, MAX_OBJECTS, largest};
use super::{Trouble, room};

pub mod objects;
mod packs;

use objects::{Found, Objects, Place};

/// Why nothing was copied.
#[derive(Debug)]
enum Problem {
    /// An object is not in the repository.
    Missing(Oid, ObjectType),
    /// History ends at this commit because the rest was not cloned.
    Shallow(Oid),
    Unreadable(Oid, ObjectType),
    TooLarge(Oid, ObjectType, u64),
    TooMany,
    /// It does not want to be read.
    Source(io::Error),
    Mirror(git2::Error),
    Disk(io::Error),
    Told(Trouble),
}

/// Copies what `tip` reaches in the repository at `address` and the mirror lacks.
pub fn copy(
    source: &Repository,
    address: &Address,
    mirror: &Repository,
    tip: Oid,
) -> Result<(), Trouble> {
    let copied = match Copy::new(source, mirror).and_then(|copy| copy.run(tip)) {
        // `git gc` may have moved it since the packs were listed.
        Err(Problem::Missing(..)) => Copy::new(source, mirror).and_then(|copy| copy.run(tip)),
        copied => copied,
    };
    copied.map_err(|problem| tell(address, source, mirror, problem))
}

struct Copy<'m> {
    objects: Objects,
    mirror: &'m Repository,
    /// Commits whose parents were not cloned.
    shallow: HashSet<Oid>,
    known: Known,
    seen: HashSet<Oid>,
    taken: Vec<(Oid, Found)>,
    left_out: Vec<LeftOut>,
}

impl<'m> Copy<'m> {
    fn new(source: &Repository, mirror: &'m Repository) -> Result<Self, Problem> {
        let shallow = match std::fs::read_to_string(source.commondir().join("shallow")) {
            Ok(text) => text.lines().filter_map(|line| Oid::from_str(line).ok()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashSet::new(),
            Err(error) => return Err(Problem::Source(error)),
        };
        Ok(Self {
            objects: Objects::of(source).map_err(Problem::Source)?,
            mirror,
            shallow,
            known: Known::of(mirror).map_err(Problem::Told)?,
            seen: HashSet::new(),
            taken: Vec::new(),
            left_out: Vec::new(),
        })
    }

    fn run(mut self, tip: Oid) -> Result<(), Problem> {
        self.commits(tip)?;
        // Remembered first: a file too much does no harm, one too few would look like damage.
        left_out::remember(self.mirror, &self.left_out).map_err(Problem::Told)?;
        if self.taken.is_empty() {
            return Ok(());
        }
        // In the order of the packs, where a base comes before what is made from it.
        self.taken.sort_by_key(|(_, found)| found.place);
        self.write()
    }

    /// Whether an object is neither in the mirror nor met before.
    fn is_new(&mut self, odb: &git2::Odb<'_>, id: Oid) -> bool {
        !self.seen.contains(&id) && !odb.exists(id) && self.seen.insert(id)
    }

    fn commits(&mut self, tip: Oid) -> Result<(), Problem> {
        let odb = self.mirror.odb().map_err(Problem::Mirror)?;
        let mut next = vec![tip];
        while let Some(id) = next.pop() {
            if !self.is_new(&odb, id) {
                continue;
            }
            let bytes = self.take(id, ObjectType::Commit)?;
            let commit =
                Commit::parse(id, &bytes).ok_or(Problem::Unreadable(id, ObjectType::Commit))?;
            if self.shallow.contains(&id) {
                return Err(Problem::Shallow(id));
            }
            self.tree(&odb, commit.tree)?;
            next.extend(commit.parents);
        }
        Ok(())
    }

    fn tree(&mut self, odb: &git2::Odb<'_>, root: Oid) -> Result<(), Problem> {
        let mut next = vec![root];
        while let Some(id) = next.pop() {
            if !self.is_new(odb, id) {
                continue;
            }
            let bytes = self.take(id, ObjectType::Tree)?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let broken = Problem::Unreadable(id, ObjectType::Tree);
                let (folder, id, after) = entry(rest).ok_or(broken)?;
                rest = after;
                match folder {
                    Some(true) => next.push(id),
                    Some(false) => self.blob(odb, id)?,
                    // A submodule is a commit elsewhere.
                    None => {}
                }
            }
        }
        Ok(())
    }

    fn blob(&mut self, odb: &git2::Odb<'_>, id: Oid) -> Result<(), Problem> {
        if !self.is_new(odb, id) || self.known.look_up(id).flatten().is_some() {
            return Ok(());
        }
        let found = self.find(id, ObjectType::Blob)?;
        if found.cost > LARGEST {
            self.left_out.push(LeftOut { id: Some(id), size: found.size });
            return Ok(());
        }
        self.push(id, found)
    }

    /// Takes a commit or a tree, and reads it.
    fn take(&mut self, id: Oid, kind: ObjectType) -> Result<Vec<u8>, Problem> {
        let found = self.find(id, kind)?;
        if found.kind != kind {
            return Err(Problem::Unreadable(id, kind));
        }
        if found.size > largest(kind) || found.cost > LARGEST {
            return Err(Problem::TooLarge(id, kind, found.cost));
        }
        let bytes = self.objects.read(id, &found).map_err(Problem::Source)?;
        self.push(id, found)?;
        Ok(bytes)
    }

    fn find(&mut self, id: Oid, kind: ObjectType) -> Result<Found, Problem> {
        let found = self.objects.find(id).map_err(Problem::Source)?;
        found.ok_or(Problem::Missing(id, kind))
    }

    fn push(&mut self, id: Oid, found: Found) -> Result<(), Problem> {
        if self.taken.len() >= MAX_OBJECTS as usize {
            return Err(Problem::TooMany);
        }
        self.taken.push((id, found));
        Ok(())
    }

    fn write(mut self) -> Result<(), Problem> {
        let odb = self.mirror.odb().map_err(Problem::Mirror)?;
        let mut writer = odb.packwriter().map_err(Problem::Mirror)?;
        let count = u32::try_from(self.taken.len()).map_err(|_| Problem::TooMany)?;
        let taken = std::mem::take(&mut self.taken);
        let mut places = HashMap::new();
        let mut pack =
            Pack::begin(io::BufWriter::new(&mut writer), count).map_err(Problem::Disk)?;
        for (id, found) in taken {
            let at = pack.place();
            match found.place.map(|place| (place, self.verbatim(place, &places))) {
                Some((place, Ok(Some(base)))) => {
                    // Commits and trees were read already. Under a wrong name it would be missing.
                    if found.kind == ObjectType::Blob {
                        self.objects.read(id, &found).map_err(Problem::Source)?;
                    }
                    self.pass(place, base, &mut pack)?;
                    places.insert(place, at);
                }
                Some((_, Err(error))) => return Err(Problem::Source(error)),
                other => {
                    let bytes = self.objects.read(id, &found).map_err(Problem::Source)?;
                    pack.object(found.kind, &bytes).map_err(Problem::Disk)?;
                    if let Some((place, _)) = other {
                        places.insert(place, at);
                    }
                }
            }
        }
        let mut buffered = pack.end().map_err(Problem::Disk)?;
        buffered.flush().map_err(Problem::Disk)?;
        drop(buffered);
        writer.commit().map_err(Problem::Mirror)?;
        Ok(())
    }

    /// Whether an entry can be copied as it is deflated: a whole object, or a difference to what
    /// was written before, and where that was.
    fn verbatim(
        &self,
        (number, at): Place,
        written: &HashMap<Place, u64>,
    ) -> io::Result<Option<Option<u64>>> {
        let entry = self.objects.pack(number)?.entry(at)?;
        Ok(match (entry.form, entry.base) {
            (Form::Whole(_), _) => Some(None),
            (_, base) => {
                base.and_then(|base| written.get(&(number, base))).map(|place| Some(*place))
            }
        })
    }

    fn pass<W: Write>(
        &self,
        (number, at): Place,
        base: Option<u64>,
        to: &mut Pack<W>,
    ) -> Result<(), Problem> {
        let pack = self.objects.pack(number).map_err(Problem::Source)?;
        let entry = pack.entry(at).map_err(Problem::Source)?;
        let form = if base.is_some() { Form::FromEntry } else { entry.form };
        to.head(form, entry.size, base).map_err(Problem::Disk)?;
        let mut written = Ok(());
        pack.inflate(&entry, |deflated, _| {
            written = to.bytes(deflated);
            written.is_ok()
        })
        .map_err(Problem::Source)?;
        written.map_err(Problem::Disk)
    }
}

/// The first entry of a tree: whether it is a folder (`None`: a submodule), its name in the
/// database, and the rest.
fn entry(bytes: &[u8]) -> Option<(Option<bool>, Oid, &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let mode = std::str::from_utf8(bytes.get(..space)?).ok()?;
    let mode = u32::from_str_radix(mode, 8).ok()?;
    let id = Oid::from_bytes(bytes.get(end + 1..end + 21)?).ok()?;
    let folder = match mode & 0o170_000 {
        0o040_000 => Some(true),
        0o160_000 => None,
        _ => Some(false),
    };
    Some((folder, id, bytes.get(end + 21..)?))
}

fn tell(address: &Address, source: &Repository, mirror: &Repository, problem: Problem) -> Trouble {
    let place = mirror.path().parent().unwrap_or_else(|| mirror.path());
    let what = |kind: ObjectType| match kind {
        ObjectType::Tree => "folder",
        ObjectType::Commit => "commit",
        ObjectType::Blob | ObjectType::Tag | ObjectType::Any => "file",
    };
    match problem {
        Problem::Told(trouble) => trouble,
        Problem::Missing(id, kind) if is_partial(source) => Trouble::new(format!(
            "{address} is a partial clone, and the {} {id} was never fetched; clone it again \
             without `--filter`",
            what(kind)
        )),
        Problem::Missing(id, kind) => Trouble::new(format!(
            "{address} lacks the {} {id}; run `git fsck` there, and fetch or restore what is missing",
            what(kind)
        )),
        Problem::Shallow(id) => Trouble::new(format!(
            "{address} is a shallow clone whose history ends at commit {id}; run `git fetch \
             --unshallow` there (in CI: `fetch-depth: 0`)"
        )),
        Problem::Unreadable(id, ObjectType::Commit) => commits::unreadable(id),
        Problem::Unreadable(id, kind) => Trouble::new(format!(
            "{address} holds the {} {id}, which cannot be read; run `git fsck` there",
            what(kind)
        )),
        Problem::TooLarge(id, kind, size) => Trouble::new(format!(
            "{address} holds the {} {id}, which takes {} MiB to read; {}",
            what(kind),
            size >> 20,
            match kind {
                ObjectType::Tree => "divide the folder, or run `git repack -adf` there",
                _ => "rewrite it with a short message",
            }
        )),
        Problem::TooMany => Trouble::new(format!(
            "{address} holds more than {MAX_OBJECTS} objects; give the catalogue a repository of \
             its own"
        )),
        Problem::Source(error) => Trouble::new(format!(
            "{address} cannot be read ({error}); run `git fsck` there and check its owner and rights"
        )),
        // A full disk is told apart by the disk itself.
        Problem::Mirror(error) => {
            room::writable(place).err().unwrap_or_else(|| Trouble::from(error))
        }
        Problem::Disk(error) => Trouble::disk(place, &error),
    }
}

/// Whether the repository was cloned without some of its objects.
fn is_partial(source: &Repository) -> bool {
    let packs = std::fs::read_dir(source.commondir().join("objects/pack"));
    packs.is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "promisor"))
    })
}
