//! Reads secrets from their files, at each use: a file that is replaced counts at once.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The largest secret, in bytes: nobody's device or log.
const LARGEST: u64 = 64 * 1024;

/// Why a file gives no secret. Stands behind the file's name.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("cannot be read: {0}; until it can, it proves no delivery")]
    Unreadable(io::Error),
    #[error("is empty; until it is not, it proves no delivery")]
    Empty,
    #[error("is larger than 64 KiB, so it is no secret and proves no delivery")]
    TooLarge,
}

/// The secrets in these files, each without one line end behind it. Of a file that gives none, why not.
pub async fn read(files: Vec<PathBuf>) -> Vec<(PathBuf, Result<Vec<u8>, Trouble>)> {
    let all = move || files.into_iter().map(|file| (file.clone(), read_one(&file))).collect();
    // A volume may be slow. A reader that panicked has read nothing.
    tokio::task::spawn_blocking(all).await.unwrap_or_default()
}

fn read_one(file: &Path) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let file = File::open(file).map_err(Trouble::Unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(Trouble::Unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Trouble::TooLarge);
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.trim_ascii().is_empty() {
        return Err(Trouble::Empty);
    }
    Ok(bytes)
}
