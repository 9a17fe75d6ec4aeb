//! Account time between two pieces of news about it, of every connection: the shown minute turns by itself, also while
//! nothing is heard.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep_until};

use crate::model::connection::ConnectionId;
use crate::model::series::floor_minute;
use crate::tui::event::{Event, News};

/// The clocks of the connections that have been heard of.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<ConnectionId, Clock>);

impl Clocks {
    pub(super) fn hear(&mut self, event: &Event) {
        let Event::From(at, news) = event else { return };
        let known = self.0.get(at).copied();
        let (account, rate) = match news {
            News::Clock { account, rate } => (*account, *rate),
            // A board is read some time before it is shown: it sets the clock only where it is ahead. Before the
            // account has answered, its time is this machine's, which may be far ahead of a range's.
            News::Board(board)
                if board.identity.is_some() && known.and_then(Clock::now).is_none_or(|now| now < board.at) =>
            {
                (board.at, board.rate)
            }
            _ => return,
        };
        self.0.insert(*at, Clock { account, rate, heard: Instant::now() });
    }

    pub(super) fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    /// Waits until a connection's shown minute turns, and says which one's.
    pub(super) async fn next_minute(&self) -> ConnectionId {
        let first = self.0.iter().map(|(at, clock)| (clock.next_minute(), *at)).min();
        match first {
            Some((when, at)) => {
                sleep_until(when).await;
                at
            }
            None => std::future::pending().await,
        }
    }

    pub(super) fn tick(&self, at: ConnectionId) -> Event {
        let clock = self.0.get(&at).copied();
        let rate = clock.map_or(1.0, |clock| clock.rate);
        News::Clock { account: clock.and_then(Clock::now).unwrap_or_default(), rate }.from(at)
    }
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    account: DateTime<Utc>,
    rate: f64,
    heard: Instant,
}

impl Clock {
    #[allow(clippy::cast_possible_truncation)]
    fn now(self) -> Option<DateTime<Utc>> {
        let passed = (self.heard.elapsed().as_secs_f64() * self.rate * 1e3) as i64;
        self.account.checked_add_signed(TimeDelta::milliseconds(passed))
    }

    /// When the shown minute turns, but a second after it was last heard at the earliest.
    fn next_minute(&self) -> Instant {
        let least = self.heard + Duration::from_secs(1);
        let Some(now) = self.now() else { return least };
        let left = floor_minute(now) + TimeDelta::minutes(1) - now;
        let wall = left.num_milliseconds() as f64 / 1e3 / self.rate.max(1e-3);
        least.max(Instant::now() + Duration::from_secs_f64(wall.clamp(0.0, 3_600.0)))
    }
}
