//! A model of the repository and of the reader that goes to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::catalog::snapshot::{File, Folder, Oddity, Snapshot, Unknown};
use crate::catalog::{Change, Changes};
use crate::engine::{Commit, Repository};
use crate::model::{ContentHash, Revision, TreeId};

/// The operator's file.
pub const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\n\
                            spec: {domain: demo.example}\n";

/// What a folder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A good solution, in one of several forms.
    Good(u8),
    /// With a slip of the pen: refused.
    Slip,
}

/// A commit: its folders, and the one before it.
#[derive(Clone, Debug)]
pub struct Made {
    pub(super) revision: Revision,
    /// The commit before it, as an index of [`Remote::commits`]; `None` for the first.
    pub parent: Option<usize>,
    /// What each folder says, by its name.
    pub folders: BTreeMap<String, Form>,
    /// Whether the operator's file can be read.
    pub platform: bool,
    /// Whether a symbolic link lies in the catalogue's root.
    pub link: bool,
    /// Whether it gives the catalogue another domain.
    pub elsewhere: bool,
    /// Whether it gives every pod another priority.
    pub priority: bool,
}

/// The repository, and how far its reader came.
pub struct Remote {
    /// Every commit that was made, in the order of making; of rewritten history too.
    pub commits: Vec<Made>,
    /// The branch's head, as an index of `commits`.
    pub head: usize,
    /// Whether nobody answers.
    pub down: bool,
    read: Option<usize>,
    since: Option<Revision>,
    errand: u32,
    heard: bool,
    failed: bool,
    /// What the mirror has of earlier lives.
    mirror: Option<usize>,
    /// The commit that was delivered last.
    told: Option<usize>,
    /// Its records, shared with the next if that has the same.
    records: Arc<BTreeMap<String, Revision>>,
}

impl Remote {
    /// A repository with one commit, which nobody has read.
    pub fn new(folders: BTreeMap<String, Form>) -> Self {
        let first = Made {
            revision: revision(0),
            parent: None,
            folders,
            platform: true,
            link: false,
            elsewhere: false,
            priority: false,
        };
        Self {
            commits: vec![first],
            head: 0,
            down: false,
            read: None,
            since: None,
            errand: 0,
            heard: false,
            failed: false,
            mirror: None,
            told: None,
            records: Arc::default(),
        }
    }

    /// Another process reads it from now on.
    pub fn restart(&mut self) {
        (self.read, self.since, self.errand) = (None, None, 0);
        (self.heard, self.failed, self.told) = (false, false, None);
    }

    /// A commit on top of the head, or, if history is `rewritten`, of the one before it.
    pub fn commit(&mut self, rewritten: bool, edit: impl FnOnce(&mut Made)) {
        let parent = if rewritten { self.commits[self.head].parent } else { Some(self.head) };
        let mut made = self.commits[self.head].clone();
        (made.revision, made.parent) = (revision(self.commits.len()), parent);
        edit(&mut made);
        self.commits.push(made);
        self.head = self.commits.len() - 1;
    }

    /// The reader is told from where history counts.
    pub fn follow(&mut self, since: Option<Revision>, now: Timestamp) -> Repository {
        (self.since, self.read) = (since, None);
        self.errand += 1;
        self.visit(now)
    }

    /// Whether the reader was sent off.
    pub fn is_sent(&self) -> bool {
        self.errand > 0
    }

    /// Whether the repository answered since the start.
    pub fn has_answered(&self) -> bool {
        self.heard
    }

    /// Whether the head was read, and nothing failed since.
    pub fn is_read(&self) -> bool {
        self.read == Some(self.head) && !self.failed
    }

    /// The reader goes and looks.
    pub fn visit(&mut self, now: Timestamp) -> Repository {
        if self.down {
            self.failed = true;
            let unknown = Unknown { since: now, cause: "nobody answers".to_owned() };
            let kept = self.mirror.filter(|_| !self.heard && self.read.is_none());
            let kept = kept.filter(|at| self.descends(*at, self.since.as_ref()));
            return match kept {
                Some(at) => Repository::Kept(Box::new(self.deliver(at)), unknown),
                None => Repository::Unknown(unknown),
            };
        }
        self.heard = true;
        if self.read == Some(self.head) && !self.failed {
            return Repository::Same;
        }
        self.failed = false;
        self.mirror = Some(self.head);
        Repository::Commit(Box::new(self.deliver(self.head)))
    }

