//! The engine against a cluster: one file per rule that a user can see.
//!
//! A scenario runs on both API servers, the one in memory and the real one; where it cannot, it
//! says why. A difference between the two is a bug of the sandbox.

mod a_change_for_all_restarts_a_few_at_a_time;
mod a_daemon_that_reports_writes_nothing;
mod a_deletion_takes_only_what_was_seen;
mod a_missing_crd_keeps_only_its_objects_waiting;
mod a_pull_request_is_shown_before_the_merge;
mod a_review_says_what_a_merge_does;
mod a_silent_cluster_is_told;
mod a_silent_repository_deletes_nothing;
mod admitted;
mod apply;
mod control_plane;
mod counts;
pub mod doctor;
mod fields;
mod health;
mod histories;
mod many_deletions_wait_for_a_person;
mod matrix;
mod memory;
mod modes;
mod no_restart_hurts;
mod one_broken_solution_leaves_the_others_published;
mod publish;
mod put_back;
mod quota;
mod refusals;
mod removal;
mod rendered;
mod stray;
mod stuck_solutions_hold_nobody_up;
mod two_of_one_name_both_wait;
mod what_a_hand_changed_is_put_right;
mod what_left_the_catalogue_and_lives_on_is_told;
mod what_others_own_is_no_drift;
mod what_would_be_refused_is_told_before_the_merge;
