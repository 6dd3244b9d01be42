//! The memory of this process, in MiB, as reported by the operating system.

/// Peak resident memory.
pub(crate) fn peak_mib() -> f64 {
    status("VmHWM:")
}

/// Resident memory.
#[allow(dead_code, reason = "one bench of two asks")]
pub(crate) fn resident_mib() -> f64 {
    status("VmRSS:")
}

fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
