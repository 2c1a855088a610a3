//! What a solution says about itself: for the gallery, for people, for nobody's containers.

use jiff::civil::Date;
use unicode_segmentation::UnicodeSegmentation as _;

use super::bench::Bench;
use super::{About, Contact, Evaluation, Link, Suspension};
use crate::catalog::fault::code;
use crate::model::decode::{Cursor, Fields, certain, nearest};
use crate::model::meant;
use crate::model::yaml::Spanned;

/// Reads `metadata.tags` and `metadata.links`.
pub fn metadata(fields: &Fields<'_>, about: &mut About) {
    about.tags = fields.get("tags").map(|c| words(&c)).unwrap_or_default();
    about.links = items(fields, "links").iter().filter_map(link).collect();
}

/// Reads the keys of `spec` that are for people.
pub fn spec(bench: &Bench<'_>, fields: &Fields<'_>, about: &mut About) {
    let word = |key| Some(fields.get(key)?.word()?.value.to_owned());
    about.kind = word("type");
    about.lifecycle = word("lifecycle");
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
    about.models = fields.get("models").map(|c| words(&c)).unwrap_or_default();
    about.datasets = fields.get("datasets").map(|c| words(&c)).unwrap_or_default();
    about.evaluation = items(fields, "evaluation").iter().filter_map(evaluation).collect();
    if let Some(cursor) = fields.get("api") {
        api(bench, &cursor, about);
    }
}

/// Reads `expires`.
pub fn expires(fields: &Fields<'_>) -> Option<Spanned<Date>> {
    day(&fields.get("expires")?)
}

/// Reads `suspend`: both keys are required.
pub fn suspend(fields: &Fields<'_>) -> Option<Spanned<Suspension>> {
    let fields = fields.get("suspend")?.fields()?;
    let reason = fields.required("reason").and_then(|c| c.line());
    let until = fields.required("until").and_then(|c| day(&c))?;
    let suspension = Suspension { reason: reason?.value, until: until.value };
    Some(Spanned { value: suspension, at: until.at })
}

fn day(cursor: &Cursor<'_>) -> Option<Spanned<Date>> {
    let text = cursor.text()?;
    let shape = text.value.len() == 10 && text.value.is_ascii();
    if shape && let Ok(day) = text.value.parse::<Date>() {
        return Some(cursor.spanned(day));
    }
    let message = format!("`{}` is `{}`, which is not a day", cursor.path, text.value);
    let fix = meant::day(&text.value).and_then(|day| cursor.instead(&text.value, &day));
    let fault = cursor.fault(code::BAD_DAY, message).help("write it as 2027-06-30");
    cursor.sheet.report(fault.fix(fix));
    None
}

fn items<'a>(fields: &Fields<'a>, key: &str) -> Vec<Cursor<'a>> {
    fields.get(key).and_then(|c| c.list()).unwrap_or_default()
}

fn words(cursor: &Cursor<'_>) -> Vec<String> {
    let items = cursor.list().unwrap_or_default();
    items.iter().filter_map(|c| Some(c.line()?.value)).collect()
}

fn link(cursor: &Cursor<'_>) -> Option<Link> {
    let fields = cursor.fields()?;
    let title = fields.required("title").and_then(|c| c.line());
    let url = fields.required("url").and_then(|c| page(&c));
    let kind = fields.get("type").and_then(|c| c.line()).map(|kind| kind.value);
    Some(Link { title: title?.value, url: url?, kind })
}

/// An address that is safe to put behind a link.
fn page(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line()?.value;
    let ok = url::Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.password().is_none() && url.has_host()
    });
    if ok {
        return Some(text);
    }
    if crate::model::credential::has_password(&text) {
        cursor.sheet.mask(&cursor.spanned(text.clone()));
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
    let Some(text) = cursor.line() else { return };
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
        let fix = spelt_owner(&text.value).and_then(|owner| cursor.instead(&text.value, &owner));
        cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help).fix(fix));
    }
}

/// `Group: lab` is `group:lab`.
fn spelt_owner(text: &str) -> Option<String> {
    let (kind, name) = text.split_once(':')?;
    let (kind, name) = (kind.trim().to_lowercase(), name.trim());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@/".contains(&b);
    let ok = ["user", "group"].contains(&kind.as_str())
        && !name.is_empty()
        && name.len() <= 80
        && name.bytes().all(plain);
    ok.then(|| format!("{kind}:{name}"))
}

fn contact(cursor: &Cursor<'_>) -> Option<Contact> {
    let fields = cursor.fields()?;
    let name = fields.get("name").and_then(|c| c.line()).map(|name| name.value);
    let email = fields.get("email").and_then(|c| mail(&c));
    let url = fields.get("url").and_then(|c| page(&c));
    Some(Contact { name, email, url })
}

