//! Which outcomes a record may state: one, if client and provider know how many bytes the filter had; otherwise every
//! outcome that is possible between the bytes that the client received and those that the provider sent.

use super::{Evidence, from_provider, pool};
use crate::case::End;
use crate::ending::{self, State};
use crate::plan::{ClientAct, Framing, Kind, ProviderAct};
use crate::transcript::Ends;

/// The possible outcomes, and what the record must contain besides.
pub(super) struct Possible {
    pub(super) outcomes: Vec<String>,
    /// The exchange followed the transcript, so that the whole record is known.
    pub(super) as_written: bool,
    /// The model that the forwarded part of the response names.
    pub(super) served: Option<String>,
}

pub(super) fn possible(evidence: Evidence<'_>) -> Possible {
    let Evidence { case, client, provider, .. } = evidence;
    let plan = &case.plan;
    let (answer, transcript) = (&plan.answer, &plan.transcript);
    let mut possible = Possible { outcomes: Vec::new(), as_written: false, served: None };
    let mut add = |outcome: &str| {
        if !possible.outcomes.iter().any(|known| known == outcome) {
            possible.outcomes.push(outcome.to_owned());
        }
    };
    let left = !matches!(plan.client, ClientAct::Stay | ClientAct::Linger { .. });
    if let Kind::Refused { .. } | Kind::RefusedLate { .. } = plan.kind {
        add("rejected");
        return possible;
    }
    if pool::from_refusal(client) {
        add("failed");
        return possible;
    }
    if client.status.is_some() && !from_provider(client) {
        add("unavailable");
        return possible;
    }
    let broke = matches!(plan.provider, ProviderAct::Break { .. });
    let early = matches!(plan.provider, ProviderAct::AnswerEarly { .. });
    let head_passed = client.status.is_some();
    if !head_passed {
        if left {
            add("aborted_client");
        }
        if broke {
            add("unavailable");
        }
        if provider.refused > 0 {
            // No other member was left when the client left.
            add("failed");
            add("unavailable");
        }
    }
    if !provider.answered {
        return possible;
    }
    // The provider's response has begun, and may have reached the filter.
    let success = (200..300).contains(&answer.status);
    if !success {
        add("failed");
        possible.as_written = head_passed && client.end == End::Whole && !early;
        return possible;
    }
    let certain = if head_passed { answer.sent_at_least(client.body.len()) } else { 0 };
    // The client does not receive the event that is cut: it counts only once bytes after it have come.
    let certain = certain.min(provider.sent);
    let written = transcript.recorded("/outcome").unwrap_or_default();
    if client.end == End::Whole && transcript.ends == Ends::Complete {
        add(written);
        possible.as_written = true;
        return possible;
    }
    let (Some(surely), Some(at_most)) = (answer.body.get(..certain), answer.body.get(..provider.sent)) else {
        return possible;
    };
    let read = |bytes, generous| {
        if transcript.is_streamed() {
            ending::read(transcript.api, bytes, generous)
        } else {
            ending::Said::default()
        }
    };
    let (first, last) = (read(surely, false), read(at_most, true));
    let mut add_state = |state, aborted: &str| {
        add(match state {
            State::Ended => "completed",
            State::Failed => "failed",
            State::Ongoing => aborted,
        });
    };
    let all = provider.sent == answer.body.len();
    let ended = provider.ended || all && answer.framing == Framing::Length;
    if ended && transcript.ends != Ends::Complete {
        // The response ended without the API's own end.
        add_state(last.state, "aborted_upstream");
    }
    if client.end != End::Whole {
        for (happened, aborted) in [(left, "aborted_client"), (broke, "aborted_upstream")] {
            if happened {
                add_state(first.state, aborted);
                add_state(last.state, aborted);
            }
        }
        // An error document may be recognised long before its end.
        let recognised = !transcript.is_streamed() && (all || written == "failed");
        if transcript.ends == Ends::Complete && (ended || recognised) {
            add(written);
        }
    }
    let as_scripted = match transcript.ends {
        Ends::Complete => false,
        Ends::Reset => broke && !left,
        Ends::ClientGone => left && !broke && !ended,
    };
    let everything = client.body.len() == answer.delivered.len() && all;
    possible.as_written = as_scripted && everything && first == last;
    possible.served = first.model;
    possible
}
