//! The decoder: differences, the plain composition, single steps, threads, and a worked example.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var};

use crate::{
    data::Packing,
    kernel::{
        AttendedRows, DecodedRows, DecoderAttention, DecoderCell, DecoderMemory, DecoderWeights,
        check, check::Variable, decode, gather, plain, to_vec,
    },
};

/// Sizes of a decoder.
#[derive(Clone, Copy)]
struct Size {
    embedding: usize,
    width: usize,
    memory: usize,
    output: usize,
}

const SMALL: Size = Size { embedding: 2, width: 3, memory: 3, output: 4 };

#[derive(Clone, Copy, Debug)]
enum Kind {
    Dot,
    General,
    Additive,
    /// With so many heads.
    MultiHead(usize),
    /// Inner products over one memory, several heads over another.
    TwoMemories,
}

const KINDS: [Kind; 6] = [
    Kind::Dot,
    Kind::General,
    Kind::Additive,
    Kind::MultiHead(1),
    Kind::MultiHead(3),
    Kind::TwoMemories,
];
const CELLS: [DecoderCell; 2] = [DecoderCell::Lstm, DecoderCell::Gru];

fn weights(cell: DecoderCell, kind: Kind, feeds: bool, size: Size) -> Result<DecoderWeights> {
    let Size { embedding, width, memory, output } = size;
    let gates = cell.n_gates() * width;
    let weight = |name, shape: &[usize]| check::weight(name, shape, 0.7);
    let heads = |heads| -> Result<DecoderAttention> {
        Ok(DecoderAttention::MultiHead {
            heads,
            key: weight("key", &[memory, 6])?,
            query: weight("query", &[width, 6])?,
            value: weight("value", &[memory, 6])?,
        })
    };
    let (attention, contexts) = match kind {
        Kind::Dot => (vec![DecoderAttention::Dot], memory),
        Kind::General => {
            (vec![DecoderAttention::General { key: weight("key", &[memory, width])? }], memory)
        }
        Kind::Additive => {
            let additive = DecoderAttention::Additive {
                key: weight("key", &[memory, 5])?,
                query: weight("query", &[width, 5])?,
                score: weight("score", &[5])?,
            };
            (vec![additive], memory)
        }
        Kind::MultiHead(n) => (vec![heads(n)?], 6),
        Kind::TwoMemories => (vec![DecoderAttention::Dot, heads(3)?], memory + 6),
    };
    let bias = cell.has_recurrent_bias().then(|| weight("recurrent bias", &[width]));
    Ok(DecoderWeights {
        cell,
        input: weight("input", &[embedding, gates])?,
        bias: weight("bias", &[gates])?,
        recurrent: weight("recurrent", &[width, gates])?,
        recurrent_bias: bias.transpose()?,
        feed: feeds.then(|| weight("feed", &[output, gates])).transpose()?,
        attention,
        output: weight("output", &[width + contexts, output])?,
    })
}

/// All kinds of decoder, small.
fn all() -> impl Iterator<Item = DecoderWeights> {
    let kinds = CELLS.into_iter().flat_map(|cell| KINDS.map(|kind| (cell, kind)));
    let kinds = kinds.flat_map(|(cell, kind)| [false, true].map(|feeds| (cell, kind, feeds)));
    kinds.map(|(cell, kind, feeds)| weights(cell, kind, feeds, SMALL).unwrap())
}

/// Inputs and packings of a batch; not every example has a target, nor every target a memory. The second memory is read
/// by decoders of two memories only.
struct Batch {
    target: Packing,
    memory: Packing,
    second: Packing,
    x: Var,
    rows: Var,
    second_rows: Var,
    initial: Var,
}

