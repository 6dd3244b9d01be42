//! Generation: a text, word by word, from the outputs of a decoder.
//!
//! loss = −(Σ_t ln P(w_t | w_1 .. w_{t−1}, memory)) / words, over the words of the target and its end, or over its subwords
//! where the decoder generates those: loss and perplexity are then per subword. Words outside the decoder's vocabulary are
//! one class, but for those that it can copy. An evaluation also generates texts, by greedy or beam search, and compares
//! them with the targets. With `actions` a target is words with the actions of a parser among them, so that the decoder
//! builds a tree over what it writes (Wu et al. 2017): loss = −ln P(words) − ln P(actions), and texts are compared by
//! their words. Where the tokens of a text are characters, as of a field of
//! [`SpelledField`](crate::data::SpelledField), texts are compared as transcripts are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, decoded, labels,
};
use crate::{
    data::{Batch, Corpus, Lexicon, Prediction, SpelledField, prediction::ScoredText},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{
        Gold, Scorer, Tokenization,
        scorer::{GenerationScorer, TranscriptScorer},
    },
    model::{
        Decoder, RowKind, Rows,
        decoder::{
            Copied, CopiedField, FIRST, Hypothesis, MAX_BEAM, SearchOptions, SearchedExample,
            SourceWords, TargetIds, TargetRows, search, searched_at_once,
        },
    },
    protocol::event::Direction,
};

pub(super) struct Generate;

const LABEL: &str = "label";
const TAP: &str = "tap";
const BEAM: &str = "beam";
const LENGTH_PENALTY: &str = "length_penalty";
const COVERAGE_PENALTY: &str = "coverage_penalty";
const LENGTH_RATIO: &str = "length_ratio";
const EXTRA_LENGTH: &str = "extra_length";
const UNITS: &str = "units";
const TOKENIZATION: &str = "tokenization";
const ACTIONS: &str = "actions";

const KEYS: &[Key] = &[
    Key::required(
        LABEL,
        ValueType::Name(Refers::Field),
        "field of the texts; it is also the field of the decoder",
    ),
    Key::with_default(
        BEAM,
        ValueType::Within(1, MAX_BEAM as u64),
        "1",
        "beam size of the search, in evaluations and `predict`; 1 is greedy",
    ),
    Key::with_default(
        LENGTH_PENALTY,
        ValueType::Number(0.0, 5.0),
        "0.6",
        "α of the length penalty: hypotheses are ordered by ln p / ((5 + n)/6)^α; no effect with beam 1",
    ),
    Key::with_default(
        COVERAGE_PENALTY,
        ValueType::Number(0.0, 5.0),
        "0",
        "β of the coverage penalty: β·Σ_j ln min(attention to row j of the memory in all steps, 1) is added; no effect with \
         beam 1",
    ),
    Key::with_default(
        LENGTH_RATIO,
        ValueType::Number(0.0, 100.0),
        "2",
        "maximum length of a text in tokens, which are words, subwords or characters: length_ratio × rows of its memory + \
         extra_length",
    ),
    Key::with_default(
        EXTRA_LENGTH,
        ValueType::Within(0, 1000),
        "10",
        "number of tokens in that sum",
    ),
    Key::with_default(
        UNITS,
        ValueType::Choice(&["words", CHARACTERS]),
        "\"words\"",
        "what the tokens of a text are: words, or characters as of a field \"spelling\", which are joined and scored as a \
         transcript",
    ),
    Key::with_default(
        TOKENIZATION,
        ValueType::Choice(&["none", "13a"]),
        "\"none\"",
        "tokenization of BLEU, as in sacreBLEU: none for texts that are tokenized",
    ),
    Key::optional(
        ACTIONS,
        ValueType::List(&ValueType::Text),
        "tokens of a target that are the actions of a parser: they are generated, but are not part of texts and scores",
    ),
];

const CHARACTERS: &str = "characters";

const TAPS: &[TapKey] = &[TapKey { name: TAP, on: Some(RowKind::Step), selects: false }];

