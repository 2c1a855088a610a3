//! The characters of a file, before anybody parses them.

use crate::model::invisible::turns_direction;

use super::{Finding, MAX_BYTES, Problem, Span};

/// The text of the file without its leading byte order mark, and characters that do not belong
/// there although the text can be read.
///
/// # Errors
/// The finding that makes parsing pointless: too large, another encoding, binary.
pub fn text(bytes: &[u8]) -> Result<(&str, Vec<Finding>), Finding> {
    if bytes.len() > MAX_BYTES {
        return Err(Finding {
            problem: Problem::TooLarge,
            at: Span::START,
            message: format!(
                "the file has {} bytes, allowed are {MAX_BYTES} (256 KiB)",
                bytes.len()
            ),
            help: Some("keep large values in files of their own and mount them with `files`"),
        });
    }
    if looks_like_utf16(bytes) {
        return Err(Finding {
            problem: Problem::Utf16,
            at: Span::START,
            message: "the file is encoded as UTF-16".to_owned(),
            help: Some("save it as UTF-8"),
        });
    }
    if is_lfs_pointer(bytes) {
        return Err(Finding {
            problem: Problem::LfsPointer,
            at: Span::START,
            message: "the file lies in Git LFS: the repository holds a pointer to it".to_owned(),
            help: Some("take its name out of .gitattributes, and commit the file itself"),
        });
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Finding {
            problem: Problem::Binary,
            at: place(bytes, at),
            message: "the file holds a NUL byte: it is binary, not YAML".to_owned(),
            help: None,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Finding {
        problem: Problem::NotUtf8,
        at: place(bytes, error.valid_up_to()),
        message: "the file is not UTF-8 from here on".to_owned(),
        help: Some("save it as UTF-8"),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok((text, odd_characters(text)))
}

/// Whether bytes are what Git LFS commits instead of a file.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() <= 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// A byte order mark of UTF-16, or ASCII characters that alternate with NUL.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, second, 0, fourth, ..] => *second != 0 && *fourth != 0,
        [first, 0, third, 0, ..] => *first != 0 && *third != 0,
        _ => false,
    }
}

/// The first of each sort: a file full of them has one fault a sort, not thousands.
fn odd_characters(text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let (mut line, mut column) = (1_u32, 0_u32);
    let mut previous = '\0';
    for character in text.chars() {
        column = column.saturating_add(1);
        let odd = match character {
            '\t' | '\n' | '\r' | '\u{85}' => None,
            '\u{feff}' => Some((
                Problem::ByteOrderMark,
                "a byte order mark inside the file, where nobody sees it",
                "delete it; only the first character of a file may be one",
            )),
            c if turns_direction(c) => Some((
                Problem::BidiControl,
                "a control character that changes the direction of writing: a reviewer would see another text than the one that is used",
                "delete it",
            )),
            c if c.is_control() => Some((
                Problem::ControlCharacter,
                "a control character",
                "delete it, or write it as an escape in double quotes",
            )),
            _ => None,
        };
        if let Some((problem, what, help)) = odd
            && !findings.iter().any(|finding| finding.problem == problem)
        {
            findings.push(Finding {
                problem,
                at: Span::point(line, column),
                message: format!("U+{:04X}: {what}", u32::from(character)),
                help: Some(help),
            });
        }
        if character == '\r' || (character == '\n' && previous != '\r') {
            line = line.saturating_add(1);
            column = 0;
        } else if character == '\n' {
            column = 0;
        }
        previous = character;
    }
    findings
}

/// Line and column of a byte, counting characters as far as there are any.
fn place(bytes: &[u8], at: usize) -> Span {
    let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or(bytes));
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1).saturating_add(1);
    Span::point(number(line), number(column))
}
