//! What a solution says about itself: for the gallery, for people, for nobody's containers.

use jiff::civil::Date;

use super::Suspension;
use super::judge::Bench;
use crate::catalog::fault::code;
use crate::model::decode::{Cursor, Fields, Schema, nearest};

/// The card of a solution in the gallery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    pub tags: Vec<String>,
    pub links: Vec<Link>,
    /// `demo`, `service` or `pipeline`.
    pub kind: Option<String>,
    /// `experimental`, `production` or `deprecated`.
    pub lifecycle: Option<String>,
    /// `user:NAME` or `group:NAME`.
    pub owner: Option<String>,
    pub contact: Option<Contact>,
    /// An SPDX expression.
    pub license: Option<String>,
    pub category: Option<String>,
    pub emoji: Option<String>,
    /// Files of the folder.
    pub thumbnail: Option<String>,
    pub screenshots: Vec<String>,
    pub models: Vec<String>,
    pub datasets: Vec<String>,
    pub evaluation: Vec<Evaluation>,
    /// Path of the OpenAPI document.
    pub openapi: Option<String>,
    /// Path of the page that documents the API.
    pub docs: Option<String>,
    /// Example files of the folder.
    pub examples: Vec<String>,
}

/// A page elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub title: String,
    /// `http` or `https`.
    pub url: String,
    pub kind: Option<String>,
}

/// Whom to ask. At least one of `email` and `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub name: Option<String>,
    pub email: Option<String>,
    pub url: Option<String>,
}

/// A measured quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub metric: String,
    pub value: f64,
    pub dataset: Option<String>,
}

/// The most items of a list that people read.
const MOST: usize = 50;

/// Reads `metadata.tags` and `metadata.links`.
pub fn metadata(fields: &Fields<'_>, about: &mut About) {
    if let Some(cursor) = fields.get("tags") {
        about.tags = words(&cursor, 10, 40);
    }
    if let Some(cursor) = fields.get("links") {
        let items = bounded(&cursor, 20);
        about.links = items.iter().filter_map(link).collect();
    }
}

/// Reads the keys of `spec` that are for people.
pub fn spec(bench: &Bench<'_>, fields: &Fields<'_>, about: &mut About) {
    let word = |key, words| Some(fields.get(key)?.one_of(words)?.value.to_owned());
    about.kind = word("type", &["demo", "service", "pipeline"]);
    about.lifecycle = word("lifecycle", &["experimental", "production", "deprecated"]);
    owner(fields, about);
    about.contact = fields.get("contact").and_then(|c| contact(&c));
    if about.lifecycle.as_deref() == Some("production")
        && !fields.has("contact")
        && let Some(at) = fields.place("lifecycle")
    {
        let message = "`lifecycle: production` needs a `contact`";
        let help = "add contact: {email: ...} or contact: {url: ...}";
        fields.sheet.report(fields.sheet.fault(code::CONTACT, at, message).help(help));
    }
    about.license = fields.get("license").and_then(|c| license(&c));
    if let Some(cursor) = fields.get("gallery") {
        gallery(bench, &cursor, about);
    }
    about.models = fields.get("models").map(|c| words(&c, MOST, 200)).unwrap_or_default();
    about.datasets = fields.get("datasets").map(|c| words(&c, MOST, 200)).unwrap_or_default();
    if let Some(cursor) = fields.get("evaluation") {
        about.evaluation = bounded(&cursor, MOST).iter().filter_map(evaluation).collect();
    }
    if let Some(cursor) = fields.get("api") {
        api(bench, &cursor, about);
    }
}

/// Reads `expires`.
pub fn expires(fields: &Fields<'_>) -> Option<Date> {
    day(&fields.get("expires")?)
}

/// Reads `suspend`: both keys are required.
pub fn suspend(fields: &Fields<'_>) -> Option<Suspension> {
    let fields = fields.get("suspend")?.map(Schema::of(&["reason", "until"]))?;
    let reason = fields.required("reason").and_then(|c| c.line(200));
    let until = fields.required("until").and_then(|c| day(&c));
    Some(Suspension { reason: reason?.value, until: until? })
}

