//! The sampling steps of one response: `usage.iterations` of Messages.
//!
//! A compaction, an advisor or an attempt before a fallback is a step of its own, which the numbers beside the list leave
//! out. The list is what is billed:
//! <https://platform.claude.com/docs/en/build-with-claude/compaction>,
//! <https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback>.

use super::members::{Number, TextMember};
use super::stated::{Count, Stated};
use super::{LARGEST, Usage, UsageDetails};

/// Steps that are kept apart. A further one is added to the last step of its model.
const KEPT_APART: usize = 1024;

/// Distinct texts of all steps: models, tiers, speeds and places.
const NAMES: usize = 2048;

/// Bytes of these texts together.
const NAMES_BYTES: usize = 64 * 1024;

/// The numbers that are read of a step.
const COUNTS: [Number; 7] = [
    Number::Input,
    Number::Output,
    Number::CacheRead,
    Number::CacheWrite,
    Number::Reasoning,
    Number::CacheWrite5m,
    Number::CacheWrite1h,
];

/// The steps of one response, in about 300 KiB at most.
#[derive(Clone, Debug, Default)]
pub struct Iterations {
    steps: Vec<Step>,
    /// The last step of each model, by [`NameAt::key`].
    last_of: Vec<Option<u16>>,
    names: Names,
    sums: Counts,
    /// A step was added to another one.
    merged: bool,
    /// A step is not an object, or one of its numbers is not a count. It counts nothing.
    unreadable: bool,
}

/// One step as [`Iterations`] shows it.
#[derive(Clone, Debug)]
pub struct Iteration<'a> {
    /// The model of the step.
    pub model: IterationModel<'a>,
    /// Its numbers, and the texts by which prices are chosen.
    pub usage: Usage,
}

/// The model of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IterationModel<'a> {
    /// The step names none: it is the model that served the message.
    Served,
    /// As the provider names it.
    Named(&'a str),
    /// The step names a model, but there are too many names.
    Beyond,
}

/// The numbers of a step or of all of them, in the order of [`COUNTS`].
type Counts = [Option<u64>; COUNTS.len()];

#[derive(Clone, Debug)]
struct Step {
    counts: Counts,
    /// In the order of [`TextMember::ALL`].
    texts: [NameAt; TextMember::COUNT],
}

/// A text of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameAt {
    Absent,
    /// The position in [`Names::names`].
    Kept(u16),
    /// There was no room for it.
    Beyond,
}

/// The distinct texts of all steps.
#[derive(Clone, Debug, Default)]
struct Names {
    names: Vec<Box<str>>,
    /// Positions in `names`, ordered by the text.
    sorted: Vec<u16>,
    bytes: usize,
}

// === impl Iterations ===

impl Iterations {
    /// Adds a step. A declined attempt, which has an output of 0, is not billed and left out.
    pub(super) fn add(&mut self, stated: &Stated) {
        let Some(counts) = counts(stated) else { return self.add_unreadable() };
        if stated.count_of(Number::Output) == Count::Tokens(0) {
            return;
        }
        let Some(sums) = added(&self.sums, &counts) else { return self.add_unreadable() };
        self.sums = sums;
        let texts = TextMember::ALL.map(|text| self.names.at(stated.text_of(text)));
        self.keep(counts, texts);
    }

    /// Keeps a step, or adds it to the last one of its model; one whose model is new then has no name.
    fn keep(&mut self, counts: Counts, texts: [NameAt; TextMember::COUNT]) {
        let apart = self.steps.len() < KEPT_APART;
        self.merged |= !apart;
        let last_of = |model: NameAt| self.last_of.get(model.key()).copied().flatten();
        let [.., model] = texts;
        let nameless = !apart && model != NameAt::Absent && last_of(model).is_none();
        let texts = if nameless { [NameAt::Beyond; TextMember::COUNT] } else { texts };
        let [.., model] = texts;
        let (key, last) = (model.key(), last_of(model).filter(|_| !apart));
        if let Some(step) = last.and_then(|at| self.steps.get_mut(usize::from(at))) {
            // The sums of all steps are within bounds, so these are.
            step.counts = added(&step.counts, &counts).unwrap_or(step.counts);
            return;
        }
        if self.last_of.len() <= key {
            self.last_of.resize(key.saturating_add(1), None);
        }
        if let Some(last) = self.last_of.get_mut(key) {
            *last = u16::try_from(self.steps.len()).ok();
        }
        self.steps.push(Step { counts, texts });
    }

    /// A step is not readable.
    pub(super) const fn add_unreadable(&mut self) {
        self.unreadable = true;
    }

    pub(super) const fn has_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Whether there are more steps than are kept apart: their tokens are right, but a price that depends on the tokens
    /// of a single step may be the wrong one.
    #[must_use]
    pub const fn is_merged(&self) -> bool {
        self.merged
    }

    /// Whether no step counts.
    pub(super) const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The sum of `number` over all steps; `None` where none states it.
    pub(super) fn sum(&self, number: Number) -> Option<u64> {
        of(&self.sums, number)
    }

