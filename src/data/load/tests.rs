//! Splits that are read, held out, refused and skipped.

use std::collections::BTreeMap;

use super::*;
use crate::{
    data::{Field, read::find},
    keys::{Located, Value},
};

const GOOD: &[u8] = b"a\n\nb\n\nc\n\nd\n\ne\n";
const FAULTY: &[u8] = b"a\n\nb b\nb b b\n\nc\n";

fn samples() -> Samples {
    BTreeMap::from([
        ("good", GOOD),
        ("faulty", FAULTY),
        ("hopeless", &b"a a\n"[..]),
        ("empty", &b"\n\n"[..]),
    ])
}

fn input(sample: &str) -> Vec<CorpusFile> {
    vec![CorpusFile {
        location: Location::Sample(sample.into()),
        name: format!("sample:{sample}").into(),
    }]
}

fn values() -> Values {
    let says = [("columns", "form"), ("separator", "auto"), ("encoding", "utf-8")];
    let says = says.map(|(key, text)| (key.into(), Located::by_default(Value::Text(text.into()))));
    Values::new(says.into())
}

fn spec(values: &Values) -> Load<'_> {
    let format = find("columns").expect("a format of the table");
    let refuse = FaultPolicy::Refuse;
    let faults = FaultPolicies { train: refuse, dev: refuse, test: refuse };
    let train = input("good");
    let (domain, language) = (None, None);
    Load {
        name: "news",
        domain,
        language,
        format,
        values,
        path_field: None,
        names: Box::leak(Box::default()),
        sentences: None,
        pronounced: None,
        spelled: None,
        train,
        dev: None,
        test: None,
        faults,
        max_train_examples: None,
    }
}

fn forms(corpus: &Corpus, part: &SplitData) -> String {
    let symbols = part.examples.iter().filter_map(|example| example.symbols(0)).flatten();
    symbols.map(|&symbol| corpus.lexicons[0].get(symbol)).collect()
}

/// Train and dev, or the faults.
fn loaded(spec: &Load<'_>) -> (String, String) {
    let (corpus, faults) = load(spec, &samples());
    if !faults.is_empty() {
        return (show(&faults), String::new());
    }
    let dev = corpus.dev.as_ref().map(|dev| forms(&corpus, dev)).unwrap_or_default();
    (forms(&corpus, &corpus.train), dev)
}

#[test]
fn every_nth_example_is_held_out_counted_from_one() {
    let values = values();
    let every =
        |n| loaded(&Load { dev: Some(SplitInput::HeldOut(HoldOut::Every(n))), ..spec(&values) });
    assert_eq!(every(2), ("ace".into(), "bd".into()));
    assert_eq!(every(5), ("abcd".into(), "e".into()));
    assert_eq!(every(6).0, "sample:good: no examples are held out for dev");
    assert_eq!(every(1).0, "sample:good: no examples are left in train once dev is held out");
}

#[test]
fn test_is_held_out_before_dev() {
    let values = values();
    let held_out = |n| Some(SplitInput::HeldOut(HoldOut::Every(n)));
    let samples = samples();
    let both = |test, dev| {
        let (corpus, faults) = load(&Load { dev, test, ..spec(&values) }, &samples);
        let split = |split: Option<&SplitData>| split.map(|split| forms(&corpus, split));
        let splits = [Some(&corpus.train), corpus.dev.as_ref(), corpus.test.as_ref()].map(split);
        (splits.map(Option::unwrap_or_default), faults.len())
    };
    assert_eq!(both(held_out(2), held_out(3)), (["ac", "e", "bd"].map(String::from), 0));
    assert_eq!(both(held_out(2), None), (["ace", "", "bd"].map(String::from), 0));
    // No third example is left for dev.
    assert_eq!(both(held_out(2), held_out(4)).1, 1);
    assert_eq!(both(held_out(6), None).1, 1);
}

#[test]
fn the_first_examples_that_are_not_held_out_are_kept() {
    let values = values();
    let first = |n| {
        let dev = Some(SplitInput::HeldOut(HoldOut::Every(2)));
        loaded(&Load { dev, max_train_examples: Some(n), ..spec(&values) })
    };
    assert_eq!(first(2), ("ac".into(), "bd".into()));
    assert_eq!(first(9), ("ace".into(), "bd".into()));
}

#[test]
fn a_held_out_fraction_has_its_own_seed_and_keeps_the_order() {
    let values = values();
    let share = |name, fraction, seed| {
        let dev = Some(SplitInput::HeldOut(HoldOut::Fraction { fraction, seed }));
        loaded(&Load { name, dev, ..spec(&values) })
    };
    let (train, dev) = share("news", 0.4, 1);
    assert_eq!((train.len(), dev.len()), (3, 2));
    assert!(dev.chars().is_sorted() && train.chars().is_sorted());
    assert_eq!(share("web", 0.4, 1).1, dev, "one file, one seed, one split");
    assert!((2..20).any(|seed| share("news", 0.4, seed).1 != dev));
}

