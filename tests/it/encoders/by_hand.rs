//! Worked examples for each kind of encoder, over words with one-dimensional embeddings.

use auxdesk::model::Mode;
use candle_core::{Device, Tensor};

use super::{Case, System, numbers, rows};

const BELOW: &str = "
name = 'by-hand'
[train]
steps = 1
[[corpus]]
name = 'news'
format = 'columns'
columns = ['form', 'pos']
train = 'news.tsv'
sentence_ends = ['b']
[[encoder]]
name = 'words'
kind = 'embed'
field = 'form'
width = 1
min_count = 1
[[objective]]
name = 'pos'
role = 'main'
kind = 'tag'
corpus = 'news'
label = 'pos'
tap = 'words'
[[encoder]]
name = 'it'
";

/// In descending frequency: a, b, c. As vectors: unknown 9, a 1, b 2, c 4.
const NEWS: &str = "a\tx\nb\tx\na\tx\n\nc\tx\n\na\tx\nb\tx\n";

fn case(keys: &str) -> (Case, System) {
    let case =
        Case::new(&format!("{BELOW}{keys}\n"), &[("news.tsv", NEWS), ("list.txt", "b\n")], &[]);
    let system = case.tiny.system();
    put(&system, "words.table", &[9.0, 1.0, 2.0, 4.0]);
    (case, system)
}

fn put(system: &System, name: &str, values: &[f32]) {
    let mut all = system.parameters().all().iter();
    let Some(parameter) = all.find(|parameter| parameter.name == name) else {
        let all = system.parameters().all().iter().map(|parameter| &parameter.name);
        panic!("no {name} among {:?}", all.collect::<Vec<_>>())
    };
    let tensor = Tensor::from_slice(values, parameter.var.shape(), &Device::Cpu).unwrap();
    parameter.var.set(&tensor).unwrap();
}

/// The rows of some examples against the expected ones.
fn assert_rows((case, system): &(Case, System), examples: &[usize], wanted: &[f32]) {
    let found = numbers(&rows(system, &case.batch(examples), Mode::Eval));
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "expected {wanted}, found {found}");
    }
}

#[test]
fn attention_scores_words_by_tanh() {
    let it = case("kind = 'pool'\ninput = 'words'");
    put(&it.1, "it.hidden.weight", &[0.5]);
    put(&it.1, "it.hidden.bias", &[-0.5]);
    put(&it.1, "it.query", &[2.0]);
    // Scores of a, b: 2 tanh 0 and 2 tanh 0.5.
    let b = (2.0 * 0.5f32.tanh()).exp();
    assert_rows(&it, &[0, 1], &[(1.0 + 2.0 * b + 1.0) / (2.0 + b), 4.0]);
}

#[test]
fn the_mean_is_weighted_by_the_probabilities_of_an_objective() {
    let objective = "[[objective]]\nname = 'picked'\nkind = 'tag'\ncorpus = 'news'\nlabel = 'form'\n\
                     positive = 'b'\ntap = 'words'";
    let keys = "kind = 'pool'\npooling = 'mean'\ninput = 'words'\nweights = 'probability:picked'";
    let it = case(&format!("{keys}\n{objective}"));
    // Of the three classes the score of b is (x − 1) ln 2, that of the others 0.
    put(&it.1, "objective.picked.output.weight", &[0.0, 2f32.ln(), 0.0]);
    put(&it.1, "objective.picked.output.bias", &[0.0, -(2f32.ln()), 0.0]);
    // p(b) of the words 1, 2 and 4: 1/3, 2/4 and 8/10.
    let [a, b] = [1.0 / 3.0, 0.5];
    assert_rows(&it, &[0, 1], &[(2.0 * a + 2.0 * b) / (2.0 * a + b), 4.0]);
    // Without any probability it is the mean.
    put(&it.1, "objective.picked.output.bias", &[0.0, -1e9, 0.0]);
    assert_rows(&it, &[0, 1], &[4.0 / 3.0, 4.0]);
}

#[test]
fn attention_is_over_the_words_of_the_same_example() {
    let it = case("kind = 'attend'\ninput = 'words'\nto = 'words'");
    put(&it.1, "it.query.weight", &[0.5]);
    put(&it.1, "it.query.bias", &[-0.5]);
    put(&it.1, "it.key.weight", &[-0.25]);
    put(&it.1, "it.key.bias", &[0.25]);
    put(&it.1, "it.score", &[3.0]);
    // Over a b a, for a: 3 tanh 0 of a, 3 tanh -0.25 of b; for b: 3 tanh 0.5 and 3 tanh 0.25. c is alone.
    let [of_a, of_b] = [[0.0, -0.25], [0.5, 0.25f32]].map(|fits| {
        let [a, b] = fits.map(|fit: f32| (3.0 * fit.tanh()).exp());
        (2.0 * a + 2.0 * b) / (2.0 * a + b)
    });
    assert_rows(&it, &[0, 1], &[1.0, of_a, 4.0, 4.0, 2.0, of_b, 1.0, of_a]);
}

