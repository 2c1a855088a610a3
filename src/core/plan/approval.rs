//! What a person approves: exactly this harm, by its hash.

use std::collections::BTreeSet;

use super::address::Address;
use crate::model::{ContentHash, InstanceName, ObjectKey};

/// How many of a hash's digits name a held plan, on the board, on the cluster and for `approve`.
pub const HELD_DIGITS: usize = 12;

/// What is taken away from people: objects, and addresses that visitors may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Harm {
    /// The objects that would be deleted.
    pub deletions: BTreeSet<ObjectKey>,
    /// The addresses that solutions which stay would no longer be opened at.
    pub addresses: BTreeSet<Address>,
}

impl Harm {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        self.deletions.is_empty() && self.addresses.is_empty()
    }

    /// SHA-256 over the sorted lines `group/kind/namespace/name` and `address/host/path`; the core
    /// group and the namespace of a cluster-wide object are empty.
    pub fn hash(&self) -> ContentHash {
        let deletions = self.deletions.iter().map(|key| {
            let facts = key.kind.facts();
            let namespace = key.namespace.as_deref().unwrap_or_default();
            format!("{}/{}/{namespace}/{}\n", facts.group, facts.kind, key.name)
        });
        let addresses = self.addresses.iter().map(|Address { host, path, gateway: _ }| {
            format!("address/{host}/{}\n", path.trim_start_matches('/'))
        });
        let lines: BTreeSet<String> = deletions.chain(addresses).collect();
        ContentHash::of(lines.into_iter().collect::<String>().as_bytes())
    }

    /// Each thing that is taken away, addresses first: `https://use.demo.example/api through
    /// edge/public`, `Deployment/web in sol-use`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let addresses =
            self.addresses.iter().map(|address| format!("{address} through {}", address.gateway));
        let deletions = self.deletions.iter().map(|key| match &key.namespace {
            Some(namespace) => format!("{key} in {namespace}"),
            None => key.to_string(),
        });
        addresses.chain(deletions)
    }

    /// `3 deletions and 1 address`.
    pub fn count(&self) -> String {
        let many = |n: usize, one: &str, more: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {more}")),
        };
        let deletions = many(self.deletions.len(), "deletion", "deletions");
        let addresses = many(self.addresses.len(), "address", "addresses");
        match (deletions, addresses) {
            (Some(deletions), Some(addresses)) => format!("{deletions} and {addresses}"),
            (one, other) => one.or(other).unwrap_or_else(|| "nothing".to_owned()),
        }
    }
}

/// The name of the ConfigMap, in the daemon's own namespace, that lists what is held.
pub fn held_list(instance: &InstanceName) -> String {
    format!("vitrine-{instance}-held")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn deletions() -> BTreeSet<ObjectKey> {
        BTreeSet::from([
            ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"),
            ObjectKey::cluster(Kind::Namespace, "sol-use"),
        ])
    }

    fn addresses() -> BTreeSet<Address> {
        let address = |host: &str, path: &str| Address {
            host: host.into(),
            path: path.into(),
            gateway: "edge/public".into(),
        };
        BTreeSet::from([address("use.demo.example", "/"), address("use.demo.example", "/api")])
    }

    #[test]
    fn the_hash_is_that_of_the_sorted_lines() {
        let harm = Harm { deletions: deletions(), addresses: BTreeSet::new() };
        let lines = "/Namespace//sol-use\napps/Deployment/sol-use/web\n";
        assert_eq!(harm.hash(), ContentHash::of(lines.as_bytes()));
        let harm = Harm { addresses: addresses(), ..harm };
        let lines = "/Namespace//sol-use\naddress/use.demo.example/\naddress/use.demo.example/api\n\
                     apps/Deployment/sol-use/web\n";
        assert_eq!(harm.hash(), ContentHash::of(lines.as_bytes()));
    }

    #[test]
    fn harm_is_listed_and_counted_in_words() {
        let both = Harm { deletions: deletions(), addresses: addresses() };
        assert_eq!(
            both.lines().collect::<Vec<_>>(),
            [
                "https://use.demo.example through edge/public",
                "https://use.demo.example/api through edge/public",
                "Namespace/sol-use",
                "Deployment/web in sol-use",
            ]
        );
        assert_eq!(both.count(), "2 deletions and 2 addresses");
        let one = addresses().into_iter().take(1).collect();
        assert_eq!(Harm { addresses: one, ..Harm::default() }.count(), "1 address");
        assert_eq!(Harm { deletions: deletions(), ..Harm::default() }.count(), "2 deletions");
        assert!(Harm::default().is_empty() && !both.is_empty());
    }
}
