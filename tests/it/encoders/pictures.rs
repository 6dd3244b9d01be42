//! Pictures: a convolution worked by hand, gradients, and pictures that do not fit.

use super::{Case, assert_differences, gradients, numbers, probe, rows, tapped};
use crate::tiny::bits;
use auxdesk::{
    kernel::DeviceName,
    model::{Mode, encoder::FirstValues},
    recipe::{System, fit},
};
use candle_core::{Device, Tensor};

const RECIPE: &str = "
name = 'pictures'
[train]
steps = 1
[[corpus]]
name = 'clips'
format = 'frames'
labels = ['what']
train = 'train.jsonl'
[[encoder]]
name = 'flat'
kind = 'frames'
field = 'frames'
width = 6
[[objective]]
name = 'what'
role = 'main'
kind = 'classify'
corpus = 'clips'
label = 'what'
tap = 'flat.mean'
[[encoder]]
name = 'it'
kind = 'picture'
field = 'frames'
";

/// Two frames of 2 × 3 pixels with a channel, and one.
const GRAY: &str = "{\"frames\": [[[1, 2, 3], [4, 5, 6]], [[-1, -1, -1], [-1, -1, -1]]], \"what\": \"a\"}\n\
                    {\"frames\": [[[0, 0, 0], [0, 0, 9]]], \"what\": \"b\"}\n";

/// One frame of 1 × 3 pixels with two channels, and three.
const COLORED: &str = "{\"frames\": [[[[1, 2], [0.5, -1], [3, 0]]]], \"what\": \"a\"}\n\
                       {\"frames\": [[[[2, 1], [0, 4], [-2, 3]]], [[[1, 1], [0.2, 2], [7, -1]]], [[[0, 0], [1, 5], \
                       [4, 0.3]]]], \"what\": \"b\"}\n";

fn case(keys: &str, train: &str) -> Case {
    Case::new(&format!("{RECIPE}{keys}\n"), &[("train.jsonl", train)], &[])
}

fn put(system: &System, name: &str, values: &[f32]) {
    let mut all = system.parameters().all().iter();
    let parameter = all.find(|parameter| parameter.name == name).unwrap();
    let tensor = Tensor::from_slice(values, parameter.var.shape(), &Device::Cpu).unwrap();
    parameter.var.set(&tensor).unwrap();
}

const BY_HAND: &str = "size = [2, 3, 1]\nchannels = [1]\nwidth = 2\nstandardize = false";

/// Each position has the sum of the nine around it, less 1: 11, 20 and 15 in both rows of the first picture. The blocks of
/// 2 × 2 have the maxima 20 and 15.
#[test]
fn a_picture_is_convolved_pooled_and_flattened() {
    let it = case(BY_HAND, GRAY);
    let system = it.tiny.system();
    put(&system, "it.layer-1.weight", &[1.0; 9]);
    put(&system, "it.layer-1.bias", &[-1.0]);
    put(&system, "it.output.weight", &[1.0, 0.0, 0.0, -1.0]);
    put(&system, "it.output.bias", &[0.5, 16.0]);
    let found = tapped(&system, &it.batch(&[1, 0]), Mode::Eval);
    assert_eq!(found.packing.lengths(), [2, 1]);
    // Of −1 everywhere nothing is left by ReLU; the 9 in a corner is seen from four positions.
    assert_eq!(numbers(&found.tensor), [20.5, 1.0, 8.5, 8.0, 0.5, 16.0]);
}

/// With one row for each position of the map of 1 × 2, position by position of each picture.
#[test]
fn a_picture_has_a_row_for_each_position_of_its_last_maps() {
    let it = case(&format!("{BY_HAND}\npositions = true"), GRAY);
    let system = it.tiny.system();
    put(&system, "it.layer-1.weight", &[1.0; 9]);
    put(&system, "it.layer-1.bias", &[-1.0]);
    put(&system, "it.output.weight", &[1.0, -1.0]);
    put(&system, "it.output.bias", &[0.5, 16.0]);
    let found = tapped(&system, &it.batch(&[1, 0]), Mode::Eval);
    assert_eq!(found.packing.lengths(), [4, 2]);
    // The maxima 20 and 15 of the first picture, twice 8 of the other example, and twice 0.
    let wanted = [20.5, 0.0, 8.5, 8.0, 15.5, 1.0, 8.5, 8.0, 0.5, 16.0, 0.5, 16.0];
    assert_eq!(numbers(&found.tensor), wanted);
}

