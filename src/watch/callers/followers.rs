//! Who follows: sources of the attack that are new since the newest block and that it does not hold.

use std::collections::HashSet;
use std::net::IpAddr;

use chrono::TimeDelta;

use super::CallersOf;
use super::log::Log;
use crate::aws::{Aws, Lane};
use crate::model::candidate::Standing;
use crate::model::measure::{Blocked, SPREADS};
use crate::model::source::{Followers, Sources};
use crate::watch::source;

/// Where no attack is known to have begun, this long before the block counts as its time.
const BEFORE: TimeDelta = TimeDelta::minutes(30);

/// The most that is read of the time until a block.
const LONGEST: TimeDelta = TimeDelta::hours(3);

/// Marks the followers among `sources`, and counts them. Who was there before the block is asked of what told of the
/// sources: the log, else WAF's samples. Where neither can be, that is said, and nobody is one.
pub(super) async fn mark(aws: &Aws, asked: &CallersOf<'_>, sources: &mut Sources) {
    let Some(blocked) = asked.blocked else { return };
    let is_held = |address: &IpAddr| blocked.nets.iter().any(|net| net.contains(address));
    let of_attack = |sources: &Sources| {
        let new = sources.sources.iter().filter(|one| one.standing == Standing::Attack);
        new.filter(|one| !is_held(&one.address)).map(|one| one.address.to_canonical()).collect::<HashSet<_>>()
    };
    let maybe = of_attack(sources);
    // Where nobody could be one nothing is asked.
    let there = if maybe.is_empty() { Ok(HashSet::new()) } else { there(aws, asked, blocked, sources).await };
    let there = match there {
        Ok(there) => there,
        Err(why) => {
            sources.missing.push(format!("who is new since the block at {}: {why}", blocked.since.format("%H:%MZ")));
            return;
        }
    };
    let mut found = Followers { since: blocked.since, sources: 0, per_second: 0.0 };
    for one in &mut sources.sources {
        let address = one.address.to_canonical();
        one.follows = maybe.contains(&address) && !there.contains(&address);
        if one.follows {
            found.sources += 1;
            found.per_second += one.per_second.unwrap_or(0.0);
        }
    }
    sources.followers = Some(found);
}

/// Who was there between the attack's beginning and the block.
async fn there(
    aws: &Aws,
    asked: &CallersOf<'_>,
    blocked: &Blocked,
    sources: &Sources,
) -> Result<HashSet<IpAddr>, String> {
    let to = blocked.since + SPREADS;
    let from = asked.began.unwrap_or(blocked.since - BEFORE).min(blocked.since) - TimeDelta::minutes(1);
    // AWS bills what a query scans, however long the attack has gone on.
    let from = from.max(to - LONGEST);
    if let (Some(_), Ok(Some(log))) = (&sources.log, asked.access_log) {
        let log = Log::of(asked.stage, log)?;
        let read = log.addresses(asked.metered(aws), (from, to)).await;
        let read = read.map_err(|error| format!("access log: {error}"))?;
        if !read.are_all_listed() {
            return Err("access log: more addresses called until then than it lists".to_owned());
        }
        return Ok(read.lines.into_keys().map(|address| address.to_canonical()).collect());
    }
    let arn = asked.web_acl_arn.ok_or("neither WAF's samples nor an access log show it")?;
    let acl = aws.web_acl(arn, Lane::Plan).await.map_err(|error| format!("WAF's samples: {error}"))?;
    source::there_before(aws, arn, &acl, blocked.since).await.map_err(|error| format!("WAF's samples: {error}"))
}
