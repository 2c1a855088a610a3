//! Names of objects and labels, as Kubernetes takes them.

use crate::catalog::fault::code;
use crate::model::decode::Cursor;

/// A name of a Kubernetes object: a DNS subdomain.
pub(super) fn object_name(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?.value;
    let ok = (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && text.split('.').all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'));
    if ok {
        return Some(text);
    }
    let message = format!("`{}` is `{text}`, which is not the name of an object", cursor.path);
    cursor.say(code::BAD_NAME, message);
    None
}

/// The key of a label: a name, if need be behind a domain and `/`.
pub(super) fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let prefix_ok = prefix.is_none_or(|prefix| {
        (1..=253).contains(&prefix.len())
            && prefix
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    });
    prefix_ok && is_label_value(name) && !name.is_empty()
}

/// The value of a label; it may be empty.
pub(super) fn is_label_value(text: &str) -> bool {
    let ends = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && ends(text.bytes().next())
        && ends(text.bytes().next_back())
}
