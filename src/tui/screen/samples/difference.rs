//! The words that two texts have in common.

/// Whether each word of either text is in a longest common subsequence of both.
pub(super) fn common(a: &[String], b: &[String]) -> [Vec<bool>; 2] {
    // lengths[i][j]: the length of a longest common subsequence of a[i..] and b[j..].
    let mut lengths = vec![vec![0_u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i][j] = if a[i] == b[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let mut both = [vec![false; a.len()], vec![false; b.len()]];
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            (both[0][i], both[1][j]) = (true, true);
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(a: &str, b: &str) -> [String; 2] {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let (a, b) = (words(a), words(b));
        let [in_a, in_b] = common(&a, &b);
        let shown = |words: Vec<String>, common: Vec<bool>| {
            let kept = words.into_iter().zip(common).filter(|(_, is_common)| *is_common);
            kept.map(|(word, _)| word).collect::<Vec<_>>().join(" ")
        };
        [shown(a, in_a), shown(b, in_b)]
    }

    #[test]
    fn a_longest_common_subsequence_is_common_to_both() {
        for (a, b, expected) in [
            ("a b c d", "a x c", "a c"),
            ("the cat sat on the mat", "the dog sat on a mat", "the sat on mat"),
            ("a b", "c d", ""),
            ("b a", "a b", "a"),
        ] {
            assert_eq!(marked(a, b), [expected, expected], "{a:?} {b:?}");
        }
        assert_eq!(common(&[], &["a".to_owned()]), [vec![], vec![false]]);
    }
}
