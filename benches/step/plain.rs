//! The reference step with candle-nn's stock layers, in the obvious way and without our own
//! operations. Tests compare the engine with it, and the benchmark measures it.
//!
//! Word embeddings concatenated with the last states of a character-level BiLSTM; a BiLSTM over
//! both; linear heads for part-of-speech tags and chunks; a language model in each direction
//! (linear, tanh, linear); the sum of the cross-entropies; Adam with gradient clipping. Sentences
//! have equal lengths.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};
use candle_nn::{
    AdamW, Embedding, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, embedding,
    linear,
    loss::cross_entropy,
    rnn::{self, Direction, LSTM, LSTMConfig, RNN},
};

/// The factor of the language model's loss, a mean over both directions.
pub(crate) const GAIN: f64 = 0.2;

/// The class of a sentence's edge, for the language model.
const EDGE: u32 = 1;

/// Dimensions of vectors and states, and rows of tables and outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) words: usize,
    pub(crate) word_width: usize,
    pub(crate) characters: usize,
    pub(crate) character_width: usize,
    /// The hidden size of the character-level BiLSTM, per direction.
    pub(crate) spelling: usize,
    /// The hidden size of the BiLSTM over words, per direction.
    pub(crate) trunk: usize,
    pub(crate) pos: usize,
    pub(crate) chunk: usize,
    /// The size of a tanh layer of the language model.
    pub(crate) hidden: usize,
    pub(crate) classes: usize,
}

/// A token, by ids.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) word: u32,
    pub(crate) spelling: Vec<u32>,
    pub(crate) pos: u32,
    pub(crate) chunk: u32,
    /// The language model's target where this token is the next or the previous one.
    pub(crate) class: u32,
}

/// Sentences of equal length as tensors.
pub(crate) struct Batch {
    words: Tensor, // (sentences, time)
    /// The characters of the distinct words, from either end, padded at the other.
    characters: [Tensor; 2], // (distinct, longest)
    /// The index of each one's last character among all of them.
    ends: Tensor, // (distinct)
    /// The index of each token among the distinct words.
    spelt: Tensor, // (tokens)
    pos: Tensor,   // (tokens)
    chunk: Tensor,
    next: Tensor,
    previous: Tensor,
}

impl Batch {
    pub(crate) fn new(sentences: &[Vec<Token>]) -> Result<Self> {
        let time = sentences[0].len();
        assert!(sentences.iter().all(|sentence| sentence.len() == time));
        let mut distinct = BTreeMap::new();
        for token in sentences.iter().flatten() {
            distinct.insert(token.spelling.as_slice(), 0);
        }
        for (at, number) in distinct.values_mut().enumerate() {
            *number = at as u32;
        }
        let longest = distinct.keys().map(|spelling| spelling.len()).max().unwrap_or(0);
        let padding = |spelling: &[u32]| std::iter::repeat_n(0, longest - spelling.len());
        let ahead = distinct.keys().flat_map(|ids| ids.iter().copied().chain(padding(ids)));
        let back = distinct.keys().flat_map(|ids| ids.iter().rev().copied().chain(padding(ids)));
        let shape = (distinct.len(), longest);
        let characters = [
            Tensor::from_iter(ahead, &Device::Cpu)?.reshape(shape)?,
            Tensor::from_iter(back, &Device::Cpu)?.reshape(shape)?,
        ];
        let ends = distinct.keys().zip(0..).map(|(ids, at)| (at * longest + ids.len() - 1) as u32);
        let tokens = |what: &dyn Fn(&Token) -> u32| {
            Tensor::from_iter(sentences.iter().flatten().map(what), &Device::Cpu)
        };
        let class = |token: &Token| token.class;
        let next =
            sentences.iter().flat_map(|sentence| sentence[1..].iter().map(class).chain([EDGE]));
        let previous = sentences
            .iter()
            .flat_map(|sentence| [EDGE].into_iter().chain(sentence[..time - 1].iter().map(class)));
        Ok(Self {
            words: tokens(&|token| token.word)?.reshape((sentences.len(), time))?,
            characters,
            ends: Tensor::from_iter(ends, &Device::Cpu)?,
            spelt: tokens(&|token| distinct[token.spelling.as_slice()])?,
            pos: tokens(&|token| token.pos)?,
            chunk: tokens(&|token| token.chunk)?,
            next: Tensor::from_iter(next, &Device::Cpu)?,
            previous: Tensor::from_iter(previous, &Device::Cpu)?,
        })
    }
}

/// The model.
pub(crate) struct Plain {
    vars: VarMap,
    words: Embedding,
    characters: Embedding,
    spelling: [LSTM; 2],
    trunk: [LSTM; 2],
    pos: Linear,
    chunk: Linear,
    /// The language model forwards and backwards: the tanh layer and the output layer.
    halves: [[Linear; 2]; 2],
}

/// The results of a step before its update.
pub(crate) struct Stepped {
    /// The raw losses of part-of-speech tags, chunks and language model.
    pub(crate) losses: [f32; 3],
    /// The norm of the gradient of the mixed loss.
    pub(crate) norm: f64,
}

