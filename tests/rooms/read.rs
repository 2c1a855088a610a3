//! As much of Rust's grammar as the paths in a file need: words, `::`, braces, `use` trees, and what
//! stands under `#[cfg(test)]`.

use std::path::{Path, PathBuf};

/// One source file, without comments, texts and tests.
pub struct Source {
    /// From the crate's root: `src/plan/step.rs`.
    pub file: PathBuf,
    tokens: Vec<Token>,
    /// Modules that are declared under `#[cfg(test)]` and lie in files of their own.
    test_modules: Vec<String>,
}

/// A path as written, made absolute where it was relative.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// `["crate", "plan", "Step"]`, `["std", "fs"]`, `["kube", "Client"]`.
    pub segments: Vec<String>,
    pub line: usize,
}

impl Import {
    /// The room that it leads to, if it leads into our crate.
    pub fn room(&self) -> Option<&str> {
        match self.segments.first().map(String::as_str) {
            Some("crate" | "vitrine") => self.segments.get(1).map(String::as_str),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

impl Source {
    pub fn new(file: &Path, text: &str) -> Self {
        let (tokens, test_modules) = without_tests(tokens(text));
        Self { file: file.to_owned(), tokens, test_modules }
    }

    /// The room that the file belongs to; `main` for the binary, `lib` for the crate's root.
    pub fn room(&self) -> String {
        self.module().first().cloned().unwrap_or_else(|| {
            self.file.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned()
        })
    }

    /// Files and folders that hold tests only.
    pub fn test_files(&self) -> impl Iterator<Item = PathBuf> {
        let mut folder = PathBuf::from("src");
        folder.extend(self.module());
        self.test_modules
            .iter()
            .flat_map(move |name| [folder.join(format!("{name}.rs")), folder.join(name)])
    }

    /// The lines on which one of these words stands.
    pub fn lines_with(&self, words: &[&str]) -> Vec<usize> {
        self.tokens.iter().filter(|t| words.contains(&t.text.as_str())).map(|t| t.line).collect()
    }

    /// Every path that begins at the crate, at a parent, or at a name that is not a module of this
    /// file.
    pub fn paths(&self) -> Vec<Import> {
        let mut paths = Vec::new();
        let mut modules = self.module();
        let mut depth = 0;
        // Depths of braces at which an inline module ends.
        let mut inline = Vec::new();
        let own: Vec<&str> = self
            .tokens
            .windows(2)
            .filter(|pair| pair[0].text == "mod")
            .map(|pair| pair[1].text.as_str())
            .collect();
        let mut i = 0;
        while let Some(token) = self.tokens.get(i) {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        modules.pop();
                    }
                }
                "mod" if self.text(i + 2) == "{" => {
                    modules.push(self.text(i + 1).to_owned());
                    inline.push(depth);
                    depth += 1;
                    i += 2;
                }
                "use" => {
                    let mut at = i + 1;
                    let mut found = Vec::new();
                    self.use_tree(&mut at, &[], &mut found);
                    paths.extend(found.into_iter().map(|(p, line)| absolute(p, line, &modules)));
                    i = at;
                    continue;
                }
                first if is_word(first) && self.text(i + 1) == "::" => {
                    let mut segments = vec![first.to_owned()];
                    while self.text(i + 1) == "::" && is_word(self.text(i + 2)) {
                        segments.push(self.text(i + 2).to_owned());
                        i += 2;
                    }
                    paths.push(absolute(segments, token.line, &modules));
                }
                _ => {}
            }
            i += 1;
        }
        paths.retain(|path| !own.contains(&path.segments[0].as_str()));
        paths
    }

