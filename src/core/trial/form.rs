//! As whom it runs, where it writes, and what the platform gives that nobody could give here.

use super::report::Line;
use super::seen::{Seen, Subject};
use super::words::some;
use crate::catalog::fit::User;

/// What is to be said of the container itself.
pub fn lines(subject: &Subject<'_>, seen: &Seen) -> Vec<Line> {
    let mut lines = vec![user(subject, seen)];
    if seen.first.ready.is_some() {
        lines.push(root(subject, seen));
    }
    lines
}

fn user(subject: &Subject<'_>, seen: &Seen) -> Line {
    const PART: &str = "user";
    match (seen.image.runs_as(), subject.container.never_root) {
        (User::Numbered(number), _) => Line::good(PART, format!("runs as user {number}")),
        (User::Root, false) => {
            Line::good(PART, "runs as root, which is nobody outside of its own pod")
        }
        (User::Root, true) => {
            Line::error(PART, "runs as root, and this platform starts nobody as root")
                .hint("end its Dockerfile with a user of its own: USER 10001")
        }
        (User::Named(name), false) => {
            Line::good(PART, format!("runs as user `{}`", crate::model::Quoted::of(name).short(32)))
        }
        (User::Named(name), true) => {
            let name = crate::model::Quoted::of(name).short(32);
            let text = format!(
                "runs as `{name}`, a name, of which a node cannot tell that it is not root"
            );
            Line::error(PART, text).hint("write its number: USER 10001")
        }
    }
}

fn root(subject: &Subject<'_>, seen: &Seen) -> Line {
    const PART: &str = "root file system";
    if subject.container.read_only {
        return Line::good(PART, "runs with a read-only root file system");
    }
    match seen.first.wrote.as_slice() {
        [] => Line::good(PART, "writes nothing into its image")
            .hint("readOnlyRootFilesystem: true would hold"),
        wrote => {
            let places: Vec<String> = wrote.iter().map(|place| place.short(60)).collect();
            Line::warning(PART, format!("writes to {}", some(&places)))
                .hint("gone whenever it sleeps; name the folder under `scratch`")
        }
    }
}

/// What a component has on the platform and had not here.
pub fn left_out(subject: &Subject<'_>) -> Vec<String> {
    let mut left_out = Vec::new();
    let secrets: Vec<&String> = subject.container.secrets.iter().collect();
    if !secrets.is_empty() {
        left_out.push(format!("its secrets ({})", some(&secrets)));
    }
    let callees: Vec<&str> =
        subject.component.depends_on.iter().map(|callee| callee.as_str()).collect();
    if !callees.is_empty() {
        left_out.push(format!("the components that it calls ({})", some(&callees)));
    }
    if !subject.component.egress.is_empty() {
        left_out.push("the networks that `network.egress` names".to_owned());
    }
    let devices: Vec<&String> = subject.container.devices.iter().collect();
    if !devices.is_empty() {
        left_out.push(format!("devices ({})", some(&devices)));
    }
    left_out
}
