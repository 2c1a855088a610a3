//! Reads rendered objects as a cluster would: kinds, and places in a body.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Desired, DesiredObject};
use crate::model::Kind;

/// The objects of a kind.
pub(super) fn of_kind(desired: &Desired, kind: Kind) -> impl Iterator<Item = &DesiredObject> {
    desired.objects.iter().map(AsRef::as_ref).filter(move |object| object.key.kind == kind)
}

/// The items of a list somewhere in a body; none if there is none.
pub(super) fn items<'a>(body: &'a Value, pointer: &str) -> &'a [Value] {
    body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text somewhere in a body.
pub(super) fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}

/// A map of texts somewhere in a body.
pub(super) fn texts(body: &Value, pointer: &str) -> BTreeMap<String, String> {
    let map = body.pointer(pointer).and_then(Value::as_object);
    let entries = map.into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
