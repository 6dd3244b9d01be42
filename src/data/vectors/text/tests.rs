use super::*;

fn read_at_most(text: &[u8], width: usize, max: usize) -> Result<WordVectors, Vec<String>> {
    let file = VectorFile {
        name: &"v.txt".into(),
        contents: text,
        len: Some(text.len() as u64),
        memory: None,
    };
    read(file, width, max).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn read_all(text: &str) -> Result<WordVectors, Vec<String>> {
    read_at_most(text.as_bytes(), 2, usize::MAX)
}

#[test]
fn glove_and_word2vec_text_are_read() {
    let glove = read_all("the 0.1 -2e-1\n. . 1 2\r\n\nother 5 6\n\u{a0} 3 4").unwrap();
    assert_eq!(glove.get("the"), Some(&[0.1, -0.2][..]));
    assert_eq!(glove.get(". ."), Some(&[1.0, 2.0][..]));
    assert_eq!(glove.get("\u{a0}"), Some(&[3.0, 4.0][..]));
    assert_eq!(glove.words().collect::<Vec<_>>(), ["the", ". .", "other", "\u{a0}"]);
    let word2vec = read_all("2 2\n</s> 0 1 \nthe 1 0 \n").unwrap();
    assert_eq!(word2vec.get("the"), Some(&[1.0, 0.0][..]));
    assert_eq!(word2vec.len(), 2);
}

#[test]
fn the_first_vector_of_a_word_is_used() {
    let vectors = read_all("a 1 2\nb 5 6\na 3 4\n").unwrap();
    assert_eq!(vectors.get("a"), Some(&[1.0, 2.0][..]));
    assert_eq!((vectors.len(), vectors.n_repeated()), (2, 1));
}

#[test]
fn only_the_first_vectors_are_read_where_their_number_is_bounded() {
    let text = b"a 1 2\nb 3 4\nc 5 6\n";
    let words = |max| read_at_most(text, 2, max).unwrap().words().collect::<Vec<_>>().join(" ");
    assert_eq!([words(1), words(2), words(9)], ["a", "a b", "a b c"]);
    // What follows is not read, and so has no faults.
    assert_eq!(read_at_most(b"a 1 2\nb x 4\n", 2, 1).unwrap().len(), 1);
    // The promised number of vectors does not count then.
    assert_eq!(read_at_most(b"3 2\na 1 2\nb 3 4\nc 5 6\n", 2, 2).unwrap().len(), 2);
}

#[test]
fn a_file_of_many_blocks_is_read_like_a_short_one() {
    let numbers = (0..600_000).map(|at| (at, at as f32));
    let lines: Vec<String> = numbers.clone().map(|(at, x)| format!("w{at} {x} {}\n", -x)).collect();
    let text = lines.concat();
    assert!(text.len() > BLOCK);
    let vectors = read_all(&text).unwrap();
    assert_eq!(vectors.len(), 600_000);
    for (at, x) in numbers.step_by(9_973) {
        assert_eq!(vectors.get(&format!("w{at}")), Some(&[x, -x][..]));
    }
    let broken = text.replacen("w590000 590000", "w590000 x", 1);
    assert_eq!(
        read_all(&broken),
        Err(vec!["v.txt:590001: expected a finite number, found \"x\"".into()])
    );
}

#[test]
fn all_faults_are_found_each_with_its_line() {
    let text =
        "a 1 2\nb 1\nc 1 x\n<<<<<<< HEAD\nd 1 nan\n=======\ne 1 inf\n>>>>>>> other\nf 1 2 3\n";
    let expected = [
        "v.txt:2: expected 2 values after the word, found 1",
        "v.txt:3: expected a finite number, found \"x\"",
        "v.txt:4: expected a word and its vector, found a marker of a merge conflict; resolve the conflict",
        "v.txt:5: expected a finite number, found \"nan\"",
        "v.txt:6: expected a word and its vector, found a marker of a merge conflict; resolve the conflict",
        "v.txt:7: expected a finite number, found \"inf\"",
        "v.txt:8: expected a word and its vector, found a marker of a merge conflict; resolve the conflict",
        "v.txt:9: expected 2 values after the word, found 3",
    ];
    assert_eq!(read_all(text).unwrap_err(), expected);
}

#[test]
fn a_file_of_another_kind_or_dimension_has_one_fault() {
    for (text, fault) in [
        (
            &b"a 1 2 3\nb 1 2 3\n"[..],
            "v.txt:1: expected vectors of dimension 2, found 3; set the encoder's `width` to 3",
        ),
        (
            b"5 3\na 1 2 3\n",
            "v.txt:1: expected vectors of dimension 2, found 3; set the encoder's `width` to 3",
        ),
        (
            b"3 2\na 1 2\n",
            "v.txt:2: expected 3 vectors, as the first line says, found 1; the file may be truncated",
        ),
        (b"2 2\na \0\0\x80\x3f", &format!("v.txt:2: {TEXT}, found a byte 0")),
        (b"", &format!("v.txt:1: {TEXT}, found no vectors")),
        (b"a\xff 1 2\n", "v.txt:1: expected UTF-8, found other bytes; save the vectors as UTF-8"),
    ] {
        assert_eq!(read_at_most(text, 2, usize::MAX), Err(vec![fault.to_owned()]));
    }
}

#[test]
fn the_digest_is_that_of_the_file() {
    let text = "a 1 2\nb 3 4\n";
    assert_eq!(read_all(text).unwrap().digest(), crate::data::digest::digest(text.as_bytes()));
}

#[test]
fn the_digest_is_that_of_the_lines_used() {
    let text = b"a 1 2\nb 3 4\nc 5 6\n";
    let digest = |max| read_at_most(text, 2, max).unwrap().digest().to_owned();
    assert_eq!(digest(1), crate::data::digest::digest(b"a 1 2\n"));
    assert_eq!(digest(2), crate::data::digest::digest(b"a 1 2\nb 3 4\n"));
    assert_eq!(digest(9), crate::data::digest::digest(text));
}

#[test]
fn a_last_line_needs_no_newline_wherever_a_block_ends() {
    assert_eq!(read_all("a 1 2").unwrap().get("a"), Some(&[1.0, 2.0][..]));
    let line = "word 1.5 -2.5\n";
    for beyond in [-3, -1, 0, 1, 5] {
        let n = BLOCK.strict_add_signed(beyond);
        let mut text = line.repeat(n / line.len());
        // Zeros at the end of the last number fill the block up.
        text += "last 1 2";
        text.extend(
            std::iter::once('.').chain(std::iter::repeat_n('0', n.saturating_sub(text.len() + 1))),
        );
        let vectors = read_all(&text).unwrap();
        assert_eq!(vectors.get("last"), Some(&[1.0, 2.0][..]), "{beyond}");
    }
}

#[test]
fn a_word_has_no_separators_around_it_and_is_not_empty() {
    let vectors = read_all("the  0.1 0.2\n a 1 2\n").unwrap();
    assert_eq!(vectors.words().collect::<Vec<_>>(), ["the", "a"]);
    let fault = "v.txt:1: expected a word before the 2 values, found none";
    assert_eq!(read_all(" 0.1 0.2\n"), Err(vec![fault.to_owned()]));
}

#[test]
fn vectors_that_do_not_fit_into_memory_are_refused_before_they_are_read() {
    let text = "a 1 2\n".repeat(1000);
    let (name, contents) = (&"v.txt".into(), text.as_bytes());
    let len = Some(text.len() as u64);
    let read_within =
        |memory| read(VectorFile { name, contents, len, memory: Some(memory) }, 2, usize::MAX);
    assert_eq!(read_within(1 << 20).unwrap().len(), 1);
    let fault = read_within(1 << 10).unwrap_err()[0].to_string();
    assert!(fault.ends_with("set `max_vectors` to at most 11"), "{fault}");
}
