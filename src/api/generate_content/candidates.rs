//! The candidates of an answer: their thoughts, tool calls and finish reasons.

use super::object_fields::{CandidateFields, Piece};
use crate::answer::{Answer, NAME_BYTES};
use crate::api::response::{self, Place};
use crate::text::head;

/// Limit of candidates of one answer; `candidateCount` is at most 8.
const CANDIDATES: usize = 256;

/// The finish reason that protobuf's JSON mapping writes for none.
const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";

/// The candidates of an answer.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Ordered by their index.
    seen: Vec<Candidate>,
    /// There were candidates above the limit: it is not known whether all of them finished.
    pub(super) beyond: bool,
}

#[derive(Debug)]
struct Candidate {
    index: u64,
    finished: bool,
    thought: ThoughtRun,
}

/// Whether a candidate's content so far ends in a thought, which a next part continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThoughtRun {
    None,
    /// The answer has it at this position.
    Kept(usize),
    /// There were enough thoughts.
    Dropped,
}

// === impl Candidates ===

impl Candidates {
    /// Takes what one object states of a candidate, at `position` in its list. Returns what its texts did; `None`: more has
    /// changed.
    pub(super) fn take(
        &mut self,
        position: u64,
        fields: CandidateFields,
        answer: &mut Answer,
    ) -> Option<response::Piece> {
        let index = fields.index.unwrap_or(position);
        let known = self.seen.len();
        let at = match self.seen.binary_search_by_key(&index, |candidate| candidate.index) {
            Ok(at) => at,
            Err(at) if self.seen.len() < CANDIDATES => {
                self.seen.insert(at, Candidate { index, finished: false, thought: ThoughtRun::None });
                at
            }
            Err(_) => {
                self.beyond = true;
                let calls = fields.pieces.iter().filter(|piece| matches!(piece, Piece::Call(..)));
                calls.for_each(|_| answer.notes.dropped_tool_call());
                return None;
            }
        };
        let reason = fields.finish_reason.as_str();
        let reason = Some(reason).filter(|reason| !matches!(*reason, "" | UNSPECIFIED));
        let position = match reason {
            Some(_) => self.seen.iter().take(at).filter(|candidate| candidate.finished).count(),
            None => 0,
        };
        let changes = reason.is_some() || self.seen.len() > known;
        let candidate = self.seen.get_mut(at)?;
        let done = match (candidate.thought, fields.pieces.as_slice()) {
            (ThoughtRun::None, [] | [Piece::Other]) => Some(response::Piece::Ignored),
            (ThoughtRun::Kept(at), [Piece::Thought(_)]) => {
                Some(response::Piece::Appended(Place::Thought(at)))
            }
            _ => None,
        };
        for piece in fields.pieces {
            candidate.thought = match piece {
                Piece::Thought(text) => {
                    let run = match candidate.thought {
                        ThoughtRun::None => {
                            let kept = answer.begin_thought("thinking");
                            kept.map_or(ThoughtRun::Dropped, ThoughtRun::Kept)
                        }
                        run @ (ThoughtRun::Kept(_) | ThoughtRun::Dropped) => run,
                    };
                    if let ThoughtRun::Kept(at) = run {
                        answer.add_thought_piece(at, &text);
                    }
                    run
                }
                Piece::Call(mut call, arguments) => {
                    call.arguments_stated = arguments.is_some();
                    let whole = call.complete;
                    if let (Some(at), Some(arguments)) = (answer.begin_tool_call(call), arguments) {
                        answer.give_arguments(at, arguments, whole);
                    }
                    ThoughtRun::None
                }
                Piece::Other => ThoughtRun::None,
            };
        }
        if let Some(reason) = reason {
            let reason = head(reason, NAME_BYTES).to_owned();
            if !candidate.finished {
                answer.finish_reasons.insert(position.min(answer.finish_reasons.len()), reason);
            } else if let Some(stated) = answer.finish_reasons.get_mut(position) {
                *stated = reason;
            }
            candidate.finished = true;
        }
        done.filter(|_| !changes)
    }

    /// Whether there are candidates and all of them have a finish reason.
    pub(super) fn all_finished(&self) -> bool {
        !self.beyond && !self.seen.is_empty() && self.seen.iter().all(|candidate| candidate.finished)
    }
}
