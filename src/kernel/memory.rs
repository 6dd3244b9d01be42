//! The allocator's treatment of freed memory.

/// Makes the allocator keep the memory of one step for the next. By default glibc returns the pages
/// of large tensors to the operating system and requests them again at every step, which takes a
/// fifth of a step's time. With other C libraries nothing changes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt is a function of C")]
pub fn keep_memory() {
    // SAFETY: mallopt sets two parameters of the allocator, under its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Does nothing: only glibc returns memory that soon.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_memory() {}