impl ObjectiveKind for Generate {
    fn name(&self) -> &'static str {
        "generate"
    }

    fn about(&self) -> &'static str {
        "the text of a field, word by word, from a decoder"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        // The output layer is that of the decoder.
        HeadSource::None
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        decoded::check(declared, TAP, LABEL)?;
        let values = declared.values;
        if !values.texts(ACTIONS).is_empty() && decoded::word_field(declared, TAP).is_none() {
            let what = "`actions`: expected a decoder of words, found one of subwords; remove its `subwords`";
            return Err(ConfigFault::Key(ACTIONS, what.to_owned()));
        }
        if !values.texts(ACTIONS).is_empty() && decoded::copies(declared, TAP) {
            let what = "`actions`: expected a decoder without `copy`, found one that may copy a word of that form; remove \
                        one of the two";
            return Err(ConfigFault::Key(ACTIONS, what.to_owned()));
        }
        if values.text(UNITS) == CHARACTERS && decoded::word_field(declared, TAP).is_none() {
            let what = "expected `units = \"words\"` of a decoder of subwords, which are joined to words, found \
                        \"characters\"";
            return Err(ConfigFault::Key(UNITS, what.to_owned()));
        }
        Ok(Box::new(Config {
            label: values.text(LABEL).to_owned(),
            search: SearchOptions {
                beam: values.count(BEAM),
                length_penalty: values.number(LENGTH_PENALTY) as f32,
                coverage_penalty: values.number(COVERAGE_PENALTY) as f32,
            },
            length_ratio: values.number(LENGTH_RATIO),
            extra_length: values.count(EXTRA_LENGTH),
            units: if values.text(UNITS) == CHARACTERS { Units::Characters } else { Units::Words },
            tokenization: Tokenization::find(values.text(TOKENIZATION)),
            actions: values.texts(ACTIONS).into_iter().map(str::to_owned).collect(),
        }))
    }
}

/// The parsed options.
#[derive(Clone)]
struct Config {
    label: String,
    search: SearchOptions,
    length_ratio: f64,
    extra_length: usize,
    units: Units,
    tokenization: Tokenization,
    /// The tokens that are no words.
    actions: BTreeSet<String>,
}

impl Config {
    /// Whether a token is a word, or a character.
    fn is_word(&self, token: &str) -> bool {
        !self.actions.contains(token)
    }
}

/// What the tokens of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Units {
    Words,
    Characters,
}

impl Units {
    fn text(self, tokens: &[&str]) -> String {
        match self {
            Self::Words => tokens.join(" "),
            Self::Characters => SpelledField::text(tokens.iter().copied()),
        }
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        // BLEU is 0 without a match of four words, as in texts of three.
        let (higher, lower): (&[_], &[_]) = match self.units {
            Units::Words => (&["chrf", "bleu", "exact_match"], &["perplexity"]),
            Units::Characters => (&[], &["cer", "wer"]),
        };
        let metric = |direction| move |name: &&'static str| Metric { name, direction };
        let higher = higher.iter().map(metric(Direction::Higher));
        higher.chain(lower.iter().map(metric(Direction::Lower))).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false, names_read: false }
    }

    fn has_class_labels(&self) -> bool {
        false
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(field) = corpus.field(&self.label) else { return check };
        let lexicon = &corpus.lexicons[field];
        let absent = self.actions.iter().filter(|action| !lexicon.iter().any(|it| it == *action));
        let what = |action: &String| {
            format!(
                "`{ACTIONS}`: expected tokens of {:?}, found {action:?}, which no example from here on has; remove it",
                self.label
            )
        };
        check.of_corpus.extend(absent.map(|action| labels::fault(corpus, what(action))));
        check
    }

    fn beam(&self) -> Option<u64> {
        Some(self.search.beam as u64)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let [decoder] = setup.decoders else { bail!("expected the tap of a decoder") };
        Ok(Box::new(Generator {
            decoder: decoder.clone(),
            config: self.clone(),
            n_best: 1,
            attached: BTreeMap::new(),
        }))
    }
}

struct Generator {
    decoder: Arc<dyn Decoder>,
    config: Config,
    /// The most texts of a prediction.
    n_best: usize,
    attached: BTreeMap<usize, Attached>,
}

/// The field of a corpus.
struct Attached {
    field: usize,
    ids: TargetIds,
    words: Lexicon,
    /// The words that the decoder can copy.
    copied: Option<CopiedField>,
}

impl Generator {
    fn attached(&self, batch: &Batch) -> &Attached {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }

    /// The target of each example, if it has one.
    fn gold(&self, batch: &Batch) -> Vec<Gold> {
        let Attached { field, words, .. } = self.attached(batch);
        let symbols = batch.symbols(*field);
        let of = |example: usize| {
            let rows = batch.rows_of(*field, example).into_iter();
            let text: Option<Vec<&str>> =
                rows.map(|row| Some(words.get(symbols.get(row).copied().flatten()?))).collect();
            match text {
                Some(mut text) => {
                    text.retain(|token| self.config.is_word(token));
                    if text.is_empty() {
                        Gold::None
                    } else {
                        Gold::Texts(vec![self.config.units.text(&text)])
                    }
                }
                None => Gold::None,
            }
        };
        (0..batch.n_examples()).map(of).collect()
    }

