//! V01xx: files, and YAML itself.

use super::codes;
use super::page::Example::{Shown, Solution, Spec};
use crate::model::Party::{self, Author, Operator};

/// It depends on whose file it is.
const WRITER: &[Party] = &[Author, Operator];

codes! { FILES;
    TOO_LARGE = "V0101": "the file is too large", WRITER,
    "`solution.yaml` and `platform.yaml` may hold 256 KiB. A file above that is not read at all, so that nobody can fill the daemon's memory with it.",
    wrong Shown("use/solution.yaml   100 MB, with the model's weights pasted into `env`"),
    right Shown("use/solution.yaml   2 KB; the weights lie in the image");

    NOT_UTF8 = "V0102": "the file is not UTF-8", WRITER,
    "Text here is UTF-8. The file has a byte that is not, often an umlaut that an old editor saved as Latin-1.",
    wrong Shown("title: Pr\\xfcfstand        saved as ISO 8859-1"),
    right Shown("title: Prüfstand        saved as UTF-8");

    UTF16 = "V0103": "the file is UTF-16", WRITER,
    "The file is text with two bytes a character, as some Windows editors save it. Save it again as UTF-8.",
    wrong Shown("a\\0p\\0i\\0V\\0e\\0r\\0s\\0i\\0o\\0n\\0"),
    right Shown("apiVersion");

    BINARY = "V0104": "the file is binary", WRITER,
    "The file holds a NUL byte, so it is no text. Something else was probably saved under this name.",
    wrong Shown("use/solution.yaml   a zip archive"),
    right Shown("use/solution.yaml   text");

    CONTROL_CHARACTER = "V0105": "a control character", WRITER,
    "The file holds an invisible character that does nothing good in text, such as DEL or a bell. It came by copy and paste; delete it and type the line again.",
    wrong Shown("title: Vision\\x7f demo"),
    right Shown("title: Vision demo");

    BYTE_ORDER_MARK = "V0106": "a byte order mark inside the file", WRITER,
    "An invisible mark (U+FEFF) is fine as the first character of a file and nowhere else. It appears inside when two files were pasted together.",
    wrong Shown("kind: Solution\\u{feff}"),
    right Shown("kind: Solution");

    BIDI_CONTROL = "V0107": "a character that changes the direction of writing", WRITER,
    "Such an invisible character can make a line look different from what it says, which would deceive the reviewer. Text in Arabic or Hebrew needs none of them.",
    wrong Shown("image: registry.example/\\u{202e}live/lab"),
    right Shown("image: registry.example/lab/evil");

    SYNTAX = "V0108": "not YAML", WRITER,
    "The file cannot be read as YAML from the marked place on: a bracket or a quotation mark that is not closed, a tab as indentation, a line that stands too far left.",
    wrong Spec("command: [python, serve.py"),
    right Spec("command: [python, serve.py]");

    SEVERAL_DOCUMENTS = "V0109": "more than one YAML document", WRITER,
    "A line `---` begins a second document. One file says one thing; give each solution a folder of its own.",
    wrong Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}\n---\nkind: Solution\nmetadata: {name: another}"),
    right Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}");

    DIRECTIVE = "V0110": "a YAML directive", WRITER,
    "A line that begins with `%` tells a YAML reader how to read. All files here are read alike, as YAML 1.2; delete the line.",
    wrong Solution("%YAML 1.1\n---\napiVersion: vitrine.dev/v1alpha1"),
    right Solution("apiVersion: vitrine.dev/v1alpha1");

    EMPTY = "V0111": "the file is empty", WRITER,
    "The file holds nothing, or only comments. To remove a solution delete its folder; an empty file is taken for a mistake and changes nothing.",
    wrong Solution("# to do\n"),
    right Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Solution");

    ANCHOR = "V0112": "a YAML anchor", WRITER,
    "An anchor (`&name`) lets a file repeat a part of itself by reference. It is refused because a reviewer should read what is meant where it stands, and because a few nested ones can unfold to gigabytes.",
    wrong Spec("readinessProbe: &probe {tcpSocket: {}}"),
    right Spec("readinessProbe: {tcpSocket: {}}");

    ALIAS = "V0113": "a YAML alias", WRITER,
    "An alias (`*name`) stands for a part of the file that was given a name elsewhere. Write the value itself.",
    wrong Spec("livenessProbe: *probe"),
    right Spec("livenessProbe: {tcpSocket: {}}");

    MERGE_KEY = "V0114": "a YAML merge key", WRITER,
    "`<<` mixes the keys of another map into this one, which YAML 1.2 no longer has. Write the keys out; components inherit from `spec` anyway.",
    wrong Spec("env: {<<: {LOG: info}, MODE: fast}"),
    right Spec("env: {LOG: info, MODE: fast}");

    TAG = "V0115": "a YAML tag", WRITER,
    "A tag (`!!str`, `!mine`) tells the reader which type a value has. The type is known here from the key; put text into quotation marks instead.",
    wrong Spec("env: {WINDOW: !!str 60}"),
    right Spec("env: {WINDOW: \"60\"}");

    DUPLICATE_KEY = "V0116": "a key stands twice", WRITER,
    "The same key stands twice in one map. Some readers take the first, some the last, so neither is taken.",
    wrong Spec("port: 8080\nport: 9090"),
    right Spec("port: 9090");

    KEY_NOT_TEXT = "V0117": "a key is not a word", WRITER,
    "A key is a list, a map or nothing at all. Keys are plain words here; often a `{` or `[` is where quotation marks should be.",
    wrong Spec("env: {[MODE]: fast}"),
    right Spec("env: {MODE: fast}");

    TOO_DEEP = "V0118": "lists and maps nest too deep", WRITER,
    "Lists and maps stand in each other deeper than any field needs. Such a file was made by a program, or to hurt one.",
    wrong Shown("a: [[[[[[[[[[[[[[[[[[[[ ... 10 000 times"),
    right Spec("command: [python, serve.py]");

    TOO_MANY_NODES = "V0119": "too many keys and values", WRITER,
    "The file has more keys and values than any solution needs. Data belongs into a file that is mounted, or into the image.",
    wrong Shown("args: [1, 1, 1, 1, ... 30 000 times"),
    right Spec("args: [--data, /data/points.csv]");

    MISSPELT_FILE = "V0120": "`solution.yaml` under another spelling", &[Author],
    "A file is called nearly like `solution.yaml` and would be overlooked. The name is exactly that: lower case, `.yaml`, one of it.",
    wrong Shown("use/Solution.yml"),
    right Shown("use/solution.yaml");

    SYMBOLIC_LINK = "V0121": "a symbolic link", &[Author],
    "A link in a solution's folder, or between the solutions. Links are never followed, because they could point out of the repository; put the file itself there.",
    wrong Shown("use/configs/model.yaml -> ../../shared/model.yaml"),
    right Shown("use/configs/model.yaml    a file of its own");

    SUBMODULE = "V0122": "a submodule", &[Author],
    "The folder is a reference to another repository, whose contents this commit does not hold. Also said of a folder with a `.git` of its own, which Git would commit as one. Put the files themselves there.",
    wrong Shown("use/vendor @ 4be1f02    a submodule"),
    right Shown("use/vendor/...           plain files");

    NAME_NOT_UTF8 = "V0123": "a file name that is not UTF-8", &[Author],
    "The name of a file has bytes that are not UTF-8, often an umlaut from an old archive. Programs would disagree on what it is called; rename it.",
    wrong Shown("use/Pr\\xfcfung.md"),
    right Shown("use/Pruefung.md");

    LOST_SOLUTION = "V0124": "a folder that lost its `solution.yaml`", &[Author],
    "The folder has what a solution has (a README, examples, pictures) and no `solution.yaml`. It may have been deleted or renamed by mistake, so what runs under this name is kept. A folder that should be no solution begins with `_`.",
    wrong Shown("use/README.md\nuse/examples/embed.json"),
    right Shown("use/solution.yaml\nuse/README.md\nuse/examples/embed.json");

    NESTED_TOO_DEEP = "V0125": "a solution below more than three groups", &[Author],
    "Folders that are no solutions are groups, and groups nest at most three deep. Move the solution's folder up.",
    wrong Shown("a/b/c/d/use/solution.yaml"),
    right Shown("a/b/c/use/solution.yaml");

    NESTED_SOLUTION = "V0126": "a solution inside a solution", &[Author],
    "A solution's folder belongs to it with everything below. A second `solution.yaml` inside would be a file of the outer one and a solution at the same time.",
    wrong Shown("use/solution.yaml\nuse/large/solution.yaml"),
    right Shown("use/solution.yaml\nuse-large/solution.yaml");

    TOO_MANY_FILES = "V0127": "too much in one solution's folder", &[Author],
    "A solution's folder may hold 1000 files and folders, 32 MiB of files up to 512 KiB each, 32 folders within folders, and no file above 16 MiB. So one folder cannot stop the reading of the others, and memory does not follow what is committed. Git may keep a small file as a difference to a large one of the history; where that is told, commit the file anew with a changed line. Data and models belong into an image.",
    wrong Shown("use/solution.yaml\nuse/training-data/    10 000 files"),
    right Shown("use/solution.yaml\nuse/examples/         3 files");

    NOT_A_FILE = "V0128": "neither a file nor a folder", &[Author],
    "A device, a socket or a pipe lies where files should. Git cannot commit one, so it is only met when a folder is judged on a disk. It is never opened.",
    wrong Shown("use/app.sock    a socket that a server left behind"),
    right Shown("use/            files and folders");

    TOO_MANY_FAULTS = "V0129": "more faults than are told", WRITER,
    "The file has more than a hundred faults. The first hundred are told, in the order of the file, and this one says how many there are. Such a file was mostly broken as a whole: by a wrong indent, or by a file of another kind under its name.",
    wrong Shown("use/solution.yaml    9000 unknown keys"),
    right Shown("use/solution.yaml    the keys of docs/manifest.md");

    LFS_POINTER = "V0130": "a pointer of Git LFS", WRITER,
    "The repository holds three lines that say where Git LFS keeps the file, not the file. vitrine reads what Git holds, so it would judge, show or mount the pointer. Small files belong into Git itself, data and models into an image.",
    wrong Shown("use/configs/model.yaml    version https://git-lfs.github.com/spec/v1"),
    right Shown("use/configs/model.yaml    its text");
}
