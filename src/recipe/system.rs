//! Builds a system from a checked recipe: encoders, objectives and parameters.

mod node;
mod runner;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use candle_core::{Error, Result, Tensor, bail};

use super::{GradientFlow, Input, ObjectiveSpec, Recipe, Tap};
use crate::{
    data::{Batch, Corpus, Fitted, Vocabulary, vectors::WordVectors},
    kernel::{self, Device},
    model::{
        Decoder, Mode, Parameters, Rows,
        encoder::{self, Built, FirstValues, RowSource},
    },
    objective::{self, Evaluation, HeadRead, Objective, ObjectiveConfig, ObjectiveSetup, RawLoss},
    schedule::Schedule,
};
use node::{Forward, Node};
use runner::Runner;

/// The fitted data of a system, by `encoder.NAME` or `objective.NAME`.
pub type FittedByOwner = BTreeMap<String, Fitted>;

/// The contents of the vectors files that encoders read, by the encoder's name.
pub type VectorsByEncoder = BTreeMap<String, Arc<WordVectors>>;

/// Fits a recipe's encoders and objectives to the training splits of its corpora, given the
/// contents of its vectors files.
pub fn fit(recipe: &Recipe, corpora: &[Corpus], vectors: &VectorsByEncoder) -> FittedByOwner {
    let mut all = FittedByOwner::new();
    for encoder in &recipe.encoders {
        // An encoder that others only name reads the fields of those encoders.
        let readers = recipe.encoders.iter().filter(|reader| match encoder.kind.source() {
            RowSource::Field | RowSource::Decoder(_) => reader.name == encoder.name,
            RowSource::Named => reader.named().any(|name| name == encoder.name),
            RowSource::Encoder(_) => false,
        });
        let fields: Vec<_> = readers.flat_map(|reader| reader.fields(corpora)).collect();
        let owner = format!("encoder.{}", encoder.name);
        let of_encoder = vectors.get(&encoder.name).map(AsRef::as_ref);
        insert(&mut all, owner, encoder.config.fit(&fields, of_encoder), &encoder.lists);
    }
    for objective in recipe.objectives.iter().filter(|objective| objective.share.is_none()) {
        let corpora: Vec<&Corpus> = objective.corpora.iter().map(|&at| &corpora[at]).collect();
        let owner = objective::owner(objective.name.as_str());
        insert(&mut all, owner, objective.config.fit(&corpora), &objective.lists);
    }
    all
}

