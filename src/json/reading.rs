//! What a visitor reads: where it is in the document, what it wants there, and what it has been told.

use super::listener::Listener;
use super::shape::Places;
use super::text::{Sink, Text};
use super::{Chunk, Error, Kind, MAX_NAME_BYTES, MAX_NUMBER_BYTES, MAX_PATH, Scalar, Want};

/// The containers that are read, from the document inwards, and the value at hand in the innermost of them.
#[derive(Debug)]
pub(super) struct Reading {
    depth: usize,
    /// Whether the value at hand is one to offer: an element, or a member with a known name.
    known: bool,
    /// What is wanted of the value at hand.
    want: Want,
    /// Whether we are within a raw value.
    raw: bool,
    /// Where in the chunk the bytes of a raw value begin that were not told yet.
    raw_from: usize,
    /// A name or a wanted number that spans chunks, or a name with escapes.
    scratch: Scratch,
    /// The values that nobody was told of.
    pub(super) places: Places,
}

impl Reading {
    /// Before the document.
    pub(super) fn new() -> Self {
        Self {
            depth: 0,
            known: true,
            want: Want::Skip,
            raw: false,
            raw_from: 0,
            scratch: Scratch { bytes: [0; MAX_NAME_BYTES], len: 0 },
            places: Places::default(),
        }
    }

    /// How many containers are read. While more are open, we are inside of a value that is skipped or raw.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// As before the document.
    pub(super) fn renew(&mut self) {
        (self.depth, self.known, self.want, self.raw) = (0, true, Want::Skip, false);
        self.scratch.len = 0;
        self.places.clear();
    }

    /// The value at hand begins at `at`: asks what is wanted of it.
    pub(super) fn begin(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, listener: &mut dyn Listener) {
        self.want = Want::Skip;
        if self.known {
            self.want = listener.begin(self.depth, kind, chunk.offset(at));
        }
        self.places.note(self.want, kind, chunk.offset(at));
        if self.want == Want::Perhaps {
            self.want = Want::Read;
        }
        match (self.want, kind) {
            (Want::Raw, _) => {
                self.raw = true;
                self.raw_from = at;
            }
            (Want::Read, Kind::Object | Kind::Array) if self.depth < MAX_PATH => self.depth += 1,
            (Want::Read, Kind::Object | Kind::Array) => self.want = Want::Skip,
            _ => {}
        }
    }

    /// The value at hand has ended just before `at`; `scalar` is it if it is a literal.
    #[inline(always)]
    pub(super) fn ended(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) {
        match (self.want, scalar) {
            (Want::Skip, _) => {}
            (Want::Read | Want::Perhaps, Some(scalar)) => listener.scalar(self.depth, scalar),
            (Want::Read | Want::Perhaps, None) => listener.end(self.depth, kind, chunk.offset(at)),
            (Want::Raw, _) => {
                self.tell_raw(chunk, at, listener);
                self.raw = false;
                listener.end(self.depth, kind, chunk.offset(at));
            }
        }
    }

    /// The innermost container that is read has ended just before `at`.
    pub(super) fn container_ended(
        &mut self,
        kind: Kind,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) {
        self.depth = self.depth.saturating_sub(1);
        // It was offered, so what it stands in has a known value at hand.
        self.known = true;
        listener.end(self.depth, kind, chunk.offset(at));
    }

    /// Part of the number at hand.
    pub(super) fn number(&mut self, bytes: &[u8]) {
        if self.want == Want::Read {
            self.scratch.push(bytes);
        }
    }

    /// The number at hand is `bytes`, which end just before `at`.
    pub(super) fn whole_number(
        &mut self,
        bytes: &[u8],
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) {
        if self.want == Want::Read {
            let number = Some(bytes).filter(|bytes| bytes.len() <= MAX_NUMBER_BYTES).and_then(text);
            listener.scalar(self.depth, Scalar::Number(number));
        } else {
            self.ended(Kind::Number, None, chunk, at, listener);
        }
    }

