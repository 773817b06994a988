//! A visitor that logs its calls, and the scan of a document with it.

use ai_bridge::json::{Error, Kind, Name, Scalar, Scanner, Visitor, Want};

/// The names that the tests know. Some need escapes in JSON; the last is as long as a name may be.
pub(crate) const NAMES: [&str; 8] = [
    "a",
    "name",
    "é",
    "a\"b\\c",
    "\n",
    "𝄞",
    "",
    "0123456789012345678901234567890123456789012345678901234567890123",
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known {
    Item,
    Name(usize),
}

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        NAMES.iter().position(|known| known.as_bytes() == name).map(Self::Name)
    }
}

/// A call of the visitor. Neighbouring runs of one text are joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Begin(Vec<Known>, Kind, u64),
    Text(Vec<Known>, String),
    Null(Vec<Known>),
    Bool(Vec<Known>, bool),
    Number(Vec<Known>, Option<String>),
    End(Vec<Known>, Kind, u64),
}

/// Logs all calls, and wants of each value what a rule decides.
pub(crate) struct Log<W> {
    pub(crate) wants: W,
    pub(crate) calls: Vec<Call>,
}

impl<W: FnMut(&[Known], Kind, u64) -> Want> Visitor for Log<W> {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
        self.calls.push(Call::Begin(path.to_vec(), kind, offset));
        (self.wants)(path, kind, offset)
    }

    fn text(&mut self, path: &[Known], run: &str) {
        assert!(!run.is_empty(), "runs are never empty");
        if let Some(Call::Text(before, text)) = self.calls.last_mut() {
            assert_eq!(before, path);
            text.push_str(run);
        } else {
            self.calls.push(Call::Text(path.to_vec(), run.to_owned()));
        }
    }

    fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
        let path = path.to_vec();
        self.calls.push(match value {
            Scalar::Null => Call::Null(path),
            Scalar::Bool(value) => Call::Bool(path, value),
            Scalar::Number(text) => Call::Number(path, text.map(str::to_owned)),
        });
    }

    fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
        self.calls.push(Call::End(path.to_vec(), kind, offset));
    }
}

/// A rule that looks random and depends only on the offset of a value.
pub(crate) fn mixed(seed: u64) -> impl Fn(&[Known], Kind, u64) -> Want + Copy {
    move |_, _, offset| match (offset.wrapping_add(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61 {
        0 => Want::Skip,
        1 | 2 => Want::Raw,
        _ => Want::Read,
    }
}

pub(crate) fn read_all(_: &[Known], _: Kind, _: u64) -> Want {
    Want::Read
}

/// Feeds the chunks, finishes, and checks what holds for any input.
pub(crate) fn scan<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    wants: impl Fn(&[Known], Kind, u64) -> Want,
) -> (Result<(), Error>, Vec<Call>) {
    let mut scanner = Scanner::any(1024);
    let mut log = Log { wants, calls: Vec::new() };
    let result = chunks.into_iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
    let result = result.and_then(|()| scanner.finish(&mut log));
    assert_eq!(scanner.finish(&mut log), result, "finish may be called again");
    assert_eq!(scanner.is_complete(), result.is_ok());
    if let Err(error) = result {
        assert_eq!(scanner.feed(b" ", &mut log), Err(error), "an error stays");
        assert_eq!(scanner.offset(), error.offset);
    }
    (result, log.calls)
}