/// Stores the fitted data of one owner, with the word lists that its table names.
fn insert(
    all: &mut FittedByOwner,
    owner: String,
    mut fitted: Fitted,
    lists: &[(&'static str, Vocabulary)],
) {
    for (key, words) in lists {
        fitted = fitted.with_vocabulary(key, words.clone());
    }
    if !fitted.is_empty() {
        all.insert(owner, fitted);
    }
}

/// An error of an encoder or objective, with its name.
fn of_part(part: &str, error: &Error) -> Error {
    Error::msg(format!("{part}: {error}"))
}

/// A recipe's networks and objectives, with their parameters.
pub struct System {
    encoders: Vec<Node>,
    objectives: Vec<Placed>,
    parameters: Parameters,
    n_shared: usize,
    /// The number of the recipe's corpora.
    n_corpora: usize,
}

/// An objective with its inputs.
struct Placed {
    /// `objective.NAME`.
    owner: String,
    objective: Box<dyn Objective>,
    /// The taps of its own, then those of the objectives that it reads.
    taps: Vec<Vec<Tap>>,
    /// The decoder that it reads first, if it reads one.
    decoder: Option<Decoded>,
    /// Whether it makes examples from what that decoder generates.
    makes_examples: bool,
    /// What happens to its gradient at each of them.
    gradients: Vec<GradientFlow>,
}

/// A decoder that an objective reads.
struct Decoded {
    tap: Tap,
    /// Whether it copies from its input.
    copies: bool,
}

impl System {
    /// Builds the system on a device, with initial values drawn from the recipe's seed, and the
    /// contents of its vectors files; it keeps them until [`System::release_vectors`].
    pub fn new(
        recipe: &Recipe,
        fitted: &FittedByOwner,
        vectors: &VectorsByEncoder,
        first_values: FirstValues,
        device: &Device,
    ) -> Result<Self> {
        let parameters = Parameters::new(recipe.train.seed, device)?;
        Self::build(recipe, fitted, vectors, first_values, parameters)
    }

    /// The number of elements of each of its parameters, by name, without creating any.
    pub fn parameter_sizes(recipe: &Recipe, fitted: &FittedByOwner) -> Result<Vec<(String, u64)>> {
        let shapes = Self::parameter_shapes(recipe, fitted)?.into_iter();
        let n_elements = |shape: &[usize]| shape.iter().map(|&n| n as u64).product();
        Ok(shapes.map(|(name, shape)| (name, n_elements(&shape))).collect())
    }

    /// The shape of each of its parameters, by name, without creating any.
    pub fn parameter_shapes(
        recipe: &Recipe,
        fitted: &FittedByOwner,
    ) -> Result<Vec<(String, Vec<usize>)>> {
        // Files of initial values are not read, as if a checkpoint were to be loaded.
        let (vectors, first_values) = (VectorsByEncoder::new(), FirstValues::Checkpoint);
        let parameters = Parameters::counting()?;
        let system = Self::build(recipe, fitted, &vectors, first_values, parameters)?;
        let shapes = system.parameters.shapes();
        Ok(shapes.map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect())
    }

    fn build(
        recipe: &Recipe,
        fitted: &FittedByOwner,
        vectors: &VectorsByEncoder,
        first_values: FirstValues,
        mut parameters: Parameters,
    ) -> Result<Self> {
        let none = Fitted::default();
        let of = |owner: String| fitted.get(&owner).unwrap_or(&none);
        let mut spellings = BTreeMap::new();
        let mut encoders: Vec<Option<Node>> = recipe.encoders.iter().map(|_| None).collect();
        let mut decoders = BTreeMap::new();
        // Encoders that others name are built first.
        let (named, others): (Vec<_>, Vec<_>) = recipe
            .encoders
            .iter()
            .enumerate()
            .partition(|(_, spec)| spec.kind.source() == RowSource::Named);
        for (at, spec) in named.into_iter().chain(others) {
            let (labels, probability) = (spec.config.labels_of(), spec.config.probability_of());
            let label_head =
                Self::with_head(recipe, labels, of, &mut parameters, |config, setup| {
                    config.label_head(setup)
                })?;
            let row_probability =
                Self::with_head(recipe, probability, of, &mut parameters, |config, setup| {
                    config.row_probability(setup)
                })?;
            let n_before = parameters.all().len();
            let built = spec.config.build(encoder::EncoderSetup {
                name: &spec.name,
                fitted: of(format!("encoder.{}", spec.name)),
                vectors: vectors.get(&spec.name).map(AsRef::as_ref),
                spellings: &spellings,
                label_head,
                row_probability,
                first_values,
                scope: parameters.scope(&spec.name),
            });
            let built =
                built.map_err(|error| of_part(&format!("encoder.{}", spec.name), &error))?;
            if spec.is_frozen {
                parameters.freeze(n_before..parameters.all().len());
            }
            let encoder = match built {
                Built::Encoder(encoder) => Some(encoder),
                Built::Decoder(encoder, decoder) => {
                    decoders.insert(at, decoder);
                    Some(encoder)
                }
                Built::Characters(spelling) => {
                    spellings.insert(spec.name.clone(), spelling);
                    None
                }
            };
            let (inputs, signature) = (spec.inputs.clone(), spec.signature.clone());
            let segment_by = spec.segment_by.clone().map(|field| (field, BTreeMap::new()));
            let (field, fields) = (spec.config.field().map(str::to_owned), BTreeMap::new());
            let other_text = spec.config.other_text().map(str::to_owned);
            let vectors = vectors.get(&spec.name).cloned();
            let is_frozen = spec.is_frozen;
            encoders[at] = Some(Node {
                encoder,
                vectors,
                inputs,
                signature,
                segment_by,
                field,
                other_text,
                fields,
                is_frozen,
            });
        }
        let n_shared = parameters.all().len();
        // Those that keep copies of the parameters of others are built last.
        let copies = |at: &usize| !recipe.objectives[*at].config.copied_heads().is_empty();
        let (last, first): (Vec<_>, Vec<_>) = (0..recipe.objectives.len()).partition(copies);
        let mut objectives: Vec<Option<Placed>> = recipe.objectives.iter().map(|_| None).collect();
        for at in first.into_iter().chain(last) {
            let spec = &recipe.objectives[at];
            let ObjectiveSpec { name, layers, share, .. } = spec;
            let donor = recipe.donor(spec);
            let owner = objective::owner(donor.name.as_str());
            let is_it = |read: &HeadRead| read.objective == name.as_str();
            let is_shared =
                recipe.objectives.iter().any(|other| other.share.as_ref() == Some(name))
                    || recipe.objectives.iter().flat_map(|other| &other.reads).any(is_it)
                    || recipe.encoders.iter().any(|spec| spec.objective() == Some(name.as_str()));
            let scope = if is_shared || share.is_some() {
                parameters.shared_scope(&owner)
            } else {
                parameters.scope(&owner)
            };
            let reads: Vec<_> =
                spec.reads.iter().filter_map(|read| recipe.read_setup(read, of)).collect();
            let is_decoder = |tap: &&Tap| decoders.contains_key(&tap.encoder);
            let tapped: Vec<&Tap> =
                spec.taps.iter().filter_map(|taps| taps.iter().find(is_decoder)).collect();
            let of_taps: Vec<Arc<dyn Decoder>> =
                tapped.iter().map(|tap| decoders[&tap.encoder].clone()).collect();
            let objective = spec.config.build(ObjectiveSetup {
                name: name.as_str(),
                head: donor.head_config.as_deref(),
                taps: layers,
                fitted: of(owner),
                reads: &reads,
                decoders: &of_taps,
                scope,
            });
            let part = objective::owner(name.as_str());
            let objective = objective.map_err(|error| of_part(&part, &error))?;
            let (taps, gradients) = (spec.taps.clone(), spec.gradients());
            let decoder = tapped.first().map(|&tap| {
                let copies = decoders[&tap.encoder].copies().is_some();
                Decoded { tap: tap.clone(), copies }
            });
            let makes_examples = spec.kind.makes_examples();
            objectives[at] =
                Some(Placed { owner: part, objective, taps, decoder, makes_examples, gradients });
        }
        Ok(Self {
            encoders: encoders.into_iter().flatten().collect(),
            objectives: objectives.into_iter().flatten().collect(),
            parameters,
            n_shared,
            n_corpora: recipe.corpora.len(),
        })
    }

    /// What an encoder reads of the objective with that name, whose parameters the objective then shares; `None`
    /// if it gives no such thing.
    fn with_head<'a, T>(
        recipe: &Recipe,
        name: Option<&str>,
        fitted: impl Fn(String) -> &'a Fitted,
        parameters: &mut Parameters,
        build: impl FnOnce(&dyn ObjectiveConfig, ObjectiveSetup<'_>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let spec = recipe.objectives.iter().find(|spec| Some(spec.name.as_str()) == name);
        let Some(spec) = spec else { return Ok(None) };
        let owner = objective::owner(spec.name.as_str());
        let setup = ObjectiveSetup {
            name: spec.name.as_str(),
            head: spec.head_config.as_deref(),
            taps: &spec.layers,
            fitted: fitted(owner.clone()),
            reads: &[],
            decoders: &[],
            scope: parameters.shared_scope(&owner),
        };
        build(spec.config.as_ref(), setup)
    }

    /// Every parameter.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Every parameter, to be frozen or trained again.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The number of parameters that belong to encoders; they come first.
    pub fn n_shared(&self) -> usize {
        self.n_shared
    }

    /// The objective with that index in the recipe.
    pub fn objective(&self, objective_idx: usize) -> &dyn Objective {
        self.objectives[objective_idx].objective.as_ref()
    }

    /// Sets the strength of an objective's gradient reversal, by its place in the recipe; nothing where its
    /// gradient is not reversed.
    pub fn set_reversal(&mut self, at: usize, strength: Schedule) {
        for gradient in &mut self.objectives[at].gradients {
            if let GradientFlow::Reverse(reversal) = gradient {
                *reversal = strength;
            }
        }
    }

    /// Calls [`Objective::set_search`] of the objective with that index in the recipe.
    pub fn set_search(&mut self, at: usize, beam: Option<usize>, n_best: usize) -> bool {
        self.objectives[at].objective.set_search(beam, n_best)
    }

    /// Calls [`Objective::begin_stage`] of every objective.
    pub fn begin_stage(&mut self) -> Result<()> {
        self.objectives.iter_mut().try_for_each(|placed| placed.objective.begin_stage())
    }

    /// Calls [`Objective::after_update`] of every objective.
    pub fn after_update(&mut self) {
        self.objectives.iter_mut().for_each(|placed| placed.objective.after_update());
    }

    /// Calls [`Objective::hold_update`] of every objective.
    pub fn hold_update(&mut self, is_held: bool) {
        self.objectives.iter_mut().for_each(|placed| placed.objective.hold_update(is_held));
    }

    /// Calls [`Objective::discard_update`] of every objective.
    pub fn discard_update(&mut self) {
        self.objectives.iter_mut().for_each(|placed| placed.objective.discard_update());
    }

    /// What objectives remember besides parameters, by `objective.NAME.TENSOR`.
    pub fn memory(&self) -> BTreeMap<String, Tensor> {
        let of = |Placed { owner, objective, .. }: &Placed| {
            let memory = objective.memory().into_iter();
            memory.map(|(name, tensor)| (format!("{owner}.{name}"), tensor)).collect::<Vec<_>>()
        };
        self.objectives.iter().flat_map(of).collect()
    }

    /// Restores what [`System::memory`] returned. Without tensors, an objective's memory is reset.
    pub fn restore(&mut self, mut memory: BTreeMap<String, Tensor>) -> Result<()> {
        for Placed { owner, objective, .. } in &mut self.objectives {
            let prefix = format!("{owner}.");
            let is_own = |name: &String, _: &mut Tensor| name.starts_with(&prefix);
            let own = memory.extract_if(.., is_own);
            let own = own.map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor));
            objective.restore(own.collect()).map_err(|error| of_part(owner, &error))?;
        }
        match memory.keys().next() {
            Some(name) => bail!("found {name:?}, which no objective of the recipe has"),
            None => Ok(()),
        }
    }

    /// Maps the strings of a corpus to ids; required before its first batch.
    pub fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let inputs = self.encoders.iter().flat_map(|node| node.inputs.iter().flat_map(Input::all));
        let taps = self.objectives.iter().flat_map(|placed| placed.taps.iter().flatten());
        let prefixes: BTreeSet<String> =
            inputs.chain(taps).filter_map(|tap| tap.field.clone()).collect();
        for node in &mut self.encoders {
            node.attach(corpus_idx, corpus, &prefixes);
        }
        for (at, placed) in self.objectives.iter_mut().enumerate() {
            placed.objective.attach(corpus_idx, corpus);
            let Some(made) = placed.objective.made_corpus(corpus_idx) else { continue };
            let made_idx = runner::made_idx(at, corpus_idx, self.n_corpora);
            for node in &mut self.encoders {
                node.attach(made_idx, made, &prefixes);
                node.inputs.iter_mut().for_each(|input| input.copy(corpus_idx, made_idx));
            }
        }
    }

    /// Releases the contents of the vectors files, when every corpus has been attached: the vectors
    /// of their words have been copied.
    pub fn release_vectors(&mut self) {
        self.encoders.iter_mut().for_each(|node| node.vectors = None);
    }

    /// The rows that each of these objectives reads for a batch, from one forward pass of the
    /// encoders that they need. Those that its decoder reads follow: in an evaluation, so that it can
    /// search, and wherever it copies from them. An objective that makes examples reads these only.
    pub fn taps(&self, objectives: &[usize], batch: &Batch, mode: Mode) -> Result<Vec<Vec<Rows>>> {
        let wanted = objectives.iter().flat_map(|&at| self.wanted(at, batch.corpus));
        let forward = Forward::new(&self.encoders, wanted, batch, mode)?;
        let read = |&at: &usize| -> Result<Vec<Rows>> {
            let placed = &self.objectives[at];
            let mut taps =
                if placed.makes_examples { Vec::new() } else { placed.read(&forward, mode)? };
            if let Some(Decoded { tap, copies }) = &placed.decoder
                && (mode == Mode::Eval || placed.makes_examples || *copies)
            {
                for input in &self.encoders[tap.encoder].inputs {
                    let rows = forward.read(input.of(batch.corpus), tap.field.as_deref())?;
                    let gradient = placed.gradients[0];
                    taps.push(if placed.makes_examples {
                        rows
                    } else {
                        flow(gradient, rows, mode)?
                    });
                }
            }
            Ok(taps)
        };
        objectives.iter().map(read).collect()
    }

    /// The taps that an objective reads of a batch of that corpus.
    fn wanted(&self, at: usize, corpus_idx: usize) -> Vec<&Tap> {
        let placed = &self.objectives[at];
        match &placed.decoder {
            Some(decoded) if placed.makes_examples => {
                let inputs = self.encoders[decoded.tap.encoder].inputs.iter();
                inputs.flat_map(|input| input.of(corpus_idx)).collect()
            }
            _ => placed.taps.iter().flatten().collect(),
        }
    }

    /// The raw loss of the objective with that index in the recipe, from the rows that it reads; `None` if it has no
    /// label.
    pub fn loss(
        &self,
        at: usize,
        taps: &[Rows],
        batch: &Batch,
        mode: Mode,
    ) -> Result<Option<RawLoss>> {
        self.objective(at).loss_with(taps, batch, &Runner { system: self, at, batch, mode })
    }

    /// The evaluation of a batch by the objective with that index in the recipe, from the rows that it reads.
    pub fn evaluate(&self, at: usize, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let runner = Runner { system: self, at, batch, mode: Mode::Eval };
        self.objective(at).evaluate_with(taps, batch, &runner)
    }
}

impl Placed {
    /// The rows of its taps, through which its gradient passes, stops or is reversed.
    fn read<'a>(&'a self, forward: &Forward<'a>, mode: Mode) -> Result<Vec<Rows>> {
        let taps = self.taps.iter().zip(&self.gradients);
        taps.map(|(taps, gradient)| flow(*gradient, forward.read(taps, None)?, mode)).collect()
    }
}

/// Rows through which a gradient passes, stops or is reversed.
fn flow(gradient: GradientFlow, rows: Rows, mode: Mode) -> Result<Rows> {
    match (gradient, mode) {
        (GradientFlow::Pass, _) | (_, Mode::Eval | Mode::Trace) => Ok(rows),
        (GradientFlow::Stop, _) => rows.without_gradient(),
        (GradientFlow::Reverse(strength), Mode::Train { step, .. }) => {
            Ok(rows.with(kernel::reverse(&rows.tensor, strength.at(step))?))
        }
    }
}
