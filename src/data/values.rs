//! Values: what an example holds in one field.

use std::sync::Arc;

use super::{
    FieldForm, Lexicon, Symbol,
    structure::{GraphArc, SpanRelation, TokenSpan},
};

/// Pixels: rows of columns of channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// height × width × channels numbers.
    pub pixels: Vec<f32>,
}

/// What an example holds in one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValues {
    /// Strings, one for each position or item, by their symbols.
    Symbols(Vec<Symbol>),
    /// One string for the whole example, by its symbol.
    Label(Symbol),
    /// A set of strings for the whole example, perhaps of none, by their symbols.
    Labels(Vec<Symbol>),
    /// Numbers of the whole example.
    Numbers(Arc<[f32]>),
    /// A vector for each position.
    Frames {
        /// Dimension of a vector.
        width: usize,
        /// Vector after vector.
        numbers: Arc<[f32]>,
    },
    /// A picture.
    Picture(Arc<Picture>),
    /// The segment of each position, counted from 1.
    Segments(Vec<u32>),
    /// Arcs between positions.
    Arcs(Arc<[GraphArc]>),
    /// Spans, all of which hold.
    Spans(Arc<[TokenSpan]>),
    /// Spans, any one of which is right.
    Answers(Arc<[TokenSpan]>),
    /// Relations between spans.
    Relations(Arc<[SpanRelation]>),
    /// Text as it stands.
    Text(Arc<str>),
}

impl FieldValues {
    /// The set of these strings, in the order of first sight; empty ones are none.
    pub fn labels<'a>(items: impl IntoIterator<Item = &'a str>, lexicon: &mut Lexicon) -> Self {
        let mut symbols = Vec::new();
        for item in items.into_iter().filter(|item| !item.is_empty()) {
            let symbol = lexicon.intern(item);
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
        Self::Labels(symbols)
    }

    /// Its strings, where it has any by themselves: one a position, the only one, or those of the set.
    pub fn strings(&self) -> Option<&[Symbol]> {
        match self {
            Self::Symbols(symbols) | Self::Labels(symbols) => Some(symbols),
            Self::Label(symbol) => Some(std::slice::from_ref(symbol)),
            _ => None,
        }
    }

    /// The shape of it.
    pub fn form(&self) -> FieldForm {
        match self {
            Self::Symbols(_) => FieldForm::Symbols,
            Self::Label(_) => FieldForm::Label,
            Self::Labels(_) => FieldForm::Labels,
            Self::Numbers(_) => FieldForm::Numbers,
            Self::Frames { .. } => FieldForm::Frames,
            Self::Picture(_) => FieldForm::Picture,
            Self::Segments(_) => FieldForm::Segments,
            Self::Arcs(_) => FieldForm::Arcs,
            Self::Spans(_) => FieldForm::Spans,
            Self::Answers(_) => FieldForm::Answers,
            Self::Relations(_) => FieldForm::Relations,
            Self::Text(_) => FieldForm::Text,
        }
    }
}
