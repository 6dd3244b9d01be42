//! A bag of words: one vector per example, without word order.
//!
//! Over the distinct features w of an example, each occurring n_w times: output = Σ_w c_w
//! e_w / Σ_w c_w, with c_w = n_w for "all" (the mean over tokens: Iyyer et al. 2015), 1 for
//! "distinct", 1 + ln n_w for "log". The features are words, or letter trigrams of words with `#`
//! at both ends (Huang et al. 2013).

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    AttachedField, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup,
    RowSource, SequenceView, StringTable,
};
use crate::{
    data::{
        Corpus, Fitted, Vocabulary, normalize::Normalize, vectors::WordVectors, vocabulary::count,
    },
    kernel,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct Bow;

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Field), "field of the example it reads"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "output dimension"),
    Key::with_default(
        FEATURES,
        ValueType::Choice(&["words", "letter-trigrams"]),
        "\"words\"",
        "features of the bag",
    ),
    Key::with_default(
        "counts",
        ValueType::Choice(&["all", "distinct", "log"]),
        "\"all\"",
        "weight in the mean of a feature that occurs n times: n, 1, or 1 + ln n",
    ),
    Key::with_default(
        "min_count",
        ValueType::Count(1),
        "2",
        "minimum count in training; rarer features map to the unknown feature",
    ),
    Key::with_default("lowercase", ValueType::Switch, "false", "lowercase words before lookup"),
    Key::with_default(
        "zero_digits",
        ValueType::Switch,
        "false",
        "replace digits by 0 before lookup",
    ),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

const FEATURES: &str = "features";

impl EncoderKind for Bow {
    fn name(&self) -> &'static str {
        "bow"
    }

    fn about(&self) -> &'static str {
        "bag of words or of letter trigrams: one vector per example"
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
        let (lowercase, zero_digits) = (values.switch("lowercase"), values.switch("zero_digits"));
        let trigrams = values.text(FEATURES) == "letter-trigrams";
        Ok(Box::new(Config {
            field: values.text("field").to_owned(),
            width: values.count("width"),
            features: Features { trigrams, normalize: Normalize { lowercase, zero_digits } },
            counts: match values.text("counts") {
                "distinct" => |_| 1.0,
                "log" => |n| 1.0 + n.ln(),
                _ => |n| n,
            },
            min_count: values.count("min_count") as u64,
            dropout: values.number("dropout"),
        }))
    }
}

/// The options of a bag of words.
struct Config {
    field: String,
    width: usize,
    features: Features,
    /// c_w as a function of n_w.
    counts: fn(f32) -> f32,
    min_count: u64,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn tables(&self) -> &'static [StringTable] {
        const { &[StringTable::of_rows("table", FEATURES)] }
    }

    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let (width, on) = (self.width, RowKind::Example);
        vec![LayerSpec { width, on, pooled: on, context: Context::BOTH, directions: None }]
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        let mut counts = BTreeMap::<String, u64>::new();
        for &(corpus, field) in corpora {
            let lexicon = &corpus.lexicons[field];
            for (word, n) in lexicon.iter().zip(count(lexicon, &corpus.train, field)) {
                if n > 0 {
                    for feature in self.features.in_word(word) {
                        *counts.entry(feature).or_default() += n;
                    }
                }
            }
        }
        let counts = counts.iter().map(|(feature, &n)| (feature.as_str(), n)).collect();
        let features = Vocabulary::from_counts(counts, self.min_count, None);
        Fitted::default().with_vocabulary(FEATURES, features)
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vocabulary = setup.vocabulary(FEATURES)?;
        Ok(Built::Encoder(Box::new(Bag {
            name: setup.name.to_owned(),
            features: self.features,
            counts: self.counts,
            // Row 0 is the unknown feature.
            table: setup.scope.table("table", vocabulary.len() + 1, self.width)?,
            vocabulary,
            dropout: self.dropout,
            known: BTreeMap::new(),
        })))
    }
}

/// The features of a word.
#[derive(Clone, Copy)]
struct Features {
    trigrams: bool,
    normalize: Normalize,
}

impl Features {
    /// Never empty, so that no bag is empty.
    fn in_word(self, word: &str) -> Vec<String> {
        let word = self.normalize.apply(word);
        if !self.trigrams {
            return vec![word.into_owned()];
        }
        let letters: Vec<char> = format!("#{word}#").chars().collect();
        match letters.len() {
            0..3 => vec![letters.into_iter().collect()],
            _ => letters.windows(3).map(|three| three.iter().collect()).collect(),
        }
    }
}

struct Bag {
    name: String,
    features: Features,
    /// c_w as a function of n_w.
    counts: fn(f32) -> f32,
    vocabulary: Vocabulary,
    table: Table,
    dropout: f64,
    /// The table's rows for each string, by corpus and field.
    known: BTreeMap<(usize, usize), Vec<Vec<u32>>>,
}

impl Encoder for Bag {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let &AttachedField { corpus_idx, field, lexicon, .. } = field;
        let id = |feature: &String| self.vocabulary.id(feature).map_or(0, |id| id + 1);
        let ids = |word: &str| self.features.in_word(word).iter().map(id).collect();
        self.known.insert((corpus_idx, field), lexicon.iter().map(ids).collect());
    }

    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let known = self.known.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let (symbols, packing) = (batch.symbols(field), batch.packing(field));
        let (mut ids, mut bags) = (Vec::new(), Vec::new());
        for b in 0..packing.n_sequences() {
            let mut n = BTreeMap::<u32, f32>::new();
            for row in packing.rows(b) {
                let symbol = symbols[row].expect("every example has what its encoders read");
                for &id in &known[symbol as usize] {
                    *n.entry(id).or_default() += 1.0;
                }
            }
            let counts: Vec<f32> = n.values().map(|&n| (self.counts)(n)).collect();
            let sum: f32 = counts.iter().sum();
            ids.extend(n.into_keys());
            bags.push(counts.into_iter().map(|count| count / sum).collect());
        }
        let rows = self.table.forward(ids, mode)?; // (distinct features of each example, width)
        let means = kernel::sum_bags(&rows, bags)?; // (sequences, width)
        let means = mode.dropout(&on.site(&self.name), self.dropout, means)?;
        Ok(vec![Rows::pooled(packing, means)?])
    }
}
