//! From a snapshot to a catalogue: every folder judged, every mistake protected.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dated::Dated;
use super::fault::{Fault, code};
use super::folders::{self, Misplaced};
use super::snapshot::Snapshot;
use super::solution::{Solution, Verdict};
use super::{Catalog, Memory, Protected, Refused, platform};
use crate::model::decode::nearest;
use crate::model::{ClaimedName, Party, SolutionName, yaml};

/// Judges everything that a commit says. Equal snapshots give equal catalogues; `memory` only
/// saves the reading of what did not change.
///
/// Without a sound `platform.yaml`, solutions are judged on what of it is sound, and every name
/// is protected.
pub fn read(snapshot: &Snapshot, memory: &mut Memory) -> Catalog {
    let mut reading = memory.begin();
    let file = snapshot.platform.as_ref();
    let bytes = file.and_then(|file| file.bytes.as_deref());
    let judged = reading.platform(bytes, || platform::judge(file));
    let layout = folders::layout(snapshot);

    let mut draft = Draft { warnings: judged.warnings.clone(), ..Draft::default() };
    draft.protected.all = layout.undecided.clone();
    let verdicts = layout.solutions.iter().map(|(path, folder)| Claim {
        path: (*path).to_owned(),
        verdict: Some(reading.folder(path, folder, &judged.platform)),
        fault: None,
        declared: None,
    });
    let mut claims: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for claim in verdicts {
        claims.entry(folders::name(&claim.path).to_owned()).or_default().push(claim);
    }
    let (claiming, others): (Vec<_>, Vec<_>) =
        layout.misplaced.into_iter().partition(|misplaced| misplaced.claims);
    for Misplaced { path, fault, declared, .. } in claiming {
        let claim = Claim { verdict: None, fault: Some(fault), declared, path };
        claims.entry(folders::name(&claim.path).to_owned()).or_default().push(claim);
    }
    for (name, claims) in claims {
        draft.settle(&name, claims);
    }
    for misplaced in others {
        draft.misplaced(misplaced);
    }
    draft.featured(&judged.platform, bytes);
    let platform = if judged.faults.is_empty() {
        Ok(Arc::new(judged.platform.clone()))
    } else {
        let reason = "platform.yaml is missing or faulty: nothing is published or removed";
        draft.protected.all = Some(reason.to_owned());
        Err(judged.faults.clone())
    };
    Catalog {
        revision: snapshot.revision.clone(),
        platform,
        solutions: draft.solutions,
        refused: draft.refused,
        protected: draft.protected,
        warnings: draft.warnings,
        dated: draft.dated,
    }
}

/// A folder that claims a name: by a `solution.yaml`, rightly placed or not.
struct Claim {
    path: String,
    verdict: Option<Arc<Verdict>>,
    /// Of a misplaced one.
    fault: Option<Fault>,
    declared: Option<String>,
}

#[derive(Default)]
struct Draft {
    solutions: BTreeMap<SolutionName, Arc<Solution>>,
    refused: BTreeMap<ClaimedName, Refused>,
    protected: Protected,
    warnings: Vec<Fault>,
    dated: Vec<Dated>,
}

impl Draft {
    /// Decides about the folders of one name. Two of one name are both refused, so that a
    /// newcomer cannot take over what is live.
    fn settle(&mut self, name: &str, claims: Vec<Claim>) {
        let paths: Vec<String> = claims.iter().map(|claim| claim.path.clone()).collect();
        for claim in claims {
            let mut faults: Vec<Fault> = claim.fault.clone().into_iter().collect();
            if let Some(verdict) = &claim.verdict {
                faults.extend(verdict.faults.iter().cloned());
                self.warnings.extend(verdict.warnings.iter().cloned());
                self.dated.extend(verdict.dated.iter().cloned());
            }
            let rivals: Vec<&str> =
                paths.iter().filter(|path| **path != claim.path).map(String::as_str).collect();
            if !rivals.is_empty() {
                faults.push(claim.duplicate(name, &rivals));
            }
            let solution = claim.verdict.as_ref().and_then(|verdict| verdict.solution.clone());
            match solution {
                Some(solution) if faults.is_empty() => {
                    self.solutions.insert(solution.name.clone(), solution);
                }
                _ => {
                    let declared = match &claim.verdict {
                        Some(verdict) => verdict.declared.clone(),
                        None => claim.declared.clone(),
                    };
                    self.refuse(name, claim.path, declared, faults);
                }
            }
        }
    }

