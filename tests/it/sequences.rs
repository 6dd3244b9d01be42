//! Examples with several sequences and typed fields: every row of a batch can be traced to its line
//! and its byte offsets, and one encoder runs over two sequences of an example.

mod exact_match;
mod lists;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use auxdesk::{
    data::{
        Axis, Batch, Corpus, FieldForm, FieldValues, PictureSize, SplitData,
        read::{Labels, Location, Source, find},
    },
    keys::{DefaultValue, Located, Value, Values},
    metric::Gold,
    model::{Mode, Rows},
    recipe::{Overrides, RecipeSource, System, load, shipped},
};
use candle_core::Tensor;
use proptest::prelude::*;

use crate::{
    encoders::probe,
    objectives::assert_differences,
    tiny::{Size, Tiny, bits, gradients, names, shipped_tiny},
};

/// Checks the origin of each row of each sequence of a batch, and that every field agrees with it.
fn assert_traced(corpus: &Corpus, split: &SplitData, batch: &Batch) {
    for (sequence, spec) in corpus.sequences.iter().enumerate() {
        let packing = batch.sequence(sequence);
        assert_eq!(packing.n_examples(), batch.n_examples());
        let mut traced = BTreeSet::new();
        for row in 0..packing.n_rows() {
            let origin = batch.origin(split, sequence, row);
            let example = &split.examples[origin.example];
            let positions = example.sequences[sequence].as_ref().unwrap();
            assert_eq!(origin.line, positions.line(origin.position), "{}", spec.name);
            assert_eq!(origin.bytes, positions.bytes(origin.position), "{}", spec.name);
            let place = batch.examples.iter().position(|&at| at == origin.example).unwrap();
            assert_eq!(packing.examples_of_rows()[row] as usize, place);
            assert!(traced.insert((origin.example, origin.position)), "a row for each position");
            for (at, field) in corpus.fields.iter().enumerate() {
                if field.axis != Axis::Sequence(sequence) {
                    continue;
                }
                match &example.fields[at] {
                    Some(FieldValues::Symbols(all) | FieldValues::Segments(all)) => {
                        assert_eq!(batch.symbols(at)[row], Some(all[origin.position]));
                    }
                    Some(FieldValues::Frames { width, numbers, .. }) => {
                        let (found_width, found) = batch.frames(at).unwrap();
                        assert_eq!(found_width, *width);
                        let wanted = &numbers[origin.position * width..][..*width];
                        assert_eq!(&found[row * width..][..*width], wanted);
                    }
                    Some(FieldValues::Partial { symbols, positions }) => {
                        let found = positions.iter().position(|at| *at as usize == origin.position);
                        assert_eq!(batch.symbols(at)[row], found.map(|found| symbols[found]));
                    }
                    Some(values) => assert_eq!(batch.values(at)[place].as_ref(), Some(values)),
                    None => assert!(batch.symbols(at).get(row).is_none_or(Option::is_none)),
                }
            }
        }
        let n_positions = |&at: &usize| split.examples[at].len_of(sequence);
        assert_eq!(traced.len(), batch.examples.iter().map(n_positions).sum::<usize>());
    }
    for (at, field) in corpus.fields.iter().enumerate() {
        for (place, &example) in batch.examples.iter().enumerate() {
            let example = &split.examples[example];
            match (field.axis, field.form) {
                (Axis::Example, FieldForm::Label) => {
                    assert_eq!(batch.labels(at)[place], example.label(at));
                }
                (Axis::Example, FieldForm::Labels) => {
                    assert_eq!(batch.label_sets(at)[place].as_deref(), example.label_set(at));
                }
                (Axis::Example, _) => assert_eq!(batch.values(at)[place], example.fields[at]),
                (Axis::Items(_), _) => {
                    let rows = batch.rows_of(at, place).into_iter();
                    let found: Option<Vec<u32>> = rows.map(|row| batch.symbols(at)[row]).collect();
                    let wanted = example.symbols(at).map(<[u32]>::to_vec);
                    assert_eq!(found.filter(|_| wanted.is_some()), wanted);
                }
                (Axis::Sequence(_), _) => {}
            }
        }
    }
}

