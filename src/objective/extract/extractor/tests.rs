//! Losses against the formula of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{Example, Field, FieldForm, Fitted, Positions, Schema, SequenceSpec, SplitData},
    keys::{Located, Value, Values},
    model::{
        Parameters,
        head::{self, HeadConfig},
        tap::{Context, LayerSpec, RowKind},
    },
    objective::ObjectiveConfig,
};

/// Documents of sentences of one or two words, with their labels and a summary each.
fn corpus(documents: &[(&[&str], &[&str])]) -> Corpus {
    let sequences = vec![SequenceSpec { name: "text".into(), is_list: true }];
    let fields = vec![
        Field::of_tokens("text"),
        Field::new("extract", Axis::Items(0), FieldForm::Symbols),
        Field::new("summary", Axis::Example, FieldForm::Text),
    ];
    let mut corpus = Corpus::of_schema(Schema { sequences, fields });
    for (sentences, labels) in documents {
        let words = sentences.iter().flat_map(|sentence| sentence.split(' '));
        let words: Vec<u32> = words.map(|word| corpus.lexicons[0].intern(word)).collect();
        let lengths = sentences.iter().map(|sentence| sentence.split(' ').count() as u32);
        let positions = Positions::on_line(1, words.len()).in_items(lengths.collect());
        let labels: Vec<u32> =
            labels.iter().map(|label| corpus.lexicons[1].intern(label)).collect();
        let labels = (!labels.is_empty()).then_some(FieldValues::Symbols(labels));
        let summary = FieldValues::Text(sentences[0].into());
        let fields = vec![Some(FieldValues::Symbols(words)), labels, Some(summary)];
        let sequences = vec![Some(positions)];
        corpus.train.examples.push(Example { line: 1, file: None, sequences, fields });
    }
    corpus.train = SplitData { file: "t".into(), ..corpus.train };
    corpus
}

const DOCUMENTS: [(&[&str], &[&str]); 3] = [
    (&["costs rose", "rain", "all fell"], &["yes", "no", "yes"]),
    (&["held"], &[]),
    (&["one", "two"], &["no", "no"]),
];

fn config(positive: &str) -> Config {
    Config {
        label: "extract".to_owned(),
        positive: positive.to_owned(),
        reference: Some("summary".to_owned()),
        is_alone: true,
    }
}

struct Built {
    _parameters: Parameters,
    extractor: Extractor,
    probability: SentenceProbability,
}

fn built() -> Built {
    let entries = [("hidden".to_owned(), Located::by_default(Value::Integer(0)))];
    let values = Values::new(entries.into());
    let (on, pooled, context) = (RowKind::Item, RowKind::Example, Context::BOTH);
    let taps = [LayerSpec { width: 2, on, pooled, context, directions: None }];
    let (config, corpus) = (config("yes"), corpus(&DOCUMENTS));
    let fitted: Fitted = config.fit(&[&corpus]);
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let head: Option<HeadConfig> = head::find("sigmoid").map(|head| head.configure(&values));
    macro_rules! setup {
        () => {
            ObjectiveSetup {
                name: "extract",
                head: head.as_ref(),
                taps: &taps,
                fitted: &fitted,
                reads: &[],
                decoders: &[],
                scope: parameters.shared_scope("objective.extract"),
            }
        };
    }
    let mut extractor = Extractor::new(&config, setup!()).unwrap();
    let probability = SentenceProbability::new(setup!()).unwrap();
    extractor.attach(0, &corpus);
    Built { _parameters: parameters, extractor, probability }
}

fn batch() -> (Batch, Vec<Rows>) {
    let corpus = corpus(&DOCUMENTS);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2]);
    let packing = batch.packing(1);
    let n = packing.n_rows();
    let values = (0..2 * n).map(|at| ((at * 7) % 11) as f32 / 2.0 - 2.5).collect::<Vec<_>>();
    let tensor = Tensor::from_vec(values, (n, 2), &Device::Cpu).unwrap();
    let rows = Rows::new(tensor, packing);
    (batch, vec![rows])
}

#[test]
fn the_loss_is_the_mean_cross_entropy_of_labelled_sentences() {
    let (Built { extractor, .. }, (batch, taps)) = (built(), batch());
    let scores = kernel::to_vec(&extractor.head.scores(&taps[0].tensor).unwrap()).unwrap();
    let packing = &taps[0].packing;
    let mut sum = 0.0;
    for (b, &example) in batch.examples.iter().enumerate() {
        let labels = DOCUMENTS[example].1;
        for (&label, row) in labels.iter().zip(packing.rows_of_example(b)) {
            let score = f64::from(scores[row]);
            let y = if label == "yes" { 1.0 } else { 0.0 };
            sum += (1.0 + score.exp()).ln() - y * score;
        }
    }
    let loss = extractor.loss(&taps, &batch).unwrap().unwrap();
    assert_eq!(loss.count, 5);
    let found = kernel::to_vec(&loss.sum.reshape(1).unwrap()).unwrap()[0];
    assert!((f64::from(found) - sum).abs() < 1e-5, "{found}, expected {sum}");
    let evaluated = extractor.evaluate(&taps, &batch).unwrap().loss.unwrap();
    let bits = |tensor: &Tensor| {
        kernel::to_vec(tensor).unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&evaluated.per_example), bits(&loss.per_example));
}

