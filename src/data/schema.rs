//! Schemas: the sequences and fields that the examples of a corpus have.

/// The axis of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The positions of a sequence, by its index in the corpus.
    Sequence(usize),
    /// The items of a list of sequences, by its index in the corpus: candidates of a query.
    Items(usize),
    /// The example as a whole.
    Example,
}

/// The form of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// A string per position or item.
    Symbols,
    /// One string.
    Label,
    /// A set of strings.
    Labels,
    /// A number, or a vector.
    Numbers,
    /// A vector, or a picture, per position.
    Frames,
    /// The segment of each position.
    Segments,
    /// Arcs between positions.
    Arcs,
    /// Spans of positions, all of which apply.
    Spans,
    /// Alternative spans of positions, any one of which is correct.
    Answers,
    /// Relations between spans of positions.
    Relations,
    /// Raw text.
    Text,
}

impl FieldForm {
    /// Its description in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symbols => "a string per token",
            Self::Label => "a string per example",
            Self::Labels => "a set of strings per example",
            Self::Numbers => "numbers for each example",
            Self::Frames => "a frame for each position",
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
    /// The axis of its values.
    pub axis: Axis,
    /// The form of its values.
    pub form: FieldForm,
    /// What its files have in place of a value, if positions may lack one.
    pub placeholder: Option<Placeholder>,
}

/// What a file has in place of a value, such as `_`: no label, but as an input a word like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// The text.
    pub text: String,
    /// Whether every file has the field, so that an example without any value has placeholders.
    pub is_required: bool,
}

impl Field {
    /// A field with that name.
    pub fn new(name: &str, axis: Axis, form: FieldForm) -> Self {
        Self { name: name.to_owned(), axis, form, placeholder: None }
    }

    /// The same field in files that have this text in place of a value.
    #[must_use]
    pub fn with_placeholder(self, text: &str, is_required: bool) -> Self {
        let text = text.to_owned();
        Self { placeholder: Some(Placeholder { text, is_required }), ..self }
    }

    /// A field with a string per position of the corpus's first sequence.
    pub fn of_tokens(name: &str) -> Self {
        Self::new(name, Axis::Sequence(0), FieldForm::Symbols)
    }

    /// A field with one string per example.
    pub fn of_examples(name: &str) -> Self {
        Self::new(name, Axis::Example, FieldForm::Label)
    }
}

/// A sequence of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// Its name, which is that of its first field.
    pub name: String,
    /// Whether an example has a list of such sequences.
    pub is_list: bool,
}

/// The sequences and fields of a format's examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// The fields: the words of the first sequence come first.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema with one sequence, named by the first field, and these fields.
    pub fn of_tokens(fields: Vec<Field>) -> Self {
        let name = fields.first().map_or_else(String::new, |field| field.name.clone());
        Self { sequences: vec![SequenceSpec { name, is_list: false }], fields }
    }

    /// Adds a text: a sequence, and a field of the same name with a string per token.
    pub fn add_text(&mut self, name: &str) {
        let axis = Axis::Sequence(self.sequences.len());
        self.sequences.push(SequenceSpec { name: name.to_owned(), is_list: false });
        self.fields.push(Field::new(name, axis, FieldForm::Symbols));
    }
}

/// Whether labels are required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Training, dev and test, and input to `predict` with labels, need every declared column.
    Required,
    /// Input to `predict` without labels: what it lacks is `None` in an example. What it has beside
    /// the first field is read where the format has a place for it.
    Absent,
}
