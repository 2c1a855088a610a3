//! Packs that are small on disk and vast in memory, written without ever holding what they unfold
//! to, and the commits that name what is in them.

use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, Crc, write::ZlibEncoder};
use sha1::{Digest as _, Sha1};
use vitrine_core::model::Revision;

use super::catalogue::Catalogue;

const MIB: usize = 1 << 20;

/// A file, by the pack that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    name: [u8; 20],
    place: usize,
    size: usize,
}

/// A pack that is being written.
pub struct Heavy {
    pack: Vec<u8>,
    /// Name, checksum and place of each entry.
    entries: Vec<([u8; 20], u32, usize)>,
}

impl Heavy {
    pub fn new() -> Self {
        Self { pack: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), entries: Vec::new() }
    }

    /// A whole file: these letters, then zeros up to so many MiB.
    pub fn zeros(&mut self, letters: &str, mib: usize) -> Blob {
        self.whole(Compression::fast(), mib * MIB, |give| contents(letters, mib * MIB, give))
    }

    /// A whole file that does not get smaller.
    pub fn noise(&mut self, mib: usize) -> Blob {
        let seed = fastrand::u64(..);
        self.whole(Compression::none(), mib * MIB, |give| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut piece = vec![0; MIB];
            for _ in 0..mib {
                random.fill(&mut piece);
                give(&piece);
            }
        })
    }

    /// A difference to a file of zeros: other letters, then zeros up to so many bytes.
    pub fn difference(&mut self, base: Blob, letters: &str, size: usize) -> Blob {
        let mut delta = Vec::new();
        for mut size in [base.size, size] {
            while size >= 0x80 {
                delta.push(size as u8 | 0x80);
                size >>= 7;
            }
            delta.push(size as u8);
        }
        delta.push(letters.len() as u8);
        delta.extend_from_slice(letters.as_bytes());
        let mut left = size - letters.len();
        while left > 0 {
            // From the second half of the base, where only zeros are.
            let offset = base.size / 2;
            let length = left.min(0xff_ffff).min(base.size - offset);
            delta.push(0xff);
            delta.extend_from_slice(&(offset as u32).to_le_bytes());
            delta.extend_from_slice(&(length as u32).to_le_bytes()[..3]);
            left -= length;
        }
        let name = named(size, |give| contents(letters, size, give));
        let place = self.pack.len();
        let mut distance = place - base.place;
        let mut back = vec![distance as u8 & 0x7f];
        distance >>= 7;
        while distance > 0 {
            distance -= 1;
            back.push(0x80 | (distance as u8 & 0x7f));
            distance >>= 7;
        }
        back.reverse();
        self.head(6, delta.len());
        self.pack.extend_from_slice(&back);
        let mut deflate = ZlibEncoder::new(&mut self.pack, Compression::fast());
        deflate.write_all(&delta).unwrap();
        deflate.finish().unwrap();
        self.entry(name, place, size)
    }

    fn whole(
        &mut self,
        level: Compression,
        size: usize,
        make: impl Fn(&mut dyn FnMut(&[u8])),
    ) -> Blob {
        let name = named(size, &make);
        let place = self.pack.len();
        self.head(3, size);
        let mut deflate = ZlibEncoder::new(&mut self.pack, level);
        make(&mut |bytes| deflate.write_all(bytes).unwrap());
        deflate.finish().unwrap();
        self.entry(name, place, size)
    }

    fn head(&mut self, kind: u8, size: usize) {
        let mut rest = size >> 4;
        let more = |rest: usize| if rest == 0 { 0 } else { 0x80 };
        self.pack.push(more(rest) | (kind << 4) | (size & 15) as u8);
        while rest > 0 {
            let part = (rest & 0x7f) as u8;
            rest >>= 7;
            self.pack.push(more(rest) | part);
        }
    }

    fn entry(&mut self, name: [u8; 20], place: usize, size: usize) -> Blob {
        let mut sum = Crc::new();
        sum.update(&self.pack[place..]);
        self.entries.push((name, sum.sum(), place));
        Blob { name, place, size }
    }

    /// Puts the pack and its index into a repository.
    pub fn give_to(mut self, catalogue: &Catalogue) {
        let count = u32::try_from(self.entries.len()).unwrap();
        self.pack[8..12].copy_from_slice(&count.to_be_bytes());
        let sum = Sha1::digest(&self.pack);
        self.pack.extend_from_slice(&sum);
        self.entries.sort();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=255 {
            let until = self.entries.iter().filter(|(name, ..)| name[0] <= first).count();
            index.extend_from_slice(&u32::try_from(until).unwrap().to_be_bytes());
        }
        self.entries.iter().for_each(|(name, ..)| index.extend_from_slice(name));
        self.entries.iter().for_each(|(_, crc, _)| index.extend_from_slice(&crc.to_be_bytes()));
        for (.., place) in &self.entries {
            index.extend_from_slice(&u32::try_from(*place).unwrap().to_be_bytes());
        }
        index.extend_from_slice(&sum);
        let own = Sha1::digest(&index);
        index.extend_from_slice(&own);
        let packs = catalogue.path().join(".git/objects/pack");
        let name: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        write(&packs.join(format!("pack-{name}.pack")), &self.pack);
        write(&packs.join(format!("pack-{name}.idx")), &index);
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn contents(letters: &str, size: usize, give: &mut dyn FnMut(&[u8])) {
    give(letters.as_bytes());
    let zeros = vec![0; MIB];
    let mut left = size - letters.len();
    while left > 0 {
        let piece = left.min(MIB);
        give(&zeros[..piece]);
        left -= piece;
    }
}

fn named(size: usize, make: impl Fn(&mut dyn FnMut(&[u8]))) -> [u8; 20] {
    let mut name = Sha1::new();
    name.update(format!("blob {size}\0"));
    make(&mut |bytes| name.update(bytes));
    name.finalize().into()
}

/// Commits these files, which are never written to the work tree.
pub fn commit(catalogue: &Catalogue, files: &[(&str, Blob)]) -> Revision {
    // Server and author alike copy what is packed as it is.
    catalogue.git(&["config", "core.bigFileThreshold", "4g"]);
    catalogue.git(&["add", "-A"]);
    for (path, blob) in files {
        let name: String = blob.name.iter().map(|byte| format!("{byte:02x}")).collect();
        catalogue.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{name},{path}")]);
    }
    let tree = catalogue.git(&["write-tree"]);
    let commit = catalogue.git(&["commit-tree", "-p", "HEAD", "-m", "Heavy", tree.trim()]);
    catalogue.git(&["update-ref", "refs/heads/main", commit.trim()]);
    Revision::parse(commit.trim()).unwrap()
}
