//! What differs between two APIs.

use super::request::RequestRules;
use super::response::ResponseBody;
use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::usage::Convention;

/// One API. Each API has one constant of this type.
#[derive(Debug)]
pub struct ApiProfile {
    /// The name in records, properties and metric labels.
    pub name: &'static str,
    /// The shape of the API's errors.
    pub dialect: Dialect,
    /// How requests are read.
    pub request: RequestRules,
    /// How usage is stated.
    pub usage: Convention,
    /// Makes the reader of an event stream.
    pub events: fn(&Limits) -> ResponseBody,
    /// Makes the reader of a document.
    pub document: fn(&Limits) -> ResponseBody,
}
