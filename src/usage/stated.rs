//! What one usage object says: the numbers at known places, read by the scanner that reads everything else. Of a member
//! that stands twice the last counts.

use super::{LARGEST, TIER_BYTES, VERBATIM_BYTES, Verbatim};
use crate::api::Api;
use crate::json::{self, Kind, Scalar, Value, Visitor, Want};
use crate::text::Text;

/// Whose object it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// An answer's `usage`.
    Usage(Api),
    /// What Bedrock counted for one invocation.
    Invocation,
}

/// A number under its one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Input,
    Output,
    CacheRead,
    CacheWrite,
    Reasoning,
    CacheWrite5m,
    CacheWrite1h,
    WebSearches,
    WebFetches,
    InputAudio,
    OutputAudio,
    AcceptedPrediction,
    RejectedPrediction,
}

impl Field {
    pub(super) const ALL: [Self; 13] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite,
        Self::Reasoning,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::WebSearches,
        Self::WebFetches,
        Self::InputAudio,
        Self::OutputAudio,
        Self::AcceptedPrediction,
        Self::RejectedPrediction,
    ];
}

/// What was said of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stated {
    #[default]
    Nothing,
    Count(u64),
    /// Negative, too large, a fraction, a text.
    NoCount,
}

/// What one object says.
#[derive(Debug)]
pub(super) struct Statement {
    source: Source,
    is_object: bool,
    numbers: [Stated; Field::ALL.len()],
    tier: Option<Text>,
}

impl Statement {
    /// Reads `raw`, and keeps it as a record shows it; `None` where it is no JSON object, or none that every reader could
    /// read.
    pub(super) fn read(source: Source, raw: &str) -> Option<(Self, Verbatim)> {
        let numbers = [Stated::Nothing; Field::ALL.len()];
        let mut statement = Self { source, is_object: false, numbers, tier: None };
        json::read_whole(raw, &mut statement).ok()?;
        if !statement.is_object {
            return None;
        }
        let (json, harmless) = json::compact(raw);
        if !harmless {
            serde_json::from_slice::<Value>(raw.as_bytes()).ok()?;
        }
        let too_large = raw.len() > VERBATIM_BYTES;
        let json = if too_large { String::new() } else { json.into_owned() };
        Some((statement, Verbatim { json, harmless, too_large }))
    }

    pub(super) fn number(&self, field: Field) -> Stated {
        self.numbers.get(field as usize).copied().unwrap_or_default()
    }

    /// The tier's name.
    pub(super) fn into_tier(self) -> Option<String> {
        self.tier.map(Text::into_string)
    }

    fn set(&mut self, field: Field, stated: Stated) {
        if let Some(number) = self.numbers.get_mut(field as usize) {
            *number = stated;
        }
    }
}

/// The names in usage objects that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// An array's element.
    Item,
    /// Of the object itself, with the API that has it where another one means something else.
    Number(Field, Has),
    InputDetails(Has),
    OutputDetails(Has),
    CacheCreation,
    ServerToolUse,
    ServiceTier,
    /// Of one of the objects in it.
    Thinking,
    Detail(Field),
}

/// Which objects have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Messages,
    Chat,
    /// Messages and Responses.
    Both,
    Invocation,
}

impl Has {
    const fn holds(self, source: Source) -> bool {
        matches!(
            (self, source),
            (Self::Messages | Self::Both, Source::Usage(Api::Messages))
                | (Self::Chat, Source::Usage(Api::ChatCompletions))
                | (Self::Both, Source::Usage(Api::Responses))
                | (Self::Invocation, Source::Invocation)
        )
    }
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    /// <https://docs.anthropic.com/en/api/messages#response-usage>,
    /// <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage> and
    /// <https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage> (the same numbers, in
    /// one API called prompt and completion, in the other input and output).
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"input_tokens" => Self::Number(Field::Input, Has::Both),
            b"output_tokens" => Self::Number(Field::Output, Has::Both),
            b"cache_read_input_tokens" => Self::Number(Field::CacheRead, Has::Messages),
            b"cache_creation_input_tokens" => Self::Number(Field::CacheWrite, Has::Messages),
            b"prompt_tokens" => Self::Number(Field::Input, Has::Chat),
            b"completion_tokens" => Self::Number(Field::Output, Has::Chat),
            b"inputTokenCount" => Self::Number(Field::Input, Has::Invocation),
            b"outputTokenCount" => Self::Number(Field::Output, Has::Invocation),
            b"cacheReadInputTokenCount" => Self::Number(Field::CacheRead, Has::Invocation),
            b"cacheWriteInputTokenCount" => Self::Number(Field::CacheWrite, Has::Invocation),
            b"input_tokens_details" => Self::InputDetails(Has::Both),
            b"prompt_tokens_details" => Self::InputDetails(Has::Chat),
            b"output_tokens_details" => Self::OutputDetails(Has::Both),
            b"completion_tokens_details" => Self::OutputDetails(Has::Chat),
            b"cache_creation" => Self::CacheCreation,
            b"server_tool_use" => Self::ServerToolUse,
            b"service_tier" => Self::ServiceTier,
            b"thinking_tokens" => Self::Thinking,
            b"ephemeral_5m_input_tokens" => Self::Detail(Field::CacheWrite5m),
            b"ephemeral_1h_input_tokens" => Self::Detail(Field::CacheWrite1h),
            b"web_search_requests" => Self::Detail(Field::WebSearches),
            b"web_fetch_requests" => Self::Detail(Field::WebFetches),
            b"cached_tokens" => Self::Detail(Field::CacheRead),
            b"cache_write_tokens" => Self::Detail(Field::CacheWrite),
            b"reasoning_tokens" => Self::Detail(Field::Reasoning),
            // Of the input or of the output: that shows in the path.
            b"audio_tokens" => Self::Detail(Field::InputAudio),
            b"accepted_prediction_tokens" => Self::Detail(Field::AcceptedPrediction),
            b"rejected_prediction_tokens" => Self::Detail(Field::RejectedPrediction),
            _ => return None,
        })
    }
}

