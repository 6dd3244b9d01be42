//! The allocator's treatment of freed memory, and of memory that there is none of.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::Write,
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use signal_hook::low_level;

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

/// The system's allocator, but that a failed allocation ends the program with a message and exit
/// code 1. Otherwise it would abort: Rust has no stable way to handle it, and the crates that allocate
/// tensors expect none. What a run has written until then is complete, as after a signal.
pub struct Allocator;

#[expect(unsafe_code, reason = "a global allocator")]
// SAFETY: every method is that of `System` with the same arguments, and returns its result; it does
// not return at all where that is null, and never unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, n_bytes: usize) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.realloc(at, layout, n_bytes) }, n_bytes)
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

fn checked(at: *mut u8, n_bytes: usize) -> *mut u8 {
    if at.is_null() && n_bytes > 0 {
        fail(n_bytes);
    }
    at
}

static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// Sets what is done before a failed allocation ends the program: restoring the terminal. It should
/// allocate little or nothing.
pub fn before_out_of_memory(f: fn()) {
    let _ = BEFORE_EXIT.set(f);
}

static AFTER_MESSAGE: OnceLock<fn()> = OnceLock::new();

/// Sets what is done between the message of a failed allocation and the end of the program. It may
/// allocate a little: if there is no memory left at all, the program ends at that point.
pub fn after_out_of_memory(f: fn()) {
    let _ = AFTER_MESSAGE.set(f);
}

#[cold]
fn fail(n_bytes: usize) -> ! {
    static HAS_FAILED: AtomicBool = AtomicBool::new(false);
    thread_local! {
        static IS_FAILING: Cell<bool> = const { Cell::new(false) };
    }
    if IS_FAILING.replace(true) {
        // Restoring the terminal, or removing files, has failed to allocate too.
        low_level::exit(1);
    }
    if HAS_FAILED.swap(true, Ordering::Relaxed) {
        // Another thread is about to end the program.
        thread::sleep(Duration::from_secs(2));
        low_level::exit(1);
    }
    if let Some(before_exit) = BEFORE_EXIT.get() {
        before_exit();
    }
    // Formatted without allocating, and written past the lock of standard error.
    let mut text = [0; 160];
    let mut rest = &mut text[..];
    let mib = n_bytes >> 20;
    let _ = writeln!(
        rest,
        "out of memory: an allocation of {mib} MiB failed; lower the batch size or the dimensions of the recipe"
    );
    let n_left = rest.len();
    write_to_stderr(&text[..text.len() - n_left]);
    if let Some(after_message) = AFTER_MESSAGE.get() {
        after_message();
    }
    low_level::exit(1)
}

#[expect(unsafe_code, reason = "write is a function of C")]
fn write_to_stderr(text: &[u8]) {
    // SAFETY: the pointer and the length are those of a slice; the result does not matter.
    unsafe {
        let _ = libc::write(libc::STDERR_FILENO, ptr::from_ref(text).cast(), text.len());
    }
}
