//! The context of rows and the targets predicted from them: no gradient comes from a target.

use std::collections::BTreeSet;

use auxdesk::{
    data::{Batch, Corpus, Example, FieldValues, Prediction, Symbol},
    kernel::Gradient,
    keys::ValueType,
    metric::Gold,
    model::{Context, Mode, RowKind, Rows, TapView, encoder::RowSource, view},
    recipe::{EncoderSpec, ObjectiveSpec, RecipeSource, System},
};
use candle_core::{Device, Tensor, Var};

use crate::tiny::{Size, Tiny, loaded, names, numbers, shipped_tiny};

const SIZE: Size = Size { width: 4, examples: 40 };

const VIEWS: &[TapView] = &[
    TapView::Whole,
    TapView::Forward,
    TapView::Backward,
    TapView::Last,
    TapView::Mean,
    TapView::Max,
];

/// The recipes whose encoders read words: frames are no words that could be replaced.
fn with_words() -> impl Iterator<Item = &'static str> {
    names().filter(|name| {
        let recipe = loaded(&RecipeSource::Shipped(name), &[]).unwrap();
        recipe.encoders.iter().all(|encoder| encoder.config.frames().is_none())
    })
}

/// Settings without which no encoder masks a word.
fn unhidden(name: &'static str) -> Vec<String> {
    let recipe = loaded(&RecipeSource::Shipped(name), &[]).unwrap();
    let lists = recipe.encoders.iter().flat_map(|encoder| {
        let keys = encoder.kind.keys().iter().filter(|key| matches!(key.takes, ValueType::Words));
        keys.map(|key| format!("encoder.{}.{}=tests/fixtures/no-word.txt", encoder.name, key.name))
    });
    lists.collect()
}

/// The first example of at least five words, if they are all different.
fn distinct_example(corpus: &Corpus) -> Option<usize> {
    let lower = |symbol: Symbol| corpus.lexicons[0].get(symbol).to_lowercase();
    corpus.train.examples.iter().position(|example| {
        let symbols = example.symbols(0).unwrap();
        let words: BTreeSet<String> = symbols.iter().map(|symbol| lower(*symbol)).collect();
        words.len() == symbols.len() && symbols.len() >= 5
    })
}

/// A recipe whose corpora have a sentence of different words each: where a corpus has none, as every one of its texts
/// is of several sentences, the words of its shortest text are replaced by other words of train.
fn with_distinct_words(mut tiny: Tiny) -> Tiny {
    for corpus in tiny.corpora.iter_mut().filter(|corpus| distinct_example(corpus).is_none()) {
        let (mut seen, mut words) = (BTreeSet::new(), Vec::new());
        let texts = corpus.train.examples.iter();
        for &symbol in texts.flat_map(|example| example.symbols(0).unwrap()) {
            if seen.insert(corpus.lexicons[0].get(symbol).to_lowercase()) {
                words.push(symbol);
            }
        }
        let texts = corpus.train.examples.iter_mut().filter(|example| example.len_of(0) >= 5);
        let Some(text) = texts.min_by_key(|example| example.len_of(0)) else { continue };
        words.truncate(text.len_of(0));
        text.fields[0] = Some(FieldValues::Symbols(words));
    }
    tiny
}

/// A sentence of different, known words, alone in a batch, so that a row of the embedding table
/// corresponds to a position.
fn distinct(tiny: &Tiny, corpus_idx: usize) -> Batch {
    let corpus = &tiny.corpora[corpus_idx];
    let at = distinct_example(corpus);
    let at = at.unwrap_or_else(|| panic!("no text of different words in {}", corpus.name));
    Batch::new(corpus_idx, corpus, &corpus.train, &[at])
}

/// The positions of the words that influence a scalar: the rows of the first embedding table with a
/// non-zero gradient.
fn read_places(tiny: &Tiny, system: &System, scalar: &Tensor, n_tokens: usize) -> BTreeSet<usize> {
    scalar.backward().unwrap();
    let left = system.parameters().param_grads().take();
    let is_table = |number: &usize| {
        let name = &system.parameters().all()[*number].name;
        let of_words = |owner: &str| {
            let mut encoders = tiny.recipe.encoders.iter();
            encoders.any(|spec| spec.name == owner && spec.kind.source() == RowSource::Field)
        };
        name.rsplit_once('.').is_some_and(|(owner, part)| part == "table" && of_words(owner))
    };
    let mut tables = left.iter().filter(|(number, _)| is_table(number));
    let Some((_, gradients)) = tables.next() else { return BTreeSet::new() };
    let Gradient::Rows(rows) = gradients else { panic!("a table is read by rows") };
    assert_eq!(rows.ids.len(), n_tokens, "every word has a row of its own");
    let width = rows.rows.len() / n_tokens;
    let places = rows.rows.chunks_exact(width).enumerate();
    places.filter(|(_, row)| row.iter().any(|g| *g != 0.0)).map(|(place, _)| place).collect()
}

