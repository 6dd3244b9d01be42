//! Tag: a label for each token, scored by span where the labels have a scheme.
//!
//! With a softmax: loss = −Σ_t ln P(y_t | h_t) over labelled tokens. With a CRF: −Σ ln P(y | h) over
//! sentences. Both are divided by labelled tokens, so a weight means the same with either head.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{Metric, Objective, ObjectiveKind, Scorer, Scores, Setup, Term, by_example, labels};
use crate::{
    data::{
        Batch, Corpus, Lexicon, Part, Vocabulary,
        normalise::Normalise,
        read::ReadError,
        vocabulary::{Lookup, count},
    },
    keys::{Key, Refers, Takes, Values},
    metric::{Accuracy, FScore, Scheme, SpanF1, Word, spans::spans},
    model::{
        Rows,
        head::{Allowed, Classes, Head},
        tap::LayerSpec,
    },
    protocol::event::Direction,
};

pub(super) struct Tag;

const KEYS: &[Key] = &[
    Key::required("label", Takes::Name(Refers::Field), "the field that holds the labels"),
    Key::optional(
        "scheme",
        Takes::Choice(Scheme::NAMES),
        "how the labels spell spans; none: plain labels",
    ),
    Key::optional(
        "encode",
        Takes::Choice(Scheme::NAMES),
        "the scheme to train as; default: as it is read",
    ),
    Key::optional(
        POSITIVE,
        Takes::Text,
        "the label that is looked for, an error's for example: also scores its f0.5",
    ),
    labels::CLASS_WEIGHTS,
];

const POSITIVE: &str = "positive";

const LABELS: &str = "labels";

impl ObjectiveKind for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn about(&self) -> &'static str {
        "a label for each token: parts of speech, chunks, entities, errors"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["softmax", "crf"]
    }

    fn metrics(&self, values: &Values) -> Vec<Metric> {
        let spans: &[&str] = match values.text_if_said("scheme") {
            Some(_) => &["f1", "precision", "recall"],
            None => &[],
        };
        let tokens = ["accuracy", "accuracy_known", "accuracy_oov"];
        let positive = values.get(POSITIVE).map(|_| "f0.5");
        let names = positive.into_iter().chain(spans.iter().copied()).chain(tokens);
        names.map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn check(&self, values: &Values, _taps: &[LayerSpec]) -> std::result::Result<(), String> {
        let weighs = values.get("class_weights").is_some();
        if weighs && values.text_if_said("head") == Some("crf") {
            return Err(
                "a CRF has no class_weights; drop them or take head = \"softmax\"".to_owned()
            );
        }
        if weighs && values.text_if_said("encode").is_some() {
            let what = "class_weights are of the labels as they are read; drop them or encode";
            return Err(what.to_owned());
        }
        labels::check_values(values)
    }

    fn check_corpus(&self, values: &Values, corpus: &Corpus) -> Vec<ReadError> {
        let weights = labels::check_named(values, "class_weights", corpus);
        let Coding { scheme: Some(scheme), .. } = Coding::of(values) else { return weights };
        let Some(field) = corpus.field(values.text("label")) else { return Vec::new() };
        let faults = |part: &Part| -> Vec<ReadError> {
            let labelled = part.examples.iter().filter_map(|example| {
                Some((example, texts(&corpus.lexicons[field], example.symbols(field)?)))
            });
            let faults = labelled.flat_map(|(example, tags)| {
                scheme.faults(&tags).into_iter().map(|fault| ReadError {
                    file: part.file.clone(),
                    line: example.lines[fault.idx],
                    what: fault.reason,
                })
            });
            faults.collect()
        };
        // A carved split shares its file with the one it was carved from.
        let mut faults: Vec<ReadError> = corpus.parts().flat_map(faults).collect();
        faults.extend(weights);
        faults.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        faults
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        let coding = Coding::of(values);
        let mut counts = BTreeMap::<String, u64>::new();
        for corpus in corpora {
            let Some(field) = corpus.field(values.text("label")) else { continue };
            for example in &corpus.train.examples {
                let Some(symbols) = example.symbols(field) else { continue };
                for tag in coding.trained(&texts(&corpus.lexicons[field], symbols)) {
                    *counts.entry(tag).or_default() += 1;
                }
            }
        }
        let counts = counts.iter().map(|(tag, &count)| (tag.as_str(), count)).collect();
        vec![(LABELS, Vocabulary::from_counts(counts, 1, None))]
    }

    fn build(&self, setup: Setup<'_>) -> Result<Box<dyn Objective>> {
        let vocabulary = setup.vocabulary(LABELS);
        let coding = Coding::of(setup.values);
        let label = setup.values.text("label").to_owned();
        let positive = setup.values.text_if_said(POSITIVE).map(str::to_owned);
        let allowed = coding.encode.map(|scheme| allowed(scheme, &vocabulary));
        let classes = Classes { allowed, ..labels::classes(setup.values, &vocabulary) };
        let head = setup.head(classes)?;
        let attached = BTreeMap::new();
        Ok(Box::new(Tagger { label, coding, positive, vocabulary, head, attached }))
    }
}

