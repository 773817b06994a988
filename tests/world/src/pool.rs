//! The attempts at a pool's members, as Envoy makes them: each runs through the upstream filter of its member's cluster, with
//! the headers that the attempt before has edited and the body so far, and an answer that the filter marks is replaced by
//! the next attempt.

use crate::World;
use ai_bridge::headers::Headers;
use ai_bridge::pool::{AttemptStream, Failure, Moment, POOL_HEADER, RETRY_HEADER};
use core::time::Duration;

/// What a member does with a request.
#[derive(Clone, Debug)]
pub enum Member {
    /// It answers with these headers.
    Answers(Headers),
    /// There is no connection.
    Refuses,
    /// It resets the stream before response headers.
    Resets,
    /// It answers nothing for so long, which is longer than Envoy waits.
    Sleeps(Duration),
}

/// What a member got.
#[derive(Debug)]
pub struct Asked {
    /// The member's name.
    pub member: String,
    /// The headers of the request.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
}

impl World {
    /// Now, by both clocks.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { wall: self.now(), clock: self.now() }
    }

    /// Makes the attempts of a request that was uploaded in chunks of `size` bytes. `members` says what each does. The
    /// main filter gets the last answer's headers.
    pub fn attempts(&mut self, size: usize, members: &dyn Fn(&str) -> Member) -> Vec<Asked> {
        let ticket = self.ticket();
        let provider = ticket.borrow().provider.name.to_string();
        let route = self.sent(POOL_HEADER).expect("the header of the list").to_owned();
        let (owner, list) = route.split_once('/').unwrap_or((&route, ""));
        assert_eq!(owner, provider);
        let list: Vec<String> = if list.is_empty() {
            vec![ticket.borrow().pool().unwrap().members[0].name.to_string()]
        } else {
            list.split(',').map(str::to_owned).collect()
        };
        let mut headers = self.upstream_headers.clone().unwrap();
        let mut asked = Vec::new();
        for (at, member) in list.iter().enumerate() {
            let is_last = at + 1 == list.len();
            self.wait(Duration::from_millis(10));
            let (mut attempt, edits) =
                AttemptStream::begin(&ticket, &provider, member, self.moment(), || headers.clone()).unwrap();
            edits.apply(&mut headers);
            let mut body = Vec::new();
            for chunk in self.upstream_body.chunks(size.max(1)) {
                body.extend(attempt.request_body(chunk, false).unwrap_or_else(|| chunk.to_vec()));
            }
            body.extend(attempt.request_body(&[], true).unwrap_or_default());
            asked.push(Asked { member: member.clone(), headers: headers.clone(), body });
            self.wait(Duration::from_millis(20));
            let failure = |is_connect_failure, limit| Failure { is_connect_failure, limit };
            let failed = match members(member) {
                Member::Answers(mut answer) => {
                    let (edits, measured) = attempt.response_headers(&answer, self.moment());
                    edits.apply(&mut answer);
                    self.measured.extend(measured);
                    if is_last || !answer.contains(RETRY_HEADER) {
                        self.answer(answer, false);
                        return asked;
                    }
                    None
                }
                Member::Refuses => Some((failure(true, None), "upstream_reset_before_response_started{x}")),
                Member::Resets => Some((failure(false, None), "upstream_reset_before_response_started{x}")),
                Member::Sleeps(time) => {
                    self.wait(time);
                    Some((failure(false, Some(time)), "upstream_per_try_timeout"))
                }
            };
            if let Some((failure, details)) = failed {
                attempt.over(failure, self.now());
                if is_last {
                    let status = if details.contains("timeout") { "504" } else { "503" };
                    self.answer_by(details, crate::head(status, &[]), false);
                }
            }
        }
        asked
    }
}
