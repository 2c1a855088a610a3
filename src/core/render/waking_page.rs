//! The page that visitors see while a solution wakes.

/// One small page that asks nobody for anything: no script, no font, no picture, no link out.
/// It reloads itself until the solution answers in its place. `pull`: it shows what this pull
/// request would publish.
pub(super) fn html(title: &str, pull: Option<u64>) -> String {
    let title = escaped(title);
    let strip = match pull {
        Some(pull) => format!("<p>Preview of pull request {pull}: not published yet.</p>\n"),
        None => String::new(),
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="5">
<title>{title} is waking up</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1.125rem/1.6 system-ui, sans-serif; color: #1b1f24; background: #f6f7f9; }}
main {{ max-width: 34rem; padding: 2rem; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }}
a {{ color: #0b57d0; }}
.bar {{ height: .375rem; margin: 1.5rem 0; overflow: hidden; border-radius: 1rem;
  background: #d5dae1; }}
.bar div {{ width: 30%; height: 100%; border-radius: inherit; background: #0b57d0; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6e8eb; background: #15181c; }}
  a {{ color: #8ab4f8; }}
  .bar {{ background: #343a42; }}
  .bar div {{ background: #8ab4f8; }}
}}
@media (prefers-reduced-motion: no-preference) {{
  .bar div {{ animation: slide 1.6s ease-in-out infinite alternate; }}
  @keyframes slide {{ to {{ margin-left: 70%; }} }}
}}
</style>
</head>
<body>
<main>
{strip}<h1>{title} is waking up</h1>
<div class="bar" aria-hidden="true"><div></div></div>
<p role="status">It sleeps while nobody visits, and your visit has just woken it.
The first start can take a few minutes.</p>
<p>This page reloads by itself every 5 seconds. <a href="">Reload now</a></p>
</main>
</body>
</html>
"#
    )
}

/// A text as HTML shows it. Braces too, so that a server that takes the page for a template
/// finds nothing to fill in.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            '}' => out.push_str("&#125;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_become_markup() {
        let page = html(r#"</title><script>alert("1")</script>{{.Secret}}"#, None);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("{{"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)"));
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = html("Part comparer", None);
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains(r#"<meta http-equiv="refresh" content="5">"#));
    }

    #[test]
    fn whoever_waits_for_a_preview_is_told_that_it_is_one() {
        let strip = "<p>Preview of pull request 42: not published yet.</p>";
        assert!(html("Part comparer", Some(42)).contains(strip));
        assert!(!html("Part comparer", None).contains("Preview"));
    }
}
