//! One question through the carrier, and the answer as it was seen.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::carried::Carried;
use crate::http::{USER_AGENT, causes};
use vitrine_core::model::{ContentHash, Quoted};
use vitrine_core::trial::{Answer, Cut, NoAnswer, Purpose, Question};

/// The most of a body that is read, in bytes: some never end.
const LONGEST: usize = 16 << 20;
/// How often a page may lead to another.
const REDIRECTS: usize = 3;
/// The largest description of an interface that is kept.
const DESCRIPTION: usize = 4 << 20;

/// Asks, and reads the answer to its end or until it is cut.
pub async fn ask(
    carried: &Carried,
    host: Ipv4Addr,
    port: u16,
    question: &Question,
) -> Result<Answer, NoAnswer> {
    let begun = Instant::now();
    let mut path = question.path.clone();
    for _ in 0..REDIRECTS {
        let answer = once(carried, (host, port), question, &path, begun).await?;
        match answer.1 {
            Some(next) if question.purpose == Purpose::Page => path = next,
            _ => return Ok(elsewhere(answer.0, question, &path)),
        }
    }
    match once(carried, (host, port), question, &path, begun).await? {
        (_, Some(_)) if question.purpose == Purpose::Page => Err(NoAnswer::Around),
        (answer, _) => Ok(elsewhere(answer, question, &path)),
    }
}

fn elsewhere(answer: Answer, question: &Question, path: &str) -> Answer {
    let page = (path != question.path).then(|| Quoted::of(path));
    Answer { page, ..answer }
}

/// The answer, and to which page of the same program it leads.
async fn once(
    carried: &Carried,
    (host, port): (Ipv4Addr, u16),
    question: &Question,
    path: &str,
    begun: Instant,
) -> Result<(Answer, Option<String>), NoAnswer> {
    let late = || NoAnswer::Late(question.patience);
    let left = || question.patience.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
    let broken =
        |error: &(dyn std::error::Error + 'static)| NoAnswer::Broken(Quoted::of(&causes(error)));
    let request = request(question, path, (host, port)).map_err(|error| broken(&error))?;
    // The task that drives the connection ends with this question.
    let over = CancellationToken::new();
    let _over = over.clone().drop_guard();
    let head = async {
        let stream = carried.open(host, port).await.map_err(|error| broken(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        tokio::spawn(async move {
            // What breaks it is told where the answer is awaited.
            tokio::select! { _ = connection => {}, () = over.cancelled() => {} }
        });
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        // The sender goes last: without it the connection ends.
        Ok((response, sender))
    };
    let (response, _sender) = timeout(left(), head).await.map_err(|_| late())??;
    let (status, kind) = (response.status().as_u16(), kind(&response));
    let next = next(&response, question, path);
    let (mut body, mut cut) = (Vec::new(), None);
    match timeout(left(), read(response, &mut body)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => cut = Some(Cut::Size),
        Ok(Err(error)) => return Err(broken(&error)),
        Err(_) if body.is_empty() => return Err(late()),
        Err(_) => cut = Some(Cut::Time),
    }
    let (length, hash) = (body.len() as u64, ContentHash::of(&body));
    let keep = question.purpose == Purpose::OpenApi && body.len() <= DESCRIPTION;
    let answer = Answer {
        status,
        page: None,
        kind,
        length,
        hash,
        body: if keep { body } else { Vec::new() },
        cut,
        took: begun.elapsed(),
    };
    Ok((answer, next))
}

fn request(
    question: &Question,
    path: &str,
    (host, port): (Ipv4Addr, u16),
) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut request = Request::builder().method(question.method.as_str()).uri(path);
    for (name, value) in &question.headers {
        request = request.header(name, value);
    }
    let headers = request.headers_ref();
    let lacks = |name| headers.is_none_or(|headers| !headers.contains_key(name));
    let (no_host, no_agent, no_accept) =
        (lacks(header::HOST), lacks(header::USER_AGENT), lacks(header::ACCEPT));
    if no_host {
        request = request.header(header::HOST, format!("{host}:{port}"));
    }
    if no_agent {
        request = request.header(header::USER_AGENT, USER_AGENT);
    }
    if no_accept {
        let page = matches!(question.purpose, Purpose::Page | Purpose::Head);
        let accept = if page { "text/html,application/xhtml+xml,*/*;q=0.8" } else { "*/*" };
        request = request.header(header::ACCEPT, accept);
    }
    request.body(Full::new(Bytes::from(question.body.clone())))
}

/// The media type without its parameters.
fn kind(response: &Response<Incoming>) -> Quoted {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase());
    Quoted::of(kind.unwrap_or_default().split(';').next().unwrap_or_default())
}

/// A page of the same program, as a browser would ask for it.
fn next(response: &Response<Incoming>, question: &Question, path: &str) -> Option<String> {
    let next = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let host = question.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or("program.invalid", |(_, host)| host.as_str());
    response.status().is_redirection().then(|| joined(host, path, next))?
}

/// Where a link on a page of a host leads, if it is to the same host.
fn joined(host: &str, path: &str, link: &str) -> Option<String> {
    let here = Url::parse(&format!("https://{host}{path}")).ok()?;
    let there = here.join(link).ok()?;
    // By whatever scheme: the edge makes one of the other.
    let same = (there.host_str(), there.port()) == (here.host_str(), here.port())
        && matches!(there.scheme(), "http" | "https");
    let query = there.query().map(|query| format!("?{query}")).unwrap_or_default();
    same.then(|| format!("{}{query}", there.path()))
}

/// Whether all of the body came; what came is in `body`.
async fn read(mut response: Response<Incoming>, body: &mut Vec<u8>) -> Result<bool, hyper::Error> {
    while let Some(frame) = response.frame().await {
        if let Ok(data) = frame?.into_data() {
            body.extend_from_slice(&data);
            if body.len() > LONGEST {
                body.truncate(LONGEST);
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_same_host_are_followed_and_no_others() {
        for (link, leads) in [
            ("/ui", Some("/ui")),
            ("login?next=/#top", Some("/a/login?next=/")),
            ("?page=2", Some("/a/b?page=2")),
            ("https://use.demo.example/x", Some("/x")),
            ("http://use.demo.example", Some("/")),
            ("//use.demo.example/y", Some("/y")),
            // Visitors find nobody at the program's own port.
            ("http://use.demo.example:8080/x", None),
            ("//other.example/y", None),
            ("https://use.demo.example.evil.example/", None),
            ("mailto:a@use.demo.example", None),
            ("https://[", None),
        ] {
            assert_eq!(joined("use.demo.example", "/a/b", link).as_deref(), leads, "{link}");
        }
    }
}
