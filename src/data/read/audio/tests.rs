use std::{f64::consts::TAU, fs, io::Cursor};

use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;
use serde::Deserialize;

use super::{
    super::{Source, SourceFolder, testing::Setting},
    mel::{LogMel, MelSettings},
    resample::Resample,
    wav::Recording,
    *,
};
use crate::data::{Lexicon, Prediction, prediction::ScoredText};

#[derive(Deserialize)]
struct Fixture {
    librosa: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    sample_rate: u32,
    window: usize,
    hop: usize,
    bands: usize,
    samples: Vec<i16>,
    frames: Vec<Vec<f32>>,
}

#[test]
fn log_mel_energies_equal_those_of_librosa() {
    let fixture = include_str!("../../../../tests/fixtures/audio/log_mel.json");
    let Fixture { librosa, cases } = serde_json::from_str(fixture).unwrap();
    assert_eq!((librosa.as_str(), cases.len()), ("0.11.0", 4));
    for Case { sample_rate, window, hop, bands, samples, frames } in cases {
        let samples: Vec<f32> =
            samples.into_iter().map(|sample| f32::from(sample) / 32768.0).collect();
        let found = LogMel::new(MelSettings { sample_rate, bands, window, hop }).frames(&samples);
        assert_eq!(found.len(), frames.len() * bands);
        for (found, wanted) in found.iter().zip(frames.iter().flatten()) {
            assert!((found - wanted).abs() < 1e-4, "{found} for {wanted} at {sample_rate} Hz");
        }
    }
}

