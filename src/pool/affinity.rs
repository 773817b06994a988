//! Which member a session belongs to (rendezvous hashing), and to which member a session has moved.
//!
//! A session keeps its member while the member is usable, because that member has its prompt cache. If it had to move,
//! it stays on the new member for an hour. All workers share the sessions that moved: 64 shards, each of a version and
//! 16 bytes a session.

use super::shared::{SharedData, update};
use crate::fnv::Fnv;
use core::hash::Hasher as _;
use core::time::Duration;

/// The first byte of a shard.
const VERSION: u8 = 1;
/// The shards; each is read and written as a whole.
const SHARDS: u64 = 64;
/// The most sessions in a shard.
const SHARD_SESSIONS: usize = 156;
/// The most sessions that are remembered.
pub const MOST_SESSIONS: usize = SHARDS as usize * SHARD_SESSIONS;
/// How long a session stays on the member to which it moved.
const STAY: Duration = Duration::from_hours(1);
/// Bytes of a session in a shard.
const ENTRY_BYTES: usize = 16;

/// The hash of what is kept on one member for the sake of its prompt cache: a session with its agent, or an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey(u64);

/// A session that moved.
#[derive(Clone, Copy)]
struct Moved {
    session: u64,
    /// The lower half of the hash of the member's name.
    member: u32,
    /// When the session may move back, in seconds since the Unix epoch.
    until: u32,
}

// === impl SessionKey ===

impl SessionKey {
    /// The session that a header names, and the agent in it.
    #[must_use]
    pub fn of_session(provider: &str, session: &str, agent: Option<&str>) -> Self {
        Self(hash(&[provider, "s", session, agent.unwrap_or_default()]))
    }

    /// The actor, where no header names a session.
    #[must_use]
    pub fn of_actor(provider: &str, actor: &str) -> Self {
        Self(hash(&[provider, "a", actor]))
    }

    /// The weight of the member for this session; the member with the largest one is asked first.
    /// <https://en.wikipedia.org/wiki/Rendezvous_hashing>
    pub(super) fn weight(self, member: &str) -> u64 {
        mix(self.0 ^ hash(&[member]))
    }

    /// The shard with this session.
    fn shard(self) -> String {
        shard_key(self.0 % SHARDS)
    }

    /// The member that this session moved to, as a test of its name.
    pub(super) fn moved(self, shared: &dyn SharedData, now: Duration) -> Option<impl Fn(&str) -> bool> {
        let shard = read(&shared.read(&self.shard()).0);
        let moved = shard.into_iter().find(|moved| moved.session == self.0 && moved.is_valid(now))?;
        Some(move |member: &str| lower(hash(&[member])) == moved.member)
    }

    /// Remembers that this session moved to `member`. `false`: the shared data could not be written.
    pub fn remember(self, shared: &dyn SharedData, member: &str, now: Duration) -> bool {
        let until = u32::try_from((now + STAY).as_secs()).unwrap_or(u32::MAX);
        update(shared, &self.shard(), &mut |bytes| {
            let mut shard = read(bytes);
            shard.retain(|moved| moved.session != self.0 && moved.is_valid(now));
            // The oldest come first.
            let surplus = shard.len().saturating_add(1).saturating_sub(SHARD_SESSIONS);
            shard.drain(..surplus.min(shard.len()));
            shard.push(Moved { session: self.0, member: lower(hash(&[member])), until });
            Some(write(&shard))
        })
    }
}

impl Moved {
    /// Whether the move still holds. A time beyond [`STAY`] means that the clock was set back.
    fn is_valid(&self, now: Duration) -> bool {
        let now = now.as_secs();
        (now..=now.saturating_add(STAY.as_secs())).contains(&u64::from(self.until))
    }
}

/// The key of a shard.
fn shard_key(shard: u64) -> String {
    let mut key = String::from("ai_bridge.moved.1.");
    key.extend([shard / 8, shard % 8].map(|digit| char::from(b'0'.saturating_add(digit as u8))));
    key
}

/// Gives each shard a first value.
pub(super) fn prepare(shared: &dyn SharedData) {
    (0..SHARDS).for_each(|shard| super::shared::prepare(shared, &shard_key(shard), &write(&[])));
}

