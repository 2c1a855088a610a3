//! Lists, watches, deletions, discovery, faults.
