//! Word embeddings: a table, optionally concatenated with character-level vectors.
//!
//! In training, word dropout replaces words by the unknown word, drawn per token (Iyyer et al.
//! 2015), and Gaussian noise may be added to the vectors before dropout (Plank et al. 2016).

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result, Tensor};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, FirstValues,
    RowSource, SequenceView,
    characters::{self, Spelling, SpellingConfig},
};
use crate::{
    data::{
        Corpus, Fitted, Lexicon, Vocabulary, normalize::Normalize, read::Source as File,
        vectors::read_vectors, vocabulary::Lookup,
    },
    kernel,
    keys::{Key, MAX_NUMBER, Refers, ValueType},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct Embed;

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Field), "field of the example it reads"),
    Key::required("width", ValueType::Count(1), "embedding dimension"),
    Key::optional(
        "characters",
        ValueType::Either(&[ValueType::Name(Refers::Encoder), ValueType::Table(characters::KEYS)]),
        "character-level BiLSTM whose output is appended to the embedding: its own table, or the name of an encoder of kind \"characters\"",
    ),
    Key::optional("vectors", ValueType::Path, "pretrained embeddings: GloVe or word2vec text"),
    Key::with_default(
        "min_count",
        ValueType::Count(1),
        "2",
        "minimum count in training; rarer words map to the unknown word",
    ),
    Key::with_default("lowercase", ValueType::Switch, "false", "lowercase words before lookup"),
    Key::with_default(
        "zero_digits",
        ValueType::Switch,
        "false",
        "replace digits by 0 before lookup",
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
        let (lowercase, zero_digits) = (values.switch("lowercase"), values.switch("zero_digits"));
        Ok(Box::new(Config {
            field: values.text("field").to_owned(),
            width: values.count("width"),
            characters,
            vectors: values.text_if_set("vectors").map(str::to_owned),
            min_count: values.count("min_count") as u64,
            normalize: Normalize { lowercase, zero_digits },
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

/// The options of an embedding.
struct Config {
    field: String,
    width: usize,
    characters: Option<CharacterSource>,
    /// A file of pretrained vectors.
    vectors: Option<String>,
    min_count: u64,
    normalize: Normalize,
    word_dropout: f64,
    noise: f64,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let characters = match &self.characters {
            Some(CharacterSource::Own(own)) => own.output(),
            Some(CharacterSource::Named { width, .. }) => *width,
            None => 0,
        };
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let (width, context) = (self.width + characters, Context::SELF_ONLY);
        vec![LayerSpec { width, on, pooled, context, directions: None }]
    }

    fn has_weights(&self) -> bool {
        matches!(self.characters, Some(CharacterSource::Own(_)))
    }

    fn fit(&self, corpora: &[(&Corpus, usize)]) -> Fitted {
        let counted = corpora.iter().copied();
        let words = Vocabulary::of_train(counted, self.normalize, self.min_count, None);
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
        let vocabulary = setup.vocabulary(WORDS);
        // Row 0 is the unknown word.
        let table = setup.scope.table("table", vocabulary.len() + 1, self.width)?;
        if let (Some(file), FirstValues::Recipe) = (&self.vectors, setup.first_values) {
            start_from_vectors(&table, &vocabulary, file, self.width)?;
        }
        let spelling = match &self.characters {
            Some(CharacterSource::Own(own)) => {
                let characters = setup.vocabulary(characters::VOCABULARY);
                let mut scope = setup.scope.child("characters");
                Some(Arc::new(own.build(characters, &mut scope)?))
            }
            Some(CharacterSource::Named { name, .. }) => Some(setup.spellings[name].clone()),
            None => None,
        };
        Ok(Built::Encoder(Box::new(Words {
            name: setup.name.to_owned(),
            normalize: self.normalize,
            vocabulary,
            table,
            spelling,
            word_dropout: self.word_dropout,
            noise: self.noise,
            dropout: self.dropout,
            known: BTreeMap::new(),
        })))
    }
}

/// Initializes the rows of words that the file has a vector for.
fn start_from_vectors(
    table: &Table,
    vocabulary: &Vocabulary,
    file: &str,
    width: usize,
) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|error| Error::Msg(format!("{file}: {error}")))?;
    let source = File { name: file.into(), bytes: bytes.into() };
    let vectors = read_vectors(&source, width, |word| vocabulary.id(word).is_some())
        .map_err(|error| Error::Msg(error.to_string()))?;
    let mut rows = kernel::to_vec(table.rows())?;
    for (word, vector) in &vectors {
        let id = vocabulary.id(word).expect("only wanted words are read") as usize + 1;
        rows[id * width..][..width].copy_from_slice(vector);
    }
    table.set(rows)
}

/// What the embedding has precomputed for one field of a corpus.
struct Attached {
    words: Lookup,
    /// The character ids of each symbol, if characters are read.
    spellings: Vec<Vec<u32>>,
}

struct Words {
    name: String,
    normalize: Normalize,
    vocabulary: Vocabulary,
    table: Table,
    spelling: Option<Arc<Spelling>>,
    word_dropout: f64,
    noise: f64,
    dropout: f64,
    known: BTreeMap<(usize, usize), Attached>,
}

impl Encoder for Words {
    fn attach(&mut self, corpus_idx: usize, field: usize, lexicon: &Lexicon) {
        let words = Lookup::new(&self.vocabulary, lexicon, self.normalize);
        let spellings =
            self.spelling.as_ref().map(|spelling| spelling.spell(lexicon)).unwrap_or_default();
        self.known.insert((corpus_idx, field), Attached { words, spellings });
    }

    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let attached =
            self.known.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let symbols: Vec<_> = batch
            .symbols(field)
            .iter()
            .map(|symbol| symbol.expect("every example has what its encoders read"))
            .collect();
        let id = |&symbol| attached.words.id(symbol).map_or(0, |id| id + 1);
        let mut ids: Vec<u32> = symbols.iter().map(id).collect();
        let site = format!("{}.words", self.name);
        for at in mode.dropout_indices(&on.site(&site), self.word_dropout, ids.len()) {
            ids[at] = 0;
        }
        let mut x = self.table.forward(ids, mode)?; // (rows, width)
        if let Some(spelling) = &self.spelling {
            let spelt = spelling.forward(&attached.spellings, &symbols, mode)?; // (rows, 2·hidden)
            x = Tensor::cat(&[x, spelt], 1)?;
        }
        let x = mode.noise(&on.site(&format!("{}.noise", self.name)), self.noise, x)?;
        let x = mode.dropout(&on.site(&self.name), self.dropout, x)?;
        Ok(vec![Rows::new(x, batch.packing(field))])
    }
}
