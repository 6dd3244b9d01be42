//! A digest of a file's bytes, to detect changes: FNV-1a (Fowler, Noll and Vo), 64 bits, with the
//! number of bytes. It detects edits, not attacks.

/// `BYTES-HASH`, for example `1024-85944171f73967e8`.
pub fn digest(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{}-{hash:016x}", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_equal_the_published_test_vectors() {
        assert_eq!(digest(b""), "0-cbf29ce484222325");
        assert_eq!(digest(b"foobar"), "6-85944171f73967e8");
    }
}