fn wav(channels: u16, bits_per_sample: u16, samples: &[i32]) -> Vec<u8> {
    let spec =
        WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn float_wav(channels: u16, samples: &[f32]) -> Vec<u8> {
    let spec = WavSpec {
        channels,
        sample_rate: 8000,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

/// One channel of 16 bits, by hand: the samples 1, −2 and 3 at this rate.
fn by_hand(rate: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x2a\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data\x06\0\0\0\x01\0\xfe\xff\x03\0");
    bytes
}

fn decoded(bytes: &[u8]) -> Vec<f32> {
    Recording::decode(bytes).unwrap().part(&(0.0..f64::INFINITY)).unwrap().to_vec()
}

fn fault(bytes: &[u8]) -> String {
    match Recording::decode(bytes) {
        Err(why) => why,
        Ok(recording) => recording.part(&(0.0..f64::INFINITY)).unwrap_err(),
    }
}

#[test]
fn samples_of_all_widths_are_between_minus_one_and_one() {
    assert_eq!(decoded(&by_hand(8000)), [1.0, -2.0, 3.0].map(|sample| sample / 32768.0));
    for bits in [8, 16, 24, 32] {
        let half = 1 << (bits - 2);
        assert_eq!(
            decoded(&wav(1, bits, &[half, -2 * half, half / 2])),
            [0.5, -1.0, 0.25],
            "{bits}"
        );
    }
    assert_eq!(decoded(&float_wav(1, &[0.5, -1.5])), [0.5, -1.5]);
}

#[test]
fn the_channels_of_a_recording_are_averaged() {
    assert_eq!(decoded(&wav(2, 16, &[16384, 8192, -16384, 0])), [0.375, -0.25]);
    assert_eq!(decoded(&float_wav(2, &[1.0, 0.0, 0.5, 0.5])), [0.5, 0.5]);
}

#[test]
fn a_part_is_given_by_seconds_and_ends_with_the_recording() {
    let recording = Recording::decode(&wav(1, 16, &[1, 2, 3, 4])).unwrap();
    let part = |seconds| recording.part(&seconds).unwrap().iter().map(|x| x * 32768.0).sum::<f32>();
    assert_eq!(part(0.000_125..0.000_375), 5.0);
    assert_eq!(part(0.000_25..9.0), 7.0);
    let why = recording.part(&(0.5..1.0)).unwrap_err();
    let wanted = "expected a part of the recording, which is 0.001 s long, found one that starts at 0.5 s and has no \
                  sample";
    assert_eq!(why, wanted);
    assert!(recording.part(&(0.0..0.0)).is_err());
}

#[test]
fn a_header_that_promises_more_than_there_is_is_refused_before_anything_is_decoded() {
    let mut bytes = by_hand(8000);
    bytes[40..44].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let wanted = "expected 2147483640 samples in each channel, as the header says, found 3 at most; the file is \
                  truncated, or its header is wrong";
    assert_eq!(fault(&bytes), wanted);
    let whole = wav(2, 24, &[5; 40]);
    let why = fault(&whole[..whole.len() - 7]);
    assert!(
        why.starts_with("expected 20 samples in each channel, as the header says, found 18"),
        "{why}"
    );
    assert_eq!(fault(&whole[..20]), "expected a whole WAV file, found one that is truncated");
}

#[test]
fn what_is_no_sound_is_refused_with_its_kind() {
    assert_eq!(
        fault(b"\x1f\x8b\x08\0"),
        "expected a WAV file, found a gzip file; convert it to WAV"
    );
    assert_eq!(fault(b""), "expected a WAV file, found an empty file; convert it to WAV");
    assert_eq!(fault(b"fLaC\0"), "expected a WAV file, found a FLAC file; convert it to WAV");
    assert_eq!(fault(&wav(1, 16, &[0; 9])), "expected sound, found silence: every sample is 0");
    assert_eq!(fault(&wav(1, 16, &[])), "expected samples, found none: the recording is empty");
    let why = "expected finite samples, found one that is not a number";
    assert_eq!(fault(&float_wav(1, &[0.5, f32::NAN])), why);
    assert_eq!(fault(&by_hand(7)), "expected a sample rate of 1000 to 384000 Hz, found 7 Hz");
    let mut coded = by_hand(8000);
    coded[20] = 6;
    let why = fault(&coded);
    assert!(why.starts_with("expected samples as integers of 8 to 32 bits or as floats"), "{why}");
}

/// Of amplitude 1.
fn sine(hz: f64, rate: u32, n: usize) -> Vec<f32> {
    let at = |t: usize| (TAU * hz * t as f64 / f64::from(rate)).sin() as f32;
    (0..n).map(at).collect()
}

/// The amplitude of a frequency in whole periods of it, its delay in samples, and the most of what else there is.
fn fitted(samples: &[f32], hz: f64, rate: u32) -> (f64, f64, f64) {
    let turn = TAU * hz / f64::from(rate);
    let part = |of: fn(f64) -> f64| {
        let products = samples.iter().enumerate().map(|(t, x)| f64::from(*x) * of(turn * t as f64));
        2.0 * products.sum::<f64>() / samples.len() as f64
    };
    let (sine, cosine) = (part(f64::sin), part(f64::cos));
    let rest = samples.iter().enumerate().map(|(t, x)| {
        let (s, c) = (turn * t as f64).sin_cos();
        (f64::from(*x) - sine * s - cosine * c).abs()
    });
    (sine.hypot(cosine), (-cosine).atan2(sine) / turn, rest.fold(0.0, f64::max))
}

/// A sine below half of the lower rate stays what it is, and one above vanishes.
#[test]
fn a_resampled_sine_is_the_sine_at_the_other_rate() {
    for (from, to) in [(44_100, 16_000), (8_000, 16_000), (16_000, 8_000), (48_000, 44_100)] {
        let mut resample = Resample::new(from, to).unwrap();
        let found = resample.resample(&sine(400.0, from, from as usize / 2)).unwrap();
        assert_eq!(found.len(), to as usize / 2, "{from} to {to}");
        // 40 periods, far from both ends.
        let inner = to as usize / 4..to as usize / 4 + to as usize / 10;
        let (amplitude, delay, rest) = fitted(&found[inner.clone()], 400.0, to);
        assert!(
            (amplitude - 1.0).abs() < 1e-3 && rest < 1e-3,
            "{from} to {to}: {amplitude} {rest}"
        );
        assert!(delay.abs() < 1.0, "{from} to {to}: {delay}");
        if to == 8_000 {
            let above = resample.resample(&sine(6_000.0, from, from as usize / 2)).unwrap();
            assert!(above[inner].iter().all(|x| x.abs() < 1e-3));
        }
    }
    let mut resample = Resample::new(44_100, 16_000).unwrap();
    assert_eq!(resample.resample(&[0.5]).unwrap().len(), 1);
}

/// A manifest in a folder of its own, with recordings.
fn manifest(lines: &str, files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let on_disk = SourceFolder::OnDisk(folder.path().to_owned());
    (folder, Source { folder: on_disk, ..Source::new("m.jsonl", lines.as_bytes()) })
}

/// 0.1 s of a tone.
fn tone() -> Vec<u8> {
    let sample = |t: i32| (f64::from(t) * 0.4).sin() * 9000.0;
    wav(1, 16, &(0..800).map(|t| sample(t) as i32).collect::<Vec<_>>())
}

fn setting() -> Setting {
    let setting = Setting::new("audio").count("sample_rate", 8000).count("bands", 4);
    setting.list("texts", &["text"]).list("labels", &["speaker"]).list("states", &["states"])
}

#[test]
fn an_object_names_a_recording_with_transcripts_and_the_states_of_its_frames() {
    let lines = "{\"audio\": \"a/x.wav\", \"text\": \"so it is\", \"speaker\": 7, \"states\": [[0, 0.015, \"s\"], \
                 [0.03, 0.1, \"o\"]]}\n\n{\"audio\": \"a/x.wav\", \"offset\": 0.05, \"duration\": 0.02}\n";
    let (_folder, source) = manifest(lines, &[("a/x.wav", tone())]);
    let reading = setting().read_source(source);
    assert_eq!(reading.faults(), [""; 0]);
    let [one, part] = reading.read.split.examples.as_slice() else { panic!() };
    // A frame is centred on every tenth millisecond, the last one on the end.
    assert_eq!((one.len(), one.line, part.len(), part.line), (11, 1, 3, 3));
    let Some(FieldValues::Frames { width: 4, numbers, .. }) = &one.fields[0] else { panic!() };
    assert_eq!(numbers.len(), 44);
    assert_eq!(one.fields[1], Some(FieldValues::Text("so it is".into())));
    assert_eq!(reading.structures("speaker"), ["7", "–"]);
    let states = |at| one.symbol_at(3, at).map(|symbol| reading.corpus.lexicons[3].get(symbol));
    assert_eq!([0, 1, 2, 3, 9].map(states), [Some("s"), Some("s"), None, Some("o"), Some("o")]);
    assert_eq!(states(10), None);
    assert_eq!(part.fields[1..], [None, None, None]);
}

#[test]
fn a_fault_names_the_line_and_the_recording() {
    let lines = [
        "{\"audio\": \"no.wav\"}",
        "{\"audio\": \"text.wav\"}",
        "{\"audio\": \"x.wav\", \"text\": \" \"}",
        "{\"audio\": 3}",
        "{\"adio\": \"x.wav\"}",
        "{\"audio\": \"x.wav\", \"states\": [[0.2, 0.1, \"s\"]]}",
        "{\"audio\": \"x.wav\", \"states\": [\"s\"]}",
        "{\"audio\": \"x.wav\", \"offset\": -1}",
        "{\"audio\": \"x.wav\", \"offset\": 1}",
        "[]",
    ];
    let files = [("x.wav", tone()), ("text.wav", b"a text".to_vec())];
    let (_folder, source) = manifest(&lines.join("\n"), &files);
    let faults = setting().read_source(source).faults();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    m.jsonl:1: no.wav: no such file
    m.jsonl:2: text.wav: expected a WAV file, found other data; convert it to WAV
    m.jsonl:3: the transcript (text) is empty; expected at least one character, or no key "text"
    m.jsonl:4: "audio" is a number, expected the path of a recording
    m.jsonl:5: no key "audio"; did you mean "adio"?
    m.jsonl:6: state 1 of "states" is from 0.2 to 0.1, expected one that starts at 0 or later and ends after its start
    m.jsonl:7: state 1 of "states" is "s", expected an array of [start, end, label] with times in seconds
    m.jsonl:8: "offset" is -1, expected a time in seconds, 0 or more
    m.jsonl:9: x.wav: expected a part of the recording, which is 0.100 s long, found one that starts at 1 s and has no sample
    m.jsonl:10: an array, expected an object
    "#);
}

#[test]
fn a_file_that_is_a_recording_is_an_example_whose_label_is_in_its_path() {
    let files = [("3_ann.wav", tone()), ("4_ann.wav", tone()), ("4_bob.wav", tone())];
    let (folder, _) = manifest("", &files);
    let pattern = folder.path().join("{digit}_*.wav");
    let corpus =
        Setting::new("audio").count("sample_rate", 8000).count("bands", 4).load(&[pattern]);
    let digit = corpus.field("digit").unwrap();
    let digits: Vec<_> = corpus
        .train
        .examples
        .iter()
        .map(|example| {
            let label = example.label(digit).unwrap();
            (corpus.lexicons[digit].get(label), example.len())
        })
        .collect();
    assert_eq!(digits, [("3", 11), ("4", 11), ("4", 11)]);
}

#[test]
fn a_file_is_a_text_or_a_recording_that_is_not_compressed() {
    assert_eq!(Audio.decode(tone()).unwrap(), tone());
    assert_eq!(Audio.decode(b"{}\n".to_vec()).unwrap(), b"{}\n");
    let why = Audio.decode(b"fLaC\0\0\0\x22\x10\0\x10\0\0\0".to_vec()).unwrap_err();
    assert!(why.ends_with("; a recording must be a WAV file that is not compressed"), "{why}");
}

#[test]
fn predictions_are_a_key_of_each_object() {
    let lines = "{\"audio\": \"x.wav\"}\n{\"audio\": \"no.wav\"}\n";
    let (_folder, source) = manifest(lines, &[("x.wav", tone())]);
    let reading = setting().read_source(source);
    let text = ScoredText { text: "so".to_owned(), score: -1.0 };
    let written = setting().write_predictions(
        &reading,
        "text",
        &Lexicon::default(),
        &[Prediction::Texts(vec![text])],
    );
    let written = String::from_utf8(written.unwrap()).unwrap();
    assert!(written.ends_with("\"predicted\": null}\n"), "{written}");
    assert!(written.lines().next().unwrap().contains("\"so\""), "{written}");
    let reading = setting().read(tone());
    let text = ScoredText { text: "so".to_owned(), score: -1.0 };
    let written = setting().write_predictions(
        &reading,
        "text",
        &Lexicon::default(),
        &[Prediction::Texts(vec![text])],
    );
    assert!(String::from_utf8(written.unwrap()).unwrap().starts_with("{\"predicted\": "));
}

#[test]
fn settings_that_leave_a_band_without_a_frequency_are_refused() {
    let faults = Setting::new("audio").count("sample_rate", 8000).count("bands", 400).check();
    let wanted = "has no frequency of the spectrum at 8000 Hz; lower `bands`, or raise `window`";
    assert!(faults.len() == 1 && faults[0].ends_with(wanted), "{faults:?}");
    assert_eq!(Setting::new("audio").check(), [""; 0]);
    let faults = Setting::new("audio").list("texts", &["offset", "audio"]).check();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_a_recording_or_a_fault(
        edits in prop::collection::vec((0_usize..60, any::<u8>()), 0..6),
        length in 0_usize..70,
        bits in prop::sample::select(vec![8_u16, 16, 24, 32]),
    ) {
        let mut bytes = wav(2, bits, &[5, -6, 7, 8]);
        for (at, byte) in edits {
            if let Some(there) = bytes.get_mut(at) {
                *there = byte;
            }
        }
        bytes.truncate(length.max(12));
        if let Ok(recording) = Recording::decode(&bytes) {
            let _ = recording.part(&(0.0..1.0));
        }
        let _ = setting().read(&bytes);
    }
}
