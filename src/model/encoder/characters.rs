//! Character-level word vectors: a BiLSTM over the characters of the batch's distinct words.
//!
//! A word's vector is the concatenation of both directions' final states (Ling et al. 2015; Plank
//! et al. 2016).

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Result, Tensor};

use super::{
    Built, DeclaredEncoder, EncoderConfig, EncoderKind, EncoderSetup, RowSource, StringTable,
    recurrent::{Cell, Recurrent},
};
use crate::{
    data::{Corpus, Fitted, Lexicon, Packing, Symbol, Vocabulary, vectors::WordVectors},
    kernel,
    keys::{Key, MAX_WIDTH, ValueType, Values},
    model::{
        Mode,
        parameters::{Scope, Table},
        tap::LayerSpec,
    },
};

pub(super) struct Characters;

pub(super) const KEYS: &[Key] = &[
    Key::with_default(
        "width",
        ValueType::Within(1, MAX_WIDTH),
        "30",
        "embedding dimension of a character",
    ),
    Key::with_default("hidden", ValueType::Within(1, MAX_WIDTH), "25", "hidden size per direction"),
];

/// The key of the character vocabulary.
pub(super) const VOCABULARY: &str = "characters";

impl EncoderKind for Characters {
    fn name(&self) -> &'static str {
        "characters"
    }

    fn about(&self) -> &'static str {
        "character-level BiLSTM that several \"embed\" encoders share"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Named
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        Ok(Box::new(Config(SpellingConfig::of(declared.values))))
    }
}

/// The options of a character encoder that several encoders share.
struct Config(SpellingConfig);

impl EncoderConfig for Config {
    fn tables(&self) -> &'static [StringTable] {
        const { &[StringTable::of_rows("table", VOCABULARY)] }
    }

    fn layers(&self) -> Vec<LayerSpec> {
        Vec::new()
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        Fitted::default().with_vocabulary(VOCABULARY, vocabulary(corpora))
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vocabulary = setup.vocabulary(VOCABULARY)?;
        Ok(Built::Characters(Arc::new(self.0.build(vocabulary, &mut setup.scope)?)))
    }
}

/// The options of a character BiLSTM.
#[derive(Clone, Copy)]
pub(super) struct SpellingConfig {
    /// Embedding dimension of a character.
    width: usize,
    /// Hidden size per direction.
    hidden: usize,
}

impl SpellingConfig {
    /// Parses a table with [`KEYS`].
    pub(super) fn of(values: &Values) -> Self {
        Self { width: values.count("width"), hidden: values.count("hidden") }
    }

    /// The dimension of a word vector.
    pub(super) fn output(self) -> usize {
        2 * self.hidden
    }

    pub(super) fn build(self, vocabulary: Vocabulary, scope: &mut Scope<'_>) -> Result<Spelling> {
        let Self { width, hidden } = self;
        Ok(Spelling {
            // Row 0 is the unknown character.
            characters: scope.table("table", vocabulary.len() + 1, width)?,
            recurrent: Recurrent::new(scope, Cell::Lstm, width, hidden)?,
            vocabulary,
        })
    }
}

/// The characters of a field that occur at least twice in training.
pub(super) fn vocabulary(corpora: &[(&Corpus, usize)]) -> Vocabulary {
    let mut counts = BTreeMap::<String, u64>::new();
    for &(corpus, field) in corpora {
        let lexicon = &corpus.lexicons[field];
        let of_examples = corpus.train.examples.iter().filter_map(|it| it.symbols(field)).flatten();
        for symbol in of_examples.copied().chain(corpus.train.collected(field)) {
            for character in lexicon.get(symbol).chars() {
                *counts.entry(character.to_string()).or_default() += 1;
            }
        }
    }
    let counts = counts.iter().map(|(item, &count)| (item.as_str(), count)).collect();
    Vocabulary::from_counts(counts, 2, None)
}

/// What makes a vector of a spelling.
pub struct Spelling {
    characters: Table,
    recurrent: Recurrent,
    vocabulary: Vocabulary,
}

impl Spelling {
    /// The character ids of each string of a lexicon.
    pub(super) fn spell(&self, lexicon: &Lexicon) -> Vec<Vec<u32>> {
        let mut buffer = [0; 4];
        let mut id = |character: char| {
            self.vocabulary.id(character.encode_utf8(&mut buffer)).map_or(0, |id| id + 1)
        };
        let mut spell = |item: &str| match item {
            // No sequence may be empty; what has no characters is spelt as an unknown one.
            "" => vec![0],
            _ => item.chars().map(&mut id).collect(),
        };
        lexicon.iter().map(&mut spell).collect()
    }

    /// The character-level vector of each row: (rows, 2·hidden). Each distinct word is encoded
    /// once.
    pub(super) fn forward(
        &self,
        spellings: &[Vec<u32>],
        rows: &[Symbol],
        mode: Mode,
    ) -> Result<Tensor> {
        let mut distinct: Vec<Symbol> = rows.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.sort_by_key(|&symbol| std::cmp::Reverse(spellings[symbol as usize].len()));
        let lengths = distinct.iter().map(|&symbol| spellings[symbol as usize].len()).collect();
        let packing = Packing::new(lengths);
        let ids = packing.positions().map(|(b, t)| spellings[distinct[b] as usize][t]).collect();
        let states = self.recurrent.forward(&self.characters.forward(ids, mode)?, &packing)?;
        let ends = kernel::ends(&states, &packing)?; // (distinct, 2·hidden)
        let places: BTreeMap<Symbol, u32> =
            distinct.iter().enumerate().map(|(at, &symbol)| (symbol, at as u32)).collect();
        kernel::gather(&ends, rows.iter().map(|symbol| places[symbol]).collect())
    }
}
