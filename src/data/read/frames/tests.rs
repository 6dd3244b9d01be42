use std::{collections::HashMap, fs};

use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use serde::Deserialize;

use super::{
    super::{Source, SourceFolder, jsonl::ReadFrames, testing::Setting},
    array::{Element, frames},
    resize::{Target, resized},
    *,
};
use crate::data::{FieldValues, Lexicon, PictureSize, Prediction, prediction::ScoredText};

fn size(height: usize, width: usize, channels: usize) -> PictureSize {
    PictureSize { height, width, channels }
}

#[derive(Deserialize)]
struct Fixture {
    numpy: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    shape: Vec<usize>,
    bytes: String,
    numbers: Vec<f32>,
}

fn fixture() -> Vec<(Case, Vec<u8>)> {
    let fixture = include_str!("../../../../tests/fixtures/frames/npy.json");
    let Fixture { numpy, cases } = serde_json::from_str(fixture).unwrap();
    assert_eq!((numpy.as_str(), cases.len()), ("2.4.6", 5));
    let bytes = |case: Case| {
        let byte = |at: usize| u8::from_str_radix(&case.bytes[at..at + 2], 16).unwrap();
        let bytes = (0..case.bytes.len()).step_by(2).map(byte).collect();
        (case, bytes)
    };
    cases.into_iter().map(bytes).collect()
}

#[test]
fn arrays_of_numpy_are_read_as_it_wrote_them() {
    for (Case { shape, numbers, .. }, bytes) in fixture() {
        let found = npy::read(&bytes).unwrap();
        let picture = match shape[1..] {
            [_] => None,
            [height, width] => Some(size(height, width, 1)),
            _ => Some(size(shape[1], shape[2], shape[3])),
        };
        assert_eq!((found.picture, found.n_frames()), (picture, shape[0]), "{shape:?}");
        assert_eq!(found.numbers.len(), numbers.len());
        let is_near = |(x, wanted): (&f32, &f32)| (x - wanted).abs() <= f32::EPSILON * wanted.abs();
        assert!(found.numbers.iter().zip(&numbers).all(is_near), "{:?}", found.numbers);
    }
}

/// A NumPy array of format 1.0 with this header.
fn npy_of(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

#[test]
fn an_array_that_is_not_what_it_says_is_refused() {
    let floats = |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let two = floats(&[1.0, 2.0]);
    assert_eq!(npy::read(&npy_of(&header("<f4", "(1, 2)"), &two)).unwrap().numbers, [1.0, 2.0]);
    let huge = "(4294967296, 4294967296, 4294967296)";
    let mut long = npy_of(&header("<f4", "(1, 2)"), &two);
    long[6..12].copy_from_slice(&[2, 0, 0xff, 0xff, 0xff, 0xff]);
    let mut other_version = npy_of(&header("<f4", "(1, 2)"), &two);
    other_version[6] = 4;
    let fortran = header("<f4", "(1, 2)").replace("False", "True");
    let twice = header("<f4", "(1, 2)").replace("'fortran_order': False", "'descr': '<f4'");
    let faults = [
        npy_of(&header("<f4", "(1, 3)"), &two),
        npy_of(&header("<f4", "(1, 1)"), &two),
        npy_of(&header("<f8", huge), &two),
        npy_of(&header("<f4", "(1, 2)"), &floats(&[1.0, f32::NAN])),
        npy_of(&header("<f8", "(1, 2)"), &[1.0_f64, 1e300].map(f64::to_le_bytes).concat()),
        npy_of(&header(">f4", "(1, 2)"), &two),
        npy_of(&header("<i8", "(1, 1)"), &two),
        npy_of(&header("<f4", "(2,)"), &two),
        npy_of(&header("<f4", "()"), &two[..4]),
        npy_of(&header("<f4", "(0, 2)"), &[]),
        npy_of(&fortran, &two),
        npy_of(&twice, &two),
        npy_of("{'descr': '<f4', 'fortran_order': False}", &two),
        npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}, x", &two),
        npy_of(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 99999999999999999999)}",
            &two,
        ),
        long,
        other_version,
        b"\x93NUMPY".to_vec(),
        b"\x93NUMPY\x01\0\x09".to_vec(),
    ]
    .map(|bytes| npy::read(&bytes).unwrap_err());
    insta::assert_snapshot!(faults.join("\n"), @r#"
    expected 12 bytes of values, as the shape 1 × 3 says, found 8; the file is truncated, or its header is wrong
    expected 4 bytes of values, as the shape 1 × 1 says, found 8; the file is truncated, or its header is wrong
    expected more bytes than there can be of values, as the shape 4294967296 × 4294967296 × 4294967296 says, found 8; the file is truncated, or its header is wrong
    value 2 of frame 1 is NaN, expected a finite number
    value 2 of frame 1 is inf, expected a finite number
    expected float32, float64 or uint8 in little-endian order, found ">f4"; convert it with .astype("<f4")
    expected float32, float64 or uint8 in little-endian order, found "<i8"; convert it with .astype("<f4")
    expected frames × values, or pictures as frames × height × width × channels, found the shape 2
    expected frames × values, or pictures as frames × height × width × channels, found a single number
    expected at least one number, found the shape 0 × 2
    expected an array in C order, found one in Fortran order; save numpy.ascontiguousarray(..) of it
    expected a NumPy array, found a faulty header
    expected a NumPy array, found a faulty header
    expected a NumPy array, found a faulty header
    expected a NumPy array, found a faulty header
    expected a whole NumPy array, found one that is truncated
    expected a NumPy array of format 1.0 to 3.0, found format 4.0
    expected a whole NumPy array, found one that is truncated
    expected a whole NumPy array, found one that is truncated
    "#);
}

