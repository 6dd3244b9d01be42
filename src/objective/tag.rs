//! Tag: a label per token, scored by span if the labels have a span encoding.
//!
//! With a softmax head: loss = −Σ_t ln P(y_t | h_t) over labelled tokens. With a CRF: −Σ ln P(y |
//! h) over sentences. Both are divided by the number of labelled tokens, so a weight has the same
//! effect with either head.
//!
//! With `types = false` the tags of typed spans are those of their boundaries, `B-Task` and `B-Process` both `B`
//! (Augenstein and Søgaard 2017, "Multi-task learning of keyphrase boundary classification"); predictions are written
//! without types.

mod coding;
mod tagger;

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LABEL_WIDTH, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RepairedTag, Selects, TOKEN_TAP, TapKey,
    labels::{self, LABELS, LabelConfig},
};
use crate::{
    data::{Axis, Corpus, Example, Fitted, Lexicon, SplitData, Vocabulary, read::ReadError},
    keys::{Key, Refers, ValueType},
    metric::{Scheme, TagFault, TagForm, TagScheme},
    model::{
        encoder::{ClassProbability, LabelHead, RowProbability},
        head::Classes,
    },
    protocol::event::Direction,
};

use coding::{Coding, allowed};
use tagger::Tagger;

pub(super) struct Tag;

const KEYS: &[Key] = &[
    Key::required("label", ValueType::Name(Refers::Field), "field of the labels"),
    Key::optional(
        SCHEME,
        ValueType::Choice(Scheme::NAMES),
        "span encoding of the labels; default: plain labels",
    ),
    Key::optional(
        ENCODE,
        ValueType::Choice(Scheme::NAMES),
        "span encoding to train with; default: that of `scheme`",
    ),
    Key::with_default(
        TYPES,
        ValueType::Switch,
        "true",
        "spans with their types; false: only their boundaries are trained, predicted and scored",
    ),
    Key::optional(
        FORM,
        ValueType::Choice(TagForm::NAMES),
        "form of the tags of a span: the side of its letter, and the separator; default: \"B-PER\"",
    ),
    Key::with_default(
        INVALID,
        ValueType::Choice(&["repair", "refuse"]),
        "\"repair\"",
        "what to do with tags that the scheme forbids at their place; repair: read them as conlleval does, and \
         list them",
    ),
    Key::optional(
        POSITIVE,
        ValueType::Text,
        "positive label, for example of errors: also scores its F0.5; its probability is \"probability:NAME\"",
    ),
    labels::CLASS_WEIGHTS,
    LABEL_WIDTH,
];

const SCHEME: &str = "scheme";
const ENCODE: &str = "encode";
const TYPES: &str = "types";
const FORM: &str = "tag_form";
const INVALID: &str = "invalid_tags";
const POSITIVE: &str = "positive";

/// The number of labels that a message shows.
const SHOWN: usize = 5;

/// The name of the head whose loss needs a label at every token.
const CRF: &str = "crf";

impl ObjectiveKind for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn about(&self) -> &'static str {
        "sequence labelling: part-of-speech tags, chunks, entities, errors"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax", CRF])
    }

    fn selects_rows(&self) -> Selects {
        Selects::RowsOfClass(POSITIVE)
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let labels = LabelConfig::of(declared, None)?;
        let coding = Coding::of(values);
        if labels.class_weights.is_some() {
            let head = declared.head.filter(|head| !head.supports_class_weights());
            if let Some(head) = head {
                let name = head.name();
                let what = format!(
                    "expected no `class_weights` with `head = \"{name}\"`, which does not support \
                     class weights; remove them, or set `head = \"softmax\"`"
                );
                return Err(ConfigFault::Tap(what));
            }
            if !coding.is_plain() {
                let key = coding.recoding_key();
                let what = format!(
                    "`class_weights` apply to the labels as they are read; remove `class_weights` or {key}"
                );
                return Err(ConfigFault::Tap(what));
            }
        }
        if !coding.has_types && coding.scheme.is_none() {
            let what =
                "expected a `scheme`, whose spans have boundaries; set one, or remove `types`";
            return Err(ConfigFault::Key(TYPES, what.to_owned()));
        }
        let has_letters = |scheme: TagScheme| scheme.scheme != Scheme::Io;
        if values.text_if_set(FORM).is_some()
            && ![coding.scheme, coding.encode].into_iter().flatten().any(has_letters)
        {
            let what = "expected a `scheme` whose tags have a letter, such as \"iob2\"; set one, or remove `tag_form`";
            return Err(ConfigFault::Key(FORM, what.to_owned()));
        }
        let positive = values.text_if_set(POSITIVE).map(str::to_owned);
        let by_sentence = if coding.is_plain() {
            let is_crf = declared.head.is_some_and(|head| head.name() == CRF);
            is_crf.then_some("`head = \"crf\"`")
        } else {
            Some(coding.recoding_key())
        };
        Ok(Box::new(Config { labels, coding, positive, by_sentence }))
    }
}

