//! Which statement of an item an event contains, and of which item.

/// Which statement of an item an event contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api::responses) enum ItemStage {
    /// `response.output_item.added`: the item has begun.
    Added,
    /// `response.output_item.done`: the item has ended.
    Done,
    /// The terminal event or a document, with all items of the response.
    InResponse,
}

/// Whether a delta that names the item `named` belongs to the item `item_id`. Without both ids its index decides. A
/// delta of another item is encrypted.
pub(super) fn same_item(named: Option<&str>, item_id: Option<&str>) -> bool {
    named.is_none() || item_id.is_none() || named == item_id
}
