//! A docker-compose file in the words of a `solution.yaml`.
//!
//! In: the file. Out: [`Translated`]: the `spec`, and what of the file it does not say. A value that
//! nobody wrote (an image, the size of a disk) is not made up.

mod value;

use value::{memory, page, port, quoted, text_of, words};

use crate::model::credential::{has_password, is_secret_name, is_token};
use crate::model::fault::{Fault, code};
use crate::model::yaml::{self, Key, Node};
use crate::model::{ComponentName, Party, SolutionName, meant};

/// What a docker-compose file is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The text of `solution.yaml`.
    pub solution: String,
    /// What was left out or decided, one sentence each, with its line.
    pub said: Vec<String>,
}

/// Translates a file. `image` is what a service runs that is built there.
///
/// # Errors
/// What is wrong with the file, or lacks in it.
pub fn translate(
    file: &str,
    bytes: &[u8],
    name: &SolutionName,
    image: Option<&str>,
) -> Result<Translated, Vec<Fault>> {
    let document = yaml::read(bytes);
    let lines = yaml::lines(bytes);
    let fault = |at: yaml::Span, code, message: String| {
        let shown = lines.get((at.line as usize).saturating_sub(1)).cloned();
        Fault::new(code, file, Party::Author, message).at(at).snippet(shown)
    };
    if let Some(finding) = document.findings.first() {
        let fault = fault(finding.at, code::of(finding.problem), finding.message.clone());
        return Err(vec![Fault { help: finding.help.map(str::to_owned), ..fault }]);
    }
    let root = document.root.as_ref().and_then(Node::entries).unwrap_or_default();
    let Some((_, services)) = root.iter().find(|(key, _)| key.text == "services") else {
        let message = "there is no `services`: this is no docker-compose file".to_owned();
        return Err(vec![fault(yaml::Span::START, code::MISSING, message)]);
    };
    let services = services.entries().unwrap_or_default();
    let mut faults = Vec::new();
    let mut said = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for (key, node) in services {
        let mut part = Part::begin(key);
        let entries = node.entries().unwrap_or_default();
        for (word, value) in entries {
            part.take(&word.text, word.at.line, value, &mut said);
        }
        if part.image.is_none() {
            part.image = image.map(str::to_owned);
        }
        if part.image.is_none() {
            let message = format!(
                "`{}` has no image, and nothing is built here: push one, and name it by --image",
                key.text
            );
            faults.push(fault(key.at, code::MISSING, message));
        }
        if ComponentName::parse(&part.name).is_err() && services.len() > 1 {
            let message = format!("`{}` cannot be the name of a component", key.text);
            faults.push(fault(key.at, code::BAD_NAME, message));
        }
        parts.push(part);
    }
    if parts.is_empty() {
        let message = "there is no service in it".to_owned();
        faults.push(fault(yaml::Span::START, code::MISSING, message));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Translated { solution: text(name, &parts, &mut said), said })
}

/// A service.
struct Part {
    /// As a component is called.
    name: String,
    line: u32,
    image: Option<String>,
    /// The port of the container, and whether the machine's is led to it.
    port: Option<(u16, bool)>,
    env: Vec<(String, String)>,
    secrets: Vec<String>,
    command: Option<Vec<String>>,
    args: Option<Vec<String>>,
    depends_on: Vec<String>,
    cpu: Option<String>,
    memory: Option<String>,
    ready: Option<String>,
}

/// Words that say nothing here, because it is so anyway.
const ANYWAY: [&str; 12] = [
    "restart",
    "container_name",
    "hostname",
    "networks",
    "labels",
    "tty",
    "stdin_open",
    "init",
    "logging",
    "platform",
    "pull_policy",
    "build",
];

impl Part {
    fn begin(key: &Key) -> Self {
        Self {
            name: meant::name(&key.text),
            line: key.at.line,
            image: None,
            port: None,
            env: Vec::new(),
            secrets: Vec::new(),
            command: None,
            args: None,
            depends_on: Vec::new(),
            cpu: None,
            memory: None,
            ready: None,
        }
    }

