//! The model that a path names.

use crate::api::request::MODEL_BYTES;
use crate::percent;
use crate::text::Text;
use core::ops::Range;

/// The model that the path of a bridged route names, decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathModel {
    /// At most [`MODEL_BYTES`]; bytes that are not UTF-8 are replaced.
    pub name: Text,
    /// Whether the bytes are UTF-8.
    pub is_utf8: bool,
    /// Where the model is in the path below the base URL's, in bytes.
    pub place: Range<usize>,
}

// === impl PathModel ===

impl PathModel {
    /// The model of `written`, a part of `path`. `None`: an upstream could end the path or the segment inside of it.
    pub(super) fn parse(written: &str, path: &str) -> Option<Self> {
        let decoded = percent::decode(written.as_bytes())?;
        if memchr::memchr3(b'?', b'#', b';', &decoded).is_some() {
            return None;
        }
        let text = String::from_utf8_lossy(&decoded);
        let mut name = Text::default();
        name.push(&text, MODEL_BYTES);
        // `written` is a slice of `path`.
        let at = written.as_ptr().addr().saturating_sub(path.as_ptr().addr());
        let place = at..at.saturating_add(written.len());
        Some(Self { place, name, is_utf8: matches!(text, std::borrow::Cow::Borrowed(_)) })
    }
}
