//! Where a component stands in its solution.

use super::Exposure;
use super::author::Runtime;
use crate::model::ComponentName;
use crate::model::yaml::{Span, Spanned};

/// A component's place in its solution.
pub struct Setting<'a> {
    pub name: ComponentName,
    pub title: Option<String>,
    pub exposure: Exposure,
    pub depends_on: &'a [Spanned<String>],
    /// Where a missing image is told.
    pub key: Span,
    /// `spec`, `spec.components.web`
    pub path: String,
    /// What the solution says for all of its components.
    pub base: &'a Runtime,
}