#[test]
fn coordinates_are_from_minus_one_to_one() {
    let it = case(
        &format!("{BY_HAND}\npool = 1\nwindow = 1\ncoordinates = true\nactivation = 'none'"),
        GRAY,
    );
    let system = it.tiny.system();
    // The row counts 10, the column 1, the pixel nothing.
    put(&system, "it.layer-1.weight", &[0.0, 10.0, 1.0]);
    put(&system, "it.output.weight", &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let found = numbers(&rows(&system, &it.batch(&[1]), Mode::Eval));
    // The first pixel is at −1/2 and −2/3, the last one at 1/2 and 2/3.
    let wanted = [-5.0 - 2.0 / 3.0, 5.0 + 2.0 / 3.0];
    assert!(found.iter().zip(wanted).all(|(x, wanted)| (x - wanted).abs() < 1e-6), "{found:?}");
}

#[test]
fn the_pixels_of_each_channel_are_standardized_as_in_training() {
    let keys = "size = [1, 3, 2]\nchannels = [2]\nwidth = 2";
    let it = case(keys, COLORED);
    let (recipe, corpora, vectors) = (&it.tiny.recipe, &it.tiny.corpora, &it.tiny.vectors);
    let fitted = fit(recipe, corpora, vectors);
    let numbers_of = |key| fitted["encoder.it"].numbers(key).unwrap();
    let first = [1.0, 0.5, 3.0, 2.0, 0.0, -2.0, 1.0, 0.2, 7.0, 0.0, 1.0, 4.0];
    let mean = first.iter().sum::<f64>() / 12.0;
    let variance = first.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 12.0;
    assert!((numbers_of("mean")[0] - mean).abs() < 1e-6);
    assert!((numbers_of("standard_deviation")[0] - variance.sqrt()).abs() < 1e-6);
    let device = DeviceName::Cpu.open().unwrap();
    let mut again =
        System::new(recipe, &fitted, vectors, FirstValues::Checkpoint, &device).unwrap();
    again.attach(0, &corpora[0]);
    let batch = it.batch(&[0, 1]);
    assert_eq!(
        bits(&rows(&again, &batch, Mode::Eval)),
        bits(&rows(&it.tiny.system(), &batch, Mode::Eval))
    );
}

/// Not with ReLU: of the black picture it would be at its corner.
const DEEP: &[(&str, &str)] = &[
    ("size = [2, 3, 1]\nchannels = [1]\nwidth = 2\nstandardize = false\nactivation = 'tanh'", GRAY),
    (
        "size = [2, 3, 1]\nchannels = [2, 3]\nwidth = 2\nactivation = 'tanh'\ncoordinates = true",
        GRAY,
    ),
    (
        "size = [1, 3, 2]\nchannels = [3]\nwidth = 2\nwindow = 2\npool = 3\nactivation = 'none'",
        COLORED,
    ),
    (
        "size = [1, 3, 2]\nchannels = [2, 2]\nwidth = 3\nwindow = 5\npool = 1\nactivation = 'tanh'",
        COLORED,
    ),
    (
        "size = [1, 3, 2]\nchannels = [2, 3]\nwidth = 2\npool = 1\nactivation = 'tanh'\npositions = true",
        COLORED,
    ),
];

#[test]
fn gradients_reach_all_parameters_and_match_finite_differences() {
    for (keys, train) in DEEP {
        let it = case(keys, train);
        let (system, batch) = (it.tiny.system(), it.batch(&[0, 1]));
        let scalar = || probe(&rows(&system, &batch, Mode::Trace));
        let found = gradients(&scalar().0, system.parameters());
        for (parameter, gradient) in system.parameters().all().iter().zip(found) {
            assert_eq!(gradient.is_some(), parameter.name.starts_with("it."), "{}", parameter.name);
            let Some(gradient) = gradient else { continue };
            assert_differences(parameter, &gradient, &[0.002, 0.0005], keys, || scalar().1);
        }
        assert!(!rows(&system, &batch, Mode::Eval).track_op());
    }
}

#[test]
fn a_picture_is_seen_by_itself_whatever_the_batch_and_the_threads() {
    for (keys, train) in DEEP {
        let it = case(keys, train);
        let system = it.tiny.system();
        let together = tapped(&system, &it.batch(&[0, 1]), Mode::Eval);
        let all = together.tensor.to_vec2::<f32>().unwrap();
        for (b, example) in it.batch(&[0, 1]).examples.iter().enumerate() {
            let alone = rows(&system, &it.batch(&[*example]), Mode::Eval).to_vec2::<f32>().unwrap();
            let rows = together.packing.rows_of_example(b);
            for (alone, row) in alone.iter().zip(rows) {
                assert!(alone.iter().zip(&all[row]).all(|(a, b)| (a - b).abs() < 1e-6), "{keys}");
            }
        }
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let system = it.tiny.system();
                let rows = rows(&system, &it.batch(&[0, 1]), Mode::Train { seed: 1, step: 0 });
                let by_parameter = gradients(&probe(&rows).0, system.parameters());
                let flat = by_parameter.into_iter().flatten().flatten().map(f32::to_bits);
                (bits(&rows), flat.collect::<Vec<_>>())
            })
        };
        assert!(on(1) == on(2), "{keys}");
    }
}

