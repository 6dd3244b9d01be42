//! The time of a step with stock layers, on the same data and with the same dimensions.

use std::{collections::HashMap, time::Instant};

use candle_core::Result;
use serde_json::{Value, json};

use super::{
    Options, data, memory,
    plain::{Batch, GAIN, Plain, Sizes, Token},
    spans,
};

const SIZES: Sizes = Sizes {
    words: data::WORDS,
    word_width: 100,
    characters: 100,
    character_width: 30,
    spelling: 25,
    trunk: 200,
    pos: 17,
    chunk: 23,
    hidden: 50,
    classes: data::LM_WORDS + 2,
};

const BATCH: usize = 32;

/// Steps that are not counted.
const WARM_UP: usize = 2;

/// Trains, and measures the steps.
#[allow(clippy::disallowed_methods, reason = "a bench measures")]
pub(crate) fn measure(options: &Options) -> Result<Value> {
    let as_ours = options.number("layers", 1) == 1
        && options.is_on("lm", true)
        && !["crf", "gradients"].iter().any(|name| options.is_on(name, false))
        && !options.real_lengths();
    assert!(as_ours, "stock layers have one layer, softmax, the language model, equal lengths");
    let sentences = sentences();
    let batches: Vec<Batch> = sentences.chunks(BATCH).map(Batch::new).collect::<Result<_>>()?;
    let plain = Plain::new(SIZES)?;
    let mut adam = plain.adam(0.001)?;
    let n_steps = options.number("steps", 10) + WARM_UP;
    let (mut steps_ms, mut tokens) = (Vec::new(), Vec::new());
    let mut last = None;
    for step in 0..n_steps {
        let began = Instant::now();
        let at = step % batches.len();
        last = Some(plain.step(&batches[at], &mut adam, 5.0)?);
        steps_ms.push(began.elapsed().as_secs_f64() * 1e3);
        let batch = sentences.chunks(BATCH).nth(at).unwrap_or_default();
        tokens.push(batch.iter().map(|sentence| sentence.len() as u64).sum());
    }
    let mut reported = spans::rates(&steps_ms[WARM_UP..], &tokens[WARM_UP..]);
    let last = last.expect("at least the first steps");
    let [pos, chunk, language] = last.losses;
    let more = json!({
        "impl": "candle-nn",
        "kernel": "gemm",
        "threads": options.number("threads", 2),
        "params": plain.vars().values().map(|var| var.elem_count()).sum::<usize>(),
        "last_loss": pos + chunk + GAIN as f32 * language,
        "last_gradient_norm": last.norm,
        "peak_rss_mib": memory::peak_mib(),
    });
    reported.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Ok(reported)
}

/// The generator's sentences, with words and characters as ids by rank. The ids of the first rows
/// are those of the unknown ones.
fn sentences() -> Vec<Vec<Token>> {
    let words = data::words();
    let ranks: HashMap<&str, u32> = words.iter().map(String::as_str).zip(0..).collect();
    let number = |label: &str| label[1..].parse().expect("a letter and a number");
    let token = |line: &str| {
        let mut columns = line.split('\t');
        let mut column = || columns.next().expect("a word and two labels");
        let (word, pos, chunk) = (column(), column(), column());
        let rank = ranks[word];
        Token {
            word: if rank + 1 < data::WORDS as u32 { rank + 1 } else { 0 },
            spelling: word.chars().map(|character| character as u32 - 0x4E00).collect(),
            pos: number(pos),
            chunk: number(chunk),
            class: if rank < data::LM_WORDS as u32 { rank + 2 } else { 0 },
        }
    };
    let corpus = data::corpus(false);
    let sentences = corpus.split("\n\n").filter(|sentence| !sentence.is_empty());
    sentences.map(|sentence| sentence.lines().map(token).collect()).collect()
}
