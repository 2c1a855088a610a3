//! Where solutions are opened: the platform's domain, and the hosts below it.

use super::{ComponentName, SolutionName};

/// The platform's domain: a DNS name in lower case, and no address.
///
/// At most 180 bytes: it leaves room for `<solution>--<configuration>.` before it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// A host that visitors open, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// Between the names of a solution and of one of its configurations. No name holds it.
const BETWEEN: &str = "--";
/// The longest part of a host name (RFC 1035, section 2.3.4).
const LABEL: usize = 63;
/// The longest host name (RFC 1035, section 2.3.4).
const MAX: usize = 253;

const _: () = assert!(SolutionName::MAX + BETWEEN.len() + ComponentName::MAX <= LABEL);
const _: () = assert!(LABEL + 1 + Domain::MAX <= MAX);

impl Domain {
    /// The longest domain, in bytes.
    pub const MAX: usize = 180;

    /// Parses a domain; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let label = |label: &str| {
            (1..=LABEL).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = text.rsplit('.').next().unwrap_or_default();
        let ok = text.len() <= Self::MAX
            && text.split('.').all(label)
            && last.bytes().any(|b| b.is_ascii_alphabetic());
        ok.then(|| Self(text.to_owned()))
    }

    /// Of a platform that says no usable one: a name that leads nowhere (RFC 2606, section 2).
    pub fn nowhere() -> Self {
        Self("domain.invalid".to_owned())
    }

    /// The domain without a dot at its end: `demo.example`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain itself. No solution is opened there.
    pub fn apex(&self) -> HostName {
        HostName(self.0.clone())
    }

    /// Where a solution is opened.
    pub fn solution(&self, name: &SolutionName) -> HostName {
        self.below(name.as_str())
    }

    /// Where one configuration of a solution is opened.
    pub fn configuration(&self, name: &SolutionName, configuration: &ComponentName) -> HostName {
        self.below(&format!("{name}{BETWEEN}{configuration}"))
    }

    /// Where the gallery is. No solution is called so.
    pub fn gallery(&self) -> HostName {
        self.below("gallery")
    }

    fn below(&self, label: &str) -> HostName {
        HostName(format!("{label}.{}", self.0))
    }
}

impl HostName {
    /// Where a pull request shows what is opened here; `None` where that would be no host name.
    pub fn preview(&self, pull: u64) -> Option<Self> {
        let host = format!("pr-{pull}{BETWEEN}{}", self.0);
        let label = host.split('.').next().unwrap_or_default().len();
        (label <= LABEL && host.len() <= MAX).then_some(Self(host))
    }

    /// The whole host: `use.demo.example`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

shown_as_text!(Domain, HostName);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_dns_name_and_no_address() {
        for good in ["demo.example", "a", "x--y.example", "1.2.3.example"] {
            assert_eq!(Domain::parse(good).unwrap().as_str(), good);
        }
        let long = format!("{}.example", ["a"; 90].join("."));
        for bad in ["", "Demo.example", "192.0.2.1", "a..b", "-a.b", "a-.b", "*.a", "a:1", &long] {
            assert!(Domain::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Domain::parse(Domain::nowhere().as_str()), Some(Domain::nowhere()));
    }

    #[test]
    fn each_solution_and_each_configuration_has_a_host_of_its_own() {
        let domain = Domain::parse("demo.example").unwrap();
        let name = SolutionName::parse("use").unwrap();
        let configuration = ComponentName::parse("pumps").unwrap();
        assert_eq!(domain.solution(&name).as_str(), "use.demo.example");
        assert_eq!(domain.configuration(&name, &configuration).as_str(), "use--pumps.demo.example");
        assert_eq!(domain.gallery().as_str(), "gallery.demo.example");
        assert!(SolutionName::RESERVED.contains(&"gallery"));
    }
}
