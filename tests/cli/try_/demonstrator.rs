//! A demonstrator for `vitrine try`, well or badly behaved as its first argument says. The test
//! compiles it into a static program, which is all that its image holds.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().unwrap_or_default();
    let number: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    println!("begins as {mode}");
    match mode.as_str() {
        "crash" => {
            eprintln!("cannot reach https://lab:hunter2@models.example/use");
            std::process::exit(3);
        }
        // As programs do that do not gather what they write.
        "pieces" => {
            for piece in ["cannot ", "read ", "the ", "model\n", "and ", "ends"] {
                std::thread::sleep(Duration::from_millis(20));
                std::io::stderr().write_all(piece.as_bytes()).unwrap();
            }
            std::process::exit(5);
        }
        "slow" => std::thread::sleep(Duration::from_millis(number)),
        "writes" => {
            if let Err(error) = std::fs::write("/data/state", "1") {
                eprintln!("cannot write /data/state: {error}");
                std::process::exit(4);
            }
        }
        "greedy" => {
            let taken: Vec<Vec<u8>> = (0..number).map(|_| vec![1; 1 << 20]).collect();
            println!("took {} MiB", taken.len());
            std::mem::forget(taken);
        }
        "environment" => {
            let file = std::fs::read_to_string("/etc/use/settings.yaml").unwrap_or_default();
            let scratch = std::fs::write("/scratch/a", "1").is_ok();
            let root = std::fs::write("/b", "1").is_err();
            let up = std::net::TcpStream::connect_timeout(
                &([198, 51, 100, 1], 80).into(),
                Duration::from_secs(1),
            );
            println!(
                "GREETING={} KEY={:?} settings={file:?} scratch={scratch} root={root} out={} proxy={:?}",
                std::env::var("GREETING").unwrap_or_default(),
                std::env::var("KEY").ok(),
                up.is_ok(),
                std::env::var("https_proxy").ok()
            );
            std::process::exit(7);
        }
        _ => {}
    }
    let address = match mode.as_str() {
        "elsewhere" => "0.0.0.0:5000",
        "loopback" => "127.0.0.1:8080",
        "dual" => "[::]:8080",
        "loopback6" => "[::1]:8080",
        _ => "0.0.0.0:8080",
    };
    let listener = TcpListener::bind(address).unwrap();
    let mut asked = 0;
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        asked += 1;
        let mode = mode.clone();
        std::thread::spawn(move || serve(stream, &mode, asked));
    }
}

fn serve(mut stream: TcpStream, mode: &str, asked: u32) {
    let Some((method, path, body)) = request(&mut stream) else { return };
    if mode == "silent" {
        std::thread::sleep(Duration::from_secs(600));
        return;
    }
    let page = "<!doctype html><title>use</title><h1>use</h1>";
    let (status, kind, text) = match (method.as_str(), path.as_str()) {
        ("GET", "/health") => ("200 OK", "text/plain", "well".to_owned()),
        ("GET", "/openapi.json") => (
            "200 OK",
            "application/json",
            r#"{"openapi": "3.1.0", "paths": {"/embed": {}, "/similar": {}}}"#.to_owned(),
        ),
        ("GET", "/") if mode == "endless" => return endless(&mut stream),
        ("GET" | "HEAD", "/") if mode == "json" => {
            ("200 OK", "application/json", r#"{"status": "up"}"#.to_owned())
        }
        ("HEAD", "/") if mode == "headless" => ("405 Not Allowed", "text/plain", String::new()),
        ("GET", "/") if mode == "redirects" => {
            let answer = "HTTP/1.1 302 Found\r\nLocation: /ui\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            return;
        }
        ("GET" | "HEAD", "/" | "/ui") if mode == "circles" => {
            let answer = "HTTP/1.1 301 Moved\r\nLocation: https://use.demo.example/\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            return;
        }
        ("GET" | "HEAD", "/" | "/ui") => ("200 OK", "text/html; charset=utf-8", page.to_owned()),
        ("POST", "/embed") if mode == "breaks" => {
            eprintln!("the model is broken");
            std::process::exit(9);
        }
        ("POST", "/embed") if mode == "fails" => {
            ("500 Oh", "application/json", r#"{"error": "no model"}"#.to_owned())
        }
        ("POST", "/embed") if mode == "counts" => ("200 OK", "text/plain", asked.to_string()),
        ("POST", "/embed") => ("200 OK", "application/json", body),
        _ => ("404 Not Found", "text/plain", "no such page".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    let body = if method == "HEAD" { "" } else { &text };
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn endless(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
    if stream.write_all(head.as_bytes()).is_ok() {
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    }
}

/// Method, path and body of a request.
fn request(stream: &mut TcpStream) -> Option<(String, String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let came = stream.read(&mut buffer).ok()?;
        if came == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..came]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            let mut words = head.split(' ');
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            return Some((method, path, body.to_owned()));
        }
    }
}
