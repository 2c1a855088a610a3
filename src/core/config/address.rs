//! Addresses of repositories: which are understood, and which carry a password.

use crate::model::decode::Cursor;
use crate::model::fault::code;

/// Reads `repository.url`.
pub fn repository(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    let address = text.value.trim().to_owned();
    if let Some((user, has_password)) = credentials(&address) {
        let http = address.starts_with("http");
        if has_password || (http && !user.is_empty()) {
            cursor.sheet.mask(&text);
            let message = format!("`{}` carries a credential", cursor.path);
            let help = "take it out of the address and give its file: \
                        auth: {tokenFile: ...} or auth: {username: ..., passwordFile: ...}";
            cursor.sheet.report(cursor.fault(code::SETTING_PASSWORD, message).help(help));
            return None;
        }
    }
    if understood(&address) {
        return Some(address);
    }
    let message = format!("`{}` is not the address of a repository", cursor.path);
    let help = "https://, http://, ssh://, file://, git@host:path, or a path";
    cursor.sheet.report(cursor.fault(code::SETTING_VALUE, message).help(help));
    None
}

/// Reads an address to listen on, `address:port`.
pub fn listen(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.line_of(255)?.value;
    let named = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| host == "localhost" && port.parse::<u16>().is_ok());
    if named || text.parse::<std::net::SocketAddr>().is_ok() {
        return Some(text);
    }
    let message = format!("`{}` is `{text}`, which is not an address to listen on", cursor.path);
    let help = "write address:port, such as 0.0.0.0:8080, [::]:8080 or 127.0.0.1:8080";
    cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
    None
}

/// Reads `web.public.url`: where people find the page.
pub fn public(cursor: &Cursor<'_>) -> Option<String> {
    let help = "write https://host, without a query";
    web(cursor, "an address of a page", help).map(|(address, _)| address)
}

/// Reads an address of the web, without a slash at its end and without a credential. `what` it is,
/// and what to write instead, for people.
pub fn web(cursor: &Cursor<'_>, what: &str, help: &str) -> Option<(String, url::Url)> {
    let text = cursor.text()?;
    let url = url::Url::parse(&text.value).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let Some(url) = url else {
        let message = format!("`{}` is not {what}", cursor.path);
        cursor.sheet.report(cursor.fault(code::BAD_TEXT, message).help(help));
        return None;
    };
    if url.password().is_some() || !url.username().is_empty() {
        cursor.sheet.mask(&text);
        let message = format!("`{}` carries a credential", cursor.path);
        cursor.say(code::SETTING_PASSWORD, message);
        return None;
    }
    Some((text.value.trim_end_matches('/').to_owned(), url))
}

/// User name and whether there is a password, of `scheme://user:password@host`.
fn credentials(address: &str) -> Option<(&str, bool)> {
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest,
        // `user:password@host:path`
        None => address,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (user, _) = authority.rsplit_once('@')?;
    match user.split_once(':') {
        Some((user, password)) => Some((user, !password.is_empty())),
        None => Some((user, false)),
    }
}

fn understood(address: &str) -> bool {
    if address.is_empty() || address.starts_with('-') || address.contains(char::is_control) {
        return false;
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        let path_only = scheme == "file" && rest.starts_with('/') && rest.len() > 1;
        let hosted = matches!(scheme, "http" | "https" | "ssh")
            && url::Url::parse(address)
                .is_ok_and(|url| url.host_str().is_some_and(|host| !host.starts_with('-')));
        return path_only || hosted;
    }
    // `git@host:path`; a colon after a slash belongs to a path.
    match address.split_once(':') {
        Some((host, path)) if !host.contains('/') => {
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !host.is_empty()
                && !host.starts_with('-')
                && host.bytes().all(plain)
                && !path.is_empty()
                && !path.starts_with([':', '-'])
        }
        _ => true,
    }
}

/// An address without user, password and query.
pub fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_git_are_understood_and_tricks_are_not() {
        for good in [
            "https://git.example/aim/catalogue.git",
            "http://127.0.0.1:3000/a.git",
            "ssh://git@git.example:22/a.git",
            "git@git.example:aim/a.git",
            "file:///srv/a.git",
            "/srv/a.git",
            "../a",
            "./with:colon",
        ] {
            assert!(understood(good), "{good}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "ext::sh -c id",
            "git://git.example/a",
            "ssh://-oProxyCommand=x/a",
            "-x@host:path",
            "git@-host:path",
            "https://",
            "file://relative",
            "a\nb",
        ] {
            assert!(!understood(bad), "{bad}");
        }
    }

    #[test]
    fn a_shown_address_has_no_credential() {
        assert_eq!(shown("https://u:p@h.example/a.git?token=x"), "https://h.example/a.git");
        assert_eq!(shown("https://u:p@h.example?x"), "https://h.example");
        assert_eq!(shown("git@h:a"), "git@h:a");
    }
}
