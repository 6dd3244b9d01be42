//! Warnings about a recipe and its corpora: nothing is refused, but the run is probably not what was meant.

mod without_effect;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use super::{Group, ObjectiveSpec, Recipe};
use crate::{
    data::{
        Corpus, FieldForm, SplitData,
        sampler::{Bandit, CorpusGroup, Options, Rule, Sampler, StopAndGo},
        statistics::{Overlaps, label_set, text_fields},
        vocabulary::{count, count_labels},
    },
    mixer::Needs,
    printable::{excerpt, has_invisible},
    protocol::{Step, event::Split},
};

/// A warning.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// Nearly every label of train is distinct.
    DistinctLabels {
        /// The objective.
        objective: String,
        /// The field of its labels.
        field: String,
        /// The distinct labels.
        distinct: u64,
        /// All labels.
        labels: u64,
    },
    /// A split has labels that train lacks.
    UnseenLabels {
        /// The objective.
        objective: String,
        /// The split.
        split: Split,
        /// The first of these labels, with invisible characters escaped.
        labels: Vec<String>,
        /// The number of these labels.
        distinct: u64,
        /// How often they occur.
        count: u64,
    },
    /// A label occurs only in the first line of files, as the name of a column does.
    HeaderAsLabel {
        /// The objective.
        objective: String,
        /// The split whose first line has it.
        split: Split,
        /// The label.
        label: String,
    },
    /// A label has characters that cannot be seen.
    InvisibleInLabel {
        /// The objective.
        objective: String,
        /// The label, with these characters escaped.
        label: String,
        /// How often it occurs in train.
        count: u64,
    },
    /// All words of a corpus are the same.
    OneWord {
        /// The corpus.
        corpus: String,
        /// The field.
        field: String,
        /// The word.
        word: String,
    },
    /// Texts of a split are also in train.
    InTrain {
        /// The corpus.
        corpus: String,
        /// The split.
        split: Split,
        /// The number of these examples.
        examples: u64,
        /// All examples of the split.
        of: u64,
    },
    /// The corpus of the main objective is in few steps.
    RareMain {
        /// The corpora of the main objective.
        corpora: Vec<String>,
        /// Its percentage of the steps.
        percent: f64,
    },
    /// Early stopping without a dev split.
    PatienceWithoutDev,
    /// Shadow rules without measurements.
    ShadowsUnmeasured,
    /// A sampling rule by the gradients, which are not measured.
    SamplingUnmeasured,
    /// A sampling rule by scores on dev, without a dev split.
    SamplingWithoutDev {
        /// The rule.
        sampling: String,
    },
    /// A weighting rule of the gradients, where no step has those of two objectives.
    GradientOfOne {
        /// The rule.
        weighting: String,
    },
    /// A weighting rule that compares objectives with the main one, which is not among those that it is over.
    WithoutMain {
        /// The rule.
        weighting: String,
        /// The main objective.
        objective: String,
        /// Whether it is muted or has a gain of 0, and not only out of the rule.
        is_inactive: bool,
    },
    /// A key of an objective that has no effect.
    WithoutEffect {
        /// Its path.
        key: String,
        /// Why, and what to do.
        why: String,
    },
}

/// The number of labels that are listed.
const MAX_LISTED: usize = 10;

/// Below this number of labels, neither their variety nor a label of the first line says anything.
const FEWEST_LABELS: u64 = 10;

