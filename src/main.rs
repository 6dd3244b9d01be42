//! The program: what was typed, and which threads run.
fn main() {}
