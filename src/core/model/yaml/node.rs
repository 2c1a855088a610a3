//! A file as it was read: values with their places, and what is wrong with it as YAML.

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// How deep lists and maps may nest.
pub const MAX_DEPTH: usize = 32;

/// How many keys and values a file may hold.
pub const MAX_NODES: usize = 20_000;

/// A place in a text: 1-based lines and columns (in characters), the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The line on which it begins.
    pub line: u32,
    /// Its first character on `line`.
    pub column: u32,
    /// The line on which it ends.
    pub end_line: u32,
    /// The character after its last one, on `end_line`.
    pub end_column: u32,
}

impl Span {
    /// The first line of a file, for what has no place of its own.
    pub const START: Self = Self { line: 1, column: 1, end_line: 1, end_column: 2 };

    /// One character.
    pub fn point(line: u32, column: u32) -> Self {
        Self { line, column, end_line: line, end_column: column.saturating_add(1) }
    }
}

/// A value together with the place where a person wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was made of the text at that place.
    pub value: T,
    /// The place in the file.
    pub at: Span,
}

/// A value of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The place of the value; of a list or a map, from its start to its end.
    pub at: Span,
    /// The value itself.
    pub value: Value,
}

/// What a value is by the core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing where a value could stand.
    Null,
    /// An unquoted `true` or `false`, also `True` and `TRUE`.
    Bool(bool),
    /// A whole number as it was written.
    Integer(String),
    /// A number that is not whole, as it was written.
    Float(String),
    /// Text in quotes or in a block, or a word that is none of the others; escapes are resolved.
    Text(String),
    /// The items in the order of the file.
    List(Vec<Node>),
    /// In the order of the file; no key twice.
    Map(Vec<(Key, Node)>),
    /// Already reported by a [`Finding`] (an alias, for example): nothing more to say about it.
    Broken,
}

/// The key of a map, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key without its quotes.
    pub text: String,
    /// The place of the key, without that of its value.
    pub at: Span,
}

/// A file that was read: what could be understood, and what is wrong with it as YAML.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Absent when the file is not YAML at all (then there is a finding that says why).
    pub root: Option<Node>,
    /// What is wrong, by place; empty for a right file.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with a file as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, as a class.
    pub problem: Problem,
    /// Where the mark is put.
    pub at: Span,
    /// What was found, in one sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<&'static str>,
}

/// What can be wrong with a file as YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More bytes than [`MAX_BYTES`].
    TooLarge,
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// Encoded as UTF-16.
    Utf16,
    /// A NUL byte.
    Binary,
    /// A pointer of Git LFS instead of the file.
    LfsPointer,
    /// An invisible control character that is neither a tab nor a line break.
    ControlCharacter,
    /// A byte order mark that is not the first character.
    ByteOrderMark,
    /// A character that changes the direction of writing.
    BidiControl,
    /// The parser does not understand the text.
    Syntax,
    /// A second document begins in the file.
    SeveralDocuments,
    /// A line such as `%YAML 1.2`.
    Directive,
    /// No document is in the file.
    Empty,
    /// A name for a value: `&name`.
    Anchor,
    /// A value by its name: `*name`.
    Alias,
    /// The key `<<`.
    MergeKey,
    /// A type that is written out: `!!str`.
    Tag,
    /// A key that its map has already.
    DuplicateKey,
    /// A key that is empty, a list or a map.
    KeyNotText,
    /// Lists and maps deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More keys and values than [`MAX_NODES`].
    TooManyNodes,
}

impl Node {
    /// The same value in JSON. A number that JSON cannot hold becomes text.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Broken => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(raw) | Value::Float(raw) => {
                let integer = raw.parse::<i64>().ok().map(serde_json::Value::from);
                let number = || raw.parse::<f64>().ok().map(serde_json::Value::from);
                integer.or_else(number).unwrap_or_else(|| raw.as_str().into())
            }
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect()
            }
        }
    }

    /// What the value is, for a sentence: ``the text `3` ``, `a list`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Broken => "something unreadable",
        }
    }
}
