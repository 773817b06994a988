//! `budget`: what the operator says to callers whose budget is used up.

use super::node::Node;

/// Characters of the longest message.
const LONGEST_MESSAGE: usize = 500;

/// The message in `node`; empty where none is written.
pub(super) fn message(node: &Node<'_>) -> Option<String> {
    node.object("an object", |members| {
        members.read("message", String::new(), |node| {
            let text = node.text()?;
            let characters = text.chars().count();
            if characters > LONGEST_MESSAGE {
                node.problem(format_args!(
                    "expected at most {LONGEST_MESSAGE} characters, found {characters}"
                ));
                return None;
            }
            Some(text.to_owned())
        })
    })
}
