//! What a container finds in its file system: files of the folder, and room to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::author::Mounts;
use super::bench::Bench;
use super::{Volume, image, secret};
use crate::catalog::fault::code;
use crate::catalog::platform::Version;
use crate::model::decode::Cursor;
use crate::model::path::BadMount;
use crate::model::yaml::{Spanned, is_lfs_pointer};
use crate::model::{ComponentName, MountPath, Quantity, meant};

/// The most that the files of one component may hold together, in bytes.
pub const FILES_MAX: usize = 512 * 1024;

/// Reads `files`: path in the container → file of the folder.
pub fn files(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Mounts {
    let mut mounts = Mounts::new();
    for (target, source) in cursor.free_map() {
        let path_in_container = mount_path(cursor, &target);
        let Some(path) = bench.file(&source) else { continue };
        let Some(file) = bench.folder.files.get(&path) else { continue };
        let Some(bytes) = &file.bytes else {
            let message = format!("`{path}` cannot be mounted: it is a picture or too large");
            let help = "files are for settings, 512 KiB together; put data into the image";
            source.sheet.report(source.fault(code::FILES_TOO_LARGE, message).help(help));
            continue;
        };
        if is_lfs_pointer(bytes) {
            let message = format!("`{path}` lies in Git LFS: the folder holds a pointer to it");
            let help = "commit the file itself if it is small; put data into the image";
            source.sheet.report(source.fault(code::LFS_POINTER, message).help(help));
            continue;
        }
        if let Some((line, what)) = secret::in_file(bytes) {
            let message = format!("`{path}` holds {what} on line {line}");
            let help = "whoever can read the catalogue could use it: revoke it, and take it out; \
                        the operator keeps secrets (`secrets`)";
            source.sheet.report(source.fault(code::CREDENTIAL, message).help(help));
            continue;
        }
        if let Some(target) = path_in_container {
            mounts.insert(target, source.spanned(Arc::clone(bytes)));
        }
    }
    mounts
}

/// Reads `scratch`: path in the container → size.
pub fn scratch(cursor: &Cursor<'_>) -> Option<Spanned<BTreeMap<MountPath, Spanned<Quantity>>>> {
    let mut scratch = BTreeMap::new();
    for item in cursor.list()? {
        let Some(fields) = item.fields() else { continue };
        let size = fields.required("sizeLimit").and_then(|size| {
            let quantity = size.size()?;
            if quantity.value.is_zero() {
                size.say(code::BAD_QUANTITY, format!("`{}` is 0", size.path));
                return None;
            }
            Some(quantity)
        });
        let Some(path) = fields.required("mountPath") else { continue };
        let Some(text) = path.text() else { continue };
        let Some(target) = mount_path(&path, &text) else { continue };
        let Some(size) = size else { continue };
        let place = Spanned { value: size.value, at: text.at };
        if scratch.insert(target, place).is_some() {
            path.say(code::MOUNT_TWICE, format!("`{}` is mounted twice", text.value));
        }
    }
    Some(cursor.spanned(scratch))
}

/// From this server on image volumes are on by default.
const IMAGE_VOLUMES: Version = (1, 35);

/// Reads `volumes`: OCI images that are mounted read-only.
pub fn volumes(
    bench: &Bench<'_>,
    cursor: &Cursor<'_>,
) -> Option<Spanned<BTreeMap<String, Spanned<Volume>>>> {
    let items = cursor.list()?;
    let (major, minor) = bench.platform.cluster_version;
    if !items.is_empty() && (major, minor) < IMAGE_VOLUMES {
        let message = format!(
            "`{}` needs Kubernetes {}.{}, this platform has {major}.{minor}",
            cursor.path, IMAGE_VOLUMES.0, IMAGE_VOLUMES.1
        );
        let help = "put the files into the image; the operator raises `cluster.version` when \
                    every cluster has it";
        let fault = cursor.sheet.fault(code::SERVER_TOO_OLD, cursor.key, message);
        cursor.sheet.report(fault.help(help));
    }
    let mut volumes: BTreeMap<String, Spanned<Volume>> = BTreeMap::new();
    for item in items {
        let Some(fields) = item.fields() else { continue };
        let name = fields.required("name").and_then(|c| volume_name(&c));
        let image = fields.required("image").and_then(|c| image::read(bench, &c));
        let path = fields.required("mountPath").and_then(|c| {
            let text = c.text()?;
            Some(Spanned { value: mount_path(&c, &text)?, at: text.at })
        });
        let (Some(name), Some(image), Some(path)) = (name, image, path) else { continue };
        if volumes.values().any(|other| other.value.mount_path == path.value) {
            let message = format!("`{}` is mounted twice", path.value);
            item.sheet.say(code::MOUNT_TWICE, path.at, message);
            continue;
        }
        let volume = Volume { image: image.value, mount_path: path.value };
        let message = format!("the volume `{}` stands here twice", name.value);
        if volumes.insert(name.value, Spanned { value: volume, at: path.at }).is_some() {
            item.sheet.say(code::MOUNT_TWICE, name.at, message);
        }
    }
    Some(cursor.spanned(volumes))
}

fn volume_name(cursor: &Cursor<'_>) -> Option<Spanned<String>> {
    let text = cursor.text()?;
    if ComponentName::parse(&text.value).is_ok() {
        return Some(text);
    }
    let message = format!("`{}` is not the name of a volume", text.value);
    let help = "1 to 20 of a-z, 0-9 and -, first a letter";
    let name = Some(meant::name(&text.value)).filter(|name| ComponentName::parse(name).is_ok());
    let fix = name.and_then(|name| cursor.instead(&text.value, &name));
    cursor.sheet.report(cursor.fault(code::BAD_NAME, message).help(help).fix(fix));
    None
}

/// Reads where something is mounted.
fn mount_path(cursor: &Cursor<'_>, text: &Spanned<String>) -> Option<MountPath> {
    let path = &text.value;
    let message = match MountPath::parse(path) {
        Ok(path) => return Some(path),
        Err(BadMount::System) => format!("`{path}` belongs to the system"),
        Err(BadMount::NotAPath) => format!("`{path}` is not a path to mount at"),
    };
    let help =
        "write an absolute path such as /config/model.yaml, without `..`, `:`, commas and quotes";
    cursor.sheet.report(cursor.sheet.fault(code::BAD_PATH, text.at, message).help(help));
    None
}
