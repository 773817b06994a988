//! Reads and writes JSON (RFC 8259).
//!
//! # Which reader or writer to use
//! | to | use |
//! |---|---|
//! | read values of a document that arrives in chunks | a [`Scanner`] with a [`Visitor`]: bounded memory, offsets |
//! | only know whether such a document is valid and complete | a [`Scanner`] with [`ValidateOnly`] |
//! | skip a document that repeats an earlier one except in unread values, a piece of a text and counts | a [`Shape`] |
//! | read a value that is in memory as a whole with a visitor | [`read_whole()`] |
//! | read a few strings of a small object | `text_members`: validates the object, finds repeated members |
//! | copy or drop members of an object byte for byte | `RawMembers`: the object must be valid |
//! | read all of a small value: a configuration, a list | `Value` with `serde_json::from_slice` |
//! | put a valid value on one line | [`compact()`] |
//! | write a new document | a [`Writer`] |
//!
//! # The scanner
//! A visitor says for each value whether it reads it, skips it or wants its own bytes. The scanner validates all of the
//! document, skipped values included: strings are UTF-8, escapes and numbers are well formed, nothing follows the
//! document. The work per byte is constant, and chunks may be cut anywhere without a difference for the visitor. The
//! scanner keeps one bit for each level of nesting, one member name or number, and one incomplete character.
//!
//! It is written by hand because the filter must not hold a body, and a visitor skips most of it.
//! `serde_json` and `jiter` parse a slice that holds the whole document, `struson` pulls from a blocking `Read`, and
//! `actson`, which takes chunks, reads byte by byte and collects each string in a `Vec`. This scanner skips
//! 64 bytes at a time (`simd128`), and reports the offsets at which the gateway edits a request.
//!
//! # The files
//! | file | contents |
//! |---|---|
//! | `scanner`, `erased_visitor` | the path to the current value, in the names of one visitor |
//! | `grammar`, `grammar/tokens`, `expected` | every rule, a byte at a time, in any chunking |
//! | `grammar/fast_read`, `fast_skip` | the fast paths through containers that are read, and that are skipped |
//! | `grammar/latest` | leaves out objects of an array of which only the latest matters |
//! | `dispatch`, `unread_values` | what the visitor wants of the current value, and the calls that it gets |
//! | `string`, `unescape`, `utf8`, `text_sink` | strings: runs, escapes, UTF-8, and the receivers of the text |
//! | `text_count` | the bytes of texts, also of those that are skipped |
//! | `nesting`, `number`, `literal`, `white_space` | one rule each |
//! | `plain_run`, `byte_classes` | the end of a run in a string; vectors of 16 or 64 bytes |
//! | `shape`, `shape/places` | documents that repeat an earlier one, and where they may vary |
//! | `whole` | values that are in memory as a whole |
//! | `writer`, `decimal`, `append` | writing |

use core::fmt;

mod append;
mod byte_classes;
mod decimal;
mod dispatch;
mod erased_visitor;
mod expected;
mod fast_skip;
mod grammar;
mod literal;
mod nesting;
mod number;
mod plain_run;
mod scanner;
mod shape;
mod string;
mod text_count;
mod text_sink;
mod unescape;
mod unread_values;
mod utf8;
mod validate_only;
mod white_space;
mod whole;
mod writer;

pub(crate) use append::{append_what_fits, padded};
pub use decimal::Digits;
pub use scanner::Scanner;
pub(crate) use shape::read_string;
pub use shape::{Fit, Shape, Vary, VaryRead};
pub use unread_values::UnreadValues;
pub use validate_only::{Nameless, ValidateOnly};
pub(crate) use whole::{RawMember, RawMembers, TextMember, Value, text_members};
pub use whole::{compact, read_whole};
pub(crate) use writer::key;
pub use writer::{Key, Writer, escaped_bytes};

/// Longest member name that a visitor can know, in bytes after unescaping. A longer one counts as unknown.
pub const MAX_NAME_BYTES: usize = 64;

/// Longest number whose text a visitor gets, in bytes.
pub const MAX_NUMBER_BYTES: usize = 32;

/// Most [`UnreadValues`] of a document that a [`Shape`] learns.
const MAX_UNREAD_VALUES: usize = 16;

/// Most places in a document that a [`Shape`] learns: its unread values, and the counts of a raw value.
const MAX_PLACES: usize = 28;

/// Longest document that a [`Shape`] learns, in bytes, with what surrounds it. A document that matches may be longer.
pub const MAX_SHAPE_BYTES: usize = 2048;

/// Most names in a path. A container whose members would need more is skipped.
pub const MAX_PATH: usize = 12;

/// The member names that a visitor knows: a small enum.
pub trait Name: Copy + PartialEq + fmt::Debug + 'static {
    /// The name in a path for each element of an array.
    const ITEM: Self;

    /// The name with this text, which is unescaped UTF-8. `None`: it is unknown, and the scanner skips the member
    /// without a call of [`Visitor::begin`].
    fn of(name: &[u8]) -> Option<Self>;
}

/// The kind of a value, which its first byte decides.
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

/// The members that matter in every object of an array that is wanted as [`Want::Latest`], not only in the latest one.
/// The scanner reads each object that has one of them, at any depth.
#[derive(Debug)]
pub struct Watched {
    /// Members of these names.
    pub names: &'static [&'static [u8]],
    /// Members of this name, unless their value is a short string without escapes that is none of
    /// [`words`](Self::words).
    pub word: &'static [u8; 4],
    /// The values of [`word`](Self::word) that matter.
    pub words: &'static [&'static [u8]],
}