/// A scalar function of one row without symmetries.
fn probe(rows: &Tensor, row: usize) -> Tensor {
    let width = rows.dim(1).unwrap();
    let factors: Vec<f32> = (0..width).map(|at| 1.0 + 0.37 * at as f32).collect();
    let factors = Tensor::from_vec(factors, (1, width), &Device::Cpu).unwrap();
    (rows.narrow(0, row, 1).unwrap() * factors).unwrap().sum_all().unwrap()
}

pub(crate) fn declared(context: Context, place: usize, n_tokens: usize) -> BTreeSet<usize> {
    let read = |other: &usize| {
        *other == place || (context.left && *other < place) || (context.right && *other > place)
    };
    (0..n_tokens).filter(read).collect()
}

#[test]
fn every_view_of_every_layer_has_exactly_its_declared_context() {
    let mut n_read = 0;
    for name in with_words() {
        let plain = shipped_tiny(name, SIZE, &[]);
        for (encoder_idx, encoder) in plain.recipe.encoders.iter().enumerate() {
            for (layer_idx, layer) in encoder.signature.layers.iter().enumerate() {
                let what = format!("{name}: {}.{}", encoder.name, layer_idx + 1);
                // Any objective that can read this layer is used for the test.
                let opened = plain.recipe.objectives.iter().enumerate().find_map(|(at, spec)| {
                    let (objective, number) = (&spec.name, layer_idx + 1);
                    let set = format!("objective.{objective}.tap={}.{number}", encoder.name);
                    loaded(&RecipeSource::Shipped(name), std::slice::from_ref(&set)).ok()?;
                    let sets = [unhidden(name), vec![set]].concat();
                    Some((at, with_distinct_words(shipped_tiny(name, SIZE, &sets))))
                });
                // Every kind of encoder is read separately in another test; here whole recipes are.
                let Some((at, tiny)) = opened else { continue };
                // Strings of other fields, such as parts of speech, repeat within a sentence, and so do the
                // letter trigrams of its words.
                let corpus = &tiny.corpora[tiny.recipe.objectives[at].corpora[0]];
                let is_of_others = |field: &str| corpus.field(field) != Some(0);
                let is_of_letters = |spec: &EncoderSpec| {
                    spec.values.text_if_set("features") == Some("letter-trigrams")
                };
                // Such a layer reads the words of a second text.
                let attends = |spec: &EncoderSpec| {
                    spec.values.text_if_set("to").is_some_and(|to| to.contains(':'))
                };
                let is_other = |spec: &EncoderSpec| {
                    spec.config.field().is_some_and(is_of_others) || attends(spec)
                };
                let mut below = tiny.recipe.encoders[..=encoder_idx].iter();
                if below.any(is_other) || tiny.recipe.encoders.iter().any(is_of_letters) {
                    continue;
                }
                n_read += 1;
                let spec = &tiny.recipe.objectives[at];
                assert_eq!(spec.taps[0][0].encoder, encoder_idx);
                let (system, batch) = (tiny.system(), distinct(&tiny, spec.corpora[0]));
                let n_tokens = batch.sequence(0).n_rows();
                for &shown in VIEWS {
                    let Some(declares) = layer.view(shown) else { continue };
                    let rows = || {
                        let taps = system.taps(&[at], &batch, Mode::Trace).unwrap();
                        view(&taps[0][0], shown, layer.directions.is_some()).unwrap().tensor
                    };
                    let n_rows = rows().dim(0).unwrap();
                    assert_eq!(rows().dim(1).unwrap(), declares.width, "{what} {shown:?}");
                    for row in 0..n_rows {
                        let found = read_places(&tiny, &system, &probe(&rows(), row), n_tokens);
                        let what = format!("{what} {shown:?}, row {row} of {n_rows}");
                        match (n_rows == n_tokens, shown) {
                            (true, _) => {
                                assert_eq!(
                                    found,
                                    declared(declares.context, row, n_tokens),
                                    "{what}"
                                );
                            }
                            // One row per sentence, of a layer whose rows may have read one word
                            // only.
                            (false, TapView::Last) if !layer.context.left => {
                                assert_eq!(found, BTreeSet::from([n_tokens - 1]), "{what}");
                            }
                            (false, TapView::Max) => assert!(!found.is_empty(), "{what}"),
                            (false, _) if layer.on == RowKind::Example => {
                                assert!(!found.is_empty(), "{what}");
                            }
                            (false, _) => assert_eq!(found.len(), n_tokens, "{what}"),
                        }
                    }
                }
            }
        }
    }
    assert!(n_read > 10);
}

