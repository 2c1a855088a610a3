//! What the gallery and the solution's page say, value by value.

use crate::catalog::Solution;
use crate::catalog::solution::{About, Contact, Evaluation, Link, Shape};

/// Says every value that is there. Each struct is taken apart with all its fields.
pub fn of(solution: &Solution, say: &mut impl FnMut(&'static str, String)) {
    let Solution {
        name: _,
        title,
        description,
        folder,
        tree: _,
        shape,
        components: _, // each has values of its own
        expires,
        suspend,
        about,
        preview: _, // both sides are the catalogue's
    } = solution;
    let mut words = |what, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            say(what, text);
        }
    };
    words("folder", Some(folder.clone()));
    words("title", Some(title.clone()));
    words("description", description.clone());
    words(
        "consists of",
        match shape {
            Shape::Single => None,
            Shape::Components => Some("components that wake as one".to_owned()),
            Shape::Configurations => Some("configurations of one image".to_owned()),
        },
    );
    words("expires", expires.map(|day| day.to_string()));
    words("suspended", suspend.as_ref().map(|one| format!("until {}: {}", one.until, one.reason)));
    let About {
        tags,
        links,
        kind,
        lifecycle,
        owner,
        contact,
        license,
        category,
        emoji,
        thumbnail,
        screenshots,
        models,
        datasets,
        evaluation,
        openapi,
        docs,
        examples,
    } = about;
    words("owner", owner.clone());
    words(
        "contact",
        contact.as_ref().map(|Contact { name, email, url }| {
            [name, email, url].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
        }),
    );
    words("type", kind.clone());
    words("lifecycle", lifecycle.clone());
    words("license", license.clone());
    words("category", category.clone());
    words("emoji", emoji.clone());
    words("tags", Some(tags.join(", ")));
    words(
        "links",
        Some(each(links, |Link { title, url, kind }| {
            format!("{title} {url}{}", kind.as_ref().map(|k| format!(" ({k})")).unwrap_or_default())
        })),
    );
    words("thumbnail", thumbnail.clone());
    words("screenshots", Some(screenshots.join(", ")));
    words("models", Some(models.join(", ")));
    words("datasets", Some(datasets.join(", ")));
    words(
        "evaluation",
        Some(each(evaluation, |Evaluation { metric, value, dataset }| {
            let dataset = dataset.as_ref().map(|data| format!(" on {data}")).unwrap_or_default();
            format!("{metric} {value}{dataset}")
        })),
    );
    words("OpenAPI document", openapi.as_ref().map(ToString::to_string));
    words("documentation", docs.as_ref().map(ToString::to_string));
    words("examples", Some(examples.join(", ")));
}

fn each<T>(items: &[T], told: impl Fn(&T) -> String) -> String {
    items.iter().map(told).collect::<Vec<_>>().join("; ")
}