#[test]
fn every_row_of_a_shipped_recipe_is_traced_to_its_line() {
    for name in names() {
        let tiny = shipped_tiny(name, Size { width: 2, examples: 40 }, &[]);
        for (spec, corpus) in tiny.recipe.corpora.iter().zip(&tiny.corpora) {
            let split = &corpus.train;
            let all: Vec<usize> = (0..split.examples.len()).rev().collect();
            let batch = Batch::new(0, corpus, split, &all);
            assert_traced(corpus, split, &batch);
            // Of several files the first has the lines.
            let Some(Location::Sample(path)) = spec.train.first() else {
                panic!("{name} trains on samples")
            };
            let text = String::from_utf8(shipped::sample(path).unwrap().to_vec()).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for row in 0..batch.sequence(0).n_rows() {
                let origin = batch.origin(split, 0, row);
                // The object of a recording or of frames has no words of the file, but its path.
                let word = match corpus.fields[0].form {
                    FieldForm::Symbols => {
                        corpus.lexicons[0].get(batch.symbols(0)[row].unwrap()).to_owned()
                    }
                    _ => format!("\"{}\"", corpus.fields[0].name),
                };
                let line = lines[origin.line as usize - 1];
                assert!(line.contains(&word), "{name}: {word:?} in line {}: {line:?}", origin.line);
            }
        }
    }
}

/// The values of a format's keys: the given ones, and defaults.
fn values(format: &str, says: &[(&str, &[&str])]) -> Values {
    let format = find(format).unwrap();
    let text = |text: &str| Located::by_default(Value::Text(text.to_owned()));
    let mut entries = BTreeMap::new();
    for key in format.keys() {
        if let DefaultValue::Toml(toml) = key.default {
            entries.insert(key.name.to_owned(), text(toml.trim_matches('"')));
        }
    }
    for (key, names) in says {
        let names = names.iter().map(|name| text(name)).collect();
        entries.insert((*key).to_owned(), Located::by_default(Value::List(names)));
    }
    Values::new(entries)
}

fn read(format: &str, says: &[(&str, &[&str])], text: &str) -> (Corpus, SplitData, Vec<String>) {
    let (format, values) = (find(format).unwrap(), values(format, says));
    let mut corpus = Corpus::of_schema(format.schema(&values));
    let source = Source::new("f", text.as_bytes());
    let read = format.read(&[source], &values, Labels::Required, &mut corpus);
    (corpus, read.split, read.faults.iter().map(ToString::to_string).collect())
}

/// The keys of the corpora of planned recipes.
const KEYS: &[(&str, &[&str])] = &[
    ("text", &["passage", "question"]),
    ("items", &["candidates"]),
    ("frames", &["audio", "picture"]),
    ("tags", &["entity"]),
    ("item_tags", &["clicked"]),
    ("labels", &["judgement"]),
    ("sets", &["topics"]),
    ("numbers", &["score", "vector"]),
    ("arcs", &["dm"]),
    ("spans", &["mentions"]),
    ("answers", &["answer"]),
    ("relations", &["relations"]),
    ("raw", &["caption"]),
];

const WHOLE: &str = r#"{"passage": "Ann met Bob", "question": "who met", "candidates": ["a b", "", ["c"]],
"audio": [[1, 2], [3, 4], [5, 6]], "entity": ["P", "O", "P"], "clicked": ["no", "no", "yes"],
"judgement": "entails", "topics": ["x", "y"], "score": 4.5, "vector": [1, -2],
"dm": [[0, 2], [2, 1, "ARG1"], [2, 3, "ARG2"]], "mentions": [[0, 1, "P"], [2, 3, "P"]],
"answer": [[0, 1], [2, 3]], "relations": [[[0, 1], [2, 3], "knows"]],
"picture": [[[[1, 2, 3], [4, 5, 6]]]], "caption": "two people"}"#;

fn whole() -> String {
    WHOLE.replace('\n', " ") + "\n"
}

