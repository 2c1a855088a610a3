//! What the sieve does to packs that git made, and to what is none.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use git2::ObjectType;
use proptest::prelude::*;

use super::scene::{Scene, git};
use crate::git::pack::lines::Lines;
use crate::git::pack::sieve::{LeftOut, Refusal, Sieve};
use crate::git::pack::write::Pack;
use crate::git::pack::{Form, write_head};

/// A history of texts that are alike, so that git makes differences of them.
pub fn history(sizes: &[(usize, u8)]) -> Scene {
    let scene = Scene::new();
    let mut lines: Vec<String> = Vec::new();
    for (n, (size, seed)) in sizes.iter().enumerate() {
        lines.truncate(lines.len() / 2);
        let noise =
            |n: usize| format!("{:x}", (n + 1).wrapping_mul(usize::from(*seed) * 7919 + 13));
        lines.extend((0..*size).map(noise));
        scene.put(&format!("use/{}.txt", n % 3), &lines.join("\n"));
        scene.put("use/solution.yaml", &format!("kind: Solution\n# {n}\n"));
        scene.commit();
    }
    scene
}

/// A pack of everything, as upload-pack sends it.
fn packed(scene: &Scene, how: &str) -> Vec<u8> {
    let to = scene.folder.path().join("all.pack");
    let pack = "git -c core.bigFileThreshold=1g pack-objects --stdout --revs -q --window=10";
    scene.shell(&format!("echo main | {pack} {how} > {}", to.display()));
    std::fs::read(to).unwrap()
}

/// Feeds a pack in pieces.
fn sieve(limit: u64, pack: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<LeftOut>), Refusal> {
    let (mut sieve, mut out) = (Sieve::new(limit), Vec::new());
    for piece in pack.chunks(piece.max(1)) {
        sieve.feed(piece, &mut out)?;
    }
    let left_out = sieve.left_out().to_vec();
    if sieve.is_done() { Ok((out, left_out)) } else { Err(Refusal::Malformed) }
}

