//! The head of a request: its line and its fields.

use crate::facts::Facts;
use crate::target::Target;
use crate::{Error, Result};
use httparse::{Header, Status};
use memchr::{memchr, memchr_iter};
use std::mem::MaybeUninit;

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// Where the fields of a head are noted; its size is the number of fields that a head may have.
pub struct FieldSpace<'a>(Vec<MaybeUninit<Header<'a>>>);

impl FieldSpace<'_> {
    /// Room for that many fields; nothing is written to it.
    pub fn new(max_fields: usize) -> Self {
        let mut space = Vec::new();
        space.resize_with(max_fields, MaybeUninit::uninit);
        Self(space)
    }
}

/// The head of a request. Everything lies in the bytes that it was read from.
pub struct Head<'h, 'a> {
    /// The bytes that the head takes, with empty lines before it.
    pub size: usize,
    /// The method, a token.
    pub method: &'a str,
    /// What is asked for.
    pub target: Target<'a>,
    /// The version of the request line.
    pub version: Version,
    /// What the fields say about the message itself.
    pub facts: Facts<'a>,
    fields: &'h [Header<'a>],
}

impl<'h, 'a> Head<'h, 'a> {
    /// Read the head that `data` begins with, or None if its end is not there yet.
    /// Raises 431 for a head that does not end within `max_bytes`, or has more fields than there is room for.
    pub fn parse(data: &'a [u8], max_bytes: usize, space: &'h mut FieldSpace<'a>) -> Result<Option<Self>> {
        let within = &data[..data.len().min(max_bytes)];
        let max_fields = space.0.len();
        let mut request = httparse::Request::new(&mut []);
        let size = match request.parse_with_uninit_headers(within, &mut space.0) {
            Ok(Status::Complete(size)) => size,
            Ok(Status::Partial) => return unfinished(data, max_bytes),
            Err(httparse::Error::Version) => return wrong_version(data, max_bytes),
            Err(error) => return Err(malformed(error, max_fields)),
        };
        crlf_only(&within[..size])?;
        let (method, target, minor) = request_line(&request)?;
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let fields: &'h [Header<'a>] = request.headers;
        let target = Target::parse(method, target)?;
        Ok(Some(Self { size, method, target, version, facts: Facts::gather(version, fields)?, fields }))
    }

    /// Names as they were sent, and values; the host of an absolute target stands for the one of the field.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let authority = self.target.authority;
        let missing = authority.filter(|_| self.facts.host.is_none());
        let fields = self.fields.iter().map(move |field| match authority {
            Some(authority) if field.name.eq_ignore_ascii_case("host") => (field.name, authority),
            _ => (field.name, field.value),
        });
        fields.chain(missing.map(|authority| ("host", authority)))
    }
}

fn unfinished<T>(data: &[u8], max_bytes: usize) -> Result<Option<T>> {
    if data.len() < max_bytes {
        return Ok(None);
    }
    Err(Error::too_large(format!("the head of the request is longer than {max_bytes} bytes")))
}

/// What stands where the version should be can be judged when its line has ended, so that pieces are judged as the whole.
fn wrong_version<T>(data: &[u8], max_bytes: usize) -> Result<Option<T>> {
    let start = data.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(data.len());
    let line = &data[start..data.len().min(max_bytes)];
    let Some(end) = memchr(b'\n', line) else { return unfinished(data, max_bytes) };
    let words: Vec<&[u8]> = line[..end].splitn(4, |&byte| byte == b' ').collect();
    match words[..] {
        [_, _, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b'\r']]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Error::version("the version of HTTP is neither 1.0 nor 1.1"))
        }
        _ => Err(Error::bad("the request line is not a method, a target and a version of HTTP")),
    }
}

fn malformed(error: httparse::Error, max_fields: usize) -> Error {
    match error {
        httparse::Error::TooManyHeaders => {
            Error::too_large(format!("the head of the request has more than {max_fields} fields"))
        }
        httparse::Error::HeaderName => Error::bad("the name of a header field is malformed, or a line is folded"),
        httparse::Error::HeaderValue => Error::bad("the value of a header field is malformed"),
        httparse::Error::NewLine => Error::bad("a line does not end with CR and LF"),
        _ => Error::bad("the request line is malformed"),
    }
}

/// httparse takes a bare LF for the end of a line. Other servers do not, and what is a line must not be in doubt.
fn crlf_only(head: &[u8]) -> Result<()> {
    let bare = |end: usize| end == 0 || head[end - 1] != b'\r';
    if memchr_iter(b'\n', head).any(bare) {
        return Err(Error::bad("a line ends with a bare LF"));
    }
    Ok(())
}

/// httparse has set all three once it says that the head is complete.
fn request_line<'a>(request: &httparse::Request<'_, 'a>) -> Result<(&'a str, &'a [u8], u8)> {
    match (request.method, request.path, request.version) {
        (Some(method), Some(target), Some(minor)) => Ok((method, target.as_bytes(), minor)),
        _ => Err(Error::bad("the request line is malformed")),
    }
}
