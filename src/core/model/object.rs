//! The address of a Kubernetes object.

use std::fmt;

use smol_str::SmolStr;

use super::{InstanceName, Kind, SolutionName};

/// The address of an object on its cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The kind, which also says the API version.
    pub kind: Kind,
    /// Absent for cluster-wide kinds.
    pub namespace: Option<SmolStr>,
    /// `metadata.name`.
    pub name: SmolStr,
}

impl ObjectKey {
    /// The address of an object that is in no namespace.
    pub fn cluster(kind: Kind, name: impl Into<SmolStr>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// The address of an object in a namespace.
    pub fn namespaced(kind: Kind, namespace: impl Into<SmolStr>, name: impl Into<SmolStr>) -> Self {
        Self { kind, namespace: Some(namespace.into()), name: name.into() }
    }
}

impl ObjectKey {
    /// The solution that an object at this address belongs to: the address decides, because a
    /// label can be edited by hand and must not make one solution's object another's.
    ///
    /// `None` for an address that vitrine never writes to.
    pub fn solution(&self, instance: &InstanceName) -> Option<SolutionName> {
        match (self.kind, &self.namespace) {
            (Kind::Namespace, _) => SolutionName::of_namespace(&self.name),
            (Kind::ReferenceGrant, _) => {
                let rest = self.name.strip_prefix("vitrine-")?;
                let name = rest.strip_prefix(instance.as_str())?.strip_prefix('-')?;
                SolutionName::read(name)
            }
            (_, Some(namespace)) => SolutionName::of_namespace(namespace),
            (_, None) => None,
        }
    }
}

/// As people say it: `Deployment/web`.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_whose_an_object_is() {
        let prod = InstanceName::parse("prod").unwrap();
        let of = |key: ObjectKey| key.solution(&prod);
        let use_ = SolutionName::parse("use").ok();
        assert_eq!(of(ObjectKey::cluster(Kind::Namespace, "sol-use")), use_);
        assert_eq!(of(ObjectKey::namespaced(Kind::Service, "sol-use", "app")), use_);
        assert_eq!(
            of(ObjectKey::namespaced(Kind::ReferenceGrant, "keda", "vitrine-prod-use")),
            use_
        );
        assert_eq!(
            of(ObjectKey::namespaced(Kind::ReferenceGrant, "keda", "vitrine-test-use")),
            None
        );
        assert_eq!(of(ObjectKey::namespaced(Kind::Service, "default", "app")), None);
        assert_eq!(of(ObjectKey::namespaced(Kind::Service, "sol-Use", "app")), None);
    }
}