/// What is extracted has the largest probabilities, and texts are those of the rows.
#[test]
fn an_evaluation_has_the_sentences_of_each_document_in_their_order() {
    let (Built { extractor, probability, .. }, (batch, taps)) = (built(), batch());
    let evaluation = extractor.evaluate(&taps, &batch).unwrap();
    let probabilities = kernel::to_vec(&probability.of(&taps).unwrap()).unwrap();
    for (b, &example) in batch.examples.iter().enumerate() {
        let rows = taps[0].packing.rows_of_example(b);
        let Prediction::Classes(classes) = &evaluation.predictions[b] else { panic!("classes") };
        let of = |class: u32| {
            let rows = rows.iter().zip(classes).filter(move |(_, found)| **found == class);
            rows.map(|(&row, _)| probabilities[row])
        };
        let least = of(1).fold(1.0, f32::min);
        assert!(of(0).all(|other| other <= least), "{example}: {classes:?}");
        let (Gold::Texts(gold), Prediction::Texts(texts)) = &evaluation.scored_only[b] else {
            panic!("texts")
        };
        assert_eq!(gold, &[DOCUMENTS[example].0[0]]);
        let texts: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        assert_eq!(texts, DOCUMENTS[example].0);
        assert_eq!(evaluation.gold[b] == Gold::None, DOCUMENTS[example].1.is_empty());
    }
}

#[test]
fn a_lead_has_as_many_sentences_as_train_extracts_on_average() {
    let numbers = |documents: &[(&[&str], &[&str])]| {
        config("yes").fit(&[&corpus(documents)]).numbers(LEAD).unwrap()
    };
    assert_eq!(numbers(&DOCUMENTS), [1.0]);
    assert_eq!(numbers(&[(&["a", "b", "c"], &["yes", "yes", "yes"])]), [3.0]);
    assert_eq!(numbers(&[(&["a"], &["no"])]), [1.0]);
}

#[test]
fn train_has_the_positive_label_and_one_other() {
    let faults = |positive: &str, documents: &[(&[&str], &[&str])]| -> Vec<String> {
        let check = config(positive).check_corpus(&corpus(documents));
        check.of_corpus.iter().map(ToString::to_string).collect()
    };
    assert_eq!(faults("yes", &DOCUMENTS), [""; 0]);
    let what = "t:1: from here on the labels \"extract\" are";
    let wanted = "which `positive` names, and one other";
    assert_eq!(
        faults("1", &DOCUMENTS),
        [format!("{what} \"yes\", \"no\"; expected \"1\", {wanted}")]
    );
    assert_eq!(
        faults("yes", &[(&["a"], &["yes"])]),
        [format!("{what} \"yes\"; expected \"yes\", {wanted}")]
    );
    assert_eq!(
        faults("yes", &[(&["a"], &[])]),
        [format!("{what} none; expected \"yes\", {wanted}")]
    );
}

#[test]
fn a_label_of_dev_that_train_lacks_is_a_fault_of_its_document() {
    let mut corpus = corpus(&[DOCUMENTS[0], (&["a", "b", "c"], &["no", "perhaps", "maybe"])]);
    let examples = corpus.train.examples.drain(1..).collect();
    corpus.dev = Some(SplitData { examples, file: "d".into(), ..SplitData::default() });
    let check = config("yes").check_corpus(&corpus);
    assert!(check.of_corpus.is_empty());
    let faults: Vec<String> =
        check.of_examples.iter().map(|(split, error)| format!("{split:?} {error}")).collect();
    let what =
        "expected \"yes\" or \"no\" for item 2 in \"extract\", as in train, found \"perhaps\"";
    assert_eq!(faults, [format!("Dev d:1: {what}")]);
}

#[test]
fn the_words_of_sentences_are_those_of_the_field_that_names_their_sequence() {
    let sequences = vec![SequenceSpec { name: "text".into(), is_list: true }];
    let fields = vec![
        Field::new("pos", Axis::Sequence(0), FieldForm::Symbols),
        Field::of_tokens("text"),
        Field::new("extract", Axis::Items(0), FieldForm::Symbols),
    ];
    let corpus = Corpus::of_schema(Schema { sequences, fields });
    assert_eq!(Words::of(&corpus, 2).map(|words| words.field), Some(1));
}
