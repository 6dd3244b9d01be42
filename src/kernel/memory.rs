//! What the allocator does with memory that a step no longer needs.

/// Has the allocator keep what a step has used for the next one. By default glibc gives the pages of
/// large tensors back to the kernel and takes them anew at every step, a fifth of a step's time. With
/// other C libraries nothing changes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt is a function of C")]
pub fn keep_memory() {
    // SAFETY: mallopt changes two numbers of the allocator, under its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Nothing: only glibc gives memory back that soon.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_memory() {}
