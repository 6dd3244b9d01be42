//! Dual-class: a classifier of texts and a decoder that generates a text given its class should give both one probability
//! (Xia et al. 2017).
//!
//! With p(y | x) of the classifier and p(x | y) of the decoder, both P(x)·p(y | x) and P(y)·p(x | y) are the probability of
//! the text x and its class y. Of a text with |x| words and an end,
//!
//! g = (ln P(y) + ln p(x | y) − ln P(x) − ln p(y | x)) / (|x| + 2), and loss = Σ g² / examples,
//!
//! as in `dual`, where a class counts as one word. The gradient reaches the decoder, the head of the classifier and what
//! both read; P(x), a bigram model of the texts in train over the decoder's classes, and P(y), the share of the class in
//! train, are constant, or with `marginals = "none"` both 1. Examples that lack a text or a class of train have no loss.
//!
//! Its metric is `dual_gap`, the mean of |g|, in nats per word.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use super::{
    ConfigFault, Declared, HeadRead, HeadSource, Metric, Objective, ObjectiveConfig, ObjectiveKind,
    ObjectiveSetup, Output, RawLoss, ReadView, TapKey,
    consistency::check_softmax,
    decoder_pair::{self, LEFT},
    dual::{
        MARGINALS,
        gap::{Joint, Scored},
        side::Side,
    },
    evaluate::Evaluation,
    labels::{LABEL, LABELS},
    text_bigrams,
};
use crate::{
    data::{Batch, Corpus, Fitted, Vocabulary},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{Scorer, scorer::GapScorer},
    model::{RowKind, Rows, head::Head},
    protocol::event::Direction,
};

pub(super) struct DualClass;

const CLASSIFIER: &str = "classifier";

const KEYS: &[Key] = &[
    LABEL,
    Key::required(
        CLASSIFIER,
        ValueType::Name(Refers::Objective),
        "objective of kind \"classify\" that predicts this class from the text",
    ),
    Key::with_default(
        MARGINALS,
        ValueType::Choice(&["counts", "none"]),
        "\"counts\"",
        "probabilities of a text and of a class by themselves: a bigram model and the counts of train, or none, as if all \
         were equal",
    ),
];

const TAPS: &[TapKey] = &[TapKey { name: LEFT, on: Some(RowKind::Step), selects: false }];

impl ObjectiveKind for DualClass {
    fn name(&self) -> &'static str {
        "dual-class"
    }

    fn about(&self) -> &'static str {
        "one probability of a text and its class by a decoder given the class and a classifier"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        // The output layers are those of the decoder and of the classifier.
        HeadSource::None
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let (text, label) =
            (decoder_pair::field(declared, LEFT)?, declared.values.text(LABEL.name));
        let decoder = declared.values.texts(LEFT)[0];
        if !decoder_pair::reads(declared.encoder, decoder, label) {
            let what = format!(
                "`{LEFT}`: expected a decoder that reads {label:?}, found {decoder:?}, which does not; let it attend to an \
                 encoder of kind \"label\" of that field"
            );
            return Err(ConfigFault::Key(LEFT, what));
        }
        Ok(Box::new(Config {
            text,
            label: label.to_owned(),
            classifier: declared.values.text(CLASSIFIER).to_owned(),
            has_marginals: declared.values.text(MARGINALS) == "counts",
        }))
    }
}

/// The options of the objective.
struct Config {
    /// The field that the decoder generates.
    text: String,
    /// The field of the class.
    label: String,
    classifier: String,
    has_marginals: bool,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "dual_gap", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn reads(&self) -> Vec<HeadRead> {
        let objective = self.classifier.clone();
        vec![HeadRead { key: CLASSIFIER, objective, requires_grad: true }]
    }

