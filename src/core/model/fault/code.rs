//! The stable codes of faults: one table, from which `docs/faults` and `check --explain` are made.
//!
//! One file a hundred. Each code says what it means to somebody who meets it for the first time,
//! who mends it, and how it looks wrong and right.

mod across;
mod cluster;
mod file;
mod image;
mod page;
mod platform;
mod reference;
mod schema;
mod settings;
mod value;
mod warning;

pub use across::*;
pub use cluster::*;
pub use file::*;
pub use image::*;
pub use page::{Example, Page};
pub use platform::*;
pub use reference::*;
pub use schema::*;
pub use settings::*;
pub use value::*;
pub use warning::*;

use crate::model::yaml::Problem;

/// Makes the constants of one hundred and its part of the table.
macro_rules! codes {
    ($part:ident; $(
        $name:ident = $code:literal: $title:literal, $mends:expr,
        $means:literal,
        wrong $wrong:expr,
        right $right:expr;
    )*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// The codes of this hundred, in order.
        pub(super) const $part: &[super::Page] = &[$(super::Page {
            code: $code,
            title: $title,
            mends: $mends,
            means: $means,
            wrong: $wrong,
            right: $right,
        },)*];
    };
}
use codes;

/// Every code, in order.
const TABLE: [&[Page]; 10] = [
    file::FILES,
    schema::SCHEMAS,
    value::VALUES,
    reference::REFERENCES,
    across::ACROSS,
    platform::PLATFORMS,
    settings::SETTINGS,
    image::IMAGES,
    cluster::CLUSTERS,
    warning::WARNINGS,
];

/// Every code with what it means, in order.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    TABLE.into_iter().flatten()
}

/// What a code means.
pub fn page(code: &str) -> Option<&'static Page> {
    pages().find(|page| page.code == code)
}

/// What a code stands for.
pub fn title(code: &str) -> Option<&'static str> {
    page(code).map(|page| page.title)
}

/// The code of a problem of YAML itself.
pub fn of(problem: Problem) -> &'static str {
    match problem {
        Problem::TooLarge => TOO_LARGE,
        Problem::NotUtf8 => NOT_UTF8,
        Problem::Utf16 => UTF16,
        Problem::Binary => BINARY,
        Problem::LfsPointer => LFS_POINTER,
        Problem::ControlCharacter => CONTROL_CHARACTER,
        Problem::ByteOrderMark => BYTE_ORDER_MARK,
        Problem::BidiControl => BIDI_CONTROL,
        Problem::Syntax => SYNTAX,
        Problem::SeveralDocuments => SEVERAL_DOCUMENTS,
        Problem::Directive => DIRECTIVE,
        Problem::Empty => EMPTY,
        Problem::Anchor => ANCHOR,
        Problem::Alias => ALIAS,
        Problem::MergeKey => MERGE_KEY,
        Problem::Tag => TAG,
        Problem::DuplicateKey => DUPLICATE_KEY,
        Problem::KeyNotText => KEY_NOT_TEXT,
        Problem::TooDeep => TOO_DEEP,
        Problem::TooManyNodes => TOO_MANY_NODES,
    }
}

/// The code that stands for the same thing in the daemon's settings.
pub fn of_settings(code: &'static str) -> &'static str {
    match code {
        UNKNOWN_FIELD => SETTING_UNKNOWN,
        MISSING => SETTING_MISSING,
        NOT_YET => SETTING_NOT_YET,
        yaml if yaml.starts_with("V01") => SETTINGS_YAML,
        own if own.starts_with("V07") => own,
        _ => SETTING_VALUE,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let all: Vec<&Page> = pages().collect();
        for pair in all.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} stands before {}", pair[0].code, pair[1].code);
        }
    }

    #[test]
    fn every_page_says_something_of_its_own() {
        let mut meanings = std::collections::BTreeSet::new();
        for page in pages() {
            assert!(page.means.len() > 60 && page.means.ends_with('.'), "{}", page.code);
            assert!(meanings.insert(page.means), "{} repeats another page", page.code);
            assert!(!page.mends.is_empty(), "{}", page.code);
            assert_ne!(page.wrong, page.right, "{}", page.code);
        }
    }
}
