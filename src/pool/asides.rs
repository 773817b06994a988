//! Which members of one pool are set aside, and until when, as bytes that all workers share.
//!
//! The bytes are a version, and 26 bytes for each member that was set aside and has not answered 2xx since. Bytes of
//! another version or length count as none: then every member is usable, and the next change replaces them.

use super::affinity::hash;
use super::{millis, shared};
use core::time::Duration;

/// The first byte.
const VERSION: u8 = 1;
/// Bytes of an entry.
const ENTRY_BYTES: usize = 26;
/// The most entries. A pool has at most five members; further entries are those of a configuration that is being
/// replaced.
const MOST_ENTRIES: usize = 16;
/// The longest time for which a member is set aside.
pub(super) const LONGEST: Duration = Duration::from_mins(15);
/// How much the clocks of two readings may differ.
const CLOCK_SLACK: Duration = Duration::from_secs(60);
/// The first time after a 401; it doubles with each further one.
const FIRST_REFUSAL: Duration = Duration::from_secs(60);
/// The longest time after a 401.
const LONGEST_REFUSAL: Duration = Duration::from_mins(10);

/// Which members of one pool are set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asides(Vec<Entry>);

/// Why a member is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It answered that it is overloaded or that a limit is reached: for this long.
    Wait(Duration),
    /// It refused its key.
    Unauthorized,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// The hash of the member's name.
    member: u64,
    /// Until when it is set aside, in milliseconds since the Unix epoch.
    until: u64,
    /// When it was set aside last.
    since: u64,
    /// How often it refused its key since the last 2xx; at most 255.
    refusals: u8,
    /// Reserved; kept as it was read.
    spare: u8,
}

/// The key of a pool's data.
pub(super) fn key(provider: &str) -> String {
    ["ai_bridge.asides.1.", provider].concat()
}

// === impl Asides ===

impl Asides {
    /// Reads the shared bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let Some((&VERSION, entries)) = bytes.split_first() else { return Self::default() };
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() || entries.len() > MOST_ENTRIES {
            return Self::default();
        }
        Self(entries.iter().filter_map(Entry::read).collect())
    }

    /// The bytes to share.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + ENTRY_BYTES * self.0.len());
        bytes.push(VERSION);
        for entry in &self.0 {
            for number in [entry.member, entry.until, entry.since] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend([entry.refusals, entry.spare]);
        }
        bytes
    }

    /// Whether no member has an entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For how long `member` is still set aside; `None`: it is usable.
    #[must_use]
    pub fn wait(&self, member: &str, now: Duration) -> Option<Duration> {
        let left = Duration::from_millis(self.entry(member)?.until.checked_sub(millis(now))?);
        // A deadline beyond the longest wait means that a clock was set back. Workers' clocks differ a little.
        (!left.is_zero() && left <= LONGEST + CLOCK_SLACK).then_some(left.min(LONGEST))
    }

    /// Whether `member` has an entry, which a 2xx answer would remove.
    #[must_use]
    pub fn mentions(&self, member: &str) -> bool {
        self.entry(member).is_some()
    }

    /// Sets `member` aside after an answer to an attempt that began at `began`. The later deadline wins.
    pub fn set_aside(&mut self, member: &str, cause: Cause, began: Duration, now: Duration) {
        self.forget_expired(now);
        let id = hash(&[member]);
        let at = self.0.iter().position(|entry| entry.member == id).unwrap_or_else(|| {
            self.0.push(Entry { member: id, ..Entry::default() });
            self.0.len().saturating_sub(1)
        });
        let Some(entry) = self.0.get_mut(at) else { return };
        let wait = match cause {
            Cause::Wait(wait) => wait.clamp(Duration::from_secs(1), LONGEST),
            Cause::Unauthorized => {
                // Answers to attempts that began before the last refusal tell nothing new.
                if entry.refusals == 0 || millis(began) >= entry.since {
                    entry.refusals = entry.refusals.saturating_add(1);
                } else {
                    return;
                }
                let doublings = u32::from(entry.refusals.saturating_sub(1)).min(8);
                FIRST_REFUSAL.saturating_mul(1 << doublings).min(LONGEST_REFUSAL)
            }
        };
        entry.until = millis(now).saturating_add(millis(wait)).max(entry.until.min(millis(now + LONGEST)));
        entry.since = millis(now);
    }

    /// Makes `member` usable after a 2xx answer to an attempt that began after it was set aside.
    pub fn serves(&mut self, member: &str, began: Duration) {
        let id = hash(&[member]);
        self.0.retain(|entry| entry.member != id || millis(began) <= entry.since);
    }

    fn entry(&self, member: &str) -> Option<&Entry> {
        if self.0.is_empty() {
            return None;
        }
        let id = hash(&[member]);
        self.0.iter().find(|entry| entry.member == id)
    }

    /// Forgets entries that mean nothing any more, and the one that ends first if there are too many.
    fn forget_expired(&mut self, now: Duration) {
        self.0.retain(|entry| entry.until > millis(now) || entry.refusals > 0);
        if self.0.len() >= MOST_ENTRIES
            && let Some(first) = (0..self.0.len()).min_by_key(|at| self.0.get(*at).map(|entry| entry.until))
        {
            self.0.swap_remove(first);
        }
    }
}

