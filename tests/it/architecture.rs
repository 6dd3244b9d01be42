//! Properties of the source tree: dependencies between modules, names of types and files, and names
//! in the documents.

mod circles;
mod documents;
mod kinds;
mod layers;
mod names;
mod reader;
