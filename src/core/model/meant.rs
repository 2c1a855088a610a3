//! What people write for an amount, a time, a day or a name, and the one thing that it can mean.
//!
//! Each function gives the right spelling, or nothing where two readings are possible: `1,500` may
//! be one and a half or fifteen hundred, `03/04/2027` is a day in March or in April.

use std::time::Duration;

use jiff::civil::Date;

use super::Quantity;
use super::duration;

/// An amount: `2 GB`, `512 mb`, `1,5Gi`, `2GiB`, `2 cores`.
pub fn quantity(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = decimal(number)?;
    let unit = match unit.trim().to_lowercase().as_str() {
        // Alone, these mean thousandths and bytes to one and mega and nothing to another.
        "m" | "g" | "k" | "t" | "b" if unit.starts_with(' ') || unit != unit.trim() => return None,
        "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus" => "",
        "kb" => "k",
        "mb" => "M",
        "gb" => "G",
        "tb" => "T",
        "ki" | "kib" => "Ki",
        "mi" | "mib" => "Mi",
        "gi" | "gib" => "Gi",
        "ti" | "tib" => "Ti",
        _ if ["", "m", "k", "M", "G", "T"].contains(&unit) => unit,
        _ => return None,
    };
    let spelt = format!("{number}{unit}");
    (spelt != text && Quantity::parse(&spelt).is_ok()).then_some(spelt)
}

/// A number with a point for its comma, unless three digits behind it make thousands of it.
fn decimal(number: &str) -> Option<String> {
    let whole = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match number.split_once(',') {
        None => (!number.is_empty()).then(|| number.to_owned()),
        Some((before, after)) => {
            (whole(before) && whole(after) && after.len() != 3).then(|| format!("{before}.{after}"))
        }
    }
}

/// A duration: `5 minutes`, `1.5h`, `90 sec`, `1h 30m`, `2 days`.
pub fn duration(text: &str) -> Option<String> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)))?;
        let (number, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let unit = match unit {
            "ms" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(thousandths(&decimal(number)?, unit)?)?;
        rest = next.trim_start_matches([' ', ',']);
    }
    let spelt = duration::text(Duration::from_millis(total));
    (total > 0 && spelt != text && duration::parse(&spelt).is_ok()).then_some(spelt)
}

/// A number times a unit, if that is whole.
fn thousandths(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut sum = whole.checked_mul(unit)?;
    let mut part = unit;
    for digit in fraction.chars() {
        if !part.is_multiple_of(10) {
            return None;
        }
        part /= 10;
        sum = sum.checked_add(u64::from(digit.to_digit(10)?) * part)?;
    }
    Some(sum)
}

/// A day: `30.06.2027`, `2027/6/30`, `2027-6-3`. With `/` the day must tell itself from the month.
pub fn day(text: &str) -> Option<String> {
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let number = |part: &str| -> Option<i16> {
        let short = part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        if short { part.parse().ok() } else { None }
    };
    let (a, b, c) = (number(first)?, number(second)?, number(third)?);
    let (year, month, day) = match (separator, first.len(), third.len()) {
        ('-' | '/' | '.', 4, 1..=2) => (a, b, c),
        ('.', 1..=2, 4) => (c, b, a),
        ('/' | '-', 1..=2, 4) if a > 12 => (c, b, a),
        ('/' | '-', 1..=2, 4) if b > 12 => (c, a, b),
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let spelt = date.to_string();
    (spelt != text).then_some(spelt)
}

/// A name in the letters that names have: `My_Use` is `my-use`.
pub fn name(text: &str) -> String {
    let mut name = String::new();
    for character in text.trim().chars().flat_map(char::to_lowercase) {
        match character {
            '_' | ' ' | '.' | '-' if name.ends_with('-') => {}
            '_' | ' ' | '.' | '-' => name.push('-'),
            other => name.push(other),
        }
    }
    name.trim_matches('-').to_owned()
}

/// `true` or `false` in the words of others.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_right_spelling_or_none() {
        for (written, meant) in [
            ("2GB", Some("2G")),
            ("512 MB", Some("512M")),
            ("512mb", Some("512M")),
            ("2GiB", Some("2Gi")),
            ("2 Gi", Some("2Gi")),
            ("2gi", Some("2Gi")),
            ("1,5Gi", Some("1.5Gi")),
            ("0,5", Some("0.5")),
            ("2 cores", Some("2")),
            // Thousands, or one and a half?
            ("1,500Gi", None),
            // To Docker a binary unit, to Kubernetes none.
            ("2g", None),
            ("512 m", None),
            ("512b", None),
            ("2Gi", None),
            ("-1", None),
            ("1.2.3", None),
            ("much", None),
            ("", None),
        ] {
            assert_eq!(quantity(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn a_duration_has_one_right_spelling_or_none() {
        for (written, meant) in [
            ("5 minutes", Some("5m")),
            ("30min", Some("30m")),
            ("1.5h", Some("1h30m")),
            ("1,5 h", Some("1h30m")),
            ("1h 30m", Some("1h30m")),
            ("90 sec", Some("1m30s")),
            ("2 days", Some("48h")),
            ("300", None),
            ("5M", None),
            ("0.0001s", None),
            ("5 fortnights", None),
            ("5m", None),
            ("", None),
        ] {
            assert_eq!(duration(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn a_day_is_told_from_a_month_or_left() {
        for (written, meant) in [
            ("30.06.2027", Some("2027-06-30")),
            ("2027/06/30", Some("2027-06-30")),
            ("2027-6-3", Some("2027-06-03")),
            ("06/30/2027", Some("2027-06-30")),
            ("03/04/2027", None),
            ("2027-02-30", None),
            ("2027-06-30", None),
            ("30.6.27", None),
            ("soon", None),
        ] {
            assert_eq!(day(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn a_name_keeps_its_letters() {
        for (written, meant) in
            [("My_Use", "my-use"), ("a--b", "a-b"), (" Use ", "use"), ("äh.b_", "äh-b"), ("_", "")]
        {
            assert_eq!(name(written), meant);
        }
    }
}