/// What stands somewhere in an object.
enum Place {
    /// An object that has these numbers.
    Of(&'static [Field]),
    Number(Field),
    Tier,
}

/// What stands at `path`.
fn place(source: Source, path: &[Name]) -> Option<Place> {
    const OF_INPUT: [Field; 3] = [Field::CacheRead, Field::CacheWrite, Field::InputAudio];
    const OF_OUTPUT: [Field; 4] =
        [Field::Reasoning, Field::OutputAudio, Field::AcceptedPrediction, Field::RejectedPrediction];
    const OF_CREATION: [Field; 2] = [Field::CacheWrite5m, Field::CacheWrite1h];
    const OF_TOOLS: [Field; 2] = [Field::WebSearches, Field::WebFetches];
    let messages = matches!(source, Source::Usage(Api::Messages));
    let (outer, inner) = match path {
        [outer] => (*outer, None),
        [outer, inner] => (*outer, Some(*inner)),
        _ => return None,
    };
    let fields: &'static [Field] = match outer {
        Name::Number(field, has) if has.holds(source) && inner.is_none() => {
            return Some(Place::Number(field));
        }
        Name::ServiceTier if messages && inner.is_none() => return Some(Place::Tier),
        Name::OutputDetails(Has::Both) if messages => &[Field::Reasoning],
        Name::InputDetails(has) if has.holds(source) && !messages => &OF_INPUT,
        Name::OutputDetails(has) if has.holds(source) => &OF_OUTPUT,
        Name::CacheCreation if messages => &OF_CREATION,
        Name::ServerToolUse if messages => &OF_TOOLS,
        Name::Item
        | Name::Number(..)
        | Name::InputDetails(_)
        | Name::OutputDetails(_)
        | Name::CacheCreation
        | Name::ServerToolUse
        | Name::ServiceTier
        | Name::Thinking
        | Name::Detail(_) => return None,
    };
    let field = match inner {
        None => return Some(Place::Of(fields)),
        Some(Name::Thinking) if messages => Field::Reasoning,
        Some(Name::Detail(Field::Reasoning)) if messages => return None,
        Some(Name::Detail(Field::InputAudio)) if fields.contains(&Field::OutputAudio) => Field::OutputAudio,
        Some(Name::Detail(field)) => field,
        Some(_) => return None,
    };
    fields.contains(&field).then_some(Place::Number(field))
}

impl Visitor for Statement {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, _: u64) -> Want {
        if path.is_empty() {
            self.is_object = kind == Kind::Object;
            return if self.is_object { Want::Read } else { Want::Skip };
        }
        match place(self.source, path) {
            Some(Place::Of(fields)) => {
                fields.iter().for_each(|field| self.set(*field, Stated::Nothing));
                if kind == Kind::Object { Want::Read } else { Want::Skip }
            }
            Some(Place::Number(field)) => {
                self.set(field, if kind == Kind::Null { Stated::Nothing } else { Stated::NoCount });
                if kind == Kind::Number { Want::Raw } else { Want::Skip }
            }
            Some(Place::Tier) => {
                self.tier = (kind == Kind::String).then(Text::default);
                if kind == Kind::String { Want::Read } else { Want::Skip }
            }
            None => Want::Skip,
        }
    }

    fn text(&mut self, path: &[Name], run: &str) {
        match place(self.source, path) {
            // It is in one run, as the object is.
            Some(Place::Number(field)) => {
                self.set(field, count(run).map_or(Stated::NoCount, Stated::Count));
            }
            Some(Place::Tier) => {
                if let Some(tier) = &mut self.tier {
                    tier.push(run, TIER_BYTES);
                }
            }
            Some(Place::Of(_)) | None => {}
        }
    }

    fn scalar(&mut self, _: &[Name], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Name], _: Kind, _: u64) {}
}

/// A count: an integer from 0 to 2^53 − 1, however it is written (`12`, `12.0`, `1.2e1`).
pub(super) fn count(raw: &str) -> Option<u64> {
    let integer = match raw.parse() {
        Ok(integer) => integer,
        Err(_) => {
            let Ok(Value::Number(float)) = serde_json::from_slice(raw.as_bytes()) else { return None };
            // The cast saturates; what it changes is refused.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the line below"
            )]
            let integer = float as u64;
            #[expect(
                clippy::cast_precision_loss,
                reason = "a float that came from an integer below 2^53 is exact"
            )]
            (integer as f64 == float).then_some(integer)?
        }
    };
    (integer <= LARGEST).then_some(integer)
}
