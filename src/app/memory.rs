//! Whether a system fits into memory.

use crate::{
    data::Corpus,
    process_memory::available,
    recipe::{FittedByOwner, MemoryNeeds, Recipe},
};

/// Refuses a recipe whose system needs more memory than this process may take, before any of it is
/// allocated. Returns what it needs.
pub fn fits(
    recipe: &Recipe,
    corpora: &[Corpus],
    fitted: &FittedByOwner,
) -> Result<MemoryNeeds, String> {
    let needs = MemoryNeeds::of(recipe, corpora, fitted).map_err(|error| error.to_string())?;
    let refusal = available().and_then(|(bytes, limit)| needs.refusal(bytes, limit));
    refusal.map_or(Ok(needs), Err)
}