#[test]
fn every_form_of_field_values_is_read_and_batched() {
    let (corpus, split, faults) = read("jsonl", KEYS, &(whole() + "\n" + &whole()));
    assert_eq!(faults, [""; 0]);
    assert_eq!(split.examples.len(), 2);
    assert_eq!(split.examples[1].line, 3);
    let example = &split.examples[0];
    let mut forms = BTreeSet::new();
    for (field, values) in corpus.fields.iter().zip(&example.fields) {
        let values = values.as_ref().unwrap_or_else(|| panic!("{} is missing", field.name));
        assert_eq!(values.form(), field.form, "{}", field.name);
        forms.insert(field.form.name());
    }
    let at = |name: &str| corpus.field(name).unwrap();
    let value = |name: &str| example.fields[at(name)].clone().unwrap();
    assert_eq!(value("score"), FieldValues::Numbers([4.5].into()));
    assert_eq!(value("vector"), FieldValues::Numbers([1.0, -2.0].into()));
    assert_eq!(value("caption"), FieldValues::Text("two people".into()));
    let FieldValues::Arcs(arcs) = value("dm") else { panic!("arcs") };
    assert_eq!((arcs[0].head, arcs[0].dependent, arcs[0].label), (None, 1, None));
    assert_eq!((arcs[1].head, arcs[1].dependent), (Some(1), 0));
    let FieldValues::Frames { width: 6, picture, .. } = value("picture") else {
        panic!("a picture")
    };
    assert_eq!(picture, Some(PictureSize { height: 1, width: 2, channels: 3 }));
    let FieldValues::Relations(relations) = value("relations") else { panic!("relations") };
    assert_eq!((relations[0].from.start, relations[0].to.end), (0, 3));
    let batch = Batch::new(0, &corpus, &split, &[1, 0]);
    assert_traced(&corpus, &split, &batch);
    // The list has an empty candidate: two of the three have rows.
    assert_eq!(batch.packing(at("clicked")).n_rows(), 6);
    assert_eq!(batch.packing(at("candidates")).n_sequences(), 4);

    let word = "1\tgo\t_\tVERB\t_\t_\t0\troot\t_\t_\n2\ton\t_\tADP\t_\t_\t1\tprt\t_\t_\n";
    let (corpus, split, faults) = read("conllu", &[], word);
    assert_eq!(faults, [""; 0]);
    let FieldValues::Arcs(heads) =
        split.examples[0].fields[corpus.field("head").unwrap()].clone().unwrap()
    else {
        panic!("heads are arcs")
    };
    let heads: Vec<_> = heads.iter().map(|arc| (arc.head, arc.dependent)).collect();
    assert_eq!(heads, [(None, 0), (Some(0), 1)]);
    assert_traced(&corpus, &split, &Batch::new(0, &corpus, &split, &[0]));
    // Segments are derived from tokens that end sentences.
    forms.insert(FieldForm::Segments.name());
    assert_eq!(forms.len(), 11, "{forms:?}");
}

#[test]
fn values_of_the_wrong_shape_are_faults_of_their_line() {
    for (from, to, reported) in [
        ("[3, 4], ", "[3], ", "frame 2 of \"audio\" has width 1, expected 2"),
        ("\"audio\": [[1, 2]", "\"audio\": [1", "\"audio\" is a number, expected a vector"),
        ("[0, 2], ", "[0, 4], ", "\"dm\" has a position 4, expected a number from 1 to 3"),
        ("[2, 3, \"P\"]]", "[3, 3]]", "\"mentions\" holds a span from 3 to 3, which has no token"),
        ("\"no\", \"no\"", "\"no\"", "\"clicked\" has 2 items, expected 3, one per item"),
        ("4.5", "\"4.5\"", "\"score\" holds a string, expected a finite number"),
        (
            "[4, 5, 6]",
            "[4, 5]",
            "row 1 of \"picture[1]\" has 2 columns and 2 channels, expected 2 and 3",
        ),
        (
            "\"knows\"",
            "3",
            "\"relations\" holds a relation that is not [[start, end], [start, end], label]",
        ),
        ("\"two people\"", "7", "\"caption\" is a number, expected a string"),
        (
            "[\"a b\"",
            "[4",
            "\"candidates[1]\" is a number, expected a string or an array of tokens",
        ),
    ] {
        let text = whole();
        assert!(text.contains(from), "{from}");
        let (_, _, faults) = read("jsonl", KEYS, &(whole() + &text.replacen(from, to, 1)));
        assert_eq!(faults, [format!("f:2: {reported}")]);
    }
    let head = "1\tgo\t_\tVERB\t_\t_\t2\troot\t_\t_\n";
    let (_, _, faults) = read("conllu", &[], head);
    assert_eq!(faults, ["f:1: head \"2\", expected a number from 0 to 1"]);
}

