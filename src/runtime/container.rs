//! The words by which a runtime starts a container as the platform would.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::find::{Runtime, Sort};
use super::leftover::LABEL;
use vitrine_core::model::{Quantity, Quoted};
use vitrine_core::render::container::Container;

/// The processes that a container may have: nodes allow some thousand, and no demonstrator needs
/// them.
const PROCESSES: u32 = 1024;

/// The variables that Docker fills with the proxies of its user, unless they are given.
const PROXIES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "ftp_proxy",
    "FTP_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// What both containers of a trial may not do.
fn bound(runtime: &Runtime, trial: &str, name: &str) -> Vec<String> {
    let mut words: Vec<String> = [
        "--pull=never",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        &format!("--label={LABEL}={trial}"),
        &format!("--name={name}"),
    ]
    .map(str::to_owned)
    .into();
    words.extend(runtime.ulimits());
    if runtime.sort() == Sort::Podman {
        // Else a container is told this machine's proxies, with their passwords.
        words.push("--http-proxy=false".to_owned());
    }
    words
}

/// A root that nobody writes to. Podman would lay writable folders over it.
fn read_only(runtime: &Runtime) -> Vec<String> {
    let mut words = vec!["--read-only".to_owned()];
    if runtime.sort() == Sort::Podman {
        words.push("--read-only-tmpfs=false".to_owned());
    }
    words
}

/// The carrier, with a network that leads nowhere.
pub fn carrier(runtime: &Runtime, trial: &str, name: &str, image: &str) -> Vec<String> {
    let mut words: Vec<String> = [
        "run",
        "--rm",
        "--interactive",
        "--network=none",
        "--log-driver=none",
        "--user=65534:65534",
    ]
    .map(str::to_owned)
    .into();
    words.extend(bound(runtime, trial, name));
    words.extend(read_only(runtime));
    words.push(image.to_owned());
    words
}

/// The tried container, in the network of the carrier. `files` says where its files lie here.
pub fn tried(
    runtime: &Runtime,
    trial: &str,
    names: (&str, &str),
    container: &Container,
    files: &BTreeMap<String, PathBuf>,
) -> Vec<String> {
    let (name, carrier) = names;
    let mut words = vec!["create".to_owned(), format!("--network=container:{carrier}")];
    words.push(format!("--pids-limit={PROCESSES}"));
    words.extend(bound(runtime, trial, name));
    if container.read_only {
        words.extend(read_only(runtime));
    }
    if let Some(memory) = container.memory {
        // No swap, as on a node.
        let bytes = memory.whole();
        words.extend([format!("--memory={bytes}"), format!("--memory-swap={bytes}")]);
    }
    let cores = std::thread::available_parallelism().ok();
    let cores = cores.and_then(|cores| u32::try_from(cores.get()).ok()).map(Quantity::count);
    if let Some(cpu) = container.cpu
        && cores.is_none_or(|cores| cpu < cores)
    {
        // More than there are is refused, and no bound.
        words.push(format!("--cpus={}", cpu.as_f64()));
    }
    if runtime.sort() == Sort::Docker {
        let unsaid =
            PROXIES.iter().filter(|name| !container.env.iter().any(|(given, _)| given == *name));
        words.extend(unsaid.map(|name| format!("--env={name}=")));
    }
    for (name, value) in &container.env {
        words.push(format!("--env={name}={value}"));
    }
    for (path, size) in &container.scratch {
        let size = size.map(|size| format!(",size={}", size.whole())).unwrap_or_default();
        // An empty folder, whatever the image has there.
        let empty = if runtime.sort() == Sort::Podman { ",notmpcopyup" } else { "" };
        words.push(format!("--tmpfs={path}:rw,exec,mode=1777{size}{empty}"));
    }
    for (path, file) in files {
        words.push(format!("--volume={}:{path}:ro,z", file.display()));
    }
    for (path, image) in &container.images {
        words.push(format!("--mount=type=image,source={image},target={path}"));
    }
    let mut rest = container.command.iter();
    if let Some(entry) = rest.next() {
        words.push(format!("--entrypoint={entry}"));
    }
    words.push(container.image.clone());
    words.extend(rest.chain(&container.args).cloned());
    words
}

