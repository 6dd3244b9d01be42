//! A JSON document with the place of each value: `serde_json` does not keep the places, and faults name their line.

use std::borrow::Cow;

use super::super::lines::integer;

/// A value of a document that is known to be JSON.
#[derive(Clone, Copy)]
pub(super) struct Node<'t> {
    /// The value, and all text after it.
    text: &'t str,
}

impl<'t> Node<'t> {
    /// The value at the start of a text.
    pub(super) fn of(text: &'t str) -> Self {
        Self { text: text.trim_ascii_start() }
    }

    /// The byte offset of the value in the document.
    pub(super) fn offset_in(self, document: &str) -> usize {
        self.text.as_ptr() as usize - document.as_ptr() as usize
    }

    pub(super) fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    pub(super) fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    /// Whether it is that literal.
    pub(super) fn is(self, literal: &str) -> bool {
        self.whole() == literal
    }

    /// Its type, for messages.
    pub(super) fn describe(self) -> &'static str {
        match self.text.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    /// The string, if it is one.
    pub(super) fn string(self) -> Option<Cow<'t, str>> {
        let inner = self.whole().strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return serde_json::from_str(self.whole()).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(inner))
    }

    /// The number, if it is one of digits only.
    pub(super) fn number(self) -> Option<usize> {
        integer(self.whole())
    }

    /// The value of a key, if it is an object that has it; of several the last.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let mut rest = self.text.strip_prefix('{')?;
        let mut found = None;
        loop {
            rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == ',');
            if !rest.starts_with('"') {
                return found;
            }
            let name = Node::of(rest);
            let after = &rest[name.len()..];
            let value = Node::of(after.trim_ascii_start().strip_prefix(':')?);
            if name.string().is_some_and(|name| name == key) {
                found = Some(value);
            }
            rest = &value.text[value.len()..];
        }
    }

    /// The items of an array.
    pub(super) fn items(self) -> Vec<Self> {
        let mut items = Vec::new();
        let Some(mut rest) = self.text.strip_prefix('[') else { return items };
        loop {
            rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == ',');
            if rest.is_empty() || rest.starts_with(']') {
                return items;
            }
            let item = Node::of(rest);
            items.push(item);
            rest = &item.text[item.len()..];
        }
    }

    /// The text of the value alone.
    fn whole(self) -> &'t str {
        &self.text[..self.len()]
    }

    /// The length of the value in bytes.
    fn len(self) -> usize {
        let bytes = self.text.as_bytes();
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => at += string_len(&bytes[at..]) - 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                    return at;
                }
                b'}' | b']' => depth -= 1,
                _ => {
                    at += 1;
                    continue;
                }
            }
            at += 1;
            if depth == 0 {
                return at;
            }
        }
        at
    }
}

/// The length of a string with its quotes.
fn string_len(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_with_their_places() {
        let text =
            " {\"a\" : [1, \"x]\\\"}\", {\"b\":null}] ,\"\\u0063\":true, \"a\":[-2.5,[],{}]}";
        let root = Node::of(text);
        assert!(root.is_object() && root.get("c").unwrap().is("true"));
        // Of several keys the last, as serde_json has it.
        let items = root.get("a").unwrap().items();
        let kinds: Vec<_> = items.iter().map(|item| item.describe()).collect();
        assert_eq!(kinds, ["a number", "an array", "an object"]);
        assert_eq!((items[0].number(), items[1].items().len()), (None, 0));
        let first = Node::of(&text[8..]).items();
        assert_eq!(first[0].number(), Some(1));
        assert_eq!(first[1].string().unwrap(), "x]\"}");
        assert_eq!(first[2].offset_in(text), text.find("{\"b").unwrap());
        assert!(
            first[2].get("b").is_some_and(|node| node.is("null")) && first[2].get("a").is_none()
        );
    }
}
