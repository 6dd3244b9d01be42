//! The loss of unaligned labels against sums over all alignments, sums in f64, and PyTorch.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};
use serde_json::Value;

use crate::kernel::{LabelledFrames, check, ctc, frames_needed, is_fused, plain, to_vec};

type Loss = fn(&Tensor, &[LabelledFrames]) -> Result<Tensor>;

const BOTH: [Loss; 2] = [|logits, sequences| ctc(logits, sequences.to_vec()), plain::ctc];

/// Sequences with these numbers of frames and labels, whose rows alternate.
fn sequences(of: &[(usize, &[u32])]) -> Vec<LabelledFrames> {
    let mut next = 0;
    let mut rows = vec![Vec::new(); of.len()];
    for t in 0..of.iter().map(|(n, _)| *n).max().unwrap_or(0) {
        for (rows, _) in rows.iter_mut().zip(of).filter(|(_, (n, _))| *n > t) {
            rows.push(next);
            next += 1;
        }
    }
    let with_labels = rows.into_iter().zip(of);
    with_labels
        .map(|(rows, (_, labels))| LabelledFrames { rows, labels: labels.to_vec() })
        .collect()
}

/// The labels of an alignment.
fn collapsed(alignment: &[u32], blank: u32) -> Vec<u32> {
    let mut labels = alignment.to_vec();
    labels.dedup();
    labels.retain(|&class| class != blank);
    labels
}

/// y of each class of each frame.
fn softmax(logits: &[f32], classes: usize) -> Vec<Vec<f64>> {
    let of_frame = |logits: &[f32]| {
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let exps: Vec<f64> = logits.iter().map(|x| f64::from(x - most).exp()).collect();
        let sum: f64 = exps.iter().sum();
        exps.iter().map(|e| e / sum).collect()
    };
    logits.chunks(classes).map(of_frame).collect()
}

/// The probability of every labelling, and of each class at each frame together with it, by a sum over alignments.
fn enumerated(y: &[Vec<f64>]) -> BTreeMap<Vec<u32>, (f64, Vec<Vec<f64>>)> {
    let (n, classes) = (y.len(), y[0].len());
    let mut found = BTreeMap::new();
    for code in 0..classes.pow(n as u32) {
        let class = |t: usize| (code / classes.pow(t as u32) % classes) as u32;
        let alignment: Vec<u32> = (0..n).map(class).collect();
        let p: f64 = alignment.iter().zip(y).map(|(&class, y)| y[class as usize]).product();
        let labels = collapsed(&alignment, classes as u32 - 1);
        let none = || (0.0, vec![vec![0.0; classes]; n]);
        let (sum, of_frames) = found.entry(labels).or_insert_with(none);
        *sum += p;
        for (of_frame, &class) in of_frames.iter_mut().zip(&alignment) {
            of_frame[class as usize] += p;
        }
    }
    found
}

#[test]
fn the_loss_and_its_gradient_are_those_of_a_sum_over_all_alignments() -> Result<()> {
    let mut n_checked = 0;
    for (classes, n) in [(2, 1), (2, 6), (3, 5), (4, 4)] {
        let var = check::var("logits", (n, classes), 3.0)?;
        let y = softmax(&to_vec(&var)?, classes);
        let all = enumerated(&y);
        for (labels, (p, of_frames)) in &all {
            for loss in BOTH {
                let sequences = sequences(&[(n, labels)]);
                let losses = loss(&var, &sequences)?;
                check::assert_close(&to_vec(&losses)?, &[-p.ln() as f32], 1e-5, 1e-6);
                let gradients = losses.sum_all()?.backward()?;
                let wanted = y.iter().zip(of_frames).flat_map(|(y, of_frame)| {
                    y.iter().zip(of_frame).map(|(y, given)| (y - given / p) as f32)
                });
                let found = to_vec(gradients.get(&var).unwrap())?;
                check::assert_close(&found, &wanted.collect::<Vec<_>>(), 1e-5, 2e-6);
                n_checked += 1;
            }
        }
        // What alignments cannot have is refused, and all that they can have is there.
        let total: f64 = all.values().map(|(p, _)| p).sum();
        assert!((total - 1.0).abs() < 1e-9);
    }
    assert!(n_checked > 100, "{n_checked}");
    Ok(())
}