/// Lays the files of a container into a folder, where its runtime finds them.
pub fn lay(container: &Container, folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut files = BTreeMap::new();
    for (number, (path, bytes)) in container.files.iter().enumerate() {
        let file = folder.join(number.to_string());
        std::fs::write(&file, bytes)?;
        // As of a ConfigMap: whoever it runs as may read it.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        files.insert(path.clone(), file);
    }
    // The folder itself is for us alone, but what leads to it must let the runtime through.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
    Ok(files)
}

/// How many paths that it wrote are told at most.
const MOST_WROTE: usize = 1000;

/// What runtimes write into every container.
const THEIRS: [&str; 8] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/mtab",
    "/run/.containerenv",
    "/.dockerenv",
];

/// What a container wrote into its image, of the lines of `diff`: the topmost of what is new, and
/// the files that changed. Not what its runtime wrote, and no place at which something is mounted.
pub fn wrote(said: &str, container: &Container) -> Vec<Quoted> {
    let lines: Vec<(&str, &str)> =
        said.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let mounts: Vec<&str> = container
        .scratch
        .keys()
        .chain(container.files.keys())
        .chain(container.images.keys())
        .map(String::as_str)
        .chain(THEIRS)
        .collect();
    let is_above = |path: &str, other: &str| {
        path == "/" || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_theirs = |path: &str| {
        let system =
            ["/proc", "/sys", "/dev"].iter().any(|top| *top == path || is_above(top, path));
        system || mounts.iter().any(|mount| *mount == path || is_above(path, mount))
    };
    // A program may have written a hundred thousand files: each is looked up, and never searched.
    let own: Vec<_> = lines.iter().filter(|(_, path)| !is_theirs(path)).collect();
    let new: HashSet<&str> = own.iter().filter(|(how, _)| *how == "A").map(|(_, p)| *p).collect();
    let above: HashSet<&str> = lines.iter().flat_map(|(_, path)| parents(path)).collect();
    let is_topmost = |(how, path): &&&(&str, &str)| {
        let is_new = *how == "A";
        (is_new || !above.contains(path)) && !parents(path).any(|parent| new.contains(parent))
    };
    own.iter().filter(is_topmost).take(MOST_WROTE).map(|(_, path)| Quoted::of(path)).collect()
}

/// The folders that a path lies in, `/` not among them.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter(|(at, _)| *at > 0).filter_map(|(at, _)| path.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_wrote_is_told_by_its_topmost_folder() {
        let container = Container {
            scratch: BTreeMap::from([("/cache/models".to_owned(), None)]),
            files: BTreeMap::from([("/app/config.yaml".to_owned(), Vec::new())]),
            ..Container::default()
        };
        let told = |said: &str| -> Vec<String> {
            wrote(said, &container).iter().map(ToString::to_string).collect()
        };
        assert_eq!(told(""), [""; 0]);
        assert_eq!(
            told(
                "C /etc\nA /etc/passwd\nA /etc/group\nA /cache\nA /cache/models\nC /app\n\
                 A /app/config.yaml\nA /run/.containerenv\nC /dev\n"
            ),
            [""; 0]
        );
        assert_eq!(
            told("C /etc\nC /etc/app.conf\nA /data\nA /data/a\nA /data/a/b\nC /var\nD /var/x\n"),
            ["/etc/app.conf", "/data", "/var/x"]
        );
        assert_eq!(told("A /da\u{1b}[31mta\n"), ["/data"]);
        // Files in a folder that the image has: as many as a megabyte holds, in no time.
        let many: String = (0..50_000).map(|n| format!("A /tmp/{n}\n")).collect();
        let begun = std::time::Instant::now();
        assert_eq!(told(&format!("C /tmp\n{many}")).len(), MOST_WROTE);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
