//! V10xx: what the cluster says of a change. Told only where somebody asks it.

use super::codes;
use super::page::Example::Shown;
use crate::model::Party::{Author, Operator};

codes! { CLUSTERS;
    REFUSED_BY_CLUSTER = "V1001": "an object that the cluster would refuse", &[Author, Operator],
    "The API server was asked whether it would take what the merge writes, in a dry run that keeps nothing, and refused: a policy of the cluster is against it, a value is not allowed, or the daemon lacks a right. The sentence has its own words. After the merge it would be refused as well, and what runs would go on as it is.",
    wrong Shown("env: {TEAM: \"\"}      and a policy of the cluster that wants a team"),
    right Shown("env: {TEAM: robots}");
}
