//! CPU time inside the console's own tracing spans: what of a process is the console's own work, and what its
//! libraries'.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::measure::own_cpu;

thread_local! {
    /// The spans that this thread is in, with its CPU time when it came in.
    static INSIDE: RefCell<Vec<(u64, Duration)>> = const { RefCell::new(Vec::new()) };
}

/// Adds up the CPU time that threads spend in the spans of the console, by their names.
#[derive(Debug, Clone, Default)]
pub struct Spans(Arc<Mutex<Vec<Spent>>>);

#[derive(Debug)]
struct Spent {
    name: &'static str,
    /// CPU time of the threads that were in it.
    inside: Duration,
    /// CPU time of the whole process when the latest of them was opened.
    opened: Duration,
}

impl Spans {
    /// Starts counting in this process.
    pub fn install() -> Result<Self, tracing::subscriber::SetGlobalDefaultError> {
        let spans = Self::default();
        tracing::subscriber::set_global_default(spans.clone())?;
        Ok(spans)
    }

    /// What each span has come to since this was asked last.
    #[must_use]
    pub fn take(&self) -> BTreeMap<&'static str, Duration> {
        self.with(|spans| spans.iter_mut().map(|span| (span.name, std::mem::take(&mut span.inside))).collect())
    }

    /// CPU time of the whole process since the latest span of this name was opened.
    #[must_use]
    pub fn since(&self, name: &str) -> Option<Duration> {
        let opened = self.with(|spans| spans.iter().find(|span| span.name == name).map(|span| span.opened))?;
        Some(own_cpu().saturating_sub(opened))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<Spent>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("portcullis")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let name = attributes.metadata().name();
        // One entry a name, for as long as the process lives: there is only a handful of them.
        let index = self.with(|spans| {
            let index = spans.iter().position(|span| span.name == name).unwrap_or_else(|| {
                spans.push(Spent { name, inside: Duration::ZERO, opened: Duration::ZERO });
                spans.len() - 1
            });
            spans[index].opened = own_cpu();
            index
        });
        Id::from_u64(index as u64 + 1)
    }

    fn enter(&self, span: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.push((span.into_u64(), thread_cpu())));
    }

    fn exit(&self, span: &Id) {
        let now = thread_cpu();
        let Some((id, since)) = INSIDE.with_borrow_mut(Vec::pop) else { return };
        debug_assert_eq!(id, span.into_u64(), "spans are left in the order in which they were entered");
        let index = usize::try_from(id).unwrap_or(0).wrapping_sub(1);
        self.with(|spans| {
            if let Some(span) = spans.get_mut(index) {
                span.inside += now.saturating_sub(since);
            }
        });
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}
