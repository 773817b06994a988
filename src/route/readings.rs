//! The paths that an upstream may read in a path.

use std::borrow::Cow;

/// The paths that an upstream may match against its routes: `decoded` itself, up to an escaped `?` or `#`, up to the first
/// `;`, and without path parameters (`;…`), surrounding white space and empty segments in every segment.
pub(super) fn readings(decoded: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let until = |end: Option<usize>| decoded.get(..end?);
    let ended = until(memchr::memchr2(b'?', b'#', decoded));
    let whole = [Some(decoded), ended, until(memchr::memchr3(b'?', b'#', b';', decoded))];
    let reduced = (!is_plain(decoded)).then_some([Some(decoded), ended]);
    let whole = whole.into_iter().flatten().map(|path| match String::from_utf8_lossy(path) {
        Cow::Borrowed(path) => Cow::Borrowed(path.trim()),
        Cow::Owned(path) => Cow::Owned(path.trim().to_owned()),
    });
    whole.chain(reduced.into_iter().flatten().flatten().map(|path| Cow::Owned(reduce(path))))
}

/// Whether `path` has no path parameter and no white space.
fn is_plain(path: &[u8]) -> bool {
    path.iter().all(|byte| byte.is_ascii_graphic() && *byte != b';')
}

/// `path` without path parameters, white space around them and around segments, and empty segments.
fn reduce(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let mut reduced = String::with_capacity(path.len());
    for segment in path.split('/') {
        let segment = segment.split(';').next().unwrap_or_default().trim();
        if !segment.is_empty() {
            reduced.push('/');
            reduced.push_str(segment);
        }
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::readings;

    #[test]
    fn a_path_is_read_as_is_and_without_parameters_and_white_space() {
        for (path, expected) in [
            ("/a/b:c/", &["/a/b:c/"][..]),
            ("/a;x/b ; y/;z/ c/", &["/a;x/b ; y/;z/ c/", "/a", "/a/b/c"]),
            ("/a;x/b?c;y", &["/a;x/b?c;y", "/a;x/b", "/a", "/a/b?c", "/a/b"]),
            ("/\u{a0}a/b ", &["/\u{a0}a/b", "/a/b"]),
        ] {
            assert_eq!(readings(path.as_bytes()).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
