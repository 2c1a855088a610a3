//! What trials leave, and who clears it away.

use std::collections::{BTreeMap, BTreeSet};

use super::find::{Runtime, Sort};

/// Every container of a trial has this label, with the trial's number as its value.
pub const LABEL: &str = "dev.vitrine.try";

/// The names of a trial's containers begin so; our own ends with `carrier-1` or `carrier-2`.
pub fn name(trial: &str, part: &str, number: usize) -> String {
    format!("vitrine-try-{trial}-{part}-{number}")
}

/// Removes every container of a trial. Whatever fails is tried again by the next trial.
pub async fn clear(runtime: &Runtime, trial: &str) {
    let containers = listed(runtime, &format!("{LABEL}={trial}")).await;
    remove(runtime, containers.iter().map(|container| container.name.as_str()).collect()).await;
}

/// Removes what trials left whose carrier has ended: it lives as long as the trial does, whatever
/// ends it.
pub async fn clear_dead(runtime: &Runtime) {
    let containers = listed(runtime, LABEL).await;
    for dead in dead(&containers) {
        let of = |container: &&Listed| container.trial == dead;
        let names = containers.iter().filter(of).map(|container| container.name.as_str());
        remove(runtime, names.collect()).await;
    }
}

/// A container as the runtime lists it.
#[derive(Debug)]
struct Listed {
    trial: String,
    name: String,
    is_over: bool,
}

impl Listed {
    /// `vitrine-try-1f00a3c2-carrier-1 Exited (0) 3 seconds ago`
    fn read(line: &str) -> Option<Self> {
        let (name, status) = line.split_once(' ')?;
        let (trial, _) = name.strip_prefix("vitrine-try-")?.split_once('-')?;
        let is_over = ["Exited", "Stopped", "Dead"].iter().any(|word| status.starts_with(word));
        Some(Self { trial: trial.to_owned(), name: name.to_owned(), is_over })
    }

    fn is_carrier(&self) -> bool {
        self.name.contains("-carrier-")
    }
}

fn dead(containers: &[Listed]) -> BTreeSet<&str> {
    let mut alive: BTreeMap<&str, bool> = BTreeMap::new();
    for container in containers {
        *alive.entry(&container.trial).or_default() |= container.is_carrier() && !container.is_over;
    }
    alive.into_iter().filter(|(_, alive)| !alive).map(|(trial, _)| trial).collect()
}

async fn listed(runtime: &Runtime, label: &str) -> Vec<Listed> {
    let filter = format!("label={label}");
    let words = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}} {{.Status}}"];
    let said = runtime.call(&words).await.unwrap_or_default();
    said.lines().filter_map(Listed::read).collect()
}

/// The tried ones first: they hang on the network of ours.
async fn remove(runtime: &Runtime, names: Vec<&str>) {
    let (carriers, tried): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.contains("-carrier-"));
    for names in [tried, carriers].into_iter().filter(|names| !names.is_empty()) {
        let at_once: &[&str] = match runtime.sort() {
            Sort::Podman => &["rm", "--force", "--volumes", "--time", "0"],
            Sort::Docker => &["rm", "--force", "--volumes"],
        };
        let _ = runtime.call(&[at_once, &names].concat()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_lives_as_long_as_a_carrier_of_it() {
        let listed: Vec<Listed> = [
            "vitrine-try-aaaa-carrier-1 Up 2 seconds",
            "vitrine-try-aaaa-app-1 Up 2 seconds",
            "vitrine-try-bbbb-carrier-1 Exited (0) 2 seconds ago",
            "vitrine-try-bbbb-app-1 Up 2 seconds",
            "vitrine-try-cccc-app-2 Exited (137) 1 second ago",
            // It is just being started.
            "vitrine-try-dddd-carrier-2 Created",
            "vitrine-try-eeee-carrier-1 Exited (0) 2 seconds ago",
            "vitrine-try-eeee-carrier-2 Up Less than a second ago",
            "somebody-elses Up 2 seconds",
        ]
        .into_iter()
        .filter_map(Listed::read)
        .collect();
        assert_eq!(listed.len(), 8);
        assert_eq!(dead(&listed), BTreeSet::from(["bbbb", "cccc"]));
    }
}
