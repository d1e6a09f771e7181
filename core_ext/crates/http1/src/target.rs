//! The target of a request (RFC 9112, 3.2), and the host that it or the Host field names.

use crate::{Error, Result};
use memchr::memchr;
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::net::Ipv6Addr;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path as it was sent; "/" where an absolute target has none, "*" for the server as a whole.
    pub raw_path: &'a [u8],
    /// What follows the first "?".
    pub query: &'a [u8],
    /// The host and port of an absolute target, which stand for those of the Host field.
    pub authority: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    pub(crate) fn parse(method: &str, target: &'a [u8]) -> Result<Self> {
        if method == "CONNECT" {
            return Err(Error::unknown("this server is no proxy: it does not CONNECT"));
        }
        if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
            return Err(Error::bad("the target of the request holds \"#\" or a byte outside visible ASCII"));
        }
        match target {
            [b'/', ..] => Ok(Self::in_origin(target, None)),
            b"*" if method == "OPTIONS" => Ok(Self::in_origin(target, None)),
            _ => Self::absolute(target),
        }
    }

    /// The path with its escapes resolved: UTF-8, and U+FFFD for what is not.
    pub fn path(&self) -> Cow<'a, str> {
        percent_decode(self.raw_path).decode_utf8_lossy()
    }

    fn absolute(target: &'a [u8]) -> Result<Self> {
        let unknown = || Error::bad("the target of the request is neither a path nor an http(s) address");
        let rest = after_scheme(target).ok_or_else(unknown)?;
        let (authority, rest) = rest.split_at(rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len()));
        if authority.is_empty() || !is_host(authority) {
            return Err(Error::bad("the target of the request names no host, or an invalid one"));
        }
        Ok(Self::in_origin(rest, Some(authority)))
    }

    fn in_origin(target: &'a [u8], authority: Option<&'a [u8]>) -> Self {
        let (raw_path, query) = match memchr(b'?', target) {
            Some(mark) => (&target[..mark], &target[mark + 1..]),
            None => (target, &b""[..]),
        };
        Self { raw_path: if raw_path.is_empty() { b"/" } else { raw_path }, query, authority }
    }
}

fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let found =
        schemes.iter().find(|scheme| target.get(..scheme.len()).is_some_and(|at| at.eq_ignore_ascii_case(scheme)));
    found.map(|scheme| &target[scheme.len()..])
}

/// Whether it is a host with or without a port, as RFC 3986 has it; nothing at all is one too.
pub(crate) fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|byte| b":]".contains(byte)) {
        Some(colon) if host[colon] == b':' => (&host[..colon], &host[colon + 1..]),
        _ => (host, &b""[..]),
    };
    port.len() <= 5 && port.iter().all(u8::is_ascii_digit) && (is_registered_name(name) || is_ipv6(name))
}

fn is_registered_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) => rest,
            _ => return false,
        };
    }
}

fn is_ipv6(name: &[u8]) -> bool {
    let inside = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let text = inside.and_then(|inside| std::str::from_utf8(inside).ok());
    text.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
}
