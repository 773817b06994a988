//! Asks the visitor what it wants of the current value, and makes the calls for it.

use super::append::append_what_fits;
use super::erased_visitor::{Asked, ErasedVisitor};
use super::string::StringReader;
use super::text_count::TextCount;
use super::text_sink::TextSink;
use super::unread_values::UnreadValues;
use super::{Chunk, Error, Kind, MAX_NAME_BYTES, MAX_NUMBER_BYTES, MAX_PATH, Scalar, Want};

/// What the visitor reads at the moment. The *current value* is an element or member of the innermost container that
/// is read, or the document.
#[derive(Debug)]
pub(super) struct Dispatch {
    /// How many containers are read.
    depth: usize,
    /// How many containers are read with the innermost array that is wanted as [`Want::Latest`]. [`usize::MAX`]: none.
    latest: usize,
    /// Whether the visitor is asked about the current value: it is an element, or its name is known.
    known: bool,
    /// What the visitor wants of the current value.
    want: Want,
    /// Whether the current value is delivered raw.
    raw: bool,
    /// Where in the chunk the bytes of the raw value begin that the visitor did not get yet.
    raw_from: usize,
    /// A number or name that spans chunks, or a name with escapes.
    partial: PartialToken,
    /// The values that the visitor did not read.
    pub(super) unread: UnreadValues,
    /// The bytes of the texts that the visitor has counted.
    pub(super) count: TextCount,
}

impl Dispatch {
    /// Before the document.
    pub(super) fn new() -> Self {
        Self {
            depth: 0,
            latest: usize::MAX,
            known: true,
            want: Want::Skip,
            raw: false,
            raw_from: 0,
            partial: PartialToken { bytes: [0; MAX_NAME_BYTES], len: 0 },
            unread: UnreadValues::default(),
            count: TextCount::default(),
        }
    }

    /// How many containers are read. While more are open, the scanner is inside of a skipped or raw value.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost container that is read is an array that is wanted as [`Want::Latest`].
    #[inline(always)]
    pub(super) fn in_latest(&self) -> bool {
        self.depth == self.latest
    }

    /// Returns to the state before the document.
    pub(super) fn renew(&mut self) {
        (self.depth, self.known, self.want, self.raw) = (0, true, Want::Skip, false);
        self.latest = usize::MAX;
        self.partial.len = 0;
        self.unread.clear();
        self.count.clear();
    }

    /// The current value begins at `at`: asks the visitor what it wants of it.
    pub(super) fn begin(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, visitor: &mut dyn ErasedVisitor) {
        let offset = chunk.offset(at);
        let asked =
            if self.known { visitor.begin(self.depth, kind, offset) } else { self.ask_unknown(visitor) };
        let (mut want, counts) = (asked.want(), asked.is_counted());
        self.note(want, kind, offset, counts);
        let latest = want == Want::Latest;
        if latest | matches!(want, Want::Tentative | Want::Piece) {
            want = Want::Read;
        }
        let container = matches!(kind, Kind::Object | Kind::Array);
        let open = want == Want::Read && container;
        self.count.begin(counts && !open, want != Want::Skip, container, offset);
        if want == Want::Raw {
            self.raw = true;
            self.raw_from = at;
        } else if open {
            if self.depth < MAX_PATH {
                self.depth += 1;
                if latest {
                    self.latest = self.depth;
                } else if self.latest >= self.depth {
                    self.latest = usize::MAX;
                }
            } else {
                want = Want::Skip;
            }
        }
        self.want = want;
    }

    /// What to do with the current value, whose name is unknown: skip it. Only where containers may be counted, it can
    /// be counted.
    #[inline(always)]
    fn ask_unknown(&self, visitor: &dyn ErasedVisitor) -> Asked {
        Asked::new(Want::Skip, self.count.is_by_string() && visitor.counts_unknown(self.depth))
    }

    /// Notes a value that the visitor may not have read.
    #[inline(always)]
    fn note(&mut self, want: Want, kind: Kind, offset: u64, counts: bool) {
        // A document whose containers are counted by their strings is a request, which no shape learns.
        if !self.count.is_by_string() {
            self.unread.note(want, kind, offset, counts);
        }
    }

