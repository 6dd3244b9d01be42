//! Microseconds as a number of milliseconds.

use serde::{Deserialize, Deserializer, Serializer};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(super) fn serialize<S: Serializer>(us: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(*us as f64 / 1e3)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok((f64::deserialize(from)? * 1e3).round() as u64)
}