/// The options of the objective.
struct Config {
    labels: LabelConfig,
    coding: Coding,
    /// The tag whose F0.5 is scored.
    positive: Option<String>,
    /// The key that restricts training to sentences with a label for every token, if there is one.
    by_sentence: Option<&'static str>,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let spans: &[&str] = match self.coding.scheme {
            Some(_) => &["f1", "precision", "recall"],
            None => &[],
        };
        let tokens = ["accuracy", "accuracy_known", "accuracy_oov"];
        let positive = self.positive.as_ref().map(|_| "f0.5");
        let names = positive.into_iter().chain(spans.iter().copied()).chain(tokens);
        names.map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn output(&self) -> Output<'_> {
        let (name, as_read) = (&self.labels.field, self.coding.is_plain());
        Output::Field { name, as_read, names_read: self.coding.has_types }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let of_corpus = self.labels.check_weights(corpus);
        let mut check = LabelCheck { of_corpus, ..LabelCheck::default() };
        let Some(field) = corpus.field(&self.labels.field) else { return check };
        check.of_corpus.extend(self.check_positive(corpus));
        if let Some(key) = self.by_sentence {
            self.check_untrained(key, corpus, field, &mut check);
        }
        let Some(scheme) = self.coding.scheme else { return check };
        for (split, data) in corpus.splits() {
            let tagged: Vec<(&Example, Tags<'_>)> = tagged(corpus, data, field).collect();
            let sentences: Vec<_> = tagged.iter().map(|(_, tags)| tags.as_slice()).collect();
            if let Some(other) = scheme.recognize(&sentences) {
                check.of_files.push(of_another_scheme(scheme, other, data, &tagged));
                continue;
            }
            for (example, tags) in tagged {
                let is_whole = tags.iter().all(Option::is_some);
                for TagFault { idx, reason, is_unknown } in scheme.faults_of_labelled(&tags) {
                    let line = example.line_of(idx);
                    let error = ReadError {
                        file: data.file_of(example, &self.labels.field),
                        line,
                        what: reason,
                    };
                    if is_unknown || self.coding.is_strict {
                        check.of_examples.push((split, error));
                    } else if is_whole {
                        check.repaired.push(RepairedTag { split, token: idx, error });
                    }
                    // Where tokens lack a tag there are no spans to repair: the tags are trained as they stand.
                }
            }
        }
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<String, u64>::new();
        for corpus in corpora {
            let Some(field) = corpus.field(&self.labels.field) else { continue };
            for (_, tags) in tagged(corpus, &corpus.train, field) {
                match tags.iter().copied().collect::<Option<Vec<&str>>>() {
                    Some(tags) => {
                        for tag in self.coding.trained(&tags) {
                            *counts.entry(tag.into_owned()).or_default() += 1;
                        }
                    }
                    // Some tokens lack a label: nothing can be recoded.
                    None if self.coding.is_plain() => {
                        for tag in tags.into_iter().flatten() {
                            *counts.entry(tag.to_owned()).or_default() += 1;
                        }
                    }
                    None => {}
                }
            }
        }
        let counts = counts.iter().map(|(tag, &count)| (tag.as_str(), count)).collect();
        Fitted::default().with_vocabulary(LABELS, Vocabulary::from_counts(counts, 1, None))
    }

    fn typed_scheme(&self) -> Option<TagScheme> {
        self.coding.scheme.filter(|_| self.coding.has_types)
    }

    fn has_label_head(&self) -> bool {
        true
    }

    fn label_head(&self, setup: ObjectiveSetup<'_>) -> Result<Option<LabelHead>> {
        let classes = self.classes(&setup.vocabulary(LABELS)?);
        setup.label_head(classes)
    }

    fn row_probability(
        &self,
        setup: ObjectiveSetup<'_>,
    ) -> Result<Option<Box<dyn RowProbability>>> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let positive = self.positive.as_ref();
        let Some(class) = positive.and_then(|tag| vocabulary.id(tag)) else { return Ok(None) };
        let head = setup.head(self.classes(&vocabulary))?;
        Ok(Some(Box::new(ClassProbability { head, class: class as usize })))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let head = setup.head(self.classes(&vocabulary))?;
        let read = self.coding.read_tags(&vocabulary);
        let trained = vocabulary.iter().map(|(tag, _)| tag);
        let names = trained.chain(read.iter().map(String::as_str)).collect();
        let attached = BTreeMap::new();
        let (label, positive) = (self.labels.field.clone(), self.positive.clone());
        let (coding, typed) = (self.coding, Lexicon::default());
        Ok(Box::new(Tagger { label, coding, positive, vocabulary, names, typed, head, attached }))
    }
}