fn day(cursor: &Cursor<'_>) -> Option<Date> {
    let text = cursor.text()?;
    let shape = text.value.len() == 10 && text.value.is_ascii();
    if shape && let Ok(day) = text.value.parse::<Date>() {
        return Some(day);
    }
    let message = format!("`{}` is `{}`, which is not a day", cursor.path, text.value);
    cursor.sheet.report(cursor.fault(code::BAD_DAY, message).help("write it as 2027-06-30"));
    None
}

fn bounded<'a>(cursor: &Cursor<'a>, most: usize) -> Vec<Cursor<'a>> {
    let mut items = cursor.list().unwrap_or_default();
    if items.len() > most {
        let message = format!("`{}` has {} items, allowed are {most}", cursor.path, items.len());
        cursor.say(code::TOO_LONG, message);
        items.truncate(most);
    }
    items
}

fn words(cursor: &Cursor<'_>, most: usize, longest: usize) -> Vec<String> {
    bounded(cursor, most).iter().filter_map(|c| Some(c.line(longest)?.value)).collect()
}

fn link(cursor: &Cursor<'_>) -> Option<Link> {
    let fields = cursor.map(Schema::of(&["title", "url", "type"]))?;
    let title = fields.required("title").and_then(|c| c.line(80));
    let url = fields.required("url").and_then(|c| page(&c));
    let kind = fields.get("type").and_then(|c| c.line(40)).map(|kind| kind.value);
    Some(Link { title: title?.value, url: url?, kind })
}

/// An address that is safe to put behind a link.
fn page(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line(2000)?.value;
    let ok = url::Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.password().is_none() && url.has_host()
    });
    if ok {
        return Some(text);
    }
    let message = format!("`{}` is not the address of a page", cursor.path);
    let help = "write https://... without a password";
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    None
}

fn owner(fields: &Fields<'_>, about: &mut About) {
    let Some(cursor) = fields.get("owner") else {
        if !fields.has("owner") {
            let message = "nobody owns this solution";
            let help = "add owner: user:NAME or owner: group:NAME";
            let fault = fields.sheet.fault(code::NO_OWNER, fields.key, message);
            fields.sheet.report(fault.help(help));
        }
        return;
    };
    let Some(text) = cursor.text() else { return };
    let name = text.value.strip_prefix("user:").or_else(|| text.value.strip_prefix("group:"));
    let ok = name.is_some_and(|name| {
        (1..=80).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@/".contains(&b))
    });
    if ok {
        about.owner = Some(text.value);
    } else {
        let message = format!("`{}` is not an owner", text.value);
        let help = "write user:NAME or group:NAME";
        cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    }
}

fn contact(cursor: &Cursor<'_>) -> Option<Contact> {
    let fields = cursor.map(Schema::of(&["name", "email", "url"]))?;
    let name = fields.get("name").and_then(|c| c.line(80)).map(|name| name.value);
    let email = fields.get("email").and_then(|c| mail(&c));
    let url = fields.get("url").and_then(|c| page(&c));
    if !fields.has("email") && !fields.has("url") {
        let fault =
            cursor.sheet.fault(code::MISSING, cursor.key, "`spec.contact` lacks `email` or `url`");
        cursor.sheet.report(fault);
    }
    Some(Contact { name, email, url })
}

fn mail(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line(254)?.value;
    let ok = text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !text.contains([' ', '<', '>', ',', '"', '(', ')', ':'])
            && host.contains('.')
            && host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
    });
    if !ok {
        let message = format!("`{text}` is not a mail address");
        cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help("write name@example.org"));
    }
    ok.then_some(text)
}

/// The licences that people here use, in their right spelling.
const LICENSES: [&str; 26] = [
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-SA-4.0",
    "EPL-2.0",
    "EUPL-1.2",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MPL-2.0",
    "Unlicense",
    "Zlib",
];