#[test]
fn a_span_of_tokens_maps_to_byte_offsets() {
    let text = "{\"passage\": \"Ann  m\u{e9}t Bob\", \"question\": null}\n";
    let (_, split, faults) = read("jsonl", &[("text", &["passage", "question"])], text);
    assert_eq!(faults, [""; 0]);
    assert!(split.examples[0].sequences[1].is_none());
    let positions = split.examples[0].sequences[0].as_ref().unwrap();
    let span = positions.bytes(0).unwrap().start..positions.bytes(1).unwrap().end;
    assert_eq!(&"Ann  m\u{e9}t Bob"[span], "Ann  m\u{e9}t");
    let table =
        read("table", &[("columns", &["a", "b", "y"]), ("text", &["a", "b"])], "x y\tz\t1\n");
    let (corpus, split, faults) = table;
    assert_eq!((faults, corpus.sequences.len()), (vec![], 2));
    assert_eq!(split.examples[0].sequences[1].as_ref().unwrap().bytes(0), Some(0..1));
    assert_traced(&corpus, &split, &Batch::new(0, &corpus, &split, &[0]));
}

/// Some words, possibly none.
fn words(least: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-d]{1,3}", least..5)
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let items = prop::option::of(prop::collection::vec(words(0), 0..4));
    let example = (words(1), prop::option::of(words(1)), items, prop::option::of(1..5_usize));
    let line = example.prop_map(|(passage, question, items, n_frames)| {
        let frames = n_frames.map(|n| (0..n).map(|at| vec![at as f32, 0.5]).collect::<Vec<_>>());
        let span = [0, passage.len()];
        let arcs: Vec<_> = (1..=passage.len()).map(|at| [at - 1, at]).collect();
        let items: Option<Vec<String>> =
            items.map(|items| items.iter().map(|words| words.join(" ")).collect());
        let line = serde_json::json!({
            "passage": passage.join(" "), "question": question.map(|words| words.join("  ")),
            "candidates": items, "audio": frames, "mentions": [span], "dm": arcs,
        });
        line.to_string()
    });
    prop::collection::vec(line, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_of_examples_of_several_sequences_is_traced(lines in lines(), turn in any::<u64>()) {
        let keys: Vec<_> = KEYS.iter().copied().filter(|(key, _)| {
            ["text", "items", "frames", "spans", "arcs"].contains(key)
        }).collect();
        let (corpus, split, faults) = read("jsonl", &keys, &(lines.join("\n") + "\n"));
        prop_assert_eq!(faults, Vec::<String>::new());
        let n = split.examples.len();
        let order: Vec<usize> = (0..n).map(|at| (at + turn as usize % n) % n).collect();
        assert_traced(&corpus, &split, &Batch::new(0, &corpus, &split, &order));
    }
}

const PAIRS: &str = "
name = 'pairs'
[train]
steps = 3
[[corpus]]
name = 'pairs'
format = 'jsonl'
text = ['a', 'b']
labels = ['judgement']
train = 'pairs.jsonl'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'a'
width = 3
min_count = 1
dropout = 0.2
[[encoder]]
name = 'trunk'
kind = 'birnn'
input = 'words'
width = 2
[[objective]]
name = 'judgement'
role = 'main'
kind = 'classify'
corpus = 'pairs'
label = 'judgement'
tap = ['trunk.max', 'b:trunk.max']
[[objective]]
name = 'apart'
kind = 'difference'
corpus = 'pairs'
tap = 'a:trunk.max'
against = 'b:trunk.max'
";

const TEXTS: &str = "{\"a\": \"one two three\", \"b\": \"two one\", \"judgement\": \"yes\"}\n\
                     {\"a\": \"two\", \"b\": \"one two four three\", \"judgement\": \"no\"}\n\
                     {\"a\": \"three three\", \"b\": null, \"judgement\": \"no\"}\n";

fn pairs(recipe: &str, texts: &str) -> Result<Tiny, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("recipe.toml", recipe), ("pairs.jsonl", texts), ("list.txt", "two\n")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let source = RecipeSource::File(folder.path().join("recipe.toml"));
    let recipe = load(&source, &Overrides::default()).map_err(|faults| faults.to_string())?;
    let corpora = recipe.open().map_err(|faults| faults.to_string())?;
    Ok(Tiny { recipe, corpora, vectors: auxdesk::recipe::VectorsByEncoder::new() })
}

/// The rows of both texts, as tapped by the objective `apart`.
fn both(system: &System, batch: &Batch, mode: Mode) -> [Rows; 2] {
    let taps = system.taps(&[1], batch, mode).unwrap().remove(0);
    taps.try_into().unwrap()
}

