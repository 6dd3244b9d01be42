//! Property tests: readers accept any bytes, and writing changes only predictions.

mod structures;

use proptest::prelude::*;

use super::{
    Labels,
    lines::lines,
    testing::{Reading, Setting},
};

/// Bytes with enough structure to be a valid file now and then.
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
    let encoding = prop_oneof![Just("utf-8"), Just("latin-1"), Just("cp1252")];
    (any::<bool>(), separator, encoding).prop_map(|(is_columns, separator, encoding)| {
        let setting = if is_columns {
            Setting::columns(&["form", "pos"]).say("strip_prefix", "a")
        } else {
            Setting::new("conllu")
        };
        setting.say("separator", separator).say("encoding", encoding)
    })
}

fn golds() -> impl Strategy<Value = Labels> {
    prop_oneof![Just(Labels::Required), Just(Labels::Absent)]
}

proptest! {
    #[test]
    fn readers_accept_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..256),
        setting in prop_oneof![settings(), tables(), objects(), Just(Setting::new("document")), Just(Setting::new("audio")), Just(Setting::new("frames"))],
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        let _ = setting.find_labels(&String::from_utf8_lossy(&bytes), &[("label", "1"), ("pos", "N")]);
        setting.write(&reading, "pos", "X");
    }

    #[test]
    fn written_files_differ_in_predictions_only(
        bytes in soup(),
        setting in settings(),
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        let written = setting.write(&reading, "upos", "?!");
        let examples = &reading.read.split.examples;
        let tokens: Vec<u32> = examples.iter().flat_map(crate::data::Example::lines).collect();
        prop_assert!(tokens.is_sorted_by(|a, b| a < b));
        let is_columns = reading.corpus.fields.len() == 2;
        prop_assert_eq!(lines(&written).count(), lines(&bytes).count());
        let mut done = (0, 0);
        for (old, new) in lines(&bytes).zip(lines(&written)) {
            // The end of the previous line, and a byte order mark.
            prop_assert_eq!(&bytes[done.0..old.start], &written[done.1..new.start]);
            done = (old.end(), new.end());
            let is_token = tokens.binary_search(&old.number).is_ok();
            if is_columns {
                let (rest, label) = new.bytes.split_at(old.bytes.len());
                prop_assert_eq!(rest, old.bytes);
                let fits = match label {
                    b"" => old.is_blank(),
                    b"\t?!" | b" ?!" => is_token,
                    _ => !is_token && (label.ends_with(b"O") || label.ends_with(b"_")),
                };
                prop_assert!(fits, "line {}", old.number);
            } else if !is_token {
                prop_assert!(old.bytes == new.bytes || new.bytes.windows(3).any(|cell| cell == b"\t_\t"));
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

/// Bytes that are lines of a table, or objects, now and then.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        8 => Just(b"1\ta b\n".to_vec()),
        4 => Just(b"0 c d\r\n".to_vec()),
        4 => Just(b"1,\"a, \"\"b\"\"\"\n".to_vec()),
        2 => Just(b"0,\"c\r\n\n d\"\n".to_vec()),
        4 => Just(b"{\"text\": \"a b\", \"label\": 1}\n".to_vec()),
        2 => Just(b"{\"text\": [\"a\"], \"pos\": [\"N\"]} \r\n".to_vec()),
        2 => Just(b"\ta\n".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"label\ttext\n".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        1 => Just("é\u{a0}\u{85}".into()),
        1 => prop_oneof![Just(b"\t"), Just(b","), Just(b"\""), Just(b"}"), Just(b"\xe9")]
            .prop_map(|byte| byte.to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn tables() -> impl Strategy<Value = Setting> {
    let separator = prop_oneof![Just("auto"), Just("tab"), Just("comma"), Just("space")];
    let header = prop_oneof![Just("none"), Just("skip")];
    let encoding = prop_oneof![Just("utf-8"), Just("latin-1"), Just("cp1252")];
    let tokens = prop_oneof![Just("space"), Just("words")];
    let options = (separator, header, encoding, tokens, any::<bool>());
    options.prop_map(|(separator, header, encoding, tokens, has_numbers)| {
        let setting = Setting::table(&["label", "text"]).say("separator", separator);
        let setting = if has_numbers { setting.list("numbers", &["label"]) } else { setting };
        setting.say("header", header).say("encoding", encoding).say("tokens", tokens)
    })
}

fn objects() -> impl Strategy<Value = Setting> {
    let tokens = prop_oneof![Just("space"), Just("words")];
    tokens.prop_map(|tokens| {
        let setting = Setting::new("jsonl").list("tags", &["pos"]).list("labels", &["label"]);
        setting.say("tokens", tokens)
    })
}

/// The lines of the examples, one each.
fn example_lines(reading: &Reading) -> Vec<u32> {
    reading.read.split.examples.iter().map(|example| example.line).collect()
}

fn fault_lines(reading: &Reading) -> Vec<u32> {
    reading.read.faults.iter().map(|fault| fault.line).collect()
}

proptest! {
    #[test]
    fn every_fault_names_its_line(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..256), texts()],
        setting in prop_oneof![tables(), objects()],
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        let mut reported = fault_lines(&reading);
        prop_assert!(reported.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(reported.len() as u64, reading.read.n_faulty);
        for example in &reading.read.split.examples {
            prop_assert!(example.lines().all(|line| line == example.line));
            prop_assert_eq!(example.symbols(0).unwrap().len(), example.len());
        }
        // Every line is an example, faulty or empty.
        reported.extend(example_lines(&reading));
        reported.sort_unstable();
        prop_assert!(reported.is_sorted_by(|a, b| a < b));
        let inner: Vec<u32> = if setting.is_table() {
            let ends = setting.record_ends(&bytes, gold);
            ends.into_iter().flat_map(|(first, last)| first + 1..=last).collect()
        } else {
            Vec::new()
        };
        let is_own = |number| !inner.contains(&number);
        let after_header = lines(&bytes).skip_while(|line| line.bytes.is_empty()).skip(1);
        let own = after_header.filter(|line| !line.is_blank() && is_own(line.number));
        for line in own {
            prop_assert!(reported.contains(&line.number), "{} is passed over", line.number);
        }
    }

    #[test]
    fn a_table_grows_by_a_column(
        bytes in texts(),
        setting in tables(),
        gold in golds(),
    ) {
        let reading = setting.read_as(&bytes, gold);
        let written = setting.write_each(&reading, "label", |_| vec!["?!".into()]);
        let ends = setting.record_ends(&bytes, gold);
        let at: Vec<u32> = example_lines(&reading).iter().map(|line| ends[line]).collect();
        prop_assert_eq!(lines(&written).count(), lines(&bytes).count());
        let first = lines(&bytes).find(|line| !line.bytes.is_empty()).map(|line| line.number);
        for (old, new) in lines(&bytes).zip(lines(&written)) {
            let rest = new.bytes.strip_prefix(old.bytes);
            let is_example = at.binary_search(&old.number).is_ok();
            let grew = rest.is_some_and(|rest| match rest {
                // Within a record of several lines, or empty.
                b"" => old.bytes.is_empty() || !ends.values().any(|end| *end == old.number),
                b"\t?!" | b",?!" | b" ?!" => is_example,
                b"\t" | b"," | b" " => !is_example,
                rest => {
                    first.is_some_and(|first| ends.get(&first) == Some(&old.number))
                        && rest.ends_with(b"predicted_label")
                }
            });
            prop_assert!(grew, "line {}", old.number);
        }
    }

    #[test]
    fn an_object_with_an_added_key_can_be_read_again(bytes in texts(), setting in objects()) {
        let reading = setting.read(&bytes);
        let written = setting.write_each(&reading, "label", |_| vec!["?!".into()]);
        let again = setting.clone().list("labels", &["label", "predicted"]).read(&written);
        prop_assert_eq!(fault_lines(&again), fault_lines(&reading));
        let wanted: Vec<_> = reading.shown().iter().map(|one| format!("{one} – ?!")).collect();
        prop_assert_eq!(again.shown(), wanted);
        let without = String::from_utf8_lossy(&written).replace(", \"predicted\": \"?!\"", "");
        prop_assert_eq!(without, String::from_utf8_lossy(&bytes));
    }
    #[test]
    fn line_aligned_files_have_a_prediction_for_each_line(
        words in texts(),
        tags in texts(),
        labels in texts(),
        encoding in prop_oneof![Just("utf-8"), Just("latin-1")],
        is_aligned in any::<bool>(),
    ) {
        let setting = Setting::new("parallel").list("fields", &["label", "words", "tags"]);
        let setting = setting.list("tags", &["tags"]).list("labels", &["label"]).say("encoding", encoding);
        let (tags, labels) = if is_aligned { (words.clone(), words.clone()) } else { (tags, labels) };
        let files: [(&str, &[u8]); 3] = [("label", &labels), ("words", &words), ("tags", &tags)];
        let reading = setting.read_files(&files, Labels::Required);
        let n = lines(&words).count();
        prop_assert!(!is_aligned || !reading.read.is_unusable);
        // Only blank lines may be missing from a file.
        let n_in_each = files.iter().map(|(_, bytes)| lines(bytes).count()).min().unwrap_or_default();
        let has_more = |(_, bytes): &(&str, &[u8])| {
            lines(bytes).skip(n_in_each).any(|line| !line.is_blank())
        };
        prop_assert_eq!(reading.read.is_unusable, files.iter().any(has_more));
        prop_assert!(reading.read.split.examples.is_sorted_by(|a, b| a.line < b.line));
        let bare = setting.read_files(&files[1..2], Labels::Absent);
        let written = setting.write_each(&bare, "label", |_| vec!["?!".into()]);
        prop_assert_eq!(lines(&written).count(), n);
    }
}
