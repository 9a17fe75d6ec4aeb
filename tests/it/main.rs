//! One test binary: tests of the console against real files, the real SDK and the range.

mod block_ip;
mod incident;
mod incident_fixtures;
mod incident_laws;
mod journal;
mod report;
mod world;