/// The percentage of steps below which a corpus is rare.
const RARE: f64 = 5.0;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DistinctLabels { objective, field, distinct, labels } => write!(
                f,
                "objective {objective}: {distinct} of {labels} labels in {field:?} are distinct; is it a field of \
                 labels?"
            ),
            Self::UnseenLabels { objective, split, labels, distinct, count } => {
                let (split, listed) = (split.name(), labels.join(", "));
                let s = if *distinct == 1 { "" } else { "s" };
                let more = if *distinct as usize > labels.len() { ", …" } else { "" };
                write!(
                    f,
                    "objective {objective}: {split} has {distinct} label{s} that train lacks, in {count} places, \
                     where every prediction is wrong: {listed}{more}"
                )
            }
            Self::HeaderAsLabel { objective, split, label } => write!(
                f,
                "objective {objective}: the label {label:?} occurs in the first line of {} and nowhere else; if \
                 that is a header, set header = \"skip\" (format \"table\") or remove the line",
                split.name()
            ),
            Self::InvisibleInLabel { objective, label, count } => write!(
                f,
                "objective {objective}: the label \"{label}\" ({count} in train) has characters that cannot be seen; \
                 remove them from the file"
            ),
            Self::OneWord { corpus, field, word } => write!(
                f,
                "corpus {corpus}: every token of {field:?} in train is {word:?}; is the text withheld, or is it \
                 another column?"
            ),
            Self::InTrain { corpus, split, examples, of } => {
                let (split, percent) = (split.name(), 100.0 * *examples as f64 / *of as f64);
                write!(
                    f,
                    "corpus {corpus}: {examples} of {of} examples of {split} ({percent:.1} %) have a text that is \
                     also in train; scores on them show what was memorized"
                )
            }
            Self::RareMain { corpora, percent } => write!(
                f,
                "the main objective's corpus {} is in {percent:.1} % of the steps; change `train.sampling` or the \
                 batch sizes",
                corpora.join(" and ")
            ),
            Self::WithoutEffect { key, why } => write!(f, "`{key}` has no effect: {why}"),
            Self::PatienceWithoutDev => f.write_str(
                "`train.patience` has no effect: no corpus of the objective that `train.best` names has a dev split; \
                 set `dev`",
            ),
            Self::ShadowsUnmeasured => f.write_str(
                "`train.shadow_weightings` shows nothing while `train.measure_gradients_every` is 0; set it, to 20 for \
                 example",
            ),
            Self::SamplingUnmeasured => f.write_str(
                "`train.sampling`: \"interference\" draws all groups in every step while `train.measure_gradients_every` \
                 is 0; set it, to 20 for example",
            ),
            Self::SamplingWithoutDev { sampling } => write!(
                f,
                "`train.sampling`: {sampling:?} follows scores on dev, and no corpus that it needs has a dev split; set \
                 `dev`"
            ),
            Self::GradientOfOne { weighting } => write!(
                f,
                "`train.weighting`: {weighting:?} compares the gradients of a step, and each step has that of one \
                 objective, so that all shares are 1; set sampling = \"all\", or one `group` for several objectives"
            ),
            Self::WithoutMain { weighting, objective, is_inactive } => {
                let (has, then) = if *is_inactive {
                    ("is muted or has a gain of 0", "unmute it and give it a gain")
                } else {
                    ("has by_rule = false", "set by_rule = true")
                };
                write!(
                    f,
                    "`train.weighting`: {weighting:?} compares the other objectives with the main one, {objective}, which \
                     {has}, so that all shares are 1; {then}"
                )
            }
        }
    }
}

impl Recipe {
    /// The warnings about this recipe with these corpora and their overlaps, in the order of the recipe.
    pub fn warnings(&self, corpora: &[Corpus], overlaps: &[Overlaps]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (corpus, overlaps) in corpora.iter().zip(overlaps) {
            warnings.extend(one_word(corpus));
            warnings.extend(in_train(corpus, overlaps));
        }
        for objective in &self.objectives {
            let corpora: Vec<&Corpus> = objective.corpora.iter().map(|&at| &corpora[at]).collect();
            warnings.extend(of_labels(objective, &corpora));
        }
        warnings.extend(self.rare_main(corpora));
        warnings.extend(self.patience_without_dev(corpora));
        warnings.extend(self.without_effect(corpora));
        let (rule, every) = (self.train.sampling.at(Step(0)), self.train.measure_gradients_every);
        warnings.extend(self.sampling_without_progress(&rule, every, corpora));
        warnings.extend(self.gradient_of_one());
        warnings.extend(self.without_main());
        let has_shadows = !self.train.shadow_weightings.is_empty();
        if has_shadows && self.train.measure_gradients_every == 0 {
            warnings.push(Warning::ShadowsUnmeasured);
        }
        warnings
    }

    fn rare_main(&self, corpora: &[Corpus]) -> Option<Warning> {
        let main = &self.objectives[self.main()];
        let groups = self.groups_of(|at| self.objectives[at].is_active());
        let size = |at: &usize| corpora[*at].train.examples.len() as u64;
        let sampled = groups.iter().map(|group| CorpusGroup {
            name: group.name.clone(),
            size: group.corpora.iter().map(size).sum(),
            n_batches: self.n_batches(&group.corpora, corpora),
            corpora: group.corpora.clone(),
            has_main: self.is_main_group(group),
        });
        let sampler = Sampler::new(self.train.seed, &self.train.sampling, sampled.collect());
        let is_main = |corpora: &[usize]| corpora.iter().any(|at| main.corpora.contains(at));
        let rates = sampler.rates(Step(0));
        let of_main = groups.iter().zip(rates).filter(|(group, _)| is_main(&group.corpora));
        let percent = 100.0 * of_main.map(|(_, rate)| rate).sum::<f64>();
        (main.is_active() && percent < RARE).then(|| Warning::RareMain {
            corpora: main.corpora.iter().map(|&at| corpora[at].name.clone()).collect(),
            percent,
        })
    }

