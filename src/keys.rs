//! What a kind lets a recipe say, and what a recipe said.
//!
//! Every kind of encoder, head, objective, corpus format, weighting and optimizer declares its
//! [`Key`]s here once. The checker, its nearest-name hints, `auxdesk list` and the writer of
//! resolved recipes all read that declaration, and a kind reads its [`Values`] with getters that
//! cannot fail, because the checker has been there.

pub(crate) mod describe;
mod value;

pub use value::{Located, Place, Value, Values};

/// One key that a table of a recipe may have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key, as a recipe spells it.
    pub name: &'static str,
    /// The values it takes.
    pub takes: Takes,
    /// What holds when a recipe is silent.
    pub default: DefaultValue,
    /// One line for `auxdesk list`: lower case, no full stop.
    pub about: &'static str,
    /// Whether it can be changed while training runs.
    pub live: bool,
}

impl Key {
    /// A key that a recipe must give.
    pub const fn required(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Required, about, live: false }
    }

    /// A key that may be absent, which then means something of its own.
    pub const fn optional(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Absent, about, live: false }
    }

    /// A key with a default, written as TOML.
    pub const fn with_default(
        name: &'static str,
        takes: Takes,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, takes, default: DefaultValue::Toml(default), about, live: false }
    }

    /// The same key, changeable while training runs.
    #[must_use]
    pub const fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

/// What holds when a recipe is silent about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// Silence is a fault.
    Required,
    /// Silence has a meaning of its own.
    Absent,
    /// This TOML value.
    Toml(&'static str),
}

/// The most that a recipe may count to: what is more than a thousand million is a slip, and products
/// of two such still fit.
pub const MOST: u64 = 1_000_000_000;

/// The greatest number that a recipe may say: journals keep numbers as `f32`, and have no infinity.
pub const GREATEST: f64 = f32::MAX as f64;

/// The values that a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// `true` or `false`.
    Switch,
    /// A whole number of at least this, and at most [`MOST`].
    Count(u64),
    /// Any whole number of at least 0.
    Seed,
    /// A finite number between these, both included; a whole number counts as one.
    Number(f64, f64),
    /// Any string.
    Text,
    /// A string that names a file: `sample:PATH` or a path, resolved against the recipe's folder.
    Path,
    /// The same for a list of words, one a line: at least one.
    Words,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// The name of another table of the recipe.
    Name(Refers),
    /// `[FIELD:]ENCODER[.LAYER][.VIEW]`, or an array of such, concatenated.
    Tap,
    /// An encoder's input: ENCODER, an array of such, `{ CORPUS = ENCODER }`, `"labels:OBJECTIVE"`.
    Input,
    /// A finite number between these, or a schedule over the steps with values between them.
    Schedule(f64, f64),
    /// An array of such values, at least one.
    List(&'static Takes),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table of any names, each with such a value.
    Map(&'static Takes),
    /// Any one of these; the first that fits is meant.
    Either(&'static [Takes]),
}

/// The kind of table that a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refers {
    /// A `[[corpus]]`.
    Corpus,
    /// An `[[encoder]]`.
    Encoder,
    /// An `[[objective]]`.
    Objective,
    /// A field of the objective's corpora, or of those that reach the encoder, with a string a token.
    Field,
    /// A field of the objective's corpora with one string for the whole example.
    Label,
    /// A field of the objective's corpora with a set of strings for the whole example.
    Labels,
    /// A field of the corpora that reach the encoder that tells segments of tokens apart: by a string a token,
    /// or by itself.
    Segments,
    /// A field of the objective's corpora with one string for each row of its tap: a token or an example.
    Row,
}
