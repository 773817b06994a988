//! Counts the bytes of the texts that the visitor has counted, while the scanner passes them.
//!
//! A text has the length of its UTF-8 after unescaping, whether its string is read, raw or skipped. An escaped surrogate
//! counts two bytes, so that a pair counts four.

/// The count of one document.
#[derive(Debug, Default)]
pub(super) struct TextCount {
    /// Only in a document whose containers may be counted: the names of members that are not, with all that is inside.
    except: &'static [&'static [u8]],
    /// The first bytes of those names: a bit for each value of the lower six bits.
    first_bytes: u64,
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
        let firsts = except.iter().filter_map(|name| name.first());
        self.first_bytes = firsts.fold(0, |bits, first| bits | 1 << (first & 63));
    }

    /// Whether containers are counted by the strings inside of them.
    #[inline(always)]
    pub(super) fn is_by_string(&self) -> bool {
        self.first_bytes != 0
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

    /// The next member has this name. `nested`: it is not a member of the document itself.
    #[inline(always)]
    pub(super) fn name(&mut self, name: &[u8], nested: bool) {
        // Most names are none of them by their first byte.
        let maybe = name.first().is_some_and(|first| self.first_bytes >> (first & 63) & 1 == 1);
        self.excepted = maybe && nested && self.is_except(name);
    }

    #[inline(never)]
    fn is_except(&self, name: &[u8]) -> bool {
        self.except.contains(&name)
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

#[cfg(test)]
mod tests;
