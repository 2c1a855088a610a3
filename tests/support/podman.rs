//! A real Podman with a storage of its own, and images of one static program in it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The image of a well-behaved author, and that of one who wrote no `USER`.
pub const IMAGE: &str = "localhost/lab/demonstrator:1";
pub const ROOT: &str = "localhost/lab/as-root:1";
/// One that no processor here can run.
pub const FOREIGN: &str = "localhost/lab/foreign:1";

/// A runtime of this test run, with a storage of its own.
pub struct Podman {
    folder: PathBuf,
    /// Its standard input is what keeps the storage.
    watch: Child,
}

/// `$1` is the folder. A container is in no process group of ours: what a failed test left is
/// removed by its runtime, whatever ended the tests, and only then the folder.
const WATCH: &str = r#"trap "" HUP INT TERM
cat >/dev/null
"$1/bin/podman" rm --force --all --depend --time 0 >/dev/null 2>&1
"$1/bin/podman" rm --force --all --time 0 >/dev/null 2>&1
rm -rf -- "$1" || rm -rf -- "$1""#;

impl Podman {
    /// The one of all tests, with its images.
    pub fn shared() -> &'static Self {
        static PODMAN: OnceLock<Podman> = OnceLock::new();
        PODMAN.get_or_init(Self::alone)
    }

    /// One that nobody else uses, to see all that lies in it.
    pub fn alone() -> Self {
        let podman = Self::start();
        podman.load();
        podman
    }

    fn start() -> Self {
        let real = std::env::var_os("PATH").unwrap_or_default();
        let real = std::env::split_paths(&real).map(|folder| folder.join("podman"));
        let real = real
            .into_iter()
            .find(|program| program.is_file())
            .unwrap_or_else(|| panic!("there is no podman; Debian: apt-get install podman runc"));
        let folder = tempfile::tempdir().unwrap().keep();
        let bin = folder.join("bin");
        std::fs::create_dir(&bin).unwrap();
        // Nothing of this machine's own containers is seen or touched, nor waited for: without a word
        // the locks of all storages of a user lie in one piece of shared memory, where one runtime
        // that hangs stops all others.
        let conf = folder.join("containers.conf");
        std::fs::write(&conf, "[engine]\nlock_type = \"file\"\n").unwrap();
        let text = format!(
            "#!/bin/sh\nexport CONTAINERS_CONF={at}/containers.conf\n\
             exec {} --root {at}/root --runroot {at}/run --tmpdir {at}/tmp \
             --storage-driver vfs --cgroup-manager cgroupfs --events-backend none \"$@\"\n",
            real.display(),
            at = folder.display()
        );
        write_program(&bin.join("podman"), text.as_bytes());
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch"]).arg(&folder).process_group(0);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.spawn().unwrap();
        Self { folder, watch }
    }

    /// `PATH` with this runtime before all others.
    pub fn path(&self) -> String {
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", self.folder.join("bin").display())
    }

    /// The same, and after this call of it, such as `wait`, it is silent for so many seconds more, as
    /// on a busy machine.
    pub fn late(&self, call: &str, seconds: u32) -> String {
        let folder = self.folder.join(format!("late-{call}-{seconds}"));
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "#!/bin/sh\n\"{}/bin/podman\" \"$@\"\ncode=$?\n\
             if [ \"$1\" = {call} ]; then sleep {seconds}; fi\nexit $code\n",
            self.folder.display()
        );
        write_program(&folder.join("podman"), text.as_bytes());
        format!("{}:{}", folder.display(), self.path())
    }

    /// Every container, with its state.
    pub fn listed(&self) -> String {
        self.says(&["ps", "--all", "--format", "{{.Names}} {{.Status}}"])
    }

    /// What a call writes to stdout.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> String {
        let ended = Command::new(self.folder.join("bin/podman")).args(words).output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "podman {words:?}: {err}");
        String::from_utf8_lossy(&ended.stdout).into_owned()
    }

    fn load(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        let rootfs = self.folder.join("rootfs");
        std::fs::create_dir(&rootfs).unwrap();
        write_program(&rootfs.join("app"), program());
        // A folder that its author meant to be written to.
        let data = rootfs.join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
        self.import(&rootfs, IMAGE, &["USER 10001", "CMD [\"well\"]"]);
        self.import(&rootfs, ROOT, &["CMD [\"well\"]"]);
        // The head of a program for a processor that no machine has.
        let mut foreign = program().to_vec();
        foreign[18] = 0xfe;
        foreign[19] = 0xca;
        write_program(&rootfs.join("app"), &foreign);
        self.import(&rootfs, FOREIGN, &["USER 10001"]);
    }

    fn import(&self, rootfs: &Path, image: &str, changes: &[&str]) {
        let mut tar = Command::new("tar")
            .arg("cf")
            .arg("-")
            .arg("-C")
            .arg(rootfs)
            .args(["app", "data"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut import = Command::new(self.folder.join("bin/podman"));
        import.args(["import", "--quiet", "--change", "ENTRYPOINT [\"/app\"]"]);
        changes.iter().for_each(|change| _ = import.args(["--change", change]));
        import.args(["-", image]).stdin(tar.stdout.take().unwrap()).stdout(Stdio::null());
        assert!(import.status().unwrap().success(), "{image}");
        assert!(tar.wait().unwrap().success());
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// The program of every image, without anything that it would need beside it.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("app");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/try_/demonstrator.rs");
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-C", "target-feature=+crt-static"]);
        rustc.args(["-C", "strip=symbols", "-C", "opt-level=1"]).arg(source).arg("-o").arg(&to);
        let ended = rustc.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        std::fs::read(to).unwrap()
    })
}

fn write_program(file: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, bytes).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