    /// Why a sampling rule that follows progress would see none, if gradients are measured every so many steps.
    pub fn sampling_without_progress(
        &self,
        rule: &Rule,
        measured_every: u64,
        corpora: &[Corpus],
    ) -> Option<Warning> {
        let has_dev = |objective: &ObjectiveSpec| {
            objective.is_active() && objective.corpora.iter().any(|&at| corpora[at].dev.is_some())
        };
        let sampling = |name: &str| Warning::SamplingWithoutDev { sampling: name.to_owned() };
        match rule {
            Rule::Interference(_) if measured_every == 0 => Some(Warning::SamplingUnmeasured),
            Rule::StopAndGo(_) if !self.objectives.iter().any(has_dev) => {
                Some(sampling(StopAndGo::NAME))
            }
            Rule::Bandit(_) => {
                let is_best = |spec: &&ObjectiveSpec| spec.name == self.train.best.objective;
                let best = self.objectives.iter().find(is_best)?;
                (!has_dev(best)).then(|| sampling(Bandit::NAME))
            }
            _ => None,
        }
    }

    fn patience_without_dev(&self, corpora: &[Corpus]) -> Option<Warning> {
        self.train.patience?;
        let best = self.objectives.iter().find(|spec| spec.name == self.train.best.objective)?;
        let has_dev = best.corpora.iter().any(|&at| corpora[at].dev.is_some());
        (!has_dev).then_some(Warning::PatienceWithoutDev)
    }

    fn gradient_of_one(&self) -> Option<Warning> {
        let weighting = &self.train.weighting;
        let active: Vec<&ObjectiveSpec> =
            self.objectives.iter().filter(|objective| objective.is_active()).collect();
        let is_drawn = |objective: &ObjectiveSpec, group: &Group| match &objective.group {
            Some(name) => *name == group.name,
            None => objective.corpora.iter().any(|at| group.corpora.contains(at)),
        };
        let n_drawn = |group: &Group| active.iter().filter(|of| is_drawn(of, group)).count();
        let draws_all =
            matches!(*self.train.sampling.at(Step(0)), Rule::All | Rule::Interference(_));
        let has_two = draws_all
            || self
                .groups_of(|at| self.objectives[at].is_active())
                .iter()
                .any(|group| n_drawn(group) > 1);
        let needs_two = weighting.build().needs() == Needs::Gram && active.len() > 1;
        (needs_two && !has_two)
            .then(|| Warning::GradientOfOne { weighting: weighting.kind().name().to_owned() })
    }

    fn without_main(&self) -> Option<Warning> {
        let (weighting, main) = (self.train.weighting.kind(), &self.objectives[self.main()]);
        // A rule that keeps gradients has the main objective's in every step that has its loss.
        let is_out_of_rule = !main.by_rule && !self.train.weighting.build().keeps_gradients();
        let is_inactive = !main.is_active();
        (weighting.needs_main() && (is_inactive || is_out_of_rule)).then(|| Warning::WithoutMain {
            weighting: weighting.name().to_owned(),
            objective: main.name.to_string(),
            is_inactive,
        })
    }
}

fn one_word(corpus: &Corpus) -> Vec<Warning> {
    let warning = |field: usize| {
        let lexicon = &corpus.lexicons[field];
        let counts = count(lexicon, &corpus.train, field);
        let mut seen = lexicon.iter().zip(counts).filter(|(_, count)| *count > 0);
        let ((word, n_tokens), None) = (seen.next()?, seen.next()) else { return None };
        (n_tokens > 1).then(|| Warning::OneWord {
            corpus: corpus.name.clone(),
            field: corpus.fields[field].name.clone(),
            word: visible(word),
        })
    };
    text_fields(corpus).into_iter().filter_map(warning).collect()
}

fn in_train(corpus: &Corpus, overlaps: &Overlaps) -> Vec<Warning> {
    let warning = |(&split, &examples): (&Split, &u64)| {
        let of = corpus.split(split)?.examples.len() as u64;
        // Short sentences recur in any two corpora.
        (100 * examples >= of && examples > 0).then(|| Warning::InTrain {
            corpus: corpus.name.clone(),
            split,
            examples,
            of,
        })
    };
    overlaps.iter().filter_map(warning).collect()
}