impl Plain {
    pub(crate) fn new(sizes: Sizes) -> Result<Self> {
        let vars = VarMap::new();
        let scope = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let inputs = sizes.word_width + 2 * sizes.spelling;
        let half = |name: &str| -> Result<[Linear; 2]> {
            let scope = scope.pp(name);
            Ok([
                linear(sizes.trunk, sizes.hidden, scope.pp("hidden"))?,
                linear(sizes.hidden, sizes.classes, scope.pp("output"))?,
            ])
        };
        Ok(Self {
            words: embedding(sizes.words, sizes.word_width, scope.pp("words"))?,
            characters: embedding(sizes.characters, sizes.character_width, scope.pp("characters"))?,
            spelling: directions(sizes.character_width, sizes.spelling, &scope.pp("spelling"))?,
            trunk: directions(inputs, sizes.trunk, &scope.pp("trunk"))?,
            pos: linear(2 * sizes.trunk, sizes.pos, scope.pp("pos"))?,
            chunk: linear(2 * sizes.trunk, sizes.chunk, scope.pp("chunk"))?,
            halves: [half("next")?, half("previous")?],
            vars,
        })
    }

    /// Every parameter, by its name.
    pub(crate) fn vars(&self) -> BTreeMap<String, Var> {
        let vars = self.vars.data().lock().expect("no holder panics");
        vars.iter().map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    /// The raw losses of part-of-speech tags, chunks and language model.
    pub(crate) fn losses(&self, batch: &Batch) -> Result<[Tensor; 3]> {
        let (sentences, time) = batch.words.dims2()?;
        let spelt = self.spell(batch)?.index_select(&batch.spelt, 0)?; // (tokens, 2·spelling)
        let spelt = spelt.reshape((sentences, time, ()))?;
        let x = Tensor::cat(&[self.words.forward(&batch.words)?, spelt], 2)?;
        let [ahead, back] = &self.trunk;
        let rows = |states: Tensor| states.flatten(0, 1); // (tokens, trunk)
        let ahead = rows(states(ahead, &x)?)?;
        let back = rows(states(back, &x.flip(&[1])?)?.flip(&[1])?)?;
        let both = Tensor::cat(&[&ahead, &back], 1)?; // (tokens, 2·trunk)
        let language = |[hidden, output]: &[Linear; 2], rows: &Tensor, target: &Tensor| {
            cross_entropy(&output.forward(&hidden.forward(rows)?.tanh()?)?, target)
        };
        let next = language(&self.halves[0], &ahead, &batch.next)?;
        let previous = language(&self.halves[1], &back, &batch.previous)?;
        Ok([
            cross_entropy(&self.pos.forward(&both)?, &batch.pos)?,
            cross_entropy(&self.chunk.forward(&both)?, &batch.chunk)?,
            ((next + previous)? * 0.5)?,
        ])
    }

    /// The character-level representation of each distinct word: (distinct, 2·spelling).
    fn spell(&self, batch: &Batch) -> Result<Tensor> {
        let last = |lstm, characters: &Tensor| {
            let states = states(lstm, &self.characters.forward(characters)?)?;
            states.flatten(0, 1)?.index_select(&batch.ends, 0)
        };
        let [ahead, back] = &self.spelling;
        Tensor::cat(&[last(ahead, &batch.characters[0])?, last(back, &batch.characters[1])?], 1)
    }

    /// Adam as in its paper, without weight decay.
    pub(crate) fn adam(&self, rate: f64) -> Result<AdamW> {
        let adam = ParamsAdamW { lr: rate, weight_decay: 0.0, ..ParamsAdamW::default() };
        AdamW::new(self.vars().into_values().collect(), adam)
    }

    /// Forward, backward, clip, update.
    pub(crate) fn step(&self, batch: &Batch, adam: &mut AdamW, clip: f64) -> Result<Stepped> {
        let losses = self.losses(batch)?;
        let mut gradients = mixed(&losses)?.backward()?;
        let norm = self.clip(&mut gradients, clip)?;
        adam.step(&gradients)?;
        let [pos, chunk, language] = &losses;
        let read = |loss: &Tensor| loss.to_vec0::<f32>();
        Ok(Stepped { losses: [read(pos)?, read(chunk)?, read(language)?], norm })
    }

    /// Scales the gradients so that their norm is at most `most`; returns the original norm.
    fn clip(&self, gradients: &mut GradStore, most: f64) -> Result<f64> {
        let vars = self.vars();
        let mut squares = 0.0;
        for gradient in vars.values().filter_map(|var| gradients.get(var)) {
            squares += f64::from(gradient.sqr()?.sum_all()?.to_vec0::<f32>()?);
        }
        let norm = squares.sqrt();
        for var in vars.values().filter(|_| norm > most) {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * (most / norm))?);
            }
        }
        Ok(norm)
    }
}

/// The mixed loss.
pub(crate) fn mixed([pos, chunk, language]: &[Tensor; 3]) -> Result<Tensor> {
    (pos + chunk)? + (language * GAIN)?
}

/// A forward and a backward LSTM, each with one bias per gate.
fn directions(inputs: usize, width: usize, scope: &VarBuilder) -> Result<[LSTM; 2]> {
    let one = |direction| {
        let config = LSTMConfig { direction, b_hh_init: None, ..LSTMConfig::default() };
        rnn::lstm(inputs, width, config, scope.clone())
    };
    Ok([one(Direction::Forward)?, one(Direction::Backward)?])
}

/// The states of x (sequences, time, inputs): (sequences, time, width).
fn states(lstm: &LSTM, x: &Tensor) -> Result<Tensor> {
    lstm.states_to_tensor(&lstm.seq(x)?)
}