/// The sentence with one word replaced by another of its words.
pub(crate) fn with_other_word(whole: &Example, place: usize) -> Example {
    let mut symbols = whole.symbols(0).unwrap().to_vec();
    symbols[place] = symbols[(place + 2) % symbols.len()];
    let mut changed = whole.clone();
    changed.fields[0] = Some(FieldValues::Symbols(symbols));
    changed
}

/// Replacing a word changes no row that has not read it, also not by its spelling.
#[test]
fn a_row_does_not_change_with_words_outside_its_context() {
    for name in with_words() {
        let mut tiny = with_distinct_words(shipped_tiny(name, SIZE, &unhidden(name)));
        let system = tiny.system();
        for at in 0..tiny.recipe.objectives.len() {
            let spec = tiny.recipe.objectives[at].clone();
            if spec.layers.first().is_none_or(|layer| layer.on != RowKind::Token) {
                continue;
            }
            let corpus_idx = spec.corpora[0];
            let example = distinct(&tiny, corpus_idx).examples[0];
            let rows = |tiny: &Tiny| {
                let corpus = &tiny.corpora[corpus_idx];
                let batch = Batch::new(corpus_idx, corpus, &corpus.train, &[example]);
                let taps = system.taps(&[at], &batch, Mode::Trace).unwrap();
                taps[0][0].tensor.to_vec2::<f32>().unwrap()
            };
            let before = rows(&tiny);
            let whole = tiny.corpora[corpus_idx].train.examples[example].clone();
            for place in 0..whole.len_of(0) {
                tiny.corpora[corpus_idx].train.examples[example] = with_other_word(&whole, place);
                let after = rows(&tiny);
                for (row, (before, after)) in before.iter().zip(&after).enumerate() {
                    let layer = spec.layers[0];
                    let half = before.len() / 2;
                    let parts = match layer.directions {
                        Some([forward, backward]) => {
                            vec![(0..half, forward), (half..2 * half, backward)]
                        }
                        None => vec![(0..before.len(), layer.context)],
                    };
                    for (numbers, context) in parts {
                        let pairs = before[numbers.clone()].iter().zip(&after[numbers]);
                        let moved = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                        let read = declared(context, row, whole.len()).contains(&place);
                        // Sums over spellings may round differently where words are in another
                        // order.
                        let what = format!("{name}: {}: row {row}, word {place}", spec.name);
                        assert!(read || moved < 1e-6, "{what} moved it by {moved}");
                        assert!(row != place || moved > 1e-6, "{what} did not move it");
                    }
                }
            }
            tiny.corpora[corpus_idx].train.examples[example] = whole;
        }
    }
}

/// Kinds whose labels are words that the encoder reads elsewhere in the sentence. The labels of
/// others are separate fields or, as with frequency, a property of the current word.
const PREDICT_WORDS: &[&str] = &["next-word"];

