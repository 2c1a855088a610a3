//! The objects of a repository on this machine: what each costs to read, and then its bytes.
//!
//! libgit2 would hold every base of a difference, however large, before anybody could ask.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository};

use super::packs::{Entry, Pack};
use crate::git::pack::{Form, Inflater, LARGEST, Malformed, apply};

/// Differences upon differences; git itself makes 50, and 4095 at most.
const MAX_CHAIN: usize = 4096;
/// Repositories that lend their objects to one that lends them, ...
const MAX_LENDERS: usize = 32;
/// The longest beginning of a loose object: its kind and its size.
const LONGEST_HEAD: usize = 32;
/// Bytes of bases that are kept, because the next object is often made from the same.
const KEPT: usize = 8 << 20;

pub struct Objects {
    folders: Vec<PathBuf>,
    packs: Vec<Pack>,
    kept: BTreeMap<Place, (ObjectType, Vec<u8>)>,
    kept_bytes: usize,
    /// What each entry that was looked at costs.
    weighed: HashMap<Place, Weight>,
}

/// The kind of an entry, and the largest thing that has to be held to read it.
type Weight = (ObjectType, u64);

/// A pack by its number, and where in it.
pub type Place = (usize, u64);

/// Where an object lies, and what it costs to read.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// `None`: in a file of its own.
    pub place: Option<Place>,
    pub kind: ObjectType,
    pub size: u64,
    /// The largest thing that has to be held to read it.
    pub cost: u64,
}

