//! Objects of an array of which only the latest matters may be left out, and nothing else.

use ai_bridge::json::{Error, Kind, Name, Scalar, Scanner, Visitor, Want, Watched};

const WATCHED: Watched = Watched { names: &[b"keep"], word: b"from", words: &[b"us"] };

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Item,
    List,
    At,
}

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"list" => Some(Self::List),
            b"at" => Some(Self::At),
            _ => None,
        }
    }
}

/// Keeps `at` of each object in `list` that it gets, and `-` for each other element.
struct Reading {
    wants: Want,
    read: String,
}

impl Visitor for Reading {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, _: u64) -> Want {
        match (path, kind) {
            ([], _) | ([Known::List, Known::Item, ..], Kind::Object) => Want::Read,
            ([Known::List], Kind::Array) => self.wants,
            ([Known::List, Known::Item], _) => {
                self.read.push('-');
                Want::Skip
            }
            ([Known::List, Known::Item, Known::At], Kind::Number) => Want::Read,
            _ => Want::Skip,
        }
    }

    fn counts(&mut self, path: &[Known], _: Kind) -> bool {
        path.first() == Some(&Known::List)
    }

    fn counts_unknown(&self, path: &[Known]) -> bool {
        path.first() == Some(&Known::List)
    }

    fn text(&mut self, _: &[Known], _: &str) {}

    fn scalar(&mut self, _: &[Known], value: Scalar<'_>) {
        if let Scalar::Number(Some(number)) = value {
            self.read.push_str(number);
        }
    }

    fn end(&mut self, _: &[Known], _: Kind, _: u64) {}
}

/// What is read of these chunks, the error, and the bytes of all texts.
fn read<'a>(wants: Want, chunks: impl IntoIterator<Item = &'a [u8]>) -> (String, Result<(), Error>, u64) {
    let mut scanner = Scanner::object(64).counting_except(&[b"except"]).watching(&WATCHED);
    let mut reading = Reading { wants, read: String::new() };
    let fed = chunks.into_iter().try_for_each(|chunk| scanner.feed(chunk, &mut reading));
    let result = fed.and_then(|()| scanner.finish(&mut reading));
    (reading.read, result, scanner.text_bytes())
}

/// What is read of a list of these elements in one chunk. The verdict and the count are those of a plain reading, in any
/// two chunks.
fn latest(elements: &str) -> String {
    let document = format!(r#"{{"list":[{elements}],"more":1}}"#);
    let bytes = document.as_bytes();
    let (all, verdict, texts) = read(Want::Read, [bytes]);
    for cut in 0..=bytes.len() {
        let (some, result, count) = read(Want::Latest, [&bytes[..cut], &bytes[cut..]]);
        assert_eq!((result, count), (verdict, texts), "{document} {cut}");
        // The last of each row of objects is read, also of a row that an element of another kind ends.
        assert_eq!(some.chars().last(), all.chars().last(), "{document} {cut}");
        assert_eq!(some.matches('-').count(), all.matches('-').count(), "{document} {cut}");
    }
    read(Want::Latest, [bytes]).0
}

#[test]
fn only_the_last_of_objects_in_a_row_is_read() {
    assert_eq!(latest(r#"{"at":1},{"at":2},{"at":3}"#), "3");
    assert_eq!(latest(r#"{ "at" : 1 , "x" : [ { } ] } , { "at" : 2 }"#), "2");
    assert_eq!(latest(r#"{"at":1}"#), "1");
    assert_eq!(latest(""), "");
}

#[test]
fn the_object_before_an_element_of_another_kind_is_read() {
    assert_eq!(latest(r#"{"at":1},{"at":2},null,{"at":3},{"at":4}"#), "2-4");
    assert_eq!(latest(r#"{"at":1},[{"at":2},{"at":3}],{"at":4}"#), "1-4");
}

#[test]
fn an_object_with_a_watched_member_is_read_and_so_is_the_one_before_it() {
    for member in [
        r#""keep":1"#,
        r#""a":[{"b":{"keep":1}}]"#,
        r#""from":"us""#,
        r#""from":"u\u0073""#,
        r#""from":null"#,
        r#""from":{"from":"you"}"#,
        r#""from":"you","from":"us""#,
        r#""\u0066rom":"us""#,
        r#""ke\u0065p":1"#,
    ] {
        let elements = format!(r#"{{"at":1}},{{"at":2}},{{{member},"at":3}},{{"at":4}},{{"at":5}}"#);
        assert_eq!(latest(&elements), "235", "{member}");
        let elements = format!(r#"{{"at":1}},{{"at":2}},{{"at":3,{member}}},{{"at":4}},{{"at":5}}"#);
        assert_eq!(latest(&elements), "235", "{member}");
    }
}

#[test]
fn an_object_whose_watched_member_is_an_ordinary_word_is_left_out() {
    for member in [
        r#""from":"you""#,
        r#""from" : "them""#,
        r#""a":{"from":"you"}"#,
        r#""from":"you","from":"him""#,
        r#""except":{"keep":1}"#,
    ] {
        assert_eq!(
            latest(&format!(r#"{{{member},"at":1}},{{"at":2,{member}}},{{"at":3}}"#)),
            "3",
            "{member}"
        );
    }
}

#[test]
fn what_is_left_out_is_validated_and_counted() {
    for object in [
        r#"{"a":"é\n","b":["x","\ud83d\ude00"],"except":"no","c":{"except":["no"],"d":"yes"}}"#,
        r#"{"a":01}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":tru}"#,
        r#"{"a" 1}"#,
        r#"{"a":[1}}"#,
        "{\"a\":\"\t\"}",
        "{,}",
        "{",
    ] {
        let _ = latest(&format!(r#"{{"at":1}},{{"at":2}},{object},{{"at":3}}"#));
        let _ = latest(&format!(r#"{object},{{"at":3}}"#));
    }
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(520), "]".repeat(520));
    let _ = latest(&format!(r#"{{"at":1}},{deep},{{"at":3}}"#));
}

#[test]
fn a_long_object_is_read_and_shorter_ones_after_it_are_left_out_again() {
    let long = format!(r#"{{"at":1,"a":"{}"}}"#, "a".repeat(5000));
    let short = r#"{"at":2},"#.repeat(4000);
    assert_eq!(latest_of_one_chunk(&format!(r#"{long},{short}{{"at":3}}"#)).chars().next(), Some('1'));
    let read = latest_of_one_chunk(&format!(r#"{long},{short}{{"at":3}}"#));
    assert!(read.ends_with('3') && read.len() < 2500, "{}", read.len());
}

fn latest_of_one_chunk(elements: &str) -> String {
    read(Want::Latest, [format!(r#"{{"list":[{elements}]}}"#).as_bytes()]).0
}

#[test]
fn without_watched_members_no_object_is_left_out() {
    let mut scanner = Scanner::object(64).counting_except(&[b"except"]);
    let mut reading = Reading { wants: Want::Latest, read: String::new() };
    scanner.feed(br#"{"list":[{"at":1},{"at":2}]}"#, &mut reading).unwrap();
    assert_eq!(reading.read, "12");
}
