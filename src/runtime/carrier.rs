//! The carrier's image: one file in one layer, loaded once for each build of it.

use std::time::Duration;

use super::find::Runtime;
use vitrine_core::model::{ContentHash, Quoted};

/// The program, as build.rs built it; empty where it could not.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/carrier"));
/// Why it could not.
const WHY: &str = include_str!(concat!(env!("OUT_DIR"), "/carrier.txt"));
/// What its images are called.
const NAME: &str = "localhost/vitrine-carrier";
/// How long loading may take.
const LOAD: Duration = Duration::from_secs(120);

/// Loads the image if it is not there, and answers its name. Those of other builds go, unless
/// somebody runs one.
///
/// # Errors
/// A sentence.
pub async fn image(runtime: &Runtime) -> Result<String, String> {
    if PROGRAM.is_empty() {
        return Err(format!(
            "this vitrine was built without what carries requests into a container: {}; build it \
             where static programs can be linked (Debian: apt-get install gcc libc6-dev)",
            Quoted::of(WHY)
        ));
    }
    let name = format!("{NAME}:{}", ContentHash::of(PROGRAM).first(12));
    if runtime.call(&["image", "inspect", "--format", "{{.Id}}", &name]).await.is_ok() {
        return Ok(name);
    }
    let layer = archive("carrier", PROGRAM);
    let words = ["import", "--change", "ENTRYPOINT [\"/carrier\"]", "-", &name];
    let loaded = runtime.feed(&words, Some(&layer), LOAD).await;
    loaded.map_err(|why| format!("the carrier's image cannot be loaded: {why}"))?;
    let words = ["images", "--format", "{{.Repository}}:{{.Tag}}", NAME];
    for other in runtime.call(&words).await.unwrap_or_default().lines() {
        if other.starts_with(NAME) && other != name {
            // Another trial may run it.
            let _ = runtime.call(&["rmi", other]).await;
        }
    }
    Ok(name)
}

/// A tar (POSIX.1-1988, ustar) of one program that everybody may run.
fn archive(name: &str, bytes: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let mut head = [b' '; BLOCK];
    let mut put = |at: usize, length: usize, text: &str| {
        let field = text.bytes().chain(std::iter::repeat(0)).take(length);
        head.iter_mut().skip(at).zip(field).for_each(|(to, from)| *to = from);
    };
    put(0, 100, name);
    put(100, 8, "0000555");
    put(108, 8, "0000000");
    put(116, 8, "0000000");
    put(124, 12, &format!("{:011o}", bytes.len()));
    put(136, 12, "00000000000");
    put(156, 1, "0");
    put(157, 100, "");
    put(257, 8, "ustar\u{0}00");
    put(265, BLOCK - 265, "");
    // Of the head with spaces in the place of the sum.
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\u{0} ");
    head.iter_mut().skip(148).zip(sum.bytes()).for_each(|(to, from)| *to = from);
    let mut archive = head.to_vec();
    archive.extend(bytes);
    archive.resize(archive.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    archive
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_carrier_was_built_and_names_no_folder_of_this_machine() {
        assert!(!PROGRAM.is_empty(), "{WHY}");
        let home = env!("CARGO_MANIFEST_DIR").as_bytes();
        assert!(!PROGRAM.windows(home.len()).any(|window| window == home));
    }

    #[test]
    fn tar_reads_the_archive() {
        let home = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar")
            .args(["xpf", "-", "-C"])
            .arg(home.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let archive = archive("carrier", b"#!/bin/sh\necho carried\n");
        std::io::Write::write_all(&mut tar.stdin.take().unwrap(), &archive).unwrap();
        assert!(tar.wait().unwrap().success());
        let said = Command::new(home.path().join("carrier")).output().unwrap();
        assert_eq!(said.stdout, b"carried\n");
    }
}
