//! The repository on the other side, however it is reached.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use git2::{
    AutotagOption, Direction, FetchOptions, FetchPrune, Oid, PushOptions, RemoteCallbacks,
    Repository, RepositoryOpenFlags,
};

use vitrine_core::config;
use vitrine_core::model::Revision;

use super::address::Address;
use super::commits::{Commit, without_odd_refs};
use super::http::ls_refs::Answer;
pub use super::limits::Limits;
use super::refs::TIP;
use super::room::{self, Guarded};
use super::transport::{Dial, Line};
use super::{Side, Trouble, http, left_out, local, ssh, trouble};

/// Knows the address and the branch; holds no connection between calls.
pub struct Remote {
    address: Address,
    branch: String,
    room: u64,
    pub(super) reach: Reach,
}

pub(super) enum Reach {
    Local,
    Http(Arc<http::Server>),
    Ssh(Arc<ssh::Server>),
}

/// What became of a push.
pub enum Pushed {
    Done,
    /// The other side has commits that we lack.
    Stale,
    /// The server's words.
    Declined(String),
}

impl Remote {
    pub fn new(settings: &config::Repository) -> Result<Self, Trouble> {
        Self::with_limits(settings, Limits::default())
    }

    pub fn with_limits(settings: &config::Repository, limits: Limits) -> Result<Self, Trouble> {
        let address = Address::parse(settings)?;
        let branch = settings.branch.clone();
        if !git2::Reference::is_valid_name(&format!("refs/heads/{branch}")) {
            return Err(Trouble::new(format!(
                "repository.branch `{branch}` is not a branch's name; write it without refs/heads/"
            )));
        }
        let reach = match &address {
            Address::Local(_) => Reach::Local,
            Address::Http(url) => Reach::Http(http::Server::new(
                url.clone(),
                settings.auth.clone(),
                settings.ca_file.clone(),
                limits,
            )),
            Address::Ssh(ssh) => Reach::Ssh(Arc::new(ssh::Server {
                address: ssh.clone(),
                shown: address.to_string(),
                auth: settings.auth.clone(),
                limits,
                program: "ssh".into(),
            })),
        };
        Ok(Self { address, branch, room: limits.room, reach })
    }

    /// The name of the tracked branch.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Brings the tracked branch, however it is named there, to [`TIP`].
    pub fn refspec(&self) -> String {
        format!("+{}:{TIP}", self.branch_ref())
    }

    fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// The branch's tip, asked for anew.
    pub fn tip(&self) -> Result<Revision, Trouble> {
        let found = match &self.reach {
            Reach::Local => self.ref_of_local(&self.branch_ref())?,
            Reach::Ssh(_) => self.listed()?,
            Reach::Http(server) if server.plain.load(Ordering::Relaxed) => {
                let listed = self.listed();
                if listed.is_err() {
                    server.plain.store(false, Ordering::Relaxed);
                }
                listed?
            }
            Reach::Http(server) => match server.session()?.ls_refs(&self.branch_ref())? {
                Answer::Tip(tip) => tip,
                Answer::NotUnderstood => {
                    let listed = self.listed()?;
                    server.plain.store(true, Ordering::Relaxed);
                    listed
                }
            },
        };
        let tip = found.ok_or_else(|| {
            Trouble::new(format!(
                "{self} has no branch `{}`; create it or set repository.branch",
                self.branch
            ))
        })?;
        revision(tip)
    }

    /// The branch's tip from the list of all refs.
    fn listed(&self) -> Result<Option<Oid>, Trouble> {
        let name = self.branch_ref();
        Ok(self.refs()?.into_iter().find(|(found, _)| *found == name).map(|(_, id)| id))
    }

    /// All refs of the other side. Needs no mirror.
    pub fn refs(&self) -> Result<Vec<(String, Oid)>, Trouble> {
        self.call(None, |remote| {
            remote.connect(Direction::Fetch)?;
            let found =
                remote.list()?.iter().map(|head| (head.name().to_owned(), head.oid())).collect();
            remote.disconnect()?;
            Ok(found)
        })
    }

