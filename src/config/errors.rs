//! The problems of a configuration, each with its path, safe to log.

use core::fmt;

/// One problem. Neither part contains a secret or a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the value, such as `providers[1].base_url`; `configuration` for the whole document.
    pub path: String,
    /// What was expected and what was found, or what to change.
    pub message: String,
}

/// Every problem of one configuration, in the order in which they were found; never empty.
///
/// `Display` prints each problem on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Problem>);

// === impl Problem ===

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

// === impl ConfigErrors ===

impl ConfigErrors {
    /// `None` where there is no problem.
    pub(super) fn of(problems: Vec<Problem>) -> Option<Self> {
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// One problem of the whole document.
    pub(super) fn whole(message: String) -> Self {
        Self(vec![Problem { path: "configuration".to_owned(), message }])
    }

    /// The problems in their order.
    pub fn iter(&self) -> core::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a Problem;
    type IntoIter = core::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl core::error::Error for ConfigErrors {}
