//! A solution as a pull request shows it: somewhere else, at most one copy, asleep until somebody
//! looks, and without the Secrets that the platform does not name for it.

use std::num::NonZeroU16;

use super::platform::{Activation, Previews};
use super::solution::{Component, Exposure, Range, Scaling, Target};
use super::{Platform, Solution};
use crate::model::Revision;

/// Why a solution cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPreview {
    /// Its host would be no host name.
    #[error("the address of its preview would be longer than a host name may be")]
    TooLong,
    /// The pull request's number is none.
    #[error("pull request {0} has a number that no preview can have")]
    Number(u64),
}

/// The preview of a solution. `platform` is that in force, never the pull request's own.
///
/// # Errors
/// [`NoPreview`], which says why it has no address.
pub fn preview(
    solution: &Solution,
    pull: u64,
    head: &Revision,
    platform: &Platform,
    settings: &Previews,
) -> Result<Solution, NoPreview> {
    let name = solution.name.preview(pull).ok_or(NoPreview::Number(pull))?;
    let mut shown = Solution {
        name,
        preview: Some(head.clone()),
        // Whoever asks for it wants to see it.
        expires: None,
        suspend: None,
        ..solution.clone()
    };
    for component in shown.components.values_mut() {
        small(component, platform);
        component.secrets.retain(|key| settings.secrets.contains(key));
        if let Exposure::Public { host, .. } = &mut component.exposure {
            *host = host.preview(pull).ok_or(NoPreview::TooLong)?;
        }
    }
    Ok(shown)
}

/// At most one copy, and none while nobody looks, as far as anything sleeps on the platform.
fn small(component: &mut Component, platform: &Platform) {
    let (cooldown, target) = match &component.scaling {
        Scaling::AlwaysOn { .. } => (platform.defaults.cooldown, Target::USUAL),
        Scaling::Autoscaled { cooldown, target, .. } => (*cooldown, *target),
    };
    let sleeps = platform.activation != Activation::None;
    component.scaling = match Range::new(0, NonZeroU16::MIN).filter(|_| sleeps) {
        Some(range) => Scaling::Autoscaled { range, cooldown, target, schedules: Vec::new() },
        None => Scaling::AlwaysOn { replicas: NonZeroU16::MIN },
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::catalog::{self, Memory};
    use crate::change::tests::snapshot;

    fn head() -> Revision {
        Revision::parse(&"d".repeat(40)).unwrap()
    }

    /// The preview of a solution with these lines in its `spec`, on a platform with those.
    fn shown(spec: &str, platform: &str) -> Solution {
        let platform = format!("  previews: {{secrets: [DEMO_KEY]}}\n{platform}");
        let catalog =
            catalog::read(&snapshot("a", &platform, &[("use", spec)]), &mut Memory::default());
        assert!(catalog.refused.is_empty(), "{:?}", catalog.refused);
        let platform = catalog.platform.clone().unwrap();
        let solution = catalog.solutions.values().next().unwrap();
        let settings = platform.previews.clone().unwrap();
        preview(solution, 42, &head(), &platform, &settings).unwrap()
    }

    #[test]
    fn a_preview_sleeps_whatever_its_author_asked_for_and_has_one_copy() {
        let often = "  scaling: {minReplicas: 1, maxReplicas: 4}\n";
        for (spec, platform) in [(often, ""), ("  expires: 2020-01-01\n", "")] {
            let shown = shown(spec, platform);
            let [component] = &shown.components.values().collect::<Vec<_>>()[..] else { panic!() };
            let Scaling::Autoscaled { range, schedules, .. } = &component.scaling else { panic!() };
            assert_eq!((range.min(), range.max().get(), schedules.len()), (0, 1, 0));
            assert_eq!((shown.expires, shown.suspend.is_some()), (None, false));
        }
        let awake = shown(often, "  activation: {mode: none}\n");
        let component = awake.components.values().next().unwrap();
        assert_eq!(component.scaling, Scaling::AlwaysOn { replicas: NonZeroU16::MIN });
    }

    #[test]
    fn a_preview_is_opened_elsewhere_and_gets_only_the_secrets_that_the_platform_names() {
        let shown = shown("  secrets: [API_KEY, DEMO_KEY]\n", "");
        let component = shown.components.values().next().unwrap();
        let Exposure::Public { host, .. } = &component.exposure else { panic!() };
        assert_eq!(host.as_str(), "pr-42--use.demo.example");
        assert_eq!(component.secrets.iter().collect::<Vec<_>>(), ["DEMO_KEY"]);
        assert_eq!((shown.name.as_str(), shown.preview), ("pr-42--use", Some(head())));
    }
}