#[test]
fn no_word_is_predicted_from_a_row_with_it_in_its_context() {
    let mut n_checked = 0;
    for name in with_words() {
        let mut tiny = with_distinct_words(shipped_tiny(name, SIZE, &unhidden(name)));
        let system = tiny.system();
        for at in 0..tiny.recipe.objectives.len() {
            let spec = tiny.recipe.objectives[at].clone();
            if !PREDICT_WORDS.contains(&spec.kind.name()) {
                continue;
            }
            n_checked += 1;
            let what = format!("{name}: {}", spec.name);
            let corpus_idx = spec.corpora[0];
            let sentence = distinct(&tiny, corpus_idx);
            let (example, n_tokens) = (sentence.examples[0], sentence.n_tokens());
            let (width, half) = (spec.layers[0].width, spec.layers[0].width / 2);

            // The gradient of the loss with respect to fixed rows, for different labels.
            let values = (0..n_tokens * width).map(|at| (at as f32 * 0.7).sin()).collect();
            let fixed = Var::from_vec(values, (n_tokens, width), &Device::Cpu).unwrap();
            let by_rows = |tiny: &Tiny| {
                let corpus = &tiny.corpora[corpus_idx];
                let batch = Batch::new(corpus_idx, corpus, &corpus.train, &[example]);
                let taps = [Rows::new(fixed.as_tensor().clone(), batch.packing(0))];
                let term = system.objective(at).loss(&taps, &batch).unwrap().unwrap();
                let store = term.sum.backward().unwrap();
                store.get(&fixed).unwrap().to_vec2::<f32>().unwrap()
            };
            let before = by_rows(&tiny);
            let whole = tiny.corpora[corpus_idx].train.examples[example].clone();
            // For each position, the (row, direction) from which its word is predicted.
            let mut predicted_from = vec![BTreeSet::new(); n_tokens];
            for (place, from) in predicted_from.iter_mut().enumerate() {
                tiny.corpora[corpus_idx].train.examples[example] = with_other_word(&whole, place);
                let after = by_rows(&tiny);
                for (row, (before, after)) in before.iter().zip(&after).enumerate() {
                    for (side, numbers) in [0..half, half..width].into_iter().enumerate() {
                        if before[numbers.clone()] != after[numbers] {
                            from.insert((row, side));
                        }
                    }
                }
            }
            tiny.corpora[corpus_idx].train.examples[example] = whole;
            for (place, from) in predicted_from.iter().enumerate() {
                let before = place.checked_sub(1).map(|row| (row, 0));
                let after = Some((place + 1, 1)).filter(|(row, _)| *row < n_tokens);
                let wanted: BTreeSet<_> = before.into_iter().chain(after).collect();
                assert_eq!(*from, wanted, "{what}: word {place}");
            }

            // The gradient of a single prediction with respect to the words, through its tap.
            for row in 0..n_tokens {
                for (side, from) in [0, half].into_iter().enumerate() {
                    let taps = system.taps(&[at], &sentence, Mode::Trace).unwrap();
                    let rows = &taps[0][0].tensor;
                    let mut mask = vec![0f32; n_tokens * width];
                    mask[row * width + from..][..half].fill(1.0);
                    let mask = Tensor::from_vec(mask, (n_tokens, width), &Device::Cpu).unwrap();
                    let others = (1.0 - &mask).unwrap();
                    let open = (rows * &mask).unwrap();
                    let open = (open + (rows.detach() * others).unwrap()).unwrap();
                    assert_eq!(numbers(&open), numbers(rows), "the same loss");
                    let term = system
                        .objective(at)
                        .loss(&[taps[0][0].with(open)], &sentence)
                        .unwrap()
                        .unwrap();
                    let read = read_places(&tiny, &system, &term.sum, n_tokens);
                    let wanted: BTreeSet<_> =
                        if side == 0 { (0..=row).collect() } else { (row..n_tokens).collect() };
                    assert_eq!(read, wanted, "{what}: row {row}, half {side}");
                    for (place, from) in predicted_from.iter().enumerate() {
                        let leaks = from.contains(&(row, side)) && read.contains(&place);
                        assert!(!leaks, "{what}: row {row} has read word {place}");
                    }
                }
            }
        }
    }
    assert!(n_checked > 0);
}

/// The predictions of an objective for each row, with the frames that they are compared with.
fn forecasts(tiny: &Tiny, at: usize, example: &Example) -> Vec<(Vec<f32>, Vec<f32>)> {
    let mut corpus = tiny.corpora[0].clone();
    corpus.train.examples[0] = example.clone();
    let mut system = tiny.system();
    system.attach(0, &corpus);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0]);
    let taps = system.taps(&[at], &batch, Mode::Eval).unwrap();
    let evaluation = system.objective(at).evaluate(&taps[0], &batch).unwrap();
    let pairs = evaluation.scored_only.into_iter().map(|pair| match pair {
        (Gold::Vector(gold), Prediction::Vector(predicted)) => (gold, predicted),
        other => panic!("{other:?}"),
    });
    pairs.collect()
}

#[test]
fn a_frame_is_predicted_from_the_frames_up_to_its_row_only() {
    let tiny = shipped_tiny("speech", SIZE, &[]);
    let next = |spec: &ObjectiveSpec| spec.kind.name() == "next-vector";
    let at = tiny.recipe.objectives.iter().position(next).unwrap();
    let ahead = tiny.recipe.objectives[at].values.count("ahead");
    let whole = tiny.corpora[0].train.examples[0].clone();
    let Some(FieldValues::Frames { width, numbers, .. }) = &whole.fields[0] else {
        panic!("frames")
    };
    let n_frames = numbers.len() / width;
    let before = forecasts(&tiny, at, &whole);
    assert_eq!(before.len(), n_frames - ahead);
    for changed in [0, n_frames / 2, n_frames - 1] {
        let mut numbers = numbers.to_vec();
        numbers[changed * width] += 1.0;
        let mut example = whole.clone();
        example.fields[0] =
            Some(FieldValues::Frames { width: *width, picture: None, numbers: numbers.into() });
        let after = forecasts(&tiny, at, &example);
        for (row, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(before.1 != after.1, row >= changed, "frame {changed}: row {row}");
            let is_gold = row == changed || row + ahead == changed;
            assert_eq!(before.0 != after.0, is_gold, "frame {changed}: row {row}");
        }
    }
}
