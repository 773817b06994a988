//! The one edit of a request's body: a stream that was asked for without `stream_options.include_usage: true` gets that
//! member at its byte position, and every other byte stays (contract §6). Only here does a request's byte ever wait, and
//! only the first bytes of one `null`, `true` or `false` that may have to be replaced.
//! <https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>

use crate::api::request::Name;
use crate::json::{Kind, Scalar, Want};

/// What is put in where there is none.
const MEMBER: &str = r#""include_usage":true"#;
const OPTIONS: &str = r#"{"include_usage":true}"#;
const OPTIONS_MEMBER: &str = r#""stream_options":{"include_usage":true}"#;

/// The splice in one body. It hears of the values from the reader's visitor and then edits the chunk.
#[derive(Debug, Default)]
pub struct Splice {
    stream: Stream,
    options: Options,
    /// Where a literal begins that may have to be replaced, and whose last byte was not seen.
    literal: Option<u64>,
    /// What is to be changed in the bytes at hand, in ascending order.
    edits: Vec<Edit>,
    /// The first bytes of `literal`, where the last chunk ended within it; at most four.
    held: Vec<u8>,
    /// Offset in the body just past the last chunk.
    offset: u64,
    /// The last byte before the bytes at hand that is no white space.
    last: u8,
}

/// The member `stream`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stream {
    #[default]
    Unseen,
    True,
    /// Anything but `true`: this is no stream.
    Other,
}

/// The member `stream_options`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Options {
    #[default]
    Unseen,
    /// It is an object, in which `include_usage` was not seen.
    Object,
    /// The client asks for usage itself.
    Own,
    /// We ask for usage.
    Spliced,
    /// It cannot be edited: a `null` ahead of `stream`, or of the wrong type.
    Left,
}

/// Bytes to be replaced.
#[derive(Clone, Copy, Debug)]
struct Edit {
    from: u64,
    to: u64,
    put: &'static str,
    /// It is a member at the end of an object: a comma stands before it unless it is the only one.
    member: bool,
}

// === impl Splice ===

impl Splice {
    /// A value begins; as [`Visitor::begin`](crate::json::Visitor::begin). `None`: it is not of interest here.
    pub(crate) fn begin(&mut self, path: &[Name], kind: Kind, offset: u64) -> Option<Want> {
        let read = match path {
            [Name::Stream] => {
                if kind != Kind::Bool {
                    self.stream = Stream::Other;
                }
                return None;
            }
            [Name::StreamOptions] => {
                let (options, read) = match (kind, self.stream) {
                    // It is completed where it stands: once it has passed it is too late.
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
            [Name::StreamOptions, Name::IncludeUsage] => {
                let literal = matches!(kind, Kind::Null | Kind::Bool);
                self.literal = literal.then_some(offset);
                // Of the wrong type: the upstream will say so.
                self.options = Options::Left;
                literal
            }
            _ => return None,
        };
        Some(if read { Want::Read } else { Want::Skip })
    }

    /// As [`Visitor::scalar`](crate::json::Visitor::scalar).
    pub(crate) fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        let (put, length) = match (path, value) {
            ([Name::Stream], Scalar::Bool(stream)) => {
                self.stream = if stream { Stream::True } else { Stream::Other };
                return;
            }
            ([Name::StreamOptions], Scalar::Null) => (OPTIONS, 4),
            ([Name::StreamOptions, Name::IncludeUsage], Scalar::Null) => ("true", 4),
            ([Name::StreamOptions, Name::IncludeUsage], Scalar::Bool(false)) => ("true", 5),
            ([Name::StreamOptions, Name::IncludeUsage], Scalar::Bool(true)) => {
                self.literal = None;
                self.options = Options::Own;
                return;
            }
            _ => return,
        };
        if let Some(from) = self.literal.take() {
            self.options = Options::Spliced;
            self.edits.push(Edit { from, to: from.saturating_add(length), put, member: false });
        }
    }

    /// As [`Visitor::end`](crate::json::Visitor::end), of an object.
    pub(crate) fn end(&mut self, path: &[Name], offset: u64) {
        let put = match (path, self.options, self.stream) {
            ([Name::StreamOptions], Options::Object, _) => MEMBER,
            ([], Options::Unseen, Stream::True) => OPTIONS_MEMBER,
            _ => return,
        };
        self.options = Options::Spliced;
        let brace = offset.saturating_sub(1);
        self.edits.push(Edit { from: brace, to: brace, put, member: true });
    }

    /// Whether usage was asked for in the client's stead: the event that states it is not the client's.
    #[must_use]
    pub fn is_spliced(&self) -> bool {
        self.options == Options::Spliced && self.stream == Stream::True
    }

    /// Whether the stream's usage is not asked for, because `stream_options` could not be edited.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.options == Options::Left && self.stream == Stream::True
    }

    /// Edits `chunk`, which was read just now. `None`: it passes as it is.
    pub fn edit(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let begin = self.offset.saturating_sub(length(&self.held));
        self.offset = self.offset.saturating_add(length(chunk));
        if self.held.is_empty() && self.edits.is_empty() && self.literal.is_none() {
            self.last = last_visible(chunk).unwrap_or(self.last);
            return None;
        }
        let mut view = core::mem::take(&mut self.held);
        view.extend_from_slice(chunk);
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
        self.held = view.split_off(to.min(view.len()));
        self.last = last_visible(&view).unwrap_or(self.last);
        Some(edited)
    }
}

/// The last byte that is no white space.
fn last_visible(bytes: &[u8]) -> Option<u8> {
    bytes.iter().rev().copied().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
