//! What was judged before, so that an unchanged folder is not read again.

use std::collections::HashMap;
use std::sync::Arc;

use super::platform::{Judged, Platform};
use super::snapshot::Folder;
use super::solution::{self, Bench, Verdict};
use crate::model::{ContentHash, TreeId};

/// The verdicts of the last reading. Equal input has an equal verdict, so a lost memory costs
/// time and nothing else.
#[derive(Debug, Default)]
pub struct Memory {
    platform: Option<(Option<ContentHash>, Arc<Judged>)>,
    folders: HashMap<String, Remembered>,
    judged: usize,
}

#[derive(Debug)]
struct Remembered {
    tree: TreeId,
    platform: ContentHash,
    verdict: Arc<Verdict>,
}

impl Memory {
    /// Begins a reading: what is not asked for during it is forgotten at its end.
    pub(super) fn begin(&mut self) -> Reading<'_> {
        let before = std::mem::take(&mut self.folders);
        self.judged = 0;
        Reading { memory: self, before }
    }

    /// How many folders the last reading had to judge.
    pub fn judged(&self) -> usize {
        self.judged
    }
}

/// One reading of a snapshot.
pub(super) struct Reading<'m> {
    memory: &'m mut Memory,
    before: HashMap<String, Remembered>,
}

impl Reading<'_> {
    /// The platform's verdict; `bytes` is its file, if there is one that could be read.
    pub fn platform(
        &mut self,
        bytes: Option<&[u8]>,
        judge: impl FnOnce() -> Judged,
    ) -> Arc<Judged> {
        let hash = bytes.map(ContentHash::of);
        if let (Some(hash), Some((Some(known), judged))) = (&hash, &self.memory.platform)
            && hash == known
        {
            return Arc::clone(judged);
        }
        let judged = Arc::new(judge());
        self.memory.platform = Some((hash, Arc::clone(&judged)));
        judged
    }

    /// A folder's verdict.
    pub fn folder(&mut self, path: &str, folder: &Folder, platform: &Platform) -> Arc<Verdict> {
        let known = self
            .before
            .remove(path)
            .filter(|known| known.tree == folder.tree && known.platform == platform.digest);
        let verdict = match known {
            Some(known) => known.verdict,
            None => {
                self.memory.judged += 1;
                Arc::new(solution::judge(&Bench { path, folder, platform, origins: None }))
            }
        };
        let remembered = Remembered {
            tree: folder.tree.clone(),
            platform: platform.digest.clone(),
            verdict: Arc::clone(&verdict),
        };
        self.memory.folders.insert(path.to_owned(), remembered);
        verdict
    }
}
