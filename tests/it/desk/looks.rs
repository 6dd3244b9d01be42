//! Colors and glyphs for the terminal, and the user's configuration.

use super::{Desk, SIZE, endless};
use crate::{
    pty::Ended,
    runs::{Here, finish},
};

/// The parameters of every escape sequence that sets a style.
fn styles(written: &str) -> Vec<u16> {
    let sequences = written.split("\x1b[").skip(1);
    let styles = sequences.filter_map(|text| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        text[end..].starts_with('m').then(|| &text[..end])
    });
    styles.flat_map(|style| style.split(';')).filter_map(|number| number.parse().ok()).collect()
}

/// Whether any of them is a color other than the terminal's own.
fn is_coloured(written: &str) -> bool {
    styles(written).iter().any(|number| matches!(number, 30..=38 | 40..=48 | 58 | 90..=107))
}

/// The output of a session from start to end.
fn session(variables: &[(&str, &str)], more: &[&str]) -> String {
    let here = Here::new();
    let mut train = endless(&here, more);
    let mut desk = Desk::open(&here, train.envs(variables.iter().copied()), SIZE);
    desk.is_live();
    desk.done_by("L");
    desk.pty.wait_for_text("1.250");
    desk.quit();
    desk.pty.written()
}

#[test]
fn the_desk_has_colors_unless_disabled() {
    assert!(is_coloured(&session(&[], &[])));
    let plain = session(&[("NO_COLOR", "1")], &[]);
    assert!(!is_coloured(&plain), "{:?}", styles(&plain));
    assert!(styles(&plain).contains(&1), "bold is no color");
    assert!(is_coloured(&session(&[("NO_COLOR", "1")], &["--color", "always"])));
    assert!(!is_coloured(&session(&[("CLICOLOR_FORCE", "1")], &["--color", "never"])));
}

#[test]
fn a_terminal_without_utf8_gets_ascii() {
    let written = session(&[("LANG", "C")], &[]);
    assert!(written.is_ascii());
    assert!(!session(&[], &[]).is_ascii());
    assert!(session(&[], &["--glyphs", "ascii"]).is_ascii());
}

#[test]
fn a_fault_in_the_users_file_is_reported_before_the_terminal_is_touched() {
    let here = Here::new();
    std::fs::create_dir_all(here.path("config/auxdesk")).unwrap();
    here.write("config/auxdesk/desk.toml", "[keys]\nmuet = \"x\"\n");
    for mut command in [endless(&here, &[]), here.auxdesk(["replay", "run"])] {
        if command.get_args().any(|word| word == "replay") {
            here.finished("run", 2, &[]);
        }
        let mut desk = Desk::open(&here, command.env("XDG_CONFIG_HOME", here.path("config")), SIZE);
        assert_eq!(desk.pty.wait(), Ended { code: Some(2), signal: None });
        desk.is_restored();
        let written = desk.pty.written();
        assert!(!written.contains('\x1b'), "{written:?}");
        assert!(written.contains("muet") && written.contains("did you mean"), "{written}");
    }
    // Progress lines have no keys.
    let headless = &mut here.tiny("other", 2, &["--headless"]);
    let exited = finish(headless.env("XDG_CONFIG_HOME", here.path("config")));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn the_users_key_bindings_apply() {
    let here = Here::new();
    std::fs::create_dir_all(here.path("config/auxdesk")).unwrap();
    here.write("config/auxdesk/desk.toml", "[keys]\nmute = \"M\"\n");
    let mut train = endless(&here, &[]);
    let mut desk = Desk::open(&here, train.env("XDG_CONFIG_HOME", here.path("config")), SIZE);
    desk.is_live();
    desk.press("m");
    desk.pty.wait_for_text("m is not bound here");
    assert_eq!(desk.done_by("M").kind(), "muted");
    desk.quit();
}
