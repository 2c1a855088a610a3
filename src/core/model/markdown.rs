//! Texts of anybody's in the Markdown that forges understand (GFM), so that nothing in them is a
//! mention, a link, an image or a tag, and that they cannot end what they stand in.

use super::fault::harmless;
use super::invisible::visible;

/// The longest text in a line, in characters.
const CELL: usize = 300;
/// The longest block, in lines.
const LINES: usize = 400;

/// A code span of one line.
pub fn code(text: &str) -> String {
    let text = shortened(&visible(&harmless(text)), CELL);
    let text = text.trim();
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    // Without the spaces a backtick at an end would lengthen the fence.
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span in a table, where a bar would end the cell. A backslash before it would do, but for
/// an author's own backslash before that; so another bar stands for it.
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\u{a6}")
}

/// In a line of HTML, where a code span is none.
pub fn tagged(text: &str) -> String {
    let text = shortened(&visible(&harmless(text)), CELL);
    let escaped: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c.to_string()
            } else {
                format!("&#{};", c as u32)
            }
        })
        .collect();
    format!("<code>{escaped}</code>")
}

/// A code block of several lines in this language; at most 400 of them.
pub fn block(language: &str, lines: &str) -> String {
    let count = lines.lines().count();
    let kept: Vec<String> =
        lines.lines().take(LINES).map(|line| shortened(&visible(line), 2 * CELL)).collect();
    let more = match count.saturating_sub(LINES) {
        0 => String::new(),
        n => format!("  {n} more lines\n"),
    };
    let kept = kept.join("\n");
    let fence = "`".repeat(longest_run(&kept).max(2) + 1);
    format!("{fence}{language}\n{kept}\n{more}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_what_it_stands_in() {
        assert_eq!(code("a ` b"), "``a ` b``");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("  "), "(empty)");
        assert_eq!(cell("a|b"), "`a\u{a6}b`");
        assert_eq!(tagged("<b>"), "<code>&#60;b&#62;</code>");
        assert_eq!(block("text", "a\n```\n# b"), "````text\na\n```\n# b\n````\n");
        let long = "x\n".repeat(500);
        assert!(block("", &long).ends_with("x\n  100 more lines\n```\n"));
    }
}
