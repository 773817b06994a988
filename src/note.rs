//! Remarks on a record: what could not be read or kept, and what else its reader should know.

/// A remark. Its name is an element of the record's `notes`; if something could not be read, it is also a value of the
/// label `reason` of the metric `ai_bridge_unread_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A text was cut at `record.text_bytes` or `record.total_bytes`.
    TextCut,
    /// A value of the request was too long and was left out.
    ValueTooLarge,
    /// The request names more other models than a record holds.
    AlsoRequestedCut,
    /// The request asks for a stream, and its `stream_options` could not be edited (they are `null` and come before
    /// `stream`, or are not an object): usage will be missing.
    StreamOptionsLeft,
    /// The response is compressed and was not read.
    ResponseEncoded,
    /// The response's content type is neither JSON nor an event stream; it was not read.
    ResponseContentType,
    /// The response, or one of its events, is not valid JSON.
    ResponseUnreadable,
    /// The texts of an event beyond `limits.event_bytes` were not kept.
    EventTooLarge,
    /// The response is a document above `limits.document_bytes`; the texts beyond it were not kept.
    DocumentTooLarge,
    /// A stated number of tokens or searches is not a count.
    UsageUnreadable,
    /// The provider's usage object is above 16 KiB and was left out.
    UsageTooLarge,
    /// The response lists more than 1,024 iterations: their tokens are right, but a price that depends on the tokens of
    /// one iteration may be the wrong one.
    IterationsMerged,
    /// More than 16 models worked on the response: the further ones are together `other` in `usage.by_model`.
    ModelsMerged,
    /// The cost was computed from usage that is not final.
    CostPartial,
    /// The final usage never came: the single values are charged with an estimate by the bytes of the texts.
    UsageEstimated,
    /// Prices are configured, but none for the model.
    Price,
    /// The response ended in trailers inside of an event that might have been the usage event; its bytes that waited
    /// were lost.
    IncompleteEventLost,
    /// The request asked for something that the model on Bedrock does not support; it was left out or replaced.
    BedrockAdapted,
    /// The request was sent to more than one member of its pool.
    Failover,
    /// An answer of a pool's member was worth another attempt, and Envoy made none.
    NotRetriable,
    /// The request was refused after the response had begun, so the stream was reset instead of answered.
    ReplyImpossible,
    /// A bug of this filter was caught, and the stream was cut. Only the native host can leave a record then.
    FilterFailed,
}

impl Note {
    /// The name in records and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextCut => "text_cut",
            Self::ValueTooLarge => "value_too_large",
            Self::AlsoRequestedCut => "also_requested_cut",
            Self::StreamOptionsLeft => "stream_options_left",
            Self::ResponseEncoded => "response_encoded",
            Self::ResponseContentType => "response_content_type",
            Self::ResponseUnreadable => "response_unreadable",
            Self::EventTooLarge => "event_too_large",
            Self::DocumentTooLarge => "document_too_large",
            Self::UsageUnreadable => "usage_unreadable",
            Self::UsageTooLarge => "usage_too_large",
            Self::IterationsMerged => "iterations_merged",
            Self::ModelsMerged => "models_merged",
            Self::CostPartial => "cost_partial",
            Self::UsageEstimated => "usage_estimated",
            Self::Price => "price",
            Self::IncompleteEventLost => "incomplete_event_lost",
            Self::BedrockAdapted => "bedrock_adapted",
            Self::Failover => "failover",
            Self::NotRetriable => "not_retriable",
            Self::ReplyImpossible => "reply_impossible",
            Self::FilterFailed => "filter_failed",
        }
    }

    /// Whether the metric `ai_bridge_unread_total` counts it.
    #[must_use]
    pub const fn is_unread(self) -> bool {
        !matches!(
            self,
            Self::CostPartial
                | Self::UsageEstimated
                | Self::IncompleteEventLost
                | Self::BedrockAdapted
                | Self::Failover
                | Self::NotRetriable
                | Self::ReplyImpossible
                // Counted by the host, also where no record is left.
                | Self::FilterFailed
        )
    }
}

/// The remarks on one interception, each at most once, and how many tool calls and thoughts were not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    notes: Vec<Note>,
    tool_calls_dropped: u64,
    thoughts_dropped: u64,
}

impl Notes {
    /// Adds `note` unless it is there already.
    pub fn add(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Counts a tool call that is not kept.
    pub fn dropped_tool_call(&mut self) {
        self.tool_calls_dropped = self.tool_calls_dropped.saturating_add(1);
    }

    /// Counts a thought that is not kept.
    pub fn dropped_thought(&mut self) {
        self.thoughts_dropped = self.thoughts_dropped.saturating_add(1);
    }

    /// Adds the remarks and counts of `others`.
    pub fn merge(&mut self, others: &Self) {
        others.notes.iter().for_each(|note| self.add(*note));
        self.tool_calls_dropped = self.tool_calls_dropped.saturating_add(others.tool_calls_dropped);
        self.thoughts_dropped = self.thoughts_dropped.saturating_add(others.thoughts_dropped);
    }

    /// The elements of the record's `notes`: names, and counts as `tool_calls_dropped:3`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.notes.iter().map(|note| note.name().to_owned()).collect();
        for (name, dropped) in self.dropped() {
            lines.push(format!("{name}:{dropped}"));
        }
        lines
    }

    /// The values of the label `reason` that `ai_bridge_unread_total` counts for this interception.
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