    fn check_reads(&self, reads: &[ReadView<'_>]) -> std::result::Result<(), ConfigFault> {
        for read in reads {
            check_softmax(CLASSIFIER, &self.classifier, read)?;
            let is_of_label = matches!(
                read.config.output(),
                Output::Field { name, as_read: true, .. } if name == self.label
            );
            if read.on != Some(RowKind::Example) || !is_of_label {
                let what = format!(
                    "`{CLASSIFIER}`: expected an objective of kind \"classify\" whose `label` is {:?} without a map, \
                     found {:?}",
                    self.label, self.classifier
                );
                return Err(ConfigFault::Key(CLASSIFIER, what));
            }
        }
        Ok(())
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        if !self.has_marginals {
            return Fitted::default();
        }
        let fields =
            corpora.iter().filter_map(|&corpus| Some((corpus, corpus.field(&self.label)?)));
        let labels = Vocabulary::of_train(fields, str::to_owned, None);
        let fitted = Fitted::default().with_vocabulary(LABELS, labels);
        text_bigrams::add_counts(fitted, LEFT, &self.text, corpora)
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let [decoder] = setup.decoders else { bail!("expected the tap of a decoder") };
        let marginal = self
            .has_marginals
            .then(|| text_bigrams::model(setup.fitted, LEFT, decoder.vocabulary()));
        let text = Side::new(decoder.clone(), self.text.clone(), marginal.transpose()?);
        let Some(head) = setup.build_read_head(0)? else {
            bail!("expected a head with a softmax over the labels of {:?}", self.classifier)
        };
        let names = setup.build_read(0)?.class_names();
        let priors = if self.has_marginals {
            let counts = setup.vocabulary(LABELS)?;
            let all: u64 = counts.iter().map(|(_, n)| n).sum();
            let of = |name: &str| (counts.count(name) as f64 / all as f64).ln();
            names.iter().take(head.n_labels).map(of).collect()
        } else {
            vec![0.0; head.n_labels]
        };
        let names = names.iter().take(head.n_labels).map(str::to_owned).collect();
        let class = ClassSide {
            head: head.head,
            label: self.label.clone(),
            names,
            priors,
            attached: BTreeMap::new(),
        };
        Ok(Box::new(DualGap { text, class }))
    }
}

/// A classifier, with the probability of each class by itself.
struct ClassSide {
    head: Box<dyn Head>,
    label: String,
    /// The label of each class.
    names: Vec<String>,
    /// ln P of each.
    priors: Vec<f64>,
    /// The index of the field in each corpus that has it, and the class of each of its labels.
    attached: BTreeMap<usize, (usize, Vec<Option<usize>>)>,
}

impl ClassSide {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.label) else { return };
        // A class that train lacks has no probability by itself.
        let is_known = |at: &usize| self.priors[*at].is_finite();
        let class = |label: &str| self.names.iter().position(|name| name == label).filter(is_known);
        let classes = corpus.lexicons[field].iter().map(class).collect();
        self.attached.insert(corpus_idx, (field, classes));
    }

    /// What it says about the class of each example, from rows (examples, width); `None` if no example has one.
    fn score(&self, rows: &Rows, batch: &Batch) -> Result<Option<Scored>> {
        let Some((field, classes)) = self.attached.get(&batch.corpus) else { return Ok(None) };
        let labels = batch.labels(*field);
        let class = |label: &Option<u32>| label.and_then(|label| classes[label as usize]);
        let classes: Vec<Option<usize>> = labels.iter().map(class).collect();
        if classes.iter().all(Option::is_none) {
            return Ok(None);
        }
        let log_p = kernel::log_softmax(&self.head.scores(&rows.tensor)?)?; // (examples, classes)
        let n_classes = self.names.len();
        let values = log_p.reshape((log_p.elem_count(), 1))?;
        let at = |(example, class): (usize, &Option<usize>)| {
            (example * n_classes + class.unwrap_or_default()) as u32
        };
        let of_class = classes.iter().enumerate().map(at).collect();
        let conditional: Tensor = kernel::gather(&values, of_class)?.flatten_all()?.neg()?;
        Ok(Some(Scored {
            conditional,
            marginal: classes.iter().map(|class| class.map_or(0.0, |at| self.priors[at])).collect(),
            n_words: classes.iter().map(|class| usize::from(class.is_some())).collect(),
        }))
    }
}

struct DualGap {
    text: Side,
    class: ClassSide,
}

impl DualGap {
    /// `None` if no example has both a text and a class.
    fn joint(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Joint>> {
        match (self.text.score(&taps[0], batch)?, self.class.score(&taps[1], batch)?) {
            (Some(text), Some(class)) => Joint::of(&text, &class),
            _ => Ok(None),
        }
    }
}

impl Objective for DualGap {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.text.attach(corpus_idx, corpus);
        self.class.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        self.joint(taps, batch)?.map_or(Ok(None), |joint| joint.loss(batch))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        Joint::evaluate(self.joint(taps, batch)?.as_ref(), batch)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(GapScorer::default())
    }
}
