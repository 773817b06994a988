//! Pools: which member of a provider is asked, and what is learned of the members (`envoy/behaviour.md#pools`).
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
pub use attempt::{AttemptStream, Failure, not_ready};
pub use choice::{Choice, MOST_ATTEMPTS, choose};
pub use model_splice::ModelSplice;
pub use shared::{LocalData, SharedData};
pub use ticket::{Attempt, AttemptError, Ticket, TicketRequest};
pub use wait::{after_overload, after_rate_limit};

use crate::provider::Provider;
use core::time::Duration;

/// The request header that picks the route of the list: `PROVIDER/MEMBER[,MEMBER[,MEMBER]]`, or `PROVIDER` for a
/// caller's own key.
pub const POOL_HEADER: &str = "x-ai-bridge-pool";
/// The response header by which the upstream filter has Envoy make another attempt.
pub const RETRY_HEADER: &str = "x-ai-bridge-retry";
/// The property in which the main filter hands the ticket's id to the upstream filters.
pub const TICKET_PROPERTY: &str = "ai_bridge_attempt";
/// The response header of a reply that names its reason to the main filter.
pub const REASON_HEADER: &str = "x-ai-bridge-reason";

/// What is known of the members of `provider`'s pool now.
#[must_use]
pub fn asides(shared: &dyn SharedData, provider: &Provider) -> Asides {
    Asides::read(&shared.read(&asides::key(&provider.name)).0)
}

/// Milliseconds since the Unix epoch.
fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}
