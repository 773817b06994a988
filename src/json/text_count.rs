//! Counts the bytes of the texts that the visitor has counted, while the scanner passes them.
//!
//! A text has the length of its UTF-8 after unescaping, whether its string is read, raw or skipped. An escaped surrogate
//! counts two bytes, so that a pair counts four.

use super::Watched;

/// The count of one document.
#[derive(Clone, Debug, Default)]
pub(super) struct TextCount {
    /// Only in a document whose containers may be counted: the names of members that are not, with all that is inside.
    except: &'static [&'static [u8]],
    /// The members that [`name`](Self::name) reports.
    watched: Option<&'static Watched>,
    /// The [`name_bits`] of all those names.
    name_bits: u64,
    /// The current value is counted.
    on: bool,
    /// The current member has a name of `except`.
    excepted: bool,
    /// How many containers are open around the container of an excepted member that is being skipped, plus one; 0: none.
    paused_at: usize,
    /// Where a counted container begins whose own bytes are counted.
    span: Option<u64>,
    /// Bytes of the texts that have ended.
    total: u64,
}

// === impl TextCount ===

impl TextCount {
    /// Counts containers by their strings, except members of these names.
    pub(super) fn count_except(&mut self, except: &'static [&'static [u8]]) {
        self.except = except;
        self.name_bits = name_bits(except);
    }

    /// A copy that counts a container in which these members are watched; `bits`: their [`name_bits`].
    pub(super) fn with_container(&self, watched: &'static Watched, bits: u64) -> Self {
        let (watched, name_bits) = (Some(watched), self.name_bits | bits);
        Self { watched, name_bits, on: true, excepted: false, paused_at: 0, span: None, ..*self }
    }

    /// Bytes of the texts that have ended.
    #[inline(always)]
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Sets the bytes of the texts that have ended, after values were left out.
    pub(super) fn passed(&mut self, total: u64) {
        self.total = total;
    }

    /// Whether containers are counted by the strings inside of them.
    #[inline(always)]
    pub(super) fn is_by_string(&self) -> bool {
        self.name_bits != 0
    }

    /// Returns to the state before a document.
    pub(super) const fn clear(&mut self) {
        (self.on, self.excepted, self.paused_at, self.span, self.total) = (false, false, 0, None, 0);
    }

    /// The current value begins at `offset`. `counts`: the visitor has it counted. `read`: the visitor reads it, so that
    /// its name does not matter. `container`: it is an object or array.
    #[inline(always)]
    pub(super) fn begin(&mut self, counts: bool, read: bool, container: bool, offset: u64) {
        self.on = counts && (read || !self.excepted);
        self.excepted = false;
        if self.on && container && !self.is_by_string() {
            self.span = Some(offset);
        }
    }

    /// The current value ended just before `offset`.
    #[inline(always)]
    pub(super) fn end(&mut self, offset: u64) {
        if let Some(begin) = self.span.take() {
            self.total = self.total.saturating_add(offset.saturating_sub(begin));
        }
        self.on = false;
    }

    /// The next member has this name. `nested`: it is not a member of the document itself. Returns whether the name is
    /// watched.
    #[inline(always)]
    pub(super) fn name(&mut self, name: &[u8], nested: bool) -> bool {
        // The bit alone tells most names apart from these.
        let maybe = self.name_bits & name_bit(name) != 0;
        self.excepted = maybe && nested && is_one_of(self.except, name);
        maybe && self.watched.is_some_and(|watched| watched.word == name || is_one_of(watched.names, name))
    }

    /// The current value is a string with a text of `bytes`. `counts`, `read`: as of [`begin`](Self::begin).
    #[inline(always)]
    pub(super) fn whole_string(&mut self, counts: bool, read: bool, bytes: u64) {
        if counts && (read || !self.excepted) {
            self.total = self.total.saturating_add(bytes);
        }
        self.excepted = false;
    }

    /// Whether strings inside of the current value are counted one by one, so that the names of members matter.
    #[inline(always)]
    pub(super) fn reads_names(&self) -> bool {
        self.on && self.paused_at == 0 && self.is_by_string()
    }

    /// A string with a text of `bytes` ended. `inside`: it is inside of the current value.
    #[inline(always)]
    pub(super) fn string(&mut self, bytes: u64, inside: bool) {
        if self.counts_string(inside) {
            self.total = self.total.saturating_add(bytes);
        }
        self.excepted &= !inside;
    }

    fn counts_string(&self, inside: bool) -> bool {
        self.on && (!inside || self.paused_at == 0 && !self.excepted && self.is_by_string())
    }

    /// A container inside of the current value opens; `depth`: how many are open with it.
    #[inline(always)]
    pub(super) fn open(&mut self, depth: usize) {
        if self.excepted && self.paused_at == 0 {
            self.paused_at = depth;
        }
        self.excepted = false;
    }

    /// A container inside of the current value closed; `depth`: how many were open with it.
    #[inline(always)]
    pub(super) fn close(&mut self, depth: usize) {
        if self.paused_at == depth {
            self.paused_at = 0;
        }
    }

    /// A value inside of the current value ended that is neither a string nor a container.
    #[inline(always)]
    pub(super) fn scalar(&mut self) {
        self.excepted = false;
    }

    /// The bytes of all texts up to `offset`. `string`: the bytes of the text that has begun and not ended, if one has,
    /// and whether it is inside of the current value.
    pub(super) fn up_to(&self, offset: u64, string: Option<(u64, bool)>) -> u64 {
        let of_string =
            string.filter(|(_, inside)| self.counts_string(*inside)).map_or(0, |(bytes, _)| bytes);
        let of_span = self.span.map_or(0, |begin| offset.saturating_sub(begin));
        self.total.saturating_add(of_string).saturating_add(of_span)
    }

    /// The document is invalid: what was counted of the current value is dropped, because how much was is a matter of
    /// chunks.
    pub(super) fn invalid(&mut self) {
        (self.on, self.span) = (false, None);
    }
}

/// The [`name_bit`] of each of these names.
pub(super) fn name_bits(names: &[&[u8]]) -> u64 {
    names.iter().fold(0, |bits, name| bits | name_bit(name))
}

/// One bit for a name, by its first byte and its length.
#[inline(always)]
pub(super) fn name_bit(name: &[u8]) -> u64 {
    let first = name.first().copied().unwrap_or(0);
    1 << (usize::from(first).wrapping_add(name.len() << 3) & 63)
}

#[inline(never)]
fn is_one_of(names: &[&[u8]], name: &[u8]) -> bool {
    names.contains(&name)
}

#[cfg(test)]
mod tests;
