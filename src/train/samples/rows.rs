//! Gold and prediction of an example as rows of text.

use std::collections::BTreeMap;

use crate::{
    data::{
        Axis, Corpus, Example, FieldForm, Lexicon, Positions, Prediction,
        prediction::ranked,
        structure::{GraphArc, SpanRelation, TokenSpan},
    },
    metric::Gold,
    protocol::{
        Loss,
        event::{LONGEST, MOST_ROWS, MOST_TEXTS, Sample, SampleForm, SampleRow},
    },
};

/// The number of candidates of a ranking that are shown beside the relevant ones.
const MOST_CANDIDATES: usize = 5;

/// What is known of an example that is shown.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) example: &'a Example,
    /// The names of the objective's classes.
    pub(super) names: &'a Lexicon,
    /// The field that the objective predicts, if it is one of the corpus.
    pub(super) field: Option<usize>,
}

type Rows = (SampleForm, Vec<SampleRow>);

/// Start and end of the two spans of a relation.
type Place = [u32; 4];

impl<'a> Shown<'a> {
    /// The sample, with the input texts where the rows do not have them.
    pub(super) fn sample(
        self,
        example_idx: usize,
        loss: Option<Loss>,
        form: SampleForm,
        mut rows: Vec<SampleRow>,
    ) -> Sample {
        let left_out = rows.len().checked_sub(MOST_ROWS).filter(|n| *n > 0).map(|n| n as u64);
        rows.truncate(MOST_ROWS);
        for row in &mut rows {
            row.of = short(&row.of);
            row.gold = row.gold.as_deref().map(short);
            row.predicted = row.predicted.as_deref().map(short);
        }
        let has_words = rows.iter().any(|row| !row.of.is_empty());
        let texts = if form == SampleForm::Tokens && has_words { Vec::new() } else { self.texts() };
        let (corpus, example) = (self.corpus.name.clone(), example_idx as u64 + 1);
        Sample { corpus, example, loss, texts, form, rows, left_out }
    }

    /// Gold and prediction; `None` where they cannot be compared.
    pub(super) fn rows(self, gold: &Gold, prediction: &Prediction) -> Option<Rows> {
        Some(match (gold, prediction) {
            (Gold::Classes { classes, .. }, Prediction::Classes(predicted)) => {
                self.classes(classes, predicted)
            }
            (Gold::LabelSet(gold), Prediction::LabelSet(predicted)) => {
                (SampleForm::Items, self.label_set(gold, predicted))
            }
            (Gold::Numbers(gold), Prediction::Numbers(predicted)) => {
                (SampleForm::Numbers, self.numbers(gold, predicted))
            }
            (Gold::Arcs(gold), Prediction::Arcs(predicted)) => {
                (SampleForm::Tokens, self.arcs(gold, predicted))
            }
            (Gold::Spans(gold), Prediction::Spans(predicted)) => {
                (SampleForm::Items, self.spans(gold, predicted))
            }
            (Gold::Relations(gold), Prediction::Relations(predicted)) => {
                (SampleForm::Items, self.relations(gold, predicted))
            }
            (Gold::Texts(gold), Prediction::Texts(predicted)) => {
                let predicted = predicted.first().map(|text| text.text.clone());
                let right = gold.iter().find(|gold| Some(*gold) == predicted.as_ref());
                let gold = right.or(gold.first()).cloned();
                (SampleForm::Texts, vec![SampleRow { of: String::new(), gold, predicted }])
            }
            (Gold::Relevance(gold), Prediction::Ranking(scores)) => {
                (SampleForm::Numbers, self.ranking(gold, scores))
            }
            (Gold::Vector(gold), Prediction::Vector(predicted)) => {
                let cosine = format!("{:.3}", cosine(gold, predicted));
                let (of, gold) = ("cosine".to_owned(), Some("1".to_owned()));
                (SampleForm::Numbers, vec![SampleRow { of, gold, predicted: Some(cosine) }])
            }
            _ => return None,
        })
    }

    fn classes(self, gold: &[Option<u32>], predicted: &[u32]) -> Rows {
        let words = self.words_of(predicted.len()).filter(|words| words.len() > 1);
        let n_rows = predicted.len();
        let row = |(at, (gold, predicted)): (usize, (&Option<u32>, &u32))| SampleRow {
            of: match &words {
                Some(words) => words[at].to_owned(),
                // Of each segment of the example, or the one of the whole.
                None if n_rows > 1 => (at + 1).to_string(),
                None => String::new(),
            },
            gold: gold.map(|class| self.name(class)),
            predicted: Some(self.name(*predicted)),
        };
        let rows = gold.iter().zip(predicted).enumerate().map(row);
        if words.is_some() {
            return (SampleForm::Tokens, rows.collect());
        }
        (SampleForm::Items, rows.filter(|row| row.gold.is_some()).collect())
    }

