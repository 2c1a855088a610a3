//! Title and description from the folder's README.

use crate::model::invisible::is_invisible;

/// The longest description, in characters.
const LONGEST: usize = 300;

/// What `vitrine new` writes where an author is to say something, for each the whole line.
pub const TO_BE_SAID: [&str; 3] = [
    "Say in one or two sentences what a visitor can do here; this paragraph stands in the gallery.",
    "What should a visitor click or send first? The files in `examples/` are calls that work.",
    "What it cannot do, where the model and the data come from, and whom to ask.",
];

/// The first line of a README on which its author has not yet said anything, from 1.
pub fn unsaid(text: &str) -> Option<u32> {
    let mut lines = (1..).zip(text.lines());
    lines.find(|(_, line)| TO_BE_SAID.contains(&line.trim())).map(|(number, _)| number)
}

/// The first heading and the first paragraph of a Markdown text.
pub fn heading_and_paragraph(text: &str) -> (Option<String>, Option<String>) {
    let mut heading = None;
    let mut paragraph = String::new();
    let mut fenced = false;
    let text = without_front_matter(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        // A line that is underlined is a heading, in the older way of writing one.
        let underlined = lines.peek().is_some_and(|next| is_underline(next, '='))
            && !fenced
            && paragraph.is_empty()
            && line.starts_with(|c: char| c.is_alphanumeric());
        if underlined {
            if heading.is_none() {
                let words = plain(line);
                heading = (!words.is_empty()).then(|| cut(&words, 80));
            }
            continue;
        }
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        let aside = fenced
            || line.is_empty()
            || line.starts_with(['#', '<', '|', '>', '`', '~'])
            || line.starts_with("![")
            || line.starts_with("[![")
            || line.starts_with("---")
            || line.starts_with("===");
        if heading.is_none() && !fenced && line.starts_with('#') {
            let words = plain(line.trim_start_matches('#').trim_end_matches('#').trim());
            heading = (!words.is_empty()).then(|| cut(&words, 80));
        }
        if aside {
            if paragraph.is_empty() {
                continue;
            }
            break;
        }
        if paragraph.is_empty() && line.starts_with(['-', '*', '+']) {
            continue;
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(line);
    }
    let paragraph = plain(&paragraph);
    (heading, (!paragraph.is_empty()).then(|| cut(&paragraph, LONGEST)))
}

/// What stands below the block of settings that some programs keep at the top of a page.
fn without_front_matter(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return text;
    };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        end += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return rest.get(end..).unwrap_or_default();
        }
    }
    text
}

/// Whether a line is nothing but this character, as under a heading.
fn is_underline(line: &str, of: char) -> bool {
    !line.is_empty() && line.chars().all(|c| c == of)
}

/// Without emphasis, code marks and the addresses of links.
fn plain(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, link) = rest.split_at(open);
        words.push_str(before);
        let parsed = link.split_once("](").and_then(|(label, tail)| {
            let (_, tail) = tail.split_once(')')?;
            Some((label.get(1..)?, tail))
        });
        match parsed {
            Some((label, tail)) => {
                words.push_str(label);
                rest = tail;
            }
            None => {
                words.push('[');
                rest = link.get(1..).unwrap_or("");
            }
        }
    }
    words.push_str(rest);
    let kept: String = words
        .replace("**", "")
        .replace("__", "")
        .chars()
        .filter(|c| !matches!(c, '`' | '*') && !is_invisible(*c))
        .collect();
    kept.trim().to_owned()
}

/// At most so many characters, ending at a word.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let short: String = text.chars().take(most.saturating_sub(1)).collect();
    let end = short.rfind(' ').unwrap_or(short.len());
    format!("{}…", short.get(..end).unwrap_or(&short).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_and_paragraph_are_found_between_badges_and_code() {
        let (title, text) = heading_and_paragraph(
            "\u{feff}[![badge](x)](y)\n\n# Universal `Sentence` Encoder #\n\n```\ncode\n```\n\
             Finds **similar** requirements\nby [comparing](https://example.org) them.\n\nMore.\n",
        );
        assert_eq!(title.as_deref(), Some("Universal Sentence Encoder"));
        assert_eq!(text.as_deref(), Some("Finds similar requirements by comparing them."));
    }

    #[test]
    fn a_heading_may_be_underlined_and_settings_at_the_top_are_no_text() {
        let (title, text) = heading_and_paragraph(
            "---\ntitle: Not this\nlayout: page\n---\n\nUniversal Sentence Encoder\n====\n\nFinds.\n",
        );
        assert_eq!(title.as_deref(), Some("Universal Sentence Encoder"));
        assert_eq!(text.as_deref(), Some("Finds."));
        // A rule is none, and neither is what never ends.
        let (title, text) = heading_and_paragraph("---\n\nFinds.\n");
        assert_eq!((title, text.as_deref()), (None, Some("Finds.")));
    }

    #[test]
    fn a_long_paragraph_ends_at_a_word() {
        let (_, text) = heading_and_paragraph(&"word ".repeat(100));
        let text = text.unwrap_or_default();
        assert!(text.chars().count() <= LONGEST && text.ends_with("word…"), "{text}");
    }

    #[test]
    fn a_title_cannot_turn_the_order_of_its_letters() {
        let (title, text) =
            heading_and_paragraph("# Safe\u{202e}lufmrah\u{202c}\n\n\u{2067}Text\u{2069}.\n");
        assert_eq!(title.as_deref(), Some("Safelufmrah"));
        assert_eq!(text.as_deref(), Some("Text."));
    }

    #[test]
    fn an_empty_readme_says_nothing() {
        assert_eq!(heading_and_paragraph("\n\n"), (None, None));
        assert_eq!(heading_and_paragraph("#\n[x"), (None, Some("[x".to_owned())));
    }
}
