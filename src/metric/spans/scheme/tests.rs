//! Schemes: their rules, what a violation says, and round trips.

use super::*;

fn check(scheme: Scheme, tags: &str) -> Result<(), TagFault> {
    let tags: Vec<_> = tags.split(' ').collect();
    TagScheme::from(scheme).faults(&tags).into_iter().next().map_or(Ok(()), Err)
}

#[test]
fn every_scheme_has_its_rules() {
    let cases = [
        (Scheme::Iob1, "I-NP I-NP B-NP I-NP O I-VP I-NP", None),
        (Scheme::Iob1, "O B-NP", Some(1)),
        (Scheme::Iob1, "I-VP B-NP", Some(1)),
        (Scheme::Iob1, "B-NP", Some(0)),
        (Scheme::Iob2, "B-NP I-NP B-NP B-VP O", None),
        (Scheme::Iob2, "O I-NP", Some(1)),
        (Scheme::Iob2, "B-VP I-NP", Some(1)),
        (Scheme::Iob2, "I-NP", Some(0)),
        (Scheme::Iob2, "B-NP E-NP", Some(1)),
        (Scheme::Iobes, "B-NP I-NP E-NP S-NP O S-VP B-NP E-NP", None),
        (Scheme::Iobes, "B-NP O", Some(1)),
        (Scheme::Iobes, "B-NP S-NP", Some(1)),
        (Scheme::Iobes, "B-NP E-VP", Some(1)),
        (Scheme::Iobes, "S-NP E-NP", Some(1)),
        (Scheme::Iobes, "S-NP B-NP", Some(1)),
        (Scheme::Iobes, "E-NP", Some(0)),
        (Scheme::Iob2, "O X-NP", Some(1)),
        (Scheme::Iob2, "O-NP", Some(0)),
        (Scheme::Iob1, "NP", Some(0)),
    ];
    for (scheme, tags, fault) in cases {
        let found = check(scheme, tags).err().map(|fault| fault.idx);
        assert_eq!(found, fault, "{} {tags}", scheme.name());
    }
}

#[test]
fn a_fault_says_what_was_expected_and_found() {
    let said = |scheme, tags| check(scheme, tags).unwrap_err().to_string();
    assert_eq!(
        said(Scheme::Iob2, "O I-NP"),
        "expected B-NP after O, found I-NP (iob2: every span starts with B-)"
    );
    assert_eq!(
        said(Scheme::Iob1, "B-NP"),
        "expected I-NP at the start of the sentence, found B-NP \
         (iob1: B- only directly after a span of the same type)"
    );
    assert_eq!(
        said(Scheme::Iobes, "B-NP"),
        "expected E- or S- at the end of the sentence, found B-NP"
    );
    assert_eq!(
        said(Scheme::Iob2, "X-NP"),
        "expected an iob2 tag (O, B-TYPE or I-TYPE), found X-NP"
    );
}

fn split(tags: &str) -> Vec<&str> {
    tags.split(' ').collect()
}

#[test]
fn spans_round_trip_through_every_scheme_and_form() {
    let tags = split("I-NP I-NP B-NP O I-VP I-NP I-NP I-NP B-NP");
    let spans = TagScheme::from(Scheme::Iob1).spans(&tags);
    assert_eq!(TagScheme::from(Scheme::Iob1).encode(&spans, 9), tags);
    for (scheme, form, wanted) in [
        (Scheme::Iob2, TagForm::PrefixHyphen, "B-NP I-NP B-NP O B-VP B-NP I-NP I-NP B-NP"),
        (Scheme::Iobes, TagForm::PrefixHyphen, "B-NP E-NP S-NP O S-VP B-NP I-NP E-NP S-NP"),
        (Scheme::Bilou, TagForm::PrefixUnderscore, "B_NP L_NP U_NP O U_VP B_NP I_NP L_NP U_NP"),
        (Scheme::Bmes, TagForm::SuffixHyphen, "NP-B NP-E NP-S O VP-S NP-B NP-M NP-E NP-S"),
        (Scheme::Iob2, TagForm::SuffixUnderscore, "NP_B NP_I NP_B O VP_B NP_B NP_I NP_I NP_B"),
    ] {
        let scheme = TagScheme { scheme, form };
        let written = scheme.encode(&spans, 9);
        assert_eq!(written, split(wanted));
        assert_eq!(scheme.spans(&written), spans);
        assert_eq!(scheme.count_faults(&written), 0);
    }
    // io cannot tell two neighbours of one type apart.
    let io = TagScheme::from(Scheme::Io);
    assert_eq!(io.encode(&spans, 9), split("NP NP NP O VP NP NP NP NP"));
    let merged = io.spans(&split("NP NP NP O VP NP NP NP NP"));
    let places: Vec<_> = merged.iter().map(|span| (span.start, span.end)).collect();
    assert_eq!(places, [(0, 3), (4, 5), (5, 9)]);
}

#[test]
fn word_segmentation_has_letters_without_a_type() {
    let bmes = TagScheme::from(Scheme::Bmes);
    let tags = split("B M E S B E");
    assert_eq!(bmes.count_faults(&tags), 0);
    assert_eq!(bmes.encode(&bmes.spans(&tags), 6), tags);
    assert_eq!(bmes.faults(&split("B S"))[0].idx, 1);
}

