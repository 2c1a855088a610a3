//! How the kubelet gets an image.

use crate::model::ImageReference;

/// The image that the kubelet pulls, and when: by digest alone where there is one, because a tag
/// beside it means nothing, and a new one would roll the same image.
pub(super) fn pulled(image: &ImageReference) -> (String, &'static str) {
    match image.digest() {
        Some(digest) => (format!("{}@{digest}", image.repository()), "IfNotPresent"),
        None => (image.to_string(), "Always"),
    }
}
