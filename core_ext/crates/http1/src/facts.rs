//! What the fields of a request say about the message itself: its body, its host, its connection.

use crate::head::Version;
use crate::target::is_host;
use crate::{Error, MAX_LENGTH, Result};
use httparse::Header;
use std::borrow::Cow;

/// Of `MAX_LENGTH`.
const MAX_DIGITS: usize = 19;

/// What the fields say about the message itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The length of the body: none is announced without one; None is a chunked body.
    pub body_bytes: Option<u64>,
    /// Whether the client wants to send more requests after this one.
    pub keeps_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub awaits_continue: bool,
    /// The protocols that the client would change to.
    pub upgrade: Option<Cow<'a, [u8]>>,
    /// The value of the Host field.
    pub(crate) host: Option<&'a [u8]>,
}

/// The fields in question, as they were found.
#[derive(Default)]
struct Found<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    upgrade: Option<Cow<'a, [u8]>>,
    says_close: bool,
    says_keep_alive: bool,
    says_upgrade: bool,
    expects_continue: bool,
}

impl<'a> Facts<'a> {
    pub(crate) fn gather(version: Version, fields: &[Header<'a>]) -> Result<Self> {
        let mut found = Found::default();
        for field in fields {
            found.note(field)?;
        }
        found.check_host(version)?;
        let is_11 = version == Version::Http11;
        Ok(Self {
            body_bytes: found.body_bytes(version)?,
            keeps_alive: !found.says_close && (is_11 || found.says_keep_alive),
            awaits_continue: is_11 && found.expects_continue,
            // RFC 9110, 7.8: in 1.0 it is to be ignored.
            upgrade: found.upgrade.filter(|_| is_11 && found.says_upgrade),
            host: found.host,
        })
    }
}

impl<'a> Found<'a> {
    fn note(&mut self, field: &Header<'a>) -> Result<()> {
        let value = field.value;
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        match field.name.len() {
            4 if is("host") => return once(&mut self.host, value, "Host"),
            6 if is("expect") => self.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
            7 if is("upgrade") => self.note_upgrade(value),
            10 if is("connection") => tokens(value).for_each(|token| self.note_option(token)),
            14 if is("content-length") => return once(&mut self.content_length, value, "Content-Length"),
            17 if is("transfer-encoding") => return once(&mut self.transfer_encoding, value, "Transfer-Encoding"),
            _ => (),
        }
        Ok(())
    }

    /// A list in several fields is one list: RFC 9110, 5.3.
    fn note_upgrade(&mut self, value: &'a [u8]) {
        self.upgrade = Some(match self.upgrade.take() {
            None => Cow::Borrowed(value),
            Some(before) => Cow::Owned([&before, &b", "[..], value].concat()),
        });
    }

    fn note_option(&mut self, option: &[u8]) {
        self.says_close |= option.eq_ignore_ascii_case(b"close");
        self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        self.says_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
    }

    fn check_host(&self, version: Version) -> Result<()> {
        match self.host {
            None if version == Version::Http11 => Err(Error::bad("the request has no Host field")),
            Some(host) if !is_host(host) => Err(Error::bad("the Host field holds no valid host")),
            _ => Ok(()),
        }
    }

    /// Two lengths, or a length beside chunks, let two servers disagree where the next request begins: never believed.
    fn body_bytes(&self, version: Version) -> Result<Option<u64>> {
        match (self.content_length, self.transfer_encoding) {
            (None, None) => Ok(Some(0)),
            (Some(length), None) => content_length(length).map(Some),
            (Some(_), Some(_)) => Err(Error::bad("the request has both Content-Length and Transfer-Encoding")),
            (None, Some(_)) if version == Version::Http10 => Err(Error::bad("HTTP/1.0 has no Transfer-Encoding")),
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(None),
            (None, Some(_)) => Err(Error::unknown("the only Transfer-Encoding that is known is \"chunked\"")),
        }
    }
}

fn once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8], name: &str) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::bad(format!("the request has more than one {name} field"))),
    }
}

pub(crate) fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// Digits and nothing else: no sign, no list, no more than everyone can count to, and no more of them than that takes.
pub(crate) fn content_length(digits: &[u8]) -> Result<u64> {
    let bad = || Error::bad(format!("the Content-Length is not a number up to {MAX_LENGTH}"));
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    if !(1..=MAX_DIGITS).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    digits.iter().try_fold(0, add).filter(|length| *length <= MAX_LENGTH).ok_or_else(bad)
}
