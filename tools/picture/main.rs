//! Takes a picture of the desk: `picture [OPTION].. [-- ARGUMENT..]`, from the root of the repository.
//!
//! It starts the built program on a real run in a pseudo-terminal, does what a script says, and writes
//! the screen as SVG. But for the run itself nothing differs from one picture to the next.

mod palette;
#[cfg(feature = "png")]
mod png;
mod program;
mod script;
mod shapes;
mod svg;

use std::{
    fs,
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::{self, ExitCode},
};

use program::{Program, Start};

const USAGE: &str = "\
usage: picture [OPTION].. [-- ARGUMENT..]

  --size 120x40                 columns and rows
  --out docs/desk.svg           where the picture goes
  --png FILE                    and as PNG; needs --features png
  --font FILE                   the PNG's font; DejaVu Sans Mono where none is named
  --program target/release/auxdesk
  --script TEXT                 what is done before: @STEP ~TEXT \"typed\" KEY KEY*TIMES

The program is given the arguments, or `train chunking`.";

/// What is trained where nothing else is asked for.
const ARGUMENTS: &[&str] = &["train", "chunking"];

/// Some passes with rougher curves; the language model is turned down, then the parts of speech up, and
/// why is noted.
const SCRIPT: &str =
    "@300 [ 3 shift-left*2 @520 2 shift-right @680 n \"chunks still gain from pos\" enter @760 1";

struct Options {
    size: (NonZeroU16, NonZeroU16),
    out: PathBuf,
    png: Option<PathBuf>,
    font: Option<PathBuf>,
    program: String,
    script: String,
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "--help" || first == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match read(arguments) {
        Ok(options) => options,
        Err(fault) => {
            eprintln!("{fault}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match take(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut given: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        size: size("120x40")?,
        out: "docs/desk.svg".into(),
        png: None,
        font: None,
        program: "target/release/auxdesk".to_owned(),
        script: SCRIPT.to_owned(),
        arguments: ARGUMENTS.iter().map(|word| (*word).to_owned()).collect(),
    };
    while let Some(option) = given.next() {
        if option == "--" {
            options.arguments = given.by_ref().collect();
            break;
        }
        let mut value = || given.next().ok_or_else(|| format!("{option} needs a value"));
        match option.as_str() {
            "--size" => options.size = size(&value()?)?,
            "--out" => options.out = value()?.into(),
            "--png" => options.png = Some(value()?.into()),
            "--font" => options.font = Some(value()?.into()),
            "--program" => options.program = value()?,
            "--script" => options.script = value()?,
            _ => return Err(format!("no option {option:?}")),
        }
    }
    if options.png.is_some() && cfg!(not(feature = "png")) {
        return Err("--png: this was built without PNG; add --features png".to_owned());
    }
    Ok(options)
}

/// Columns and rows: `120x40`.
fn size(text: &str) -> Result<(NonZeroU16, NonZeroU16), String> {
    let numbers = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    numbers.ok_or_else(|| format!("expected columns and rows, as in 120x40, found {text:?}"))
}

fn take(options: &Options) -> Result<(), String> {
    let script = script::parse(&options.script)?;
    let program = fs::canonicalize(&options.program).map_err(|error| {
        let hint = "build it with `cargo build --release`, or name one with --program";
        format!("{}: {error}; {hint}", options.program)
    })?;
    let scratch = Scratch::new()?;
    let mut arguments = options.arguments.clone();
    if arguments.first().is_some_and(|verb| verb == "train")
        && arguments.iter().all(|argument| argument != "--run")
    {
        arguments.extend(["--run".to_owned(), scratch.inside("run")]);
    }
    // Where nobody has keys or themes of their own.
    let config = scratch.inside("config");
    // Where the tour of the first start is over.
    let state = scratch.inside("state");
    let over = Path::new(&state).join("auxdesk");
    let written = fs::create_dir_all(&over).and_then(|()| fs::write(over.join("tour-ended"), ""));
    written.map_err(|error| format!("{}: {error}", over.display()))?;
    let svg = {
        let mut program = Program::start(&Start {
            program: program.as_os_str(),
            arguments: &arguments,
            variables: &[("XDG_CONFIG_HOME", &config), ("XDG_STATE_HOME", &state)],
            size: options.size,
        })?;
        for act in &script {
            program.act(act)?;
        }
        program.settle()?;
        svg::draw(
            program.screen(),
            "The desk of auxdesk: losses, faders, scores and gradients of a run",
        )
    };
    save(&options.out, svg.as_bytes())?;
    #[cfg(feature = "png")]
    if let Some(path) = &options.png {
        save(path, &png::draw(&svg, options.font.as_deref())?)?;
    }
    Ok(())
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let saved = folder.and_then(|()| fs::write(path, bytes));
    saved.map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("{}: {} KiB", path.display(), bytes.len().div_ceil(1024));
    Ok(())
}

/// A folder for the run, which nobody keeps.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("auxdesk-picture-{}", process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn inside(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options, String> {
        super::read(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn what_follows_two_dashes_is_the_programs() {
        let options = read(&["--size", "80x24", "--", "replay", "--size"]).unwrap();
        assert_eq!((options.size.0.get(), options.size.1.get()), (80, 24));
        assert_eq!(options.arguments, ["replay", "--size"]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let fault = |words: &[&str]| read(words).err().unwrap();
        assert_eq!(fault(&["--out"]), "--out needs a value");
        assert_eq!(fault(&["--tone", "x"]), "no option \"--tone\"");
        assert_eq!(
            fault(&["--size", "80x0"]),
            "expected columns and rows, as in 120x40, found \"80x0\""
        );
    }

    #[test]
    fn the_script_that_is_played_is_one() {
        assert!(script::parse(SCRIPT).is_ok());
    }
}
