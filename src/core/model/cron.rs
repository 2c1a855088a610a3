//! Times of a schedule: five fields of cron, exactly as KEDA's trigger reads them.
//!
//! Judged here and not by a library, because the libraries at hand take lines that KEDA refuses
//! (seconds, `L`, `7` for Sunday) and number the days of the week differently.

mod turns;

pub use turns::{NoTurns, take_turns};

/// A time of a schedule, its five fields separated by one space each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cron(String);

impl Cron {
    /// Parses minute, hour, day of the month, month and day of the week.
    ///
    /// # Errors
    /// [`BadCron`], naming the first field that is wrong.
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        judge(text)?;
        Ok(Self(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// The five fields as they were written, with single spaces between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

shown_as_text!(Cron);

/// Why a text is not five fields of cron.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// It begins with `@`, as `@daily` does.
    #[error("it is a nickname, write five fields")]
    Nickname,
    /// It has so many fields instead of five.
    #[error("it has {0} fields, not five")]
    Fields(usize),
    /// Its day of the month is in none of its months, as the 31st of February is.
    #[error("no month of it has a day {day}")]
    Never {
        /// The earliest day that it names.
        day: u8,
    },
    /// A field is outside its bounds or in no form that KEDA reads.
    #[error("`{field}` is no {what} ({least} to {most})")]
    Field {
        /// The field as it was written.
        field: String,
        /// What the field counts: `minute`, `day of the month`.
        what: &'static str,
        /// The smallest number that it may hold.
        least: u8,
        /// The largest number that it may hold.
        most: u8,
    },
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A field: what it counts, its bounds, and names that count from the lower bound.
const FIELDS: [(&str, u8, u8, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    ("month", 1, 12, &MONTHS),
    ("day of the week", 0, 6, &DAYS),
];

fn judge(text: &str) -> Result<(), BadCron> {
    if text.starts_with('@') {
        return Err(BadCron::Nickname);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != FIELDS.len() {
        return Err(BadCron::Fields(words.len()));
    }
    for (word, (what, least, most, names)) in words.into_iter().zip(FIELDS) {
        let value = |text: &str| value(text, least, most, names);
        if !word.split(',').all(|part| is_part(part, value)) {
            return Err(BadCron::Field { field: word.to_owned(), what, least, most });
        }
    }
    never(text)
}

/// The 31st of February never comes; what never comes would never end either. A day of the week
/// beside it comes all the same.
fn never(text: &str) -> Result<(), BadCron> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, _, days, months, weekday] = words.as_slice() else { return Ok(()) };
    if !matches!(*weekday, "*" | "?") {
        return Ok(());
    }
    let bounds = |part: &str, least: u8, most: u8, names: &[&str]| -> (u8, u8) {
        let range = part.split('/').next().unwrap_or(part);
        let one = |text: &str| value(text, least, most, names);
        match range.split_once('-') {
            Some((from, to)) => (one(from).unwrap_or(least), one(to).unwrap_or(most)),
            None => {
                one(range).map_or((least, most), |n| (n, if part.contains('/') { most } else { n }))
            }
        }
    };
    let first = days.split(',').map(|part| bounds(part, 1, 31, &[]).0).min().unwrap_or(1);
    let length = |month: u8| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let spans = months.split(',').map(|part| bounds(part, 1, 12, &MONTHS));
    let longest = spans.flat_map(|(from, to)| from..=to).map(length).max().unwrap_or(31);
    if first > longest { Err(BadCron::Never { day: first }) } else { Ok(()) }
}

/// `*`, `?`, `5`, `1-5`, and each with a step.
fn is_part(part: &str, value: impl Fn(&str) -> Option<u8>) -> bool {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let step_ok =
        step.is_none_or(|step| is_number(step) && step.parse::<u8>().is_ok_and(|n| n > 0));
    let range_ok = match range.split_once('-') {
        Some((from, to)) => {
            matches!((value(from), value(to)), (Some(from), Some(to)) if from <= to)
        }
        None => matches!(range, "*" | "?") || value(range).is_some(),
    };
    step_ok && range_ok
}

fn value(text: &str, least: u8, most: u8, names: &[&str]) -> Option<u8> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Some(least + u8::try_from(at).ok()?);
    }
    let number = is_number(text).then(|| text.parse::<u8>().ok()).flatten()?;
    (least..=most).contains(&number).then_some(number)
}

fn is_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keda_reads_is_right_and_nothing_else() {
        for right in [
            "0 8 * * 1-5",
            "*/15 * * * *",
            "0 17 * * MON-FRI",
            "5,35 0-6/2 1,15 jan,JUL ?",
            "0 0 1 1 0",
            "0  8 * *   sun",
            "0 8 29 2 *",
            "0 8 31 2,3 *",
            "0 8 31 2 MON",
            "0 8 */2 2 *",
        ] {
            let words: Vec<&str> = right.split_whitespace().collect();
            assert_eq!(Cron::parse(right).map(|cron| cron.0), Ok(words.join(" ")), "{right}");
        }
        for wrong in [
            "",
            "@daily",
            "0 8 * *",
            "0 0 8 * * 1-5",
            "60 8 * * *",
            "0 24 * * *",
            "0 8 0 * *",
            "0 8 * 13 *",
            "0 8 * * 7",
            "0 8 * * 5-1",
            "0 8 * * MONDAY",
            "0 8 L * *",
            "0 8 * * 1#2",
            "*/0 8 * * *",
            "-1 8 * * *",
            "1- 8 * * *",
            "1,,2 8 * * *",
            "+1 8 * * *",
            "MON 8 * * *",
            "0 8 31 2 *",
            "0 8 30,31 FEB ?",
            "0 8 31 4,6,SEP *",
        ] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
    }
}
