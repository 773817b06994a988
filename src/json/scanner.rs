//! The public face of the scanner: the grammar, and the path to the current value in the names of one visitor.

use super::erased_visitor::PathVisitor;
use super::expected::Expected;
use super::grammar::Grammar;
use super::{Error, MAX_PATH, Name, UnreadValues, Visitor, Watched};

/// Reads one document in chunks of any size. See [the module](super).
#[derive(Debug)]
pub struct Scanner<N: Name> {
    grammar: Grammar,
    path: [N; MAX_PATH],
}

impl<N: Name> Scanner<N> {
    /// A scanner of a document that must be an object; any other is [`Problem::NotAnObject`].
    ///
    /// `depth_bytes` bounds the memory for nesting: eight levels fit into each byte, and a deeper document is
    /// [`Problem::TooDeep`].
    ///
    /// [`Problem::NotAnObject`]: super::Problem::NotAnObject
    /// [`Problem::TooDeep`]: super::Problem::TooDeep
    #[must_use]
    pub fn object(depth_bytes: usize) -> Self {
        Self::new(Expected::Document, depth_bytes)
    }

    /// A scanner of a document that may be any value. `depth_bytes`: as for [`object`](Self::object).
    #[must_use]
    pub fn any(depth_bytes: usize) -> Self {
        Self::new(Expected::Value, depth_bytes)
    }

    /// Counts containers by the strings inside of them, without those below members of these names; a member of the
    /// document itself may have such a name. Then members of unknown names may be counted, too:
    /// see [`Visitor::counts_unknown`]. Otherwise a container counts with all its bytes.
    #[must_use]
    pub fn counting_except(mut self, except: &'static [&'static [u8]]) -> Self {
        self.grammar.count_except(except);
        self
    }

    /// Leaves out objects of an array that is wanted as [`Want::Latest`](super::Want::Latest), except those with one of
    /// these members. It validates and counts all that it leaves out. Without this call it leaves out none.
    ///
    /// Which objects it leaves out depends on the chunks. Of objects in a row it always reads the last one.
    #[must_use]
    pub fn watching(mut self, watched: &'static Watched) -> Self {
        self.grammar.watch(watched);
        self
    }

    fn new(begin: Expected, depth_bytes: usize) -> Self {
        Self { grammar: Grammar::new(begin, depth_bytes), path: [N::ITEM; MAX_PATH] }
    }

    /// Starts over with a new document, also after an error.
    pub fn renew(&mut self) {
        self.grammar.renew();
    }

    /// Reads the next chunk of the document.
    ///
    /// # Errors
    /// The first error of the document; from then on always the same one.
    pub fn feed<V: Visitor<Name = N>>(&mut self, bytes: &[u8], visitor: &mut V) -> Result<(), Error> {
        self.grammar.feed(bytes, &mut PathVisitor { visitor, path: &mut self.path })
    }

    /// Ends the input; a number that is the whole document ends here. A second call changes nothing.
    ///
    /// # Errors
    /// The error of an earlier call; [`Problem::Empty`] or [`Problem::Truncated`] if the document is not complete.
    ///
    /// [`Problem::Empty`]: super::Problem::Empty
    /// [`Problem::Truncated`]: super::Problem::Truncated
    pub fn finish<V: Visitor<Name = N>>(&mut self, visitor: &mut V) -> Result<(), Error> {
        self.grammar.finish(&mut PathVisitor { visitor, path: &mut self.path })
    }

    /// Whether the document is complete, so that only white space may follow. A number that is the whole document is
    /// complete at the first white space after it, or at [`finish`](Self::finish).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.grammar.is_complete()
    }

    /// The values up to now that the visitor did not read: what a [`Shape`](super::Shape) learns from. A scanner that is
    /// [`counting_except`](Self::counting_except) notes none.
    #[must_use]
    pub fn unread_values(&self) -> &UnreadValues {
        self.grammar.unread_values()
    }

    /// How many bytes all values have that [`Visitor::counts`] names: of a string its text after unescaping. It is the
    /// same in any chunking. An escaped surrogate counts two bytes.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.grammar.text_bytes()
    }

    /// How many bytes of the document were read without error.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.grammar.offset()
    }
}

#[cfg(test)]
mod tests;
