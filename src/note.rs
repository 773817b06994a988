//! Where a record is poorer than the traffic, or something else that its reader should know.

/// One remark. Its name stands in the record's `notes` and, where something was not read, in the metric
/// `ai_bridge_unread_total{reason}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A text was cut at `record.text_bytes` or `record.total_bytes`.
    TextCut,
    /// A value of the request is too long to be read and was left out.
    ValueTooLarge,
    /// The request streams, and its `stream_options` could not be edited (`null` ahead of `stream`, or no object): usage
    /// will be missing.
    StreamOptionsLeft,
    /// The answer is compressed and was not read.
    ResponseEncoded,
    /// The answer's content type is neither JSON nor an event stream.
    ResponseContentType,
    /// The answer, or one of its events, is not valid JSON.
    ResponseUnreadable,
    /// An event above `limits.event_bytes` was skipped.
    EventTooLarge,
    /// The answer is a document above `limits.document_bytes`: the rest was not read.
    DocumentTooLarge,
    /// A number of tokens is none.
    UsageUnreadable,
    /// The provider's usage object is above 16 KiB and was left out.
    UsageTooLarge,
    /// The cost was computed from numbers that are not the final ones.
    CostPartial,
    /// A price list is configured and has none for the model.
    Price,
    /// The answer ended in trailers within an event that might have been the one to cut: its start was not forwarded.
    IncompleteEventLost,
    /// Bedrock's model lacks something that the request asked for: it was left out or said otherwise.
    BedrockAdapted,
    /// The request was refused when the answer had already begun: the stream was cut instead.
    ReplyImpossible,
}

impl Note {
    /// As it stands in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextCut => "text_cut",
            Self::ValueTooLarge => "value_too_large",
            Self::StreamOptionsLeft => "stream_options_left",
            Self::ResponseEncoded => "response_encoded",
            Self::ResponseContentType => "response_content_type",
            Self::ResponseUnreadable => "response_unreadable",
            Self::EventTooLarge => "event_too_large",
            Self::DocumentTooLarge => "document_too_large",
            Self::UsageUnreadable => "usage_unreadable",
            Self::UsageTooLarge => "usage_too_large",
            Self::CostPartial => "cost_partial",
            Self::Price => "price",
            Self::IncompleteEventLost => "incomplete_event_lost",
            Self::BedrockAdapted => "bedrock_adapted",
            Self::ReplyImpossible => "reply_impossible",
        }
    }

    /// Whether `ai_bridge_unread_total` counts it.
    #[must_use]
    pub const fn is_unread(self) -> bool {
        !matches!(
            self,
            Self::CostPartial | Self::IncompleteEventLost | Self::BedrockAdapted | Self::ReplyImpossible
        )
    }
}

/// The remarks on one interception, each once, and how many tool calls and thoughts were counted and not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    notes: Vec<Note>,
    tool_calls_dropped: u64,
    thoughts_dropped: u64,
}

impl Notes {
    /// Adds `note` unless it stands already.
    pub fn add(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// One more tool call than are kept.
    pub fn dropped_tool_call(&mut self) {
        self.tool_calls_dropped = self.tool_calls_dropped.saturating_add(1);
    }

    /// One more thought than are kept.
    pub fn dropped_thought(&mut self) {
        self.thoughts_dropped = self.thoughts_dropped.saturating_add(1);
    }

    /// Adds all of `others`.
    pub fn merge(&mut self, others: &Self) {
        others.notes.iter().for_each(|note| self.add(*note));
        self.tool_calls_dropped = self.tool_calls_dropped.saturating_add(others.tool_calls_dropped);
        self.thoughts_dropped = self.thoughts_dropped.saturating_add(others.thoughts_dropped);
    }

    /// As they stand in the record: names; with their number those that count (`tool_calls_dropped:3`).
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.notes.iter().map(|note| note.name().to_owned()).collect();
        for (name, dropped) in self.dropped() {
            lines.push(format!("{name}:{dropped}"));
        }
        lines
    }

    /// The values of the metric's label `reason`.
    #[must_use]
    pub fn unread_reasons(&self) -> Vec<&'static str> {
        let noted = self.notes.iter().filter(|note| note.is_unread()).map(|note| note.name());
        noted.chain(self.dropped().map(|(name, _)| name)).collect()
    }

    fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [("tool_calls_dropped", self.tool_calls_dropped), ("thoughts_dropped", self.thoughts_dropped)]
            .into_iter()
            .filter(|(_, dropped)| *dropped > 0)
    }
}
