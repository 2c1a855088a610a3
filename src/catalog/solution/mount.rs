//! What a container finds in its file system: files of the folder, and room to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::author::Mounts;
use super::judge::Bench;
use crate::catalog::fault::code;
use crate::model::Quantity;
use crate::model::decode::{Cursor, Schema};
use crate::model::yaml::{Span, Spanned};

/// The most that the files of one component may hold together, in bytes.
pub const FILES_MAX: usize = 512 * 1024;

/// Reads `files`: path in the container → file of the folder.
pub fn files(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Mounts {
    let mut mounts = Mounts::new();
    for (target, source) in cursor.free_map() {
        let target_ok = mount_path(cursor, &target.value, target.at);
        let Some(path) = bench.file(&source) else { continue };
        let Some(file) = bench.folder.files.get(&path) else { continue };
        let Some(bytes) = &file.bytes else {
            let message = format!("`{path}` cannot be mounted: it is a picture or too large");
            let help = "files are for settings, 512 KiB together; put data into the image";
            source.sheet.report(source.fault(code::FILES_TOO_LARGE, message).help(help));
            continue;
        };
        if target_ok {
            mounts.insert(target.value, source.spanned(Arc::clone(bytes)));
        }
    }
    mounts
}

/// Reads `scratch`: path in the container → size.
pub fn scratch(cursor: &Cursor<'_>) -> Option<BTreeMap<String, Spanned<Quantity>>> {
    let mut scratch = BTreeMap::new();
    for item in cursor.list()? {
        let Some(fields) = item.map(Schema::of(&["mountPath", "sizeLimit"])) else { continue };
        let size = fields.required("sizeLimit").and_then(|size| {
            let quantity = size.quantity()?;
            if quantity.value.is_zero() {
                size.say(code::OUT_OF_RANGE, format!("`{}` is 0", size.path));
                return None;
            }
            Some(quantity)
        });
        let Some(path) = fields.required("mountPath") else { continue };
        let Some(text) = path.text() else { continue };
        if !mount_path(&path, &text.value, text.at) {
            continue;
        }
        let Some(size) = size else { continue };
        let place = Spanned { value: size.value, at: text.at };
        if scratch.insert(text.value.clone(), place).is_some() {
            path.say(code::MOUNT_TWICE, format!("`{}` is mounted twice", text.value));
        }
    }
    Some(scratch)
}

/// An absolute path that hides nothing the container or the kubelet needs.
fn mount_path(cursor: &Cursor<'_>, path: &str, at: Span) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let shape = path.starts_with('/')
        && path.len() <= 255
        && !path.contains([':', '\0', '\n'])
        && parts.iter().all(|part| !part.is_empty() && *part != "." && *part != "..");
    let taken = ["proc", "sys", "dev"].contains(parts.first().unwrap_or(&""))
        || path.starts_with("/var/run/secrets")
        || path.starts_with("/run/secrets");
    if shape && !taken {
        return true;
    }
    let message = if taken {
        format!("`{path}` belongs to the system")
    } else {
        format!("`{path}` is not a path to mount at")
    };
    let help = "write an absolute path such as /config/model.yaml, without `..` and `:`";
    cursor.sheet.report(cursor.sheet.fault(code::BAD_PATH, at, message).help(help));
    false
}
