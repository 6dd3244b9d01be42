//! Frames, and rows that are halved above them: what they are, and what they may be read with.

use super::{Case, assert_differences, gradients, numbers, probe, rows, tapped};
use auxdesk::{
    data::Batch,
    kernel::DeviceName,
    model::{Mode, encoder::FirstValues},
    recipe::{System, fit},
};

const RECIPE: &str = "
name = 'frames'
[train]
steps = 1
[[corpus]]
name = 'sounds'
format = 'jsonl'
frames = ['sound', 'other']
labels = ['who']
train = 'train.jsonl'
[[encoder]]
name = 'seen'
kind = 'frames'
field = 'sound'
width = 2
[[encoder]]
name = 'half'
kind = 'halve'
input = 'seen'
[[objective]]
name = 'who'
role = 'main'
kind = 'classify'
corpus = 'sounds'
label = 'who'
tap = 'seen.mean'
[[encoder]]
name = 'it'
";

/// Dimension 1 has the values 1, 3, 5 and 7, of mean 4 and variance 5; dimension 2 is constant. The second example is one
/// frame long, and has another recording.
const TRAIN: &str = "{\"text\": \"a\", \"sound\": [[1, 2], [3, 2], [5, 2]], \"who\": \"ann\"}\n\
                     {\"text\": \"b\", \"sound\": [[7, 2]], \"other\": [[4, 9], [4, 2]], \"who\": \"bob\"}\n";

fn case(keys: &str) -> Case {
    Case::new(&format!("{RECIPE}{keys}\n"), &[("train.jsonl", TRAIN)], &[])
}

fn assert_near(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "expected {wanted}, found {found}");
    }
}

#[test]
fn frames_are_standardized_by_their_mean_and_deviation_in_training() {
    let it = case("kind = 'frames'\nfield = 'sound'\nwidth = 2");
    let found =
        |examples: &[usize]| numbers(&rows(&it.tiny.system(), &it.batch(examples), Mode::Eval));
    let z = |x: f32| (x - 4.0) / 5.0_f32.sqrt();
    // Time-major: the first frames of both, then the others of the longer one.
    assert_near(&found(&[0, 1]), &[z(1.0), 0.0, z(7.0), 0.0, z(3.0), 0.0, z(5.0), 0.0]);
    assert_near(&found(&[1]), &[z(7.0), 0.0]);
    let plain = case("kind = 'frames'\nfield = 'sound'\nwidth = 2\nstandardize = false");
    let found = numbers(&rows(&plain.tiny.system(), &plain.batch(&[0]), Mode::Eval));
    assert_eq!(found, [1.0, 2.0, 3.0, 2.0, 5.0, 2.0]);
}

#[test]
fn a_checkpoint_has_the_mean_and_the_deviation() {
    let it = case("kind = 'frames'\nfield = 'sound'\nwidth = 2");
    let system = it.tiny.system();
    let fitted = fit(&it.tiny.recipe, &it.tiny.corpora, &it.tiny.vectors);
    let numbers_of = |key| fitted["encoder.seen"].numbers(key).unwrap();
    assert_eq!(numbers_of("mean"), [4.0, 2.0]);
    assert_eq!(numbers_of("standard_deviation"), [5.0_f64.sqrt(), 0.0]);
    let (recipe, vectors) = (&it.tiny.recipe, &it.tiny.vectors);
    let device = DeviceName::Cpu.open().unwrap();
    let mut again =
        System::new(recipe, &fitted, vectors, FirstValues::Checkpoint, &device).unwrap();
    again.attach(0, &it.tiny.corpora[0]);
    let batch = it.batch(&[0, 1]);
    assert_eq!(
        numbers(&rows(&again, &batch, Mode::Eval)),
        numbers(&rows(&system, &batch, Mode::Eval))
    );
}