fn mail(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line()?.value;
    let ok = is_mail(&text);
    if !ok {
        let message = format!("`{text}` is not a mail address");
        let bare = text.strip_prefix("mailto:").filter(|bare| is_mail(bare));
        let fix = bare.and_then(|bare| cursor.instead(&text, bare));
        let fault = cursor.fault(code::BAD_TEXT, message).help("write name@example.org");
        cursor.sheet.report(fault.fix(fix));
    }
    ok.then_some(text)
}

fn is_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !text.contains([' ', '<', '>', ',', '"', '(', ')', ':'])
            && host.contains('.')
            && host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
    })
}

/// An SPDX expression, in its right spelling.
fn license(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line()?.value;
    let Err(bad) = spdx::Expression::parse(&text) else { return Some(text) };
    let word = text.get(bad.span.clone()).unwrap_or_default();
    let spelt = spdx::imprecise_license_id(word).map(|(id, _)| id.name);
    let current =
        spdx::identifiers::LICENSES.iter().filter(|l| l.flags & spdx::flags::IS_DEPRECATED == 0);
    let near = spelt.or_else(|| nearest(word, current.map(|l| l.name)));
    use spdx::error::Reason::{DeprecatedLicenseId, UnknownLicense, UnknownTerm};
    let (message, help) = match (&bad.reason, near) {
        (UnknownTerm | UnknownLicense | DeprecatedLicenseId, Some(near)) => (
            format!("`{word}` is not how SPDX spells a licence"),
            format!("did you mean `{near}`?"),
        ),
        _ => (
            format!("`{text}` is not an SPDX expression"),
            "write an identifier of https://spdx.org/licenses, such as Apache-2.0, or several \
             with AND, OR and WITH; for a licence of your own: LicenseRef-NAME"
                .to_owned(),
        ),
    };
    let fix = spelt_license(&text).and_then(|name| cursor.instead(&text, name));
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help).fix(fix));
    None
}

/// The one current licence whose identifier has the same letters and numbers: `Apache 2.0`,
/// `apache-2.0`, `MIT License`.
fn spelt_license(text: &str) -> Option<&'static str> {
    let letters = |name: &str| -> String {
        name.chars()
            .filter(|c| c.is_alphanumeric() || *c == '+')
            .flat_map(char::to_lowercase)
            .collect()
    };
    let written = letters(text);
    let bare = written.strip_suffix("license").or_else(|| written.strip_suffix("licence"));
    let written = bare.unwrap_or(&written);
    let current =
        spdx::identifiers::LICENSES.iter().filter(|l| l.flags & spdx::flags::IS_DEPRECATED == 0);
    let mut same = current.map(|license| license.name).filter(|name| letters(name) == written);
    let (name, None) = (same.next()?, same.next()) else { return None };
    spdx::Expression::parse(name).is_ok().then_some(name)
}

fn gallery(bench: &Bench<'_>, cursor: &Cursor<'_>, about: &mut About) {
    let Some(fields) = cursor.fields() else { return };
    if let Some(cursor) = fields.get("category")
        && let Some(category) = cursor.line()
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
            let sure = certain(&category.value, known.iter().map(String::as_str));
            let fix = sure.and_then(|name| cursor.instead(&category.value, name));
            cursor.sheet.report(cursor.fault(code::NO_CATEGORY, message).help(help).fix(fix));
        }
    }
    about.emoji = fields.get("emoji").and_then(|c| emoji(&c));
    about.thumbnail = fields.get("thumbnail").and_then(|c| picture(bench, &c));
    let screenshots = items(&fields, "screenshots");
    about.screenshots = screenshots.iter().filter_map(|c| picture(bench, c)).collect();
}

/// One emoji: one character to a reader, however many code points it takes.
fn emoji(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line()?.value;
    let graphemes = text.graphemes(true).count();
    let plain = text.chars().any(|c| c.is_alphanumeric() || c.is_ascii() || c.is_whitespace());
    if graphemes == 1 && !plain {
        return Some(text);
    }
    let message = format!("`{text}` is not an emoji");
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help("write exactly one"));
    None
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
    let fields = cursor.fields()?;
    let metric = fields.required("metric").and_then(|c| c.line());
    let value = fields.required("value").and_then(|c| c.number(f64::MIN, f64::MAX));
    let dataset = fields.get("dataset").and_then(|c| c.line()).map(|text| text.value);
    Some(Evaluation { metric: metric?.value, value: value?.value, dataset })
}

fn api(bench: &Bench<'_>, cursor: &Cursor<'_>, about: &mut About) {
    let Some(fields) = cursor.fields() else { return };
    let path = |key| super::runtime::url_path(&fields.get(key)?);
    about.openapi = path("openapi");
    about.docs = path("docs");
    about.examples = items(&fields, "examples").iter().filter_map(|c| bench.file(c)).collect();
}
