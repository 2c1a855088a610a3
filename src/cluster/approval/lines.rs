//! What a held plan takes away, in a ConfigMap: a line each, compressed where a ConfigMap could not
//! hold it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::plan::{Address, Harm};

/// The most that stands there in plain text, in bytes: a ConfigMap holds 1 MiB in all.
const MOST_PLAIN: usize = 512 * 1024;
/// The most that is made of a compressed list, in bytes: far more than a cluster has objects.
const MOST: u64 = 64 * 1024 * 1024;

const PLAIN: &str = "deletions";
const COMPRESSED: &str = "deletions.zlib";

/// How the line of an address begins, and what stands before its gateway.
const ADDRESS: &str = "Address https://";
const THROUGH: &str = " through ";

/// Field, name in it and value.
pub(super) fn write(harm: &Harm) -> (&'static str, &'static str, String) {
    let text = text(harm);
    if text.len() <= MOST_PLAIN {
        return ("data", PLAIN, text);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    match encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) {
        Ok(bytes) => ("binaryData", COMPRESSED, BASE64_STANDARD.encode(bytes)),
        // Memory that takes everything; if it did not, the server says that this is too long.
        Err(_) => ("data", PLAIN, text),
    }
}

/// Reads what [`write`] wrote.
pub(super) fn read(
    data: &BTreeMap<String, String>,
    binary: &BTreeMap<String, String>,
) -> Option<Harm> {
    if let Some(text) = data.get(PLAIN) {
        return parsed(text);
    }
    let bytes = BASE64_STANDARD.decode(binary.get(COMPRESSED)?).ok()?;
    let mut text = String::new();
    ZlibDecoder::new(bytes.as_slice()).take(MOST).read_to_string(&mut text).ok()?;
    parsed(&text)
}

/// One line each: `Deployment sol-use/web`, `Namespace sol-use`,
/// `Address https://use.demo.example/api through edge/public`.
pub(super) fn text(harm: &Harm) -> String {
    let deletion = |key: &ObjectKey| match &key.namespace {
        Some(namespace) => format!("{} {namespace}/{}\n", key.kind, key.name),
        None => format!("{} {}\n", key.kind, key.name),
    };
    let address = |address: &Address| {
        let Address { host, path, gateway } = address;
        format!("{ADDRESS}{host}{path}{THROUGH}{gateway}\n")
    };
    harm.deletions.iter().map(deletion).chain(harm.addresses.iter().map(address)).collect()
}

fn parsed(text: &str) -> Option<Harm> {
    let mut harm = Harm::default();
    for line in text.lines() {
        match line.strip_prefix(ADDRESS) {
            Some(rest) => drop(harm.addresses.insert(address(rest)?)),
            None => drop(harm.deletions.insert(key(line)?)),
        }
    }
    Some(harm)
}

fn address(rest: &str) -> Option<Address> {
    let (place, gateway) = rest.split_once(THROUGH)?;
    let (host, path) = place.split_at(place.find('/')?);
    Some(Address { host: host.into(), path: path.into(), gateway: gateway.into() })
}

fn key(line: &str) -> Option<ObjectKey> {
    let (word, address) = line.split_once(' ')?;
    let kind = Kind::RENDERED.into_iter().find(|kind| kind.facts().kind == word)?;
    match address.split_once('/') {
        Some((namespace, name)) => Some(ObjectKey::namespaced(kind, namespace, name)),
        None => Some(ObjectKey::cluster(kind, address)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn again(harm: &Harm) -> (&'static str, usize, Option<Harm>) {
        let (field, name, value) = write(harm);
        let length = value.len();
        let map = BTreeMap::from([(name.to_owned(), value)]);
        let read = match field {
            "data" => read(&map, &BTreeMap::new()),
            _ => read(&BTreeMap::new(), &map),
        };
        (field, length, read)
    }

    #[test]
    fn every_kind_and_an_address_survive_their_lines() {
        let mut harm = Harm::default();
        for kind in Kind::RENDERED {
            harm.deletions.insert(match kind.facts().namespaced {
                true => ObjectKey::namespaced(kind, "ns", "a.b"),
                false => ObjectKey::cluster(kind, "a"),
            });
        }
        for (path, gateway) in [("/", "edge/public"), ("/api/v2", "Ingress nginx")] {
            harm.addresses.insert(Address {
                host: "use.demo.example".into(),
                path: path.into(),
                gateway: gateway.into(),
            });
        }
        let (field, _, read) = again(&harm);
        assert_eq!((field, read), ("data", Some(harm)));
    }

    #[test]
    fn a_hundred_thousand_objects_fit_into_one_config_map() {
        let object = |n: usize| {
            let namespace = format!("sol-part-comparer-{}", n / 15);
            ObjectKey::namespaced(Kind::NetworkPolicy, namespace, format!("from-{}", n % 15))
        };
        let harm = Harm { deletions: (0..100_000).map(object).collect(), ..Harm::default() };
        let (field, length, read) = again(&harm);
        assert_eq!(field, "binaryData");
        assert!(length < 900 * 1024, "{length}");
        assert_eq!(read, Some(harm));
    }

    #[test]
    fn what_is_no_list_is_none() {
        let map = |name: &str, text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
        let none = BTreeMap::new();
        assert_eq!(read(&none, &none), None);
        for text in ["Secret a/b", "Address https://a.example", "Address https://a.example/ b"] {
            assert_eq!(read(&map(PLAIN, text), &none), None, "{text}");
        }
        assert_eq!(read(&none, &map(COMPRESSED, "no base64")), None);
        assert_eq!(read(&none, &map(COMPRESSED, "AAAA")), None);
    }
}
