//! Characters that nobody sees, or that act on what stands around them: the one list.

/// Whether a character acts on a terminal, turns the direction of writing, or is not seen.
///
/// Joiners are not among them ([`is_joiner`]).
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || turns_direction(character)
        || matches!(
            character,
            '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Whether a character has no picture and changes the order in which others are shown: one text
/// could be read as another.
pub fn turns_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// Whether a character only decides how its neighbours are joined. Families of emojis and whole
/// scripts are written with them, so authors may.
pub fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// A text that cannot steer the terminal, on one line: what is not seen is written as its number.
pub fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = if c == '\n' || c == '\t' || c == '\r' {
                Some(' ')
            } else if is_invisible(c) || is_joiner(c) {
                None
            } else {
                Some(c)
            };
            match escape {
                Some(c) => vec![c],
                None => c.escape_unicode().collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_known_and_what_people_write_is_not() {
        for hidden in "\u{0}\u{7}\u{1b}\u{85}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2064}\u{2069}\u{feff}".chars() {
            assert!(is_invisible(hidden), "{hidden:?}");
        }
        for seen in "a ä\u{a0}\u{200c}\u{200d}…👩\u{fe0f}日".chars() {
            assert!(!is_invisible(seen), "{seen:?}");
        }
    }

    #[test]
    fn what_turns_the_direction_is_not_seen() {
        let turning = ('\0'..=char::MAX).filter(|c| turns_direction(*c));
        assert_eq!(turning.filter(|c| is_invisible(*c)).count(), 12);
    }

    #[test]
    fn what_nobody_sees_is_written_as_its_number() {
        assert_eq!(visible("a\u{1b}[2J\n\u{202e}b"), "a\\u{1b}[2J \\u{202e}b");
        let all = visible(&('\0'..='\u{ffff}').collect::<String>());
        assert!(!all.contains(|c| is_invisible(c) || is_joiner(c)));
    }
}