    /// The steps in their order. `details`: those of the response, whose texts hold where a step states none.
    pub fn each<'a>(&'a self, details: &'a UsageDetails) -> impl Iterator<Item = Iteration<'a>> {
        self.steps.iter().map(|step| {
            let [tier, speed, geo, model] = step.texts;
            let model = match model {
                NameAt::Absent => IterationModel::Served,
                NameAt::Kept(at) => self.names.name(at).map_or(IterationModel::Beyond, IterationModel::Named),
                NameAt::Beyond => IterationModel::Beyond,
            };
            let text = |at: NameAt, of_response: &Option<String>| match at {
                NameAt::Kept(at) => self.names.name(at).map(str::to_owned),
                NameAt::Absent | NameAt::Beyond => of_response.clone(),
            };
            let details = UsageDetails {
                cache_write_5m_tokens: of(&step.counts, Number::CacheWrite5m),
                cache_write_1h_tokens: of(&step.counts, Number::CacheWrite1h),
                service_tier: text(tier, &details.service_tier),
                speed: text(speed, &details.speed),
                inference_geo: text(geo, &details.inference_geo),
                ..UsageDetails::default()
            };
            Iteration { model, usage: usage(&step.counts, details) }
        })
    }
}

// === impl NameAt ===

impl NameAt {
    /// A small number for each value.
    fn key(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Beyond => 1,
            Self::Kept(at) => usize::from(at).saturating_add(2),
        }
    }
}

// === impl Names ===

impl Names {
    /// Where `text` is; it is kept if it is new and there is room.
    fn at(&mut self, text: Option<&str>) -> NameAt {
        let Some(text) = text else { return NameAt::Absent };
        match self.sorted.binary_search_by(|at| self.name(*at).unwrap_or_default().cmp(text)) {
            Ok(found) => self.sorted.get(found).map_or(NameAt::Beyond, |at| NameAt::Kept(*at)),
            Err(place) => {
                let bytes = self.bytes.saturating_add(text.len());
                if self.names.len() >= NAMES || bytes > NAMES_BYTES {
                    return NameAt::Beyond;
                }
                let Ok(at) = u16::try_from(self.names.len()) else { return NameAt::Beyond };
                self.bytes = bytes;
                self.names.push(text.into());
                self.sorted.insert(place, at);
                NameAt::Kept(at)
            }
        }
    }

    fn name(&self, at: u16) -> Option<&str> {
        self.names.get(usize::from(at)).map(|name| &**name)
    }
}

/// The numbers that a step states. `None`: one of them is not a count, or there are none, or its model is not a text.
/// Writes that only their ages state count as writes.
fn counts(stated: &Stated) -> Option<Counts> {
    let mut counts = Counts::default();
    for (slot, number) in counts.iter_mut().zip(COUNTS) {
        *slot = match stated.count_of(number) {
            Count::Absent => None,
            Count::Tokens(tokens) => Some(tokens),
            Count::Unreadable => return None,
        };
    }
    if stated.wrong || counts.iter().all(Option::is_none) {
        return None;
    }
    let aged = written(of(&counts, Number::CacheWrite5m), of(&counts, Number::CacheWrite1h));
    let writes = writes(of(&counts, Number::CacheWrite), aged);
    if let Some(slot) = counts.get_mut(3) {
        *slot = writes;
    }
    Some(counts)
}

/// The tokens written to caches: as stated, or where that is nothing, those of a known age.
pub(super) fn writes(stated: Option<u64>, aged: Option<u64>) -> Option<u64> {
    stated.filter(|stated| *stated > 0).or(aged).or(stated)
}

/// The tokens written to caches of a known age.
pub(super) fn written(five_minutes: Option<u64>, one_hour: Option<u64>) -> Option<u64> {
    five_minutes.or(one_hour)?;
    Some(five_minutes.unwrap_or(0).saturating_add(one_hour.unwrap_or(0)))
}

/// The sum of both, number by number. `None`: one of them is above [`LARGEST`].
fn added(sums: &Counts, counts: &Counts) -> Option<Counts> {
    let mut all = *sums;
    for (sum, count) in all.iter_mut().zip(counts) {
        if let Some(count) = count {
            let total = sum.unwrap_or(0).saturating_add(*count);
            if total > LARGEST {
                return None;
            }
            *sum = Some(total);
        }
    }
    Some(all)
}

fn of(counts: &Counts, number: Number) -> Option<u64> {
    let at = COUNTS.iter().position(|counted| *counted == number)?;
    counts.get(at).copied().flatten()
}

/// The numbers of one step. Messages states the input without cached tokens.
fn usage(counts: &Counts, details: UsageDetails) -> Usage {
    let of = |number| of(counts, number);
    let (input, read, write) = (of(Number::Input), of(Number::CacheRead), of(Number::CacheWrite));
    let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
    let total_input_tokens = input.map(|input| input.saturating_add(cached));
    let output = of(Number::Output);
    let total_tokens = match (total_input_tokens, output) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    };
    Usage {
        input_tokens: input,
        output_tokens: output,
        cache_read_tokens: read,
        cache_write_tokens: write,
        reasoning_tokens: of(Number::Reasoning),
        total_input_tokens,
        total_tokens,
        details,
    }
}