fn read(bytes: &[u8]) -> Vec<Moved> {
    let Some((&VERSION, entries)) = bytes.split_first() else { return Vec::new() };
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() || entries.len() > SHARD_SESSIONS {
        return Vec::new();
    }
    let mut shard = Vec::with_capacity(entries.len().saturating_add(1));
    for entry in entries {
        let ([session, other], _) = entry.as_chunks::<8>() else { continue };
        let other = u64::from_le_bytes(*other);
        let session = u64::from_le_bytes(*session);
        shard.push(Moved { session, member: lower(other), until: lower(other >> 32) });
    }
    shard
}

fn write(shard: &[Moved]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + ENTRY_BYTES * shard.len());
    bytes.push(VERSION);
    for moved in shard {
        bytes.extend(moved.session.to_le_bytes());
        bytes.extend(moved.member.to_le_bytes());
        bytes.extend(moved.until.to_le_bytes());
    }
    bytes
}

/// The lower half.
const fn lower(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}

/// The hash of `parts`, which cannot be confused with other parts of the same text.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut fnv = Fnv::default();
    for part in parts {
        fnv.write(part.as_bytes());
        fnv.write(&[0xff]);
    }
    mix(fnv.finish())
}

/// Spreads each bit over all others: the finalizer of `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::{LocalData, SharedData};
    use super::{MOST_SESSIONS, SessionKey};
    use core::time::Duration;

    const NOW: Duration = Duration::from_secs(1_795_411_980);

    fn session(n: usize) -> SessionKey {
        SessionKey::of_session("p", &format!("session-{n}"), None)
    }

    fn moved(shared: &LocalData, key: SessionKey, member: &str, now: Duration) -> bool {
        key.moved(shared, now).is_some_and(|is| is(member))
    }

    #[test]
    fn sessions_spread_evenly_and_only_those_of_a_removed_member_move() {
        let members = ["a", "b", "c", "d", "e"];
        let best = |n: usize, members: &[&'static str]| {
            *members.iter().max_by_key(|member| session(n).weight(member)).unwrap()
        };
        for member in members {
            let count = (0..10_000).filter(|n| best(*n, &members) == member).count();
            assert!((1_800..2_200).contains(&count), "{member}: {count}");
        }
        assert!((0..1000).all(|n| {
            let home = best(n, &members);
            home == "c" || home == best(n, &["a", "b", "d", "e"])
        }));
    }

    #[test]
    fn an_agent_and_an_actor_are_not_the_session_of_the_same_name() {
        let keys = [
            SessionKey::of_session("p", "x", None),
            SessionKey::of_session("p", "x", Some("y")),
            SessionKey::of_session("p", "xy", None),
            SessionKey::of_session("q", "x", None),
            SessionKey::of_actor("p", "x"),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(at + 1).all(|other| other != key));
        }
    }

    #[test]
    fn a_session_stays_where_it_went_for_an_hour() {
        let shared = LocalData::default();
        session(1).remember(&shared, "b", NOW);
        assert!(moved(&shared, session(1), "b", NOW + Duration::from_secs(3600)));
        assert!(!moved(&shared, session(1), "a", NOW) && !moved(&shared, session(2), "b", NOW));
        assert!(!moved(&shared, session(1), "b", NOW + Duration::from_secs(3601)));
        session(1).remember(&shared, "c", NOW + Duration::from_secs(10));
        assert!(moved(&shared, session(1), "c", NOW + Duration::from_secs(3610)));
    }

    #[test]
    fn at_most_ten_thousand_sessions_are_remembered_the_newest_ones() {
        let shared = LocalData::default();
        assert!((0..20_000).all(|n| session(n).remember(&shared, "b", NOW)));
        let known = (0..20_000).filter(|n| moved(&shared, session(*n), "b", NOW)).count();
        assert!(MOST_SESSIONS <= 10_000 && (9_000..=MOST_SESSIONS).contains(&known), "{known}");
        assert!((19_900..20_000).all(|n| moved(&shared, session(n), "b", NOW)));
    }

    #[test]
    fn sessions_of_another_version_are_forgotten() {
        let shared = LocalData::default();
        let key = session(1).shard();
        for bytes in [&[2_u8; 17][..], &[1; 16], &[1; 1 + 16 * 157]] {
            let (_, version) = shared.read(&key);
            assert!(shared.write(&key, bytes, version));
            assert!(session(1).moved(&shared, NOW).is_none());
        }
        session(1).remember(&shared, "b", NOW);
        assert!(moved(&shared, session(1), "b", NOW));
    }
}
