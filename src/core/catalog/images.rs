//! The images that a `solution.yaml` names, whatever else is right or wrong in it.

use crate::model::ImageReference;
use crate::model::yaml::{Node, Spanned, Value};

/// An image, and the field that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `spec.components.web.image`
    pub field: String,
    /// The reference as written, which may be no good one, and its place in the file.
    pub image: Spanned<String>,
}

/// Every image that the file names, in its order: the solution's, its components' and those that
/// are mounted.
pub fn named(root: &Node) -> Vec<Named> {
    let mut all = Vec::new();
    let Some(spec) = entry(root, "spec") else { return all };
    runtime(spec, "spec", &mut all);
    if let Some(Value::Map(components)) = entry(spec, "components").map(|node| &node.value) {
        for (name, component) in components {
            runtime(component, &format!("spec.components.{}", name.text), &mut all);
        }
    }
    all.sort_by_key(|named| named.image.at);
    all
}

/// What the solution and each component may say of images.
fn runtime(node: &Node, path: &str, all: &mut Vec<Named>) {
    let mut take = |node: Option<&Node>, field: String| {
        if let Some(Node { at, value: Value::Text(text) }) = node {
            all.push(Named { field, image: Spanned { value: text.clone(), at: *at } });
        }
    };
    take(entry(node, "image"), format!("{path}.image"));
    if let Some(Value::List(volumes)) = entry(node, "volumes").map(|node| &node.value) {
        for (index, volume) in volumes.iter().enumerate() {
            take(entry(volume, "image"), format!("{path}.volumes[{index}].image"));
        }
    }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
}

/// The image with this digest, whether it had one or not.
pub fn pinned(image: &ImageReference, digest: &str) -> String {
    match image.tag() {
        Some(tag) => format!("{}:{tag}@{digest}", image.repository()),
        None => format!("{}@{digest}", image.repository()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::yaml;

    #[test]
    fn images_are_found_where_a_solution_may_have_them_and_nowhere_else() {
        let text = "image: no\nspec:\n  image: a\n  env: {image: no}\n  volumes:\n  - {name: x, image: b}\n  \
                    - {name: y}\n  components:\n    web: {image: c, volumes: [{image: d}]}\n    \
                    image: {port: 1}\n    two: {image: 3}\n  configurations:\n    x: {image: no}\n";
        let found = named(&yaml::read(text.as_bytes()).root.unwrap());
        let found: Vec<(&str, &str)> =
            found.iter().map(|n| (n.field.as_str(), n.image.value.as_str())).collect();
        let expected = [
            ("spec.image", "a"),
            ("spec.volumes[0].image", "b"),
            ("spec.components.web.image", "c"),
            ("spec.components.web.volumes[0].image", "d"),
        ];
        assert_eq!(found, expected);
        for odd in ["", "spec: 1", "spec: {components: [], volumes: {}}", "[]"] {
            let images = yaml::read(odd.as_bytes()).root.map(|root| named(&root));
            assert_eq!(images.unwrap_or_default(), [], "{odd}");
        }
    }

    #[test]
    fn a_digest_stands_behind_the_tag_and_replaces_another_one() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let old = format!("r.example/a:1@sha256:{}", "0".repeat(64));
        for (image, expected) in [
            ("r.example/a:1", format!("r.example/a:1@{digest}")),
            ("a", format!("a@{digest}")),
            (&old, format!("r.example/a:1@{digest}")),
        ] {
            assert_eq!(pinned(&ImageReference::parse(image).unwrap(), &digest), expected);
        }
    }
}