    /// The words that the decoder can copy.
    fn source(&self, batch: &Batch) -> Option<SourceWords> {
        self.attached(batch).copied.as_ref().map(|copied| copied.words(batch))
    }

    /// The texts of each example that has rows of a memory.
    fn texts(&self, inputs: &[Rows], batch: &Batch) -> Result<Vec<Prediction>> {
        let mut predictions = vec![Prediction::None; batch.n_examples()];
        let memories = &inputs[..self.decoder.n_memories().min(inputs.len())];
        let searched = |example: usize| {
            let rows = memories.iter().map(|rows| rows.packing.rows_of_example(example).len());
            let n = rows.max().unwrap_or(0);
            let max_len = (n as f64 * self.config.length_ratio) as usize + self.config.extra_length;
            (n > 0).then_some(SearchedExample { example: example as u32, max_len })
        };
        let examples: Vec<_> = (0..batch.n_examples()).filter_map(searched).collect();
        let words = self.source(batch);
        let mut decoding = self.decoder.start(inputs, words.as_ref())?;
        let n_at_once = searched_at_once(self.config.search.beam, decoding.n_classes());
        for examples in examples.chunks(n_at_once) {
            let found = search(decoding.as_mut(), examples, self.config.search)?;
            for (searched, mut found) in examples.iter().zip(found) {
                found.truncate(self.n_best);
                let texts = found.iter().map(|found| self.text(found, words.as_ref())).collect();
                predictions[searched.example as usize] = Prediction::Texts(texts);
            }
        }
        Ok(predictions)
    }

    fn text(&self, hypothesis: &Hypothesis, source: Option<&SourceWords>) -> ScoredText {
        let vocabulary = self.decoder.vocabulary();
        let word = |&class: &u32| match source {
            Some(source) if class >= source.n_classes() => source.text(class),
            _ => vocabulary.item(class - FIRST),
        };
        let mut words: Vec<&str> = hypothesis.classes.iter().map(word).collect();
        words.retain(|word| self.config.is_word(word));
        let text = match self.config.units {
            Units::Words => self.decoder.text(&words),
            Units::Characters => self.config.units.text(&words),
        };
        ScoredText { text, score: hypothesis.score }
    }
}

impl Objective for Generator {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.config.label) else { return };
        let words = corpus.lexicons[field].clone();
        let ids = self.decoder.target_ids(&words);
        let source = self.decoder.copies().and_then(|name| corpus.field(name));
        let copied =
            source.map(|source| CopiedField::new(self.decoder.vocabulary(), corpus, source, field));
        self.attached.insert(corpus_idx, Attached { field, ids, words, copied });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Attached { field, ids, copied, .. } = self.attached(batch);
        let words = self.source(batch);
        let packing = &taps[0].packing;
        let rows = TargetRows::new(packing, batch, *field, ids);
        let targets = match (copied, &words) {
            (Some(copied), Some(words)) => rows.targets_by(|symbol| copied.target(symbol, words)),
            _ => rows.targets(),
        };
        let n_rows = targets.len();
        if n_rows == 0 {
            return Ok(None);
        }
        let copied = words.as_ref().zip(taps.get(1));
        let copied = copied.map(|(words, memory)| Copied { memory, words });
        let per_row = self.decoder.cross_entropy(&taps[0], targets, copied)?;
        let examples = packing.examples_of_rows();
        let per_example = kernel::sum_by_group(&per_row, examples, packing.n_examples())?;
        RawLoss::new(per_example, n_rows).map(Some)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        Ok(Evaluation {
            loss: self.loss(taps, batch)?,
            gold: self.gold(batch),
            predictions: self.texts(&taps[1..], batch)?,
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        match self.config.units {
            Units::Words => Box::new(GenerationScorer::new(self.config.tokenization)),
            Units::Characters => Box::new(TranscriptScorer::of_characters()),
        }
    }

    fn set_search(&mut self, beam: Option<usize>, n_best: usize) -> bool {
        let search = &mut self.config.search;
        search.beam = beam.unwrap_or(search.beam).max(n_best);
        self.n_best = n_best;
        true
    }

    fn signatures(&self) -> Vec<String> {
        match self.config.units {
            Units::Words => self.config.tokenization.signatures().into(),
            Units::Characters => Vec::new(),
        }
    }
}
