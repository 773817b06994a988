//! Pools: which member of a provider's pool is asked, and which members are set aside (`envoy/behaviour.md#pools`).
//!
//! The filter runs twice on a request to a pool, in one VM. The main filter chooses a list of members and hands a
//! [`Ticket`] over. The upstream filter of the member's cluster runs once for each attempt ([`AttemptStream`]): it sets
//! what is the member's, and decides which answers are worth another attempt. Envoy makes the attempts.
//!
//! | file | contents |
//! |---|---|
//! | `ticket` | what the two filters share about one request |
//! | `attempt` | one attempt: the upstream filter without a host |
//! | `model_splice` | the member's own name for the model, in the body |
//! | `asides` | which members are set aside, and until when |
//! | `wait` | for how long, by the headers of an answer |
//! | `choice` | the list of members to ask |
//! | `affinity` | which member a session belongs to, and where it moved |
//! | `shared` | the data that all workers share |

mod affinity;
mod asides;
mod attempt;
mod choice;
mod model_splice;
mod shared;
mod ticket;
mod wait;

pub use affinity::{MOST_SESSIONS, SessionKey};
pub use asides::{Asides, Cause};
pub use attempt::{AttemptStream, Failure, Moment};
pub use choice::{Choice, MOST_ATTEMPTS, choose};
pub use model_splice::ModelSplice;
pub use shared::{LocalData, SharedData};
pub use ticket::{Attempt, AttemptError, SharedTicket, Ticket, TicketRequest};
pub use wait::{after_overload, after_rate_limit};

use crate::metric::{Label, Measurement, Metric, Series};
use crate::provider::{Member, Provider, Start};
use core::cell::RefCell;
use core::fmt;
use core::time::Duration;
use std::rc::Rc;

/// The request header that picks the route of the list: `PROVIDER/MEMBER[,MEMBER[,MEMBER]]`, or `PROVIDER` for a
/// caller's own key.
pub const POOL_HEADER: &str = "x-ai-bridge-pool";
/// The response header by which the upstream filter has Envoy make another attempt.
pub const RETRY_HEADER: &str = "x-ai-bridge-retry";
/// The property in which the main filter hands the ticket's id to the upstream filters.
pub const TICKET_PROPERTY: &str = "ai_bridge_attempt";

/// Which members of `provider`'s pool are set aside, as all workers share it now.
#[must_use]
pub fn asides(shared: &dyn SharedData, provider: &Provider) -> Asides {
    Asides::read(&shared.read(&asides::key(&provider.name)).0)
}

/// Milliseconds since the Unix epoch.
fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// The text of a ticket's id, in [`TICKET_PROPERTY`]: 16 hexadecimal digits.
#[must_use]
pub fn ticket_text(id: u64) -> String {
    let digit = |at: u32| char::from_digit((id >> (60 - 4 * at)) as u32 & 15, 16).unwrap_or_default();
    (0..16).map(digit).collect()
}

/// The id that [`ticket_text`] wrote; `None` for any other text that is no hexadecimal number.
#[must_use]
pub fn ticket_id(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()
}

/// What the requests to pools of one configuration share.
pub struct Pools {
    /// The data of all workers.
    pub shared: Rc<dyn SharedData>,
    /// For each provider the last values of its members' gauges in this worker, a bit each.
    shown: RefCell<Vec<(Rc<str>, u8)>>,
}

impl Pools {
    /// Pools whose gauges were not set yet.
    #[must_use]
    pub fn new(shared: Rc<dyn SharedData>) -> Self {
        Self { shared, shown: RefCell::default() }
    }

    /// Gives all shared data a first value. Without one, neither of two workers that write it at the same time would
    /// see the other's value.
    pub fn prepare<'p>(&self, providers: impl Iterator<Item = &'p Provider>) {
        for provider in providers {
            let Some(pool) = &provider.pool else { continue };
            shared::prepare(&*self.shared, &asides::key(&provider.name), &Asides::default().to_bytes());
            if pool.start == Start::Session {
                affinity::prepare(&*self.shared);
            }
        }
    }

    /// The gauges of `provider`'s members to set. While a member is set aside, or was until lately, these are all:
    /// another worker may have set them to an older value. Else they are those whose value differs from the last one of
    /// this worker.
    pub fn usable_changes<'p>(
        &self,
        provider: &'p Provider,
        asides: &Asides,
        now: Duration,
    ) -> impl Iterator<Item = Measurement> + use<'p> {
        let members: &'p [Member] = provider.pool.as_ref().map(|pool| &*pool.members).unwrap_or_default();
        let usable = members.iter().zip(0..8).fold(0, |usable, (member, at)| {
            usable | u8::from(asides.wait(&member.name, now).is_none()) << at
        });
        let mut shown = self.shown.borrow_mut();
        let changed = match shown.iter_mut().find(|(name, _)| *name == provider.name) {
            Some((_, before)) => {
                let changed = core::mem::replace(before, usable) ^ usable;
                if asides.is_empty() { changed } else { u8::MAX }
            }
            None => {
                shown.push((Rc::clone(&provider.name), usable));
                u8::MAX
            }
        };
        members.iter().zip(0..8).filter(move |(_, at)| changed >> at & 1 == 1).map(move |(member, at)| {
            let labels = [Label::from(&provider.name), Label::from(&member.name)];
            Series::new(Metric::PoolUsable, labels).measured(u64::from(usable >> at & 1))
        })
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pools")
    }
}
