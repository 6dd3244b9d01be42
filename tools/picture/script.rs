//! What is done at the desk before its picture is taken: `@120 2 right*3 "a note" enter ~noted`.
//!
//! Words are apart by blanks, but for those in quotes. `@N` waits for step N, `~TEXT` for a text on the
//! screen, a text in quotes is typed, and all else is a key, with `*N` as often as that.

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Wait until the first row tells that step, or a later one.
    Step(u64),
    /// Wait until a text is on the screen.
    See(String),
    /// Send what the keys send.
    Send(String),
}

/// Keys that are more than one character, and what they send.
const KEYS: &[(&str, &str)] = &[
    ("space", " "),
    ("enter", "\r"),
    ("esc", "\x1b"),
    ("tab", "\t"),
    ("shift-tab", "\x1b[Z"),
    ("up", "\x1b[A"),
    ("down", "\x1b[B"),
    ("right", "\x1b[C"),
    ("left", "\x1b[D"),
    ("shift-right", "\x1b[1;2C"),
    ("shift-left", "\x1b[1;2D"),
    ("home", "\x1b[H"),
    ("end", "\x1b[F"),
    ("pageup", "\x1b[5~"),
    ("pagedown", "\x1b[6~"),
    ("ctrl-r", "\x12"),
];

/// Reads a script.
pub(crate) fn parse(script: &str) -> Result<Vec<Act>, String> {
    words(script)?.iter().map(|word| act(word)).collect()
}

fn act(word: &str) -> Result<Act, String> {
    if let Some(text) = quoted(word) {
        return Ok(Act::Send(text.to_owned()));
    }
    if let Some(text) = word.strip_prefix('~').filter(|text| !text.is_empty()) {
        return Ok(Act::See(quoted(text).unwrap_or(text).to_owned()));
    }
    if let Some(step) = word.strip_prefix('@').filter(|step| !step.is_empty()) {
        let fault = |_| format!("expected a whole number after @, found {word:?}");
        return step.parse().map(Act::Step).map_err(fault);
    }
    let (name, times) = match word.rsplit_once('*').filter(|(name, _)| !name.is_empty()) {
        Some((name, times)) => {
            let fault = |_| format!("{word:?}: wanted a whole number after *");
            (name, times.parse::<usize>().map_err(fault)?)
        }
        None => (word, 1),
    };
    let sent = match KEYS.iter().find(|(key, _)| *key == name) {
        Some((_, sent)) => sent,
        None if name.chars().count() == 1 => name,
        None => {
            let names: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
            let names = names.join(" ");
            return Err(format!("no key {name:?}; expected one character, or one of {names}"));
        }
    };
    Ok(Act::Send(sent.repeat(times)))
}

fn quoted(word: &str) -> Option<&str> {
    word.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.is_empty())
}

fn words(script: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in script.chars() {
        if c == '"' {
            is_quoted = !is_quoted;
        }
        if c.is_whitespace() && !is_quoted {
            words.push(std::mem::take(&mut word));
        } else {
            word.push(c);
        }
    }
    if is_quoted {
        return Err(format!("{word}: a quote is not closed"));
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_waits_keys_and_text() {
        let send = |text: &str| Act::Send(text.to_owned());
        let wanted = vec![
            Act::Step(120),
            send("2"),
            send("\x1b[C\x1b[C\x1b[C"),
            send("*"),
            send("@"),
            send("try pos up"),
            send("\r"),
            Act::See("noted".to_owned()),
            Act::See("so far".to_owned()),
        ];
        let script = "@120 2 right*3 * @ \"try pos up\"  enter\n~noted ~\"so far\"";
        assert_eq!(parse(script), Ok(wanted));
        assert_eq!(parse(" "), Ok(vec![]));
    }

    #[test]
    fn what_is_no_script_is_told() {
        let fault = |script| parse(script).unwrap_err();
        assert_eq!(fault("@soon"), "expected a whole number after @, found \"@soon\"");
        assert_eq!(fault("up*x"), "\"up*x\": wanted a whole number after *");
        assert_eq!(fault("\"note"), "\"note: a quote is not closed");
        assert!(fault("rigth").starts_with("no key \"rigth\"; expected one character, or one of"));
    }
}
