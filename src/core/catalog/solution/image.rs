//! Which images this platform runs.

use super::bench::Bench;
use crate::catalog::fault::code;
use crate::catalog::pattern::matches;
use crate::model::ImageReference;
use crate::model::decode::Cursor;
use crate::model::image::is_own_machine;
use crate::model::yaml::Spanned;

/// Reads an image and reports what the platform does not run.
pub fn read(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<Spanned<ImageReference>> {
    let text = cursor.text()?;
    let Some(reference) = ImageReference::parse(&text.value) else {
        let mut fault = cursor
            .fault(code::BAD_IMAGE, format!("`{}` is not an image reference", text.value))
            .help("write registry/repository:tag@sha256:<64 hexadecimal digits>");
        let lower = text.value.to_lowercase();
        if ImageReference::parse(&lower).is_some() {
            fault = fault.help(format!("write it in lower case: {lower}"));
        }
        let spelt = spelt(&text.value);
        let fix = spelt.and_then(|image| cursor.instead(&text.value, &image));
        cursor.sheet.report(fault.fix(fix));
        return None;
    };
    let registries = &bench.platform.registries;
    let full = reference.full_repository();
    // A cluster on one machine may have its registry there; then its operator says so.
    let named = |pattern: &String| {
        let host = pattern.split('/').next().unwrap_or(pattern);
        !host.contains('*') && is_own_machine(host) && matches(pattern, &full)
    };
    if reference.host().is_some_and(is_own_machine) && !registries.allow.iter().any(named) {
        let message = "the image lies on one's own machine: the cluster cannot pull it from there";
        let help = "push it to a registry that the cluster reaches; an operator whose nodes have \
                    one on themselves names it in registries.allow of platform.yaml";
        cursor.sheet.report(cursor.fault(code::LOCAL_IMAGE, message).help(help));
        return None;
    }
    if !registries.allow.is_empty() && !registries.allow.iter().any(|p| matches(p, &full)) {
        let message = format!("images of `{full}` are not allowed on this platform");
        let help = format!("allowed: {}", registries.allow.join(", "));
        cursor.sheet.report(cursor.fault(code::REGISTRY, message).help(help));
        return None;
    }
    if registries.require_digest && reference.digest().is_none() {
        let message =
            format!("`{}` has no digest: the registry can replace what a tag means", text.value);
        let help = "append @sha256:<digest>; `vitrine pin` asks the registry for it";
        cursor.sheet.report(cursor.fault(code::NO_DIGEST, message).help(help));
        return None;
    }
    Some(Spanned { value: reference, at: text.at })
}

/// An image in lower case, without the scheme of an address: there is no other way to write it.
fn spelt(text: &str) -> Option<String> {
    let schemes = ["https://", "http://", "docker://", "oci://"];
    let text = text.trim();
    let bare = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let last = bare.rfind('/').map_or(0, |at| at + 1);
    let name = bare.get(last..).unwrap_or_default();
    let (repository, rest) = bare.split_at(last + name.find([':', '@']).unwrap_or(name.len()));
    // The case of a tag says something, that of a repository does not.
    let image = format!("{}{rest}", repository.to_lowercase());
    ImageReference::parse(&image).is_some().then_some(image)
}
