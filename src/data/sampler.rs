//! Which groups a step draws, and which examples.

use std::collections::BTreeMap;

/// How a step chooses among the groups that have something sounding.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// One group, with the probability of its corpus's share of the examples.
    Proportional,
    /// One group, each as probable as any other.
    Uniform,
    /// One group after the other, in the recipe's order.
    RoundRobin,
    /// Every group at every step.
    All,
    /// One group, with probability proportional to size^(1/temperature) (Devlin 2018).
    Temperature(f64),
    /// One group, with probabilities in these proportions, by group.
    Fixed(BTreeMap<String, f64>),
}

impl Sampling {
    /// The names that a recipe may say as a string.
    pub const NAMES: &[&str] = &["proportional", "uniform", "round-robin", "all"];
    /// The kinds that a recipe may say as a table.
    pub const TABLES: &[&str] = &["temperature", "fixed"];
    /// Kinds that recipes may already name and that are still to come.
    pub const PLANNED: &[&str] = &["annealed", "stages"];
}