/// How labels are read, and what is trained.
#[derive(Clone, Copy)]
struct Coding {
    scheme: Option<Scheme>,
    encode: Option<Scheme>,
}

impl Coding {
    fn of(values: &Values) -> Self {
        let scheme = |key| values.text_if_said(key).and_then(Scheme::find);
        let read = scheme("scheme");
        Self { scheme: read, encode: scheme("encode").or(read) }
    }

    /// The tags as they are trained, from tags as they are read.
    fn trained(self, tags: &[&str]) -> Vec<String> {
        Self::recode(tags, self.scheme, self.encode)
    }

    /// The tags as they are read, from tags as they are trained.
    fn read<S: AsRef<str>>(self, tags: &[S]) -> Vec<String> {
        Self::recode(tags, self.encode, self.scheme)
    }

    fn recode<S: AsRef<str>>(tags: &[S], from: Option<Scheme>, to: Option<Scheme>) -> Vec<String> {
        match to {
            // By conlleval's rules, so that a broken sequence has the spans it is scored for.
            Some(to) if from != Some(to) => to.encode(&spans(tags), tags.len()),
            _ => tags.iter().map(|tag| tag.as_ref().to_owned()).collect(),
        }
    }
}

/// Which trained tag may follow which.
fn allowed(scheme: Scheme, vocabulary: &Vocabulary) -> Allowed {
    let tags: Vec<String> = vocabulary.iter().map(|(tag, _)| tag.to_owned()).collect();
    Box::new(move |from, to| {
        let tag = |id: Option<usize>| id.map(|id| tags[id].as_str());
        scheme.allowed(tag(from), tag(to))
    })
}

fn texts<'a>(lexicon: &'a Lexicon, symbols: &[u32]) -> Vec<&'a str> {
    symbols.iter().map(|&symbol| lexicon.get(symbol)).collect()
}

/// What a tagger knows of one corpus.
struct Attached {
    /// The place of the labels; a corpus to predict on may have none.
    label: Option<usize>,
    tags: Lexicon,
    ids: Lookup,
    /// Whether each symbol of the corpus's first field occurs in its training split.
    known: Vec<bool>,
}

struct Tagger {
    label: String,
    coding: Coding,
    positive: Option<String>,
    vocabulary: Vocabulary,
    head: Box<dyn Head>,
    attached: BTreeMap<usize, Attached>,
}

impl Tagger {
    fn attached(&self, batch: &Batch) -> &Attached {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }

