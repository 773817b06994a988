//! Replaces the one `model` string of a streaming body by the member's own name for that model. Only that string is held
//! until it is whole; every other byte passes at once and unchanged.

use crate::json::{Kind, Name, Scalar, Scanner, Visitor, Want, Writer};
use crate::provider::Member;
use crate::text::Text;

/// Bytes kept of the model's name. A longer one matches no pattern.
const MODEL_BYTES: usize = 1024;
/// The most bytes that are held: a name of [`MODEL_BYTES`] with every byte escaped.
const HELD_BYTES: usize = 6 * MODEL_BYTES + 2;

/// The splice in the body of one attempt.
#[expect(missing_debug_implementations, reason = "no output shows it, and the module stays small")]
pub struct ModelSplice {
    scanner: Scanner<Top>,
    visitor: ModelVisitor,
    /// The bytes of the string that came before the current chunk.
    held: Vec<u8>,
    /// How many bytes came before the current chunk.
    offset: u64,
    is_over: bool,
}

#[derive(Default)]
struct ModelVisitor {
    /// The offset of the string's first byte.
    begin: Option<u64>,
    /// The offset past its last byte.
    end: Option<u64>,
    text: Text,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Top {
    Item,
    Model,
}

// === impl ModelSplice ===

impl ModelSplice {
    /// A splice in a body; `depth_bytes`: as for [`Scanner::object`].
    #[must_use]
    pub fn new(depth_bytes: usize) -> Self {
        let scanner = Scanner::object(depth_bytes);
        Self { scanner, visitor: ModelVisitor::default(), held: Vec::new(), offset: 0, is_over: false }
    }

    /// Whether nothing more will be changed.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the next chunk of the body for `member`. Returns the bytes to forward in its place; `None`: it is
    /// forwarded as it is.
    pub fn pass(&mut self, chunk: &[u8], end: bool, member: &Member) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        let is_valid = self.scanner.feed(chunk, &mut self.visitor).is_ok();
        let base = self.offset;
        self.offset = base.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let at = |offset: u64| {
            let at = usize::try_from(offset.saturating_sub(base)).unwrap_or(usize::MAX);
            chunk.split_at_checked(at).unwrap_or((chunk, &[]))
        };
        let begin = self.visitor.begin;
        if let (Some(begin), Some(end)) = (begin, self.visitor.end) {
            self.is_over = true;
            let (before, _) = at(begin);
            let (_, after) = at(end);
            let text = &self.visitor.text;
            let model = member.model(text.as_str()).filter(|_| !text.is_cut());
            return match model {
                Some(model) => {
                    let mut name = Writer::with_capacity(model.len().saturating_add(2));
                    name.string(model);
                    Some([before, &name.into_bytes(), after].concat())
                }
                None if self.held.is_empty() => None,
                None => Some([&self.held, chunk].concat()),
            };
        }
        let waits = begin.is_some() && is_valid && !end && self.held.len() <= HELD_BYTES;
        if waits && let Some(begin) = begin {
            let (before, string) = at(begin);
            self.held.extend_from_slice(string);
            return Some(before.to_vec());
        }
        self.is_over = begin.is_some() || !is_valid;
        (!self.held.is_empty()).then(|| [&core::mem::take(&mut self.held), chunk].concat())
    }
}

// === impl ModelVisitor ===

impl Name for Top {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        (name == b"model").then_some(Self::Model)
    }
}

impl Visitor for ModelVisitor {
    type Name = Top;

    fn begin(&mut self, path: &[Top], kind: Kind, offset: u64) -> Want {
        match (path, kind) {
            ([], _) => Want::Read,
            ([Top::Model], Kind::String) if self.begin.is_none() => {
                self.begin = Some(offset);
                Want::Read
            }
            _ => Want::Skip,
        }
    }

    fn text(&mut self, _: &[Top], run: &str) {
        if self.end.is_none() {
            self.text.push(run, MODEL_BYTES);
        }
    }

