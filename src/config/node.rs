//! A JSON value of the configuration with its path; reading it reports every problem.
//!
//! No type of this file implements `Debug`, because any text may be a secret.

use core::cell::RefCell;
use core::fmt;
use core::ops::RangeInclusive;

use super::errors::Problem;
use super::nearest::nearest;
use super::quoted::{quoted, segment};
use crate::json::Value;

/// The largest size of anything: the largest `usize` of a 32-bit target.
pub(super) const SIZE_MAX: u64 = u32::MAX as u64;

/// Collects the problems, in the order in which they are found.
#[derive(Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

/// One value with its path. Reading it as another type than its own reports a problem and returns `None`.
pub(super) struct Node<'a> {
    value: &'a Value,
    location: Location<'a>,
    problems: &'a Problems,
}

/// The location of a value. Its path is formatted only for a problem.
enum Location<'a> {
    Root,
    Member(&'a Self, &'a str),
    Item(&'a Self, usize),
}

/// The members of one object while they are read. A member that is never asked for is unknown.
pub(super) struct Members<'a> {
    node: &'a Node<'a>,
    entries: Vec<(&'a str, &'a Value)>,
    asked: RefCell<Vec<&'static str>>,
    /// Known members that are never suggested in place of a misspelt one.
    refused: RefCell<Vec<&'static str>>,
}

// === impl Problems ===

impl Problems {
    #[cold]
    #[inline(never)]
    pub(super) fn add(&self, path: &str, message: fmt::Arguments<'_>) {
        let path = if path.is_empty() { "configuration" } else { path };
        self.0.borrow_mut().push(Problem { path: path.to_owned(), message: message.to_string() });
    }

    pub(super) fn into_inner(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

// === impl Location ===

impl Location<'_> {
    #[cold]
    #[inline(never)]
    fn path(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(object, name) => segment(&object.path(), name),
            Self::Item(list, index) => format!("{}[{index}]", list.path()),
        }
    }
}

// === impl Node ===

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value, problems: &'a Problems) -> Self {
        Self { value, location: Location::Root, problems }
    }

    /// Reports a problem of this value.
    #[cold]
    #[inline(never)]
    pub(super) fn problem(&self, message: fmt::Arguments<'_>) {
        self.problems.add(&self.location.path(), message);
    }

    /// Reports that `expected` was expected. The value found is named by its kind only, because it may be a secret.
    #[cold]
    #[inline(never)]
    pub(super) fn mismatch(&self, expected: &str) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.problem(format_args!("expected {expected}, found {found}"));
    }

    /// A string.
    pub(super) fn text(&self) -> Option<&'a str> {
        let Value::Text(text) = self.value else { return self.reject("a string") };
        Some(text)
    }

    /// A boolean.
    pub(super) fn bool(&self) -> Option<bool> {
        let Value::Bool(value) = self.value else { return self.reject("true or false") };
        Some(*value)
    }

    /// A whole number in any notation: Helm prints 33554432 as `3.3554432e+07`. Every bound is below 2^53.
    pub(super) fn whole(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let expected = format!("a whole number from {least} to {most}");
        let Value::Number(number) = self.value else { return self.reject(&expected) };
        // Below 2^53 every whole number is exact.
        if number.fract() == 0.0 && (least as f64..=most as f64).contains(number) {
            return Some(*number as u64);
        }
        self.problem(format_args!("expected {expected}, found {}", shown(*number)));
        None
    }

    /// A whole number as a size or count in memory. Every bound is at most [`SIZE_MAX`].
    pub(super) fn size(&self, bounds: RangeInclusive<u64>) -> Option<usize> {
        usize::try_from(self.whole(bounds)?).ok()
    }

    /// A number with or without a fraction.
    pub(super) fn number(&self, bounds: RangeInclusive<u32>) -> Option<f64> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let expected = format!("a number from {least} to {most}");
        let Value::Number(number) = self.value else { return self.reject(&expected) };
        if (f64::from(least)..=f64::from(most)).contains(number) {
            return Some(*number);
        }
        self.problem(format_args!("expected {expected}, found {}", shown(*number)));
        None
    }

    /// One of a few names; `choices` pairs each with its meaning.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let (_, meaning) = choices.get(self.choice(&names)?)?;
        Some(*meaning)
    }

    /// The index of this text in `names`.
    fn choice(&self, names: &[&str]) -> Option<usize> {
        let expected = one_of(names);
        let Value::Text(written) = self.value else { return self.reject(&expected) };
        let choice = names.iter().position(|name| name == written);
        if choice.is_none() {
            let hint = did_you_mean(written, names);
            self.problem(format_args!("expected {expected}, found {}{hint}", quoted(written)));
        }
        choice
    }

    /// The items of a list; `of` names them in messages.
    pub(super) fn list(&self, of: &str) -> Option<Vec<Node<'_>>> {
        let Value::List(items) = self.value else { return self.reject(&format!("a list of {of}")) };
        let item = |(index, value)| Node {
            value,
            location: Location::Item(&self.location, index),
            problems: self.problems,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// The results of `read` for the items of a list; `None` where this is no list.
    pub(super) fn each<T>(&self, of: &str, read: impl Fn(&Node<'_>) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        for item in self.list(of)? {
            // `filter_map` would be compiled once for each type.
            if let Some(value) = read(&item) {
                all.push(value);
            }
        }
        Some(all)
    }

    /// Whether this is a list without items.
    pub(super) fn is_empty_list(&self) -> bool {
        matches!(self.value, Value::List(items) if items.is_empty())
    }

    /// Reads an object of known members. Then each member that `read` did not ask for is reported.
    pub(super) fn object<T>(&self, expected: &str, read: impl FnOnce(&Members<'_>) -> T) -> Option<T> {
        let entries = self.once_each(expected)?;
        let members = Members { node: self, entries, asked: RefCell::default(), refused: RefCell::default() };
        let result = read(&members);
        members.report_unknown();
        Some(result)
    }

    /// The members of an object that may have any names.
    pub(super) fn entries(&self, expected: &str) -> Option<Vec<(&str, Node<'_>)>> {
        let entries = self.once_each(expected)?;
        Some(entries.into_iter().map(|(name, value)| (name, self.below(name, value))).collect())
    }

    /// The members of an object. A repeated member is reported; its first value is read.
    fn once_each(&self, expected: &str) -> Option<Vec<(&'a str, &'a Value)>> {
        let Value::Object(written) = self.value else { return self.reject(expected) };
        let mut entries: Vec<(&str, &Value)> = Vec::new();
        for (name, value) in written {
            if entries.iter().any(|(known, _)| known == name) {
                self.below(name, value).problem(format_args!("duplicate member"));
            } else {
                entries.push((name, value));
            }
        }
        Some(entries)
    }

    fn below<'n>(&'n self, name: &'n str, value: &'n Value) -> Node<'n> {
        Node { value, location: Location::Member(&self.location, name), problems: self.problems }
    }

    fn reject<T>(&self, expected: &str) -> Option<T> {
        self.mismatch(expected);
        None
    }
}

