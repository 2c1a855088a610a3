//! What could go wrong, one sentence each: what a merge starts anew, takes away or leaves open.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::{ObjectChange, Verb};
use super::sentence::{Sentence, several};
use crate::catalog::platform::Activation;
use crate::catalog::solution::{Component, Egress, Solution};
use crate::catalog::{Catalog, Platform};
use crate::model::{Kind, duration};
use crate::render::{Desired, Phase, secret_name};

/// Of a solution that is published after the merge. `lost` are the addresses that lead nowhere any
/// more.
pub(super) fn of_change(
    old: Option<&Solution>,
    new: &Solution,
    platform: &Platform,
    phase: Phase,
    objects: &[ObjectChange],
    desired: &Desired,
    lost: &BTreeSet<String>,
) -> Vec<Sentence> {
    let mut risks = Vec::new();
    risks.extend(dead(lost));
    for component in new.components.values() {
        let before = old.and_then(|old| old.components.get(&component.name)).map(AsRef::as_ref);
        of_image(new, before, component, &mut risks);
        let wider: Vec<&Egress> =
            component.egress.iter().filter(|way| way.cidr.is_everything()).collect();
        let known = before.map(|before| &before.egress);
        if let Some(way) = wider.iter().find(|way| known.is_none_or(|known| !known.contains(way))) {
            let ours = "what visitors send to it can leave to any address on the internet, port {}";
            risks.push(Sentence::of(ours, &[&way.port]));
        }
    }
    let updated =
        |one: &&ObjectChange| one.verb == Verb::Update && one.key.kind == Kind::Deployment;
    let restarted: Vec<&str> = objects
        .iter()
        .filter(updated)
        .filter(|one| one.fields.iter().any(|field| field.path.starts_with("spec.template")))
        .map(|one| one.key.name.as_str())
        .collect();
    let stops_first = |name: &&str| {
        desired.objects.iter().any(|object| {
            object.key.kind == Kind::Deployment
                && object.key.name == *name
                && object.body["spec"]["strategy"]["type"] == "Recreate"
        })
    };
    let (down, rolled): (Vec<&str>, Vec<&str>) = restarted.into_iter().partition(stops_first);
    let is_one = new.components.len() == 1;
    let mut restart = |names: Vec<&str>, how: &str| {
        if phase == Phase::Live && !names.is_empty() {
            risks.push(match is_one {
                true => Sentence::of(&format!("its pods are started anew; {how}"), &[]),
                false => {
                    let ours = format!("the pods of {{}} are started anew; {how}");
                    Sentence::of(&ours, &[&several(names)])
                }
            });
        }
    };
    restart(rolled, "if the new ones do not come up, those of now go on serving");
    restart(down, "those of now stop first: nobody answers until the new ones do");
    if phase == Phase::Live
        && let Some(slowest) = new.components.values().map(|component| component.startup).max()
        && let Activation::Interceptor(interceptor) = &platform.activation
        && slowest > interceptor.hold_requests_for
        && old.is_none_or(|old| old.components.values().map(|c| c.startup).max() < Some(slowest))
    {
        let held = duration::text(interceptor.hold_requests_for);
        risks.push(Sentence::of(
            "it may take {} to start, and a request is held for {}: a first call by a program can \
             fail",
            &[&duration::text(slowest), &held],
        ));
    }
    let gone: Vec<&str> = old
        .iter()
        .flat_map(|old| old.components.keys())
        .filter(|name| !new.components.contains_key(*name))
        .map(|name| name.as_str())
        .collect();
    if !gone.is_empty() {
        risks.push(Sentence::of("{} is deleted, with all that belongs to it", &[&several(gone)]));
    }
    risks
}

