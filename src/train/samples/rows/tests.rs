use super::*;
use crate::data::{Field, FieldValues, Schema, SequenceSpec, prediction::ScoredText};

const WORDS: [&str; 5] = ["Anna", "Smith", "lives", "in", "Oslo"];
const CLASSES: [&str; 3] = ["PER", "LOC", "ORG"];

/// An example of one sentence, with its corpus.
fn sentence(words: &[&str]) -> (Corpus, Example) {
    let schema = Schema::of_tokens(vec![Field::of_tokens("form")]);
    let mut corpus = Corpus::of_schema(schema);
    corpus.name = "news".to_owned();
    let symbols = words.iter().map(|word| corpus.lexicons[0].intern(word)).collect();
    let lines = (1..=words.len() as u32).collect();
    let example = Example::of_tokens(lines, vec![Some(FieldValues::Symbols(symbols))]);
    (corpus, example)
}

/// `OF|GOLD|PREDICTED` for each row, with `!` in front of wrong ones.
fn shown(words: &[&str], gold: &Gold, prediction: &Prediction) -> Vec<String> {
    let (corpus, example) = sentence(words);
    let names: Lexicon = CLASSES.into_iter().collect();
    let shown = Shown { corpus: &corpus, example: &example, names: &names, field: None };
    let (form, rows) = shown.rows(gold, prediction).unwrap();
    text(&shown.sample(0, None, form, rows))
}

fn text(sample: &Sample) -> Vec<String> {
    let row = |row: &SampleRow| {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        let mark = if sample.is_wrong(row) { "!" } else { "" };
        format!("{mark}{}|{}|{}", row.of, part(&row.gold), part(&row.predicted))
    };
    sample.rows.iter().map(row).collect()
}

fn span(start: u32, end: u32, label: u32) -> TokenSpan {
    TokenSpan { start, end, label: Some(label) }
}

#[test]
fn tags_are_under_their_words() {
    let classes = [Some(0), Some(0), None, None, Some(1)].to_vec();
    let gold = Gold::Classes { classes, oov: Vec::new() };
    let rows = shown(&WORDS, &gold, &Prediction::Classes(vec![0, 2, 1, 1, 1]));
    let expected = ["Anna|PER|PER", "!Smith|PER|ORG", "lives|-|LOC", "in|-|LOC", "Oslo|LOC|LOC"];
    assert_eq!(rows, expected);
}

#[test]
fn a_class_of_the_example_is_one_item() {
    let rows = shown(&WORDS, &Gold::class(Some(2)), &Prediction::Classes(vec![1]));
    assert_eq!(rows, ["!|ORG|LOC"]);
}

#[test]
fn labels_of_either_set_are_items() {
    let gold = Gold::LabelSet(vec![0, 2]);
    let rows = shown(&WORDS, &gold, &Prediction::LabelSet(vec![2, 1]));
    assert_eq!(rows, ["!|PER|-", "!|-|LOC", "|ORG|ORG"]);
}

#[test]
fn arcs_are_shown_at_their_dependents() {
    let arc = |head, dependent, label| GraphArc { head, dependent, label };
    let gold = [arc(Some(1), 0, Some(0)), arc(None, 1, None), arc(Some(0), 1, None)];
    let predicted = [arc(Some(1), 0, Some(1)), arc(None, 1, None), arc(Some(0), 1, None)];
    let rows = shown(&WORDS[..3], &Gold::Arcs(gold.into()), &Prediction::Arcs(predicted.into()));
    assert_eq!(rows, ["!Anna|2:PER|2:LOC", "Smith|0,1|0,1", "lives|_|_"]);
}

#[test]
fn spans_match_any_alternative_and_others_are_missing_or_additional() {
    let gold = Gold::Spans(vec![
        vec![span(0, 1, 0), span(0, 2, 0)],
        vec![span(4, 5, 1)],
        vec![span(2, 3, 2)],
    ]);
    let predicted = Prediction::Spans(vec![span(4, 5, 2), span(3, 5, 1), span(0, 2, 0)]);
    let rows = shown(&WORDS, &gold, &predicted);
    let expected = ["Anna Smith|PER|PER", "!lives|ORG|-", "!in Oslo|-|LOC", "!Oslo|LOC|ORG"];
    assert_eq!(rows, expected);
}