/// The faults of a recipe with these keys, and with these objects.
fn faults(keys: &str, objects: &str) -> String {
    let recipe = RECIPE.replace("'flat.mean'", "'it.mean'");
    super::faults(&format!("{recipe}{keys}\n"), objects)
}

#[test]
fn pictures_of_another_size_and_vectors_are_refused() {
    let vectors = "{\"frames\": [[1, 2, 3, 4, 5, 6]], \"what\": \"a\"}\n{\"frames\": [[0, 0, 0, 0, 0, 0]], \"what\": \"b\"}\n";
    let faults = [
        faults("size = [3, 2, 1]\nwidth = 2", GRAY),
        faults("size = [2, 3, 1]\nwidth = 2", vectors),
        faults("size = [2, 3]\nwidth = 2", GRAY),
        faults("size = [2, 3, 1]\nwidth = 2\nchannels = []", GRAY),
        faults("size = [300, 300, 1]\nchannels = [60]\nwidth = 2", GRAY),
    ];
    insta::assert_snapshot!(faults.join("\n"), @r#"
    train.jsonl:1: expected pictures of height × width × channels 3 × 2 × 1 in "frames", found 2 × 3 × 1; set `encoder.it.size`, or `height` and `width` of the corpus
    train.jsonl:2: expected pictures of height × width × channels 3 × 2 × 1 in "frames", found 2 × 3 × 1; set `encoder.it.size`, or `height` and `width` of the corpus
    train.jsonl:1: expected pictures of height × width × channels 2 × 3 × 1 in "frames", found vectors of dimension 6; read them by an encoder of kind "frames"
    train.jsonl:2: expected pictures of height × width × channels 2 × 3 × 1 in "frames", found vectors of dimension 6; read them by an encoder of kind "frames"
    recipe.toml:22: `encoder.it`: expected height, width and channels of a picture as `size`, found 2 of the 3
    recipe.toml:28: `encoder.it.channels`: expected at least one item, found an empty array
    recipe.toml:22: `encoder.it`: expected at most 65536 values above the last convolution, found 1350000; raise `pool`, add a convolution to `channels`, or set `positions = true`
    "#);
}
