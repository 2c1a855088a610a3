//! How the kubelet gets an image, and which one warms a component up.

use super::context::Context;
use crate::catalog::solution::Component;
use crate::model::ImageReference;

/// The image that the kubelet pulls, and when: by digest alone where there is one, because a tag
/// beside it means nothing, and a new one would roll the same image.
pub(super) fn pulled(image: &ImageReference) -> (String, &'static str) {
    match image.digest() {
        Some(digest) => (format!("{}@{digest}", image.repository()), "IfNotPresent"),
        None => (image.to_string(), "Always"),
    }
}

/// The image that warms a component up; `None` if nothing does.
pub(super) fn of_warm_up<'a>(
    cx: &Context<'a>,
    component: &Component,
) -> Option<&'a ImageReference> {
    cx.platform.warmup_image.as_ref().filter(|_| !component.warmup.is_empty())
}
