//! The counts of `usage.details`, with their names in records and in prices (`per_million`, `per_use`).

use super::UsageDetails;

/// A count of `usage.details`, named as in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the count of that name")]
pub enum Counted {
    CacheWrite5m,
    CacheWrite1h,
    WebSearches,
    WebFetches,
    InputAudio,
    OutputAudio,
    AcceptedPrediction,
    RejectedPrediction,
    ImageInput,
    ImageOutput,
}

impl Counted {
    /// Every count with its name in records and in the configuration.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("cache_write_5m_tokens", Self::CacheWrite5m),
        ("cache_write_1h_tokens", Self::CacheWrite1h),
        ("web_search_requests", Self::WebSearches),
        ("web_fetch_requests", Self::WebFetches),
        ("input_audio_tokens", Self::InputAudio),
        ("output_audio_tokens", Self::OutputAudio),
        ("accepted_prediction_tokens", Self::AcceptedPrediction),
        ("rejected_prediction_tokens", Self::RejectedPrediction),
        ("image_input_tokens", Self::ImageInput),
        ("image_output_tokens", Self::ImageOutput),
    ];

    /// This count in `details`; `None` where the provider did not state it.
    #[must_use]
    pub const fn of(self, details: &UsageDetails) -> Option<u64> {
        match self {
            Self::CacheWrite5m => details.cache_write_5m_tokens,
            Self::CacheWrite1h => details.cache_write_1h_tokens,
            Self::WebSearches => details.web_search_requests,
            Self::WebFetches => details.web_fetch_requests,
            Self::InputAudio => details.input_audio_tokens,
            Self::OutputAudio => details.output_audio_tokens,
            Self::AcceptedPrediction => details.accepted_prediction_tokens,
            Self::RejectedPrediction => details.rejected_prediction_tokens,
            Self::ImageInput => details.image_input_tokens,
            Self::ImageOutput => details.image_output_tokens,
        }
    }
}