#[test]
fn a_path_is_allowed_exactly_when_the_sequence_is_valid() {
    let letters = ["B", "I", "E", "S", "L", "U", "M", "Z"];
    for (&scheme, &form) in
        Scheme::ALL.iter().flat_map(|scheme| TagForm::ALL.iter().map(move |form| (scheme, form)))
    {
        let scheme = TagScheme { scheme, form };
        let tags = ["X", "Y"].map(|kind| letters.map(|letter| form.join(letter, kind)));
        let tags: Vec<&str> = tags.as_flattened().iter().map(String::as_str).chain(["O"]).collect();
        for (first, second) in tags.iter().flat_map(|a| tags.iter().map(move |b| (*a, *b))) {
            let path = scheme.allowed(None, Some(first))
                && scheme.allowed(Some(first), Some(second))
                && scheme.allowed(Some(second), None);
            let valid = scheme.count_faults(&[first, second]) == 0;
            assert_eq!(path, valid, "{} {first} {second}", scheme.scheme.name());
        }
    }
}

#[test]
fn every_name_finds_its_scheme() {
    for name in Scheme::NAMES {
        assert_eq!(Scheme::find(name).map(Scheme::name), Some(*name));
    }
    assert_eq!(Scheme::find("bioul"), None);
}

#[test]
fn a_corpus_of_another_scheme_is_recognized_and_a_few_violations_are_not() {
    let repeat =
        |tags: &'static str, n| vec![tags.split(' ').map(Some).collect::<Vec<Option<&str>>>(); n];
    let recognize = |scheme: Scheme, tags, n| {
        let sentences = repeat(tags, n);
        let sentences: Vec<_> = sentences.iter().map(Vec::as_slice).collect();
        let found = TagScheme::from(scheme).recognize(&sentences);
        found.map(|found| (found.scheme, found.form))
    };
    let usual = TagForm::PrefixHyphen;
    let iob1 = "I-PER I-PER O I-LOC";
    assert_eq!(recognize(Scheme::Iob2, iob1, 5), Some((Scheme::Iob1, usual)));
    assert_eq!(recognize(Scheme::Iob2, iob1, 4), None, "nine violations may be mistakes");
    assert_eq!(recognize(Scheme::Iob1, "O B-PER I-PER O", 10), Some((Scheme::Iob2, usual)));
    assert_eq!(recognize(Scheme::Iob2, "B-X L-X O U-X", 10), Some((Scheme::Bilou, usual)));
    assert_eq!(
        recognize(Scheme::Iob2, "X-B X-I O", 10),
        Some((Scheme::Iob2, TagForm::SuffixHyphen))
    );
    assert_eq!(recognize(Scheme::Iob2, "O PER PER O O", 10), Some((Scheme::Io, usual)));
    assert_eq!(recognize(Scheme::Iob2, "NN VB IN", 10), None, "no tags of spans");
    let mut mostly = repeat("O I-PER", 10_000);
    mostly.extend(repeat("O B-MISC I-MISC", 30));
    let mostly: Vec<_> = mostly.iter().map(Vec::as_slice).collect();
    assert_eq!(TagScheme::from(Scheme::Iob1).recognize(&mostly), None);
}

#[test]
fn tags_beside_a_token_without_one_may_continue_any_span() {
    let faults = |scheme: Scheme, tags: &str| -> Vec<(usize, bool)> {
        let tags: Vec<_> = tags.split(' ').map(|tag| Some(tag).filter(|tag| *tag != "_")).collect();
        let scheme = TagScheme::from(scheme);
        let faults = scheme.faults_of_labelled(&tags);
        assert_eq!(scheme.count_faults_of_labelled(&tags), faults.len() as u64);
        faults.iter().map(|fault| (fault.idx, fault.is_unknown)).collect()
    };
    assert_eq!(faults(Scheme::Iob2, "_ I-PER _ I-LOC"), []);
    assert_eq!(faults(Scheme::Iob2, "_ X-PER _"), [(1, true)]);
    assert_eq!(faults(Scheme::Iob2, "I-PER _ O I-PER"), [(0, false), (3, false)]);
    assert_eq!(faults(Scheme::Iobes, "B-PER _ E-PER _"), []);
    assert_eq!(faults(Scheme::Iobes, "_ B-PER"), [(1, false)]);
    assert_eq!(faults(Scheme::Iobes, "B-PER _"), []);
    assert_eq!(faults(Scheme::Iob2, "_ _"), []);
}

#[test]
fn every_fault_of_a_sentence_is_found_and_a_mistake_is_one_fault() {
    let places = |tags: &[&str]| -> Vec<usize> {
        TagScheme::from(Scheme::Iob2).faults(tags).iter().map(|fault| fault.idx).collect()
    };
    assert_eq!(places(&["O", "QQ", "I-NP", "O", "I-VP", "ZZ"]), [1, 4, 5]);
    assert!(places(&["B-NP", "I-NP", "O"]).is_empty());
}
