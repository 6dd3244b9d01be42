//! Word embeddings: a table, optionally concatenated with character-level vectors.
//!
//! The table has the words of training that occur often enough. With pretrained vectors a word
//! stands for its first form that has one: the word itself, then its forms under back-off. Every
//! word of the file keeps its vector: the table has those of training, however rare, and all others
//! are not trained, so that a step costs the same for any size of the file.
//!
//! With `exact_match`, two features of each token are appended that say whether another text of the example, the
//! question of a passage for instance, has it as well: `embed/exact_match.rs`. The tokens of that text, where the
//! encoder runs over it, are compared with its own field. Neither dropout nor noise affects them.
//!
//! In training, word dropout replaces words by the unknown word, drawn per token (Iyyer et al.
//! 2015), and Gaussian noise may be added to the vectors before dropout (Plank et al. 2016).

mod embedding;
mod exact_match;

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result};

use super::{
    BatchSize, Built, DeclaredEncoder, EncoderConfig, EncoderKind, EncoderSetup, FirstValues,
    PER_OUTPUT, RowSource, StringTable,
    characters::{self, SpellingConfig},
};
use crate::{
    data::{
        Corpus, Fitted, Vocabulary,
        normalize::{Backoff, Forms, Normalize},
        vectors::{VectorSource, WordVectors},
    },
    kernel,
    keys::{Key, MAX_NUMBER, MAX_WIDTH, Refers, ValueType},
    model::{
        parameters::Table,
        tap::{Context, LayerSpec, RowKind},
    },
};
use embedding::{FixedVectors, Words};
use exact_match::{ExactMatch, N_FEATURES};

pub(super) struct Embed;

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Field), "field of the example it reads"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "embedding dimension"),
    Key::optional(
        "characters",
        ValueType::Either(&[ValueType::Name(Refers::Encoder), ValueType::Table(characters::KEYS)]),
        "character-level BiLSTM whose output is appended to the embedding: its own table, or the name of an encoder of kind \"characters\"",
    ),
    Key::optional(
        "vectors",
        ValueType::Path,
        "pretrained embeddings: GloVe or word2vec text, which may be compressed with gzip or zstd",
    ),
    Key::optional(
        "max_vectors",
        ValueType::Count(1),
        "maximum number of pretrained embeddings, from the first of the file; default: all",
    ),
    Key::with_default(
        "fine_tune",
        ValueType::Choice(&["all", "known", "none"]),
        "\"all\"",
        "pretrained embeddings that are trained: those of all words of training, those of words \
         that occur min_count times, or none",
    ),
    Key::optional(
        BACKOFF,
        ValueType::List(&ValueType::Choice(&[LOWERCASE, ZERO_DIGITS])),
        "forms tried for a word that is not found as it is: in lower case, with digits replaced by 0",
    ),
    Key::optional(
        EXACT_MATCH,
        ValueType::Name(Refers::OtherText),
        "field of another text; appends whether that text has the token, in the same form and in lower case",
    ),
    Key::with_default(
        "min_count",
        ValueType::Count(1),
        "2",
        "minimum count in training; rarer words without a pretrained embedding map to the unknown word",
    ),
    Key::with_default("lowercase", ValueType::Switch, "false", "lowercase words before lookup"),
    Key::with_default(
        "zero_digits",
        ValueType::Switch,
        "false",
        "replace digits by 0 before lookup, in words without a pretrained embedding",
    ),
    Key::with_default(
        "word_dropout",
        ValueType::Number(0.0, 0.95),
        "0",
        "word dropout: rate of words replaced by the unknown word in training; their characters stay",
    ),
    Key::with_default(
        "noise",
        ValueType::Number(0.0, MAX_NUMBER),
        "0",
        "standard deviation of Gaussian noise added in training",
    ),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

const WORDS: &str = "words";
const EXACT_MATCH: &str = "exact_match";
const BACKOFF: &str = "backoff";
const LOWERCASE: &str = "lowercase";
const ZERO_DIGITS: &str = "zero_digits";

impl EncoderKind for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn about(&self) -> &'static str {
        "word embeddings, optionally with a character-level BiLSTM"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Field
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        let characters = if let Some(own) = values.table("characters") {
            Some(CharacterSource::Own(SpellingConfig::of(&own)))
        } else {
            let name = values.text_if_set("characters");
            name.and_then(|name| {
                let width = SpellingConfig::of(declared.named.values(name)?).output();
                Some(CharacterSource::Named { name: name.to_owned(), width })
            })
        };
        let (lowercase, zero_digits) = (values.switch(LOWERCASE), values.switch(ZERO_DIGITS));
        let backoff = values.texts(BACKOFF);
        let backoff = Backoff {
            lowercase: backoff.contains(&LOWERCASE),
            zero_digits: backoff.contains(&ZERO_DIGITS),
        };
        let width = values.count("width");
        let forms = Forms { first: Normalize { lowercase, zero_digits }, backoff };
        // Digits are replaced only where the word itself has no vector.
        let vector_forms = Forms {
            first: Normalize { lowercase, zero_digits: false },
            backoff: Backoff { zero_digits: backoff.zero_digits || zero_digits, ..backoff },
        };
        let vectors = values.text_if_set("vectors").map(|path| VectorSource {
            path: path.into(),
            width,
            max: values.count_if_set("max_vectors").unwrap_or(usize::MAX),
            forms: vector_forms,
        });
        Ok(Box::new(Config {
            field: values.text("field").to_owned(),
            width,
            characters,
            vectors,
            other_text: values.text_if_set(EXACT_MATCH).map(str::to_owned),
            fine_tune: FineTune::named(values.text("fine_tune")),
            min_count: values.count("min_count") as u64,
            forms,
            word_dropout: values.number("word_dropout"),
            noise: values.number("noise"),
            dropout: values.number("dropout"),
        }))
    }
}