/// Checks that a scalar has a gradient with respect to the parameters of these encoders and no other, and that
/// each is equal to finite differences. `scalar` computes the value as a tensor and in `f64`.
fn assert_gradients(system: &System, encoders: &[&str], scalar: impl Fn() -> (Tensor, f64)) {
    let found = gradients(&scalar().0, system.parameters());
    let mut reached = BTreeSet::new();
    for (parameter, gradient) in system.parameters().all().iter().zip(found) {
        let owner = parameter.name.split('.').next().unwrap();
        assert_eq!(gradient.is_some(), encoders.contains(&owner), "{}", parameter.name);
        if let Some(gradient) = gradient {
            reached.insert(owner);
            let steps = [0.002, 0.0005];
            assert_differences(parameter, &gradient, &steps, &parameter.name, || scalar().1);
        }
    }
    assert_eq!(reached, encoders.iter().copied().collect());
}

#[test]
fn one_encoder_runs_over_two_sequences_with_the_same_parameters() {
    let tiny = pairs(PAIRS, TEXTS).unwrap();
    let (system, batch) = (tiny.system(), tiny.batch(0, 3));
    let [a, b] = both(&system, &batch, Mode::Trace);
    assert_eq!((a.tensor.dims(), b.tensor.dims()), (&[3, 4][..], &[3, 4][..]));
    assert_eq!(a.packing, b.packing);
    // The missing text has zeros, and equal texts have equal vectors in either sequence.
    let rows = b.tensor.to_vec2::<f32>().unwrap();
    let missing = batch.examples.iter().position(|&at| at == 2).unwrap();
    assert_eq!(rows[missing], [0.0; 4]);
    let turned =
        TEXTS.replace("\"a\"", "\"x\"").replace("\"b\"", "\"a\"").replace("\"x\"", "\"b\"");
    let turned = turned.replace("\"a\": null", "\"a\": \"four\"");
    let other = pairs(PAIRS, &turned).unwrap();
    let known = |tiny: &Tiny| tiny.fitted()["encoder.words"].vocabularies["words"].len();
    assert_eq!(known(&tiny), 4, "words of both texts are known");
    assert_eq!(known(&other), 4);
    // Equal gradients by finite differences, through both sequences at once.
    let scalar = || {
        let [a, b] = both(&system, &batch, Mode::Trace);
        let ((a, a_exact), (b, b_exact)) = (probe(&a.tensor), probe(&b.tensor));
        ((a + b).unwrap(), a_exact + b_exact)
    };
    assert_gradients(&system, &["words", "trunk"], scalar);
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
}

#[test]
fn tags_of_the_second_text_are_trained_and_scored_on_its_own_tokens() {
    let of_second = PAIRS.replace("'classify'", "'tag'").replace("'judgement'\ntap", "'b'\ntap");
    let of_second = of_second.replace("['trunk.max', 'b:trunk.max']", "'b:trunk.1'");
    let mut tiny = pairs(&of_second, TEXTS).unwrap();
    let examples = tiny.corpora[0].train.clone();
    // Only the first example is in training: "two one".
    tiny.corpora[0].train.examples.truncate(1);
    let (system, corpus) = (tiny.system(), &tiny.corpora[0]);
    let batch = Batch::new(0, corpus, &examples, &[0, 1]);
    let taps = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
    let evaluation = system.objective(0).evaluate(&taps, &batch).unwrap();
    // Of "two one" and "one two four three".
    assert_eq!(evaluation.loss.unwrap().count, 4);
    let place = batch.examples.iter().position(|&at| at == 1).unwrap();
    let Gold::Classes { classes, oov } = &evaluation.gold[place] else { panic!("gold tags") };
    let names = system.objective(0).class_names();
    let words: Vec<&str> = classes.iter().map(|class| names.get(class.unwrap())).collect();
    assert_eq!(words, ["one", "two", "four", "three"]);
    assert_eq!(oov, &[false, false, true, true]);
}

#[test]
fn equal_texts_have_equal_rows_in_either_sequence_except_for_dropout() {
    let twice = "{\"a\": \"one two three\", \"b\": \"one two three\", \"judgement\": \"yes\"}\n\
                 {\"a\": \"two\", \"b\": \"two\", \"judgement\": \"no\"}\n";
    let tiny = pairs(PAIRS, twice).unwrap();
    let (system, batch) = (tiny.system(), tiny.batch(0, 2));
    let [a, b] = both(&system, &batch, Mode::Eval).map(|rows| bits(&rows.tensor));
    assert_eq!(a, b);
    let train =
        |step| both(&system, &batch, Mode::Train { seed: 1, step }).map(|rows| bits(&rows.tensor));
    assert_eq!(train(1), train(1));
    assert!((0..4).any(|step| train(step)[0] != train(step)[1]));
    assert!((0..4).any(|step| train(step)[0] != a));
}

