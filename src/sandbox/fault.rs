//! What can be made to go wrong, on request.
//!
//! One form for all of it: a [`Fault`] says which requests it is about, how often, and what they
//! meet. The other fields of [`Faults`] are the common cases, written short.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::kinds::{Kinds, Resource};
use super::object::text;
use super::refusal::Refusal;
use super::request::{Objects, Request, Target};
use vitrine_core::model::Kind;

/// The faults in force. Everything off by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// What chosen requests meet. Delays add up; of the rest the first that fits and is not used
    /// up decides. These come before the short forms below.
    pub planned: Vec<Fault>,
    /// Before every answer.
    pub latency: Duration,
    /// Every connection is refused.
    pub down: bool,
    /// The next so many requests (watches too) get a 429 with this `Retry-After`, in seconds.
    pub too_many: (u32, u32),
    /// The next so many requests get a 500.
    pub internal: u32,
    /// The next so many requests are carried out, but their answers are lost.
    pub lost_answers: u32,
    /// Deletes of these kinds get a 403.
    pub no_deletes: BTreeSet<Kind>,
    /// Writes (not deletes, not of a subresource) of these kinds get a 403.
    pub no_writes: BTreeSet<Kind>,
    /// Writes (not deletes, not of a subresource) that an admission policy denies.
    pub denials: Vec<Denial>,
    /// The controllers remove no finalizers.
    pub stuck_finalizers: bool,
    /// Terminating namespaces stay.
    pub stuck_namespaces: bool,
    /// The API has no aggregated discovery (as servers before 1.30).
    pub old_discovery: bool,
}

/// What an admission policy denies, and how it says so.
#[derive(Clone, Debug)]
pub struct Denial {
    pub kind: Kind,
    /// Only in this namespace; everywhere if absent.
    pub namespace: Option<String>,
    /// 422 from a policy that gives no reason of its own, else 403.
    pub code: u16,
    /// `Invalid`, `Forbidden`.
    pub reason: &'static str,
    pub message: String,
}

/// Something that chosen requests meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    of: Which,
    /// How often it is still met; absent = always.
    left: Option<u32>,
    meets: Meets,
}

impl Fault {
    /// All these requests meet this, for as long as the fault is in force.
    pub fn new(of: Which, meets: Meets) -> Self {
        Self { of, left: None, meets }
    }

    /// Only the next so many.
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }
}

/// What a request meets.
#[derive(Clone, Debug, PartialEq)]
pub enum Meets {
    /// It is not carried out, and this is the answer.
    Refusal(Refusal),
    /// It waits, and goes on.
    Delay(Duration),
    /// It is not carried out and never answered.
    Hang,
    /// It is not carried out: nobody takes the connection.
    Unreached,
    /// It is carried out, but the connection closes without an answer.
    LostAnswer,
    /// A watch begins, and its connection is cut so long after. Other answers are over by then.
    Cut(Duration),
}

/// Which requests. Everything that is not said fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Which {
    verbs: Vec<Verb>,
    /// `plural.group`, with the dot of an empty group.
    table: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

/// What a request wants, in the words of the API's own roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
}

impl Verb {
    /// Those that change an object and do not delete it.
    pub const WRITES: [Self; 3] = [Self::Create, Self::Update, Self::Patch];
}

impl Which {
    /// Every request, discovery too.
    pub fn any() -> Self {
        Self::default()
    }

    /// With one of these verbs.
    pub fn verbs(self, verbs: &[Verb]) -> Self {
        Self { verbs: verbs.to_vec(), ..self }
    }

    /// About this kind.
    pub fn kind(self, kind: Kind) -> Self {
        let facts = kind.facts();
        self.resource(facts.plural, facts.group)
    }

    /// About this resource, for kinds that vitrine does not write: `leases`,
    /// `coordination.k8s.io`.
    pub fn resource(self, plural: &str, group: &str) -> Self {
        Self { table: Some(format!("{plural}.{group}")), ..self }
    }

    /// Through this subresource (`status`, `scale`); empty = the object itself.
    pub fn through(self, subresource: &str) -> Self {
        Self { subresource: Some(subresource.to_owned()), ..self }
    }

