//! Skips events that repeat an earlier one, by comparing them with the last such event.
//!
//! Most events of a stream are pieces of a text, of a thought or of a call's arguments. They come by the hundred, differ
//! only in values that are not read and in the piece, and have the same [`Effect`]. [`RepeatedEvents`] holds the
//! [`Shape`] and the effect of the last such event that was read. As long as the reader and the answer stay as they were
//! then, but for that effect, an event of the same shape has it too, so its data is not read. Its texts are still
//! counted: the shape knows which of its values are texts.
//!
//! Why this is correct: the effect of an event depends on the reader, on the bytes that the reader is given, and on
//! whether the data is valid. The reader is unchanged, because an event that may [change](super::Change) it otherwise makes
//! `RepeatedEvents` forget the shape. The bytes are the same except for values that the reader skips, or of which it
//! said that they do not matter ([`Want::Tentative`](crate::json::Want::Tentative)), or where the piece or the usage is;
//! the reader skips the same values again because the bytes before them are the same. The shape checks those values as
//! the scanner does, and nothing else can be invalid. The event has the same lines, because a valid value contains no
//! line end.

use super::object_reader::{Effect, ObjectReader, Piece, Place};
use crate::answer::{Answer, Keep};
use crate::json::{Fit, Shape, UnreadValues, Vary, VaryRead};
use crate::text::Text;
use memchr::memchr2;

/// The shape of the last event that may be repeated, and its effect.
#[derive(Debug, Default)]
pub(super) struct RepeatedEvents {
    shape: Shape,
    /// Where the piece of an event is appended.
    appends_to: Option<Place>,
    /// The piece of the event being applied, else empty. Its memory is reused.
    piece: Text,
}

// === impl RepeatedEvents ===

impl RepeatedEvents {
    /// The event that `bytes` begin with, if it need not be read and has at most `event_bytes` bytes.
    #[inline(always)]
    pub(super) fn fits(&self, bytes: &[u8], event_bytes: u64) -> Option<Fit> {
        self.shape.fits(bytes).filter(|fit| fit.end as u64 <= event_bytes)
    }

    /// Applies the effect of the event that `bytes` begin with.
    #[inline(always)]
    pub(super) fn apply<R: ObjectReader>(
        &mut self,
        bytes: &[u8],
        fit: &Fit,
        reader: &mut R,
        answer: &mut Answer,
    ) {
        if let Some(place) = self.appends_to {
            self.read_piece(bytes, fit, answer.keep());
            reader.append(place, &self.piece, answer);
            self.piece.clear();
        }
        if let Some(usage) = fit.raw(bytes) {
            answer.usage.repeat(usage);
        }
    }

    /// Not inlined, so that it is compiled once for all APIs.
    #[inline(never)]
    fn read_piece(&mut self, bytes: &[u8], fit: &Fit, keep: &Keep) {
        let limit = keep.text_bytes.min(keep.total_bytes);
        fit.piece(bytes, &mut |run| {
            self.piece.push(run, limit);
        });
    }

    /// Takes the shape of an event that had this effect. `values`: those in its data that may differ. Only events of
    /// one `data` line, with at most an `event` line before it and with all of the blank line, have a shape. `text_bytes`:
    /// of its counted texts, which are a piece of the answer.
    pub(super) fn learn(&mut self, event: &[u8], effect: Effect, values: &UnreadValues, text_bytes: u64) {
        self.pass(effect);
        let (read, appends_to) = match effect.piece {
            Piece::Ignored => (VaryRead::All, None),
            Piece::Same => (VaryRead::None, None),
            Piece::Appended(place) => (VaryRead::Piece, Some(place)),
        };
        let vary = Vary { read, counts: effect.usage };
        if let Some(begin) = data_begin(event)
            && self.shape.learn(event, begin, values, text_bytes, vary)
        {
            self.appends_to = appends_to;
        }
    }

    /// An event with this effect was read.
    pub(super) const fn pass(&mut self, effect: Effect) {
        // The shape can have the counts of an earlier usage.
        if effect.usage {
            self.forget();
        }
    }

    /// Forgets the shape: the reader or the answer may have changed.
    pub(super) const fn forget(&mut self) {
        self.shape.forget();
    }
}

/// The position in an event at which the data of its only `data` line begins.
fn data_begin(event: &[u8]) -> Option<usize> {
    let named = if event.starts_with(b"event:") { after_line(event)? } else { event };
    let data = named.strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    matches!(after_line(data)?, b"\n" | b"\r\n").then_some(event.len().saturating_sub(data.len()))
}

/// The bytes after the first line. `None`: the line has no end, or ends in a CR without LF.
fn after_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.get(memchr2(b'\n', b'\r', bytes)?..)?;
    end.strip_prefix(b"\r").unwrap_or(end).strip_prefix(b"\n")
}
