//! Schemas: which sequences and fields the examples of a corpus have, and what each holds.

/// What the values of a field stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The positions of a sequence, by its place in the corpus.
    Sequence(usize),
    /// The items of a list of sequences, by its place in the corpus: candidates for a query.
    Items(usize),
    /// The example as a whole.
    Example,
}

/// The shape of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// A string for each position or item.
    Symbols,
    /// One string.
    Label,
    /// A set of strings.
    Labels,
    /// A number, or a vector of them.
    Numbers,
    /// A vector for each position.
    Frames,
    /// Height, width and channels of numbers.
    Picture,
    /// Which segment each position is in.
    Segments,
    /// Arcs between positions.
    Arcs,
    /// Spans of positions, all of which hold.
    Spans,
    /// Spans of positions, any one of which is right.
    Answers,
    /// Relations between spans of positions.
    Relations,
    /// Text as it stands.
    Text,
}

impl FieldForm {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symbols => "a string per token",
            Self::Label => "a string per example",
            Self::Labels => "a set of strings per example",
            Self::Numbers => "numbers for each example",
            Self::Frames => "a frame for each position",
            Self::Picture => "a picture for each example",
            Self::Segments => "a segment for each token",
            Self::Arcs => "arcs between tokens",
            Self::Spans => "spans of tokens",
            Self::Answers => "alternative spans of tokens",
            Self::Relations => "relations between spans",
            Self::Text => "a raw text for each example",
        }
    }
}

/// A field of a corpus, as its format declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its values stand on.
    pub axis: Axis,
    /// The shape of its values.
    pub form: FieldForm,
}

impl Field {
    /// A field of that name.
    pub fn new(name: &str, axis: Axis, form: FieldForm) -> Self {
        Self { name: name.to_owned(), axis, form }
    }

    /// A field with a string for each position of the corpus's first sequence.
    pub fn of_tokens(name: &str) -> Self {
        Self::new(name, Axis::Sequence(0), FieldForm::Symbols)
    }

    /// A field with one string for the whole example.
    pub fn of_examples(name: &str) -> Self {
        Self::new(name, Axis::Example, FieldForm::Label)
    }
}

/// A sequence of a corpus: what its examples' positions stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// Its name, which is that of its first field.
    pub name: String,
    /// Whether an example has a list of such sequences, item by item.
    pub is_list: bool,
}

/// What examples of a format have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// The fields: the words of the first sequence before all others.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A corpus with one sequence, called by the first field, and these fields.
    pub fn of_tokens(fields: Vec<Field>) -> Self {
        let name = fields.first().map_or_else(String::new, |field| field.name.clone());
        Self { sequences: vec![SequenceSpec { name, is_list: false }], fields }
    }
}