    /// A folder that claims no name against others. Where a good solution has its name, that one
    /// is left alone, and the refusal goes by the folder's path.
    fn misplaced(&mut self, misplaced: Misplaced) {
        let Misplaced { path, fault, declared, .. } = misplaced;
        let name = folders::name(&path).to_owned();
        if self.solutions.contains_key(name.as_str()) {
            if fault.code == super::fault::code::LOST_SOLUTION {
                // The solution moved and left something behind: nothing vanishes.
                return;
            }
            let key = path.clone();
            self.refuse(&key, path, declared, vec![fault]);
        } else {
            self.refuse(&name, path, declared, vec![fault]);
        }
    }

    /// A featured solution that is not there is no reason to stop publishing: somebody may have
    /// removed it with good right.
    fn featured(&mut self, platform: &platform::Platform, bytes: Option<&[u8]>) {
        let there = |name: &str| {
            self.solutions.contains_key(name)
                || self.refused.contains_key(name)
                || self.protected.names.contains(name)
        };
        let unknown: Vec<_> =
            platform.gallery.featured.iter().filter(|name| !there(&name.value)).collect();
        if unknown.is_empty() {
            return;
        }
        let lines = bytes.map(yaml::lines).unwrap_or_default();
        for name in unknown {
            let message = format!("the catalogue has no solution `{}`", name.value);
            let mut warning =
                Fault::new(code::FEATURED_UNKNOWN, platform::FILE, Party::Operator, message)
                    .at(name.at)
                    .snippet(lines.get((name.at.line as usize).saturating_sub(1)).cloned());
            let near = nearest(&name.value, self.solutions.keys().map(SolutionName::as_str));
            warning.help = near.map(|near| format!("did you mean `{near}`?"));
            self.warnings.push(warning);
        }
    }

    fn refuse(
        &mut self,
        key: &str,
        folder: String,
        declared: Option<String>,
        mut faults: Vec<Fault>,
    ) {
        self.protected.names.insert(ClaimedName::of(folders::name(&folder)));
        self.protected.names.extend(declared.as_deref().map(ClaimedName::of));
        let refused = self
            .refused
            .entry(ClaimedName::of(key))
            .or_insert_with(|| Refused { folder, faults: Vec::new() });
        refused.faults.append(&mut faults);
    }
}

impl Claim {
    fn duplicate(&self, name: &str, rivals: &[&str]) -> Fault {
        let place = match (&self.verdict, &self.fault) {
            (Some(verdict), _) => verdict.at_name.clone(),
            (None, Some(fault)) => fault.clone(),
            (None, None) => return self.unplaced(name, rivals),
        };
        let Fault { message, help, .. } = self.unplaced(name, rivals);
        Fault { code: super::fault::code::DUPLICATE_NAME, message, help, label: None, ..place }
    }

    fn unplaced(&self, name: &str, rivals: &[&str]) -> Fault {
        let message =
            format!("the name `{name}` is also taken by the folder `{}`", rivals.join("`, `"));
        let code = super::fault::code::DUPLICATE_NAME;
        Fault::new(code, self.path.as_str(), crate::model::Party::Author, message)
            .help("names are unique in the catalogue, whatever the group: rename one of them")
    }
}

#[cfg(test)]
#[path = "read/tests.rs"]
mod tests;
