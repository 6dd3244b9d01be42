//! Property tests: no bytes upset a reader, and writing back changes what it should and no more.

use proptest::prelude::*;

use super::{Gold, lines::lines, testing::Setting};

/// Bytes with enough structure in them to be a file now and then.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        8 => Just(b"a\tN\n".to_vec()),
        8 => Just(b"b N\r\n".to_vec()),
        8 => Just(b"1\tx\t_\tN\t_\t_\t0\troot\t_\t_\n".to_vec()),
        4 => Just(b"2\ty z\t_\tN\t_\t_\t0\troot\t_\t_\r\n".to_vec()),
        4 => Just(b"1-2\txy\t_\t_\t_\t_\t_\t_\t_\t_\n".to_vec()),
        4 => Just(b"\n".to_vec()),
        1 => Just(b"1.1\t".to_vec()),
        1 => Just(b"-DOCSTART- O\n".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        1 => Just(b"# \xe9\n".to_vec()),
        1 => Just("é\u{a0}\u{85}".into()),
        1 => Just(b"\t".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn settings() -> impl Strategy<Value = Setting> {
    let separator = prop_oneof![Just("auto"), Just("tab"), Just("space")];
    let encoding = prop_oneof![Just("utf-8"), Just("latin-1")];
    (any::<bool>(), separator, encoding).prop_map(|(is_columns, separator, encoding)| {
        let setting =
            if is_columns { Setting::columns(&["form", "pos"]) } else { Setting::new("conllu") };
        setting.say("separator", separator).say("encoding", encoding)
    })
}

fn golds() -> impl Strategy<Value = Gold> {
    prop_oneof![Just(Gold::Wanted), Just(Gold::Optional)]
}

proptest! {
    #[test]
    fn no_bytes_upset_a_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..256),
        setting in settings(),
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        setting.write(&reading, "pos", "X");
    }

    #[test]
    fn what_is_written_differs_in_the_predictions_alone(
        bytes in soup(),
        setting in settings(),
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        let written = setting.write(&reading, "upos", "?!");
        let examples = &reading.read.part.examples;
        let tokens: Vec<u32> = examples.iter().flat_map(|example| example.lines.clone()).collect();
        prop_assert!(tokens.is_sorted_by(|a, b| a < b));
        let is_columns = reading.corpus.fields.len() == 2;
        prop_assert_eq!(lines(&written).count(), lines(&bytes).count());
        let mut done = (0, 0);
        for (old, new) in lines(&bytes).zip(lines(&written)) {
            // The ending of the line before, and a byte order mark.
            prop_assert_eq!(&bytes[done.0..old.start], &written[done.1..new.start]);
            done = (old.end(), new.end());
            if tokens.binary_search(&old.number).is_err() {
                prop_assert_eq!(old.bytes, new.bytes);
            } else if is_columns {
                let (rest, label) = new.bytes.split_at(old.bytes.len());
                prop_assert_eq!(rest, old.bytes);
                prop_assert!(label == b"\t?!" || label == b" ?!");
            } else {
                let cells = |line: &[u8]| -> Vec<Vec<u8>> {
                    line.split(|&byte| byte == b'\t').map(<[u8]>::to_vec).collect()
                };
                let (mut old, new) = (cells(old.bytes), cells(new.bytes));
                old[3] = b"?!".to_vec();
                prop_assert_eq!(old, new);
            }
        }
        prop_assert_eq!(&bytes[done.0..], &written[done.1..]);
    }
}