    fn scalar(&mut self, _: &[Top], _: Scalar<'_>) {}

    fn end(&mut self, path: &[Top], _: Kind, offset: u64) {
        if path == [Top::Model] {
            self.end.get_or_insert(offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ModelSplice;
    use crate::credential::Key;
    use crate::glob::Glob;
    use crate::provider::{BaseUrl, Member};

    fn member(models: &[(&str, &str)]) -> Member {
        Member {
            name: "m".into(),
            cluster: "c".to_owned(),
            base_url: BaseUrl { authority: "a".to_owned(), path: String::new() },
            vendor: None,
            key_header: None,
            key: Key::NotNeeded,
            credential: None,
            hint: None,
            headers: Vec::new(),
            models: Some(models.iter().map(|(glob, id)| (Glob::new(*glob), (*id).to_owned())).collect()),
        }
    }

    /// What goes upstream of `body` in chunks of `size` bytes.
    fn spliced(body: &[u8], size: usize, models: &[(&str, &str)]) -> Vec<u8> {
        let (member, mut splice) = (member(models), ModelSplice::new(64));
        let mut sent = Vec::new();
        for chunk in body.chunks(size) {
            sent.extend(splice.pass(chunk, false, &member).unwrap_or_else(|| chunk.to_vec()));
        }
        sent.extend(splice.pass(&[], true, &member).unwrap_or_default());
        sent
    }

    #[test]
    fn the_one_model_string_is_replaced_in_every_chunking() {
        for (body, expected) in [
            (r#"{"model":"a","x":1}"#, r#"{"model":"\"X\"é","x":1}"#),
            (
                r#" { "x" : [ {"model":"a"} ] , "model" : "\u0061" } "#,
                r#" { "x" : [ {"model":"a"} ] , "model" : "\"X\"é" } "#,
            ),
            (
                r#"{"mo\u0064el":"a","fallbacks":[{"model":"a"}],"tools":[{"model":"a"}]}"#,
                r#"{"mo\u0064el":"\"X\"é","fallbacks":[{"model":"a"}],"tools":[{"model":"a"}]}"#,
            ),
            (r#"{"model":"b","x":1}"#, r#"{"model":"b","x":1}"#),
            (r#"{"model":1,"x":"model"}"#, r#"{"model":1,"x":"model"}"#),
            (r#"{"model":null}"#, r#"{"model":null}"#),
            (r#"{"x":"a"}"#, r#"{"x":"a"}"#),
            (r#"["model","a"]"#, r#"["model","a"]"#),
            (r#"{"model":"a"#, r#"{"model":"a"#),
            ("{\"model\":\"a\u{1}\"}", "{\"model\":\"a\u{1}\"}"),
            ("", ""),
        ] {
            for size in 1..=body.len().max(1) {
                let sent = spliced(body.as_bytes(), size, &[("a", "\"X\"é")]);
                assert_eq!(String::from_utf8(sent).unwrap(), expected, "{size}");
            }
        }
    }

    #[test]
    fn bytes_wait_only_inside_the_string_and_within_a_bound() {
        let (member, mut splice) = (member(&[("*", "x")]), ModelSplice::new(64));
        assert_eq!(splice.pass(b"{\"a\":\"b", false, &member), None);
        assert_eq!(splice.pass(b"\",\"model\":\"lo", false, &member).as_deref(), Some(&b"\",\"model\":"[..]));
        assert_eq!(splice.pass(b"ng", false, &member).as_deref(), Some(&b""[..]));
        assert_eq!(splice.pass(b"\",\"z\":", false, &member).as_deref(), Some(&b"\"x\",\"z\":"[..]));
        assert!(splice.is_over());
        let long = format!("{{\"model\":\"{}\",\"x\":1}}", "m".repeat(100_000));
        for size in [1, 1000, long.len()] {
            assert_eq!(
                spliced(long.as_bytes(), size, &[("*", "x")]),
                long.as_bytes(),
                "a name that is too long stays"
            );
        }
    }
}
