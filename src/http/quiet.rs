//! Servers that asked to be left alone, and until when.
//!
//! `Retry-After` (RFC 9110, section 10.2.3) of a 429 or a 503. Kept for the whole process, so that
//! neither new settings nor a hint nor a batch of notes asks sooner.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use url::Url;

/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(3600);
/// What a 429 asks for that does not say how long.
const UNSAID: Duration = Duration::from_secs(60);

/// A server that wants no requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    pub until: Instant,
    /// The same, for people.
    pub shown: Timestamp,
    /// What it answered.
    pub status: StatusCode,
}

static QUIET: Mutex<BTreeMap<String, Quiet>> = Mutex::new(BTreeMap::new());

impl Quiet {
    /// `14:05:10 UTC`, never before the time is over.
    pub fn time(&self) -> String {
        let second = Timestamp::from_second(self.shown.as_second() + 1).unwrap_or(self.shown);
        second.strftime("%H:%M:%S UTC").to_string()
    }
}

/// The server behind an address.
pub fn server(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether this server is to be left alone at present.
pub fn of(server: &str) -> Option<Quiet> {
    let now = Instant::now();
    let mut quiet = QUIET.lock().unwrap_or_else(PoisonError::into_inner);
    quiet.retain(|_, found| found.until > now);
    quiet.get(server).copied()
}

/// Remembers what an answer asks for, if it does.
pub fn heed(server: &str, response: &Response) -> Option<Quiet> {
    let status = response.status();
    let now = Timestamp::now();
    let wait = match status {
        StatusCode::TOO_MANY_REQUESTS => wait(response.headers(), now).unwrap_or(UNSAID),
        StatusCode::SERVICE_UNAVAILABLE => wait(response.headers(), now)?,
        _ => return None,
    };
    if wait.is_zero() {
        return None;
    }
    let quiet =
        Quiet { until: Instant::now() + wait, shown: now.checked_add(wait).unwrap_or(now), status };
    QUIET.lock().unwrap_or_else(PoisonError::into_inner).insert(server.to_owned(), quiet);
    Some(quiet)
}

/// How long from now; `None` where it is not said in a way that can be understood.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let said = text(RETRY_AFTER)?;
    if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a long time.
        let seconds = said.parse().map_or(LONGEST, Duration::from_secs);
        return Some(seconds.min(LONGEST));
    }
    // The server's clock may not be ours, so its time counts from its own now.
    let then = date(said)?;
    let now = text(DATE).and_then(date).unwrap_or(now);
    let wait = Duration::try_from(then.duration_since(now)).unwrap_or_default();
    Some(wait.min(LONGEST))
}

/// A date in one of the three forms of HTTP (RFC 9110, section 5.6.7), all of them in GMT.
fn date(text: &str) -> Option<Timestamp> {
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|form| BrokenDownTime::parse(form, text).ok()?.to_datetime().ok())?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        wait(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_understood() {
        assert_eq!(said("120", None), Some(120));
        assert_eq!(said(" 7 ", None), Some(7));
        assert_eq!(said("0", None), Some(0));
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(said(date, None), Some(37), "{date}");
        }
    }

    #[test]
    fn a_servers_wrong_clock_does_not_change_how_long_it_asks_for() {
        let then = "Sun, 06 Nov 1994 10:00:30 GMT";
        assert_eq!(said(then, Some("Sun, 06 Nov 1994 10:00:10 GMT")), Some(20));
        assert_eq!(said(then, Some("nonsense")), Some(3600));
    }

    #[test]
    fn nonsense_is_as_if_nothing_were_said_and_nobody_shuts_us_out_for_days() {
        for nonsense in ["", "soon", "-5", "1.5", "+3", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(said(nonsense, None), None, "{nonsense}");
        }
        for absurd in ["86400", "99999999999999999999999999", "Sun, 06 Nov 2044 08:49:37 GMT"] {
            assert_eq!(said(absurd, None), Some(3600), "{absurd}");
        }
        assert_eq!(said("Sun, 06 Nov 1994 08:00:00 GMT", None), Some(0), "a time that is over");
    }
}
