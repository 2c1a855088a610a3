//! What is said of a name: by the catalogue, or, of a preview, by a pull request.

use super::{Book, Known};
use crate::catalog::{Catalog, Standing};
use crate::model::{ClaimedName, Revision, SolutionName};

impl Book {
    /// The previews that should be on the cluster.
    pub fn shown(&self) -> impl Iterator<Item = &SolutionName> {
        self.staging.shown.keys()
    }

    /// Of a preview: the head that it shows.
    pub fn head_of(&self, name: &SolutionName) -> Option<&Revision> {
        self.staging.shown.get(name)?.preview.as_ref()
    }

    /// What the catalogue, or a pull request, says of a name; `None` = it is not in it.
    pub fn known(&self, name: &SolutionName) -> Option<Known<'_>> {
        let catalog = self.catalog.as_ref()?;
        if !name.is_preview() {
            return self.declared(catalog, name.as_str());
        }
        match self.staging.shown.contains_key(name) {
            true => Some(self.form(name)),
            false => self.staging.undecided.contains(name).then_some(Known::Undecided),
        }
    }

    /// The same of a name that may be no solution's.
    pub fn known_as(&self, name: &ClaimedName) -> Option<Known<'_>> {
        match name.solution() {
            Some(name) => self.known(name),
            None => self.declared(self.catalog.as_ref()?, name.as_str()),
        }
    }

    /// What the catalogue says of a name.
    fn declared(&self, catalog: &Catalog, name: &str) -> Option<Known<'_>> {
        match catalog.standing(name) {
            Standing::Published(solution) => Some(self.form(&solution.name)),
            Standing::Frozen => Some(Known::Frozen),
            Standing::Gone => None,
        }
    }

    /// What is published, as far as it is rendered.
    fn form(&self, name: &SolutionName) -> Known<'_> {
        match self.forms.get(name) {
            Some(form) => Known::Published {
                solution: &form.solution,
                outline: &form.outline,
                phase: form.key.phase,
            },
            None => Known::Coming,
        }
    }
}
