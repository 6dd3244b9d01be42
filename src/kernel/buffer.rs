//! A pool of buffers that kernels reuse from one step to the next.
//!
//! A newly allocated vector is zeroed before it is overwritten, and a large one is mapped page by
//! page; both take longer than some kernels do. The pool keeps at most as much memory as the
//! largest steps used.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// Free buffers, by size class.
static FREE: Mutex<Vec<Vec<Vec<f32>>>> = Mutex::new(Vec::new());

/// The capacity of a size class, in elements: four classes per power of two, so that at most a
/// quarter is unused.
fn class_size(class: usize) -> usize {
    (4 + class % 4) << (class / 4)
}

/// The smallest size class that holds `n` elements.
fn class(n: usize) -> usize {
    let power = (n.max(4) / 4).ilog2() as usize;
    (4 * power..4 * power + 5).find(|&class| class_size(class) >= n).expect("the fifth is twice")
}

/// A buffer of f32 values, returned to the pool when dropped.
pub struct Buffer {
    numbers: Vec<f32>,
    n: usize,
}

impl Buffer {
    /// `n` elements with unspecified values, all of which the caller must write.
    pub(super) fn new(n: usize) -> Self {
        if n == 0 {
            return Self { numbers: Vec::new(), n };
        }
        let class = class(n);
        let free = {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            // A buffer of up to four times the size is also used: batches of every length would each keep
            // their own otherwise. Finer classes and a smaller limit both take more memory.
            let end = free.len().min(class + 9);
            free.get_mut(class..end).into_iter().flatten().find_map(Vec::pop)
        };
        let numbers = free.unwrap_or_else(|| vec![0.0; class_size(class)]);
        let mut buffer = Self { numbers, n };
        if cfg!(test) {
            // In tests a kernel that reads an element before writing it must be noticed.
            buffer.fill(f32::NAN);
        }
        buffer
    }

    /// `n` zeros.
    pub(super) fn zeros(n: usize) -> Self {
        let mut buffer = Self::new(n);
        buffer.fill(0.0);
        buffer
    }
}

impl From<&[f32]> for Buffer {
    fn from(numbers: &[f32]) -> Self {
        let mut buffer = Self::new(numbers.len());
        buffer.copy_from_slice(numbers);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.numbers.is_empty() {
            return;
        }
        let class = class(self.numbers.len());
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() <= class {
            free.resize_with(class + 1, Vec::new);
        }
        free[class].push(std::mem::take(&mut self.numbers));
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.n]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.n]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_at_most_a_quarter() {
        for n in (0..5_000).chain([1 << 20, (1 << 20) + 1, 5_999_999]) {
            let size = class_size(class(n));
            assert!(size >= n && size <= (n + n / 4).max(4), "{n} in {size}");
        }
    }

    #[test]
    fn a_returned_buffer_is_reused() {
        // A size that no other test uses.
        let place = {
            let mut first = Buffer::zeros(777_777);
            first[3] = 1.0;
            first.as_ptr()
        };
        let again = Buffer::new(777_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 777_000));
        assert!(again[3].is_nan());
        assert_eq!(Buffer::zeros(3)[..], [0.0; 3]);
    }
}
