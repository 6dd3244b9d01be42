//! Keys that kinds declare, and the values that a recipe gives them.
//!
//! Every kind of encoder, head, objective, corpus format, weighting and optimizer declares its
//! [`Key`]s once. The checker, its suggestions of names, `auxdesk list` and the writer of resolved
//! recipes use that declaration, and a kind reads its [`Values`] with getters that cannot fail, as
//! the checker has validated them.

pub(crate) mod describe;
mod value;

pub use value::{Located, Place, Value, Values};

/// A key that a table of a recipe can have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in recipes.
    pub name: &'static str,
    /// The values it takes.
    pub takes: ValueType,
    /// The default.
    pub default: DefaultValue,
    /// One line for `auxdesk list`: lower case, no full stop.
    pub about: &'static str,
}

impl Key {
    /// A required key.
    pub const fn required(name: &'static str, takes: ValueType, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Required, about }
    }

    /// An optional key without a default.
    pub const fn optional(name: &'static str, takes: ValueType, about: &'static str) -> Self {
        Self { name, takes, default: DefaultValue::Absent, about }
    }

    /// A key with a default, written as TOML.
    pub const fn with_default(
        name: &'static str,
        takes: ValueType,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, takes, default: DefaultValue::Toml(default), about }
    }
}

/// The default of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The key is required.
    Required,
    /// The key is optional and has no default.
    Absent,
    /// A default, as TOML.
    Toml(&'static str),
}

/// The largest integer in a recipe, 10⁹: larger ones are probably mistakes, and products of two
/// such numbers still fit in 64 bits.
pub const MAX_INTEGER: u64 = 1_000_000_000;

/// The largest dimension of a vector, a state or a hidden layer.
pub const MAX_WIDTH: u64 = 65_536;

/// The largest number of layers, of window sizes or of bins.
pub const MAX_LAYERS: u64 = 1_000;

/// The largest number of tables of one kind, `[[encoder]]` for example.
pub const MAX_TABLES: usize = 1_000;

/// The largest number in a recipe: journals store numbers as `f32` and have no infinity.
pub const MAX_NUMBER: f64 = f32::MAX as f64;

/// The values that a key takes.
#[derive(Clone, Copy, Debug)]
pub enum ValueType {
    /// `true` or `false`.
    Switch,
    /// An integer of at least this value, and at most [`MAX_INTEGER`].
    Count(u64),
    /// An integer between these bounds, inclusive: a dimension, or a number of layers, on which the
    /// size of a system depends.
    Within(u64, u64),
    /// An integer of at least 0.
    Seed,
    /// A finite number between these bounds, inclusive; integers are numbers too.
    Number(f64, f64),
    /// Any string.
    Text,
    /// A string that names a file: `sample:PATH`, or a path relative to the recipe's folder.
    Path,
    /// A string that names the folder of a run, relative to the recipe's folder.
    Run,
    /// A string that names a file, as a path does, with one word per line, at least one.
    Words,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// The name of another table of the recipe.
    Name(Refers),
    /// `[FIELD:]ENCODER[.LAYER][.VIEW]`, or an array of these, concatenated.
    Tap,
    /// An encoder's input: ENCODER, an array of these, `{ CORPUS = ENCODER }`,
    /// `"labels:OBJECTIVE"`.
    Input,
    /// A finite number between these bounds, or a schedule with values between them.
    Schedule(f64, f64),
    /// An array of at least one such value.
    List(&'static ValueType),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table with arbitrary names, each with such a value.
    Map(&'static ValueType),
    /// Any of these; the first one that fits applies.
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
    /// A field with one string per token, of the objective's corpora or of those that reach the
    /// encoder.
    Field,
    /// A field of the objective's corpora with one string per example.
    Label,
    /// A field of the objective's corpora with a set of strings per example.
    Labels,
    /// A field of the objective's corpora with arcs between the tokens of an example.
    Arcs,
    /// A field of the objective's corpora with spans of the tokens of an example.
    Spans,
    /// A field of the objective's corpora with relations between spans of the tokens of an example.
    Relations,
    /// A field of the objective's corpora with one string per item of a list of texts.
    Items,
    /// A field of the objective's corpora with numbers for each example.
    Numbers,
    /// A field of the objective's corpora with alternative spans of tokens, the answers.
    Answers,
    /// A field of the objective's corpora with a raw text for each example.
    Text,
    /// A field of the objective's corpora with a text to transcribe: a raw text or a string for each example, or one
    /// string per token of a sequence.
    Transcript,
    /// A field that divides tokens into segments, of the corpora that reach the encoder: one string
    /// per token, or a field of segments.
    Segments,
    /// A field of the objective's corpora with one string for each row of its tap: per token or per
    /// example.
    Row,
    /// A field with one string per token of another text than the one that the encoder runs over.
    OtherText,
    /// A field with a vector for each position, of the corpora that reach the encoder.
    Frames,
}