    /// The labels of a sequence as the corpus spells them, if it has any.
    fn gold<'a>(attached: &'a Attached, batch: &Batch, b: usize) -> Option<Vec<&'a str>> {
        let label = attached.label?;
        let (symbols, rows) = (batch.symbols(label), batch.rows_of(label, b));
        rows.into_iter().map(|row| Some(attached.tags.get(symbols[row]?))).collect()
    }

    /// The trained class of each row; `None` where there is no label, or one unseen in training.
    fn targets(&self, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached(batch);
        let Some(label) = attached.label else { return vec![None; batch.n_tokens()] };
        if self.coding.scheme == self.coding.encode {
            let symbols = batch.symbols(label).iter();
            return symbols.map(|symbol| attached.ids.id((*symbol)?)).collect();
        }
        let mut targets = vec![None; batch.n_tokens()];
        for b in 0..batch.n_examples() {
            let Some(gold) = Self::gold(attached, batch, b) else { continue };
            for (row, tag) in batch.rows_of(label, b).into_iter().zip(self.coding.trained(&gold)) {
                targets[row] = self.vocabulary.id(&tag);
            }
        }
        targets
    }
}

impl Objective for Tagger {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let label = corpus.field(&self.label);
        let tags = label.map(|label| corpus.lexicons[label].clone()).unwrap_or_default();
        let ids = Lookup::new(&self.vocabulary, &tags, Normalise::default());
        let known = corpus.lexicons.first().map_or_else(Vec::new, |forms| {
            count(forms, &corpus.train, 0).into_iter().map(|count| count > 0).collect()
        });
        self.attached.insert(corpus_idx, Attached { label, tags, ids, known });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
        let Rows { tensor: x, packing } = &taps[0];
        Term::of(self.head.loss(x, &self.targets(batch), packing)?)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        Box::new(TagScorer {
            tagger: self,
            scores: Scores::default(),
            spans: SpanF1::default(),
            classes: FScore::default(),
            accuracy: Accuracy::default(),
        })
    }

    fn predict(&self, taps: &[Rows], _batch: &Batch) -> Result<Vec<Vec<String>>> {
        let Rows { tensor: x, packing } = &taps[0];
        let rows = self.head.decide(x, packing)?;
        let tags = by_example(packing, &rows, |id| self.vocabulary.item(id).to_owned());
        Ok(tags.iter().map(|tags| self.coding.read(tags)).collect())
    }
}

struct TagScorer<'a> {
    tagger: &'a Tagger,
    scores: Scores,
    spans: SpanF1,
    classes: FScore,
    accuracy: Accuracy,
}

impl Scorer for TagScorer<'_> {
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()> {
        self.scores.add(self.tagger.loss(taps, batch)?.as_ref())?;
        let attached = self.tagger.attached(batch);
        let forms = batch.symbols(0);
        for (b, predicted) in self.tagger.predict(taps, batch)?.iter().enumerate() {
            let Some(gold) = Tagger::gold(attached, batch, b) else { continue };
            self.spans.add(&gold, predicted);
            let rows = attached.label.map_or_else(Vec::new, |label| batch.rows_of(label, b));
            for ((row, gold), predicted) in rows.into_iter().zip(gold).zip(predicted) {
                let known = forms[row].is_some_and(|form| attached.known[form as usize]);
                let word = if known { Word::Known } else { Word::Unknown };
                self.accuracy.add(gold, predicted.as_str(), word);
                self.classes.add(gold, predicted);
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Scores {
        let Self { tagger, spans, classes, accuracy, .. } = &*self;
        let mut metrics = Vec::new();
        let Some(all) = accuracy.accuracy() else { return self.scores };
        let positive = tagger.positive.as_deref();
        metrics.extend(positive.map(|label| ("f0.5", classes.f_beta(label, 0.5))));
        if tagger.coding.scheme.is_some() {
            let overall = spans.overall();
            metrics.extend([
                ("f1", overall.f1),
                ("precision", overall.precision),
                ("recall", overall.recall),
            ]);
        }
        metrics.push(("accuracy", all));
        metrics.extend(accuracy.accuracy_known().map(|known| ("accuracy_known", known)));
        metrics.extend(accuracy.accuracy_oov().map(|oov| ("accuracy_oov", oov)));
        let by_class = match tagger.coding.scheme {
            Some(_) => spans.by_class(),
            None => classes.by_class(),
        };
        (self.scores.metrics, self.scores.classes) = (metrics, by_class);
        self.scores
    }
}