    fn deliver(&mut self, at: usize) -> Commit {
        let from = match self.read {
            Some(read) => Some(read),
            None => self.index(self.since.as_ref()),
        };
        let rewritten = match (&self.since, self.read, from) {
            (_, Some(read), _) => !self.is_ancestor(read, at),
            (Some(_), None, None) => true,
            (_, None, Some(from)) => !self.is_ancestor(from, at),
            (None, None, None) => false,
        };
        let mut commits = Vec::new();
        let mut next = Some(at);
        while let Some(index) = next.filter(|index| Some(*index) != from) {
            commits.push(self.change(index));
            next = self.commits[index].parent;
            if from.is_none() || rewritten {
                break;
            }
        }
        commits.reverse();
        let mut records = BTreeMap::new();
        let mut next = Some(at);
        while let Some(index) = next {
            let change = self.change(index);
            for folder in change.folders {
                if self.commits[at].folders.contains_key(&folder) {
                    records.entry(folder).or_insert_with(|| change.revision.clone());
                }
            }
            next = self.commits[index].parent;
        }
        self.read = Some(at);
        if *self.records != records {
            self.records = Arc::new(records);
        }
        let like = self.told.replace(at).filter(|told| {
            let said = |at: usize| {
                let Made { folders, platform, link, elsewhere, priority, .. } = &self.commits[at];
                (folders, platform, link, elsewhere, priority)
            };
            said(*told) == said(at)
        });
        let all = (0..self.commits.len()).filter(|index| !self.is_ancestor(*index, at));
        let lost = all.map(|index| self.commits[index].revision.clone()).collect();
        Commit {
            snapshot: Arc::new(self.snapshot(at)),
            like: like.map(|told| self.commits[told].revision.clone()),
            changes: Changes { commits, rewritten },
            records: Arc::clone(&self.records),
            errand: self.errand,
            noted: None,
            lost,
        }
    }

    /// What people committed.
    pub fn made(&self, revision: &Revision) -> Option<&Made> {
        self.commits.get(self.index(Some(revision))?)
    }

    /// Whether one commit is the other, or came after it.
    pub fn follows(&self, new: &Revision, old: &Revision) -> bool {
        self.index(Some(new)).is_some_and(|new| self.descends(new, Some(old)))
    }

    fn index(&self, revision: Option<&Revision>) -> Option<usize> {
        let revision = revision?;
        self.commits.iter().position(|made| made.revision == *revision)
    }

    fn descends(&self, at: usize, since: Option<&Revision>) -> bool {
        self.index(since).is_some_and(|since| self.is_ancestor(since, at))
    }

    fn is_ancestor(&self, old: usize, new: usize) -> bool {
        let mut next = Some(new);
        while let Some(index) = next {
            if index == old {
                return true;
            }
            next = self.commits[index].parent;
        }
        false
    }

    fn change(&self, at: usize) -> Change {
        let made = &self.commits[at];
        let none = BTreeMap::new();
        let parent = made.parent.map(|parent| &self.commits[parent]);
        let before = parent.map_or(&none, |parent| &parent.folders);
        let operators = |made: &Made| (made.platform, made.elsewhere, made.priority);
        let platform = parent.is_some_and(|parent| operators(parent) != operators(made));
        let names: BTreeSet<&String> = made.folders.keys().chain(before.keys()).collect();
        let folders = names.into_iter().filter(|n| made.folders.get(*n) != before.get(*n));
        let folders = folders.cloned().collect();
        Change { revision: made.revision.clone(), folders, platform }
    }

    /// What a commit says.
    pub fn snapshot(&self, at: usize) -> Snapshot {
        let made = &self.commits[at];
        let folders = made.folders.iter().map(|(name, form)| {
            let text = solution(name, *form);
            let files = [
                ("solution.yaml".to_owned(), file(&text)),
                ("README.md".to_owned(), file("# A demonstrator\n")),
            ]
            .into_iter()
            .collect();
            let folder = Folder { tree: tree(&text), files, oddities: BTreeMap::new() };
            (name.clone(), Arc::new(folder))
        });
        let mut platform = PLATFORM.to_owned();
        if made.elsewhere {
            platform = platform.replace("demo.example", "other.example");
        }
        if made.priority {
            platform = platform.replace('}', ", nodes: {priorityClassName: demos}}");
        }
        if !made.platform {
            platform = "kind: [\n".to_owned();
        }
        Snapshot {
            revision: made.revision.clone(),
            committed: Timestamp::UNIX_EPOCH,
            root: tree(made.revision.as_str()),
            platform: Some(file(&platform)),
            folders: Arc::new(folders.collect()),
            oddities: made
                .link
                .then(|| ("link".to_owned(), Oddity::SymbolicLink))
                .into_iter()
                .collect(),
        }
    }
}

fn solution(name: &str, form: Form) -> String {
    let digest = match form {
        Form::Good(form) => char::from(b'a' + form % 6),
        Form::Slip => 'a',
    };
    let slip = if form == Form::Slip { "  replica: 3\n" } else { "" };
    let more = match form {
        // This form has one object more than the others.
        Form::Good(2) => "  configurations: {x: {}}\n",
        // And these never sleep.
        Form::Good(3..) => "  scaling: {minReplicas: 1, maxReplicas: 1}\n",
        Form::Good(_) | Form::Slip => "",
    };
    format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: {name}}}\nspec:\n  \
         owner: group:lab\n  image: registry.example/{name}:1.0@sha256:{}\n{more}{slip}",
        digest.to_string().repeat(64)
    )
}

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

#[allow(clippy::unwrap_used)]
fn tree(text: &str) -> TreeId {
    TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap()
}

#[allow(clippy::unwrap_used)]
/// Told apart by its first digits, as people read it.
fn revision(number: usize) -> Revision {
    Revision::parse(&format!("{:07x}{number:033x}", number + 0xc0000)).unwrap()
}
