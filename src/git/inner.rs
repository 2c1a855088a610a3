//! A repository, its mirror, and what is remembered of them between two calls.

use super::mirror::{Mirror, Use};
use super::remote::Remote;
use super::trouble::{Side, Trouble};
use super::{history, notes, snapshot, transport};
use vitrine_core::config;
use vitrine_core::model::Revision;

/// What a [`super::Source`] owns.
pub struct Inner {
    pub remote: Remote,
    pub mirror: Mirror,
    pub root: snapshot::Root,
    pub last: snapshot::Last,
    pub history: history::Last,
    pub notes: notes::Copies,
}

impl Inner {
    /// As [`super::Source::open`].
    pub fn open(settings: &config::Repository) -> Result<Self, Trouble> {
        transport::install()?;
        let remote = Remote::new(settings)?;
        Ok(Self {
            root: snapshot::Root::parse(&settings.path)?,
            mirror: Mirror::open(&settings.mirror, &remote.to_string())?,
            remote,
            last: snapshot::Last::default(),
            history: history::Last::default(),
            notes: notes::Copies::default(),
        })
    }

    /// Does what needs a whole mirror. One that is damaged, or turns out to be, is made again
    /// first; what fails in a new one as well is nobody's cache.
    pub fn soundly<T>(
        &mut self,
        of: Use,
        at: Option<&Revision>,
        mut work: impl FnMut(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        if self.mirror.is_damaged()? {
            self.mend(Use::Files, None)?;
        }
        let found = match self.attempt(of, &mut work) {
            Err(trouble @ Trouble { side: Side::Cache(_), .. }) => trouble,
            done @ (Ok(_) | Err(Trouble { side: Side::Theirs | Side::Disk, .. })) => return done,
        };
        self.mirror.doubt(&found)?;
        self.mend(of, at)?;
        let again = self.attempt(of, &mut work);
        again.map_err(|trouble| self.mirror.in_vain(of, at, &self.remote, trouble))
    }

    fn attempt<T>(
        &mut self,
        of: Use,
        work: &mut impl FnMut(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let done = work(self);
        match of {
            Use::Notes => self.mirror.wrote(),
            Use::Files | Use::Fetch | Use::Snapshot | Use::History | Use::Records => {}
        }
        if done.is_ok() {
            self.mirror.served(of);
        }
        done
    }

    fn mend(&mut self, of: Use, at: Option<&Revision>) -> Result<(), Trouble> {
        self.mirror.mend(&self.remote, of, at)?;
        self.notes.forget();
        Ok(())
    }
}
