//! The controllers that a demo needs.

use super::Sandbox;

pub fn start(_sandbox: &Sandbox) {}