    /// In namespaces of this pattern, where `*` stands for any letters. Cluster-wide kinds and
    /// requests for all namespaces are in the namespace "".
    pub fn inside(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// About objects whose name is of this pattern. Lists have the name "", as has what the server
    /// is to name.
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    fn fits(&self, asked: &Asked) -> bool {
        let word = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| is_like(wanted, found))
        };
        (self.verbs.is_empty() || self.verbs.contains(&asked.verb))
            && self.table.as_ref().is_none_or(|table| {
                asked.resource.as_ref().is_some_and(|resource| resource.table == *table)
            })
            && word(&self.subresource, &asked.objects.subresource)
            && word(&self.namespace, &asked.objects.namespace)
            && word(&self.name, &asked.objects.name)
    }
}

/// Whether a text is of a pattern, in which `*` stands for any letters, or none.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| is_like(rest, &text[at..]))
}

/// A request, as far as faults choose by it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    verb: Verb,
    /// Absent where nothing of that name is served, and in discovery.
    resource: Option<Arc<Resource>>,
    objects: Objects,
}

impl Asked {
    pub fn of(request: &Request, kinds: &Kinds) -> Self {
        let mut objects = match request.target() {
            Target::Objects(objects) => objects,
            _ => Objects::default(),
        };
        let verb = match request.method {
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ if request.flag("watch") => Verb::Watch,
            _ if objects.name.is_empty() && !objects.plural.is_empty() => Verb::List,
            _ => Verb::Get,
        };
        if verb == Verb::Create && objects.name.is_empty() {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
            text(&body, "/metadata/name").unwrap_or_default().clone_into(&mut objects.name);
        }
        let resource = kinds.at(&objects.group, &objects.version, &objects.plural);
        Self { verb, resource, objects }
    }
}

/// What a request meets, all in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Met {
    pub delay: Duration,
    /// How it ends, if not as usual; never a delay.
    pub end: Option<Meets>,
}

impl Faults {
    /// What the next request meets, counted down.
    pub(super) fn meet(&mut self, asked: &Asked) -> Met {
        let mut met = Met::default();
        for fault in &mut self.planned {
            met.hear(&fault.of, &fault.meets, fault.left.as_mut(), asked);
        }
        for (of, meets, left) in self.short_forms(asked) {
            met.hear(&of, &meets, left, asked);
        }
        met
    }

    /// The short forms that are in force, written out, each with its counter.
    fn short_forms(&mut self, asked: &Asked) -> Vec<(Which, Meets, Option<&mut u32>)> {
        let any = Which::any;
        let mut all = Vec::new();
        if !self.latency.is_zero() {
            all.push((any(), Meets::Delay(self.latency), None));
        }
        if self.down {
            all.push((any(), Meets::Unreached, None));
        }
        let refusal = Refusal::too_many_requests(self.too_many.1);
        all.push((any(), Meets::Refusal(refusal), Some(&mut self.too_many.0)));
        all.push((any(), Meets::Refusal(Refusal::internal()), Some(&mut self.internal)));
        if let Some(resource) = &asked.resource {
            let forbidden =
                |why| Meets::Refusal(Refusal::forbidden(resource, &asked.objects.name, why));
            for kind in &self.no_deletes {
                let which = any().verbs(&[Verb::Delete]).kind(*kind);
                all.push((which, forbidden("deleting is refused"), None));
            }
            let writes = |kind| any().verbs(&Verb::WRITES).kind(kind).through("");
            for kind in &self.no_writes {
                all.push((writes(*kind), forbidden("writing is refused"), None));
            }
            for denial in &self.denials {
                let refusal = Refusal::new(denial.code, denial.reason, &denial.message);
                let of = writes(denial.kind);
                let of = Which { namespace: denial.namespace.clone(), ..of };
                all.push((of, Meets::Refusal(refusal), None));
            }
        }
        all.push((any(), Meets::LostAnswer, Some(&mut self.lost_answers)));
        all
    }
}

impl Met {
    /// Takes in one more fault, if the request is one of those and the fault is not used up.
    fn hear(&mut self, of: &Which, meets: &Meets, left: Option<&mut u32>, asked: &Asked) {
        let is_end = !matches!(meets, Meets::Delay(_));
        if !of.fits(asked) || (is_end && self.end.is_some()) {
            return;
        }
        if let Some(left) = left {
            let Some(fewer) = left.checked_sub(1) else { return };
            *left = fewer;
        }
        match meets {
            Meets::Delay(time) => self.delay += *time,
            end => self.end = Some(end.clone()),
        }
    }
}