// === impl Entry ===

impl Entry {
    fn read(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let [member, until, since] = numbers else { return None };
        let [refusals, spare] = *rest else { return None };
        let [member, until, since] = [member, until, since].map(|bytes| u64::from_le_bytes(*bytes));
        Some(Self { member, until, since, refusals, spare })
    }
}

/// Changes the shared asides of `provider`'s pool.
pub(super) fn change(shared: &dyn shared::SharedData, provider: &str, edit: &dyn Fn(&mut Asides)) {
    shared::update(shared, &key(provider), &mut |bytes| {
        let before = Asides::read(bytes);
        let mut after = before.clone();
        edit(&mut after);
        (after != before).then(|| after.to_bytes())
    });
}

#[cfg(test)]
mod tests {
    use super::{Asides, Cause, LONGEST};
    use core::time::Duration;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_795_411_980 + seconds)
    }

    const fn wait(seconds: u64) -> Cause {
        Cause::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn a_member_is_aside_from_one_second_to_fifteen_minutes() {
        for (asked, waits) in [(0, 1), (1, 1), (60, 60), (900, 900), (901, 900), (u64::MAX / 1000, 900)] {
            let mut asides = Asides::default();
            asides.set_aside("a", wait(asked), at(0), at(0));
            assert_eq!(asides.wait("a", at(0)), Some(Duration::from_secs(waits)), "{asked}");
            assert_eq!((asides.wait("a", at(waits)), asides.wait("b", at(0))), (None, None), "{asked}");
        }
    }

    #[test]
    fn the_later_deadline_wins() {
        for waits in [[60, 10], [10, 60]] {
            let mut asides = Asides::default();
            waits.iter().for_each(|seconds| asides.set_aside("a", wait(*seconds), at(0), at(0)));
            assert_eq!(asides.wait("a", at(0)), Some(Duration::from_secs(60)));
        }
    }

    #[test]
    fn a_refused_key_is_aside_for_a_minute_that_doubles_to_ten_until_a_2xx() {
        let mut asides = Asides::default();
        let mut now = 0;
        for seconds in [60, 120, 240, 480, 600, 600, 600, 600, 600, 600] {
            asides.set_aside("a", Cause::Unauthorized, at(now), at(now));
            assert_eq!(asides.wait("a", at(now)), Some(Duration::from_secs(seconds)));
            now += seconds;
        }
        asides.serves("a", at(now));
        asides.set_aside("a", Cause::Unauthorized, at(now + 1), at(now + 1));
        assert_eq!(asides.wait("a", at(now + 1)), Some(Duration::from_secs(60)));
    }

    #[test]
    fn attempts_that_began_before_the_refusal_do_not_double_it() {
        let mut asides = Asides::default();
        for _ in 0..100 {
            asides.set_aside("a", Cause::Unauthorized, at(0), at(1));
        }
        assert_eq!(asides.wait("a", at(1)), Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_2xx_makes_usable_only_if_its_attempt_began_after_the_member_was_set_aside() {
        let mut asides = Asides::default();
        asides.set_aside("a", wait(60), at(0), at(5));
        asides.serves("a", at(5));
        assert!(asides.wait("a", at(6)).is_some());
        asides.serves("a", at(6));
        assert_eq!((asides.wait("a", at(6)), asides.mentions("a")), (None, false));
    }

    #[test]
    fn bytes_of_another_version_or_length_count_as_none() {
        let mut asides = Asides::default();
        asides.set_aside("a", wait(60), at(0), at(0));
        asides.set_aside("b", Cause::Unauthorized, at(0), at(0));
        let bytes = asides.to_bytes();
        assert_eq!(Asides::read(&bytes), asides);
        let mut other = bytes.clone();
        other[0] = 2;
        for bytes in [&other[..], &bytes[..bytes.len() - 1], &[], &[1, 2], &[1; 1 + 26 * 17]] {
            assert_eq!(Asides::read(bytes), Asides::default());
        }
    }

    #[test]
    fn a_deadline_beyond_the_longest_counts_as_none() {
        let mut asides = Asides::default();
        asides.set_aside("a", wait(900), at(7200), at(7200));
        assert_eq!(asides.wait("a", at(0)), None, "the clock was set back");
        asides.set_aside("a", wait(5), at(0), at(0));
        assert!(asides.wait("a", at(0)).is_some_and(|left| left <= LONGEST));
    }

    #[test]
    fn the_entries_are_bounded() {
        let mut asides = Asides::default();
        for member in 0..100 {
            asides.set_aside(&format!("m{member}"), wait(60 + member), at(0), at(0));
        }
        assert!(asides.to_bytes().len() <= 1 + 26 * 16);
        assert!(asides.wait("m99", at(0)).is_some());
    }
}
