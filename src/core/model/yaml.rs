//! The one door for YAML that people write.
//!
//! In: bytes. Out: a tree in which every key and value knows its place, and [`Finding`]s. YAML
//! 1.2 with its core schema, one document, and nothing that makes a file say more than it shows:
//! no anchors, aliases, merge keys, tags, directives, duplicate keys or invisible characters.
//! Whatever the bytes are, the work is bounded and nothing panics.

mod build;
mod edit;
mod node;
mod scan;
mod syntax;

pub use edit::{Edit, edit};
pub use node::{
    Document, Finding, Key, MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, Problem, Span, Spanned, Value,
};
pub use scan::is_lfs_pointer;

/// Reads one YAML document.
pub fn read(bytes: &[u8]) -> Document {
    match scan::text(bytes) {
        Err(finding) => Document { root: None, findings: vec![finding] },
        Ok((text, mut findings)) => {
            let mut document = build::tree(text);
            let lines: Vec<&str> = text.lines().collect();
            for finding in &mut document.findings {
                if finding.problem == Problem::Syntax {
                    let at = (finding.at.line as usize).saturating_sub(1);
                    let line = lines.get(at).copied().unwrap_or_default();
                    (finding.message, finding.help) = syntax::explain(&finding.message, line);
                }
            }
            if !findings.is_empty() {
                // The parser stumbles over the same character and calls it something vaguer.
                document.findings.retain(|finding| finding.problem != Problem::Syntax);
            }
            findings.append(&mut document.findings);
            findings.sort_by_key(|finding| finding.at);
            Document { root: document.root, findings }
        }
    }
}

/// What an unquoted word means by the core schema.
pub fn scalar(word: &str) -> Value {
    build::plain(word)
}

/// The lines of a text as the reader counts them, without their line breaks.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        let (line, tail) = rest.split_at(end);
        lines.push(line.to_owned());
        rest = tail.strip_prefix("\r\n").unwrap_or(tail.get(1..).unwrap_or(""));
    }
    lines.push(rest.to_owned());
    lines
}

/// The byte at which each line of a text begins, with lines as the reader counts them.
pub fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

/// Whether a word can stand without quotes wherever a text can, also in brackets and as a key.
pub fn is_bare(word: &str) -> bool {
    let first = word.chars().next().is_some_and(|c| c.is_alphanumeric() || "_/.".contains(c));
    let inside = |c: char| c.is_alphanumeric() || "_/.-+@=~$() ".contains(c) || c == ':';
    first
        && word.chars().all(inside)
        && !word.contains(": ")
        && !word.ends_with([':', ' '])
        && matches!(scalar(word), Value::Text(_))
}

#[cfg(test)]
#[path = "yaml/tests.rs"]
mod tests;
