//! The texts of new folders. Each says what may be changed, in words of an author.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::cli::catalogue::SOLUTION;
use vitrine_core::catalog::solution::readme::TO_BE_SAID;
use vitrine_core::model::{Domain, ImageReference, SolutionName};

/// What a new solution looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// One service with a page at `/`.
    Page,
    /// One service whose first page documents its API, as FastAPI does at `/docs`.
    Fastapi,
    /// Several services that wake as one; only the page is public.
    Components,
    /// One image in several settings, each with an address of its own.
    Configurations,
}

/// What a template is filled with.
pub(super) struct Filled<'a> {
    pub name: &'a SolutionName,
    pub image: &'a str,
    /// The first line: where an editor finds the schema.
    pub schema: String,
}

const HEAD: &str = "\
apiVersion: vitrine.dev/v1alpha1
kind: Solution
metadata:
  name: {name}
  # Title and description: the first heading and paragraph of README.md.
spec:
  lifecycle: experimental     # or production (which needs a contact), or deprecated
  # owner: group:your-team    # who answers for it: user:NAME or group:NAME
  # contact: {email: you@your-lab.example}

";

const PAGE: &str = "  type: demo
  image: {image}
  # The port that the image listens on. The page at / is what visitors open first, and what is
  # asked whether the service is ready; `basePath` names another one.
  port: 8080

  api:
    # Calls that anybody may try. One file each: what is sent, and what must come back.
    examples: [examples/page.json]
";

const FASTAPI: &str = "  type: demo
  image: {image}
  # The port that the image listens on, and the page that is opened first. It is also what is
  # asked whether the service is ready. FastAPI serves its documentation there.
  port: 8080
  basePath: /docs

  api:
    openapi: /openapi.json
    docs: /docs
    # Calls that anybody may try. One file each: what is sent, and what must come back.
    examples: [examples/openapi.json]
";

const COMPONENTS: &str = "  type: pipeline
  # They wake together at the first visit and sleep together.
  components:
    # The page. It finds the other one at http://worker, which is also in WORKER_URL.
    web:
      image: {image}
      port: 8080
      expose: {path: /}
      dependsOn: [worker]

    # Without `expose` nobody from outside reaches it.
    worker:
      image: {image}    # change it: each component may have its own
      port: 8080

  api:
    examples: [examples/page.json]
";

const CONFIGURATIONS: &str = "  type: demo
  image: {image}
  port: 8080
  # For all of them. Public by definition: no passwords here.
  env:
    LOG_LEVEL: info

  # Each has a host of its own, {name}--<configuration>.<domain>, and sleeps on its own.
  configurations:
    small:
      title: Small model
      env: {MODEL: small}
    large:
      title: Large model
      env: {MODEL: large}

  api:
    examples: [examples/page.json]
";

const README: &str = "\
# {title}

{what}

## Try it

{how}

## Good to know

{limits}
";

/// A README with a line for each thing that its author is to say.
fn readme(filled: &Filled<'_>) -> String {
    let [what, how, limits] = TO_BE_SAID;
    let lines = [("{title}", title(filled.name)), ("{what}", what.to_owned())];
    let lines =
        lines.into_iter().chain([("{how}", how.to_owned()), ("{limits}", limits.to_owned())]);
    lines.fold(README.to_owned(), |text, (place, line)| text.replace(place, &line))
}

impl Template {
    /// The files of the folder, by their path in it.
    pub(super) fn files(self, filled: &Filled<'_>) -> BTreeMap<String, Vec<u8>> {
        let (body, example, asked) = match self {
            Self::Page => (PAGE, "examples/page.json", "/"),
            Self::Fastapi => (FASTAPI, "examples/openapi.json", "/openapi.json"),
            Self::Components => (COMPONENTS, "examples/page.json", "/"),
            Self::Configurations => (CONFIGURATIONS, "examples/page.json", "/"),
        };
        // A host in brackets would read as a list; what is no image is refused, not believed.
        let plain = ImageReference::parse(filled.image).is_some() && !filled.image.starts_with('[');
        let image = match filled.image {
            image if plain => image.to_owned(),
            image => serde_json::Value::from(image).to_string(),
        };
        let fill = |text: &str| {
            let text = text.replace("{name}", filled.name.as_str()).replace("{image}", &image);
            text.replace("{title}", &title(filled.name))
        };
        let solution = format!("{}{}{}", filled.schema, fill(HEAD), fill(body));
        let example_text = format!(
            "{{\n  \"method\": \"GET\",\n  \"path\": \"{asked}\",\n  \"expect\": {{\"status\": 200}}\n}}\n"
        );
        BTreeMap::from([
            (SOLUTION.to_owned(), solution.into_bytes()),
            ("README.md".to_owned(), readme(filled).into_bytes()),
            (example.to_owned(), example_text.into_bytes()),
        ])
    }
}

/// `sentence-encoder` as `Sentence encoder`.
fn title(name: &SolutionName) -> String {
    let words = name.as_str().replace('-', " ");
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// The least of a `platform.yaml`.
pub(super) fn platform(domain: &Domain) -> String {
    format!(
        "# What the operator of this catalogue provides and allows. Solutions are served at\n\
         # https://<solution>.<domain>. Everything that is not said here has a default.\n\
         apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nmetadata:\n  name: platform\nspec:\n  \
         domain: {domain}\n"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::git;
    use vitrine_core::catalog::snapshot::Folder;
    use vitrine_core::catalog::{self, Memory};

    #[test]
    fn what_every_template_writes_is_published_by_a_bare_platform_and_by_the_example_s() {
        let image = format!("registry.example/nlp/use:1.0@sha256:{}", "a".repeat(64));
        let name = SolutionName::parse("sentence-encoder").unwrap();
        let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
        for bare in [true, false] {
            for template in Template::value_variants() {
                let schema = super::super::schema_comment("sentence-encoder");
                let filled = Filled { name: &name, image: &image, schema };
                let files = template.files(&filled);
                let mut snapshot = git::read_folder(&example).unwrap();
                if bare {
                    snapshot.platform = Some(super::super::file(
                        platform(&Domain::parse("lab.example").unwrap()).as_bytes(),
                    ));
                }
                let files = files.iter().map(|(path, b)| (path.clone(), super::super::file(b)));
                let new = Folder {
                    tree: snapshot.root.clone(),
                    files: files.collect(),
                    oddities: BTreeMap::new(),
                };
                Arc::make_mut(&mut snapshot.folders)
                    .insert("sentence-encoder".to_owned(), Arc::new(new));
                let catalog = catalog::read(&snapshot, &mut Memory::default());
                assert!(catalog.platform.is_ok(), "{:?}", catalog.platform);
                let refused = catalog.refused.get(name.as_str());
                assert!(refused.is_none(), "{template:?}: {refused:#?}");
                assert_eq!(catalog.solutions[&name].title, "Sentence encoder");
            }
        }
    }
}
