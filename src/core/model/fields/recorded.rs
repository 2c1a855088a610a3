//! A set as an entry of `managedFields` carries it, which is read once for all that are equal.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::FieldSet;

/// The `fieldsV1` of an entry of `managedFields`. A thousand objects of one shape have the same
/// text, so it stays a text until somebody has looked whether he knows it
/// ([`Interner::read`](crate::model::intern::Interner::read)).
#[derive(Clone, Debug)]
pub enum Recorded {
    /// As the server wrote it.
    Text(Box<RawValue>),
    /// Read already.
    Set(Arc<FieldSet>),
}

impl Recorded {
    /// The set. What is no map, or nested too deeply to be a server's word, has no fields.
    pub fn read(&self) -> Arc<FieldSet> {
        match self {
            Self::Text(text) => {
                let mut reader = serde_json::Deserializer::from_str(text.get());
                Arc::new(FieldSet::read(&mut reader).unwrap_or_default())
            }
            Self::Set(set) => Arc::clone(set),
        }
    }
}

impl Default for Recorded {
    fn default() -> Self {
        Self::Set(Arc::default())
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::Text)
    }
}