/// An SPDX expression. Its grammar is checked, and the spelling of the usual names; a name that
/// is not among them is believed.
fn license(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line(200)?.value;
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut name_next, mut grammatical) = (0_i32, true, true);
    for word in spaced.split_whitespace() {
        match word {
            "(" if name_next => depth += 1,
            ")" if !name_next && depth > 0 => depth -= 1,
            "AND" | "OR" | "WITH" if !name_next => name_next = true,
            "(" | ")" | "AND" | "OR" | "WITH" => grammatical = false,
            name => {
                let letters =
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+:".contains(&b));
                grammatical &= name_next && letters;
                name_next = false;
                let plain = name.strip_suffix('+').unwrap_or(name);
                let near = nearest(plain, LICENSES.into_iter());
                if !LICENSES.contains(&plain)
                    && let Some(near) = near.filter(|near| same_letters(near, plain))
                {
                    let message = format!("`{name}` is not how SPDX spells this licence");
                    let help = format!("did you mean `{near}`?");
                    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
                    return None;
                }
            }
        }
    }
    if grammatical && !name_next && depth == 0 {
        return Some(text);
    }
    let message = format!("`{text}` is not an SPDX expression");
    let help = "write an identifier of https://spdx.org/licenses, such as Apache-2.0, or several \
                with AND, OR and WITH; for a licence of your own: LicenseRef-NAME";
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    None
}

fn same_letters(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    letters(a) == letters(b)
}

fn gallery(bench: &Bench<'_>, cursor: &Cursor<'_>, about: &mut About) {
    let schema = Schema::of(&["category", "emoji", "thumbnail", "screenshots"]);
    let Some(fields) = cursor.map(schema) else { return };
    if let Some(cursor) = fields.get("category")
        && let Some(category) = cursor.line(80)
    {
        let known = &bench.platform.gallery.categories;
        if known.is_empty() || known.contains(&category.value) {
            about.category = Some(category.value);
        } else {
            let message = format!("this platform's gallery has no category `{}`", category.value);
            let mut help = format!("allowed: {}", known.join(", "));
            if let Some(near) = nearest(&category.value, known.iter().map(String::as_str)) {
                help = format!("did you mean `{near}`? {help}");
            }
            cursor.sheet.report(cursor.fault(code::NO_CATEGORY, message).help(help));
        }
    }
    if let Some(cursor) = fields.get("emoji")
        && let Some(emoji) = cursor.line(12)
    {
        if emoji.value.chars().any(|c| c.is_ascii_graphic() || c.is_whitespace()) {
            cursor.say(code::BAD_TEXT, format!("`{}` is not an emoji", emoji.value));
        } else {
            about.emoji = Some(emoji.value);
        }
    }
    about.thumbnail = fields.get("thumbnail").and_then(|c| picture(bench, &c));
    if let Some(cursor) = fields.get("screenshots") {
        let items = bounded(&cursor, 20);
        about.screenshots = items.iter().filter_map(|c| picture(bench, c)).collect();
    }
}

fn picture(bench: &Bench<'_>, cursor: &Cursor<'_>) -> Option<String> {
    let path = bench.file(cursor)?;
    let ending = path.rsplit('.').next().unwrap_or("").to_lowercase();
    if ["png", "jpg", "jpeg", "webp", "svg", "gif", "avif"].contains(&ending.as_str()) {
        return Some(path);
    }
    let message = format!("`{path}` is not a picture");
    let help = "allowed: png, jpg, webp, svg, gif, avif";
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    None
}

fn evaluation(cursor: &Cursor<'_>) -> Option<Evaluation> {
    let fields = cursor.map(Schema::of(&["metric", "value", "dataset"]))?;
    let metric = fields.required("metric").and_then(|c| c.line(80));
    let value = fields.required("value").and_then(|c| c.number(f64::MIN, f64::MAX));
    let dataset = fields.get("dataset").and_then(|c| c.line(200)).map(|text| text.value);
    Some(Evaluation { metric: metric?.value, value: value?.value, dataset })
}

fn api(bench: &Bench<'_>, cursor: &Cursor<'_>, about: &mut About) {
    let Some(fields) = cursor.map(Schema::of(&["openapi", "docs", "examples"])) else { return };
    let path = |key| super::runtime::url_path(&fields.get(key)?);
    about.openapi = path("openapi");
    about.docs = path("docs");
    if let Some(cursor) = fields.get("examples") {
        about.examples = bounded(&cursor, MOST).iter().filter_map(|c| bench.file(c)).collect();
    }
}
