//! What a parser's words about a file that is no YAML mean for the person who wrote it.
//!
//! The parser says what it expected. Who made the slip sees a line: what stands in it usually
//! tells which slip it was.

/// What is wrong with a line, and what to write instead. `words` are the parser's; of a cause that
/// is not recognised they are all there is.
pub fn explain(words: &str, line: &str) -> (String, Option<&'static str>) {
    let trimmed = line.trim_start();
    let indent = line.get(..line.len() - trimmed.len()).unwrap_or_default();
    let key = trimmed.trim_start_matches("- ").split_once(':');
    let glued = key.is_some_and(|(key, rest)| {
        !key.is_empty()
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && rest.starts_with(|c: char| !c.is_whitespace())
            && !rest.starts_with("//")
    });
    let said = |message: &str, help: &'static str| (message.to_owned(), Some(help));
    if indent.contains('\t') || words.contains("tab") {
        return said("a tab indents this line", "replace the tab by spaces");
    }
    if words.contains("mapping values") && trimmed.matches(": ").count() > 1 {
        return said(
            "the text of this line holds `: `, which begins a value",
            "put the text in quotes: \"Foo: bar\"",
        );
    }
    if glued && !trimmed.starts_with(['"', '\'', '{', '[']) {
        return said("no space stands behind the colon", "write `key: value`, with a space");
    }
    if words.contains("did not find expected key")
        || words.contains("mapping values")
        || words.contains("block sequence")
        || words.contains("did not find expected '-'")
    {
        return said(
            "this line is indented otherwise than its neighbours",
            "indent it as the lines around it, by two spaces a level; the cause may stand a line \
             or two above",
        );
    }
    if words.contains("expected ':'") || words.contains("simple key") {
        return said("this line is no `key: value`", "write `key: value`, with a space");
    }
    if words.contains("quote") {
        return said("a quote is not closed", "close it, or write the text without quotes");
    }
    if words.contains("flow")
        || words.contains("placement of ':'")
        || words.contains("end of stream")
    {
        return said(
            "a bracket or a brace is not closed, or a comma lacks",
            "close it where it ends: [a, b] or {key: value}",
        );
    }
    (format!("this is not YAML: {words}"), None)
}

#[cfg(test)]
mod tests {
    use crate::model::yaml::{Problem, read};

    #[test]
    fn the_usual_slips_are_told_in_words_of_who_made_them() {
        for (text, wrong) in [
            ("spec:\n  a: 1\n\tb: 2\n", "a tab"),
            ("spec:\n  a: 1\n   b: 2\n", "indented otherwise"),
            ("spec:\n  a: 1\n b: 2\n", "indented otherwise"),
            ("a: 1\nport:8080\nb: 2\n", "no space"),
            ("title: Foo: bar\n", "holds `: `"),
            ("a: \"b\nc: 1\n", "quote"),
            ("a: [1, 2\nb: 1\n", "bracket"),
            ("a: {b: 1\nc: 1\n", "bracket"),
            ("a: 1\njust words\nb: 2\n", "no `key: value`"),
        ] {
            let findings = read(text.as_bytes()).findings;
            let finding = findings.iter().find(|finding| finding.problem == Problem::Syntax);
            let message = finding.map(|finding| finding.message.clone()).unwrap_or_default();
            assert!(message.contains(wrong), "{text:?}: {findings:?}\n{message}");
            assert!(finding.is_some_and(|finding| finding.help.is_some()), "{text:?}");
        }
    }
}