/// The source of character-level vectors.
enum CharacterSource {
    /// A BiLSTM of its own.
    Own(SpellingConfig),
    /// The encoder with that name, whose vectors have that dimension.
    Named { name: String, width: usize },
}

/// Which pretrained vectors are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FineTune {
    /// Those of words that occur in training, however rarely.
    All,
    /// Those of words that occur at least `min_count` times in training.
    Known,
    /// None.
    None,
}

impl FineTune {
    fn named(name: &str) -> Self {
        match name {
            "known" => Self::Known,
            "none" => Self::None,
            _ => Self::All,
        }
    }
}

/// The options of an embedding.
struct Config {
    field: String,
    width: usize,
    characters: Option<CharacterSource>,
    /// A file of pretrained vectors.
    vectors: Option<VectorSource>,
    /// The field of another text whose tokens are matched.
    other_text: Option<String>,
    fine_tune: FineTune,
    min_count: u64,
    forms: Forms,
    word_dropout: f64,
    noise: f64,
    dropout: f64,
}

impl Config {
    /// The dimension of the character-level vectors; 0 if there are none.
    fn character_width(&self) -> usize {
        match &self.characters {
            Some(CharacterSource::Own(own)) => own.output(),
            Some(CharacterSource::Named { width, .. }) => *width,
            None => 0,
        }
    }
}

impl EncoderConfig for Config {
    fn tables(&self) -> &'static [StringTable] {
        const {
            &[
                StringTable::of_rows("table", WORDS),
                StringTable::of_rows("characters.table", characters::VOCABULARY),
            ]
        }
    }

    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn other_text(&self) -> Option<&str> {
        self.other_text.as_deref()
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let characters = self.character_width();
        let features = self.other_text.as_ref().map_or(0, |_| N_FEATURES);
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let (width, context) = (self.width + characters + features, Context::SELF_ONLY);
        vec![LayerSpec { width, on, pooled, context, directions: None }]
    }

    fn scratch(&self, batch: BatchSize) -> u64 {
        batch.characters.saturating_mul(self.character_width() as u64).saturating_mul(PER_OUTPUT)
    }

    fn has_weights(&self) -> bool {
        matches!(self.characters, Some(CharacterSource::Own(_)))
    }

    fn vectors(&self) -> Option<VectorSource> {
        self.vectors.clone()
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], vectors: Option<&WordVectors>) -> Fitted {
        let vector_form = |word: &str| {
            let (source, vectors) = (self.vectors.as_ref()?, vectors?);
            vectors.form(word, source.forms).map(str::to_owned)
        };
        let form = |word: &str| {
            vector_form(word).unwrap_or_else(|| self.forms.first.apply(word).into_owned())
        };
        let words = Vocabulary::of_train(corpora.iter().copied(), form, None);
        let has_vector = |word: &str| vectors.is_some_and(|vectors| vectors.get(word).is_some());
        let words = words.retained(|word, count| match self.fine_tune {
            FineTune::All => has_vector(word) || count >= self.min_count,
            FineTune::Known => count >= self.min_count,
            FineTune::None => !has_vector(word) && count >= self.min_count,
        });
        let fitted = Fitted::default().with_vocabulary(WORDS, words);
        match &self.characters {
            Some(CharacterSource::Own(_)) => {
                let characters = characters::vocabulary(corpora);
                fitted.with_vocabulary(characters::VOCABULARY, characters)
            }
            Some(CharacterSource::Named { .. }) | None => fitted,
        }
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vocabulary = setup.vocabulary(WORDS)?;
        if let Some(vectors) = setup.vectors.filter(|vectors| vectors.width() != self.width) {
            let (wanted, found) = (self.width, vectors.width());
            let what = format!("expected vectors of dimension {wanted}, found {found}");
            return Err(Error::msg(what));
        }
        // Row 0 is the unknown word.
        let table = setup.scope.table("table", vocabulary.len() + 1, self.width)?;
        if let (Some(vectors), FirstValues::Recipe) = (setup.vectors, setup.first_values) {
            self.start_from_vectors(&table, &vocabulary, vectors)?;
        }
        let spelling = match &self.characters {
            Some(CharacterSource::Own(own)) => {
                let characters = setup.vocabulary(characters::VOCABULARY)?;
                let mut scope = setup.scope.child("characters");
                Some(Arc::new(own.build(characters, &mut scope)?))
            }
            Some(CharacterSource::Named { name, .. }) => Some(setup.spellings[name].clone()),
            None => None,
        };
        Ok(Built::Encoder(Box::new(Words {
            name: setup.name.to_owned(),
            forms: self.forms,
            vector_forms: self.vectors.as_ref().map(|source| source.forms),
            vocabulary,
            table,
            spelling,
            word_dropout: self.word_dropout,
            noise: self.noise,
            dropout: self.dropout,
            attached: BTreeMap::new(),
            exact_match: self.other_text.as_ref().map(|_| ExactMatch::default()),
            fixed: FixedVectors::default(),
        })))
    }
}

impl Config {
    /// Initializes the rows of words that have a vector.
    fn start_from_vectors(
        &self,
        table: &Table,
        vocabulary: &Vocabulary,
        vectors: &WordVectors,
    ) -> Result<()> {
        let mut rows = kernel::to_vec(table.rows())?;
        // Row 0 is the unknown word.
        for ((word, _), row) in vocabulary.iter().zip(rows.chunks_exact_mut(self.width).skip(1)) {
            if let Some(vector) = vectors.get(word) {
                row.copy_from_slice(vector);
            }
        }
        table.set(rows)
    }
}
