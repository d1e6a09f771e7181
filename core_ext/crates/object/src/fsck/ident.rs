//! A person and a time: `name <email> seconds zone`.

use super::{Checked, Findings, Message};

/// Check the value of an `author`, `committer` or `tagger` line. Only the first fault is reported.
pub fn check(findings: &mut Findings<'_>, value: &[u8]) -> Checked {
    match fault(value) {
        Some((message, what)) => findings.add(message, &format!("bad author, committer or tagger line: {what}")),
        None => Ok(()),
    }
}

type Fault = (Message, &'static str);

fn fault(value: &[u8]) -> Option<Fault> {
    let open = match memchr::memchr2(b'<', b'>', value) {
        Some(0) if value[0] == b'<' => return Some((Message::MissingNameBeforeEmail, "no name")),
        None => return Some((Message::MissingEmail, "no email")),
        Some(at) if value[at] == b'>' => return Some((Message::BadName, "a name with '>'")),
        Some(at) => at,
    };
    if value[open - 1] != b' ' {
        return Some((Message::MissingSpaceBeforeEmail, "no space before the email"));
    }
    let email = &value[open + 1..];
    match memchr::memchr2(b'<', b'>', email) {
        Some(close) if email[close] == b'>' => after_email(&email[close + 1..]),
        _ => Some((Message::BadEmail, "an email that does not end")),
    }
}

fn after_email(rest: &[u8]) -> Option<Fault> {
    let Some(date) = rest.strip_prefix(b" ") else {
        return Some((Message::MissingSpaceBeforeDate, "no space before the date"));
    };
    let date = skip_blanks(date);
    let digits = date.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, &date[..digits.min(1)]) {
        (0, _) => return Some((Message::BadDate, "no date")),
        (_, b"0") if date.get(1) != Some(&b' ') => return Some((Message::ZeroPaddedDate, "a zero-padded date")),
        _ => {}
    }
    // Git's timestamps are unsigned, the C library's are not: a date must be both.
    if !std::str::from_utf8(&date[..digits]).is_ok_and(|text| text.parse::<i64>().is_ok()) {
        return Some((Message::BadDateOverflow, "a date beyond all calendars"));
    }
    match date[digits..].strip_prefix(b" ") {
        None => Some((Message::BadDate, "a date that is no number")),
        Some(zone) if is_zone(zone) => None,
        Some(_) => Some((Message::BadTimezone, "a time zone that is no sign and four digits")),
    }
}

fn is_zone(zone: &[u8]) -> bool {
    matches!(zone, [b'+' | b'-', digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit))
}

/// Git skips spaces and tabs before the date, and nothing else.
fn skip_blanks(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..]
}
