//! What is said of one component, for a reviewer and for a program.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::model::Network;

/// What one component is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// The component's name.
    pub component: String,
    /// Addresses at which visitors reach it: `https://host/path`.
    pub visitors: BTreeSet<String>,
    /// Who else may open a connection to it and is let in.
    pub reached_by: BTreeSet<Peer>,
    /// What it may open connections to, but for names (DNS) and the mesh's own control plane.
    pub reaches: BTreeSet<Peer>,
    /// Whether the mesh only counts calls that nobody declared.
    pub audited: bool,
    /// As whom it runs, and with what.
    pub runs: Runs,
    /// What it may write, and how much: one phrase a place.
    pub stores: Vec<String>,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Another component of the solution.
    Component(String),
    /// Pods of another namespace.
    Namespace(String),
    /// Addresses, and the TCP port, if only one is open. What a network leaves out is left out.
    Network {
        /// As the policy writes it: `10.0.0.0/8`.
        cidr: String,
        /// The one that is open; all, if absent.
        port: Option<u16>,
    },
    /// No rule stands in the way.
    Anyone,
}

/// As whom a component runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Whether it may be root.
    pub as_root: Root,
    /// Whether it may gain privileges, keeps capabilities or has an account's token.
    pub privileges: Vec<&'static str>,
    /// Names of variables that come from a Secret.
    pub secrets: BTreeSet<String>,
}

/// Whether a container may be root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// It does not start as root.
    Never,
    /// Root inside is nobody outside.
    Mapped,
    /// It starts as root if the image says so.
    Allowed,
}

impl Isolation {
    /// The same facts for a program.
    pub fn to_json(&self) -> Value {
        let words = |peers: &BTreeSet<Peer>| -> Value {
            peers.iter().map(ToString::to_string).collect::<Vec<_>>().into()
        };
        json!({
            "component": self.component,
            "visitors": self.visitors,
            "reachedBy": words(&self.reached_by),
            "reaches": words(&self.reaches),
            "audited": self.audited,
            "root": match self.runs.as_root {
                Root::Never => "never",
                Root::Mapped => "mapped",
                Root::Allowed => "allowed",
            },
            "privileges": self.runs.privileges,
            "secrets": self.runs.secrets,
            "stores": self.stores,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(name) => write!(f, "component {name}"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::Network { cidr, port } => {
                match cidr.as_str() {
                    "0.0.0.0/0" => f.write_str("the public internet (IPv4)")?,
                    "::/0" => f.write_str("the public internet (IPv6)")?,
                    cidr if Network::parse(cidr).is_ok_and(Network::is_private) => {
                        write!(f, "the private network {cidr}")?;
                    }
                    cidr => f.write_str(cidr)?,
                }
                port.map_or(Ok(()), |port| write!(f, ", port {port}"))
            }
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

/// One fact a line, as a reviewer reads it.
impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |peers: &BTreeSet<Peer>, none: &str| {
            let words: Vec<String> = peers.iter().map(ToString::to_string).collect();
            if words.is_empty() { none.to_owned() } else { words.join("; ") }
        };
        writeln!(f, "{}", self.component)?;
        let visitors: Vec<&str> = self.visitors.iter().map(String::as_str).collect();
        let visitors = if visitors.is_empty() { "nobody".to_owned() } else { visitors.join(", ") };
        writeln!(f, "  visitors    {visitors}")?;
        let audited = if self.audited { " (the mesh counts others, and lets them in)" } else { "" };
        writeln!(f, "  let in      {}{audited}", list(&self.reached_by, "nobody"))?;
        writeln!(f, "  can reach   {}", list(&self.reaches, "nothing but names (DNS)"))?;
        let root = match self.runs.as_root {
            Root::Never => "not as root",
            Root::Mapped => "as root inside, as nobody outside",
            Root::Allowed => "as root, if the image wants it",
        };
        let privileges = if self.runs.privileges.is_empty() {
            "without privileges or an account of the cluster".to_owned()
        } else {
            format!("with {}", self.runs.privileges.join(", "))
        };
        writeln!(f, "  runs        {root}, {privileges}")?;
        if !self.runs.secrets.is_empty() {
            let names: Vec<&str> = self.runs.secrets.iter().map(String::as_str).collect();
            writeln!(f, "  is given    {} from a Secret", names.join(", "))?;
        }
        writeln!(f, "  may store   {}", self.stores.join("; "))
    }
}