#[test]
fn other_kinds_of_pooling_equal_the_views() {
    for (how, wanted) in [("last", 1.0), ("mean", 4.0 / 3.0), ("max", 2.0)] {
        let it = case(&format!("kind = 'pool'\ninput = 'words'\npooling = '{how}'"));
        assert_rows(&it, &[0, 1], &[wanted, 4.0]);
    }
}

/// `a b` and `a` are the sentences of the first example, `a b` the only one of the third.
#[test]
fn pooling_gives_one_row_per_sentence_and_one_per_document() {
    let it = case("kind = 'pool'\ninput = 'words'\npooling = 'mean'\nsegment_by = 'sentence'");
    // By time step: the first sentence of each example, then the second of the only one that has
    // two.
    assert_rows(&it, &[2, 1, 0], &[1.5, 1.5, 4.0, 1.0]);
    let above = "kind = 'pool'\ninput = 'sentences'\npooling = 'max'\n[[encoder]]\nname = 'sentences'\n\
                 kind = 'pool'\ninput = 'words'\npooling = 'mean'\nsegment_by = 'sentence'";
    assert_rows(&case(above), &[0, 1, 2], &[1.5, 1.5, 4.0]);
    assert_rows(&case(&above.replace("'max'", "'last'")), &[0, 1, 2], &[1.0, 1.5, 4.0]);
}

#[test]
fn a_recurrent_layer_per_sentence_resets_at_each_sentence() {
    let (whole, system) =
        case("kind = 'birnn'\ninput = 'words'\nwidth = 2\nsegment_by = 'sentence'");
    let states = |examples: &[usize]| {
        rows(&system, &whole.batch(examples), Mode::Eval).to_vec2::<f32>().unwrap()
    };
    let (of_three, of_two) = (states(&[0]), states(&[2]));
    // Of `a b a` the first two are the sentence `a b` of the third example.
    assert_eq!(of_three[..2], of_two);
    // The last one starts anew: forward as the first `a`, backward with nothing after it.
    assert_eq!(of_three[2][..2], of_two[0][..2]);
    assert_ne!(of_three[2][2..], of_two[0][2..]);
}

#[test]
fn a_filter_takes_its_maximum_over_zero_padded_windows() {
    let it = case("kind = 'cnn'\ninput = 'words'\nwidths = [3]\nfilters = 2\nactivation = 'none'");
    // One row for each position of the window, one column for each filter.
    put(&it.1, "it.width-3.weight", &[1.0, -1.0, 10.0, -10.0, 100.0, -100.0]);
    put(&it.1, "it.width-3.bias", &[0.5, 0.25]);
    // Windows of a b a: 0 1 2, 1 2 1, 2 1 0. Of c alone: 0 4 0.
    assert_rows(&it, &[0, 1], &[210.5, -11.75, 40.5, -39.75]);
}

#[test]
fn a_dense_layer_runs_over_tokens_or_examples() {
    for (activation, wanted) in [
        ("none", [-0.5, 0.5, -0.5]),
        ("relu", [0.0, 0.5, 0.0]),
        ("tanh", [-(0.5f32.tanh()), 0.5f32.tanh(), -(0.5f32.tanh())]),
    ] {
        let keys = format!("kind = 'dense'\nwidth = 1\nactivation = '{activation}'\n");
        let tokens = case(&format!("{keys}input = 'words'"));
        put(&tokens.1, "it.linear.weight", &[1.0]);
        put(&tokens.1, "it.linear.bias", &[-1.5]);
        assert_rows(&tokens, &[0], &wanted);
        let examples = case(&format!("{keys}input = 'words.max'"));
        put(&examples.1, "it.linear.weight", &[1.0]);
        put(&examples.1, "it.linear.bias", &[-1.5]);
        assert_rows(&examples, &[0], &wanted[1..2]);
    }
}

#[test]
fn a_bag_is_a_mean_weighted_by_counts() {
    let ln2 = 2f32.ln();
    let log = (1.0 + ln2 + 2.0) / (2.0 + ln2);
    for (counts, wanted) in [("all", 4.0 / 3.0), ("distinct", 1.5), ("log", log)] {
        let keys =
            format!("kind = 'bow'\nfield = 'form'\nwidth = 1\nmin_count = 1\ncounts = '{counts}'");
        let it = case(&keys);
        put(&it.1, "it.table", &[9.0, 1.0, 2.0, 4.0]);
        assert_rows(&it, &[0, 1], &[wanted, 4.0]);
    }
    // c occurs once and is unknown.
    let it = case("kind = 'bow'\nfield = 'form'\nwidth = 1");
    put(&it.1, "it.table", &[9.0, 1.0, 2.0]);
    assert_rows(&it, &[1], &[9.0]);
    // Words of one letter are a single trigram, #a#.
    let it = case(
        "kind = 'bow'\nfield = 'form'\nwidth = 1\nmin_count = 1\nfeatures = 'letter-trigrams'",
    );
    put(&it.1, "it.table", &[9.0, 1.0, 2.0, 4.0]);
    assert_rows(&it, &[0, 1], &[4.0 / 3.0, 4.0]);
}