fn of_image(
    solution: &Solution,
    before: Option<&Component>,
    component: &Component,
    risks: &mut Vec<Sentence>,
) {
    let image = &component.image;
    let mut say = |sentence: Sentence| {
        let is_part = solution.components.len() > 1;
        risks.push(if is_part { sentence.about(&component.name) } else { sentence });
    };
    if image.digest().is_none() {
        let ours = "the image has no digest: what runs can become another without a commit";
        say(Sentence::of(ours, &[]));
    }
    let Some(was) = before.map(|before| &before.image) else { return };
    if was.repository() == image.repository() && was.tag() == image.tag() && was != image {
        if let Some(tag) = image.tag() {
            say(Sentence::of("the image is another one under the same tag {}", &[&tag]));
        }
    } else if was.repository() != image.repository() {
        say(Sentence::of("the image comes from another repository than before", &[]));
    }
}

/// The addresses that nobody answers at any more.
fn dead<'a>(urls: impl IntoIterator<Item = &'a String>) -> Option<Sentence> {
    let urls: Vec<&String> = urls.into_iter().collect();
    let ours = match urls.len() {
        0 => return None,
        1 => "{} leads nowhere any more; whoever kept the link meets an error",
        _ => "{} lead nowhere any more; whoever kept a link meets an error",
    };
    Some(Sentence::of(ours, &[&several(urls)]))
}

/// Of a solution that is removed: what vanishes, and who counts on it.
pub(super) fn of_removal(
    old: &Solution,
    urls: &[String],
    base: &Catalog,
    head: &Catalog,
) -> Vec<Sentence> {
    let mut risks: Vec<Sentence> = dead(urls).into_iter().collect();
    let mut secrets: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for component in old.components.values().filter(|component| !component.secrets.is_empty()) {
        let names = component.secrets.iter().map(String::as_str);
        secrets.entry(secret_name(old.shape, &component.name)).or_default().extend(names);
    }
    for (secret, names) in &secrets {
        risks.push(Sentence::of(
            "the Secret {} (with {}) goes with its namespace; a revert needs it again",
            &[secret, &several(names)],
        ));
    }
    let ours = "what it wrote into its pods is gone with them; it had no other storage";
    risks.push(Sentence::of(ours, &[]));
    let dependants = dependants(old, urls, head);
    if !dependants.is_empty() {
        let ours = match dependants.len() {
            1 => "{} still names an address of it, which is dead after the merge",
            _ => "{} still name an address of it, which is dead after the merge",
        };
        risks.push(Sentence::of(ours, &[&several(dependants)]));
    }
    let featured = |catalog: &Catalog| {
        let platform = catalog.platform.as_ref().ok();
        platform.is_some_and(|platform| {
            platform.gallery.featured.iter().any(|one| one.value == old.name.as_str())
        })
    };
    if featured(base) && featured(head) {
        risks.push(Sentence::of("platform.yaml still features it in the gallery", &[]));
    }
    risks
}

/// The solutions that stay and name one of its addresses: in a link, in a variable, in a command.
fn dependants(old: &Solution, urls: &[String], head: &Catalog) -> Vec<String> {
    let hosts: Vec<&str> = urls.iter().filter_map(|url| url.strip_prefix("https://")).collect();
    let names = |text: &String| hosts.iter().any(|host| is_named(host, text));
    let others = head.solutions.values().filter(|other| other.name != old.name);
    let counting = others.filter(|other| {
        other.about.links.iter().any(|link| names(&link.url))
            || other.components.values().any(|component| {
                let words = component.command.iter().chain(&component.args);
                component.env.values().chain(words).any(names)
            })
    });
    counting.map(|other| other.name.to_string()).collect()
}

/// Whether a text names this address, and not one that ends or begins like it.
fn is_named(address: &str, text: &str) -> bool {
    let of_a_name = |c: char| c.is_alphanumeric() || c == '-';
    text.match_indices(address).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.strip_prefix(address).unwrap_or_default();
        // What ends a sentence ends no name.
        let after = after.strip_prefix('.').unwrap_or(after);
        !before.ends_with(|c| of_a_name(c) || c == '.') && !after.starts_with(of_a_name)
    })
}
