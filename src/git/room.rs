//! Whether the disk of the mirror takes what we want to write.
//!
//! libgit2 writes packs through mapped memory: on a full disk the system may end the process instead
//! of answering, and where it answers, libgit2 passes on no code that says why. So a fetch stops
//! while there is still room, and what went wrong is asked of the disk itself.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransportStream};

use super::Trouble;
use super::transport::Dial;

/// So much stays free, in bytes. libgit2 takes at most 64 KiB between two looks.
pub const MARGIN: u64 = 4 << 20;
/// Written to see whether the disk takes it, in bytes.
const TRIAL: usize = 64 << 10;

/// Whether there is room to fetch into `place` and to leave `margin` bytes free.
pub fn enough(place: &Path, margin: u64) -> Result<(), Trouble> {
    match rustix::fs::statvfs(place) {
        Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < margin => {
            Err(Trouble::disk(place, &io::ErrorKind::StorageFull.into()))
        }
        // A file system that cannot tell answers the writes.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether `place` can be written, tried out. A folder that is not there is no fault of the disk.
pub fn writable(place: &Path) -> Result<(), Trouble> {
    enough(place, MARGIN)?;
    let file = place.join("vitrine-trial");
    let tried = fs::write(&file, [0; TRIAL]);
    let removed = fs::remove_file(&file);
    match tried {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Trouble::disk(place, &error)),
        Ok(()) => removed.map_err(|error| Trouble::disk(place, &error)),
    }
}

/// A connection that breaks off before the disk is full.
pub struct Guarded<D> {
    dial: Arc<D>,
    place: PathBuf,
    margin: u64,
    full: Mutex<Option<Trouble>>,
}

impl<D> Guarded<D> {
    pub fn new(dial: Arc<D>, place: &Path, margin: u64) -> Arc<Self> {
        Arc::new(Self { dial, place: place.to_owned(), margin, full: Mutex::new(None) })
    }

    /// What broke it off.
    pub fn full(&self) -> Option<Trouble> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<D: Dial> Dial for Guarded<D> {
    fn stateless(&self) -> bool {
        self.dial.stateless()
    }

    fn dial(self: Arc<Self>, service: Service) -> io::Result<Box<dyn SmartSubtransportStream>> {
        let stream = Arc::clone(&self.dial).dial(service)?;
        Ok(Box::new(Watched { stream, guard: self }))
    }
}

struct Watched<D> {
    stream: Box<dyn SmartSubtransportStream>,
    guard: Arc<Guarded<D>>,
}

impl<D: Dial> Read for Watched<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Err(trouble) = enough(&self.guard.place, self.guard.margin) {
            let error = io::Error::other(trouble.sentence.clone());
            *self.guard.full.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
            return Err(error);
        }
        self.stream.read(buffer)
    }
}

impl<D: Dial> Write for Watched<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
