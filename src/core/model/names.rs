//! The names that people choose: of a solution, of a component, of an instance.

use std::ops::Bound;

use smol_str::{SmolStr, format_smolstr};

/// A solution's name: its folder, its namespace (`sol-<name>`), its sub-domain.
///
/// A preview, which shows a solution as a pull request would leave it, is a solution with a name
/// that no author can write: `pr-<number>--<solution>`. Its namespace is `pv-<number>-<solution>`.
///
/// 1 to 40 of `a-z`, `0-9` and `-`; first a letter, last not `-`, no `--`, none of
/// [`SolutionName::RESERVED`]. 40 leaves room for our suffixes in the 63 octets of a DNS label
/// (RFC 1035, section 2.3.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SolutionName(SmolStr);

impl SolutionName {
    /// The longest name, in characters.
    pub const MAX: usize = 40;

    /// Names that the platform itself uses as hosts.
    pub const RESERVED: [&'static str; 10] =
        ["www", "api", "auth", "admin", "status", "gallery", "apex", "docs", "preview", "validate"];

    /// Between these texts, in their order, are the names of previews, and no others.
    pub const PREVIEWS: (Bound<&'static str>, Bound<&'static str>) =
        (Bound::Included("pr-"), Bound::Excluded("pr."));

    /// Parses a name.
    ///
    /// # Errors
    /// [`BadName`], which says what a name may be.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        label(text, Self::MAX)?;
        if Self::RESERVED.contains(&text) || text.starts_with(PREVIEW_PREFIX) {
            return Err(BadName::Reserved { name: text.to_owned() });
        }
        Ok(Self(text.into()))
    }

    /// The name of the preview that shows this solution as a pull request would leave it; `None`
    /// for a pull request of a number that no forge has, and for a preview of a preview.
    pub fn preview(&self, pull: u64) -> Option<Self> {
        let fits = (1..=MAX_PULL).contains(&pull) && self.previews().is_none();
        fits.then(|| Self(format_smolstr!("{PREVIEW_PREFIX}{pull}{PREVIEW_OF}{}", self.0)))
    }

    /// Whether it is that of a preview.
    pub fn is_preview(&self) -> bool {
        self.previews().is_some()
    }

    /// Of a preview: the pull request, and the name of the solution that it shows.
    pub fn previews(&self) -> Option<(u64, &str)> {
        let (pull, of) = self.0.strip_prefix(PREVIEW_PREFIX)?.split_once(PREVIEW_OF)?;
        Some((pull.parse().ok()?, of))
    }

    /// Reads a name that we wrote: of a solution, or of a preview.
    pub fn read(text: &str) -> Option<Self> {
        match text.strip_prefix(PREVIEW_PREFIX).and_then(|rest| rest.split_once(PREVIEW_OF)) {
            Some((pull, of)) => Self::preview_of(pull, of),
            None => Self::parse(text).ok(),
        }
    }

    fn preview_of(pull: &str, of: &str) -> Option<Self> {
        let number: u64 = pull.parse().ok()?;
        // As we write it, so that no two texts are one name.
        (number.to_string() == pull).then_some(number)?;
        Self::parse(of).ok()?.preview(number)
    }

    /// The namespace that holds the solution's objects.
    pub fn namespace(&self) -> SmolStr {
        match self.previews() {
            Some((pull, of)) => format_smolstr!("{PREVIEW_NAMESPACE}{pull}-{of}"),
            None => format_smolstr!("{NAMESPACE_PREFIX}{}", self.0),
        }
    }

    /// The solution whose namespace this is; `None` for the namespace of anything else.
    pub fn of_namespace(namespace: &str) -> Option<Self> {
        if let Some(rest) = namespace.strip_prefix(PREVIEW_NAMESPACE) {
            let (pull, of) = rest.split_once('-')?;
            return Self::preview_of(pull, of);
        }
        Self::parse(namespace.strip_prefix(NAMESPACE_PREFIX)?).ok()
    }

    /// The name alone: `use`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands before a solution's name in the name of its namespace:
/// [`SolutionName::namespace`] writes it, [`SolutionName::of_namespace`] reads it.
const NAMESPACE_PREFIX: &str = "sol-";

/// What stands before the number of the pull request in the name of a preview. No solution's name
/// begins so.
const PREVIEW_PREFIX: &str = "pr-";
/// What stands between the number and the solution. No solution's name holds it.
const PREVIEW_OF: &str = "--";
/// What stands before the number in the name of a preview's namespace.
const PREVIEW_NAMESPACE: &str = "pv-";
/// The greatest number of a pull request that has previews: a host's first label, of 63 octets, has
/// room for it and the longest name of a solution.
const MAX_PULL: u64 = 999_999_999;

const _: () = assert!("pr-999999999--".len() + SolutionName::MAX <= 63);

/// The name of a component or a configuration inside its solution.
///
/// 1 to 20 of the alphabet of [`SolutionName`]. 20 keeps `keda-hpa-<name>` and our own suffixes
/// within the 54 characters that KEDA's webhook leaves a ScaledObject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentName(SmolStr);

impl ComponentName {
    /// The longest name, in characters.
    pub const MAX: usize = 20;

    /// The one component of a solution that declares none.
    pub const APP: &'static str = "app";

