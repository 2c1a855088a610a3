//! Writes a pack, entry by entry, whose number is known before.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::ObjectType;
use sha1::{Digest as _, Sha1};

use super::{Form, write_distance, write_head};

/// A pack that is being written.
pub struct Pack<W> {
    to: W,
    sum: Sha1,
    written: u64,
}

impl<W: Write> Pack<W> {
    pub fn begin(to: W, count: u32) -> io::Result<Self> {
        let mut pack = Self { to, sum: Sha1::new(), written: 0 };
        pack.bytes(b"PACK\0\0\0\x02")?;
        pack.bytes(&count.to_be_bytes())?;
        Ok(pack)
    }

    /// Where the next entry begins.
    pub fn place(&self) -> u64 {
        self.written
    }

    /// A whole object.
    pub fn object(&mut self, kind: ObjectType, bytes: &[u8]) -> io::Result<()> {
        self.head(Form::Whole(kind), bytes.len() as u64, None)?;
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(bytes)?;
        let deflated = deflate.finish()?;
        self.bytes(&deflated)
    }

    /// The first bytes of an entry whose deflated bytes follow; `base`: where that begins.
    pub fn head(&mut self, form: Form, size: u64, base: Option<u64>) -> io::Result<()> {
        let mut head = Vec::new();
        write_head(form, size, &mut head);
        if let Some(base) = base {
            write_distance(self.written - base, &mut head);
        }
        self.bytes(&head)
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.written += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    /// The checksum. Gives back where it was written to.
    pub fn end(mut self) -> io::Result<W> {
        let sum = self.sum.finalize_reset();
        self.to.write_all(sum.as_slice())?;
        Ok(self.to)
    }
}
