//! The memory of this process: what it has used, and what it may still take.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Peak resident memory in MiB, from /proc; `None` on systems other than Linux.
pub fn peak_mib() -> Option<u64> {
    Some(status("VmHWM:")? >> 20)
}

/// Resident memory in bytes, from /proc; `None` on systems other than Linux.
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

/// A quantity of this process in bytes, from /proc.
fn status(name: &str) -> Option<u64> {
    quantity(&fs::read_to_string("/proc/self/status").ok()?, name)
}

/// The bytes of a line `NAME N kB`.
fn quantity(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The bytes that may still be allocated, if it is known.
pub fn available_bytes() -> Option<u64> {
    available().map(|(bytes, _)| bytes)
}

/// The bytes that may still be allocated, and the limit that says so: the least of the machine's
/// free memory, the control group's limit, and that of the address space. `None` where none of them
/// is known.
pub fn available() -> Option<(u64, &'static str)> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| quantity(&text, "MemAvailable:"));
    let limits = [
        (machine, "the machine has"),
        (control_group(), "its control group leaves"),
        (address_space(), "the limit of its address space leaves"),
    ];
    let known = limits.into_iter().filter_map(|(bytes, limit)| Some((bytes?, limit)));
    known.min_by_key(|(bytes, _)| *bytes)
}

/// What `ulimit -v` leaves.
fn address_space() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    Some(limit.saturating_sub(status("VmSize:")?))
}

/// What the memory limits of the control groups that this process is in leave: version 2, or the
/// memory controller of version 1.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let left = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let [root, limit, usage] = if controllers.is_empty() {
            ["/sys/fs/cgroup", "memory.max", "memory.current"]
        } else if controllers.split(',').any(|one| one == "memory") {
            ["/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"]
        } else {
            return None;
        };
        // In a container the path may be that of the host, and the group is mounted as the root.
        let own = PathBuf::from(root).join(path.trim_start_matches('/'));
        let groups = own.ancestors().take_while(|group| group.starts_with(root));
        groups.filter_map(|group| left_in(group, limit, usage)).min()
    });
    left.min()
}

fn left_in(group: &Path, limit: &str, usage: &str) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    // Without a limit it is `max`, or a number larger than any machine.
    let limit: u64 = read(limit)?.trim().parse().ok()?;
    let usage: u64 = read(usage)?.trim().parse().ok()?;
    // The cache of files counts as used, and is given up when memory is needed.
    let cached = read("memory.stat").map_or(0, |stat| {
        let value = |line: &str| line.split_once(' ')?.1.parse::<u64>().ok();
        let names = ["inactive_file ", "active_file "];
        let lines = stat.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
        lines.filter_map(value).sum()
    });
    Some(limit.saturating_sub(usage.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_proc_are_in_bytes() {
        let text = "MemTotal:  10 kB\nMemAvailable:    3 kB\n";
        assert_eq!(quantity(text, "MemAvailable:"), Some(3072));
        assert_eq!(quantity(text, "SwapFree:"), None);
    }

    #[test]
    fn the_limit_of_a_group_is_less_what_it_uses_besides_cached_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("memory.max", "1000\n");
        write("memory.current", "600\n");
        write("memory.stat", "anon 100\ninactive_file 200\nactive_file 100\n");
        assert_eq!(left_in(folder.path(), "memory.max", "memory.current"), Some(700));
        write("memory.max", "max\n");
        assert_eq!(left_in(folder.path(), "memory.max", "memory.current"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some_memory() {
        assert!(available().is_some_and(|(bytes, _)| bytes > 0));
    }
}
