//! Estimates the tokens of a response whose final usage never came, by the bytes of its texts.

use super::Usage;

/// Bytes of text that make one token.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens where the final usage of a response never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The stated number, else the texts of the request without what was stated as read from or written to a cache.
    pub input_tokens: u64,
    /// The texts, thoughts and arguments of the answer, or the stated number if that is larger: what a stream states at
    /// its begin is a placeholder.
    pub output_tokens: u64,
}

impl Estimate {
    /// The estimate beside what was stated. `request_bytes`, `answer_bytes`: of all texts, in UTF-8.
    #[must_use]
    pub fn new(stated: &Usage, request_bytes: u64, answer_bytes: u64) -> Self {
        let answer_tokens = answer_bytes.div_ceil(BYTES_PER_TOKEN);
        let estimated = request_bytes.div_ceil(BYTES_PER_TOKEN).saturating_sub(cached(stated));
        Self {
            input_tokens: stated.input_tokens.unwrap_or(estimated),
            output_tokens: stated.output_tokens.unwrap_or(0).max(answer_tokens),
        }
    }

    /// What is charged: the stated usage with the estimated numbers in it.
    #[must_use]
    pub fn charged(self, stated: &Usage) -> Usage {
        let total_input = match (stated.input_tokens, stated.total_input_tokens) {
            (Some(_), Some(stated)) => stated,
            (_, total) => total.unwrap_or(0).max(self.input_tokens.saturating_add(cached(stated))),
        };
        Usage {
            input_tokens: Some(self.input_tokens),
            output_tokens: Some(self.output_tokens),
            total_input_tokens: Some(total_input),
            total_tokens: Some(total_input.saturating_add(self.output_tokens)),
            ..stated.clone()
        }
    }
}

/// The stated tokens that caches served or took.
fn cached(stated: &Usage) -> u64 {
    let [read, written] =
        [stated.cache_read_tokens, stated.cache_write_tokens].map(Option::unwrap_or_default);
    read.saturating_add(written)
}

#[cfg(test)]
mod tests {
    use super::Estimate;
    use crate::usage::Usage;

    #[test]
    fn four_bytes_are_a_token_and_the_rest_is_one_more() {
        for (bytes, tokens) in [(0, 0), (1, 1), (4, 1), (5, 2), (8, 2), (u64::MAX, 1 << 62)] {
            let estimate = Estimate::new(&Usage::default(), bytes, bytes);
            assert_eq!((estimate.input_tokens, estimate.output_tokens), (tokens, tokens), "{bytes}");
        }
    }

    #[test]
    fn stated_cached_tokens_are_no_estimated_input() {
        for (read, written, input, total) in
            [(None, None, 100, 100), (Some(60), Some(10), 30, 100), (Some(500), None, 0, 500)]
        {
            let stated = Usage { cache_read_tokens: read, cache_write_tokens: written, ..Usage::default() };
            let estimate = Estimate::new(&stated, 400, 0);
            assert_eq!(estimate.input_tokens, input);
            assert_eq!(estimate.charged(&stated).total_input_tokens, Some(total));
        }
    }

    #[test]
    fn stated_input_wins_and_the_larger_output() {
        let stated = Usage {
            input_tokens: Some(0),
            output_tokens: Some(3),
            total_input_tokens: Some(7),
            ..Usage::default()
        };
        for (answer_bytes, output_tokens) in [(4, 3), (40, 10)] {
            let estimate = Estimate::new(&stated, 400, answer_bytes);
            assert_eq!(estimate, Estimate { input_tokens: 0, output_tokens });
            let charged = estimate.charged(&stated);
            assert_eq!(charged.total_input_tokens, Some(7));
            assert_eq!(charged.total_tokens, Some(7 + output_tokens));
        }
    }
}
