//! Reads the notes' commits, trees and files, whoever pushed them: the sizes come first.

use std::cell::RefCell;

use git2::{Blob, Commit, ObjectType, Oid, Repository, Tree};

use crate::git::left_out::Known;
use crate::git::local::objects::Objects;
use crate::git::pack::{LARGEST, largest};

/// A repository that is read with care.
pub struct Careful<'r> {
    repository: &'r Repository,
    objects: RefCell<Objects>,
    left_out: Known,
}

impl<'r> Careful<'r> {
    pub fn over(repository: &'r Repository) -> Result<Self, git2::Error> {
        let objects = Objects::of(repository).map_err(|error| told(&error))?;
        let left_out = Known::of(repository).map_err(|error| told(&error))?;
        Ok(Self { repository, objects: RefCell::new(objects), left_out })
    }

    /// Whether an object can be read at small cost. One that is missing is for libgit2 to tell.
    pub fn allows(&self, id: Oid, largest: u64) -> Result<bool, git2::Error> {
        let found = self.objects.borrow_mut().find(id).map_err(|error| told(&error))?;
        Ok(match found {
            Some(found) => found.size <= largest && found.cost <= LARGEST,
            None => self.left_out.look_up(id).is_none(),
        })
    }

    pub fn commit(&self, id: Oid) -> Result<Commit<'r>, git2::Error> {
        self.must_allow(id, ObjectType::Commit)?;
        self.repository.find_commit(id)
    }

    pub fn tree(&self, id: Oid) -> Result<Tree<'r>, git2::Error> {
        self.must_allow(id, ObjectType::Tree)?;
        self.repository.find_tree(id)
    }

    /// A file. Whether it is small was asked before.
    pub fn blob(&self, id: Oid) -> Result<Blob<'r>, git2::Error> {
        self.repository.find_blob(id)
    }

    fn must_allow(&self, id: Oid, kind: ObjectType) -> Result<(), git2::Error> {
        if self.allows(id, largest(kind))? {
            return Ok(());
        }
        Err(git2::Error::from_str(&format!("the {kind} {id} is too large to be one of notes")))
    }
}

fn told(error: &impl std::fmt::Display) -> git2::Error {
    git2::Error::from_str(&error.to_string())
}
