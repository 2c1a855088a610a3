//! From the JSON of an entry of `managedFields` to a set, without a tree of values in between.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::FieldSet;

/// Reads a set. What is no map has nothing in it, as the API server takes it.
pub(super) struct Reading;

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = FieldSet;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<FieldSet, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = FieldSet;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("fields, as managedFields has them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldSet, A::Error> {
        let mut set = BTreeMap::new();
        while let Some(element) = map.next_key::<Box<str>>()? {
            set.insert(element, map.next_value_seed(Self)?);
        }
        Ok(FieldSet(set))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<FieldSet, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FieldSet::default())
    }

    fn visit_unit<E>(self) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }
}
