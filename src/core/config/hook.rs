//! Reads `web.hooks`.

use std::path::PathBuf;

use super::{ForgeKind, Hook};
use crate::model::decode::{Cursor, Fields};
use crate::model::fault::code;

/// Every hook that is good; what is wrong with the others is told.
pub fn all(cursor: &Cursor<'_>) -> Vec<Hook> {
    let mut hooks: Vec<Hook> = Vec::new();
    for cursor in cursor.list().unwrap_or_default() {
        let Some(fields) = cursor.fields() else { continue };
        let name = fields.required("name").and_then(|cursor| {
            let name = name(&cursor)?;
            if hooks.iter().any(|hook| hook.name == name) {
                let message = format!("`{}` is `{name}`, as another hook is called", cursor.path);
                cursor.say(code::BAD_NAME, message);
                return None;
            }
            Some(name)
        });
        let (kind, secret_files) = (kind(&fields), secret_files(&fields));
        if let (Some(name), Some(kind), Some(secret_files)) = (name, kind, secret_files) {
            hooks.push(Hook { name, kind, secret_files });
        }
    }
    hooks
}

/// A DNS label (RFC 1123, section 2.1), in lower case.
fn name(cursor: &Cursor<'_>) -> Option<String> {
    let name = cursor.text()?.value;
    let label = (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !label {
        let message =
            format!("`{}` is `{name}`, which cannot be a part of an address", cursor.path);
        let help = "write 1 to 63 of a-z, 0-9 and -, first and last none of -";
        cursor.sheet.report(cursor.fault(code::BAD_NAME, message).help(help));
    }
    label.then_some(name)
}

fn kind(fields: &Fields<'_>) -> Option<ForgeKind> {
    let word = fields.required("kind")?.word()?.value;
    ForgeKind::ALL.into_iter().find(|kind| kind.as_str() == word)
}

fn secret_files(fields: &Fields<'_>) -> Option<Vec<PathBuf>> {
    let cursor = fields.required("secretFiles")?;
    let items = cursor.list()?;
    if items.is_empty() {
        let message = format!("`{}` is empty: without a secret anybody could call", cursor.path);
        cursor.say(code::MISSING, message);
        return None;
    }
    items.iter().map(|item| Some(PathBuf::from(item.line()?.value))).collect()
}