#[test]
fn sequences_of_any_lengths_equal_the_plain_composition_and_finite_differences() -> Result<()> {
    let of: [(usize, &[u32]); 6] =
        [(3, &[1]), (9, &[0, 0, 3, 2]), (4, &[]), (0, &[]), (1, &[2]), (7, &[1, 2, 2, 1, 0])];
    let sequences = sequences(&of);
    // A row that is in no sequence has no gradient.
    let logits = check::var("logits", (25, 5), 2.0)?;
    let losses = ctc(&logits, sequences.clone())?;
    check::assert_tensors_close(&losses, &plain::ctc(&logits, &sequences)?, 1e-5, 1e-6);
    assert!(to_vec(&losses)?[3].abs() < f32::EPSILON, "no frame and no label: probability 1");
    for loss in BOTH {
        check::assert_differences(&[&logits], || loss(&logits, &sequences));
        let gradient = &check::gradients(&[&logits], &loss(&logits, &sequences)?)?[0];
        assert_eq!(to_vec(&gradient.narrow(0, 24, 1)?)?, [0.0; 5]);
        let none = loss(&logits, &[])?;
        assert_eq!(none.dims(), [0]);
    }
    Ok(())
}

/// As many frames as labels need leave one alignment; a repeated label has a blank between.
#[test]
fn the_only_alignment_has_a_blank_between_equal_labels() -> Result<()> {
    let labels = [0, 0, 1, 1];
    assert_eq!(
        (frames_needed(&labels), frames_needed::<u32>(&[]), frames_needed(&[0, 1, 0])),
        (6, 0, 3)
    );
    let logits = check::var("logits", (6, 3), 2.0)?;
    let y = softmax(&to_vec(&logits)?, 3);
    let wanted: f64 = [0, 2, 0, 1, 2, 1].iter().zip(&y).map(|(&class, y)| -y[class].ln()).sum();
    for loss in BOTH {
        let found = to_vec(&loss(&logits, &sequences(&[(6, &labels)]))?)?;
        check::assert_close(&found, &[wanted as f32], 1e-6, 0.0);
    }
    Ok(())
}

/// The loss and its gradient in f64, without shifts.
fn exact(y: &[Vec<f64>], labels: &[u32]) -> (f64, Vec<f64>) {
    let (n, classes) = (y.len(), y[0].len());
    let blank = classes - 1;
    let states: Vec<usize> = std::iter::once(blank)
        .chain(labels.iter().flat_map(|&label| [label as usize, blank]))
        .collect();
    let add = |a: f64, b: f64| {
        let most = a.max(b);
        if most == f64::NEG_INFINITY {
            most
        } else {
            most + ((a - most).exp() + (b - most).exp()).ln()
        }
    };
    // The ways into each state; backwards they are those out of it.
    let from = |s: usize| {
        let may_skip = s >= 2 && states[s] != blank && states[s] != states[s - 2];
        [Some(s), s.checked_sub(1), may_skip.then(|| s.wrapping_sub(2))].into_iter().flatten()
    };
    let none = vec![f64::NEG_INFINITY; states.len()];
    let (mut alphas, mut betas) = (vec![none.clone(); n], vec![none.clone(); n]);
    for t in 0..n {
        for s in 0..states.len() {
            let ways = if t == 0 {
                if s < 2 { 0.0 } else { f64::NEG_INFINITY }
            } else {
                from(s).fold(f64::NEG_INFINITY, |sum, before| add(sum, alphas[t - 1][before]))
            };
            alphas[t][s] = ways + y[t][states[s]].ln();
        }
    }
    betas[n - 1][states.len().saturating_sub(2)..states.len()].fill(0.0);
    for t in (1..n).rev() {
        for s in 0..states.len() {
            let after = betas[t][s] + y[t][states[s]].ln();
            for before in from(s) {
                betas[t - 1][before] = add(betas[t - 1][before], after);
            }
        }
    }
    let log_p = alphas[n - 1]
        .iter()
        .zip(&betas[n - 1])
        .fold(f64::NEG_INFINITY, |sum, (a, b)| add(sum, a + b));
    let mut gradient: Vec<f64> = y.concat();
    for t in 0..n {
        for (s, &class) in states.iter().enumerate() {
            gradient[t * classes + class] -= (alphas[t][s] + betas[t][s] - log_p).exp();
        }
    }
    (-log_p, gradient)
}

#[test]
fn two_thousand_frames_lose_no_precision() -> Result<()> {
    // Candle's backward pass recurses over the operations of the plain composition, as many as there are frames.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(long_sequences).unwrap().join().unwrap()
}

fn long_sequences() -> Result<()> {
    let classes = 30;
    for (name, n_labels, scale) in [("few", 40, 3.0), ("many", 900, 3.0), ("sure", 500, 20.0)] {
        let labels = check::labels(name, n_labels, classes - 1);
        let logits = check::var(name, (2_000, classes), scale)?;
        let (loss, gradient) = exact(&softmax(&to_vec(&logits)?, classes), &labels);
        let losses = ctc(&logits, sequences(&[(2_000, &labels)]))?;
        let gradients = losses.sum_all()?.backward()?;
        check::assert_close(&to_vec(&losses)?, &[loss as f32], 2e-6, 0.0);
        let wanted: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
        check::assert_close(&to_vec(gradients.get(&logits).unwrap())?, &wanted, 0.0, 1e-3);
    }
    Ok(())
}

