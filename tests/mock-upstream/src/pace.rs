//! A body that is sent event by event, and may pause, be cut off or stall. Each event is built when it is sent.

use crate::behaviour::{Behaviour, Ending};
use crate::event::Events;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// The time between the last byte and a reset, so that the client receives that byte.
const BEFORE_RESET: Duration = Duration::from_millis(30);

/// The body of an answer.
pub(crate) struct Paced {
    events: Events,
    /// The length in bytes; known for a document.
    length: Option<u64>,
    pause: Duration,
    ending: Ending,
    /// Events that may still be sent before the ending.
    left: usize,
    is_first: bool,
    waiting: Option<Pin<Box<Sleep>>>,
    /// Tells the connection to reset rather than to close.
    reset: Arc<AtomicBool>,
    is_cutting: bool,
}

/// The error that cuts a body off on request.
#[derive(Debug)]
pub(crate) struct CutOff;

impl Paced {
    /// A stream with the behaviour that its request asks for.
    pub(crate) fn stream(events: Events, behaviour: &Behaviour, reset: Arc<AtomicBool>) -> Self {
        let left = match behaviour.ending {
            Ending::Cut(events) => events,
            Ending::Stall => 1,
            Ending::Complete | Ending::Overloaded => usize::MAX,
        };
        Self { left, pause: behaviour.pace, ending: behaviour.ending, reset, ..Self::whole(events, None) }
    }

    /// A document in two halves, of which the second may be missing. It has no pause inside.
    pub(crate) fn document(text: String, behaviour: &Behaviour, reset: Arc<AtomicBool>) -> Self {
        let mut first = Bytes::from(text);
        let length = u64::try_from(first.len()).ok();
        match behaviour.ending {
            Ending::Complete | Ending::Overloaded => Self::whole(Box::new(std::iter::once(first)), length),
            Ending::Cut(_) | Ending::Stall => {
                let second = first.split_off(first.len() / 2);
                let halves = Box::new([first, second].into_iter());
                Self { left: 1, ending: behaviour.ending, reset, ..Self::whole(halves, length) }
            }
        }
    }

    /// An empty body.
    pub(crate) fn empty() -> Self {
        Self::whole(Box::new(std::iter::empty()), None)
    }

    fn whole(events: Events, length: Option<u64>) -> Self {
        Self {
            events,
            length,
            pause: Duration::ZERO,
            ending: Ending::Complete,
            left: usize::MAX,
            is_first: true,
            waiting: None,
            reset: Arc::default(),
            is_cutting: false,
        }
    }

    fn cut(&mut self) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        self.reset.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(CutOff)))
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                match waiting.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => self.waiting = None,
                }
                if self.is_cutting {
                    return self.cut();
                }
            } else if !self.is_first && !self.pause.is_zero() && self.left > 0 {
                self.waiting = Some(Box::pin(sleep(self.pause)));
                continue;
            }
            let event = if self.left > 0 { self.events.next() } else { None };
            self.is_first = false;
            self.left = self.left.saturating_sub(1);
            return match (event, self.ending) {
                (Some(event), _) => Poll::Ready(Some(Ok(Frame::data(event)))),
                (None, Ending::Complete | Ending::Overloaded) => Poll::Ready(None),
                // Registers no waker: the end of the connection wakes the task.
                (None, Ending::Stall) => Poll::Pending,
                (None, Ending::Cut(_)) => {
                    self.is_cutting = true;
                    self.waiting = Some(Box::pin(sleep(BEFORE_RESET)));
                    continue;
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_first && self.length.is_none() && self.events.size_hint() == (0, Some(0))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.filter(|_| self.is_first).map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced")
            .field("ending", &self.ending)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off, as the model's name asks")
    }
}

impl std::error::Error for CutOff {}
