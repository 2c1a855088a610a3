//! What a person approves: exactly these deletions, by their hash.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::model::{ContentHash, ObjectKey};

/// SHA-256 over the sorted lines `group/kind/namespace/name`; the core group and the namespace
/// of a cluster-wide object are empty.
pub fn deletions_hash(deletions: &BTreeSet<ObjectKey>) -> ContentHash {
    let lines: BTreeSet<String> = deletions
        .iter()
        .map(|key| {
            let facts = key.kind.facts();
            let namespace = key.namespace.as_deref().unwrap_or_default();
            format!("{}/{}/{namespace}/{}", facts.group, facts.kind, key.name)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    ContentHash::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn the_hash_is_that_of_the_sorted_lines() {
        let keys = BTreeSet::from([
            ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"),
            ObjectKey::cluster(Kind::Namespace, "sol-use"),
        ]);
        assert_eq!(
            deletions_hash(&keys),
            ContentHash::of(b"/Namespace//sol-use\napps/Deployment/sol-use/web\n")
        );
    }
}
