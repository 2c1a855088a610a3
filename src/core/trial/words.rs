//! Words that several lines share.

use std::time::Duration;

use super::seen::{Answer, NoAnswer};
use crate::model::{duration, quantity};

/// As people say a time that was measured: `< 0.01 s`, `0.04 s`, `2.8 s`, `142 s`.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 0.01 => "< 0.01 s".to_owned(),
        _ if seconds < 0.095 => format!("{seconds:.2} s"),
        _ if seconds < 99.5 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// `200 text/html, 14 kB`
pub fn answer(answer: &Answer) -> String {
    let page = answer.page.as_ref().map(|page| format!("{} → ", page.short(60)));
    let kind = match answer.kind.as_str() {
        "" => String::new(),
        _ => format!(" {}", answer.kind.short(40)),
    };
    let length = match answer.length {
        0 => String::new(),
        length => format!(", {}", quantity::rounded(length)),
    };
    format!("{}{}{kind}{length}", page.unwrap_or_default(), answer.status)
}

/// `was not answered within 60s`, `was not answered: connection closed`
pub fn no_answer(why: &NoAnswer) -> String {
    match why {
        NoAnswer::Late(patience) => {
            format!("was not answered within {}", duration::text(*patience))
        }
        NoAnswer::Around => "leads on and on: no page answers in the end".to_owned(),
        NoAnswer::Broken(why) => format!("was not answered: {}", why.short(120)),
    }
}

/// `a`, `a and b`, `a, b and 3 more`
pub fn some<T: AsRef<str>>(words: &[T]) -> String {
    let shown: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match shown.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, more @ ..] => format!("{one}, {two} and {} more", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_as_exactly_as_it_matters() {
        for (milliseconds, said) in [
            (0, "< 0.01 s"),
            (10, "0.01 s"),
            (40, "0.04 s"),
            (99, "0.1 s"),
            (2812, "2.8 s"),
            (99_400, "99.4 s"),
            (142_300, "142 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), said);
        }
        assert_eq!(some(&["a", "b", "c", "d"]), "a, b and 2 more");
    }
}
