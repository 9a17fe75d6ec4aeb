//! The fault matrix's other half: reading back fails, or shows the effect late. What the console says happened is what
//! happened all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_range::{Damage, Fault, When};

use crate::outcomes::{Counts, Made, Ready, judged, of_one_resource};

/// What becomes of reading.
fn failures() -> [Fault; 7] {
    [
        Fault::Throttle,
        Fault::ServerError(503),
        Fault::Hang,
        Fault::Reset,
        Fault::Truncate,
        Fault::Deny,
        Fault::Answered { performed: true, status: 200, body: Damage::Foreign },
    ]
}

/// What becomes of the write before that: nothing, its answer is lost, or it is lost itself.
const WRITES: [Option<Fault>; 3] = [None, Some(Fault::ResetAfter), Some(Fault::Reset)];

/// Answers after which the effect may come later: AWS's yes, and those that do not tell.
const LATE: [u16; 6] = [200, 408, 499, 500, 503, 504];

/// Readings after which it comes.
const AFTER: [u32; 3] = [1, 2, 5];

/// Failures that are also tried at every reading: then nobody knows, and the way back is what counts.
const LASTING: [Fault; 2] = [Fault::Reset, Fault::Deny];

fn add(ready: &Ready, call: &Made, when: When, fault: Fault) {
    ready.world.range.with(|range| range.faults().add(call.service, &call.operation, when, fault));
}

/// Reading fails, once or always.
async fn unread(ready: &mut Ready, counts: &mut Counts) {
    let once = failures().into_iter().map(|fault| (fault, false));
    let all: Vec<(Fault, bool)> = once.chain(LASTING.map(|fault| (fault, true))).collect();
    for read in ready.reads.clone() {
        for ((fault, always), written) in all.iter().flat_map(|one| WRITES.map(|written| (one.clone(), written))) {
            if !counts.tries() {
                continue;
            }
            let _dir = ready.again();
            let write = ready.writes[0].clone();
            if let Some(lost) = written.clone() {
                add(ready, &write, When::Nth(write.nth), lost);
            }
            add(ready, &read, if always { When::From(read.nth) } else { When::Nth(read.nth) }, fault.clone());
            let of = format!("{}, {written:?}, then {read:?} {fault:?}, always: {always}", ready.what);
            judged(ready, always, &of, counts).await;
            assert!(counts.wrong.len() < 20, "{}", counts.wrong.join("\n"));
        }
    }
}

/// The effect comes after some readings.
async fn late(ready: &mut Ready, counts: &mut Counts) {
    for (status, after) in LATE.iter().flat_map(|status| AFTER.map(|after| (*status, after))) {
        if !counts.tries() {
            continue;
        }
        let _dir = ready.again();
        let (write, read) = (ready.writes[0].clone(), ready.reads[0].clone());
        add(ready, &write, When::Nth(1), Fault::Answered { performed: false, status, body: Damage::Whole });
        let (landed, readings) = (ready.landed.clone(), Arc::new(AtomicU32::new(0)));
        ready.world.range.with(|range| {
            range.faults().after(read.service, &read.operation, When::From(read.nth), move |account| {
                if readings.fetch_add(1, Ordering::Relaxed) + 1 == after {
                    account.gateway = landed.gateway.clone();
                    account.waf = landed.waf.clone();
                }
            });
        });
        let of = format!("{}, {write:?} {status}, there after {after} readings", ready.what);
        judged(ready, false, &of, counts).await;
        assert!(counts.wrong.len() < 20, "{}", counts.wrong.join("\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_reading_back_what_is_said_is_so() {
    let (mut failed, mut came_late) = (Counts::default(), Counts::default());
    let [block, throttle, _, close, ..] = of_one_resource();
    for action in [block, throttle, close] {
        for undoing in [false, true] {
            let mut ready = Box::pin(Ready::new(&action, undoing)).await;
            assert!(ready.writes.len() == 1 && !ready.reads.is_empty(), "{}: {:?}", ready.what, ready.reads);
            Box::pin(unread(&mut ready, &mut failed)).await;
            Box::pin(late(&mut ready, &mut came_late)).await;
        }
    }
    failed.printed("reading back");
    came_late.printed("effects that come late");
    assert!(failed.all > 100 && came_late.all > 100, "{failed}; {came_late}");
}
