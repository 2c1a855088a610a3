//! Patterns of repositories, as operators write them.

/// Whether a text matches a pattern in which `*` stands for any text, `/` included.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or("");
    }
    rest.ends_with(last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_star_of_a_pattern_crosses_slashes_and_nothing_matches_by_accident() {
        assert!(matches("registry.example/*", "registry.example/a/b"));
        assert!(matches("*", "anything/at/all"));
        assert!(matches("ghcr.io/*/vitrine", "ghcr.io/a/b/vitrine"));
        assert!(matches("ghcr.io/aim/use", "ghcr.io/aim/use"));
        assert!(!matches("ghcr.io/aim/use", "ghcr.io/aim/use2"));
        assert!(!matches("ghcr.io/aim/*", "ghcr.io/aimless/x"));
        assert!(!matches("ghcr.io/a*a", "ghcr.io/a"));
    }
}