#[test]
fn an_unknown_sequence_is_refused_with_the_nearest_name() {
    let reported =
        |from: &str, to: &str| pairs(&PAIRS.replace(from, to), TEXTS).err().unwrap_or_default();
    let wrong = reported("against = 'b:trunk.max'", "against = 'bb:trunk.max'");
    assert!(
        wrong.contains("no field named \"bb\" in corpus \"pairs\"; did you mean \"b\"?"),
        "{wrong}"
    );
    let label = reported("against = 'b:trunk.max'", "against = 'judgement:trunk.max'");
    assert!(label.contains("has a string per example; expected one per token"), "{label}");
    let beside = reported("['trunk.max', 'b:trunk.max']", "['trunk', 'b:trunk']");
    assert!(beside.contains("they are rows of two sequences"), "{beside}");
}

/// The judgement is read off the first text's rows, each with what it attends to in the second.
fn attending(from: &str, to: &str) -> Result<Tiny, String> {
    let aware = "[[encoder]]\nname = 'aware'\nkind = 'attend'\ninput = 'trunk'\n\
                 to = 'b:trunk'\nhidden = 3\n";
    let recipe = PAIRS.replace("['trunk.max', 'b:trunk.max']", "'aware.mean'") + aware;
    assert!(recipe.contains(from), "{from}");
    pairs(&recipe.replace(from, to), TEXTS)
}

#[test]
fn an_encoder_with_two_inputs_reads_two_sequences_of_an_example() {
    let tiny = attending("", "").unwrap();
    let (system, batch) = (tiny.system(), tiny.batch(0, 3));
    let judged = |mode| system.taps(&[0], &batch, mode).unwrap().remove(0).remove(0).tensor;
    let rows = judged(Mode::Eval).to_vec2::<f32>().unwrap();
    assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [8; 3]);
    for (row, &example) in rows.iter().zip(&batch.examples) {
        let (own, attended) = row.split_at(4);
        assert!(own.iter().any(|x| *x != 0.0), "{example}");
        // The third example has no second text.
        assert_eq!(attended.iter().all(|x| *x == 0.0), example == 2, "{example}");
    }
    assert_gradients(&system, &["words", "trunk", "aware"], || probe(&judged(Mode::Trace)));
    // Words that only the second text has are known, by way of the second input.
    let known = &tiny.fitted()["encoder.words"].vocabularies["words"];
    assert!(known.id("four").is_some() && known.id("three").is_some());
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
}

#[test]
fn a_batch_without_second_texts_attends_to_nothing() {
    let tiny = attending("", "").unwrap();
    let corpus = &tiny.corpora[0];
    let batch = Batch::new(0, corpus, &corpus.train, &[2]);
    let system = tiny.system();
    let tensor = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0).remove(0).tensor;
    assert_eq!(tensor.to_vec2::<f32>().unwrap()[0][4..], [0.0; 4]);
}

#[test]
fn every_input_of_an_encoder_is_checked_under_its_own_key() {
    let reported = |from: &str, to: &str| attending(from, to).err().unwrap_or_default();
    for (to, wanted) in [
        ("to = 'b:trunk.max'", "a \"attend\" reads a sequence, and its `to` is one vector"),
        ("to = 'bb:trunk'", "\"bb:trunk\": no field named \"bb\" in corpus \"pairs\""),
        ("to = 'judgement:trunk'", "has a string per example; expected one per token"),
        ("to = 'trank'", "no encoder named \"trank\"; did you mean \"trunk\"?"),
        ("to = 'aware'", "encoders form a cycle: aware <- aware"),
        ("to = {}", "`to`: expected CORPUS = ENCODER for each corpus, found an empty table"),
        ("segment_by = 'a'\nto = 'trunk'", "`encoder.aware.segment_by`: unknown key"),
        ("", "`encoder.aware.to`: missing key"),
    ] {
        let faults = reported("to = 'b:trunk'", to);
        assert!(faults.contains(wanted), "{to}: {faults}");
        // The line of `to`, not that of `input`; a missing key has that of its table.
        let line = if to.is_empty() { 36 } else { 40 };
        assert!(faults.contains(&format!("recipe.toml:{line}: ")), "{to}: {faults}");
    }
    let prefixed = reported("'aware.mean'", "'b:aware.mean'");
    assert!(prefixed.contains("a prefix can replace one field only"), "{prefixed}");
}
