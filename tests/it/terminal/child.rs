//! A tiny desk on `tui::terminal`, run in a pseudo-terminal by the tests of that module: this test
//! program, started again with one test selected and a variable set. Without the variable that test
//! does nothing.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use auxdesk::tui::terminal::{self, Mouse, Suspended, Terminal, TerminalInput};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::Paragraph;
use signal_hook::{consts::SIGHUP, flag, iterator::Signals};

/// Set to a folder for the child's output other than its screen.
const FOLDER: &str = "AUXDESK_TEST_DESK";

/// The file in which the child's trainer counts while it works, with the number of frames drawn so
/// far.
pub(super) const TICKS: &str = "ticks";

/// The file with the CPU time that the child used while its terminal was gone.
pub(super) const GONE: &str = "gone";

static N_FRAMES: AtomicU64 = AtomicU64::new(0);

/// The exit code after the terminal is gone.
pub(super) const GONE_CODE: u32 = 7;

/// The child, started from this program.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let name = concat!(module_path!(), "::runs_a_desk_if_the_variable_is_set");
    let (_, name) = name.split_once("::").unwrap();
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env("RUST_BACKTRACE", "0");
    command
}

#[test]
fn runs_a_desk_if_the_variable_is_set() {
    if let Some(folder) = env::var_os(FOLDER) {
        let code = desk(&PathBuf::from(folder)).unwrap();
        let _ = writeln!(io::stdout(), "left with {code}");
        process::exit(code as i32);
    }
}

fn desk(folder: &Path) -> io::Result<u32> {
    // The hangup is to be noticed from the terminal itself.
    flag::register(SIGHUP, Arc::new(AtomicBool::new(false)))?;
    terminal::install_hook();
    train(folder.join(TICKS));
    end_on_sigterm()?;
    let mut desk = Terminal::enter(Mouse::Desk)?;
    let (mut note, mut n_keys, mut is_flooding) = ("hello".to_owned(), 0, false);
    loop {
        let size = desk.size();
        desk.draw(|frame| {
            let text = format!("{note}\nkeys {n_keys}\nsize {}x{}", size.width, size.height);
            frame.render_widget(Paragraph::new(text), frame.area());
            if is_flooding {
                let area = frame.area();
                // Every cell differs from the previous frame.
                let symbol = if frame.buffer_mut()[(0, 0)].symbol() == "h" { "x" } else { "y" };
                n_keys += 1;
                for place in area.positions() {
                    frame.buffer_mut()[place]
                        .set_symbol(symbol)
                        .set_fg(ratatui::style::Color::Indexed((n_keys % 200) as u8));
                }
            }
        });
        N_FRAMES.fetch_add(1, Relaxed);
        let wait = if is_flooding { Duration::ZERO } else { Duration::from_millis(50) };
        let mut input = desk.poll(wait);
        while let Some(some) = input {
            match some {
                TerminalInput::Key(KeyEvent { code: KeyCode::Char('z'), modifiers, .. })
                    if modifiers == KeyModifiers::CONTROL =>
                {
                    note = match desk.suspend() {
                        Suspended::Continued => "continued".to_owned(),
                        Suspended::NoJobControl => "not suspended".to_owned(),
                    };
                }
                TerminalInput::Key(key) => {
                    n_keys += 1;
                    match key.code {
                        KeyCode::Char('q') => {
                            desk.leave();
                            desk.leave();
                            return Ok(0);
                        }
                        KeyCode::Char('p') => panic!("the desk panics"),
                        KeyCode::Char('t') => {
                            trainer_panics();
                            "the trainer panicked".clone_into(&mut note);
                        }
                        KeyCode::Char('f') => is_flooding = true,
                        KeyCode::Esc => "esc".clone_into(&mut note),
                        _ => {}
                    }
                }
                TerminalInput::Paste(text) => note = format!("pasted {}", text.chars().count()),
                TerminalInput::Mouse(mouse) => {
                    note = format!("{:?} at {}", mouse.kind, mouse.column);
                }
                TerminalInput::Resize(_) => {}
                TerminalInput::Gone => {
                    let before = cpu_ticks();
                    for _ in 0..10 {
                        assert_eq!(desk.poll(Duration::from_millis(50)), Some(TerminalInput::Gone));
                    }
                    fs::write(folder.join(GONE), (cpu_ticks() - before).to_string())?;
                    return Ok(GONE_CODE);
                }
            }
            input = desk.poll(Duration::ZERO);
        }
    }
}

fn trainer_panics() {
    let trainer = thread::Builder::new().name("trainer".to_owned());
    let trainer = trainer.spawn(|| panic!("the trainer panics")).unwrap();
    assert!(trainer.join().is_err());
}

/// A computation that continues whatever happens to the screen.
fn train(ticks: PathBuf) {
    thread::spawn(move || {
        for n_ticks in 0_u64.. {
            let n_frames = N_FRAMES.load(Relaxed);
            fs::write(&ticks, format!("{n_ticks} {n_frames}\n")).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
    });
}

/// The program's behavior when a run has ended and the screen's thread has not.
fn end_on_sigterm() -> io::Result<()> {
    let mut signals = Signals::new([signal_hook::consts::SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            terminal::restore_now();
            process::exit(128 + signal);
        }
    });
    Ok(())
}

/// CPU time used so far, in hundredths of a second.
fn cpu_ticks() -> u64 {
    // 0 without /proc; the test that uses the result is then left out.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}
