//! The syntax of Git's configuration files (git-config(1), "Syntax"), as far as the checks of `.gitmodules` need it.

/// One assignment.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// `section.key` or `section.subsection.key`; section and key in lower case.
    pub variable: Vec<u8>,
    /// `None` for a key without `=`.
    pub value: Option<Vec<u8>>,
}

/// Reads a file entry by entry; a syntax error gives `None` as the last entry.
pub struct Config<'a> {
    rest: &'a [u8],
    /// The section that the next entries belong to, with the period at its end.
    section: Vec<u8>,
    failed: bool,
}

/// The text breaks the syntax.
struct Malformed;

type Parsed<T> = Result<T, Malformed>;

impl<'a> Config<'a> {
    pub fn new(content: &'a [u8]) -> Self {
        let rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        Self { rest, section: Vec::new(), failed: false }
    }

    /// The next character: the end is a newline, and so is CR LF.
    fn next_char(&mut self) -> u8 {
        match self.rest {
            [] => b'\n',
            [b'\r', b'\n', rest @ ..] => {
                self.rest = rest;
                b'\n'
            }
            [character, rest @ ..] => {
                self.rest = rest;
                *character
            }
        }
    }

    fn next_entry(&mut self) -> Parsed<Option<Entry>> {
        while !self.rest.is_empty() {
            match self.next_char() {
                character if is_space(character) => {}
                b'#' | b';' => self.skip_line(),
                b'[' => self.read_section()?,
                character if character.is_ascii_alphabetic() => return self.read_entry(character).map(Some),
                _ => return Err(Malformed),
            }
        }
        Ok(None)
    }

    fn skip_line(&mut self) {
        while self.next_char() != b'\n' {}
    }

    /// `[section]`, or `[section "subsection"]`.
    fn read_section(&mut self) -> Parsed<()> {
        self.section.clear();
        loop {
            if self.rest.is_empty() {
                return Err(Malformed);
            }
            match self.next_char() {
                b']' => break,
                character if is_space(character) => {
                    self.read_subsection(character)?;
                    break;
                }
                character if is_key_char(character) || character == b'.' => {
                    self.section.push(character.to_ascii_lowercase());
                }
                _ => return Err(Malformed),
            }
        }
        if self.section.is_empty() {
            return Err(Malformed);
        }
        self.section.push(b'.');
        Ok(())
    }

    fn read_subsection(&mut self, mut character: u8) -> Parsed<()> {
        while is_space(character) {
            if character == b'\n' {
                return Err(Malformed);
            }
            character = self.next_char();
        }
        if character != b'"' {
            return Err(Malformed);
        }
        self.section.push(b'.');
        loop {
            match self.next_char() {
                b'\n' => return Err(Malformed),
                b'"' => break,
                b'\\' => match self.next_char() {
                    b'\n' => return Err(Malformed),
                    escaped => self.section.push(escaped),
                },
                character => self.section.push(character),
            }
        }
        if self.next_char() == b']' { Ok(()) } else { Err(Malformed) }
    }

    fn read_entry(&mut self, first: u8) -> Parsed<Entry> {
        let mut variable = self.section.clone();
        let mut character = first;
        while is_key_char(character) {
            variable.push(character.to_ascii_lowercase());
            character = self.next_char();
        }
        while matches!(character, b' ' | b'\t') {
            character = self.next_char();
        }
        match character {
            b'\n' => Ok(Entry { variable, value: None }),
            b'=' => Ok(Entry { variable, value: Some(self.read_value()?) }),
            _ => Err(Malformed),
        }
    }

    /// A value up to the end of its line; quotes and escapes are resolved, blanks at both ends and comments dropped.
    fn read_value(&mut self) -> Parsed<Vec<u8>> {
        let mut value = Vec::new();
        let mut quoted = false;
        // Blanks are kept only if something follows them.
        let mut solid_len = 0;
        loop {
            match self.next_char() {
                b'\n' if quoted => return Err(Malformed),
                b'\n' => break,
                b'#' | b';' if !quoted => {
                    self.skip_line();
                    break;
                }
                blank if is_space(blank) && !quoted => {
                    if !value.is_empty() {
                        value.push(blank);
                    }
                    continue;
                }
                b'"' => quoted = !quoted,
                b'\\' => value.extend(self.read_escape()?),
                character => value.push(character),
            }
            solid_len = value.len();
        }
        value.truncate(solid_len);
        Ok(value)
    }

    /// What a backslash and the next character stand for; a backslash at the end of a line continues it.
    fn read_escape(&mut self) -> Parsed<Option<u8>> {
        match self.next_char() {
            b'\n' => Ok(None),
            b't' => Ok(Some(b'\t')),
            b'b' => Ok(Some(8)),
            b'n' => Ok(Some(b'\n')),
            same @ (b'\\' | b'"') => Ok(Some(same)),
            _ => Err(Malformed),
        }
    }
}

impl Iterator for Config<'_> {
    type Item = Option<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let entry = self.next_entry();
        self.failed = entry.is_err();
        match entry {
            Ok(entry) => entry.map(Some),
            Err(Malformed) => Some(None),
        }
    }
}

const fn is_space(character: u8) -> bool {
    matches!(character, b' ' | b'\t' | b'\n' | b'\r')
}

const fn is_key_char(character: u8) -> bool {
    character.is_ascii_alphanumeric() || character == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Option<(String, Option<String>)>> {
        let text_of = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all tests are UTF-8");
        let entry = |entry: Entry| (text_of(entry.variable), entry.value.map(text_of));
        Config::new(text.as_bytes()).map(|found| found.map(entry)).collect()
    }

    fn set(variable: &str, value: &str) -> Option<(String, Option<String>)> {
        Some((variable.to_owned(), Some(value.to_owned())))
    }

    #[test]
    fn sections_keys_and_values() {
        let text =
            "\u{feff}# c\n[Submodule \"a.\\\"B\"]\r\n\tPath = x  y ; c\n\turl=\"#1 \" z\\\n w\\t\n[old.style]key\n";
        assert_eq!(
            entries(text),
            [
                set("submodule.a.\"B.path", "x  y"),
                set("submodule.a.\"B.url", "#1  z w\t"),
                Some(("old.style.key".to_owned(), None)),
            ]
        );
    }

    #[test]
    fn what_breaks_the_syntax_ends_the_file() {
        for text in [
            "[",
            "[]",
            "[a",
            "[a\n\"b\"]",
            "[a \"b\n\"]",
            "[a \"b\" ]",
            "[a]\nk = \"x\n",
            "[a]\nk = \\x",
            "[a]\n1k",
            "[a]k v",
            "=",
            "[a b]",
        ] {
            assert_eq!(entries(text).last(), Some(&None), "{text:?}");
        }
        assert_eq!(entries("[a]\nk = v\n]\nl = w"), [set("a.k", "v"), None]);
    }
}
