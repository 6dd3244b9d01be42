//! A digest of a file's bytes, to detect changes: FNV-1a (Fowler, Noll and Vo), 64 bits, with the
//! number of bytes. It detects edits, not attacks.

/// `BYTES-HASH`, for example `1024-85944171f73967e8`.
pub fn digest(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.finish()
}

/// The digest of bytes that arrive in parts.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    hash: u64,
    n_bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, n_bytes: 0 }
    }
}

impl Digest {
    /// Adds the next part.
    pub fn update(&mut self, bytes: &[u8]) {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        self.hash = bytes.iter().fold(self.hash, step);
        self.n_bytes += bytes.len() as u64;
    }

    /// The digest of all parts, as [`digest`] writes it.
    pub fn finish(self) -> String {
        format!("{}-{:016x}", self.n_bytes, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_equal_the_published_test_vectors() {
        assert_eq!(digest(b""), "0-cbf29ce484222325");
        assert_eq!(digest(b"foobar"), "6-85944171f73967e8");
        let mut parts = Digest::default();
        for part in [&b"foo"[..], b"", b"bar"] {
            parts.update(part);
        }
        assert_eq!(parts.finish(), digest(b"foobar"));
    }
}
