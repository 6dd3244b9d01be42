//! The values of a field in an example.

use std::{fmt, sync::Arc};

use super::{
    FieldForm, Lexicon, Symbol,
    structure::{GraphArc, SpanRelation, TokenSpan},
};

/// The size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PictureSize {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Channels per pixel.
    pub channels: usize,
}

impl PictureSize {
    /// The number of its values: height × width × channels.
    pub fn n_values(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} × {}", self.height, self.width, self.channels)
    }
}

/// The values of one field in an example.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValues {
    /// One string per position or item, as symbols.
    Symbols(Vec<Symbol>),
    /// One string at some positions, as symbols; the others have no label.
    Partial {
        /// The symbols.
        symbols: Vec<Symbol>,
        /// The position of each symbol, in ascending order.
        positions: Vec<u32>,
    },
    /// One string per position, as symbols, of which some are labels; at the others it stands in place of one.
    Filled {
        /// The symbols.
        symbols: Vec<Symbol>,
        /// The positions with a label, in ascending order.
        labelled: Vec<u32>,
    },
    /// One string for the whole example, as a symbol.
    Label(Symbol),
    /// A set of strings for the whole example, possibly empty, as symbols.
    Labels(Vec<Symbol>),
    /// Numbers of the whole example.
    Numbers(Arc<[f32]>),
    /// A vector for each position.
    Frames {
        /// The dimension of a vector.
        width: usize,
        /// The size of the pictures whose values the vectors are, row by row, if they are pictures.
        picture: Option<PictureSize>,
        /// The values, vector after vector.
        numbers: Arc<[f32]>,
    },
    /// The segment of each position, counted from 1.
    Segments(Vec<u32>),
    /// Arcs between positions.
    Arcs(Arc<[GraphArc]>),
    /// Spans, all of which apply.
    Spans(Arc<[TokenSpan]>),
    /// Alternative spans, any one of which is correct.
    Answers(Arc<[TokenSpan]>),
    /// Relations between spans.
    Relations(Arc<[SpanRelation]>),
    /// Raw text.
    Text(Arc<str>),
    /// Documents of the split's collection, in the place of texts of its own.
    References {
        /// Their places in the collection.
        documents: Vec<u32>,
        /// The names of all its documents.
        ids: Arc<[Arc<str>]>,
    },
}

impl FieldValues {
    /// The set of these strings, in order of first occurrence; empty ones are ignored.
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

    /// The string of each position, which may lack one; `None` if all do.
    pub fn of_positions(items: impl IntoIterator<Item = Option<Symbol>>) -> Option<Self> {
        let mut n_positions = 0;
        let (mut symbols, mut positions) = (Vec::new(), Vec::new());
        for (position, item) in (0..).zip(items) {
            n_positions += 1;
            if let Some(symbol) = item {
                symbols.push(symbol);
                positions.push(position);
            }
        }
        match symbols.len() {
            0 => None,
            n if n == n_positions => Some(Self::Symbols(symbols)),
            _ => Some(Self::Partial { symbols, positions }),
        }
    }

    /// Its strings, if it has any of its own: one per position, a single one, or those of a set.
    pub fn strings(&self) -> Option<&[Symbol]> {
        match self {
            Self::Symbols(symbols)
            | Self::Labels(symbols)
            | Self::Partial { symbols, .. }
            | Self::Filled { symbols, .. } => Some(symbols),
            Self::Label(symbol) => Some(std::slice::from_ref(symbol)),
            _ => None,
        }
    }

    /// Those of its strings that are labels.
    pub fn label_symbols(&self) -> impl Iterator<Item = Symbol> {
        let symbols = self.strings().unwrap_or_default();
        let labelled = match self {
            Self::Filled { labelled, .. } => Some(labelled),
            _ => None,
        };
        let n_labels = labelled.map_or(symbols.len(), Vec::len);
        (0..n_labels).map(move |at| symbols[labelled.map_or(at, |all| all[at] as usize)])
    }

    /// Its form.
    pub fn form(&self) -> FieldForm {
        match self {
            Self::Symbols(_)
            | Self::Partial { .. }
            | Self::Filled { .. }
            | Self::References { .. } => FieldForm::Symbols,
            Self::Label(_) => FieldForm::Label,
            Self::Labels(_) => FieldForm::Labels,
            Self::Numbers(_) => FieldForm::Numbers,
            Self::Frames { .. } => FieldForm::Frames,
            Self::Segments(_) => FieldForm::Segments,
            Self::Arcs(_) => FieldForm::Arcs,
            Self::Spans(_) => FieldForm::Spans,
            Self::Answers(_) => FieldForm::Answers,
            Self::Relations(_) => FieldForm::Relations,
            Self::Text(_) => FieldForm::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_may_lack_a_label() {
        let of = |items: [Option<u32>; 3]| FieldValues::of_positions(items);
        assert_eq!(of([None; 3]), None);
        assert_eq!(of([Some(1), Some(0), Some(1)]), Some(FieldValues::Symbols(vec![1, 0, 1])));
        let partial = of([None, Some(4), None]).unwrap();
        assert_eq!(partial, FieldValues::Partial { symbols: vec![4], positions: vec![1] });
        assert_eq!(partial.strings(), Some(&[4][..]));
        let filled = FieldValues::Filled { symbols: vec![4, 7, 4], labelled: vec![0, 2] };
        assert_eq!(filled.strings(), Some(&[4, 7, 4][..]));
        assert_eq!(filled.label_symbols().collect::<Vec<_>>(), [4, 4]);
        assert_eq!(FieldValues::Label(3).label_symbols().collect::<Vec<_>>(), [3]);
    }
}
