//! The binary as a person or a script uses it: exit codes, output, signals, restart.

pub mod api;
mod approve;
mod check;
mod completions;
mod config;
mod daemon;
mod demo;
mod demo_folder;
mod demo_live;
mod doctor;
mod explain;
mod forge;
mod help;
mod hook;
mod memory;
mod new;
mod newcomer;
mod once;
mod pin;
mod plan;
mod render;
pub mod scene;
mod silence;
pub mod status;
mod told;
mod trouble;
mod warm;
