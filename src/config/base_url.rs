//! `base_url`: where a provider's requests go.
//!
//! Read by hand, with the `url` crate for hosts only: `Url::parse` brings tables to translate names of every script,
//! a tenth of the module, and accepts spellings (`https:host`, `https:///host`, backslashes, white space, other
//! notations of IPv4 addresses) that are mistakes in a configuration. A test compares the two readings.

use core::fmt::Write as _;

use url::{Host, ParseError};

use super::node::Node;
use super::quoted::quoted;
use crate::percent;
use crate::provider::BaseUrl;

/// The base URL in `node`; `None` after its problems were reported.
pub(super) fn base_url(node: &Node<'_>) -> Option<BaseUrl> {
    let text = node.text()?;
    match parse(text) {
        Ok(url) => Some(url),
        Err(problems) => {
            problems.into_iter().for_each(|problem| node.problem(format_args!("{problem}")));
            None
        }
    }
}

/// Reads an absolute http or https URL of a host and an optional path.
///
/// # Errors
/// Every problem.
pub(super) fn parse(text: &str) -> Result<BaseUrl, Vec<String>> {
    let not_a_url = |why: &str| {
        // A text that may contain a password is not repeated.
        let found = if text.contains(['@', '?', '#']) { "something else".to_owned() } else { quoted(text) };
        vec![format!("expected an absolute http or https URL, found {found}{why}")]
    };
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(not_a_url(" with white space, a control character or a backslash"));
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Err(not_a_url("")) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(not_a_url(""));
    }
    let mut problems = Vec::new();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        problems.push("a base URL has no user name or password; credentials belong in `key`".to_owned());
    }
    if rest.split('#').next().unwrap_or_default().contains('?') {
        problems.push("a base URL has no query: the client's own is kept".to_owned());
    }
    if rest.contains('#') {
        problems.push("a base URL has no fragment: it is never sent".to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if authority.is_empty() {
        return Err(not_a_url(" without a host"));
    }
    let default_port = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    let because = |error: ParseError| not_a_url(&format!(" ({error})"));
    let authority = self::authority(authority, default_port).map_err(because)?;
    if authority.ends_with(":0") {
        return Err(not_a_url(" with port 0"));
    }
    let path = path(rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default());
    if percent::decode(path.as_bytes()).is_none() {
        return Err(not_a_url(" with an invalid percent escape"));
    }
    Ok(BaseUrl { authority, path })
}

/// Host and port as in `:authority`: in lower case, without the scheme's default port.
fn authority(written: &str, default_port: u16) -> Result<String, ParseError> {
    let end = written.find(']').map_or(0, |bracket| bracket.saturating_add(1));
    let colon = written.get(end..).and_then(|rest| rest.find(':')).map(|colon| colon.saturating_add(end));
    let (host, port) = match colon.and_then(|colon| written.split_at_checked(colon)) {
        Some((host, port)) => (host, port.get(1..).unwrap_or_default()),
        None => (written, ""),
    };
    let mut authority = host_of(host)?;
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::InvalidPort);
    }
    if !port.is_empty() {
        let port: u16 = port.parse().map_err(|_| ParseError::InvalidPort)?;
        if port != default_port {
            // Writing to a string cannot fail.
            let _ = write!(authority, ":{port}");
        }
    }
    Ok(authority)
}

/// A DNS name in lower case, or an IP address in its usual notation.
fn host_of(written: &str) -> Result<String, ParseError> {
    if written.is_empty() {
        return Err(ParseError::EmptyHost);
    }
    if !written.is_ascii() {
        return Err(ParseError::IdnaError);
    }
    if written.contains('%') {
        return Err(ParseError::InvalidDomainCharacter);
    }
    let host = match Host::parse_opaque(written)? {
        Host::Ipv6(address) => return Ok(format!("[{address}]")),
        Host::Ipv4(_) | Host::Domain(_) => written.to_ascii_lowercase(),
    };
    let last = host.strip_suffix('.').unwrap_or(&host).rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(is_hexadecimal);
    let is_octet =
        |digits: &str| digits.parse::<u8>().is_ok() && (digits == "0" || !digits.starts_with(['0', '+']));
    // A resolver would read `127.1` or `0x7f.1` as an address. The usual notation is required.
    if is_number && !(host.split('.').count() == 4 && host.split('.').all(is_octet)) {
        return Err(ParseError::InvalidIpv4Address);
    }
    Ok(host)
}