impl Config {
    /// The classes of a vocabulary of tags.
    fn classes(&self, vocabulary: &Vocabulary) -> Classes {
        let allowed = self.coding.encode.map(|scheme| allowed(scheme, vocabulary));
        Classes { allowed, ..self.labels.classes(vocabulary) }
    }

    /// A fault if no token of train has the positive label, for example as it is misspelt.
    fn check_positive(&self, corpus: &Corpus) -> Option<ReadError> {
        let positive = self.positive.as_ref()?;
        let trained = self.fit(&[corpus]);
        let vocabulary =
            trained.vocabulary(LABELS).ok().filter(|all| all.id(positive).is_none())?;
        let mut found: Vec<String> =
            vocabulary.iter().take(SHOWN).map(|(tag, _)| format!("{tag:?}")).collect();
        if vocabulary.len() > SHOWN {
            found.push("others".to_owned());
        }
        let what = format!(
            "from here on no label of train is {positive:?}, which `positive` names; expected one of {}",
            found.join(", ")
        );
        (!found.is_empty()).then(|| labels::fault(corpus, what))
    }

    /// Finds the sentences of train that lack labels, which are not trained; none may be left.
    fn check_untrained(&self, key: &str, corpus: &Corpus, field: usize, check: &mut LabelCheck) {
        let mut n_whole = 0;
        for (example, tags) in tagged(corpus, &corpus.train, field) {
            let Some(idx) = tags.iter().position(Option::is_none) else {
                n_whole += 1;
                continue;
            };
            let what = format!("expected a label, which {key} needs at every token, found none");
            let file = corpus.train.file_of(example, &self.labels.field);
            let line = example.line_of(idx);
            check.untrained.push(ReadError { file, line, what });
        }
        if let Some(first) = check.untrained.first().filter(|_| n_whole == 0) {
            let (n, name) = (check.untrained.len(), &self.labels.field);
            let what = format!(
                "expected sentences with {name:?} at every token, which {key} needs, found none in {n}; {}",
                if self.coding.is_plain() {
                    "set `head = \"softmax\"`".to_owned()
                } else {
                    format!("remove {key}")
                }
            );
            check.of_corpus.push(ReadError { what, ..first.clone() });
        }
    }
}

/// The tag of each token; `None` for one without.
type Tags<'a> = Vec<Option<&'a str>>;

/// The examples of a split with tags, and these.
fn tagged<'a>(
    corpus: &'a Corpus,
    data: &'a SplitData,
    field: usize,
) -> impl Iterator<Item = (&'a Example, Tags<'a>)> {
    let lexicon = &corpus.lexicons[field];
    data.examples.iter().filter_map(move |example| {
        let symbols = example.strings(field)?;
        let n_tokens = match corpus.fields[field].axis {
            Axis::Sequence(sequence) => example.len_of(sequence),
            Axis::Items(_) | Axis::Example => symbols.len(),
        };
        let tag = |token| Some(lexicon.get(example.label_at(field, token)?));
        Some((example, (0..n_tokens).map(tag).collect()))
    })
}

/// The fault of a split whose tags follow another scheme, at the first tag that shows it.
fn of_another_scheme(
    scheme: TagScheme,
    other: TagScheme,
    data: &SplitData,
    tagged: &[(&Example, Tags<'_>)],
) -> ReadError {
    let n_faults: u64 = tagged.iter().map(|(_, tags)| scheme.count_faults_of_labelled(tags)).sum();
    let mut faults = tagged.iter().filter_map(|(example, tags)| {
        let fault = scheme.faults_of_labelled(tags).into_iter().next()?;
        Some((example.line_of(fault.idx), tags[fault.idx]?))
    });
    let (line, tag) = faults.next().unwrap_or((1, ""));
    let mut keys = format!("scheme = \"{}\"", other.scheme.name());
    if other.form != scheme.form && other.scheme != Scheme::Io {
        keys = format!("{keys} and tag_form = \"{}\"", other.form.name());
    }
    let name = scheme.scheme.name();
    let what = format!(
        "expected {name} tags, found {tag}: {n_faults} tags of the file are not {name} at their place; \
         set {keys}, which fits them (encode = \"{name}\" would still train with {name})"
    );
    ReadError { file: data.file.clone(), line, what }
}