    /// Parses a name that an author wrote.
    ///
    /// # Errors
    /// [`BadName`]; `default` and names that end like our own objects are reserved.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        label(text, Self::MAX)?;
        if text == "default" || ["-page", "-files", "-secrets"].iter().any(|s| text.ends_with(s)) {
            return Err(BadName::Reserved { name: text.to_owned() });
        }
        Ok(Self(text.into()))
    }

    /// The component of a solution that declares none.
    pub fn app() -> Self {
        Self(SmolStr::new_static(Self::APP))
    }

    /// The name alone, without that of its solution.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One daemon on one cluster, named by the operator: a DNS label of at most 20 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceName(SmolStr);

impl InstanceName {
    /// The longest name, in characters.
    pub const MAX: usize = 20;

    /// Parses a name.
    ///
    /// # Errors
    /// [`BadName`].
    pub fn parse(text: &str) -> Result<Self, BadName> {
        label(text, Self::MAX)?;
        Ok(Self(text.into()))
    }

    /// The name as labels carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It is empty or too long.
    #[error("`{name}` has {length} characters, allowed are 1 to {max}")]
    Length {
        /// The text that is no name.
        name: String,
        /// Its length, in characters.
        length: usize,
        /// The longest that is allowed, in characters.
        max: usize,
    },
    /// A character is not allowed, or not at its place.
    #[error(
        "`{name}` is not a name: use a-z, 0-9 and single dashes, start with a letter, end with a letter or a digit"
    )]
    Alphabet {
        /// The text that is no name.
        name: String,
    },
    /// It is kept for the platform, or for objects that vitrine makes.
    #[error("`{name}` is reserved")]
    Reserved {
        /// The text that is no name.
        name: String,
    },
    /// One of its words is `edge`.
    #[error("`{name}` contains the word `edge`, which names the platform's own objects")]
    Edge {
        /// The text that is no name.
        name: String,
    },
}

/// What all three have in common: a DNS label without `--` whose words are not `edge`
/// (Traefik joins the parts of a router's name with dashes, so `a-edge-gw` could collide).
fn label(text: &str, max: usize) -> Result<(), BadName> {
    let length = text.chars().count();
    if length == 0 || length > max {
        return Err(BadName::Length { name: text.to_owned(), length, max });
    }
    let alphabet = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let ends = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && !text.ends_with('-');
    if !alphabet || !ends || text.contains("--") {
        return Err(BadName::Alphabet { name: text.to_owned() });
    }
    if text.split('-').any(|word| word == "edge") {
        return Err(BadName::Edge { name: text.to_owned() });
    }
    Ok(())
}

shown_as_text!(SolutionName, ComponentName, InstanceName);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label_that_leaves_room_for_suffixes() {
        for good in ["a", "use", "part-comparer", "a1", &"a".repeat(40)] {
            assert!(SolutionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "1a", "a--b", "A", "ä", "a.b", "a_b", "www", "pr-7", "my-edge"]
        {
            assert!(SolutionName::parse(bad).is_err(), "{bad}");
        }
        assert!(SolutionName::parse(&"a".repeat(41)).is_err());
    }

    #[test]
    fn a_namespace_says_which_solution_it_holds() {
        let name = SolutionName::parse("use").unwrap();
        assert_eq!(name.namespace(), "sol-use");
        assert_eq!(SolutionName::of_namespace("sol-use"), Some(name));
        for other in ["use", "sol-", "sol-Use", "sol-www", "edge", "sol_use"] {
            assert_eq!(SolutionName::of_namespace(other), None, "{other}");
        }
    }

    #[test]
    fn a_preview_has_a_name_and_a_namespace_that_no_author_can_write() {
        let shown = SolutionName::parse("use").unwrap();
        let preview = shown.preview(42).unwrap();
        assert_eq!((preview.as_str(), preview.namespace().as_str()), ("pr-42--use", "pv-42-use"));
        assert_eq!((preview.previews(), shown.previews()), (Some((42, "use")), None));
        assert_eq!(SolutionName::of_namespace("pv-42-use"), Some(preview.clone()));
        assert_eq!(SolutionName::read("pr-42--use"), Some(preview.clone()));
        assert_eq!(SolutionName::read("use"), Some(shown.clone()));
        assert!(SolutionName::parse("pr-42--use").is_err(), "an author cannot be called so");
        assert_eq!(preview.preview(7), None, "a preview has none");
        assert_eq!((shown.preview(0), shown.preview(1_000_000_000)), (None, None));
        let longest = SolutionName::parse(&"a".repeat(40)).unwrap().preview(999_999_999).unwrap();
        assert!(longest.as_str().len() <= 63 && longest.namespace().len() <= 63);
        // One name is one text.
        for other in ["pv-042-use", "pv-42-", "pv-42-www", "pv--use", "pv-x-use", "pv-42-pr-1--use"]
        {
            assert_eq!(SolutionName::of_namespace(other), None, "{other}");
        }
        for other in ["pr-042--use", "pr-42-use", "pr-42--", "pr---use", "pr-42--pr-1--use"] {
            assert_eq!(SolutionName::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_component_may_not_be_called_like_our_own_objects() {
        for bad in ["default", "web-page", "web-files", "web-secrets", &"a".repeat(21)] {
            assert!(ComponentName::parse(bad).is_err(), "{bad}");
        }
        assert!(ComponentName::parse("web").is_ok());
    }
}
