//! The processor that a measurement was made on.

use std::fs;

/// Its name and its widest vectors.
pub(crate) fn name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown".to_owned());
    let flags = field("flags").unwrap_or_default();
    let vectors = ["avx512f", "avx2"]
        .into_iter()
        .find(|vectors| flags.split(' ').any(|flag| flag == *vectors));
    match vectors {
        Some("avx512f") => format!("{name} with AVX-512"),
        Some(_) => format!("{name} with AVX2"),
        None => name,
    }
}