#[test]
fn words_of_the_list_are_masked_and_others_pass() {
    let keys = "kind = 'mask'\ninput = 'words'\nfield = 'form'\nwords = 'list.txt'\n";
    let it = case(keys);
    put(&it.1, "it.vector", &[-3.0]);
    // The three words of the first sentence are in three time steps, the second sentence in the
    // first.
    assert_rows(&it, &[0, 1], &[1.0, 4.0, -3.0, 1.0]);
    let zeros = case(&format!("{keys}fill = 'zeros'"));
    assert_rows(&zeros, &[0, 1], &[1.0, 4.0, 0.0, 1.0]);
    assert!(zeros.1.parameters().all().iter().all(|parameter| !parameter.name.starts_with("it.")));
}

#[test]
fn without_masked_words_the_mask_vector_has_no_gradient() {
    let (case, system) =
        case("kind = 'mask'\ninput = 'words'\nfield = 'form'\nwords = 'list.txt'\n");
    let gradients = |examples: &[usize]| {
        let rows = rows(&system, &case.batch(examples), Mode::Trace);
        super::gradients(&rows.sum_all().unwrap(), system.parameters())
    };
    let all = system.parameters().all().iter();
    let at = all.enumerate().find(|(_, it)| it.name == "it.vector").unwrap().0;
    assert_eq!(gradients(&[0, 1])[at], Some(vec![1.0]));
    assert_eq!(gradients(&[1])[at], None);
}

#[test]
fn dropped_words_become_the_unknown_word() {
    let keys = "kind = 'embed'\nfield = 'form'\nwidth = 1\nmin_count = 1\nword_dropout = 0.3";
    let (case, system) = case(keys);
    put(&system, "it.table", &[9.0, 1.0, 2.0, 4.0]);
    let (mut n_dropped, whole) = (0, [1.0, 2.0, 1.0]);
    for step in 0..400 {
        let found = numbers(&rows(&system, &case.batch(&[0]), Mode::Train { seed: 1, step }));
        for (found, whole) in found.iter().zip(whole) {
            assert!(*found == 9.0 || *found == whole);
            n_dropped += usize::from(*found == 9.0);
        }
    }
    // Of 1200; four standard deviations are 63.
    assert!((297..423).contains(&n_dropped), "{n_dropped}");
}

/// Words a (3 times), b (twice) and C (once) in train; file words a, c and d.
#[test]
fn words_with_a_vector_start_from_it_and_rare_ones_are_trained_if_asked() {
    let vectors = "a 1\nc 4\nd 7\n";
    let news = NEWS.replace('c', "C");
    let case = |keys: &str| {
        let it = "kind = 'dense'\ninput = 'words'\nwidth = 1\nactivation = 'none'\n";
        let recipe = BELOW.replace(
            "min_count = 1\n",
            &format!("min_count = 2\nvectors = 'v.txt'\nbackoff = ['lowercase']\n{keys}\n"),
        );
        let files = [("news.tsv", news.as_str()), ("v.txt", vectors)];
        let case = Case::new(&format!("{recipe}{it}"), &files, &[]);
        let system = case.tiny.system();
        put(&system, "it.linear.weight", &[1.0]);
        put(&system, "it.linear.bias", &[0.0]);
        (case, system)
    };
    let table = |(_, system): &(Case, System)| {
        let all = system.parameters().all();
        numbers(
            all.iter().find(|parameter| parameter.name == "words.table").unwrap().var.as_tensor(),
        )
    };
    // Rows of the table: unknown, a, b, and c for the rare C; those of a batch are by place, so C is second.
    let it = case("fine_tune = 'all'");
    let [unknown, a, b, c] = table(&it)[..] else { panic!("four rows") };
    assert_eq!((a, c), (1.0, 4.0));
    assert_rows(&it, &[0, 1], &[1.0, 4.0, b, 1.0]);
    // The rare C has its vector, which is not trained.
    let it = case("fine_tune = 'known'");
    assert_eq!(table(&it), [unknown, 1.0, b]);
    assert_rows(&it, &[0, 1], &[1.0, 4.0, b, 1.0]);
    // Only the word without a vector is trained.
    let it = case("fine_tune = 'none'");
    let [unknown, b] = table(&it)[..] else { panic!("two rows") };
    assert_rows(&it, &[0, 1], &[1.0, 4.0, b, 1.0]);
    // The second and third vector of the file are not read.
    let it = case("max_vectors = 1");
    assert_rows(&it, &[1], &[unknown]);
}

/// The row has a parameter of its own. A sentence of three words, one of one, and the row in front of each.
#[test]
fn a_prefix_is_in_front_of_each_sequence() {
    let case = case("kind = 'prefix'\ninput = 'words'");
    put(&case.1, "it.row", &[7.0]);
    assert_rows(&case, &[1], &[7.0, 4.0]);
    // Time-major: the longest sentence first.
    assert_rows(&case, &[1, 0], &[7.0, 7.0, 1.0, 4.0, 2.0, 1.0]);
}