    /// The number at hand has ended just before `at`.
    pub(super) fn number_ended(&mut self, chunk: Chunk<'_>, at: usize, listener: &mut dyn Listener) {
        if self.want == Want::Read {
            listener.scalar(self.depth, Scalar::Number(self.scratch.get(MAX_NUMBER_BYTES).and_then(text)));
            self.scratch.len = 0;
        } else {
            self.ended(Kind::Number, None, chunk, at, listener);
        }
    }

    /// The next member has this name.
    #[inline(always)]
    pub(super) fn named(&mut self, name: &[u8], listener: &mut dyn Listener) {
        self.known = listener.name(self.depth, name);
    }

    /// Reads on in the next member's name, from `at` to just past its closing quote. `None`: the chunk ends first.
    pub(super) fn name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        text: &mut Text,
        listener: &mut dyn Listener,
    ) -> Result<Option<usize>, Error> {
        let after = text.read(chunk, at, &mut self.scratch)?;
        if after.is_some() {
            self.known = self.scratch.get(MAX_NAME_BYTES).is_some_and(|name| listener.name(self.depth, name));
            self.scratch.len = 0;
        }
        Ok(after)
    }

    /// The text of the string at hand, whole and ASCII.
    #[inline(always)]
    pub(super) fn short_text(&self, text: &[u8], listener: &mut dyn Listener) {
        if self.want == Want::Read
            && !text.is_empty()
            && let Ok(text) = core::str::from_utf8(text)
        {
            listener.text(self.depth, text);
        }
    }

    /// Where the text of the string at hand goes, if it is wanted.
    pub(super) fn wanted_text<'a>(&self, listener: &'a mut dyn Listener) -> Option<Told<'a>> {
        (self.want == Want::Read).then_some(Told { listener, depth: self.depth })
    }

    /// A character of a string was split between chunks. `live`: the string is not inside of a value that is
    /// skipped or raw; `name`: it is a member's name.
    pub(super) fn character(&mut self, character: &str, live: bool, name: bool, listener: &mut dyn Listener) {
        if live && name {
            self.scratch.push(character.as_bytes());
        } else if self.raw {
            listener.raw(self.depth, character.as_bytes());
        } else if live && self.want == Want::Read {
            listener.text(self.depth, character);
        }
    }

    /// What follows in this chunk begins at `at`.
    pub(super) fn chunk_begins(&mut self, at: usize) {
        self.raw_from = at;
    }

    /// The chunk ends; what is known to be text ends at `at`.
    pub(super) fn chunk_ends(&self, chunk: Chunk<'_>, at: usize, listener: &mut dyn Listener) {
        if self.raw {
            self.tell_raw(chunk, at, listener);
        }
    }

    /// Tells the bytes of a raw value before `end` that were not told yet.
    fn tell_raw(&self, chunk: Chunk<'_>, end: usize, listener: &mut dyn Listener) {
        let run = chunk.bytes.get(self.raw_from..end).unwrap_or(&[]);
        if !run.is_empty() {
            listener.raw(self.depth, run);
        }
    }
}

/// A string's text goes to the visitor.
pub(super) struct Told<'a> {
    listener: &'a mut dyn Listener,
    depth: usize,
}

impl Sink for Told<'_> {
    const TELLS: bool = true;
    const LONG: bool = true;

    #[inline]
    fn run(&mut self, run: &str) {
        self.listener.text(self.depth, run);
    }
}

/// A short text that arrives in parts.
#[derive(Debug)]
struct Scratch {
    bytes: [u8; MAX_NAME_BYTES],
    /// How long the text is, also where it is longer than there is room for.
    len: usize,
}

impl Scratch {
    fn push(&mut self, bytes: &[u8]) {
        for (place, &byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *place = byte;
        }
        self.len = self.len.saturating_add(bytes.len());
    }

    /// The text, unless it is longer than `max`.
    fn get(&self, max: usize) -> Option<&[u8]> {
        self.bytes.get(..self.len).filter(|bytes| bytes.len() <= max)
    }
}

/// Never fails: what is told is valid.
fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

impl Sink for Scratch {
    const TELLS: bool = true;
    const LONG: bool = false;

    fn run(&mut self, run: &str) {
        self.push(run.as_bytes());
    }
}