    /// Takes a key of a service, or says why not.
    fn take(&mut self, word: &str, line: u32, value: &Node, said: &mut Vec<String>) {
        let mut say = |what: &str| said.push(format!("line {line}, `{word}`: {what}"));
        match word {
            "image" => match value.word().filter(|image| !image.contains('$')) {
                Some(image) => self.image = Some(image),
                None => say("the shell fills it in; name the image itself"),
            },
            "ports" => {
                let items = value.items();
                let ports: Vec<u16> = items.iter().filter_map(port).collect();
                match ports.as_slice() {
                    [] => say("no port of a container can be read from it; write `port`"),
                    [one, more @ ..] => {
                        self.port = Some((*one, true));
                        if !more.is_empty() {
                            say("a component listens on one port: the first is taken");
                        }
                    }
                }
            }
            "expose" => {
                let port = value.items().iter().find_map(port);
                self.port = self.port.or(port.map(|port| (port, false)));
            }
            "environment" => self.environment(line, value, said),
            "command" | "entrypoint" => match words(value) {
                Some(list) if word == "command" => self.args = Some(list),
                Some(list) => self.command = Some(list),
                None => say("a shell takes it apart; write it as a list of words"),
            },
            "depends_on" => {
                let listed = value.items().iter().filter_map(Node::word).collect::<Vec<_>>();
                let named = value.entries().unwrap_or_default().iter().map(|(k, _)| k.text.clone());
                let all = listed.into_iter().chain(named);
                self.depends_on = all.map(|name| meant::name(&name)).collect();
            }
            "mem_limit" => match value.word().and_then(|size| memory(&size)) {
                Some(size) => self.memory = Some(size),
                None => say("it is no size; write resources: {limits: {memory: 1Gi}}"),
            },
            "cpus" => self.cpu = value.word(),
            "deploy" => self.deploy(line, value, said),
            "healthcheck" => match page(value) {
                Some(path) => self.ready = Some(path),
                None => say("it asks no page; `readinessProbe` asks one, by default `/`"),
            },
            "volumes" => say(
                "put what is read into the image or, if it is small, into the folder, and mount it \
                 by `files`; what is written is lost at the next start (`scratch`)",
            ),
            "tmpfs" => say("write scratch: [{mountPath: /tmp, sizeLimit: 1Gi}], with a size"),
            "env_file" | "secrets" | "configs" => say(
                "what everybody may see goes into `env`, names of secrets into `secrets`, files into \
                 the folder, mounted by `files`",
            ),
            "user" | "working_dir" => {
                say("the image's own counts; the platform lets nobody be root");
            }
            _ if ANYWAY.contains(&word) => {}
            _ => say("there is nothing like it here"),
        }
    }

    fn environment(&mut self, line: u32, value: &Node, said: &mut Vec<String>) {
        let mut all: Vec<(String, Option<String>)> = Vec::new();
        for item in value.items() {
            let Some(text) = item.word() else { continue };
            match text.split_once('=') {
                Some((name, value)) => all.push((name.to_owned(), Some(value.to_owned()))),
                None => all.push((text, None)),
            }
        }
        for (key, node) in value.entries().unwrap_or_default() {
            all.push((key.text.clone(), node.word()));
        }
        for (name, value) in all {
            let secret = |value: &String| is_token(value) || has_password(value);
            match value {
                _ if is_secret_name(&name) => {
                    said.push(format!(
                        "line {line}, `{name}`: stands under `secrets`, without its value, which the \
                         operator keeps; if it was committed anywhere, revoke it"
                    ));
                    self.secrets.push(name);
                }
                Some(value) if secret(&value) => {
                    said.push(format!(
                        "line {line}, `{name}`: its value is a credential and was left out; revoke \
                         it if it was committed anywhere"
                    ));
                    self.secrets.push(name);
                }
                Some(value) if !value.contains("${") && !value.starts_with('$') => {
                    self.env.push((name, value));
                }
                _ => said.push(format!(
                    "line {line}, `{name}`: the shell fills it in; write its value under `env`"
                )),
            }
        }
    }

