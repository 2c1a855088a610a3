//! What left the catalogue and lives on, because another manager owns it too.

use super::wording::list;
use super::{Case, Cause, Reason};

/// What stays, on which object and held by whom; and what to do about it.
pub(super) fn left_behind(case: &Case<'_>) -> Option<(Reason, String)> {
    let mut objects = case.objects()?.iter().filter(|(_, live)| live.deleting.is_none());
    objects.find_map(|(key, live)| {
        let (manager, kept) = live.left_behind().next()?;
        let paths = kept.paths();
        let fields = list(paths.iter().map(String::as_str));
        let text = format!("{fields} left the catalogue and stays on {key}: {manager} holds it");
        let next = format!("take it out with `kubectl edit`, or where {manager} applies it");
        Some((Cause::LeftBehind.says(text), next))
    })
}
