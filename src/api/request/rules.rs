//! What differs between the requests of two APIs.

use super::{Name, Slot};

/// How the requests of one API are read.
#[derive(Debug)]
pub struct RequestRules {
    /// What the value at a path means. `None`: it is not read.
    pub slot: fn(&[Name]) -> Option<Slot>,
    /// The `type` of the content parts that hold a text of the user; empty: parts have no `type`.
    pub text_part: &'static str,
    /// The texts of all parts of a turn make the prompt, one per line. Otherwise the last part does.
    pub joins_parts: bool,
    /// How a turn names the tool call whose result it brings.
    pub answered_call: AnsweredCall,
    /// Requests follow protobuf's JSON mapping as Google's servers read it: a list of one element may be that element,
    /// and a turn without a role is the user's.
    pub protobuf: bool,
    /// Streams state their usage only if the request asks for it: see [`usage_edit`](crate::api::usage_edit).
    pub usage_edit: bool,
    /// Which of the request's strings are texts, by which its tokens are estimated.
    pub texts: RequestTexts,
}

/// Which strings of a request are texts: all below some top-level members, except some.
#[derive(Debug)]
pub struct RequestTexts {
    /// The top-level members, of which each may be a string itself.
    pub below: &'static [Name],
    /// The names of members that hold no text, with all that is inside: pictures and other files as base64 or as an
    /// address, schemas, and the arguments of calls. They do not count at the top level.
    pub except: &'static [&'static [u8]],
}

/// How a turn names the tool call whose result it brings.
#[derive(Clone, Copy, Debug)]
pub enum AnsweredCall {
    /// In a content part of this `type`, by [`Slot::PartCallId`], else by [`Slot::PartCallName`].
    InPart(&'static str),
    /// In a turn of this `role`, by [`Slot::TurnCallId`].
    InRole(&'static str),
    /// In a turn of one of these `type`s, by [`Slot::TurnCallId`].
    InTurn(&'static [&'static str]),
}
