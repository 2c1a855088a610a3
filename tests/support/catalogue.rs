//! A catalogue in a Git repository, changed by the git program as people do.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use vitrine_core::model::Revision;

/// A repository with a work tree.
pub struct Catalogue {
    folder: TempDir,
}

impl Catalogue {
    /// The example catalogue, committed once.
    pub fn example() -> Self {
        let catalogue = Self::empty();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
        run(Command::new("cp")
            .arg("-r")
            .arg(format!("{}/.", from.display()))
            .arg(catalogue.path()));
        catalogue.commit("The example catalogue");
        catalogue
    }

    /// The platform file of the example and these solutions, each one small service.
    pub fn of(names: &[&str]) -> Self {
        let catalogue = Self::empty();
        let platform = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/platform.yaml");
        std::fs::copy(platform, catalogue.path().join("platform.yaml")).unwrap();
        for name in names {
            catalogue.write(&format!("{name}/solution.yaml"), &minimal(name));
        }
        catalogue.commit("Some solutions");
        catalogue
    }

    fn empty() -> Self {
        let catalogue = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(catalogue.path()).unwrap();
        catalogue.git(&["init", "-q", "-b", "main"]);
        catalogue.git(&["config", "user.name", "An Author"]);
        catalogue.git(&["config", "user.email", "author@example.org"]);
        catalogue
    }

    /// The repository, with its work tree.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("catalogue")
    }

    /// Where the daemon may keep its mirror.
    pub fn mirror(&self, of: &str) -> PathBuf {
        self.folder.path().join(format!("mirror-{of}"))
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces text in a file; it must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    pub fn remove(&self, folder: &str) {
        std::fs::remove_dir_all(self.path().join(folder)).unwrap();
    }

    /// Commits everything that changed.
    pub fn commit(&self, message: &str) -> Revision {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.head()
    }

    pub fn head(&self) -> Revision {
        Revision::parse(self.git(&["rev-parse", "HEAD"]).trim()).unwrap()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        run(Command::new("git").arg("-C").arg(self.path()).args(arguments))
    }
}

/// The smallest solution that the example's platform publishes.
pub fn minimal(name: &str) -> String {
    format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata:\n  name: {name}\nspec:\n  image: {}\n",
        image('a')
    )
}

/// An image of the example's registry with a digest of this digit.
pub fn image(digit: char) -> String {
    format!("registry.example/lab/demo:1.0.0@sha256:{}", digit.to_string().repeat(64))
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
