//! What the keys of a map are and what each may hold: one description that judges files, makes
//! the JSON Schema for editors and writes the reference.

/// A map's keys.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    keys: Keys,
    /// Two keys of which one is needed.
    pub choice: Option<Choice>,
    /// Words reserved for later, each with the present way (or an empty text).
    pub later: &'static [(&'static str, &'static str)],
    /// Words of other people's files.
    pub foreign: &'static [Foreign],
}

/// A word of somebody else's file.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// The word as it is written there.
    pub word: &'static str,
    /// Whose it is, and what is written here.
    pub says: &'static str,
    /// What becomes of it.
    pub means: Means,
}

/// What a word of somebody else's file is here.
#[derive(Clone, Copy, Debug)]
pub enum Means {
    /// The value of another key of the same map, or of a map in it: `gallery.emoji`.
    Key(&'static str),
    /// Nothing: it can go, if its value is one of these words or, where there are none, whatever
    /// it says.
    Nothing(&'static [&'static str]),
    /// What only a person can say otherwise.
    Other,
}

#[derive(Clone, Copy, Debug)]
enum Keys {
    Named(&'static [&'static str]),
    Described(&'static [Field]),
}

/// Two keys of which a map needs one.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The first of the two keys.
    pub one: &'static str,
    /// The second of the two keys.
    pub other: &'static str,
    /// Why not both, if so.
    pub why_not_both: Option<&'static str>,
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key as it is written in the file.
    pub name: &'static str,
    /// What its value may be.
    pub form: Form,
    /// What it says, in a sentence or two for somebody who never saw the file.
    pub about: &'static str,
    /// Whether a map without this key is a fault.
    pub required: bool,
    /// Whether `null` may be written, which is then the default.
    pub nullable: bool,
    /// What holds when the key is absent: YAML, or words in parentheses.
    pub default: Option<&'static str>,
    /// A right value, as YAML.
    pub example: Option<&'static str>,
}

/// What a value may be, apart from what other values say about it.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Whatever the reader of the value makes of it.
    Any,
    /// Text in a form of its own, which `about` describes.
    Text,
    /// The same, with a pattern (ECMA 262) that every right text has: for editors, which tell some
    /// of the wrong ones by it.
    Like(&'static str),
    /// One line of 1 to so many characters.
    Line(usize),
    /// One of some words.
    Word(&'static [&'static str]),
    /// `true` or `false`, in lower case.
    Bool,
    /// A whole number between two bounds, both allowed.
    Whole(u64, u64),
    /// A number, also with a fraction. Its reader knows the bounds.
    Number,
    /// An amount as Kubernetes writes it; a number needs no quotes.
    Quantity,
    /// A duration as the Gateway API writes it, between two bounds in seconds, both allowed.
    Duration(u64, u64),
    /// At most so many of a form.
    List(&'static Form, usize),
    /// A map with these keys and no others.
    Map(&'static Schema),
    /// At most so many entries whose keys are the author's own.
    Free(&'static Form, usize),
    /// At most so many amounts by the name of a resource: `cpu`, `memory`, `ephemeral-storage`,
    /// or a device such as `nvidia.com/gpu`.
    Amounts(usize),
    /// One of some words, or at most so many of a form.
    WordOrList(&'static [&'static str], &'static Form, usize),
}

impl Schema {
    /// A map with these keys, of which nothing more is told.
    pub const fn of(keys: &'static [&'static str]) -> Self {
        Self { keys: Keys::Named(keys), choice: None, later: &[], foreign: &[] }
    }

    /// A map with these fields.
    pub const fn described(fields: &'static [Field]) -> Self {
        Self { keys: Keys::Described(fields), choice: None, later: &[], foreign: &[] }
    }

    /// The same map with words reserved for later.
    pub const fn reserving(self, later: &'static [(&'static str, &'static str)]) -> Self {
        Self { later, ..self }
    }

    /// The same map with words of other people's files.
    pub const fn translating(self, foreign: &'static [Foreign]) -> Self {
        Self { foreign, ..self }
    }

    /// The same map, which needs one key or the other.
    pub const fn needing(self, one: &'static str, other: &'static str) -> Self {
        Self { choice: Some(Choice { one, other, why_not_both: None }), ..self }
    }

    /// The same map, which needs one key or the other and takes not both.
    pub const fn choosing(
        self,
        one: &'static str,
        other: &'static str,
        why_not_both: &'static str,
    ) -> Self {
        Self { choice: Some(Choice { one, other, why_not_both: Some(why_not_both) }), ..self }
    }

    /// The allowed keys, in the order in which they are told.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let (named, described): (&[&str], &[Field]) = match self.keys {
            Keys::Named(named) => (named, &[]),
            Keys::Described(fields) => (&[], fields),
        };
        named.iter().copied().chain(described.iter().map(|field| field.name))
    }

    /// What is told of the keys.
    pub fn fields(&self) -> &'static [Field] {
        match self.keys {
            Keys::Named(_) => &[],
            Keys::Described(fields) => fields,
        }
    }

    /// Whether a key must be there.
    pub(super) fn requires(&self, name: &str) -> bool {
        self.fields().iter().any(|field| field.name == name && field.required)
    }

    /// What the value of a key may be.
    pub(super) fn form(&self, name: &str) -> Form {
        let field = self.fields().iter().find(|field| field.name == name);
        field.map_or(Form::Any, |field| field.form)
    }
}

impl Field {
    /// A key that may be absent.
    pub const fn new(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, form, about, required: false, nullable: false, default: None, example: None }
    }

    /// The same key, which must be there.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same key, for which `null` may be written.
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The same key with what holds when it is absent.
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The same key with a right value.
    pub const fn example(self, example: &'static str) -> Self {
        Self { example: Some(example), ..self }
    }
}