#[test]
fn losses_and_gradients_equal_pytorchs() -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kernel/ctc.json");
    let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let numbers = |value: &Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    };
    let cases = fixture["cases"].as_array().unwrap();
    assert!(cases.len() > 5);
    for case in cases {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let (mut logits, mut gradient, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        let mut sequences = Vec::new();
        for sequence in case["sequences"].as_array().unwrap() {
            let first = logits.len() / classes;
            logits.extend(numbers(&sequence["logits"]));
            gradient.extend(numbers(&sequence["gradient"]));
            losses.push(sequence["loss"].as_f64().unwrap() as f32);
            sequences.push(LabelledFrames {
                rows: (first as u32..(logits.len() / classes) as u32).collect(),
                labels: numbers(&sequence["labels"]).iter().map(|&label| label as u32).collect(),
            });
        }
        let n_rows = logits.len() / classes;
        let logits = Var::from_vec(logits, (n_rows, classes), &Device::Cpu)?;
        for loss in BOTH {
            let found = loss(&logits, &sequences)?;
            check::assert_close(&to_vec(&found)?, &losses, 2e-6, 2e-6);
            let gradients = found.sum_all()?.backward()?;
            check::assert_close(&to_vec(gradients.get(&logits).unwrap())?, &gradient, 1e-5, 5e-6);
        }
    }
    Ok(())
}

#[test]
fn results_do_not_depend_on_the_number_of_threads_or_on_gradients() -> Result<()> {
    let of: Vec<(usize, Vec<u32>)> =
        (1..40).map(|n| (3 * n, check::labels("labels", n, 6))).collect();
    let of: Vec<(usize, &[u32])> = of.iter().map(|(n, labels)| (*n, labels.as_slice())).collect();
    let sequences = sequences(&of);
    let n_rows = sequences.iter().map(|sequence| sequence.rows.len()).sum::<usize>();
    let logits = check::var("logits", (n_rows, 7), 4.0)?;
    let bits = |tensor: &Tensor| -> Vec<u32> {
        to_vec(tensor).unwrap().iter().map(|x| x.to_bits()).collect()
    };
    let on = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| -> Result<_> {
            let losses = ctc(&logits, sequences.clone())?;
            Ok([bits(&losses), bits(&check::gradients(&[&logits], &losses)?[0])])
        })
    };
    let one = on(1)?;
    for n_threads in [2, 3] {
        assert!(on(n_threads)? == one, "{n_threads} threads differ from one");
    }
    let detached = ctc(&logits.as_tensor().detach(), sequences)?;
    assert!(!is_fused(&Device::Cpu) || bits(&detached) == one[0]);
    Ok(())
}

#[test]
fn any_logits_have_a_loss_and_nan_is_not_lost() -> Result<()> {
    let sequence = sequences(&[(3, &[0, 1])]);
    let large = Tensor::new(&[[1e30f32, 0.0, -1e30], [-1e30, 1e30, 0.0], [0.0; 3]], &Device::Cpu)?;
    let nan = Tensor::new(&[[0f32; 3], [0.0, f32::NAN, 0.0], [0.0; 3]], &Device::Cpu)?;
    for loss in BOTH {
        let found = to_vec(&loss(&large, &sequence)?)?;
        check::assert_close(&found, &[3f32.ln() - 2f32.ln()], 1e-5, 0.0);
        assert!(to_vec(&loss(&nan, &sequence)?)?[0].is_nan());
    }
    Ok(())
}

#[test]
fn what_has_no_alignment_and_rows_that_are_not_there_are_errors() -> Result<()> {
    let logits = check::var("logits", (4, 3), 1.0)?;
    let of =
        |rows: &[u32], labels: &[u32]| LabelledFrames { rows: rows.into(), labels: labels.into() };
    for (sequences, what) in [
        (vec![of(&[0, 1, 2], &[1, 1, 0])], "expected 4 frames or more for 3 labels, found 3"),
        (vec![of(&[0, 1], &[2])], "the last of them the blank, but label 2"),
        (vec![of(&[3, 4], &[0])], "4 rows of logits, but row 4"),
        (vec![of(&[0], &[0]), of(&[1, 0], &[0])], "row 0 is in two sequences"),
    ] {
        let error = ctc(&logits, sequences).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    assert!(
        ctc(&Tensor::zeros((2, 0), candle_core::DType::F32, &Device::Cpu)?, Vec::new()).is_err()
    );
    Ok(())
}