/// The field of an objective's labels in a corpus, if these are classes that it learns from this corpus.
fn label_field(objective: &ObjectiveSpec, corpus: &Corpus) -> Option<usize> {
    let label = objective.values.get("label").filter(|_| objective.has_class_labels())?;
    let field = corpus.field(label.value.as_text()?)?;
    let form = corpus.fields[field].form;
    matches!(form, FieldForm::Symbols | FieldForm::Label | FieldForm::Labels).then_some(field)
}

fn of_labels(objective: &ObjectiveSpec, corpora: &[&Corpus]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let name = || objective.name.as_str().to_owned();
    let labelled: Vec<(&Corpus, usize)> = corpora
        .iter()
        .filter_map(|corpus| Some((*corpus, label_field(objective, corpus)?)))
        .collect();
    let mut in_train = BTreeMap::<&str, u64>::new();
    for (corpus, field) in &labelled {
        for (label, count) in label_set(corpus, &corpus.train, *field) {
            *in_train.entry(label).or_default() += count;
        }
    }
    let labels = in_train.values().sum::<u64>();
    let distinct = in_train.len() as u64;
    if labels >= FEWEST_LABELS && 10 * distinct >= 8 * labels {
        let field = objective.values.text("label").to_owned();
        warnings.push(Warning::DistinctLabels { objective: name(), field, distinct, labels });
        return warnings;
    }
    let invisible = in_train.iter().filter(|(label, _)| has_invisible(label));
    warnings.extend(invisible.take(MAX_LISTED).map(|(label, count)| Warning::InvisibleInLabel {
        objective: name(),
        label: visible(label),
        count: *count,
    }));
    for (corpus, field) in &labelled {
        warnings.extend(
            header_as_label(corpus, *field, labels).map(|(split, label)| Warning::HeaderAsLabel {
                objective: name(),
                split,
                label,
            }),
        );
    }
    // The labels of a shared head are those of its donor.
    if objective.share.is_some() || in_train.is_empty() {
        return warnings;
    }
    for split in [Split::Dev, Split::Test] {
        let mut unseen = BTreeMap::<&str, u64>::new();
        for (corpus, field) in &labelled {
            let Some(data) = corpus.split(split) else { continue };
            let of_split = label_set(corpus, data, *field).into_iter();
            for (label, count) in of_split.filter(|(label, _)| !in_train.contains_key(label)) {
                *unseen.entry(label).or_default() += count;
            }
        }
        if !unseen.is_empty() {
            warnings.push(Warning::UnseenLabels {
                objective: name(),
                split,
                labels: unseen.keys().take(MAX_LISTED).map(|label| visible(label)).collect(),
                distinct: unseen.len() as u64,
                count: unseen.values().sum(),
            });
        }
    }
    warnings
}

/// The split and label of a first line whose label occurs nowhere but in first lines.
fn header_as_label(corpus: &Corpus, field: usize, labels: u64) -> Option<(Split, String)> {
    if labels < FEWEST_LABELS {
        return None;
    }
    let first = |(split, data): (Split, &SplitData)| {
        let example = data.examples.first().filter(|example| example.line == 1)?;
        Some((example.fields[field].as_ref()?.label_symbols().next()?, split))
    };
    let lexicon = &corpus.lexicons[field];
    // Where many labels occur once, that of the first line says nothing.
    let in_train = count_labels(lexicon, &corpus.train, field);
    let n_distinct = in_train.iter().filter(|count| **count > 0).count();
    let n_single = in_train.iter().filter(|count| **count == 1).count();
    if n_single > 1 && 4 * n_single > n_distinct {
        return None;
    }
    let firsts: Vec<(u32, Split)> = corpus.splits().filter_map(first).collect();
    let symbols: BTreeSet<u32> = firsts.iter().map(|(symbol, _)| *symbol).collect();
    let header = symbols.into_iter().find(|&symbol| {
        let count =
            |(_, data): (Split, &SplitData)| count_labels(lexicon, data, field)[symbol as usize];
        let n_first = firsts.iter().filter(|(first, _)| *first == symbol).count() as u64;
        corpus.splits().map(count).sum::<u64>() == n_first
    })?;
    let (_, split) = firsts.into_iter().find(|(first, _)| *first == header)?;
    Some((split, visible(lexicon.get(header))))
}

/// The beginning of a label or a word in a message.
fn visible(text: &str) -> String {
    excerpt(text, MAX_CHARS)
}

/// The maximum number of characters of a label in a message.
const MAX_CHARS: usize = 60;
