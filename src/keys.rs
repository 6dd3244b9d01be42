//! Keys that kinds declare, and the values that a recipe gives them.
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
    pub takes: ValueType,
    /// The default.
    pub default: DefaultValue,
    /// One line for `auxdesk list`: lower case, no full stop.
    pub about: &'static str,
    /// Whether it can be changed while training runs.
    pub live: bool,
}

impl Key {
    /// A key that a recipe must give.
    pub const fn required(name: &'static str, takes: ValueType, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Required, about, live: false }
    }

    /// A key that may be absent, which then means something of its own.
    pub const fn optional(name: &'static str, takes: ValueType, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Absent, about, live: false }
    }

    /// A key with a default, written as TOML.
    pub const fn with_default(
        name: &'static str,
        takes: ValueType,
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

/// The default of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The key is required.
    Required,
    /// The key is optional, and its absence has a meaning of its own.
    Absent,
    /// This TOML value.
    Toml(&'static str),
}

/// The largest whole number in a recipe, 10⁹: more is a typing error, and products of two such numbers still
/// fit in 64 bits.
pub const MOST: u64 = 1_000_000_000;

/// The largest number in a recipe: journals store numbers as `f32` and have no infinity.
pub const GREATEST: f64 = f32::MAX as f64;

/// The values that a key takes.
#[derive(Clone, Copy, Debug)]
pub enum ValueType {
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
    /// The same for a file with one word per line, at least one.
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
    List(&'static ValueType),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table of any names, each with such a value.
    Map(&'static ValueType),
    /// Any one of these; the first that fits is meant.
    Either(&'static [ValueType]),
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
