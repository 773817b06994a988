//! The list of members that a request may ask.

use super::affinity::SessionKey;
use super::asides::Asides;
use super::shared::SharedData;
use crate::provider::Pool;
use core::time::Duration;

/// The most attempts of a request.
pub const MOST_ATTEMPTS: usize = 3;

/// The members that a request may ask, as indices into the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// One to `most` members, in the order in which they are asked.
    pub list: Vec<usize>,
    /// The member to which the session belongs, even if it is set aside; `None`: the order does not depend on a session.
    pub home: Option<usize>,
}

/// Chooses at most `most` usable members. If all are set aside, it chooses the one whose time ends first.
#[must_use]
pub fn choose(
    pool: &Pool,
    session: Option<SessionKey>,
    asides: &Asides,
    shared: &dyn SharedData,
    now: Duration,
    most: usize,
) -> Choice {
    let mut order: Vec<usize> = Vec::with_capacity(pool.members.len());
    let name = |at: usize| pool.members.get(at).map(|member| &*member.name).unwrap_or_default();
    let mut home = None;
    if let Some(session) = session {
        let moved = session.moved(shared, now);
        let rank = |at: usize| (moved.as_ref().is_some_and(|is| is(name(at))), session.weight(name(at)));
        for at in 0..pool.members.len() {
            // A pool has five members at most; `sort` would add its code to the module.
            let place = order.iter().position(|other| rank(*other) < rank(at)).unwrap_or(order.len());
            order.insert(place, at);
        }
        home = order.first().copied();
    } else {
        order.extend(0..pool.members.len());
    }
    let wait = |at: &usize| asides.wait(name(*at), now);
    let mut list: Vec<usize> = order.iter().copied().filter(|at| wait(at).is_none()).take(most).collect();
    if list.is_empty() {
        list.extend(order.into_iter().min_by_key(wait));
    }
    Choice { list, home }
}
