//! The corpus of a round trip: texts with translations that a decoder makes.

use crate::{
    data::{Axis, Corpus, Example, FieldValues, Positions, Symbol},
    model::{
        Decoder,
        decoder::{FIRST, TargetIds},
    },
};

/// The two fields of a corpus.
pub(super) struct Attached {
    /// The fields of y and x, with the sequences that they are of.
    pub(super) target: (usize, usize),
    pub(super) source: (usize, usize),
    /// The corpus with the words of the left decoder as further strings of y.
    pub(super) made: Corpus,
    /// The classes of the strings of y and of x.
    pub(super) target_ids: TargetIds,
    pub(super) source_ids: TargetIds,
    /// The string of each word of the left decoder.
    words: Vec<Symbol>,
}

impl Attached {
    pub(super) fn new(
        corpus: &Corpus,
        [target, source]: &[String; 2],
        [left, right]: [&dyn Decoder; 2],
    ) -> Option<Self> {
        let place = |name: &String| {
            let field = corpus.field(name)?;
            match corpus.fields[field].axis {
                Axis::Sequence(sequence) => Some((field, sequence)),
                Axis::Items(_) | Axis::Example => None,
            }
        };
        let (target, source) = (place(target)?, place(source)?);
        let mut made = Corpus {
            sequences: corpus.sequences.clone(),
            fields: corpus.fields.clone(),
            lexicons: corpus.lexicons.clone(),
            ..Corpus::default()
        };
        let lexicon = &mut made.lexicons[target.0];
        let words = left.vocabulary().iter().map(|(word, _)| lexicon.intern(word)).collect();
        let ids = |decoder: &dyn Decoder, field: usize| decoder.target_ids(&made.lexicons[field]);
        let (target_ids, source_ids) = (ids(left, target.0), ids(right, source.0));
        Some(Self { target, source, made, target_ids, source_ids, words })
    }

    /// An example with a text and a translation of it.
    pub(super) fn example(&self, text: &[Symbol], translation: &[u32]) -> Example {
        let (mut sequences, mut fields) =
            (vec![None; self.made.sequences.len()], vec![None; self.made.fields.len()]);
        let words = translation.iter().map(|&class| self.words[(class - FIRST) as usize]);
        for ((field, sequence), symbols) in
            [(self.target, words.collect()), (self.source, text.to_vec())]
        {
            sequences[sequence] = Some(Positions::on_line(1, symbols.len()));
            fields[field] = Some(FieldValues::Symbols(symbols));
        }
        Example { line: 1, file: None, sequences, fields }
    }
}