#[test]
fn relations_are_between_the_words_of_their_spans() {
    let relation = |label| SpanRelation { from: span(0, 2, 0), to: span(4, 5, 1), label };
    let gold = Gold::Relations(vec![relation(0)]);
    let rows = shown(&WORDS, &gold, &Prediction::Relations(vec![relation(2)]));
    assert_eq!(rows, ["!Anna Smith -> Oslo|PER|ORG"]);
}

#[test]
fn any_of_several_texts_is_right() {
    let text = |text: &str| ScoredText { text: text.to_owned(), score: -1.0 };
    let gold = Gold::Texts(vec!["a b".to_owned(), "a c".to_owned()]);
    let predicted = |best: &str| Prediction::Texts(vec![text(best), text("x")]);
    assert_eq!(shown(&WORDS, &gold, &predicted("a c")), ["|a c|a c"]);
    assert_eq!(shown(&WORDS, &gold, &predicted("a d")), ["!|a b|a d"]);
}

#[test]
fn numbers_and_vectors_are_neither_right_nor_wrong() {
    let gold = Gold::Numbers(vec![Some(0.5)]);
    assert_eq!(shown(&WORDS, &gold, &Prediction::Numbers(vec![0.25])), ["|0.500|0.250"]);
    let gold = Gold::Vector(vec![1.0, 0.0]);
    assert_eq!(shown(&WORDS, &gold, &Prediction::Vector(vec![1.0, 1.0])), ["cosine|1|0.707"]);
}

#[test]
fn a_ranking_shows_the_first_candidates_and_the_relevant_ones() {
    let schema = Schema {
        sequences: [("query", false), ("candidates", true)]
            .map(|(name, is_list)| SequenceSpec { name: name.to_owned(), is_list })
            .into(),
        fields: [("query", 0), ("candidates", 1)]
            .map(|(name, at)| Field::new(name, Axis::Sequence(at), FieldForm::Symbols))
            .into(),
    };
    let mut corpus = Corpus::of_schema(schema);
    let query = corpus.lexicons[0].intern("who");
    let words: Vec<_> = (0..8).map(|at| corpus.lexicons[1].intern(&format!("c{at}"))).collect();
    let (n_query, n_candidates) = (1, words.len());
    let example = Example {
        line: 1,
        file: None,
        sequences: vec![
            Some(Positions::on_line(1, n_query)),
            Some(Positions::on_line(1, n_candidates).in_items(vec![2, 1, 1, 1, 1, 1, 1])),
        ],
        fields: [vec![query], words].map(|words| Some(FieldValues::Symbols(words))).into(),
    };
    let names = Lexicon::default();
    let shown = Shown { corpus: &corpus, example: &example, names: &names, field: None };
    let gold = Gold::Relevance(vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let scores = vec![0.7, 0.1, 0.6, 0.5, 0.4, 0.3, 0.2];
    let (form, rows) = shown.rows(&gold, &Prediction::Ranking(scores)).unwrap();
    let sample = shown.sample(4, None, form, rows);
    let rows = text(&sample);
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0], "c0 c1|relevance 0|rank 1");
    assert_eq!(rows[5], "c7|relevance 1|rank 6");
    assert_eq!((sample.texts.len(), sample.example), (2, 5));
}

#[test]
fn the_size_of_a_sample_is_bounded() {
    let long = "x".repeat(1_000);
    let words: Vec<&str> = vec![&long; 500];
    let (corpus, example) = sentence(&words);
    let names: Lexicon = CLASSES.into_iter().collect();
    let shown = Shown { corpus: &corpus, example: &example, names: &names, field: None };
    let gold = Gold::Classes { classes: vec![Some(0); 500], oov: Vec::new() };
    let (form, rows) = shown.rows(&gold, &Prediction::Classes(vec![1; 500])).unwrap();
    let sample = shown.sample(0, None, form, rows);
    assert_eq!((sample.rows.len(), sample.left_out), (MOST_ROWS, Some(500 - MOST_ROWS as u64)));
    assert!(sample.rows.iter().all(|row| row.of.chars().count() == LONGEST));
    assert!(sample.texts.is_empty(), "the rows have the words");
}
