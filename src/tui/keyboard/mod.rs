//! The keyboard: what the terminal sends, read by a thread of its own and made keys of by [`decode`].
//!
//! Why not the terminal library's own reader: it takes the bytes of a sequence that it does not know for keys
//! (`docs/decisions/0019-keys-are-decoded-here.md`).

#[cfg(any(unix, test))]
mod background;
#[cfg(any(unix, test))]
mod decode;
#[cfg(any(unix, test))]
mod keys;
#[cfg(any(unix, test))]
mod paste;
#[cfg(test)]
mod tests;

use tokio::sync::mpsc;

use super::event::{Event, StopReason};

/// The flag of the kitty protocol that tells apart what a plain terminal sends alike.
#[cfg(any(unix, test))]
const KITTY_DISAMBIGUATES: u32 = 1;

/// What the terminal sends, as events. Ends with [`StopReason::Hangup`] where the terminal is gone.
pub(super) struct Keyboard {
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    /// Ends when this is dropped.
    task: Option<tokio::task::JoinHandle<()>>,
    /// The thread that reads ends when this is closed.
    #[cfg(unix)]
    _stop: Option<std::io::PipeWriter>,
}

impl Keyboard {
    /// The next event that is there already.
    pub(super) fn waiting(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The next event.
    pub(super) async fn next(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Stop(StopReason::Hangup))
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[cfg(test)]
impl Keyboard {
    /// A keyboard that a test presses.
    pub(super) fn of(events: mpsc::UnboundedReceiver<Event>) -> Self {
        Self {
            events,
            task: None,
            #[cfg(unix)]
            _stop: None,
        }
    }
}

#[cfg(unix)]
impl Keyboard {
    /// Listens to standard input.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (stopped, stop) = std::io::pipe()?;
        let (sender, pieces) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || read_all(&stopped, &sender))?;
        let (events_out, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(decoded(pieces, events_out));
        Ok(Self { events, task: Some(task), _stop: Some(stop) })
    }
}

/// Passes on what is read, piece by piece, until the terminal is gone or nobody listens. Blocking reads after a wait:
/// standard input's own flags are shared with the shell, so it is never made non-blocking.
#[cfg(unix)]
fn read_all(stopped: &std::io::PipeReader, pieces: &mpsc::UnboundedSender<Vec<u8>>) {
    use rustix::event::{PollFd, PollFlags, poll};
    let input = std::io::stdin();
    let mut buffer = [0; 4_096];
    loop {
        let mut watched = [PollFd::new(&input, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut watched, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        }
        if !watched[1].revents().is_empty() {
            return;
        }
        if watched[0].revents().is_empty() {
            continue;
        }
        match rustix::io::read(&input, &mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                if pieces.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Decodes pieces until there are none any more.
#[cfg(any(unix, test))]
async fn decoded(mut pieces: mpsc::UnboundedReceiver<Vec<u8>>, events: mpsc::UnboundedSender<Event>) {
    use decode::{Decoder, ESCAPE, UNENDED, Waiting};
    use tokio::time::{Instant, timeout};
    let mut decoder = Decoder::default();
    let mut last = Instant::now();
    loop {
        let silence = match decoder.waiting() {
            Waiting::No => None,
            Waiting::Escape => Some(ESCAPE),
            Waiting::End => Some(UNENDED),
        };
        let came = match silence {
            Some(silence) => timeout(silence, pieces.recv()).await,
            None => Ok(pieces.recv().await),
        };
        let heard = match came {
            Ok(Some(piece)) => {
                let since = last.elapsed();
                last = Instant::now();
                decoder.read(&piece, since)
            }
            Ok(None) => {
                let _ = events.send(Event::Stop(StopReason::Hangup));
                return;
            }
            Err(_) => {
                if decoder.waiting() == Waiting::End && events.send(Event::Unended).is_err() {
                    return;
                }
                decoder.gave_up()
            }
        };
        if decoder.take_kitty_flags().is_some_and(|flags| flags & KITTY_DISAMBIGUATES != 0)
            && events.send(Event::KeysToldApart).is_err()
        {
            return;
        }
        if let Some(is_light) = decoder.take_background()
            && events.send(Event::Background { is_light }).is_err()
        {
            return;
        }
        for event in heard {
            if events.send(Event::Terminal(event)).is_err() {
                return;
            }
        }
    }
}

/// Elsewhere keys come as keys, and not as bytes.
#[cfg(not(unix))]
impl Keyboard {
    /// Listens to the console.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn listen() -> std::io::Result<Self> {
        use futures_util::StreamExt;
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut stream = crossterm::event::EventStream::new();
            while let Some(Ok(event)) = stream.next().await {
                if sender.send(Event::Terminal(event)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { events, task: Some(task) })
    }
}