impl Batch {
    fn new(target: &[usize], memory: &[usize], cell: DecoderCell, size: Size) -> Result<Self> {
        let examples = Arc::new(Packing::of_examples(target.len()));
        let target = Packing::sorted_below(&examples, target);
        let second: Vec<usize> = memory.iter().rev().copied().collect();
        let memory = Packing::sorted_below(&examples, memory);
        let second = Packing::sorted_below(&examples, &second);
        let initial = (target.n_sequences(), cell.n_states() * size.width);
        Ok(Self {
            x: check::var("x", (target.n_rows(), size.embedding), 1.0)?,
            rows: check::var("memory", (memory.n_rows(), size.memory), 1.0)?,
            second_rows: check::var("second", (second.n_rows(), size.memory), 1.0)?,
            initial: check::var("initial", initial, 1.0)?,
            target,
            memory,
            second,
        })
    }

    fn small(cell: DecoderCell) -> Result<Self> {
        Self::new(&[2, 4, 0, 1, 3], &[3, 2, 4, 0, 1], cell, SMALL)
    }

    fn decoded(&self) -> DecodedRows<'_> {
        DecodedRows { x: &self.x, initial: &self.initial, packing: &self.target }
    }

    fn memories(&self, weights: &DecoderWeights) -> Vec<AttendedRows<'_>> {
        let all = [(&self.rows, &self.memory), (&self.second_rows, &self.second)];
        let n = weights.attention.len();
        all[..n].iter().map(|&(rows, packing)| AttendedRows { rows, packing }).collect()
    }

    fn decode(&self, weights: &DecoderWeights) -> Result<Tensor> {
        decode(self.decoded(), &self.memories(weights), weights)
    }

    fn plain(&self, weights: &DecoderWeights) -> Result<Tensor> {
        plain::decode(self.decoded(), &self.memories(weights), weights)
    }

    fn variables<'a>(&'a self, weights: &'a DecoderWeights) -> Vec<&'a dyn Variable> {
        let mut all: Vec<&dyn Variable> = vec![&self.x, &self.rows, &self.initial];
        all.extend([&weights.input as &dyn Variable, &weights.bias, &weights.recurrent]);
        all.extend(weights.recurrent_bias.iter().map(|weight| weight as &dyn Variable));
        all.extend(weights.feed.iter().map(|weight| weight as &dyn Variable));
        for attention in &weights.attention {
            match attention {
                DecoderAttention::Dot => {}
                DecoderAttention::General { key } => all.push(key),
                DecoderAttention::Additive { key, query, score } => {
                    all.extend([key as &dyn Variable, query, score]);
                }
                DecoderAttention::MultiHead { query, key, value, .. } => {
                    all.extend([key as &dyn Variable, query, value]);
                }
            }
        }
        if weights.attention.len() > 1 {
            all.push(&self.second_rows);
        }
        all.push(&weights.output);
        all
    }
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    for weights in all() {
        let batch = Batch::small(weights.cell)?;
        check::assert_differences(&batch.variables(&weights), || batch.decode(&weights));
    }
    Ok(())
}

#[test]
fn values_and_gradients_equal_the_plain_composition() -> Result<()> {
    for weights in all() {
        let batch = Batch::small(weights.cell)?;
        let variables = batch.variables(&weights);
        let found = batch.decode(&weights)?;
        let gradients = check::gradients(&variables, &found)?;
        let expected = batch.plain(&weights)?;
        check::assert_tensors_close(&found, &expected, 1e-5, 2e-6);
        let expected = check::gradients(&variables, &expected)?;
        for (found, expected) in gradients.iter().zip(&expected) {
            check::assert_tensors_close(found, expected, 1e-4, 1e-5);
        }
    }
    Ok(())
}

