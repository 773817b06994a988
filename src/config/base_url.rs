//! Base URLs: where a provider's requests go.

use url::Url;

use super::echo::quoted;
use super::node::Node;
use super::path::escapes_are_valid;
use crate::provider::BaseUrl;

/// The base URL in `node`; `None` once what is wrong with it was said.
pub(super) fn base_url(node: &Node<'_>) -> Option<BaseUrl> {
    let text = node.text()?;
    match parse(text) {
        Ok(url) => Some(url),
        Err(problems) => {
            problems.into_iter().for_each(|problem| node.problem(problem));
            None
        }
    }
}

/// An absolute http or https URL of a host and perhaps a path (contract §1). WHATWG parsing would also take
/// `https:host`, `https:///host`, backslashes and white space; here these are somebody's mistakes.
pub(super) fn parse(text: &str) -> Result<BaseUrl, Vec<String>> {
    let not_a_url = |why: &str| {
        // What may hold a password is not repeated.
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
    let url = Url::parse(text).map_err(|error| not_a_url(&format!(" ({error})")))?;
    let host = url.host_str().ok_or_else(|| not_a_url(" without a host"))?;
    if url.port() == Some(0) {
        return Err(not_a_url(" with port 0"));
    }
    if !escapes_are_valid(url.path()) {
        return Err(not_a_url(" with an invalid percent escape"));
    }
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Ok(BaseUrl { authority, path: url.path().trim_end_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_parts_of_a_base_url_are_what_a_request_needs() {
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
            ("https://h/a%2Fb", "h", "/a%2Fb"),
            ("https://h/@a:b", "h", "/@a:b"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva.example", ""),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.authority.as_str(), url.path.as_str()), (authority, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_and_passwords_are_not_repeated() {
        for (text, problem) in [
            ("api.openai.com", "expected an absolute http or https URL, found \"api.openai.com\""),
            ("localhost:8080", "expected an absolute http or https URL, found \"localhost:8080\""),
            ("", "expected an absolute http or https URL, found \"\""),
            ("/v1", "expected an absolute http or https URL, found \"/v1\""),
            ("//h/v1", "expected an absolute http or https URL, found \"//h/v1\""),
            // Names beyond ASCII are written as DNS has them: the tables to translate them would be a third of the module.
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