/// `one of "…", "…"`, for messages.
pub(super) fn one_of(names: &[&str]) -> String {
    format!("one of \"{}\"", names.join("\", \""))
}

/// A number in digits; a tiny one in JSON's notation. `serde_json` writes it, because the module contains that anyway;
/// `f64`'s `Display` would add 15 KB.
fn shown(number: f64) -> String {
    let Some(number) = serde_json::Number::from_f64(number) else { return "no number".to_owned() };
    let written = number.to_string();
    let Some((digits, exponent)) = written.split_once("e+") else {
        return written.strip_suffix(".0").unwrap_or(&written).to_owned();
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let zeros = exponent.parse().unwrap_or(0);
    format!("{whole}{fraction:0<zeros$}")
}

/// `; did you mean "…"?`, or nothing where no known name is near.
#[cold]
#[inline(never)]
pub(super) fn did_you_mean(written: &str, known: &[&str]) -> String {
    nearest(written, known).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}

// === impl Members ===

impl<'a> Members<'a> {
    /// The member `name`, where it is written.
    pub(super) fn member(&self, name: &'static str) -> Option<Node<'a>> {
        self.asked.borrow_mut().push(name);
        let (_, value) = self.entries.iter().find(|(written, _)| *written == name)?;
        Some(self.node.below(name, value))
    }

    /// Whether the object has no member.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The member `name`; a missing one is reported.
    pub(super) fn required(&self, name: &'static str, what: &str) -> Option<Node<'a>> {
        let member = self.member(name);
        if member.is_none() {
            self.problem(name, format_args!("required: {what}"));
        }
        member
    }

    /// The result of `read` for the member `name`; `default` where it is missing or has a problem.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Node<'_>) -> Option<T>,
    ) -> T {
        self.member(name).and_then(|node| read(&node)).unwrap_or(default)
    }

    /// The boolean `name`; `default` where it is missing or has a problem.
    pub(super) fn bool(&self, name: &'static str, default: bool) -> bool {
        self.read(name, default, |node| node.bool())
    }

    /// Reports a problem of the member `name`, which may be missing.
    #[cold]
    #[inline(never)]
    pub(super) fn problem(&self, name: &'static str, message: fmt::Arguments<'_>) {
        self.node.problems.add(&segment(&self.node.location.path(), name), message);
    }

    /// Reports a problem at `path`.
    pub(super) fn problem_at(&self, path: &str, message: fmt::Arguments<'_>) {
        self.node.problems.add(path, message);
    }

    /// Reports the member `name` where it is written: it has a meaning, but not here.
    pub(super) fn refuse(&self, name: &'static str, why: &str) {
        self.refused.borrow_mut().push(name);
        if self.entries.iter().any(|(written, _)| *written == name) {
            self.problem(name, format_args!("{why}"));
        }
    }

    fn report_unknown(&self) {
        let (asked, refused) = (self.asked.borrow(), self.refused.borrow());
        for (name, value) in &self.entries {
            if asked.iter().chain(refused.iter()).all(|known| known != name) {
                let hint = did_you_mean(name, &asked);
                self.node.below(name, value).problem(format_args!("unknown member{hint}"));
            }
        }
    }
}