/// A safetensors file of these tensors.
fn tensors_of(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
        })
        .collect();
    safetensors::serialize(views, None).unwrap()
}

/// A PNG picture.
fn png_of(
    color: png::ColorType,
    depth: png::BitDepth,
    (height, width): (u32, u32),
    samples: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette([0, 51, 255, 102, 0, 0].as_slice());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

fn gray(height: u32, width: u32, samples: &[u8]) -> Vec<u8> {
    png_of(png::ColorType::Grayscale, png::BitDepth::Eight, (height, width), samples)
}

#[test]
fn pictures_of_each_color_type_are_numbers_from_0_to_1() {
    use png::{BitDepth, ColorType};
    let eight = |color, samples: &[u8]| {
        let picture = png_of(color, BitDepth::Eight, (1, 2), samples);
        let found = pictures::decoded(&picture, None).unwrap();
        (found.picture, found.numbers)
    };
    assert_eq!(eight(ColorType::Grayscale, &[0, 51]), (Some(size(1, 2, 1)), vec![0.0, 0.2]));
    assert_eq!(
        eight(ColorType::Rgb, &[0, 51, 255, 102, 0, 0]),
        (Some(size(1, 2, 3)), vec![0.0, 0.2, 1.0, 0.4, 0.0, 0.0])
    );
    assert_eq!(
        eight(ColorType::Indexed, &[1, 0]),
        (Some(size(1, 2, 3)), vec![0.4, 0.0, 0.0, 0.0, 0.2, 1.0])
    );
    // What is transparent is white; of what is half so, half is.
    assert_eq!(
        eight(ColorType::Rgba, &[0, 51, 255, 255, 7, 8, 9, 0]),
        (Some(size(1, 2, 3)), vec![0.0, 0.2, 1.0, 1.0, 1.0, 1.0])
    );
    let (found, numbers) = eight(ColorType::GrayscaleAlpha, &[0, 51, 255, 51]);
    assert_eq!(found, Some(size(1, 2, 1)));
    assert!((numbers[0] - 0.8).abs() < 1e-6 && (numbers[1] - 1.0).abs() < 1e-6, "{numbers:?}");
    let bits = png_of(ColorType::Grayscale, BitDepth::One, (1, 3), &[0b1010_0000]);
    assert_eq!(pictures::decoded(&bits, None).unwrap().numbers, [1.0, 0.0, 1.0]);
    let sixteen = png_of(ColorType::Grayscale, BitDepth::Sixteen, (1, 1), &[51, 200]);
    assert_eq!(pictures::decoded(&sixteen, None).unwrap().numbers, [0.2]);
}

#[test]
fn a_picture_that_is_not_what_it_says_is_refused() {
    let whole = gray(9, 9, &[7; 81]);
    let with_size = |height: u32, width: u32| {
        let mut bytes = whole.clone();
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        bytes
    };
    let mut changed = whole.clone();
    changed[17] = 9;
    let faults = [
        whole[..whole.len() / 2].to_vec(),
        whole[..20].to_vec(),
        with_size(4000, 4000),
        with_size(u32::MAX >> 1, u32::MAX >> 1),
        with_size(0, 3),
        with_size(10, 9),
        changed,
        b"GIF89a".to_vec(),
        Vec::new(),
    ]
    .map(|bytes| pictures::decoded(&bytes, None).unwrap_err());
    insta::assert_snapshot!(faults.join("\n"), @r#"
    expected a whole PNG picture, found one that is truncated
    expected a whole PNG picture, found one that is truncated
    expected a picture of 4000 × 4000 pixels, as the header says, found 85 bytes, which cannot hold it; the file is truncated, or its header is wrong
    expected a picture that fits into memory, found a larger one; make it smaller
    expected a PNG picture, found a faulty one: Invalid image dimensions
    expected a PNG picture, found a faulty one: IDAT or fDAT chunk does not have enough data for image.
    expected a PNG picture, found a faulty one: CRC error: expected 0xc5fa59cc have 0x5853635d while decoding ChunkType { type: IHDR, critical: true, private: false, reserved: false, safecopy: false } chunk.
    expected a PNG picture, found other data; convert it to PNG
    expected a PNG picture, found other data; convert it to PNG
    "#);
}

/// The checksum of a chunk of PNG, CRC-32 bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), bit);
    !bytes.iter().fold(!0, byte)
}

fn pictures_of(size: PictureSize, numbers: Vec<f32>) -> ReadFrames {
    ReadFrames { width: size.n_values(), picture: Some(size), numbers }
}

#[test]
fn a_pixel_is_the_mean_of_the_area_that_it_covers() {
    let row = pictures_of(PictureSize { height: 1, width: 3, channels: 1 }, vec![1.0, 2.0, 6.0]);
    let of = |height, width| resized(row.clone(), Target { height, width }).unwrap().numbers;
    // The first of two covers one pixel and half of the next.
    assert_eq!(of(1, 2), [(1.0 + 0.5 * 2.0) / 1.5, (0.5 * 2.0 + 6.0) / 1.5]);
    assert_eq!(of(1, 1), [3.0]);
    assert_eq!(of(2, 3), [1.0, 2.0, 6.0, 1.0, 2.0, 6.0]);
    assert_eq!(of(1, 6), [1.0, 1.0, 2.0, 2.0, 6.0, 6.0]);
    // Two pictures of 2 × 2 pixels with two channels.
    let size = PictureSize { height: 2, width: 2, channels: 2 };
    let two = pictures_of(size, (0..16).map(|x| x as f32).collect());
    let found = resized(two, Target { height: 1, width: 1 }).unwrap();
    assert_eq!(found.numbers, [3.0, 4.0, 11.0, 12.0]);
    assert_eq!((found.picture, found.width), (Some(self::size(1, 1, 2)), 2));
    let vectors = ReadFrames { width: 2, picture: None, numbers: vec![0.0; 4] };
    let why = resized(vectors, Target { height: 1, width: 1 }).unwrap_err();
    assert!(why.ends_with("found vectors; remove both keys"), "{why}");
}

/// A manifest in a folder of its own, with other files.
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

fn setting() -> Setting {
    Setting::new("frames")
        .list("texts", &["caption", "seen"])
        .list("labels", &["agree"])
        .list("sets", &["shapes"])
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let clips = tensors_of(&[
        ("a", Dtype::U8, &[2, 3], &[0, 51, 102, 153, 204, 255]),
        ("b", Dtype::F32, &[1, 2], &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]),
        ("i", Dtype::I64, &[1, 1], &[0; 8]),
    ]);
    vec![
        ("clips.safetensors", clips),
        ("one.safetensors", tensors_of(&[("only", Dtype::U8, &[1, 1], &[255])])),
        ("v.npy", npy_of(&header("|u1", "(2, 2)"), &[0, 255, 51, 102])),
        ("clip/10.png", gray(1, 2, &[51, 51])),
        ("clip/9.png", gray(1, 2, &[0, 255])),
        ("wide.png", gray(1, 3, &[0, 0, 0])),
        ("colored.png", png_of(png::ColorType::Rgb, png::BitDepth::Eight, (1, 2), &[0; 6])),
        ("text.txt", b"a text".to_vec()),
        ("cut.npy", npy_of(&header("|u1", "(2, 2)"), &[0])),
        ("cut.safetensors", tensors_of(&[("only", Dtype::U8, &[1, 4], &[1; 4])])[..74].to_vec()),
        ("jpeg", b"\xff\xd8\xff\xe0".to_vec()),
    ]
}

