//! A value over a limit of the platform.

use crate::catalog::fault::code;
use crate::model::decode::Cursor;

/// Says that a written value is over a limit of the platform.
pub fn over(cursor: &Cursor<'_>, found: &str, limit: &str) {
    let message = format!("`{}` is {found}, this platform allows {limit}", cursor.path);
    let help = "stay below it, or ask the operator: `limits` of platform.yaml decides";
    cursor.sheet.report(cursor.fault(code::OVER_LIMIT, message).help(help));
}
