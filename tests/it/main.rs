//! One test binary: tests of the console against real files, the real SDK and the range.

mod incident;
mod incident_fixtures;
mod incident_laws;
mod journal;
mod report;
mod watch;
mod watch_weather;
