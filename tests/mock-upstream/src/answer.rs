//! The content of an answer. It is the same for all three APIs, which differ only in its form.

use crate::ids::Seed;
use crate::question::{Input, Question};
use crate::tool::Call;
use crate::words::words_in;

/// Words after which an echo of the prompt is cut, so that a large request has a small answer.
const ECHOED_WORDS: usize = 400;
/// What `mock-events-<n>` repeats.
const SMALL_WORD: &str = "word ";
/// What `mock-bytes-<n>` repeats: 64 bytes.
const LONG_LINE: &str = "The quick brown fox jumps over the lazy dog, then does it again.";
/// About the size of a document without its text, in bytes.
const ENVELOPE_BYTES: usize = 400;
const THOUGHT: &str = "The user said something. I will say it again.";

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The seed of the answer's identifiers.
    pub(crate) seed: Seed,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// The model's thought before its answer.
    pub(crate) thought: Option<Text>,
    /// The text or the tool call.
    pub(crate) speech: Speech,
    /// The answer was cut at the request's token limit.
    pub(crate) is_cut_short: bool,
    /// The tokens of request and answer.
    pub(crate) usage: Usage,
}

/// A text or a tool call.
#[derive(Clone, Debug)]
pub(crate) enum Speech {
    /// Words for the user.
    Text(Text),
    /// A tool for the client to run.
    Call(Call),
}

/// A text that is sent in pieces. A repeated text is never held in memory as a whole.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    /// A text that is sent word by word.
    Words(String),
    /// A piece, and how often it is repeated.
    Repeated(&'static str, usize),
}

/// The tokens of an answer and its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// The request's tokens.
    pub(crate) input: Input,
    /// The answer's tokens, thoughts included.
    pub(crate) output: u64,
    /// The thoughts' tokens.
    pub(crate) thoughts: u64,
}

impl Answer {
    /// The answer to `question`.
    pub(crate) fn to(question: &Question, seed: Seed, created: u64) -> Self {
        let behaviour = &question.behaviour;
        let (mut speech, plain) = match (&question.call, behaviour.events, behaviour.bytes) {
            (_, Some(events), _) => {
                let times = usize::try_from(events).unwrap_or(usize::MAX);
                (Speech::Text(Text::Repeated(SMALL_WORD, times)), false)
            }
            (_, _, Some(bytes)) => {
                let times = (bytes.saturating_sub(ENVELOPE_BYTES) / LONG_LINE.len()).max(1);
                (Speech::Text(Text::Repeated(LONG_LINE, times)), false)
            }
            (Some(call), None, None) => (Speech::Call(call.clone()), true),
            (None, None, None) => (Speech::Text(Text::Words(echo(question))), true),
        };
        let thought = (plain && question.thinks).then(|| Text::Words(THOUGHT.to_owned()));
        let mut is_cut_short = false;
        if let (Speech::Text(Text::Words(said)), Some(most)) = (&mut speech, question.most_tokens)
            && words_in(said) > most
        {
            is_cut_short = true;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            *said = said.split_inclusive(' ').take(most).collect::<String>().trim_end().to_owned();
        }
        let thoughts = thought.as_ref().map_or(0, Text::words);
        let said = match &speech {
            Speech::Text(text) => text.words(),
            Speech::Call(call) => words_in(&call.text()).saturating_add(1),
        };
        let usage = Usage { input: question.input, output: thoughts.saturating_add(said), thoughts };
        Self { seed, created, thought, speech, is_cut_short, usage }
    }
}

/// "You said: …", or a fixed sentence if the user's turn has no text.
fn echo(question: &Question) -> String {
    match &question.prompt {
        _ if question.after_tool => "I have read what came back.".to_owned(),
        None => "You said nothing.".to_owned(),
        Some(prompt) => {
            let mut words = prompt.split_inclusive(' ');
            let mut said = String::from("You said: ");
            said.extend(words.by_ref().take(ECHOED_WORDS));
            if words.next().is_some() {
                said.push_str("...");
            }
            said
        }
    }
}

impl Text {
    /// The pieces in which the text is sent.
    pub(crate) fn pieces(&self) -> Box<dyn Iterator<Item = String> + Send> {
        match self {
            Self::Words(text) => {
                let pieces: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
                Box::new(pieces.into_iter())
            }
            Self::Repeated(piece, times) => Box::new(std::iter::repeat_n((*piece).to_owned(), *times)),
        }
    }

    /// The whole text.
    pub(crate) fn whole(&self) -> String {
        match self {
            Self::Words(text) => text.clone(),
            Self::Repeated(piece, times) => piece.repeat(*times),
        }
    }

    fn words(&self) -> u64 {
        match self {
            Self::Words(text) => words_in(text),
            Self::Repeated(piece, times) => {
                words_in(piece).saturating_mul(u64::try_from(*times).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Api;
    use serde_json::json;

    fn answer(model: &str, prompt: &str, most: u64) -> Answer {
        let body =
            json!({"model": model, "max_tokens": most, "messages": [{"role": "user", "content": prompt}]});
        let question = Question::read(Api::Messages, body.to_string().as_bytes()).unwrap();
        Answer::to(&question, Seed(1), 0)
    }

    fn said(answer: &Answer) -> String {
        let Speech::Text(text) = &answer.speech else { panic!("a call") };
        assert_eq!(text.pieces().collect::<String>(), text.whole());
        text.whole()
    }

    #[test]
    fn the_prompt_is_repeated_with_its_white_space() {
        let answer = answer("m", "one\n two  three", 100);
        assert_eq!(said(&answer), "You said: one\n two  three");
        assert_eq!(answer.usage.output, 5);
    }

    #[test]
    fn a_long_prompt_has_a_short_echo() {
        assert!(said(&answer("m", &"x ".repeat(1_000_000), u64::MAX)).len() < 1_000);
    }

    #[test]
    fn an_answer_ends_at_the_token_limit() {
        let answer = answer("m", "one two", 3);
        assert_eq!(said(&answer), "You said: one");
        assert!(answer.is_cut_short);
    }

    #[test]
    fn a_model_can_ask_for_a_number_of_events_or_bytes() {
        assert_eq!(answer("mock-events-1000", "x", 1).usage.output, 1_000);
        assert_eq!(said(&answer("mock-bytes-1000", "x", 1)).len(), 9 * LONG_LINE.len());
    }
}