    /// The current value is a string that is at hand whole, short, ASCII and without escapes. `quoted`: its bytes with
    /// the quotes; `offset`: where it begins in the document.
    #[inline(always)]
    pub(super) fn short_string(&mut self, quoted: &[u8], offset: u64, visitor: &mut dyn ErasedVisitor) {
        let asked = if self.known {
            match visitor.short_string(self.depth, quoted) {
                asked if asked.is_not() => read_short_string(self.depth, quoted, offset, visitor),
                asked => asked,
            }
        } else {
            self.ask_unknown(visitor)
        };
        let (want, counts) = (asked.want(), asked.is_counted());
        self.note(want, Kind::String, offset, counts);
        self.count.whole_string(counts, want != Want::Skip, (quoted.len() as u64).saturating_sub(2));
    }

    /// The current value ended just before `at`. It is no container that is read. `scalar`: its value, if it is a
    /// literal.
    #[inline(always)]
    pub(super) fn end(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) {
        self.count.end(chunk.offset(at));
        match (self.want, scalar) {
            (Want::Skip, _) => {}
            (Want::Read | Want::Tentative | Want::Piece | Want::Latest, Some(scalar)) => {
                visitor.scalar(self.depth, scalar);
            }
            (Want::Read | Want::Tentative | Want::Piece | Want::Latest, None) => {
                visitor.end(self.depth, kind, chunk.offset(at));
            }
            (Want::Raw, _) => {
                self.deliver_raw(chunk, at, visitor);
                self.raw = false;
                visitor.end(self.depth, kind, chunk.offset(at));
            }
        }
    }

    /// The innermost container that is read ended just before `at`.
    pub(super) fn end_container(
        &mut self,
        kind: Kind,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) {
        self.depth = self.depth.saturating_sub(1);
        // The container is now the current value of its parent. The visitor was asked about it, so it is known.
        self.known = true;
        visitor.end(self.depth, kind, chunk.offset(at));
    }

    /// Keeps a part of a number that spans chunks.
    pub(super) fn number_part(&mut self, bytes: &[u8]) {
        if self.want == Want::Read {
            self.partial.append(bytes);
        }
    }

    /// The current value is the number `bytes`, which end just before `at`.
    pub(super) fn whole_number(
        &mut self,
        bytes: &[u8],
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) {
        if self.want == Want::Read {
            let number = Some(bytes).filter(|bytes| bytes.len() <= MAX_NUMBER_BYTES).and_then(text);
            visitor.scalar(self.depth, Scalar::Number(number));
        } else {
            self.end(Kind::Number, None, chunk, at, visitor);
        }
    }

    /// The number whose parts were kept ended just before `at`.
    pub(super) fn end_number(&mut self, chunk: Chunk<'_>, at: usize, visitor: &mut dyn ErasedVisitor) {
        if self.want == Want::Read {
            visitor.scalar(self.depth, Scalar::Number(self.partial.get(MAX_NUMBER_BYTES).and_then(text)));
            self.partial.len = 0;
        } else {
            self.end(Kind::Number, None, chunk, at, visitor);
        }
    }

    /// The next member has this name, which has no escapes.
    #[inline(always)]
    pub(super) fn short_name(&mut self, name: &[u8], visitor: &mut dyn ErasedVisitor) {
        self.known = visitor.name(self.depth, name);
        self.count.name(name, self.depth > 1);
    }

    /// Reads the name of the next member from `at` to just past its closing quote, the position of which it returns.
    /// `None`: the chunk ends first.
    pub(super) fn read_name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        string: &mut StringReader,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Option<usize>, Error> {
        let after = string.read(chunk, at, &mut self.partial)?;
        if after.is_some() {
            self.known = self.partial.get(MAX_NAME_BYTES).is_some_and(|name| visitor.name(self.depth, name));
            self.name_ended(self.depth > 1, string);
        }
        Ok(after)
    }