#[test]
fn two_adjacent_rows_become_one_and_zeros_follow_an_odd_last_one() {
    let it = case("kind = 'halve'\ninput = 'half'");
    let system = it.tiny.system();
    let (batch, z) = (it.batch(&[0, 1]), |x: f32| (x - 4.0) / 5.0_f32.sqrt());
    let halved = tapped(&system, &batch, Mode::Eval);
    assert_eq!(halved.packing.lengths(), [1, 1]);
    assert_eq!(halved.packing.examples(), [0, 1]);
    let wanted = [
        [z(1.0), 0.0, z(3.0), 0.0, z(5.0), 0.0, 0.0, 0.0],
        [z(7.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ];
    assert_near(&numbers(&halved.tensor), wanted.as_flattened());
}

#[test]
fn a_tap_may_run_frames_over_another_recording() {
    let it = case("kind = 'concat'\ninput = 'other:half.mean'");
    let system = it.tiny.system();
    // The mean of the only row, [0, 7, 0, 0]; the first example has no such recording.
    let batch = Batch::new(0, &it.tiny.corpora[0], &it.tiny.corpora[0].train, &[0, 1]);
    let found = numbers(&rows(&system, &batch, Mode::Eval));
    assert_eq!(found.iter().filter(|x| **x == 7.0).count(), 1, "{found:?}");
}

/// Frames have no parameters, so that nothing below a layer over them could ask for a gradient.
#[test]
fn a_layer_over_frames_is_trained() {
    for keys in
        ["kind = 'birnn'\ninput = 'seen'\nwidth = 2", "kind = 'dense'\ninput = 'half'\nwidth = 2"]
    {
        let it = case(keys);
        let (system, batch) = (it.tiny.system(), it.batch(&[0, 1]));
        let scalar = || probe(&rows(&system, &batch, Mode::Trace));
        let found = gradients(&scalar().0, system.parameters());
        let mut n_trained = 0;
        for (parameter, gradient) in system.parameters().all().iter().zip(found) {
            assert_eq!(gradient.is_some(), parameter.name.starts_with("it."), "{}", parameter.name);
            let Some(gradient) = gradient else { continue };
            assert_differences(parameter, &gradient, &[0.002, 0.0005], keys, || scalar().1);
            n_trained += 1;
        }
        assert!(n_trained >= 2, "{keys}");
        assert!(!rows(&system, &batch, Mode::Eval).track_op());
    }
}

/// The faults of a recipe with these tables, and with these objects.
fn faults(tables: &str, objects: &str) -> String {
    let recipe =
        RECIPE.replace("labels =", "tags = ['tag']\nlabels =").replace("'seen.mean'", "'it.mean'");
    super::faults(&format!("{recipe}{tables}\n"), objects)
}

#[test]
fn rows_that_do_not_line_up_are_refused() {
    let tagged = "kind = 'embed'\nfield = 'text'\nwidth = 2\n[[encoder]]\nname = 'halved'\nkind = 'halve'\n\
                  input = 'it'\n[[objective]]\nname = 'tags'\nkind = 'tag'\ncorpus = 'sounds'\n\
                  label = 'tag'\ntap = 'halved'";
    let dense = |input: &str| format!("kind = 'dense'\ninput = {input}\nwidth = 2");
    let prefixed = |input: &str| {
        format!(
            "kind = 'prefix'\ninput = 'seen'\n[[encoder]]\nname = 'both'\nkind = 'dense'\ninput = {input}\nwidth = 2\n\
             [[objective]]\nname = 'both'\nkind = 'classify'\ncorpus = 'sounds'\nlabel = 'who'\ntap = 'both.mean'"
        )
    };
    let faults = [
        faults(&dense("['seen', 'half']"), TRAIN),
        faults(&prefixed("['seen', 'it']"), TRAIN),
        faults("kind = 'prefix'\ninput = 'seen'\nsegment_by = 'tag'", TRAIN),
        faults(&tagged.replace("kind = 'halve'", "kind = 'prefix'"), TRAIN),
        faults(&dense("'text:seen'"), TRAIN),
        faults("kind = 'embed'\nfield = 'sound'\nwidth = 2", TRAIN),
        faults("kind = 'frames'\nfield = 'text'\nwidth = 2", TRAIN),
        faults("kind = 'halve'\ninput = 'seen'\nsegment_by = 'tag'", TRAIN),
        faults(tagged, TRAIN),
        faults("kind = 'frames'\nfield = 'sound'\nwidth = 3", TRAIN),
    ];
    insta::assert_snapshot!(faults.join("\n"), @r#"
    recipe.toml:31: "half" cannot be concatenated with "seen" in corpus "sounds": a row of the one joins 2 positions, of the other 1; add .mean, .max or .last
    recipe.toml:35: "it" cannot be concatenated with "seen" in corpus "sounds": one of them has a row in front; add .mean, .max or .last
    recipe.toml:31: `encoder.it`: a "prefix" changes the rows of a whole text or recording; expected no segments in its `input`, and no `segment_by`
    recipe.toml:42: "tags" reads the field "tag" of corpus "sounds" by the rows of its `tap`, which have a row in front; tap rows below the encoder of kind "prefix"
    recipe.toml:27: "it.mean": the field "text" of corpus "sounds" has a string per token; expected a frame for each position
    recipe.toml:31: `field`: the field "sound" of corpus "sounds" has a frame for each position; expected one per token
    recipe.toml:31: `field`: the field "text" of corpus "sounds" has a string per token; expected a frame for each position
    recipe.toml:31: `encoder.it`: a "halve" changes the rows of a whole text or recording; expected no segments in its `input`, and no `segment_by`
    recipe.toml:42: "tags" reads the field "tag" of corpus "sounds" by the rows of its `tap`, which join 2 positions each; tap rows below the encoder of kind "halve"
    train.jsonl:1: expected frames of dimension 3 in "sound", found 2; set `encoder.it.width`
    train.jsonl:2: expected frames of dimension 3 in "sound", found 2; set `encoder.it.width`
    "#);
}