    fn label_set(self, gold: &[u32], predicted: &[u32]) -> Vec<SampleRow> {
        let mut all: BTreeMap<u32, [bool; 2]> = BTreeMap::new();
        for &class in gold {
            all.entry(class).or_default()[0] = true;
        }
        for &class in predicted {
            all.entry(class).or_default()[1] = true;
        }
        let row = |(class, [in_gold, in_predicted]): (u32, [bool; 2])| {
            let name = |is_there: bool| is_there.then(|| self.name(class));
            let (gold, predicted) = (name(in_gold), name(in_predicted));
            SampleRow { of: String::new(), gold, predicted }
        };
        all.into_iter().map(row).collect()
    }

    fn numbers(self, gold: &[Option<f32>], predicted: &[f32]) -> Vec<SampleRow> {
        let words = self.words_of(predicted.len()).filter(|words| words.len() > 1);
        let row = |(at, (gold, predicted)): (usize, (&Option<f32>, &f32))| SampleRow {
            of: words.as_ref().map_or_else(String::new, |words| words[at].to_owned()),
            gold: gold.map(|gold| format!("{gold:.3}")),
            predicted: Some(format!("{predicted:.3}")),
        };
        gold.iter().zip(predicted).enumerate().map(row).collect()
    }

    /// A row for each token with the arcs that end there: `HEAD:LABEL`, where 0 is the root.
    fn arcs(self, gold: &[GraphArc], predicted: &[GraphArc]) -> Vec<SampleRow> {
        let words = self.words().unwrap_or_default();
        let of_token = |arcs: &[GraphArc], token: usize| {
            let arcs = arcs.iter().filter(|arc| arc.dependent as usize == token);
            let mut arcs: Vec<_> = arcs.map(|arc| (arc.head, self.label(arc.label))).collect();
            arcs.sort();
            let text = |(head, label): &(Option<u32>, String)| {
                let head = head.map_or(0, |head| head + 1);
                if label.is_empty() { head.to_string() } else { format!("{head}:{label}") }
            };
            if arcs.is_empty() {
                return Some("_".to_owned());
            }
            Some(arcs.iter().map(text).collect::<Vec<_>>().join(","))
        };
        let row = |(token, word): (usize, &&str)| SampleRow {
            of: (*word).to_owned(),
            gold: of_token(gold, token),
            predicted: of_token(predicted, token),
        };
        words.iter().enumerate().map(row).collect()
    }

    /// A row for each span of gold, any alternative of which is correct, and for each other span of
    /// the prediction.
    fn spans(self, gold: &[Vec<TokenSpan>], predicted: &[TokenSpan]) -> Vec<SampleRow> {
        let words = self.words().unwrap_or_default();
        let place = |span: &TokenSpan| (span.start, span.end);
        let name = |span: &TokenSpan| match self.label(span.label) {
            label if label.is_empty() => "span".to_owned(),
            label => label,
        };
        let mut rest: Vec<&TokenSpan> = predicted.iter().collect();
        let mut rows = Vec::new();
        for alternatives in gold {
            let exact = rest.iter().position(|span| alternatives.contains(span));
            let at_its_place =
                |span: &&TokenSpan| alternatives.iter().any(|gold| place(gold) == place(span));
            let found = exact.or_else(|| rest.iter().position(at_its_place));
            let found = found.map(|at| rest.remove(at));
            let of_gold =
                alternatives.iter().find(|gold| found.is_none_or(|it| place(it) == place(gold)));
            let Some(of_gold) = of_gold else { continue };
            let at = (of_gold.start, of_gold.end);
            rows.push((at, Some(name(of_gold)), found.map(name)));
        }
        rows.extend(rest.into_iter().map(|span| (place(span), None, Some(name(span)))));
        rows.sort();
        let row = |((start, end), gold, predicted): ((u32, u32), _, _)| {
            let of = joined(&words, start, end);
            SampleRow { of, gold, predicted }
        };
        rows.into_iter().map(row).collect()
    }

