//! Asks for usage in a request: a stream that is requested without `stream_options.include_usage: true` gets that
//! member at its byte position, and every other byte stays. The only bytes of a request that ever wait are the first
//! bytes of one `null`, `true` or `false` that may have to be replaced.
//! <https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>

use super::length;
use crate::json::Kind;

/// Inserted into `stream_options` without `include_usage`.
const MEMBER: &str = r#""include_usage":true"#;
/// Replaces `null`.
const OPTIONS: &str = r#"{"include_usage":true}"#;
/// Inserted into a request without `stream_options`.
const OPTIONS_MEMBER: &str = r#""stream_options":{"include_usage":true}"#;

/// The splice in one request. The reader reports the members that matter while it reads a chunk; then the chunk is
/// edited.
#[derive(Debug, Default)]
pub struct Splice {
    stream: Stream,
    options: Options,
    /// Offset of a literal that may have to be replaced and that has not ended.
    literal: Option<u64>,
    /// Edits of the current chunk, in ascending order.
    edits: Vec<Edit>,
    /// The first bytes of `literal` if the last chunk ended inside of it; at most four.
    held: Vec<u8>,
    /// Offset in the request just past the last chunk.
    offset: u64,
    /// The last byte before the current chunk that is not white space.
    last: u8,
}

/// The member `stream`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stream {
    #[default]
    Unseen,
    True,
    /// Anything but `true`: no stream is requested.
    Other,
}

/// The member `stream_options`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Options {
    #[default]
    Unseen,
    /// It is an object in which `include_usage` was not seen.
    Object,
    /// The client itself asks for usage.
    Own,
    /// An edit asks for usage.
    Spliced,
    /// It cannot be edited: it is `null` and comes before `stream`, or it has the wrong type.
    Left,
}

/// A replacement of bytes.
#[derive(Clone, Copy, Debug)]
struct Edit {
    from: u64,
    to: u64,
    put: &'static str,
    /// `put` is a member at the end of an object: it needs a comma unless it is the only member.
    member: bool,
}

// === impl Splice ===

impl Splice {
    /// The member `stream` begins.
    pub fn begin_stream(&mut self, kind: Kind) {
        if kind != Kind::Bool {
            self.stream = Stream::Other;
        }
    }

    /// The member `stream` is this.
    pub fn stream(&mut self, stream: bool) {
        self.stream = if stream { Stream::True } else { Stream::Other };
    }

    /// The member `stream_options` begins at `offset`. Returns whether it is to be read.
    pub fn begin_options(&mut self, kind: Kind, offset: u64) -> bool {
        let (options, read) = match (kind, self.stream) {
            // The object is completed here even if `stream` comes later: then it would be too late.
            (Kind::Object, Stream::Unseen | Stream::True) => (Options::Object, true),
            (Kind::Null, Stream::True) => {
                self.literal = Some(offset);
                (Options::Spliced, true)
            }
            _ => (Options::Left, false),
        };
        self.options = options;
        read
    }

    /// The member `stream_options` is `null`.
    pub fn null_options(&mut self) {
        self.replace_literal(OPTIONS, 4);
    }

    /// The member `stream_options.include_usage` begins at `offset`. Returns whether it is to be read.
    pub fn begin_include_usage(&mut self, kind: Kind, offset: u64) -> bool {
        let literal = matches!(kind, Kind::Null | Kind::Bool);
        self.literal = literal.then_some(offset);
        // If the member has the wrong type the upstream will refuse it.
        self.options = Options::Left;
        literal
    }

    /// The member `stream_options.include_usage` is this; `None`: `null`.
    pub fn include_usage(&mut self, include: Option<bool>) {
        match include {
            None => self.replace_literal("true", 4),
            Some(false) => self.replace_literal("true", 5),
            Some(true) => {
                self.literal = None;
                self.options = Options::Own;
            }
        }
    }

    fn replace_literal(&mut self, put: &'static str, length: u64) {
        if let Some(from) = self.literal.take() {
            self.options = Options::Spliced;
            self.edits.push(Edit { from, to: from.saturating_add(length), put, member: false });
        }
    }

    /// The object `stream_options` has ended; `offset`: just past its brace.
    pub fn end_options(&mut self, offset: u64) {
        if self.options == Options::Object {
            self.insert_member(MEMBER, offset);
        }
    }

    /// The request has ended; `offset`: just past its brace.
    pub fn end_request(&mut self, offset: u64) {
        if self.options == Options::Unseen && self.stream == Stream::True {
            self.insert_member(OPTIONS_MEMBER, offset);
        }
    }

    fn insert_member(&mut self, put: &'static str, end: u64) {
        self.options = Options::Spliced;
        let brace = end.saturating_sub(1);
        self.edits.push(Edit { from: brace, to: brace, put, member: true });
    }

    /// Whether an edit asks for usage: the client did not, and must not see the usage event.
    #[must_use]
    pub fn is_spliced(&self) -> bool {
        self.options == Options::Spliced && self.stream == Stream::True
    }

    /// Whether the stream will state no usage, because `stream_options` could not be edited.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.options == Options::Left && self.stream == Stream::True
    }

    /// Edits `chunk`, which was just read. `None`: it passes unchanged.
    pub fn edit(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let begin = self.offset.saturating_sub(length(&self.held));
        self.offset = self.offset.saturating_add(length(chunk));
        if self.held.is_empty() && self.edits.is_empty() && self.literal.is_none() {
            self.last = last_visible(chunk).unwrap_or(self.last);
            return None;
        }
        let mut joined = core::mem::take(&mut self.held);
        let view = if joined.is_empty() {
            chunk
        } else {
            joined.extend_from_slice(chunk);
            &joined
        };
        let at = |offset: u64| usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        let mut edited = Vec::with_capacity(view.len() + OPTIONS_MEMBER.len() + 1);
        let mut from = 0;
        for edit in self.edits.drain(..) {
            let before = view.get(..at(edit.from)).unwrap_or_default();
            edited.extend_from_slice(before.get(from..).unwrap_or_default());
            if edit.member && last_visible(before).unwrap_or(self.last) != b'{' {
                edited.push(b',');
            }
            edited.extend_from_slice(edit.put.as_bytes());
            from = at(edit.to);
        }
        let to = self.literal.map_or(view.len(), at);
        edited.extend_from_slice(view.get(from..to).unwrap_or_default());
        self.last = last_visible(view.get(..to).unwrap_or(view)).unwrap_or(self.last);
        self.held = view.get(to..).unwrap_or_default().to_vec();
        Some(edited)
    }
}

/// The last byte that is not white space.
fn last_visible(bytes: &[u8]) -> Option<u8> {
    bytes.iter().rev().copied().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
}
