//! Words as vectors: a table, and optionally what a BiLSTM makes of their characters.
//!
//! In training, words may be taken for unknown ones, each token by a draw of its own (Iyyer et al.
//! 2015), and Gaussian noise may be added to all numbers before dropout (Plank et al. 2016).

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result, Tensor};

use super::{
    Built, Encoder, EncoderKind, EncoderSetup, FirstValues, Named, RowSource, SequenceView,
    characters::{self, Spelling},
};
use crate::{
    data::{
        Corpus, Lexicon, Vocabulary, normalise::Normalise, read::Source as File,
        vectors::read_vectors, vocabulary::Lookup,
    },
    kernel,
    keys::{GREATEST, Key, Refers, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, EncoderSignature, LayerSpec, RowKind},
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
        ValueType::Number(0.0, GREATEST),
        "0",
        "standard deviation of Gaussian noise added in training",
    ),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

const WORDS: &str = "words";

fn normalise(values: &Values) -> Normalise {
    Normalise { lowercase: values.switch("lowercase"), zero_digits: values.switch("zero_digits") }
}

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

    fn has_layers(&self, values: &Values) -> bool {
        values.table("characters").is_some()
    }

    fn signature(
        &self,
        values: &Values,
        _inputs: &[LayerSpec],
        named: &dyn Named,
    ) -> std::result::Result<EncoderSignature, String> {
        let characters = match values.table("characters") {
            Some(table) => 2 * table.count("hidden"),
            None => match values.text_if_said("characters") {
                Some(name) => named.values(name).map_or(0, |values| 2 * values.count("hidden")),
                None => 0,
            },
        };
        let width = values.count("width") + characters;
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let layer = LayerSpec { width, on, pooled, context: Context::SELF_ONLY, directions: None };
        Ok(EncoderSignature { inputs: Vec::new(), layers: vec![layer] })
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[(&Corpus, usize)],
    ) -> Vec<(&'static str, Vocabulary)> {
        let min_count = values.count("min_count") as u64;
        let words =
            Vocabulary::of_train(corpora.iter().copied(), normalise(values), min_count, None);
        let mut vocabularies = vec![(WORDS, words)];
        if values.table("characters").is_some() {
            vocabularies.push((characters::VOCABULARY, characters::vocabulary(corpora)));
        }
        vocabularies
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let (values, width) = (setup.values, setup.values.count("width"));
        let vocabulary = setup.vocabulary(WORDS);
        // Row 0 is the unknown word's.
        let table = setup.scope.table("table", vocabulary.len() + 1, width)?;
        if let (Some(file), FirstValues::Recipe) =
            (values.text_if_said("vectors"), setup.first_values)
        {
            start_from_vectors(&table, &vocabulary, file, width)?;
        }
        let spelling = match values.table("characters") {
            Some(own) => {
                let characters = setup.vocabulary(characters::VOCABULARY);
                let mut scope = setup.scope.child("characters");
                Some(Arc::new(Spelling::new(&own, characters, &mut scope)?))
            }
            None => values.texts("characters").first().map(|name| setup.spellings[*name].clone()),
        };
        Ok(Built::Encoder(Box::new(Words {
            name: setup.name.to_owned(),
            field: values.text("field").to_owned(),
            normalise: normalise(values),
            vocabulary,
            table,
            spelling,
            word_dropout: values.number("word_dropout"),
            noise: values.number("noise"),
            dropout: values.number("dropout"),
            known: BTreeMap::new(),
        })))
    }
}

/// Puts a file's vectors over the drawn first values of the words that have one.
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

/// What an embedding knows of one field of a corpus.
struct Attached {
    words: Lookup,
    /// The spelling of each symbol, if characters are read.
    spellings: Vec<Vec<u32>>,
}

struct Words {
    name: String,
    field: String,
    normalise: Normalise,
    vocabulary: Vocabulary,
    table: Table,
    spelling: Option<Arc<Spelling>>,
    word_dropout: f64,
    noise: f64,
    dropout: f64,
    known: BTreeMap<(usize, usize), Attached>,
}

impl Encoder for Words {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn attach(&mut self, corpus_idx: usize, field: usize, lexicon: &Lexicon) {
        let words = Lookup::new(&self.vocabulary, lexicon, self.normalise);
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
