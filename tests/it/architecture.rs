//! What must hold for the tree as a whole, read from its files: who may name whom, names of types, and what the
//! documents say of it.

mod circles;
mod documents;
mod kinds;
mod layers;
mod names;
mod reader;
