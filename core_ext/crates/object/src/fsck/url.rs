//! Which submodule URLs are safe to hand to Git's transports (CVE-2018-17456, CVE-2020-5260, CVE-2020-11008).

/// Whether a client may be told to clone from this.
pub fn is_good(url: &[u8]) -> bool {
    if url.starts_with(b"-") {
        return false;
    }
    if is_relative(url) || url.starts_with(b"git://") {
        return !decode(url).contains(&b'\n') && !climbs_into_the_host(url);
    }
    web_url(url).is_none_or(is_good_web_url)
}

fn is_relative(url: &[u8]) -> bool {
    strip_one_dot(url).is_some() || strip_two_dots(url).is_some()
}

fn strip_one_dot(url: &[u8]) -> Option<&[u8]> {
    url.strip_prefix(b"./").or_else(|| url.strip_prefix(b".\\"))
}

fn strip_two_dots(url: &[u8]) -> Option<&[u8]> {
    url.strip_prefix(b"../").or_else(|| url.strip_prefix(b"..\\"))
}

/// Appended to the superproject's URL, `../` takes parts of that away: perhaps its host, which what follows would replace.
fn climbs_into_the_host(url: &[u8]) -> bool {
    let (mut rest, mut climbs) = (url, false);
    loop {
        if let Some(after) = strip_two_dots(rest) {
            (rest, climbs) = (after, true);
        } else if let Some(after) = strip_one_dot(rest) {
            rest = after;
        } else {
            return climbs && matches!(rest.first(), Some(b':' | b'/'));
        }
    }
}

/// The URL that Git's HTTP transport would get, if it is the one for this URL.
fn web_url(url: &[u8]) -> Option<&[u8]> {
    let schemes: [&[u8]; 4] = [b"http", b"https", b"ftp", b"ftps"];
    schemes.into_iter().find_map(|scheme| {
        let rest = url.strip_prefix(scheme)?;
        rest.strip_prefix(b"::").or_else(|| rest.starts_with(b"://").then_some(url))
    })
}

/// A host, a port that is a number, a path that does not climb above the root, whole escapes, and no newline in disguise.
fn is_good_web_url(url: &[u8]) -> bool {
    let Some((scheme, rest)) = split_once(url, b"://") else { return false };
    let authority_len = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_len);
    let host = authority.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
    is_scheme(scheme)
        && is_host(host)
        && stays_below_root(path)
        && has_whole_escapes(rest)
        && !decode(rest).contains(&b'\n')
}

fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte))
}

fn is_host(host: &[u8]) -> bool {
    let after_brackets = host.iter().rposition(|&byte| byte == b']').map_or(0, |at| at + 1);
    let colon = host[after_brackets..].iter().position(|&byte| byte == b':').map(|at| after_brackets + at);
    let (name, port) = colon.map_or((host, None), |at| (&host[..at], Some(&host[at + 1..])));
    !name.is_empty() && port.is_none_or(is_port)
}

fn is_port(port: &[u8]) -> bool {
    let number = || std::str::from_utf8(port).ok()?.parse::<u16>().ok();
    port.is_empty() || (port.iter().all(u8::is_ascii_digit) && number().is_some_and(|number| number > 0))
}

fn stays_below_root(path: &[u8]) -> bool {
    let path = path.split(|byte| b"?#".contains(byte)).next().unwrap_or_default();
    let mut depth = 0u32;
    for part in path.split(|&byte| byte == b'/').skip(1) {
        match decode(part).as_slice() {
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            b"" | b"." => {}
            _ => depth += 1,
        }
    }
    true
}

fn has_whole_escapes(url: &[u8]) -> bool {
    let escapes = url.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.into_iter().all(|(at, _)| matches!(&url[at + 1..], [high, low, ..] if escaped(*high, *low).is_some()))
}

fn split_once<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

/// Percent escapes resolved; what is none stays.
fn decode(url: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(url.len());
    let mut rest = url;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) if escaped(*high, *low).is_some() => {
                decoded.extend(escaped(*high, *low));
                rest = tail;
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_urls() {
        for url in [
            "-u./payload",
            "./%0ahost=two.example.com/foo.git",
            "git://host/two%0aHost:%20evil",
            "../../:localhost:8080/x",
            ".././/x",
            "..\\/x",
            "http::one.example.com/x",
            "https:///one.example.com/x",
            "https://one.example.com/x\nhost=two",
            "https://one.example.com/x%0Ahost=two",
            "https://user%0aname@one.example.com/",
            "https://one.example.com:port/",
            "https://one.example.com/../x",
            "http::https://",
            "ftps://h/%zz",
        ] {
            assert!(!is_good(url.as_bytes()), "{url:?}");
        }
    }

    #[test]
    fn harmless_urls() {
        for url in [
            "https://one.example.com/x.git",
            "https://user:secret@one.example.com:8080/a/../b?c#d",
            "http::https://one.example.com/x",
            "git://one.example.com/x",
            "../../other/repo.git",
            "./sub",
            "ssh://host/-path",
            "host:path",
            "/absolute/path",
            "https://[::1]:443/x",
            "",
        ] {
            assert!(is_good(url.as_bytes()), "{url:?}");
        }
    }
}
