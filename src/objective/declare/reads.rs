//! Objectives that read the head of another one, over the rows of that objective's tap.

use candle_core::Result;

use super::{ObjectiveConfig, ObjectiveSetup};
use crate::{
    data::Fitted,
    model::{
        HeadConfig, HeadKind,
        encoder::LabelHead,
        parameters::Scope,
        tap::{LayerSpec, RowKind},
    },
    objective::Objective,
};

/// An objective whose head another one reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRead {
    /// The key that names it.
    pub key: &'static str,
    /// Its name.
    pub objective: String,
    /// Whether a gradient reaches its head, and the encoders below its tap.
    pub requires_grad: bool,
}

/// An objective that is read, before any corpus is.
#[derive(Clone, Copy)]
pub struct ReadView<'a> {
    /// Its options, parsed.
    pub config: &'a dyn ObjectiveConfig,
    /// Its head, if it has one of a table.
    pub head: Option<&'static dyn HeadKind>,
    /// What the rows of its tap represent, if it has a tap.
    pub on: Option<RowKind>,
}

/// What an objective that is read is built from.
pub struct ReadSetup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// The prefix of its parameters.
    pub owner: String,
    /// Its options, parsed.
    pub config: &'a dyn ObjectiveConfig,
    /// The options of its head.
    pub head: Option<&'a HeadConfig>,
    /// The layers that its taps read.
    pub taps: &'a [LayerSpec],
    /// The result of its fit.
    pub fitted: &'a Fitted,
}

impl ObjectiveSetup<'_> {
    /// Builds an objective that it reads, with the same parameters.
    pub(in crate::objective) fn build_read(&mut self, at: usize) -> Result<Box<dyn Objective>> {
        let read = &self.reads[at];
        read.config.build(Self::of_read(read, &mut self.scope))
    }

    /// Builds the head of an objective that it reads, with the same parameters; `None` if it has no softmax over
    /// labels.
    pub(in crate::objective) fn build_read_head(&mut self, at: usize) -> Result<Option<LabelHead>> {
        let read = &self.reads[at];
        read.config.label_head(Self::of_read(read, &mut self.scope))
    }

    fn of_read<'a>(read: &'a ReadSetup<'_>, scope: &'a mut Scope<'_>) -> ObjectiveSetup<'a> {
        ObjectiveSetup {
            name: read.name,
            head: read.head,
            taps: read.taps,
            fitted: read.fitted,
            reads: &[],
            decoders: &[],
            scope: scope.shared_sibling(&read.owner),
        }
    }
}
