//! Bounds that both kinds of file share.

use crate::model::decode::Form;

/// A day in seconds.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// The longest that a duration may be before any limit is asked: a week, in seconds.
pub(super) const WEEK: u64 = 7 * DAY;

/// A duration that only the platform's limits bound.
pub(super) const TIME: Form = Form::Duration(1, WEEK);

/// Kubernetes counts replicas in 32 bits; nobody needs that many demonstrators.
pub(super) const REPLICAS: u64 = 1000;

/// Resource name → amount.
pub(super) const AMOUNTS: Form = Form::Amounts(16);
