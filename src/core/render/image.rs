//! How the kubelet gets an image.

/// The image that the kubelet pulls, and when: by digest alone where there is one, because a tag
/// beside it means nothing, and a new one would roll the same image.
pub(super) fn pulled(image: &str) -> (String, &'static str) {
    match image.split_once('@') {
        Some((name, digest)) => {
            // A colon before the last slash belongs to a port: `host:5000/name:tag`.
            let tag = name.rfind(':').filter(|at| name.rfind('/').is_none_or(|slash| slash < *at));
            let repository = tag.map_or(name, |at| name.get(..at).unwrap_or(name));
            (format!("{repository}@{digest}"), "IfNotPresent")
        }
        None => (image.to_owned(), "Always"),
    }
}