#[test]
fn the_faults_of_all_splits_are_reported_together() {
    let values = values();
    let nowhere = Location::File("no/such/file".into());
    let nowhere = vec![CorpusFile { location: nowhere, name: "no/such/file".into() }];
    let spec = Load {
        train: input("faulty"),
        dev: Some(SplitInput::Files(input("empty"))),
        test: Some(SplitInput::Files(nowhere)),
        ..spec(&values)
    };
    let faults = "sample:faulty:3: 2 columns, expected 1 (form)\n\
                  sample:faulty:4: 3 columns, expected 1 (form)\n\
                  sample:empty: no examples\n\
                  no/such/file: no such file";
    assert_eq!(loaded(&spec).0, faults);
    let missing = Load { train: input("none"), test: None, dev: None, ..spec };
    assert_eq!(loaded(&missing).0, "sample:none: no such sample inside the program");
}

#[test]
fn faulty_examples_are_skipped_and_counted_if_configured() {
    let values = values();
    let spec = Load {
        train: input("faulty"),
        test: Some(SplitInput::Files(input("faulty"))),
        faults: FaultPolicies { train: FaultPolicy::Skip, ..spec(&values).faults },
        ..spec(&values)
    };
    // Skipping is for train, unless said.
    assert_eq!(loaded(&spec).0.lines().count(), 2);
    let skip = FaultPolicy::Skip;
    let spec = Load { faults: FaultPolicies { train: skip, dev: skip, test: skip }, ..spec };
    let (corpus, faults) = load(&spec, &samples());
    assert_eq!(faults, []);
    assert_eq!(forms(&corpus, &corpus.train), "ac");
    assert_eq!(corpus.skipped(), 2);
    let said: Vec<String> = corpus.irregularities.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["skipped 1 faulty example of train", "skipped 1 faulty example of test"]);
    let lines: Vec<u32> = corpus.irregularities[0].lines.iter().map(|line| line.line).collect();
    assert_eq!(lines, [3, 4]);
    let hopeless = Load { train: input("hopeless"), ..spec };
    assert_eq!(loaded(&hopeless).0, "sample:hopeless: no examples without a fault");
}

#[test]
fn a_corpus_has_its_fields_splits_and_files() {
    let values = values();
    let spec = Load { test: Some(SplitInput::Files(input("good"))), ..spec(&values) };
    let corpus = load(&spec, &samples()).0;
    assert_eq!(
        (corpus.name.as_str(), corpus.fields.as_slice()),
        ("news", &[Field::of_tokens("form")][..])
    );
    assert_eq!(&*corpus.test.as_ref().unwrap().file, "sample:good");
    assert!(corpus.dev.is_none());
}

#[test]
fn twenty_faults_are_shown_and_the_rest_are_counted() {
    let faults: Vec<_> = (0..337).collect();
    let shown = show(&faults);
    assert_eq!(shown.lines().count(), 21);
    assert!(shown.ends_with("\n19\nand 317 more"));
    assert_eq!(show(&faults[..20]).lines().last(), Some("19"));
}

#[test]
fn a_label_that_does_not_occur_in_train_has_no_count() {
    use crate::data::{statistics::label_set, vocabulary::count};

    let says =
        [("separator", "tab"), ("header", "none"), ("tokens", "space"), ("encoding", "utf-8")];
    let says = says.map(|(key, text)| (key.into(), Located::by_default(Value::Text(text.into()))));
    let columns = ["label", "text"].map(|name| Located::by_default(Value::Text(name.into())));
    let mut says = BTreeMap::from(says);
    says.insert("columns".into(), Located::by_default(Value::List(columns.into())));
    let values = Values::new(says);
    let samples: Samples =
        BTreeMap::from([("train", &b"x\ta b\n\tc\n"[..]), ("test", &b"y\ta\nx\td\n"[..])]);
    let format = find("table").expect("a format of the table");
    let (train, test) = (input("train"), Some(SplitInput::Files(input("test"))));
    let corpus = load(&Load { format, train, test, ..spec(&values) }, &samples).0;
    assert_eq!(corpus.fields, [Field::of_tokens("text"), Field::of_examples("label")]);
    assert_eq!(count(&corpus.lexicons[1], &corpus.train, 1), [1, 0]);
    let test = corpus.test.as_ref().unwrap();
    assert_eq!(label_set(&corpus, test, 1), BTreeMap::from([("x", 1), ("y", 1)]));
    assert_eq!((test.examples[0].label(1), corpus.train.examples[1].label(1)), (Some(1), None));
}
