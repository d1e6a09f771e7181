//! Checks of `.gitmodules`: a submodule's name becomes a path below `.git/modules`, its path and URL become arguments of
//! commands, its update setting could be a command (CVE-2018-11235, -17456, CVE-2019-19604, CVE-2020-5260).

use super::config::{Config, Entry};
use super::{Checked, Findings, Message, url};

/// Check the content of a `.gitmodules` file. All of it is checked, whatever is found.
pub fn check(findings: &mut Findings<'_>, content: &[u8]) -> Checked {
    let mut checked = Ok(());
    for entry in Config::new(content) {
        let Some(entry) = entry else {
            return findings.add(Message::GitmodulesParse, ".gitmodules cannot be parsed").and(checked);
        };
        if let Some((name, key)) = submodule(&entry) {
            checked = check_setting(findings, until_nul(name), key, entry.value.as_deref().map(until_nul)).and(checked);
        }
    }
    checked
}

/// The submodule's name and the key, of `submodule.<name>.<key>`; names may have periods.
fn submodule(entry: &Entry) -> Option<(&[u8], &[u8])> {
    let rest = entry.variable.strip_prefix(b"submodule.")?;
    let period = rest.iter().rposition(|&byte| byte == b'.')?;
    Some((&rest[..period], &rest[period + 1..]))
}

fn check_setting(findings: &mut Findings<'_>, name: &[u8], key: &[u8], value: Option<&[u8]>) -> Checked {
    let mut checked = Ok(());
    if !is_good_name(name) {
        checked = findings.add(Message::GitmodulesName, &sentence("name", name));
    }
    let Some(value) = value else { return checked };
    let message = match key {
        b"url" if !url::is_good(value) => Message::GitmodulesUrl,
        b"path" if value.starts_with(b"-") => Message::GitmodulesPath,
        b"update" if value.starts_with(b"!") => Message::GitmodulesUpdate,
        _ => return checked,
    };
    findings.add(message, &sentence(&String::from_utf8_lossy(key), value)).and(checked)
}

fn sentence(what: &str, value: &[u8]) -> String {
    const MAX_SHOWN_BYTES: usize = 200;
    let shown = &value[..value.len().min(MAX_SHOWN_BYTES)];
    format!("a submodule's {what} is dangerous: {:?}", String::from_utf8_lossy(shown))
}

/// A name must not be empty, nor lead out of the directory that it will name; some systems separate by backslashes.
fn is_good_name(name: &[u8]) -> bool {
    !name.is_empty() && name.split(|byte| matches!(byte, b'/' | b'\\')).all(|part| part != b"..")
}

/// To Git a string ends at its first NUL.
fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}