/// The objects that git finds in a pack, with their kinds and sizes.
fn objects(pack: &[u8]) -> BTreeMap<String, (String, u64)> {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "."]);
    index(folder.path(), pack);
    let format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
    let all = git(folder.path(), &["cat-file", "--batch-all-objects", format]);
    let words = all.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .map(|words| match words.as_slice() {
            [name, kind, size] => ((*name).to_owned(), ((*kind).to_owned(), size.parse().unwrap())),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn index(folder: &Path, pack: &[u8]) {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(["index-pack", "--stdin", "--threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(pack).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The same by libgit2.
fn indexed(pack: &[u8]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init_bare(folder.path()).unwrap();
    let odb = repository.odb().unwrap();
    let mut writer = odb.packwriter().unwrap();
    writer.write_all(pack).unwrap();
    writer.commit().unwrap();
    let mut count = 0;
    odb.foreach(|_| {
        count += 1;
        true
    })
    .unwrap();
    count
}

/// A pack of this history, let through with a limit of half its largest object.
fn exactly_what_is_too_large_is_missing(sizes: &[(usize, u8)], piece: usize, how: &str) {
    let pack = packed(&history(sizes), how);
    assert_eq!(sieve(u64::MAX, &pack, piece).unwrap().0, pack, "nothing is changed");

    let all = objects(&pack);
    let limit = all.values().map(|(_, size)| *size).max().unwrap() / 2;
    let (less, left_out) = sieve(limit, &pack, piece).unwrap();
    // A base by name may be one that was left out, which only a look at all of them shows.
    if how == BY_NAME && !left_out.is_empty() {
        return;
    }
    let found = objects(&less);
    assert_eq!(found.len(), all.len(), "as many as before");
    assert_eq!(indexed(&less), all.len(), "for libgit2 too");
    let missing: Vec<_> = all.iter().filter(|(id, _)| !found.contains_key(*id)).collect();
    assert_eq!(missing.len(), left_out.len());
    for (id, (kind, size)) in &all {
        // A whole commit, folder or tag has a limit of its own.
        let stays = found.contains_key(id);
        assert!(kind != "blob" || *size <= limit || !stays, "{kind} {id} of {size}");
        // Whole entries hang on nothing else.
        let goes = kind == "blob" && *size > limit;
        assert!(how != WHOLE || stays || goes, "{kind} {id} of {size}");
    }
    for LeftOut { id, size } in &left_out {
        let named = id.map(|id| all.get(&id.to_string()).map(|(_, size)| *size));
        assert!(named.is_none_or(|found| found == Some(*size)));
    }
}

const WHOLE: &str = "--window=0";
const BY_NAME: &str = "";
const BY_DISTANCE: &str = "--delta-base-offset";

#[test]
fn a_commit_is_let_through_although_it_is_larger_than_every_file() {
    for how in [WHOLE, BY_NAME, BY_DISTANCE] {
        exactly_what_is_too_large_is_missing(&[(1, 0), (1, 0)], 1, how);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn of_a_pack_exactly_what_is_too_large_is_missing(
        sizes in prop::collection::vec((1_usize..400, any::<u8>()), 2..8),
        piece in 1_usize..5000,
        how in prop::sample::select(&[WHOLE, BY_NAME, BY_DISTANCE][..]),
    ) {
        exactly_what_is_too_large_is_missing(&sizes, piece, how);
    }

    #[test]
    fn what_is_no_pack_is_refused_and_never_more(
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        piece in 1_usize..200,
    ) {
        let scene = history(&[(60, 1), (50, 2), (70, 3)]);
        let mut pack = packed(&scene, "--delta-base-offset");
        let whole = pack.len();
        for (at, byte) in &flips {
            let at = at.index(pack.len());
            pack[at] ^= byte;
        }
        pack.truncate(cut.index(whole + 1));
        for limit in [100, u64::MAX] {
            let _ = sieve(limit, &pack, piece);
            let (mut lines, mut out) = (Lines::new(Sieve::new(limit)), Vec::new());
            let _ = lines.feed(&pack, &mut out);
        }
    }

    #[test]
    fn noise_is_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for mut lines in [Lines::new(Sieve::new(10)), Lines::new(Sieve::new(u64::MAX))] {
            let _ = lines.feed(&bytes, &mut Vec::new());
            let _ = lines.feed(b"0006\x01x0000", &mut Vec::new());
        }
    }
}

#[test]
fn a_small_difference_to_something_large_is_left_out_with_all_that_hangs_on_it() {
    let mut pack = Pack::begin(Vec::new(), 4).unwrap();
    let places = [pack.place()];
    pack.object(ObjectType::Blob, b"small").unwrap();
    // Says that its base has 2 GiB.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x08, 5, 5, b'l', b'a', b'r', b'g', b'e'];
    let first = pack.place();
    delta(&mut pack, &huge, places[0]);
    // Says nothing bad of itself.
    delta(&mut pack, &[5, 5, 5, b'c', b'h', b'a', b'i', b'n'], first);
    delta(&mut pack, &[5, 5, 5, b'o', b't', b'h', b'e', b'r'], places[0]);
    let pack = pack.end().unwrap();
    let (less, left_out) = sieve(1 << 20, &pack, 7).unwrap();
    assert_eq!(left_out, [LeftOut { id: None, size: 5 }; 2]);
    let id = |text: &[u8]| git2::Oid::hash_object(ObjectType::Blob, text).unwrap().to_string();
    let found = objects(&less);
    assert!(found.contains_key(&id(b"other")) && !found.contains_key(&id(b"chain")));
}

fn delta(pack: &mut Pack<Vec<u8>>, bytes: &[u8], base: u64) {
    pack.head(Form::FromEntry, bytes.len() as u64, Some(base)).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(bytes).unwrap();
    let deflated = deflate.finish().unwrap();
    pack.bytes(&deflated).unwrap();
}

#[test]
fn a_commit_or_a_folder_beyond_all_bounds_is_refused_by_its_first_bytes() {
    for (kind, size) in [(ObjectType::Commit, 2 << 20), (ObjectType::Tree, 17 << 20)] {
        let mut start = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
        write_head(Form::Whole(kind), size, &mut start);
        let refused = Sieve::new(u64::MAX).feed(&start, &mut Vec::new());
        assert_eq!(refused, Err(Refusal::TooLarge { kind, size }));
    }
    let many = Sieve::new(u64::MAX).feed(b"PACK\0\0\0\x02\xff\0\0\0", &mut Vec::new());
    assert_eq!(many, Err(Refusal::TooManyObjects));
}

#[test]
fn a_server_is_never_asked_for_bases_that_may_be_missing_here() {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let id = "0".repeat(40);
    let offered = line(&format!("{id} HEAD\0multi_ack thin-pack side-band-64k ofs-delta\n"));
    let other = line(&format!("{id} refs/heads/thin-pack\n"));
    let mut out = Vec::new();
    let mut lines = Lines::new(Sieve::new(1));
    for byte in format!("{offered}{other}0000").bytes() {
        lines.feed(&[byte], &mut out).unwrap();
    }
    let kept = line(&format!("{id} HEAD\0multi_ack side-band-64k ofs-delta\n"));
    assert_eq!(String::from_utf8(out).unwrap(), format!("{kept}{other}0000"));
}
