//! What a visitor reads: where it is in the document, what it wants there, and what it has been told.

use super::text::{Sink, Text};
use super::{Chunk, Error, Kind, MAX_NAME_BYTES, MAX_NUMBER_BYTES, MAX_PATH, Name, Scalar, Visitor, Want};

/// The containers that are read, from the document inwards, and the value at hand in the innermost of them.
#[derive(Debug)]
pub(super) struct Reading<N: Name> {
    /// The name of the member, or [`Name::ITEM`], that is at hand in each container that is read.
    path: [N; MAX_PATH],
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
}

impl<N: Name> Reading<N> {
    /// Before the document.
    pub(super) fn new() -> Self {
        Self {
            path: [N::ITEM; MAX_PATH],
            depth: 0,
            known: true,
            want: Want::Skip,
            raw: false,
            raw_from: 0,
            scratch: Scratch { bytes: [0; MAX_NAME_BYTES], len: 0 },
        }
    }

    /// How many containers are read. While more are open, we are inside of a value that is skipped or raw.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    fn path(&self) -> &[N] {
        self.path.get(..self.depth).unwrap_or(&[])
    }

    /// The value at hand begins at `at`: asks what is wanted of it.
    pub(super) fn begin<V>(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, visitor: &mut V)
    where
        V: Visitor<Name = N>,
    {
        self.want = Want::Skip;
        if self.known {
            self.want = visitor.begin(self.path(), kind, chunk.offset(at));
        }
        match (self.want, kind) {
            (Want::Raw, _) => {
                self.raw = true;
                self.raw_from = at;
            }
            (Want::Read, Kind::Object | Kind::Array) => match self.path.get_mut(self.depth) {
                Some(place) => {
                    *place = N::ITEM;
                    self.depth += 1;
                }
                None => self.want = Want::Skip,
            },
            _ => {}
        }
    }

    /// The value at hand has ended just before `at`; `scalar` is it if it is a literal.
    #[inline(always)]
    pub(super) fn ended<V: Visitor<Name = N>>(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut V,
    ) {
        match (self.want, scalar) {
            (Want::Skip, _) => {}
            (Want::Read, Some(scalar)) => visitor.scalar(self.path(), scalar),
            (Want::Read, None) => visitor.end(self.path(), kind, chunk.offset(at)),
            (Want::Raw, _) => {
                self.tell_raw(chunk, at, visitor);
                self.raw = false;
                visitor.end(self.path(), kind, chunk.offset(at));
            }
        }
    }

    /// The innermost container that is read has ended just before `at`.
    pub(super) fn container_ended<V>(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, visitor: &mut V)
    where
        V: Visitor<Name = N>,
    {
        self.depth = self.depth.saturating_sub(1);
        // It was offered, so what it stands in has a known value at hand.
        self.known = true;
        visitor.end(self.path(), kind, chunk.offset(at));
    }

    /// Part of the number at hand.
    pub(super) fn number(&mut self, bytes: &[u8]) {
        if self.want == Want::Read {
            self.scratch.push(bytes);
        }
    }

    /// The number at hand has ended just before `at`.
    pub(super) fn number_ended<V>(&mut self, chunk: Chunk<'_>, at: usize, visitor: &mut V)
    where
        V: Visitor<Name = N>,
    {
        if self.want == Want::Read {
            visitor.scalar(self.path(), Scalar::Number(self.scratch.text(MAX_NUMBER_BYTES)));
            self.scratch.len = 0;
        } else {
            self.ended(Kind::Number, None, chunk, at, visitor);
        }
    }

    /// The next member has this name.
    pub(super) fn named(&mut self, name: Option<N>) {
        self.known = name.is_some();
        if let (Some(name), Some(place)) = (name, self.path.get_mut(self.depth.wrapping_sub(1))) {
            *place = name;
        }
    }

    /// Reads on in the next member's name, from `at` to just past its closing quote. `None`: the chunk ends first.
    pub(super) fn name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        text: &mut Text,
    ) -> Result<Option<usize>, Error> {
        let after = text.read(chunk, at, &mut self.scratch)?;
        if after.is_some() {
            self.named(self.scratch.text(MAX_NAME_BYTES).and_then(N::of));
            self.scratch.len = 0;
        }
        Ok(after)
    }

    /// The text of the string at hand, whole and ASCII.
    #[inline(always)]
    pub(super) fn short_text<V: Visitor<Name = N>>(&self, text: &[u8], visitor: &mut V) {
        if self.want == Want::Read
            && !text.is_empty()
            && let Ok(text) = core::str::from_utf8(text)
        {
            visitor.text(self.path(), text);
        }
    }

    /// Where the text of the string at hand goes, if it is wanted.
    pub(super) fn wanted_text<'a, V>(&'a self, visitor: &'a mut V) -> Option<Told<'a, V>>
    where
        V: Visitor<Name = N>,
    {
        (self.want == Want::Read).then(|| Told { visitor, path: self.path() })
    }

    /// A character of a string was split between chunks. `live`: the string is not inside of a value that is
    /// skipped or raw; `name`: it is a member's name.
    pub(super) fn character<V>(&mut self, character: &str, live: bool, name: bool, visitor: &mut V)
    where
        V: Visitor<Name = N>,
    {
        if live && name {
            self.scratch.push(character.as_bytes());
        } else if self.raw || live && self.want == Want::Read {
            visitor.text(self.path(), character);
        }
    }

    /// What follows in this chunk begins at `at`.
    pub(super) fn chunk_begins(&mut self, at: usize) {
        self.raw_from = at;
    }

    /// The chunk ends; what is known to be text ends at `at`.
    pub(super) fn chunk_ends<V: Visitor<Name = N>>(&self, chunk: Chunk<'_>, at: usize, visitor: &mut V) {
        if self.raw {
            self.tell_raw(chunk, at, visitor);
        }
    }

    /// Tells the bytes of a raw value before `end` that were not told yet.
    fn tell_raw<V: Visitor<Name = N>>(&self, chunk: Chunk<'_>, end: usize, visitor: &mut V) {
        let bytes = chunk.bytes.get(self.raw_from..end).unwrap_or(&[]);
        // Never fails: strings were validated, and everything else is ASCII.
        let run = core::str::from_utf8(bytes).unwrap_or_default();
        if !run.is_empty() {
            visitor.text(self.path(), run);
        }
    }
}

/// A string's text goes to the visitor.
pub(super) struct Told<'a, V: Visitor> {
    visitor: &'a mut V,
    path: &'a [V::Name],
}

impl<V: Visitor> Sink for Told<'_, V> {
    const TELLS: bool = true;
    const LONG: bool = true;

    #[inline]
    fn run(&mut self, run: &str) {
        self.visitor.text(self.path, run);
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
    fn text(&self, max: usize) -> Option<&str> {
        let bytes = self.bytes.get(..self.len).filter(|bytes| bytes.len() <= max)?;
        core::str::from_utf8(bytes).ok()
    }
}

impl Sink for Scratch {
    const TELLS: bool = true;
    const LONG: bool = false;

    fn run(&mut self, run: &str) {
        self.push(run.as_bytes());
    }
}