impl Objects {
    pub fn of(repository: &Repository) -> io::Result<Self> {
        let mut folders = vec![repository.commondir().join("objects")];
        let mut at = 0;
        while let Some(folder) = folders.get(at).cloned() {
            for lender in lenders(&folder) {
                if folders.len() < MAX_LENDERS && !folders.contains(&lender) {
                    folders.push(lender);
                }
            }
            at += 1;
        }
        let mut packs = Vec::new();
        for folder in &folders {
            let entries = match fs::read_dir(folder.join("pack")) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_none_or(|end| end != "idx") {
                    continue;
                }
                match Pack::open(&path) {
                    Ok(pack) => packs.push(pack),
                    // Gone since the folder was listed: what was in it is in another pack.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let (kept, weighed) = (BTreeMap::new(), HashMap::new());
        Ok(Self { folders, packs, kept, kept_bytes: 0, weighed })
    }

    /// The cheapest copy of an object; `None` if there is none.
    pub fn find(&mut self, id: Oid) -> io::Result<Option<Found>> {
        let mut best: Option<Found> = None;
        for (number, pack) in self.packs.iter().enumerate() {
            let Some(at) = pack.find(id)? else { continue };
            let found = weigh(pack, (number, at), &mut self.weighed)?;
            if found.cost <= LARGEST {
                return Ok(Some(found));
            }
            if best.is_none_or(|best| found.cost < best.cost) {
                best = Some(found);
            }
        }
        match self.loose(id)? {
            Some((kind, size, _)) if best.is_none_or(|best| size < best.cost) => {
                Ok(Some(Found { place: None, kind, size, cost: size }))
            }
            _ => Ok(best),
        }
    }

    /// The bytes of an object whose cost is known to be small, under its name.
    pub fn read(&mut self, id: Oid, found: &Found) -> io::Result<Vec<u8>> {
        if found.cost > LARGEST {
            return Err(Malformed.into());
        }
        let (kind, bytes) = match found.place {
            Some(place) => self.unpack(place)?,
            None => {
                let (kind, size, bytes) = self.loose(id)?.ok_or(Malformed)?;
                (kind, bytes.read(size)?)
            }
        };
        match Oid::hash_object(kind, &bytes) {
            Ok(name) if name == id => Ok(bytes),
            Ok(_) | Err(_) => Err(Malformed.into()),
        }
    }

    pub fn pack(&self, number: usize) -> io::Result<&Pack> {
        self.packs.get(number).ok_or_else(|| Malformed.into())
    }

    /// Applies differences from the innermost base outwards.
    fn unpack(&mut self, (number, mut at): Place) -> io::Result<(ObjectType, Vec<u8>)> {
        let pack = self.packs.get(number).ok_or(Malformed)?;
        let mut chain: Vec<(u64, Entry)> = Vec::new();
        let (kind, mut bytes) = loop {
            if let Some((kind, bytes)) = self.kept.get(&(number, at)) {
                break (*kind, bytes.clone());
            }
            let entry = pack.entry(at)?;
            match (entry.form, entry.base) {
                (Form::Whole(kind), _) => break (kind, pack.read(&entry)?),
                (_, Some(base)) if chain.len() < MAX_CHAIN => {
                    chain.push((at, entry));
                    at = base;
                }
                _ => return Err(Malformed.into()),
            }
        };
        let mut keep = vec![];
        while let Some((place, entry)) = chain.pop() {
            let delta = pack.read(&entry)?;
            let result = apply(&bytes, &delta)?;
            keep.push((at, std::mem::replace(&mut bytes, result)));
            at = place;
            if keep.len() > 1 {
                keep.remove(0);
            }
        }
        keep.push((at, bytes.clone()));
        for (at, bytes) in keep {
            self.keep((number, at), kind, bytes);
        }
        Ok((kind, bytes))
    }

    fn keep(&mut self, place: Place, kind: ObjectType, bytes: Vec<u8>) {
        if bytes.len() > KEPT / 8 || self.kept.contains_key(&place) {
            return;
        }
        if self.kept_bytes + bytes.len() > KEPT {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += bytes.len();
        self.kept.insert(place, (kind, bytes));
    }

    fn loose(&self, id: Oid) -> io::Result<Option<(ObjectType, u64, Loose)>> {
        let name = id.to_string();
        let (folder, rest) = name.split_at(2);
        for objects in &self.folders {
            match File::open(objects.join(folder).join(rest)) {
                Ok(file) => return Loose::begin(file).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// A loose object, read up to the end of its first words.
struct Loose {
    file: File,
    inflater: Inflater,
    /// Read from the file and not inflated yet.
    waiting: Vec<u8>,
    /// Inflated beyond the first words.
    inflated: Vec<u8>,
    ended: bool,
}

impl Loose {
    fn begin(file: File) -> io::Result<(ObjectType, u64, Self)> {
        let mut loose = Self {
            file,
            inflater: Inflater::new(),
            waiting: Vec::new(),
            inflated: Vec::new(),
            ended: false,
        };
        // How long it is stands inside.
        loose.inflater.begin_open();
        while !loose.inflated.contains(&0) {
            if loose.ended || loose.inflated.len() > LONGEST_HEAD {
                return Err(Malformed.into());
            }
            loose.step()?;
        }
        let end = loose.inflated.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
        let words = loose.inflated.drain(..=end).collect::<Vec<u8>>();
        let words = std::str::from_utf8(&words).map_err(|_| Malformed)?;
        let (kind, size) = words.trim_end_matches('\0').split_once(' ').ok_or(Malformed)?;
        let kind = ObjectType::from_str(kind).ok_or(Malformed)?;
        Ok((kind, size.parse().map_err(|_| Malformed)?, loose))
    }

    fn step(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            let mut piece = vec![0; 16 * 1024];
            let length = self.file.read(&mut piece)?;
            piece.truncate(length);
            self.waiting = piece;
        }
        let at_end = self.waiting.is_empty();
        let step = self.inflater.step(&self.waiting)?;
        if at_end && !step.ended && step.inflated.is_empty() {
            return Err(Malformed.into());
        }
        self.inflated.extend_from_slice(step.inflated);
        self.ended = step.ended;
        let consumed = step.consumed;
        self.waiting.drain(..consumed);
        Ok(())
    }

    fn read(mut self, size: u64) -> io::Result<Vec<u8>> {
        while !self.ended {
            self.step()?;
            if self.inflated.len() as u64 > size {
                return Err(Malformed.into());
            }
        }
        if self.inflated.len() as u64 == size { Ok(self.inflated) } else { Err(Malformed.into()) }
    }
}

/// Follows the bases of an entry by their first bytes alone.
fn weigh(pack: &Pack, place: Place, weighed: &mut HashMap<Place, Weight>) -> io::Result<Found> {
    let (number, mut at) = place;
    let own = |entry: &Entry| -> io::Result<u64> {
        match entry.form {
            Form::Whole(_) => Ok(entry.size),
            Form::FromEntry | Form::FromName => pack.result_size(entry),
        }
    };
    let first = pack.entry(at)?;
    let size = own(&first)?;
    let mut chain = Vec::new();
    let (kind, mut cost) = loop {
        if let Some(known) = weighed.get(&(number, at)) {
            break *known;
        }
        let entry = pack.entry(at)?;
        match (entry.form, entry.base) {
            (Form::Whole(kind), _) => {
                chain.push((at, entry.size));
                break (kind, entry.size);
            }
            (_, Some(base)) if chain.len() < MAX_CHAIN => {
                chain.push((at, entry.size.max(own(&entry)?)));
                at = base;
            }
            _ => return Err(Malformed.into()),
        }
    };
    for (at, own) in chain.into_iter().rev() {
        cost = cost.max(own);
        weighed.insert((number, at), (kind, cost));
    }
    Ok(Found { place: Some(place), kind, size, cost })
}

/// The folders named in `info/alternates`.
fn lenders(folder: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(folder.join("info/alternates")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| folder.join(line)).collect()
}
