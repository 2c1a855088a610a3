//! How the components of a solution stand to each other: who calls whom, who is public where.

use std::collections::{BTreeMap, BTreeSet};

use super::author::Part;
use crate::catalog::fault::code;
use crate::model::decode::{Sheet, certain, nearest};
use crate::model::yaml::Span;

/// Judges dependencies and public paths of `components`, whose own key stands at `key`.
pub fn judge(sheet: &Sheet, parts: &[Part], key: Span) {
    unknown(sheet, parts);
    cycles(sheet, parts);
    paths(sheet, parts, key);
    let called: BTreeSet<&str> =
        parts.iter().flat_map(|part| &part.depends_on).map(|name| name.value.as_str()).collect();
    for part in parts {
        if part.expose.is_none() && !called.contains(part.name.value.as_str()) {
            let message = format!("nobody calls the private component `{}`", part.name.value);
            let help = "list it in a component's `dependsOn`, or give it `expose`";
            let fault = sheet.fault(code::NOBODY_CALLS, part.name.at, message);
            sheet.report(fault.help(help));
        }
    }
}

fn unknown(sheet: &Sheet, parts: &[Part]) {
    let names = || parts.iter().map(|part| part.name.value.as_str());
    for part in parts {
        for wanted in &part.depends_on {
            if names().any(|name| name == wanted.value) {
                continue;
            }
            let message = format!("this solution has no component `{}`", wanted.value);
            let mut fault = sheet.fault(code::NO_COMPONENT, wanted.at, message);
            fault.help =
                nearest(&wanted.value, names()).map(|near| format!("did you mean `{near}`?"));
            let sure = certain(&wanted.value, names().filter(|name| *name != part.name.value));
            let fix = sure.and_then(|name| sheet.reword(wanted.at, &wanted.value, name));
            sheet.report(fault.fix(fix));
        }
    }
}

/// Each circle is told once, at the dependency that closes it.
fn cycles(sheet: &Sheet, parts: &[Part]) {
    let by_name: BTreeMap<&str, &Part> =
        parts.iter().map(|part| (part.name.value.as_str(), part)).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for part in parts {
        let mut path: Vec<(&str, usize)> = Vec::new();
        let start = part.name.value.as_str();
        if done.contains(start) {
            continue;
        }
        path.push((start, 0));
        while let Some((name, next)) = path.last().copied() {
            let wanted = by_name.get(name).and_then(|part| part.depends_on.get(next));
            let Some(wanted) = wanted else {
                done.insert(name);
                path.pop();
                continue;
            };
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            let target = wanted.value.as_str();
            if let Some(from) = path.iter().position(|(name, _)| *name == target) {
                let mut circle: Vec<&str> = path.iter().skip(from).map(|(name, _)| *name).collect();
                circle.push(target);
                let message = format!("components depend on each other: {}", circle.join(" → "));
                let fault = sheet.fault(code::CYCLE, wanted.at, message);
                sheet.report(
                    fault.help("take one of these `dependsOn` out: they wake together anyway"),
                );
            } else if by_name.contains_key(target) && !done.contains(target) {
                path.push((target, 0));
            }
        }
    }
}

fn paths(sheet: &Sheet, parts: &[Part], key: Span) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for part in parts {
        let Some(expose) = &part.expose else { continue };
        let path = expose.path.value.as_str();
        match seen.get(path) {
            None => _ = seen.insert(path, &part.name.value),
            Some(first) => {
                let message =
                    format!("`{}` and `{first}` are both public at `{path}`", part.name.value);
                sheet.say(code::PATH_TWICE, expose.path.at, message);
            }
        }
    }
    if !seen.contains_key("/") {
        let message = "no component is public at `/`, where visitors arrive";
        let help = "give exactly one component expose: {path: /}";
        sheet.report(sheet.fault(code::NO_ENTRANCE, key, message).help(help));
    }
}
