//! What a component is asked: what visitors, link previews, the kubelet and the author's examples
//! will ask it.

use std::time::Duration;

use crate::catalog::Solution;
use crate::catalog::solution::example::Example;
use crate::catalog::solution::{Component, Exposure, Probe, Shape};
use crate::model::UrlPath;
use crate::model::invisible::visible;

/// One request, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the answer tells.
    pub purpose: Purpose,
    /// In capitals.
    pub method: String,
    /// Begins with `/`.
    pub path: String,
    /// Beside those that every request has.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// How long the whole answer may take.
    pub patience: Duration,
}

/// What a question is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The page that visitors open first.
    Page,
    /// The same without a body, as link previews ask.
    Head,
    /// Whether it can take requests.
    Readiness,
    /// Whether it must be restarted.
    Liveness,
    /// The description of its interface.
    OpenApi,
    /// A request that its author gives as an example.
    Example {
        /// In the solution's folder; what steers a terminal is written out.
        file: String,
        /// Absent = any below 400.
        status: Option<u16>,
        /// Whether it is one of the warm-up's.
        warms: bool,
    },
}

/// How long the kubelet waits for the answer to a probe.
pub const PROBE: Duration = Duration::from_secs(5);

impl Question {
    /// As the kubelet asks whether it is ready.
    pub fn readiness(path: &str, patience: Duration) -> Self {
        Self::new(Purpose::Readiness, "GET", path, patience)
    }

    /// Visitors name the host that they go to; the kubelet names none that a program could know.
    fn at(&mut self, host: &str) {
        if matches!(self.purpose, Purpose::Readiness | Purpose::Liveness) {
            return;
        }
        // The edge ends TLS, and says so.
        for (name, value) in [("host", host), ("x-forwarded-proto", "https")] {
            if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                self.headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn new(purpose: Purpose, method: &str, path: &str, patience: Duration) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { purpose, method, path, headers: Vec::new(), body: Vec::new(), patience }
    }
}

/// What a component is asked. `examples` are those of the solution's folder, in their order.
pub fn questions(
    solution: &Solution,
    component: &Component,
    examples: &[(String, Example)],
) -> Vec<Question> {
    let patience = component.http.request_timeout;
    let mut questions = Vec::new();
    let base = component.base_path.as_str();
    let is_public = matches!(component.exposure, Exposure::Public { .. });
    if is_public {
        questions.push(Question::new(Purpose::Page, "GET", base, patience));
        questions.push(Question::new(Purpose::Head, "HEAD", base, patience));
    }
    let mut probe = |purpose, probe: &Probe| {
        if let Probe::Get { path } = probe
            && !(is_public && *path == component.base_path)
            && !questions.iter().any(|q: &Question| q.method == "GET" && q.path == path.as_str())
        {
            questions.push(Question::new(purpose, "GET", path.as_str(), PROBE));
        }
    };
    probe(Purpose::Readiness, &component.readiness);
    component.liveness.iter().for_each(|liveness| probe(Purpose::Liveness, liveness));
    if let Some(path) = &solution.about.openapi
        && let Some(path) = led_to(solution, component, path.as_str())
    {
        questions.push(Question::new(Purpose::OpenApi, "GET", &path, patience));
    }
    for (file, example) in examples {
        let warms = component.warmup.iter().any(|(warming, _)| warming == file);
        let Some(path) = led_to(solution, component, &example.path)
            .or_else(|| warms.then(|| example.path.clone()))
        else {
            continue;
        };
        let status = example.status;
        questions.push(Question {
            purpose: Purpose::Example { file: visible(file), status, warms },
            method: example.method.clone(),
            path,
            headers: example.headers.clone(),
            body: example.body.clone(),
            // A warm-up has the time of a start.
            patience: if warms { patience.max(component.startup) } else { patience },
        });
    }
    if let Exposure::Public { host, .. } = &component.exposure {
        questions.iter_mut().for_each(|question| question.at(&host.to_string()));
    }
    questions
}

/// The path at which the component sees a visitor's request, if the request is led to it.
fn led_to(solution: &Solution, component: &Component, asked: &str) -> Option<String> {
    let below = |path: &UrlPath| {
        let rest = match path.as_str() {
            "/" => asked,
            path => asked.strip_prefix(path)?,
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    };
    let Exposure::Public { path, strip_prefix, .. } = &component.exposure else { return None };
    let rest = below(path)?;
    // A longer path of a sibling wins; configurations have a host each.
    let elsewhere = solution.shape == Shape::Components
        && solution.components.values().any(|sibling| match &sibling.exposure {
            Exposure::Public { path: other, .. } => {
                other.as_str().len() > path.as_str().len() && below(other).is_some()
            }
            Exposure::Private => false,
        });
    if elsewhere {
        return None;
    }
    Some(match strip_prefix {
        true if rest.starts_with('/') => rest.to_owned(),
        true => format!("/{rest}"),
        false => asked.to_owned(),
    })
}
