//! A section of the settings: what the file says, and what flags and variables say above it.

use std::path::PathBuf;

use super::layers::Layers;
use crate::model::decode::{Cursor, Fields, Schema, Sheet};
use crate::model::fault::code;
use crate::model::yaml::Span;

/// One section of the file, which may lack, and the layers above it.
pub(super) struct Section<'a> {
    layers: &'a Layers,
    sheet: &'a Sheet,
    fields: Option<Fields<'a>>,
    pub path: String,
}

impl<'a> Section<'a> {
    /// A section of the root.
    pub fn of(
        layers: &'a Layers,
        sheet: &'a Sheet,
        root: Option<&'a Fields<'a>>,
        key: &str,
        schema: Schema,
    ) -> Self {
        let fields = root.and_then(|root| root.or_null(key)).and_then(|c| c.map(schema));
        Self { layers, sheet, fields, path: key.to_owned() }
    }

    pub fn get(&self, key: &str) -> Option<Cursor<'a>> {
        self.layers.get(&format!("{}.{key}", self.path), self.fields.as_ref(), key)
    }

    pub fn section(&self, key: &str, schema: Schema) -> Self {
        Self {
            layers: self.layers,
            sheet: self.sheet,
            fields: self
                .fields
                .as_ref()
                .and_then(|fields| fields.or_null(key))
                .and_then(|cursor| cursor.map(schema)),
            path: format!("{}.{key}", self.path),
        }
    }

    pub fn path_of(&self, key: &str) -> Option<PathBuf> {
        Some(PathBuf::from(self.get(key)?.line_of(4096)?.value))
    }

    /// Whether the key stands in the file or above it, with or without a value.
    pub fn written(&self, key: &str) -> bool {
        self.fields.as_ref().is_some_and(|fields| fields.has(key)) || self.get(key).is_some()
    }

    /// Reports that a key lacks, for which there is no default.
    pub fn missing(&self, key: &str, help: &str) {
        let at = self.fields.as_ref().map_or(Span::START, |fields| fields.key);
        let message = format!("the setting `{}.{key}` is missing", self.path);
        self.sheet.report(self.sheet.fault(code::MISSING, at, message).help(help));
    }

    /// Whether none of these keys has a value anywhere.
    pub fn is_silent(&self, mut keys: impl Iterator<Item = &'static str>) -> bool {
        keys.all(|key| self.get(key).is_none())
    }
}
