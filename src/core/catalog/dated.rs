//! What is right today and has to be said from a day on. The catalogue has no clock: whoever has
//! one asks for a day.

use jiff::civil::Date;

use super::fault::{Fault, code};
use super::solution::Suspension;
use crate::model::decode::Sheet;
use crate::model::yaml::Spanned;

/// A warning that holds from a day (UTC) on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The first day on which it is said.
    pub from: Date,
    /// The words, which name the day, and the place of the day in the file.
    pub warning: Fault,
}

impl Dated {
    pub(super) fn expiry(sheet: &Sheet, day: &Spanned<Date>) -> Self {
        let message = format!("the solution has expired on {}: it sleeps", day.value);
        let warning = sheet.shown(sheet.fault(code::EXPIRED, day.at, message));
        let help = "a later day wakes it; deleting the folder removes it";
        Self { from: day.value, warning: warning.help(help) }
    }

    pub(super) fn suspension(sheet: &Sheet, suspension: &Spanned<Suspension>) -> Self {
        let until = suspension.value.until;
        let message = format!("the suspension is over since {until}");
        let warning = sheet.shown(sheet.fault(code::SUSPENSION_OVER, suspension.at, message));
        Self { from: until, warning: warning.help("take `suspend` out") }
    }
}
