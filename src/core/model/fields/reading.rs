//! From the JSON of an entry of `managedFields` to a set, without a tree of values in between.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads a set, which is made of what lies below each element. What is no map has nothing in it, as
/// the API server takes it.
pub(super) struct Reading<T>(pub fn(BTreeMap<Box<str>, T>) -> T);

impl<T> Reading<T> {
    fn nothing(self) -> T {
        (self.0)(BTreeMap::new())
    }
}

impl<'de, T> DeserializeSeed<'de> for Reading<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Reading<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("fields, as managedFields has them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut set = BTreeMap::new();
        while let Some(element) = map.next_key::<Box<str>>()? {
            set.insert(element, map.next_value_seed(Self(self.0))?);
        }
        Ok((self.0)(set))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.nothing())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(self.nothing())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(self.nothing())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(self.nothing())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(self.nothing())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(self.nothing())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(self.nothing())
    }
}