    fn relations(self, gold: &[SpanRelation], predicted: &[SpanRelation]) -> Vec<SampleRow> {
        let words = self.words().unwrap_or_default();
        let place = |it: &SpanRelation| [it.from.start, it.from.end, it.to.start, it.to.end];
        let mut all: BTreeMap<Place, [Vec<String>; 2]> = BTreeMap::new();
        for (side, relations) in [gold, predicted].into_iter().enumerate() {
            for relation in relations {
                let label = self.label(Some(relation.label));
                all.entry(place(relation)).or_default()[side].push(label);
            }
        }
        let row = |([start, end, to, to_end], sides): (Place, [Vec<String>; 2])| {
            let [gold, predicted] = sides.map(|mut labels| {
                labels.sort();
                (!labels.is_empty()).then(|| labels.join(","))
            });
            let of = format!("{} -> {}", joined(&words, start, end), joined(&words, to, to_end));
            SampleRow { of, gold, predicted }
        };
        all.into_iter().map(row).collect()
    }

    /// The first candidates and all relevant ones, in the order of the prediction.
    fn ranking(self, gold: &[f32], scores: &[f32]) -> Vec<SampleRow> {
        let texts = self.items();
        let row = |(rank, at): (usize, usize)| {
            let relevance = gold.get(at).copied().unwrap_or(0.0);
            let is_shown = rank < MOST_CANDIDATES || relevance > 0.0;
            is_shown.then(|| SampleRow {
                of: texts.get(at).cloned().unwrap_or_else(|| (at + 1).to_string()),
                gold: Some(format!("relevance {relevance}")),
                predicted: Some(format!("rank {}", rank + 1)),
            })
        };
        ranked(scores).into_iter().enumerate().filter_map(row).collect()
    }

    fn name(self, class: u32) -> String {
        if (class as usize) < self.names.len() {
            self.names.get(class).to_owned()
        } else {
            class.to_string()
        }
    }

    fn label(self, label: Option<u32>) -> String {
        label.map_or_else(String::new, |label| self.name(label))
    }

    /// The sequence of the field that is predicted, or the first.
    fn sequence(self) -> usize {
        match self.field.map(|field| self.corpus.fields[field].axis) {
            Some(Axis::Sequence(sequence) | Axis::Items(sequence)) => sequence,
            Some(Axis::Example) | None => 0,
        }
    }

    /// The words of the sequence that is predicted.
    fn words(self) -> Option<Vec<&'a str>> {
        self.words_of_sequence(self.sequence())
    }

    /// The words of a sequence with that many positions: of the predicted one, if it has as many.
    fn words_of(self, n: usize) -> Option<Vec<&'a str>> {
        let all = std::iter::once(self.sequence()).chain(0..self.corpus.sequences.len());
        let mut words = all.filter_map(|sequence| self.words_of_sequence(sequence));
        words.find(|words| words.len() == n)
    }

    fn words_of_sequence(self, sequence: usize) -> Option<Vec<&'a str>> {
        let is_text = |form: FieldForm, axis: Axis| {
            form == FieldForm::Symbols && axis == Axis::Sequence(sequence)
        };
        let mut fields = self.corpus.fields.iter();
        let field = fields.position(|field| is_text(field.form, field.axis))?;
        let lexicon = &self.corpus.lexicons[field];
        let symbols = self.example.symbols(field)?.iter();
        Some(symbols.map(|&symbol| lexicon.get(symbol)).collect())
    }

    /// The texts of a list of sequences: candidates.
    fn items(self) -> Vec<String> {
        let list = self.corpus.sequences.iter().position(|sequence| sequence.is_list);
        let items = list.and_then(|sequence| {
            let words = self.words_of_sequence(sequence)?;
            let lengths = self.example.sequences.get(sequence)?.as_ref().map(Positions::items)?;
            let mut words = words.into_iter();
            let item = |n: usize| words.by_ref().take(n).collect::<Vec<_>>().join(" ");
            Some(lengths.into_iter().map(item).collect())
        });
        items.unwrap_or_default()
    }

    /// The input texts, one for each sequence.
    fn texts(self) -> Vec<String> {
        let texts = (0..self.corpus.sequences.len())
            .filter_map(|sequence| self.words_of_sequence(sequence))
            .map(|words| short(&words.join(" ")));
        texts.filter(|text| !text.is_empty()).take(MOST_TEXTS).collect()
    }
}

/// The words of a span.
fn joined(words: &[&str], start: u32, end: u32) -> String {
    let words = words.get(start as usize..end as usize);
    words.map_or_else(|| format!("{start}..{end}"), |words| words.join(" "))
}

/// At most [`LONGEST`] characters of a text.
fn short(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(LONGEST - 3).collect();
    let rest: String = characters.take(4).collect();
    if rest.chars().count() > 3 { format!("{start}...") } else { start + &rest }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests;
