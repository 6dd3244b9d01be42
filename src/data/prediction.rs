//! What a model says of an example, in ids and numbers; only a format makes text of it.

/// What an objective predicts of one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A class for each token, or one for the whole example.
    Classes(Vec<u32>),
    /// The classes of the whole example, any number of them.
    LabelSet(Vec<u32>),
    /// A point in a space of its own.
    Vector(Vec<f32>),
    /// Nothing.
    None,
}
