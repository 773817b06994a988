//! An incremental JSON scanner: bytes in any chunking, the values a reader wants out, bounded memory.
//!
//! A [`Scanner`] is fed a document as it streams by and offers every value to a [`Visitor`], which says what it
//! wants of it. Everything is checked against RFC 8259, also what nobody wants: strings are UTF-8, escapes and
//! numbers are well formed, nothing follows the document. Each byte costs a constant amount of work; nothing is
//! held but one bit a nesting level, one member name or number, and an incomplete character.
//!
//! It is **not** a parser into a tree (that is `serde_json`) and it changes nothing; [`compact()`] is for values
//! that are at hand whole. A [`Writer`] writes documents of our own.
//!
//! | room | knows |
//! |---|---|
//! | `scanner` | what a reader sees: a document, and whose names its members have |
//! | `grammar`, `state`, `nesting`, `number`, `text` | every rule, a byte at a time, wherever chunks are cut |
//! | `stride`, `skip` | the fast ways through containers that somebody reads, and that nobody reads |
//! | `block`, `run`, `utf8`, `unescape` | sixteen bytes at a time; what a string says |
//! | `reading`, `listener`, `nobody` | what a visitor wants of the value at hand; visitors without the type of their names |
//! | `shape` | that bytes are as others were, but for values that nobody reads |
//! | `compact`, `writer` | JSON on one line: of a value, and of our own |

use core::fmt;

mod block;
mod compact;
mod grammar;
mod listener;
mod nesting;
mod nobody;
mod number;
mod reading;
mod run;
mod scanner;
mod shape;
mod skip;
mod state;
mod stride;
mod text;
mod unescape;
mod utf8;
mod writer;

pub use compact::compact;
pub use nobody::{Nameless, Nobody};
pub use scanner::{Scanner, read_whole};
pub use shape::{Places, Shape};
pub use writer::{MAX_DIGITS, Writer, push_number, set_digits, written_bytes};

/// Longest member name that can be known, in bytes after unescaping. A longer one is unknown.
pub const MAX_NAME_BYTES: usize = 64;

/// Longest number whose text is told, in bytes.
pub const MAX_NUMBER_BYTES: usize = 32;

/// Most values of a document that may be others in a [`Shape`]. One that has more has none.
const MAX_PLACES: usize = 16;

/// Longest bytes that make a [`Shape`]. (What fits it may be longer.)
pub const MAX_SHAPE_BYTES: usize = 2048;

/// Most names in a path. A container whose members would need more is skipped.
pub const MAX_PATH: usize = 12;

/// The names a reader knows, as one small enum.
pub trait Name: Copy + PartialEq + fmt::Debug + 'static {
    /// Stands in a path for an element of an array.
    const ITEM: Self;

    /// The name with this text, unescaped; it is UTF-8. `None`: unknown, the member is skipped and never offered.
    fn of(name: &[u8]) -> Option<Self>;
}

/// What a value is, as its first byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-1.5e3`
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// What a visitor wants of a value that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing: the value is validated, and nothing is told of it or of anything inside.
    Skip,
    /// Of a container: its members or elements, then `end`. Of a string: its text, then `end`. Of any other:
    /// `scalar`.
    Read,
    /// As `Read`, but the visitor may find out later that what this string or number says did not matter: one of the
    /// [`Places`] of a [`Shape`], if it did not.
    Perhaps,
    /// The value's own bytes, verbatim with quotes, escapes and the white space inside, then `end`.
    Raw,
}

/// A null, a bool or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's text; `None` where it is longer than [`MAX_NUMBER_BYTES`].
    Number(Option<&'a str>),
}

/// Who reads a document. A path holds the name of every member and [`Name::ITEM`] for every array element on the
/// way to a value: `[]` is the document, `[Messages, ITEM, Role]` the role of a message.
pub trait Visitor {
    /// The names it knows.
    type Name: Name;

    /// A value begins. `offset`: position of its first byte in the whole input.
    fn begin(&mut self, path: &[Self::Name], kind: Kind, offset: u64) -> Want;

    /// A run, never empty, of the text of a string that is read (unescaped; a lone surrogate is U+FFFD), or of the
    /// bytes of a raw value. A value has as many runs as it happens to have; none splits a character.
    fn text(&mut self, path: &[Self::Name], run: &str);

    /// A run, never empty, of the bytes of a raw value. It is UTF-8, and told as [`text`](Self::text) by default; to
    /// whom the bytes will do, nobody has to look at them once more.
    fn raw(&mut self, path: &[Self::Name], run: &[u8]) {
        if let Ok(run) = core::str::from_utf8(run) {
            self.text(path, run);
        }
    }

    /// A null, bool or number that is read. It has no `end`.
    fn scalar(&mut self, path: &[Self::Name], value: Scalar<'_>);

    /// A string or container that is read, or any raw value, has ended. `offset`: just past its last byte.
    fn end(&mut self, path: &[Self::Name], kind: Kind, offset: u64);
}

/// Why, and where, an input is not the JSON that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// How many bytes stand before the first that is wrong (the input's length, where it ends too early).
    pub offset: u64,
}

/// What can be wrong with an input. Independent of how it was chunked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing but white space.
    Empty,
    /// The input ends within a value.
    Truncated,
    /// An object was expected, and something else begins.
    NotAnObject,
    /// A byte stands where the grammar has no place for it.
    UnexpectedByte,
    /// A number has a leading zero, or no digit where it needs one.
    BadNumber,
    /// After a backslash stands none of `"\/bfnrtu`, or after `\u` not four hexadecimal digits.
    BadEscape,
    /// A control character below U+0020 stands unescaped in a string.
    ControlCharacter,
    /// A string is not UTF-8.
    NotUtf8,
    /// Objects and arrays are nested deeper than there is room for.
    TooDeep,
    /// After the document stands something other than white space.
    TrailingData,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no JSON value",
            Self::Truncated => "the JSON value is incomplete",
            Self::NotAnObject => "the JSON value is not an object",
            Self::UnexpectedByte => "a character stands where JSON has no place for it",
            Self::BadNumber => "a number is malformed",
            Self::BadEscape => "a string has a malformed escape",
            Self::ControlCharacter => "a string has an unescaped control character",
            Self::NotUtf8 => "a string is not valid UTF-8",
            Self::TooDeep => "values are nested too deeply",
            Self::TrailingData => "something follows the JSON value",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.problem, self.offset)
    }
}

impl core::error::Error for Error {}

/// A part of the input, and how many bytes came before it.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    bytes: &'a [u8],
    base: u64,
}

impl Chunk<'_> {
    /// The position of the byte at `at` in the whole input.
    fn offset(&self, at: usize) -> u64 {
        // usize is never wider than u64 here, and an input is shorter than 2^64 bytes.
        self.base.saturating_add(at as u64)
    }

    fn error(&self, problem: Problem, at: usize) -> Error {
        Error { problem, offset: self.offset(at) }
    }
}