/// What a visitor wants of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// Nothing. The scanner validates the value, and makes no call for it or for anything inside.
    #[default]
    Skip,
    /// Its content. Of a container: its members or elements, then `end`; of a string: its text, then `end`; of any other
    /// value: `scalar`.
    Read,
    /// As `Read`, but the visitor decides later whether this string or number mattered. It counts among the
    /// [`UnreadValues`]; the visitor must not let a [`Shape`] learn a document in which it mattered.
    Tentative,
    /// As `Tentative`, of a string that may be the next piece of a longer text. A [`Shape`] can find it in the documents
    /// that fit.
    Piece,
    /// Its own bytes, verbatim with quotes, escapes and the white space inside, then `end`.
    Raw,
    /// As `Read`, of an array of which only the latest element matters. The scanner may leave out an object, if another
    /// one follows; see [`Scanner::watching`]. It counts every string of it, except below the names of
    /// [`Scanner::counting_except`]. Members that the visitor has counted otherwise must be watched.
    Latest,
}

/// A null, a boolean or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text of a number. `None`: it is longer than [`MAX_NUMBER_BYTES`].
    Number(Option<&'a str>),
}

/// Reads a document. A path holds the name of each member, or [`Name::ITEM`] for each array element, on the way to a
/// value: `[]` is the document, `[Messages, ITEM, Role]` the role of a message.
pub trait Visitor {
    /// The names that it knows.
    type Name: Name;

    /// A value begins. `offset`: the position of its first byte in the document, in bytes.
    fn begin(&mut self, path: &[Self::Name], kind: Kind, offset: u64) -> Want;

    /// Whether the value that has begun is counted: see [`Scanner::text_bytes`]. Of a container that is read, the values
    /// inside are asked about instead.
    fn counts(&mut self, _path: &[Self::Name], _kind: Kind) -> bool {
        false
    }

    /// Whether the value of a member with an unknown name is counted; `path` is that of the object. Asked only after [`Scanner::counting_except`].
    fn counts_unknown(&self, _path: &[Self::Name]) -> bool {
        false
    }

    /// A string that is at hand whole: short, ASCII, without escapes. `quoted`: its bytes with the quotes. Returns what
    /// [`begin`](Self::begin) and [`counts`](Self::counts) would return, after doing what their caller would have it do.
    /// `None`, as by default: nothing was done, and the string is read as any other.
    fn short_string(&mut self, _path: &[Self::Name], _quoted: &[u8]) -> Option<(Want, bool)> {
        None
    }

    /// A run of the text of a string that is read (unescaped; a lone surrogate is U+FFFD), or of a raw value. A run is
    /// never empty and never splits a character. How many runs a value has depends on the chunks.
    fn text(&mut self, path: &[Self::Name], run: &str);

    /// A run of the bytes of a raw value, never empty, valid UTF-8. By default it goes to [`text`](Self::text). A
    /// visitor that needs only bytes implements this method, and saves a second validation.
    fn raw(&mut self, path: &[Self::Name], run: &[u8]) {
        if let Ok(run) = core::str::from_utf8(run) {
            self.text(path, run);
        }
    }

    /// A null, boolean or number that is read. No `end` follows.
    fn scalar(&mut self, path: &[Self::Name], value: Scalar<'_>);

    /// A string or container that is read, or any raw value, ended. `offset`: the position just past its last byte.
    fn end(&mut self, path: &[Self::Name], kind: Kind, offset: u64);
}

/// Why an input is not the JSON that was expected, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind of the error.
    pub problem: Problem,
    /// How many bytes are valid before the error. If the input ends too early: its length.
    pub offset: u64,
}

/// What is wrong with an input. It does not depend on the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The input has nothing but white space.
    Empty,
    /// The input ends within a value.
    Truncated,
    /// The document must be an object, and begins with another byte than `{`.
    NotAnObject,
    /// The grammar does not allow this byte here.
    UnexpectedByte,
    /// A number has a leading zero, or lacks a digit.
    BadNumber,
    /// A backslash is followed by none of `"\/bfnrtu`, or `\u` by fewer than four hexadecimal digits.
    BadEscape,
    /// A string has an unescaped control character below U+0020.
    ControlCharacter,
    /// A string is not UTF-8.
    NotUtf8,
    /// Containers are nested deeper than the scanner's `depth_bytes` allow.
    TooDeep,
    /// Something other than white space follows the document.
    TrailingData,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no JSON value",
            Self::Truncated => "the JSON value is incomplete",
            Self::NotAnObject => "the JSON value is not an object",
            Self::UnexpectedByte => "a character is not allowed at its place in JSON",
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

/// A part of the input.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    bytes: &'a [u8],
    /// How many bytes of the input came before it.
    base: u64,
}

impl Chunk<'_> {
    /// The offset in the input of the byte at `at` in the chunk.
    fn offset(&self, at: usize) -> u64 {
        // usize is never wider than u64 here, and an input is shorter than 2^64 bytes.
        self.base.saturating_add(at as u64)
    }

    /// An error at the byte at `at` in the chunk.
    fn error(&self, problem: Problem, at: usize) -> Error {
        Error { problem, offset: self.offset(at) }
    }
}