    /// As [`read_name`](Self::read_name), for a name inside of a value that is skipped or raw.
    pub(super) fn skip_name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        string: &mut StringReader,
    ) -> Result<Option<usize>, Error> {
        if !self.count.reads_names() {
            let after = string.skip(chunk, at)?;
            if after.is_some() {
                string.take_text_bytes();
            }
            return Ok(after);
        }
        let after = string.read(chunk, at, &mut self.partial)?;
        if after.is_some() {
            self.name_ended(true, string);
        }
        Ok(after)
    }

    /// The name whose parts were kept has ended.
    fn name_ended(&mut self, nested: bool, string: &mut StringReader) {
        self.count.name(self.partial.get(MAX_NAME_BYTES).unwrap_or_default(), nested);
        self.partial.len = 0;
        string.take_text_bytes();
    }

    /// The receiver of the text of the current value, a string. `None`: the text is not wanted.
    pub(super) fn text_sink<'a>(&self, visitor: &'a mut dyn ErasedVisitor) -> Option<VisitorText<'a>> {
        (self.want == Want::Read).then_some(VisitorText { visitor, depth: self.depth })
    }

    /// Passes on a character of a string that was split between chunks. `live`: the string is not inside of a skipped
    /// or raw value. `name`: it is a member name.
    pub(super) fn split_character(
        &mut self,
        character: &str,
        live: bool,
        name: bool,
        visitor: &mut dyn ErasedVisitor,
    ) {
        if name && (live || self.count.reads_names()) {
            self.partial.append(character.as_bytes());
        }
        if self.raw {
            visitor.raw(self.depth, character.as_bytes());
        } else if live && !name && self.want == Want::Read {
            visitor.text(self.depth, character);
        }
    }

    /// A chunk begins, of which the bytes before `at` are done.
    pub(super) fn begin_chunk(&mut self, at: usize) {
        self.raw_from = at;
    }

    /// The chunk ends: delivers a raw value up to `end`.
    pub(super) fn end_chunk(&self, chunk: Chunk<'_>, end: usize, visitor: &mut dyn ErasedVisitor) {
        if self.raw {
            self.deliver_raw(chunk, end, visitor);
        }
    }

    /// Delivers the bytes of the raw value before `end` that the visitor did not get yet.
    fn deliver_raw(&self, chunk: Chunk<'_>, end: usize, visitor: &mut dyn ErasedVisitor) {
        let run = chunk.bytes.get(self.raw_from..end).unwrap_or(&[]);
        if !run.is_empty() {
            visitor.raw(self.depth, run);
        }
    }
}

/// Makes all calls of the visitor for a string that is at hand whole.
#[inline(never)]
fn read_short_string(depth: usize, quoted: &[u8], offset: u64, visitor: &mut dyn ErasedVisitor) -> Asked {
    let asked = visitor.begin(depth, Kind::String, offset);
    let want = asked.want();
    if want == Want::Skip {
        return asked;
    }
    if want == Want::Raw {
        visitor.raw(depth, quoted);
    } else if let [_, within @ .., _] = quoted
        && let Some(text) = text(within).filter(|text| !text.is_empty())
    {
        visitor.text(depth, text);
    }
    visitor.end(depth, Kind::String, offset.saturating_add(quoted.len() as u64));
    asked
}

/// Passes the text of a string on to the visitor.
pub(super) struct VisitorText<'a> {
    visitor: &'a mut dyn ErasedVisitor,
    depth: usize,
}

impl<'a> VisitorText<'a> {
    /// Passes on the text of a string that is no part of a document.
    pub(super) fn of(visitor: &'a mut dyn ErasedVisitor) -> Self {
        Self { visitor, depth: 0 }
    }

    /// Reads a string as [`StringReader::read`].
    #[inline(never)]
    pub(super) fn read(
        &mut self,
        string: &mut StringReader,
        chunk: Chunk<'_>,
        at: usize,
    ) -> Result<Option<usize>, Error> {
        string.read(chunk, at, self)
    }
}

impl TextSink for VisitorText<'_> {
    const WANTS_TEXT: bool = true;
    const GATHERS: bool = true;

    #[inline]
    fn push(&mut self, run: &str) {
        self.visitor.text(self.depth, run);
    }
}

/// A name or number that arrives in parts.
#[derive(Debug)]
struct PartialToken {
    bytes: [u8; MAX_NAME_BYTES],
    /// Its length in bytes, also beyond what fits into `bytes`.
    len: usize,
}

impl PartialToken {
    fn append(&mut self, bytes: &[u8]) {
        self.len = append_what_fits(&mut self.bytes, self.len, bytes);
    }

    /// All of it. `None`: it is longer than `max` bytes.
    fn get(&self, max: usize) -> Option<&[u8]> {
        self.bytes.get(..self.len).filter(|bytes| bytes.len() <= max)
    }
}

impl TextSink for PartialToken {
    const WANTS_TEXT: bool = true;
    const GATHERS: bool = false;

    fn push(&mut self, run: &str) {
        self.append(run.as_bytes());
    }
}

/// `bytes` as text. Never `None`: the scanner validated them.
fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}