    /// The commit of a ref of a local repository.
    pub fn ref_of_local(&self, name: &str) -> Result<Option<Oid>, Trouble> {
        let repository = self.open_local()?;
        // The commit itself is not read: nobody knows yet how large it is.
        match repository.find_reference(name).and_then(|found| found.resolve()) {
            Ok(found) => Ok(found.target()),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Until when the server wants to be left alone.
    pub fn quiet_until(&self) -> Option<Instant> {
        match &self.reach {
            Reach::Http(server) => server.quiet().map(|quiet| quiet.until),
            Reach::Local | Reach::Ssh(_) => None,
        }
    }

    /// Whether the repository lies on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.reach, Reach::Local)
    }

    /// Opens a local repository: bare, with a `.git`, or a linked work tree.
    pub fn open_local(&self) -> Result<Repository, Trouble> {
        let Address::Local(path) = &self.address else {
            return Err(Trouble::new(format!("{self} is not on this machine")));
        };
        open_local(path).map_err(|error| match error.code() {
            git2::ErrorCode::NotFound => Trouble::new(format!(
                "{self} is not a Git repository; check repository.url or run `git init` there"
            )),
            git2::ErrorCode::Owner => Trouble::new(format!(
                "{self} belongs to another user; run vitrine as its owner or change the owner"
            )),
            _ => self.refused(&error),
        })
    }

    /// Fetches into `mirror` by `refspec`. A ref that the other side lacks stays as it is here.
    pub fn fetch(&self, mirror: &Repository, refspec: &str) -> Result<(), Trouble> {
        self.fetch_by(mirror, refspec, FetchPrune::Off)
    }

    /// As [`Remote::fetch`], but a ref that the other side lacks is removed here.
    pub fn fetch_and_prune(&self, mirror: &Repository, refspec: &str) -> Result<(), Trouble> {
        self.fetch_by(mirror, refspec, FetchPrune::On)
    }

    fn fetch_by(
        &self,
        mirror: &Repository,
        refspec: &str,
        prune: FetchPrune,
    ) -> Result<(), Trouble> {
        if self.is_local() {
            return self.copy(mirror, refspec, prune);
        }
        without_odd_refs(mirror, || {
            self.call(Some(mirror), |remote| {
                let mut options = FetchOptions::new();
                options.download_tags(AutotagOption::None).update_fetchhead(false).prune(prune);
                remote.fetch(&[refspec], Some(&mut options), None)
            })
        })
    }

    /// As [`Remote::fetch_by`], from a repository on this machine.
    fn copy(&self, mirror: &Repository, refspec: &str, prune: FetchPrune) -> Result<(), Trouble> {
        let Some((from, to)) = refspec.trim_start_matches('+').split_once(':') else {
            return Err(Trouble::new(format!("{refspec} names no ref of the mirror")));
        };
        match self.ref_of_local(from)? {
            Some(tip) => {
                if let Some(place) = mirror.path().parent() {
                    room::enough(place, self.room)?;
                }
                local::copy(&self.open_local()?, &self.address, mirror, tip)?;
                mirror.reference(to, tip, true, "")?;
            }
            None => {
                if let FetchPrune::On = prune
                    && let Ok(mut gone) = mirror.find_reference(to)
                {
                    gone.delete()?;
                }
            }
        }
        Ok(())
    }

    /// Pushes by `refspec`, never forced.
    ///
    /// libgit2 says "done" also for a ref that the server's hook declined; only the callback tells.
    pub fn push(&self, mirror: &Repository, refspec: &str) -> Result<Pushed, Trouble> {
        let declined = RefCell::new(None);
        let pushed = self.call(Some(mirror), |remote| {
            let mut callbacks = RemoteCallbacks::new();
            callbacks.push_update_reference(|_, status| {
                *declined.borrow_mut() = status.map(str::to_owned);
                Ok(())
            });
            let mut options = PushOptions::new();
            options.remote_callbacks(callbacks);
            match remote.push(&[refspec], Some(&mut options)) {
                Err(error) if error.code() == git2::ErrorCode::NotFastForward => Ok(Pushed::Stale),
                other => other.map(|()| Pushed::Done),
            }
        })?;
        Ok(declined.into_inner().map_or(pushed, Pushed::Declined))
    }

    /// Runs `work` with a connection that exists for that long; with a mirror if it is written to.
    fn call<T>(
        &self,
        mirror: Option<&Repository>,
        work: impl FnOnce(&mut git2::Remote<'_>) -> Result<T, git2::Error>,
    ) -> Result<T, Trouble> {
        let place = mirror.and_then(|mirror| mirror.path().parent());
        if let Some(place) = place {
            room::enough(place, self.room)?;
        }
        match &self.reach {
            Reach::Local => {
                let path = self.open_local()?.commondir().to_path_buf();
                let Some(path) = path.to_str() else {
                    return Err(Trouble::new(format!("{self} is not UTF-8; rename the folder")));
                };
                run(mirror, path, work).map_err(|error| self.blame(place, &error))
            }
            Reach::Http(server) => {
                let session = server.session()?;
                self.over(mirror, Arc::clone(&session), work, || session.failure())
            }
            Reach::Ssh(server) => {
                let session = server.session();
                self.over(mirror, Arc::clone(&session), work, || session.failure())
            }
        }
    }

    /// Runs `work` over a connection of ours, which knows its own failures best.
    fn over<T>(
        &self,
        mirror: Option<&Repository>,
        session: Arc<impl Dial>,
        work: impl FnOnce(&mut git2::Remote<'_>) -> Result<T, git2::Error>,
        failure: impl FnOnce() -> Option<Trouble>,
    ) -> Result<T, Trouble> {
        let place = mirror.and_then(|mirror| mirror.path().parent());
        let guard = place.map(|place| Guarded::new(Arc::clone(&session), place, self.room));
        let line = match &guard {
            Some(guard) => Line::new(Arc::clone(guard) as Arc<dyn Dial>),
            None => Line::new(session),
        };
        match (run(mirror, &line.url(), work), mirror) {
            (Ok(done), None) => Ok(done),
            (Ok(done), Some(mirror)) => {
                left_out::remember(mirror, &line.findings.left_out())?;
                Ok(done)
            }
            // The first failure says more than what libgit2 makes of it.
            (Err(error), _) => Err(guard
                .and_then(|guard| guard.full())
                .or_else(|| line.findings.trouble(self))
                .or_else(failure)
                .or_else(|| line.findings.broke_off(self))
                .unwrap_or_else(|| self.blame(place, &error))),
        }
    }

    /// Whose fault an error of libgit2 is that came up between the two sides.
    fn blame(&self, place: Option<&Path>, error: &git2::Error) -> Trouble {
        use git2::ErrorClass::{Filesystem, Object, Odb, Os, Reference, Zlib};
        let Some(place) = place else { return self.refused(error) };
        if let Err(full) = room::writable(place) {
            return full;
        }
        let trouble = self.refused(error);
        match (error.class(), &self.reach) {
            // Our own connections report no such errors, so they are the mirror's disk.
            (Os | Filesystem, Reach::Http(_) | Reach::Ssh(_)) => {
                Trouble::disk(place, &io::Error::other(error.message().to_owned()))
            }
            // An object may be missing on either side; a new clone tells which.
            (Odb | Object | Reference | Zlib, _) => {
                Trouble { side: Side::Cache(trouble::flaw(error)), ..trouble }
            }
            _ => trouble,
        }
    }

    /// The other side cannot be read.
    fn refused(&self, error: &git2::Error) -> Trouble {
        use git2::ErrorClass::{Filesystem, Os};
        let message = error.message();
        let advice = match error.class() {
            Os | Filesystem => "check that vitrine may read all of it",
            _ => "check the repository",
        };
        let sentence = format!("{self} cannot be read ({message}); {advice}");
        Trouble { sentence, side: Side::Theirs, why: Some(message.to_owned()) }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Opens the repository at exactly `path`, not in a folder above it.
pub fn open_local(path: &Path) -> Result<Repository, git2::Error> {
    let nothing: [&Path; 0] = [];
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, nothing)
}

fn run<T>(
    mirror: Option<&Repository>,
    url: &str,
    work: impl FnOnce(&mut git2::Remote<'_>) -> Result<T, git2::Error>,
) -> Result<T, git2::Error> {
    match mirror {
        Some(mirror) => work(&mut mirror.remote_anonymous(url)?),
        None => work(&mut git2::Remote::create_detached(url)?),
    }
}

/// libgit2's name of a commit as ours.
pub fn revision(id: Oid) -> Result<Revision, Trouble> {
    Revision::parse(&id.to_string()).map_err(|error| Trouble::new(error.to_string()))
}

/// Finds a commit in the mirror. One that is not there is no damage: it was not fetched.
pub fn commit(mirror: &Repository, revision: &Revision) -> Result<Commit, Trouble> {
    Commit::find(mirror, oid(revision)?)?.ok_or_else(|| {
        Trouble::new(format!("commit {} has not been fetched yet", revision.short()))
    })
}

/// Our name of a commit as libgit2's.
pub fn oid(revision: &Revision) -> Result<Oid, Trouble> {
    Oid::from_str(revision.as_str()).map_err(|error| Trouble::new(error.message()))
}