    fn deploy(&mut self, line: u32, value: &Node, said: &mut Vec<String>) {
        let find = |node: &Node, key: &str| {
            let entries = node.entries()?;
            entries.iter().find(|(other, _)| other.text == key).map(|(_, node)| node.clone())
        };
        let limits = find(value, "resources").and_then(|resources| find(&resources, "limits"));
        let word = |key: &str| limits.as_ref().and_then(|limits| find(limits, key)?.word());
        self.memory = word("memory").and_then(|size| memory(&size)).or(self.memory.take());
        self.cpu = word("cpus").or(self.cpu.take());
        if find(value, "replicas").is_some() {
            said.push(format!(
                "line {line}, `deploy`: how many run follows the visits; `scaling` says how few and \
                 how many at most"
            ));
        }
    }

    /// The keys, one a line, without indent.
    fn lines(&self, expose: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.image.as_ref().map(|image| format!("image: {}", quoted(image))));
        lines.extend(self.port.map(|(port, _)| format!("port: {port}")));
        lines.extend(expose.map(|path| format!("expose: {{path: {path}}}")));
        let list = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!("[{}]", words.join(", "))
        };
        if expose.is_some() || !self.depends_on.is_empty() {
            let named = (!self.depends_on.is_empty()).then(|| list(&self.depends_on));
            lines.extend(named.map(|names| format!("dependsOn: {names}")));
        }
        lines.extend(self.command.as_ref().map(|words| format!("command: {}", list(words))));
        lines.extend(self.args.as_ref().map(|words| format!("args: {}", list(words))));
        if !self.env.is_empty() {
            lines.push("env:".to_owned());
            let entry = |(name, value): &(String, String)| format!("  {name}: {}", text_of(value));
            lines.extend(self.env.iter().map(entry));
        }
        if !self.secrets.is_empty() {
            lines.push(format!("secrets: {}", list(&self.secrets)));
        }
        let cpu = self.cpu.as_ref().map(|cpu| format!("requests: {{cpu: {}}}", text_of(cpu)));
        let memory = self.memory.as_ref().map(|size| format!("limits: {{memory: {size}}}"));
        let resources: Vec<String> = cpu.into_iter().chain(memory).collect();
        if !resources.is_empty() {
            lines.push(format!("resources: {{{}}}", resources.join(", ")));
        }
        let ready = self.ready.as_ref();
        lines.extend(ready.map(|path| format!("readinessProbe: {{httpGet: {{path: {path}}}}}")));
        lines
    }
}