#[test]
fn steps_equal_teacher_forcing_bit_for_bit() -> Result<()> {
    let size = Size { embedding: 19, width: 24, memory: 24, output: 21 };
    // More hypotheses than one task has.
    let target: Vec<usize> = (0..40).map(|at| at % 7).collect();
    let memory: Vec<usize> = (0..40).map(|at| at * 5 % 9).collect();
    let cells = CELLS.into_iter().cycle();
    for (cell, kind) in cells.zip(KINDS) {
        for feeds in [false, true] {
            let weights = weights(cell, kind, feeds, size)?;
            let batch = Batch::new(&target, &memory, cell, size)?;
            let forced = batch.decode(&weights)?;
            let mut memory = DecoderMemory::new(&batch.memories(&weights), &weights)?;
            memory.keep_attention();
            let mut state = memory.start(&batch.initial)?;
            let examples = batch.target.examples();
            for t in 0..batch.target.max_len() {
                let rows = batch.target.rows_at(t);
                let n = rows.len();
                let continuing: Vec<u32> = (0..n as u32).collect();
                let x = batch.x.narrow(0, rows.start, n)?;
                state = memory.step(&x, &state.select(&continuing)?, &examples[..n])?;
                let expected = forced.narrow(0, rows.start, n)?;
                for (weights, example) in state.attention.iter().zip(&examples) {
                    let n_rows = batch.memory.rows_of_example(*example as usize).len();
                    assert_eq!(weights.len(), n_rows, "{kind:?}, {t}");
                    let sum: f32 = weights.iter().sum();
                    assert!(n_rows == 0 || (sum - 1.0).abs() < 1e-5, "{kind:?}, {t}: {sum}");
                }
                assert_eq!(state.attention.len(), n);
                if crate::kernel::is_fused(&Device::Cpu) {
                    assert_eq!(to_vec(&state.outputs)?, to_vec(&expected)?, "{kind:?}, {t}");
                } else {
                    check::assert_tensors_close(&state.outputs, &expected, 1e-5, 1e-6);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_sequence_is_independent_of_the_others_of_its_batch() -> Result<()> {
    let weights = weights(CELLS[0], KINDS[2], true, SMALL)?;
    let batch = Batch::small(weights.cell)?;
    let together = batch.decode(&weights)?;
    // Sequence 1 is that of the last example.
    let rows = |packing: &Packing, b: usize| packing.rows(b).map(|row| row as u32).collect();
    let target = rows(&batch.target, 1);
    let expected = gather(&together, rows(&batch.target, 1))?;
    let examples = Arc::new(Packing::of_examples(1));
    let memory = batch.memory.rows_of_example(4).into_iter().map(|row| row as u32).collect();
    let packings = [3, 1].map(|length| Packing::sorted_below(&examples, &[length]));
    let (x, memory) = (gather(&batch.x, target)?, gather(&batch.rows, memory)?);
    let initial = gather(&batch.initial, vec![1])?;
    let decoded = DecodedRows { x: &x, initial: &initial, packing: &packings[0] };
    let memories = [AttendedRows { rows: &memory, packing: &packings[1] }];
    let alone = decode(decoded, &memories, &weights)?;
    check::assert_tensors_close(&alone, &expected, 1e-6, 1e-7);
    Ok(())
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let size = Size { embedding: 19, width: 33, memory: 40, output: 21 };
    for kind in [Kind::Additive, Kind::MultiHead(3)] {
        assert_same_on_all_threads(&weights(CELLS[0], kind, true, size)?, size)?;
    }
    let size = Size { memory: 33, ..size };
    assert_same_on_all_threads(&weights(CELLS[1], Kind::TwoMemories, true, size)?, size)
}

fn assert_same_on_all_threads(weights: &DecoderWeights, size: Size) -> Result<()> {
    let target: Vec<usize> = (0..70).map(|at| 1 + at % 6).collect();
    let batch = Batch::new(&target, &target, weights.cell, size)?;
    let bits = || -> Result<Vec<u32>> {
        let y = batch.decode(weights)?;
        let gradients = check::gradients(&batch.variables(weights), &y)?;
        let all = gradients.iter().chain([&y]).map(to_vec).collect::<Result<Vec<_>>>()?;
        Ok(all.concat().iter().map(|x| x.to_bits()).collect())
    };
    let on = |n_threads| {
        rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(bits)
    };
    let one = on(1)?;
    assert!(on(2)? == one && on(3)? == one, "several threads differ from one");
    Ok(())
}

#[test]
fn a_batch_without_targets_has_no_rows_and_gradients_of_0() -> Result<()> {
    for weights in all() {
        let batch = Batch::new(&[0, 0], &[2, 1], weights.cell, SMALL)?;
        let y = batch.decode(&weights)?;
        assert_eq!(y.dims(), [0, 4]);
        let store = y.sum_all()?.backward()?;
        let gradients = batch.variables(&weights);
        for gradient in gradients.iter().filter_map(|var| var.gradient(&store)) {
            assert!(to_vec(&gradient)?.iter().all(|&g| g == 0.0));
        }
    }
    Ok(())
}

/// A GRU of hidden size 1 whose gates are those of the worked example of the GRU: its states are
/// 3/20 and 21/80.
///
/// First step: the scores of a memory of (20/3)·ln 3 and 0 are ln 3 and 0, the context is
/// 3/4 · (20/3)·ln 3 = 5·ln 3, and y = tanh(½·ln 2 + ½·ln 2) = 3/5. Second: y is fed to the gates,
/// from which the input has 3/5·F subtracted; the score is 7/4·ln 3.
#[test]
fn a_worked_example_with_input_feeding() -> Result<()> {
    let (two, three) = (2f32.ln(), 3f32.ln());
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu);
    let weight = |values: &[f32], shape: &[usize]| check::weight_of(&tensor(values, shape)?);
    let feed = [0.5, -0.25, 1.0];
    let of_context = 0.5 * two / (5.0 * three);
    let weights = DecoderWeights {
        cell: DecoderCell::Gru,
        input: check::weight_of(&Tensor::eye(3, candle_core::DType::F32, &Device::Cpu)?)?,
        bias: weight(&[0.0; 3], &[3])?,
        recurrent: weight(&[2.0 * three, three, two].map(|x| x * 20.0 / 3.0), &[1, 3])?,
        recurrent_bias: Some(weight(&[two], &[1])?),
        feed: Some(weight(&feed, &[1, 3])?),
        attention: vec![DecoderAttention::Dot],
        output: weight(&[10.0 / 3.0 * two, of_context], &[2, 1])?,
    };
    let second = [-three, 0.0, -0.5 * two];
    let second: Vec<f32> = second.iter().zip(feed).map(|(x, feed)| x - 0.6 * feed).collect();
    let x = tensor(&[&[0.0, three, 0.5 * two], &second[..]].concat(), &[2, 3])?;
    let memory = tensor(&[20.0 / 3.0 * three, 0.0], &[2, 1])?;
    let examples = Arc::new(Packing::of_examples(1));
    let packing = Packing::sorted_below(&examples, &[2]);
    let initial = tensor(&[0.0], &[1, 1])?;
    let decoded = DecodedRows { x: &x, initial: &initial, packing: &packing };
    let y = decode(decoded, &[AttendedRows { rows: &memory, packing: &packing }], &weights)?;
    let share = 3f32.powf(1.75) / (3f32.powf(1.75) + 1.0);
    let context = share * 20.0 / 3.0 * three;
    let expected = (21.0 / 80.0 * 10.0 / 3.0 * two + context * of_context).tanh();
    check::assert_close(&to_vec(&y)?, &[0.6, expected], 1e-6, 0.0);
    Ok(())
}

/// A GRU whose update gate is 1 keeps its initial state, (1, 2). Two heads of dimension 4 over a memory of ln 3 and 0: each
/// has the query ½·(1, 1, 1, 1) and the keys ln 3·(1, 1, 1, 1) and 0, so that its scores are 2·ln 3 / √4 and 0, and its
/// weights 3/4 and 1/4. Another attention over a memory of 0 and ln 3 has the scores 0 and ln 3. The outputs are tanh(ln 3) =
/// 4/5, tanh(½·ln 3) = 1/2, and 4/5 again.
#[test]
fn a_worked_example_with_two_heads_and_two_memories() -> Result<()> {
    let three = 3f32.ln();
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu);
    let weight = |values: &[f32], shape: &[usize]| check::weight_of(&tensor(values, shape)?);
    let parts = |values: [f32; 2]| values.map(|x| [x; 4]).concat();
    let heads = DecoderAttention::MultiHead {
        heads: 2,
        query: weight(&[parts([0.5, 0.0]), parts([0.0, 0.25])].concat(), &[2, 8])?,
        key: weight(&[1.0; 8], &[1, 8])?,
        value: weight(&[1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0], &[1, 8])?,
    };
    let other = DecoderAttention::General { key: weight(&[1.0, 0.0], &[1, 2])? };
    // From the state, the contexts of both heads, and that of the other memory to three outputs.
    let mut output = [0.0; 11 * 3];
    output[2 * 3] = 4.0 / 3.0;
    output[6 * 3 + 1] = 1.0 / 3.0;
    output[10 * 3 + 2] = 4.0 / 3.0;
    let weights = DecoderWeights {
        cell: DecoderCell::Gru,
        input: weight(&[0.0; 6], &[1, 6])?,
        bias: weight(&[0.0, 0.0, 100.0, 100.0, 0.0, 0.0], &[6])?,
        recurrent: weight(&[0.0; 12], &[2, 6])?,
        recurrent_bias: Some(weight(&[0.0; 2], &[2])?),
        feed: None,
        attention: vec![heads, other],
        output: weight(&output, &[11, 3])?,
    };
    let examples = Arc::new(Packing::of_examples(1));
    let [one, two] = [1, 2].map(|length| Packing::sorted_below(&examples, &[length]));
    let (x, initial) = (tensor(&[0.0], &[1, 1])?, tensor(&[1.0, 2.0], &[1, 2])?);
    let decoded = DecodedRows { x: &x, initial: &initial, packing: &one };
    let (first, second) = (tensor(&[three, 0.0], &[2, 1])?, tensor(&[0.0, three], &[2, 1])?);
    let memories = [&first, &second].map(|rows| AttendedRows { rows, packing: &two });
    let y = decode(decoded, &memories, &weights)?;
    check::assert_close(&to_vec(&y)?, &[0.8, 0.5, 0.8], 1e-6, 0.0);
    let mut memory = DecoderMemory::new(&memories, &weights)?;
    assert!(memory.step(&x, &memory.start(&initial)?, &[0])?.attention.is_empty());
    memory.keep_attention();
    let state = memory.step(&x, &memory.start(&initial)?, &[0])?;
    check::assert_close(&state.attention.concat(), &[0.75, 0.25], 1e-6, 0.0);
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
    let weights = weights(CELLS[1], KINDS[1], true, SMALL)?;
    let batch = Batch::small(weights.cell)?;
    for broken in [
        DecoderWeights { cell: DecoderCell::Lstm, ..weights.clone() },
        DecoderWeights { recurrent_bias: None, ..weights.clone() },
        DecoderWeights { feed: Some(check::weight("feed", (3, 9), 1.0)?), ..weights.clone() },
        DecoderWeights { output: check::weight("output", (8, 4), 1.0)?, ..weights.clone() },
        DecoderWeights { attention: Vec::new(), ..weights.clone() },
    ] {
        let error = batch.decode(&broken).unwrap_err().to_string();
        assert!(error.contains("expected (e, Gw), (Gw), (w, Gw), (w + contexts, o)"), "{error}");
    }
    let other = Batch::new(&[2], &[3], weights.cell, SMALL)?;
    let decoded = DecodedRows { x: &batch.x, ..other.decoded() };
    let error = decode(decoded, &other.memories(&weights), &weights);
    assert!(error.unwrap_err().to_string().contains("initial states [1, 3]; expected 2 rows of 2"));
    let error = decode(batch.decoded(), &[], &weights).unwrap_err().to_string();
    assert!(error.contains("0 memories; expected 1"), "{error}");
    let memory = DecoderMemory::new(&batch.memories(&weights), &weights)?;
    assert!(memory.start(&Tensor::zeros((1, 4), candle_core::DType::F32, &Device::Cpu)?).is_err());
    Ok(())
}