/// The path without trailing slashes, with dot segments resolved as a client resolves them, and with characters escaped
/// that no request path contains (<https://url.spec.whatwg.org/#path-percent-encode-set>).
fn path(written: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in written.split('/').skip(1) {
        match segment.to_ascii_lowercase().as_str() {
            "." | "%2e" => {}
            ".." | ".%2e" | "%2e." | "%2e%2e" => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_graphic() && !b"\"<>`{}".contains(&byte) {
                path.push(char::from(byte));
            } else {
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path.truncate(path.trim_end_matches('/').len());
    path
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_base_url_is_read_as_any_url_is(
            scheme in "https?|HTTP",
            host in r"[a-zA-Z0-9_~!$-]{1,3}(\.[a-z-]{1,3})?\.?|\[[0-9a-f:]{2,7}\]|[0-9]{1,3}\.[1-9]\.0\.[1-9]|[a-z]+[<%|]",
            port in r"|:|:[0-9]{1,6}|:80|:443|:8x",
            // Without `|`: `Url::parse` keeps the slash behind `A|` in front of `..`, as if it were a Windows drive.
            path in r#"|(/[a-zA-Z."{}`<>^'é€𝄞~@;=+,-]{0,3}|/\.{1,2}|/%2[eE]\.?|//){0,5}"#,
        ) {
            let text = format!("{scheme}://{host}{port}{path}");
            let theirs = url::Url::parse(&text).ok().filter(|url| url.port() != Some(0));
            let theirs = theirs.map(|url| {
                let host = url.host_str().unwrap().to_owned();
                let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
                (authority, url.path().trim_end_matches('/').to_owned())
            });
            let ours = parse(&text).ok().map(|url| (url.authority, url.path));
            // Only `Url::parse` accepts other notations of an IPv4 address.
            let canonical = theirs.as_ref().is_none_or(|(authority, _)| {
                authority.parse::<core::net::SocketAddrV4>().is_err()
                    && authority.parse::<core::net::Ipv4Addr>().is_err()
                    || text.contains(&format!("//{authority}"))
            });
            prop_assert!(ours == theirs || ours.is_none() && !canonical, "{text}: {ours:?}, {theirs:?}");
        }
    }

    #[test]
    fn a_base_url_is_split_into_authority_and_path() {
        for (text, authority, path) in [
            ("https://api.openai.com/v1", "api.openai.com", "/v1"),
            ("https://api.openai.com/v1/", "api.openai.com", "/v1"),
            ("https://api.anthropic.com", "api.anthropic.com", ""),
            ("https://api.anthropic.com//", "api.anthropic.com", ""),
            ("HTTPS://API.Anthropic.COM/Path", "api.anthropic.com", "/Path"),
            ("https://host:443", "host", ""),
            ("http://host:80/a", "host", "/a"),
            ("http://host:443", "host:443", ""),
            ("https://host:80", "host:80", ""),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
            ("http://[2001:DB8::1]", "[2001:db8::1]", ""),
            ("http://127.0.0.1:9000", "127.0.0.1:9000", ""),
            ("https://h/a/../b/./c", "h", "/b/c"),
            ("https://h/a/..", "h", ""),
            ("https://h/a/%2E./b/%2e/", "h", "/b"),
            ("https://h/A|/..", "h", ""),
            ("https://h//a//", "h", "//a"),
            ("https://h/a%2Fb", "h", "/a%2Fb"),
            ("https://h/é{x}^", "h", "/%C3%A9%7Bx%7D^"),
            ("http://[::]:80", "[::]", ""),
            ("https://h/@a:b", "h", "/@a:b"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva.example", ""),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.authority.as_str(), url.path.as_str()), (authority, path), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_and_passwords_are_not_repeated() {
        for (text, problem) in [
            ("api.openai.com", "expected an absolute http or https URL, found \"api.openai.com\""),
            ("localhost:8080", "expected an absolute http or https URL, found \"localhost:8080\""),
            ("", "expected an absolute http or https URL, found \"\""),
            ("/v1", "expected an absolute http or https URL, found \"/v1\""),
            ("//h/v1", "expected an absolute http or https URL, found \"//h/v1\""),
            // A name beyond ASCII has to be written in DNS's own form (`xn--`).
            (
                "https://bücher.example",
                "expected an absolute http or https URL, found \"https://bücher.example\" (invalid international domain name)",
            ),
            ("https:h", "expected an absolute http or https URL, found \"https:h\""),
            ("ftp://h", "expected an absolute http or https URL, found \"ftp://h\""),
            ("wss://h", "expected an absolute http or https URL, found \"wss://h\""),
            ("https://", "expected an absolute http or https URL, found \"https://\" without a host"),
            ("https:///h", "expected an absolute http or https URL, found \"https:///h\" without a host"),
            ("https://:443", "expected an absolute http or https URL, found \"https://:443\" (empty host)"),
            (
                "https://h:99999",
                "expected an absolute http or https URL, found \"https://h:99999\" (invalid port number)",
            ),
            (
                "https://127.1",
                "expected an absolute http or https URL, found \"https://127.1\" (invalid IPv4 address)",
            ),
            (
                "https://[::1",
                "expected an absolute http or https URL, found \"https://[::1\" (invalid IPv6 address)",
            ),
            (
                "https://h%41",
                "expected an absolute http or https URL, found \"https://h%41\" (invalid domain character)",
            ),
            ("https://h:0", "expected an absolute http or https URL, found \"https://h:0\" with port 0"),
            (
                "https://h/%zz",
                "expected an absolute http or https URL, found \"https://h/%zz\" with an invalid percent escape",
            ),
            (
                " https://h",
                "expected an absolute http or https URL, found \" https://h\" with white space, a control \
                 character or a backslash",
            ),
            ("user:pw@h", "expected an absolute http or https URL, found something else"),
            ("https://h?k=1", "a base URL has no query: the client's own is kept"),
            ("https://h/v1?", "a base URL has no query: the client's own is kept"),
            ("https://h#", "a base URL has no fragment: it is never sent"),
            ("https://h#a?b", "a base URL has no fragment: it is never sent"),
            ("https://@h", "a base URL has no user name or password; credentials belong in `key`"),
            ("https://u:pw@h", "a base URL has no user name or password; credentials belong in `key`"),
        ] {
            assert_eq!(parse(text).unwrap_err(), [problem], "{text}");
        }
        assert_eq!(parse("https://u:pw@h?a=b#c").unwrap_err().len(), 3);
    }
}