    /// Reads `a::{b, c::d as e, f::*}` from `at` on, up to the `;`, `,` or `}` behind it.
    fn use_tree(&self, at: &mut usize, before: &[String], found: &mut Vec<(Vec<String>, usize)>) {
        let mut path = before.to_vec();
        let line = self.tokens.get(*at).map_or(0, |token| token.line);
        loop {
            match self.text(*at) {
                "::" => *at += 1,
                "{" => {
                    *at += 1;
                    while !matches!(self.text(*at), "}" | "") {
                        self.use_tree(at, &path, found);
                        if self.text(*at) == "," {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                "as" => *at += 2,
                "*" => *at += 1,
                "self" if !path.is_empty() => *at += 1,
                word if is_word(word) => {
                    path.push(word.to_owned());
                    *at += 1;
                }
                _ => break,
            }
        }
        found.push((path, line));
    }

    /// `["plan", "step"]` for `src/plan/step.rs`, nothing for `src/lib.rs`.
    fn module(&self) -> Vec<String> {
        let inside = self.file.strip_prefix("src").unwrap_or(&self.file).with_extension("");
        let words = inside.iter().filter_map(|word| word.to_str()).map(str::to_owned);
        words.filter(|word| !matches!(word.as_str(), "lib" | "main" | "mod")).collect()
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }
}

/// Turns `self::` and `super::` into a path from the crate's root.
fn absolute(segments: Vec<String>, line: usize, modules: &[String]) -> Import {
    let up = segments.iter().take_while(|segment| *segment == "super").count();
    let relative = up > 0 || segments.first().is_some_and(|first| first == "self");
    if !relative {
        return Import { segments, line };
    }
    let rest = segments.into_iter().skip_while(|s| matches!(s.as_str(), "super" | "self"));
    let above = modules.iter().take(modules.len().saturating_sub(up)).cloned();
    Import {
        segments: std::iter::once("crate".to_owned()).chain(above).chain(rest).collect(),
        line,
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Takes out every item under `#[cfg(test)]`; answers the rest, and the modules declared there.
fn without_tests(tokens: Vec<Token>) -> (Vec<Token>, Vec<String>) {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let here = tokens[i..].iter().map(|token| token.text.as_str());
        if !here.take(ATTRIBUTE.len()).eq(ATTRIBUTE) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        i += ATTRIBUTE.len();
        // Other attributes of the same item.
        while i < tokens.len() && tokens[i].text == "#" {
            i = after_item(&tokens, i, "[", "]");
        }
        let end = after_item(&tokens, i, "{", "}");
        let declares = tokens[i..end].iter().position(|token| token.text == "mod");
        if let Some(at) = declares
            && tokens.get(i + at + 2).is_some_and(|token| token.text == ";")
        {
            modules.push(tokens[i + at + 1].text.clone());
        }
        i = end;
    }
    (kept, modules)
}

/// Behind the first `;` outside of brackets, or behind the bracket that closes the first one.
fn after_item(tokens: &[Token], from: usize, open: &str, close: &str) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            text if text == open => depth += 1,
            text if text == close => {
                depth = depth.saturating_sub(1);
                // A `use` tree ends with the `;` behind its brace.
                if depth == 0 && tokens.get(i + 1).is_none_or(|next| next.text != ";") {
                    return i + 1;
                }
            }
            ";" if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Words, `::` and single signs; comments, texts, characters and lifetimes are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = after_text(&chars, i),
            '\'' => {
                // 'x' and '\n' are characters, 'a is a lifetime.
                if at(i + 1) == '\\' {
                    i += 3;
                    while i < chars.len() && at(i) != '\'' {
                        i += 1;
                    }
                    i += 1;
                } else if at(i + 2) == '\'' {
                    i += 3;
                } else {
                    i += 1;
                    while at(i).is_alphanumeric() || at(i) == '_' {
                        i += 1;
                    }
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    i = after_raw_text(&chars, i + hashes + 1, hashes);
                } else {
                    tokens.push(Token { text: word, line });
                }
            }
            ':' if at(i + 1) == ':' => {
                tokens.push(Token { text: "::".to_owned(), line });
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token { text: c.to_string(), line });
                }
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn after_text(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_text(chars: &[char], from: usize, hashes: usize) -> usize {
    let mut i = from;
    while i < chars.len() {
        let closing = chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#');
        if closing && chars.len() > i + hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}