#[test]
fn an_object_has_frames_with_texts_and_labels() {
    let lines = [
        "{\"frames\": [[1, 2], [3, 4], [5, 6]], \"caption\": \"a red b\", \"agree\": true, \"shapes\": [\"x\", \"y\"]}",
        "",
        "{\"frames\": \"clips.safetensors\", \"tensor\": \"a\", \"seen\": [\"red\", \"b\"], \"caption\": null}",
        "{\"frames\": \"clips.safetensors\", \"tensor\": \"b\"}",
        "{\"frames\": \"one.safetensors\"}",
        "{\"frames\": \"v.npy\"}",
        "{\"frames\": \"clip/*.png\"}",
        "{\"frames\": [\"clip/10.png\", \"clip/9.png\"]}",
        "{\"frames\": \"clip/9.png\"}",
    ];
    let (_folder, source) = manifest(&lines.join("\n"), &files());
    let reading = setting().read_source(source);
    assert_eq!(reading.faults(), [""; 0]);
    assert_eq!(reading.fields(), ["frames", "caption", "seen", "agree", "shapes"]);
    assert_eq!(reading.structures("caption")[..2], ["a red b", "–"]);
    assert_eq!(reading.structures("seen")[..2], ["–", "red b"]);
    assert_eq!(reading.structures("agree")[0], "true");
    let examples = &reading.read.split.examples;
    assert_eq!(
        examples.iter().map(|example| example.line).collect::<Vec<_>>(),
        [1, 3, 4, 5, 6, 7, 8, 9]
    );
    assert_eq!([0, 1, 2].map(|sequence| examples[0].len_of(sequence)), [3, 3, 0]);
    let found = |at: usize| match &examples[at].fields[0] {
        Some(FieldValues::Frames { width, picture, numbers }) => {
            assert_eq!(examples[at].len_of(0) * width, numbers.len());
            (*width, *picture, numbers.to_vec())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(found(0), (2, None, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(found(1), (3, None, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]));
    assert_eq!(found(2), (2, None, vec![1.0, 2.0]));
    assert_eq!(found(3), (1, None, vec![1.0]));
    assert_eq!(found(4), (2, None, vec![0.0, 1.0, 0.2, 0.4]));
    // 9 is before 10.
    assert_eq!(found(5), (2, Some(size(1, 2, 1)), vec![0.0, 1.0, 0.2, 0.2]));
    assert_eq!(found(6), (2, Some(size(1, 2, 1)), vec![0.2, 0.2, 0.0, 1.0]));
    assert_eq!(found(7), (2, Some(size(1, 2, 1)), vec![0.0, 1.0]));
    let smaller = setting().count("height", 1).count("width", 1);
    let (_folder, source) = manifest("{\"frames\": [\"clip/9.png\", \"wide.png\"]}", &files());
    let reading = smaller.read_source(source);
    let Some(FieldValues::Frames { numbers, .. }) = &reading.read.split.examples[0].fields[0]
    else {
        panic!("{:?}", reading.faults())
    };
    assert_eq!(numbers[..], [0.5, 0.0]);
}

#[test]
fn a_fault_names_the_line_and_the_file() {
    let lines = [
        "{\"frames\": \"no.npy\"}",
        "{\"frames\": \"no/*.png\"}",
        "{\"frames\": \"text.txt\"}",
        "{\"frames\": \"jpeg\"}",
        "{\"frames\": \"cut.npy\"}",
        "{\"frames\": \"cut.safetensors\"}",
        "{\"frames\": \"clips.safetensors\"}",
        "{\"frames\": \"clips.safetensors\", \"tensor\": \"aa\"}",
        "{\"frames\": \"clips.safetensors\", \"tensor\": \"i\"}",
        "{\"frames\": \"clips.safetensors\", \"tensor\": 3}",
        "{\"frames\": \"v.npy\", \"tensor\": \"a\"}",
        "{\"frames\": [[1]], \"tensor\": \"a\"}",
        "{\"frames\": [\"clip/9.png\", \"wide.png\"]}",
        "{\"frames\": [\"clip/9.png\", \"colored.png\"]}",
        "{\"frames\": [\"clip/9.png\", 3]}",
        "{\"frames\": [\"v.npy\"]}",
        "{\"frames\": [[1, 2], [3]]}",
        "{\"frames\": []}",
        "{\"frames\": [[1, 1e39]]}",
        "{\"frames\": 3}",
        "{\"frame\": [[1]]}",
        "{\"frames\": [[1]], \"caption\": \" \"}",
        "{\"frames\": [[1]], \"caption\": 3}",
        "[]",
    ];
    let (_folder, source) = manifest(&lines.join("\n"), &files());
    let reading = setting().read_source(source);
    assert_eq!(reading.read.n_faulty, 24);
    insta::assert_snapshot!(reading.faults().join("\n"), @r#"
    m.jsonl:1: no.npy: no such file
    m.jsonl:2: no/*.png: no such file
    m.jsonl:3: text.txt: expected a .npy, .safetensors or PNG file, found other data; convert it
    m.jsonl:4: jpeg: expected a .npy, .safetensors or PNG file, found a JPEG picture; convert it
    m.jsonl:5: cut.npy: expected 4 bytes of values, as the shape 2 × 2 says, found 1; the file is truncated, or its header is wrong
    m.jsonl:6: cut.safetensors: expected a safetensors file, found a faulty one: incomplete metadata, file not fully covered; the file is truncated, or its header is wrong
    m.jsonl:7: clips.safetensors: expected one tensor, found 3; name one by the key "tensor" of the object
    m.jsonl:8: clips.safetensors: no tensor "aa"; did you mean "a"?
    m.jsonl:9: clips.safetensors: tensor "i": expected numbers of type F32, F64 or U8, found I64; convert it
    m.jsonl:10: "tensor" is a number, expected the name of a tensor
    m.jsonl:11: v.npy: expected "tensor" with the path of a .safetensors file, found other frames; remove it
    m.jsonl:12: expected "tensor" with the path of a .safetensors file, found other frames; remove it
    m.jsonl:13: wide.png: expected height × width × channels of 1 × 2 × 1, as in clip/9.png, found 1 × 3 × 1; set `height` and `width` of the corpus, or convert the pictures to the same channels
    m.jsonl:14: colored.png: expected height × width × channels of 1 × 2 × 1, as in clip/9.png, found 1 × 2 × 3; set `height` and `width` of the corpus, or convert the pictures to the same channels
    m.jsonl:15: "frames" holds a number, expected the path of a PNG picture
    m.jsonl:16: v.npy: expected a PNG picture, found other data; convert it to PNG
    m.jsonl:17: frame 2 of "frames" has width 1, expected 2
    m.jsonl:18: "frames" has no frame, expected one at the least
    m.jsonl:19: "frames[1]" holds a number, expected a finite number
    m.jsonl:20: "frames" is a number, expected an array of vectors, or a path
    m.jsonl:21: no key "frames"; did you mean "frame"?
    m.jsonl:22: the text (caption) is empty; expected at least one token
    m.jsonl:23: "caption" is a number, expected a string or an array of tokens
    m.jsonl:24: an array, expected an object
    "#);
}

#[test]
fn a_manifest_names_each_file_of_its_frames() {
    let lines = "{\"frames\": [[1]]}\n{\"frames\": \"v.npy\"}\n{\"frames\": \"v.npy\"}\nno object\n{\"frames\": \
                 \"clip/*.png\"}\n{\"frames\": [\"a.png\", \"b.png\"]}\n{\"frames\": \"no/*.png\"}\n";
    let (_folder, source) = manifest(lines, &files());
    let named = Frames.named_files(&source, setting().values());
    assert_eq!(named, ["v.npy", "clip/9.png", "clip/10.png", "a.png", "b.png", "no/*.png"]);
}

#[test]
fn keys_that_do_not_go_together_are_refused() {
    assert_eq!(setting().check(), [""; 0]);
    let faults =
        Setting::new("frames").list("texts", &["frames"]).list("sets", &["tensor"]).check();
    assert_eq!(
        faults,
        [
            "two fields are named \"frames\"",
            "\"tensor\" is the key of a tensor's name; name the field otherwise"
        ]
    );
    let faults = Setting::new("frames").count("height", 3).check();
    assert_eq!(faults, ["expected `width` with it, found none; add it"]);
}

#[test]
fn predictions_are_a_key_of_each_object() {
    let lines = "{\"frames\": [[1]]}\n{\"frames\": \"no.npy\"}\n";
    let (_folder, source) = manifest(lines, &[]);
    let reading = setting().read_source(source);
    let text = ScoredText { text: "a red b".to_owned(), score: -1.0 };
    let predictions = [Prediction::Texts(vec![text])];
    let written =
        setting().write_predictions(&reading, "caption", &Lexicon::default(), &predictions);
    let written = String::from_utf8(written.unwrap()).unwrap();
    let wanted = "{\"frames\": [[1]], \"predicted\": [{\"score\":-1.0,\"text\":\"a red b\"}]}\n{\"frames\": \"no.npy\", \
                  \"predicted\": null}\n";
    assert_eq!(written, wanted);
}

proptest! {
    /// Any bytes in the place of some, or a part of a file: frames, or a fault.
    #[test]
    fn damaged_files_are_frames_or_a_fault(
        file in 0_usize..11,
        edits in prop::collection::vec((0_usize..120, any::<u8>()), 0..6),
        length in 0_usize..400,
    ) {
        let mut bytes = files()[file].1.clone();
        for (at, byte) in edits {
            if let Some(there) = bytes.get_mut(at) {
                *there = byte;
            }
        }
        bytes.truncate(length);
        let _ = npy::read(&bytes);
        let _ = pictures::decoded(&bytes, Some(Target { height: 2, width: 5 }));
        let lines = "{\"frames\": \"f\"}\n{\"frames\": \"f\", \"tensor\": \"only\"}";
        let (_folder, source) = manifest(lines, &[("f", bytes)]);
        let reading = setting().read_source(source);
        for example in &reading.read.split.examples {
            let Some(FieldValues::Frames { width, numbers, .. }) = &example.fields[0] else { panic!() };
            prop_assert_eq!(example.len() * width, numbers.len());
            prop_assert!(numbers.iter().all(|x| x.is_finite()));
        }
    }

    /// An array is frames only if its bytes are as many as its shape says.
    #[test]
    fn a_shape_is_compared_with_the_bytes(
        shape in prop::collection::vec(prop_oneof![0_usize..5, Just(usize::MAX), Just(1 << 33)], 0..6),
        n_bytes in 0_usize..70,
    ) {
        let bytes = vec![0; n_bytes];
        for (element, size) in [(Element::F32, 4), (Element::F64, 8), (Element::U8, 1)] {
            let n_wanted = shape.iter().try_fold(size, |n: usize, &x| n.checked_mul(x));
            let fits = (2..=4).contains(&shape.len()) && n_wanted == Some(n_bytes) && n_bytes > 0;
            prop_assert_eq!(frames(&shape, element, &bytes).is_ok(), fits, "{:?}", shape);
        }
    }

    /// The mean of a picture stays what it is, and so does a picture of one color.
    #[test]
    fn resizing_keeps_the_mean(
        (height, width) in (1_usize..7, 1_usize..7),
        (to_height, to_width) in (1_usize..9, 1_usize..9),
        seed in any::<u8>(),
    ) {
        let value = |at: usize| ((at * 37 + usize::from(seed)) % 17) as f32;
        let numbers: Vec<f32> = (0..height * width * 3).map(value).collect();
        let picture = pictures_of(PictureSize { height, width, channels: 3 }, numbers.clone());
        let target = Target { height: to_height, width: to_width };
        let found = resized(picture, target).unwrap();
        prop_assert_eq!(found.picture, Some(size(to_height, to_width, 3)));
        let mean = |numbers: &[f32], channel: usize| {
            let of_channel: Vec<f32> = numbers.iter().skip(channel).step_by(3).copied().collect();
            of_channel.iter().sum::<f32>() / of_channel.len() as f32
        };
        for channel in 0..3 {
            prop_assert!((mean(&found.numbers, channel) - mean(&numbers, channel)).abs() < 1e-4);
        }
        let plain = pictures_of(PictureSize { height, width, channels: 3 }, vec![0.7; height * width * 3]);
        prop_assert!(resized(plain, target).unwrap().numbers.iter().all(|x| (x - 0.7).abs() < 1e-6));
    }
}