/// The whole file.
fn text(name: &SolutionName, parts: &[Part], said: &mut Vec<String>) -> String {
    let head = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata:\n  name: {name}\nspec:\n  \
         lifecycle: experimental\n  # owner: group:your-team    # who answers for it\n"
    );
    let indented = |indent: &str, lines: Vec<String>| -> String {
        lines.into_iter().map(|line| format!("{indent}{line}\n")).collect()
    };
    if let [one] = parts {
        return head + &indented("  ", one.lines(None));
    }
    // What the machine leads a port to is what people open; the first of them is the page.
    let open: Vec<&Part> =
        parts.iter().filter(|part| part.port.is_some_and(|(_, open)| open)).collect();
    let first = open.first().copied().or(parts.first());
    let mut body = String::from("  components:\n");
    for part in parts {
        let entrance = first.is_some_and(|first| first.name == part.name);
        let public = open.iter().any(|open| open.name == part.name);
        let path = match (entrance, public) {
            (true, _) => Some("/".to_owned()),
            (false, true) => Some(format!("/{}", part.name)),
            (false, false) => None,
        };
        if let Some(path) = path.as_ref().filter(|_| open.len() > 1 || open.is_empty()) {
            said.push(format!(
                "line {}, `{}`: is public at {path}; `expose` says otherwise",
                part.line, part.name
            ));
        }
        body += &format!("    {}:\n", part.name);
        body += &indented("      ", part.lines(path.as_deref()));
    }
    head + &body
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Translated {
        let name = SolutionName::parse("use").unwrap();
        translate("compose.yaml", text.as_bytes(), &name, None).unwrap()
    }

    #[test]
    fn one_service_is_the_solution_itself() {
        let of = translated(
            "services:\n  web:\n    image: registry.example/lab/web:1\n    ports: [\"80:8081\"]\n    \
             environment:\n      - MODE=fast\n      - RATIO=1.2\n    command: serve --workers 2\n    \
             mem_limit: 512m\n    restart: always\n    healthcheck: {test: [CMD, curl, -f, \
             \"http://localhost:8081/health\"]}\n",
        );
        let spec = "  image: registry.example/lab/web:1\n  port: 8081\n  args: [serve, \"--workers\", \
                    \"2\"]\n  env:\n    MODE: \"fast\"\n    RATIO: \"1.2\"\n  resources: {limits: \
                    {memory: 512Mi}}\n  readinessProbe: {httpGet: {path: /health}}\n";
        assert!(of.solution.ends_with(spec), "{}", of.solution);
        assert_eq!(of.said, Vec::<String>::new());
    }

    #[test]
    fn several_are_components_and_what_the_machine_opens_is_public() {
        let of = translated(
            "services:\n  Web_App:\n    image: a:1\n    ports: [8080]\n    depends_on: {worker: \
             {condition: service_started}}\n  worker:\n    image: b:1\n    expose: [\"9000\"]\n",
        );
        let spec = "  components:\n    web-app:\n      image: a:1\n      port: 8080\n      expose: \
                    {path: /}\n      dependsOn: [worker]\n    worker:\n      image: b:1\n      port: \
                    9000\n";
        assert!(of.solution.ends_with(spec), "{}", of.solution);
    }

    #[test]
    fn a_secret_keeps_its_name_and_loses_its_value() {
        let of = translated(
            "services:\n  web:\n    image: a:1\n    environment: {DB_PASSWORD: hunter2, URL: \
             \"postgres://u:hunter2@db/x\", HOME_PAGE: \"${HOME_PAGE}\"}\n",
        );
        assert!(!of.solution.contains("hunter2") && !of.said.join("").contains("hunter2"));
        assert!(of.solution.contains("secrets: [DB_PASSWORD, URL]"), "{}", of.solution);
        assert_eq!(of.said.len(), 3, "{:?}", of.said);
    }

    #[test]
    fn what_is_not_translated_is_said_with_its_line() {
        let of = translated(
            "services:\n  web:\n    image: a:1\n    volumes: [\"./data:/data\"]\n    gpus: all\n    \
             command: sh -c 'a && b'\n",
        );
        let lines = ["line 4, `volumes`", "line 5, `gpus`", "line 6, `command`"];
        assert_eq!(of.said.len(), 3);
        assert!(of.said.iter().zip(lines).all(|(said, line)| said.starts_with(line)));
    }

    #[test]
    fn an_image_is_never_made_up() {
        let name = SolutionName::parse("use").unwrap();
        let text = b"services:\n  web: {build: .}\n";
        let faults = translate("compose.yaml", text, &name, None).unwrap_err();
        assert!(faults[0].message.contains("nothing is built here"), "{faults:?}");
        let of = translate("compose.yaml", text, &name, Some("a:1")).unwrap();
        assert!(of.solution.contains("  image: a:1\n"));
        for bad in ["a: 1\n", "services: {}\n", "services: [\n", ""] {
            assert!(translate("f", bad.as_bytes(), &name, None).is_err(), "{bad}");
        }
    }
}
