//! The fault matrix: every write of every action and of its undo gets every answer, before or after its effect, and
//! what the console says happened is what happened, or it says that it does not know and lists it with its way back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt;
use std::path::Path;

use portcullis::aws::Lane;
use portcullis::incident::IncidentStore;
use portcullis::model::action::{Action, Closure, Terms};
use portcullis::model::plan::{Finished, Outcome};
use portcullis::model::timeline::{ActionRecord, ActionState};
use portcullis::respond::plan::Planned;
use portcullis_range::state::Account;
use portcullis_range::{Call, Damage, Fault, When};
use tempfile::TempDir;

use crate::allow_ip::let_in;
use crate::draws::every;
use crate::kill_switch;
use crate::respond_crash::{self, world_for};
use crate::respond_http;
use crate::respond_prepare::prepare;
use crate::respond_stage::{close, flush, throttle};
use crate::world::{World, block};

const STATUSES: [u16; 14] = [200, 202, 204, 307, 400, 403, 404, 408, 409, 429, 499, 500, 503, 504];
/// One of each kind, for what takes many calls.
const KINDS: [u16; 5] = [200, 403, 409, 429, 503];
/// For answers that come every time.
const PERSISTENT: [u16; 4] = [200, 409, 429, 504];
const BODIES: [Damage; 4] = [Damage::Whole, Damage::Empty, Damage::Foreign, Damage::Cut];

/// What of the account an action may change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Picture {
    Shop(Box<respond_crash::Picture>),
    Pets(respond_http::Picture),
    Flushes(usize),
}

/// An answer in the place of a write's own.
#[derive(Debug, Clone, Copy)]
struct Answered {
    status: u16,
    body: Damage,
    performed: bool,
    /// Whether later ones are answered so, too.
    again: bool,
}

impl Answered {
    /// Whether AWS documents that nothing happened where this comes: then it is not performed.
    fn is_refusal(self, service: &str) -> bool {
        let legible = match self.body {
            Damage::Whole => true,
            // WAF names its error in the body alone.
            Damage::Cut => service != "wafv2",
            Damage::Empty | Damage::Foreign => false,
        };
        legible && matches!(self.status, 400 | 403 | 404 | 429)
    }

    /// Whether it is AWS's own acceptance, which nothing gainsays where nothing can be read.
    fn is_acceptance(self) -> bool {
        self.status < 300 && self.body != Damage::Foreign
    }

    /// Whether what it stands for may be performed later.
    fn may_land(self) -> bool {
        matches!(self.status, 408 | 499 | 500..)
    }
}

/// One call, as the clean run makes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub(crate) service: &'static str,
    pub(crate) operation: String,
    pub(crate) nth: u32,
}

/// An action, or the undo of one, ready to be carried out again and again from one and the same state.
pub(crate) struct Ready {
    pub(crate) what: String,
    pub(crate) world: World,
    pub(crate) planned: Planned,
    account: Account,
    /// The journals as they are when it is carried out.
    incidents: TempDir,
    undoing: bool,
    /// Before the action.
    origin: Picture,
    /// Before what is carried out, and after it.
    before: Picture,
    after: Picture,
    pub(crate) writes: Vec<Made>,
    /// Calls that read what the first write has done.
    pub(crate) reads: Vec<Made>,
    /// The account once it has been carried out.
    pub(crate) landed: Account,
}

fn expiring(action: &mut Action) {
    let terms: &mut Terms = match action {
        Action::BlockIp(one) => &mut one.terms,
        Action::Throttle(one) => &mut one.terms,
        Action::Close(one) => &mut one.terms,
        _ => return,
    };
    terms.expires_after_seconds = Some(30 * 24 * 3600);
}

fn is_http(action: &Action) -> bool {
    action.stage().api == "pets"
}

fn picture(world: &World, action: &Action) -> Picture {
    match action {
        Action::FlushCache(_) => Picture::Flushes(world.range.with(|range| {
            let flushed = range.calls().iter().filter(|c| c.operation.starts_with("Flush"));
            flushed.filter(|c| c.performed && c.message.is_none()).count()
        })),
        action if is_http(action) => Picture::Pets(respond_http::picture(world)),
        _ => Picture::Shop(Box::new(respond_crash::picture(world))),
    }
}

impl Ready {
    pub(crate) async fn new(action: &Action, undoing: bool) -> Self {
        let mut action = action.clone();
        expiring(&mut action);
        let mut world = if is_http(&action) { respond_http::pets().await } else { world_for(&action).await };
        world.range.with(|range| range.set_quotas(false));
        let origin = picture(&world, &action);
        let mut planned = world.plan_action(&action).await;
        if undoing {
            let done = world.apply(planned).await;
            assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
            planned = world.plan_undo(&done.action_id).await;
        }
        let before = picture(&world, &action);
        let incidents = tempfile::tempdir().unwrap();
        world.incident().await;
        copy(world.store.root(), incidents.path());
        let account = world.range.with(|range| light(range.account()));
        let what = format!("{} {}", if undoing { "undo of" } else { "apply" }, action.name());
        let first = world.range.with(|range| range.calls().len());
        let after = {
            let done = world.apply(planned.clone()).await;
            assert_eq!(done.outcome, Outcome::Done, "{what}: {:?}", done.lines);
            picture(&world, &action)
        };
        let landed = world.range.with(|range| light(range.account()));
        let (writes, reads) = world.range.with(|range| sorted(&range.calls()[first..]));
        world.store = IncidentStore::new(incidents.path());
        Self { what, world, planned, account, incidents, undoing, origin, before, after, writes, reads, landed }
    }

    fn action(&self) -> &Action {
        &self.planned.plan.action
    }

    fn now(&self) -> Picture {
        picture(&self.world, self.action())
    }

    /// Puts everything back but time, and starts on a journal of its own.
    pub(crate) fn again(&mut self) -> TempDir {
        let now = self.world.range.now();
        let account = self.account.clone();
        self.world.range.with(|range| {
            range.faults().clear();
            *range.account_mut() = Account { now: now.max(range.now()), ..account };
        });
        let dir = tempfile::tempdir().unwrap();
        copy(self.incidents.path(), dir.path());
        self.world.store = IncidentStore::new(dir.path());
        dir
    }

    async fn record(&self, id: &str) -> Option<ActionRecord> {
        let identity = self.world.aws.identity(Lane::Plan).await.unwrap();
        self.world.store.actions(&identity.at).unwrap().into_iter().find(|action| action.id == id)
    }
}

/// The writes among calls, and those that read what the first of them did, each operation once.
fn sorted(calls: &[Call]) -> (Vec<Made>, Vec<Made>) {
    let (mut writes, mut reads): (Vec<Made>, Vec<Made>) = (Vec::new(), Vec::new());
    for (place, call) in calls.iter().enumerate() {
        let before = calls[..place].iter().filter(|c| c.operation == call.operation).count();
        let made =
            Made { service: call.service, operation: call.operation.clone(), nth: u32::try_from(before + 1).unwrap() };
        if call.mutating {
            writes.push(made);
        } else if !writes.is_empty() && call.service != "sts" && reads.iter().all(|r| r.operation != made.operation) {
            reads.push(made);
        }
    }
    (writes, reads)
}

/// The account without its figures, which nothing reads once a plan is made: it is copied for every cell.
fn light(account: &Account) -> Account {
    let blank = Account::new(&account.id, &account.region, account.now, 0);
    Account { metrics: blank.metrics, samples: blank.samples, logs: blank.logs, ..account.clone() }
}

/// Copies a folder of incidents.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Those that the matrix has; those that were tried.
    pub(crate) all: usize,
    pub(crate) cells: usize,
    done: usize,
    not_done: usize,
    partly: usize,
    not_known: usize,
    refusals_left_out: usize,
    taken_at_its_word: usize,
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = |what: &str| self.wrong.iter().filter(|line| line.contains(what)).count();
        #[allow(clippy::cast_precision_loss)]
        let unknown = 100.0 * self.not_known as f64 / self.cells.max(1) as f64;
        write!(
            f,
            "{} of {} cells: {} done, {} not done, {} in part, {} not known ({unknown:.1} %); wrong done {}, wrong not done {}, other faults {}; left \
             out: {} refusals after the effect, {} acceptances of a flush that was not made",
            self.cells,
            self.all,
            self.done,
            self.not_done,
            self.partly,
            self.not_known,
            wrong(WRONG_DONE),
            wrong(WRONG_NOT_DONE),
            self.wrong.len() - wrong(WRONG_DONE) - wrong(WRONG_NOT_DONE),
            self.refusals_left_out,
            self.taken_at_its_word,
        )
    }
}

impl Counts {
    /// Whether the next cell is tried: one in seven, which no length of a row is a multiple of, unless all are.
    pub(crate) fn tries(&mut self) -> bool {
        self.all += 1;
        (self.all - 1).is_multiple_of(every(7))
    }

    /// Prints them; fails where something was told wrongly.
    pub(crate) fn printed(&self, what: &str) {
        println!("fault matrix, {what}: {self}");
        let first = &self.wrong[..self.wrong.len().min(20)];
        assert!(self.wrong.is_empty(), "{}\n{}", self.wrong.len(), first.join("\n"));
    }
}

const WRONG_DONE: &str = "wrong done";
const WRONG_NOT_DONE: &str = "wrong not done";

/// Carries it out with one answer in the place of one write's, and compares what is said with what is so.
async fn cell(ready: &mut Ready, write: &Made, answer: Answered, counts: &mut Counts) {
    let _dir = ready.again();
    let when = if answer.again { When::From(write.nth) } else { When::Nth(write.nth) };
    let Answered { status, body, performed, .. } = answer;
    let fault = Fault::Answered { performed, status, body };
    ready.world.range.with(|range| range.faults().add(write.service, &write.operation, when, fault));
    // What was read tells, unless nothing tells, or what is not there may come yet.
    let unreadable = matches!(ready.action(), Action::FlushCache(_));
    let may_be_unknown = unreadable || (!performed && answer.may_land());
    let of = format!("{}, {} {}, {answer:?}", ready.what, write.operation, write.nth);
    judged(ready, may_be_unknown, &of, counts).await;
}

/// Carries it out, and compares what is said with what is so.
pub(crate) async fn judged(ready: &mut Ready, may_be_unknown: bool, of: &str, counts: &mut Counts) {
    let finished = ready.world.apply(ready.planned.clone()).await;
    let now = ready.now();
    let mut wrong: Vec<String> = Vec::new();
    let record = ready.record(&finished.action_id).await;
    let state = record.as_ref().map(|record| record.state);
    counts.cells += 1;
    match finished.outcome {
        Outcome::Done => {
            counts.done += 1;
            if now != ready.after {
                wrong.push(format!("{WRONG_DONE}: {now:?}"));
            }
            if !is(state, if ready.undoing { ActionState::Undone } else { stays(ready) }) {
                wrong.push(format!("done, and the journal says {state:?}"));
            }
        }
        Outcome::NotDone => {
            counts.not_done += 1;
            if now != ready.before {
                wrong.push(format!("{WRONG_NOT_DONE}: {now:?}"));
            }
            let committed = ready.action().commit_within().is_some() && state == Some(ActionState::Undone);
            if !committed && !is(state, if ready.undoing { ActionState::InForce } else { ActionState::NotDone }) {
                wrong.push(format!("not done, and the journal says {state:?}"));
            }
        }
        Outcome::Partly if now != ready.before && now != ready.after => {
            counts.partly += 1;
            wrong.extend(listed_with_its_way_back(ready, &finished, record.as_ref()).await);
        }
        _ => {
            counts.not_known += 1;
            if !may_be_unknown {
                wrong.push(format!("{:?}, although it could be read", finished.outcome));
            }
            wrong.extend(listed_with_its_way_back(ready, &finished, record.as_ref()).await);
        }
    }
    counts.wrong.extend(wrong.into_iter().map(|what| format!("{of}: {what}\n    {}", finished.lines.join("\n    "))));
}

/// Whether the journal says so; what is over may be left out of what stands.
fn is(state: Option<ActionState>, wanted: ActionState) -> bool {
    let over = matches!(wanted, ActionState::NotDone | ActionState::Undone | ActionState::Final);
    state == Some(wanted) || (over && state.is_none())
}

/// The state of an action that is done.
fn stays(ready: &Ready) -> ActionState {
    match ready.action() {
        Action::FlushCache(_) => ActionState::Final,
        Action::KillSwitch(one) if one.prove_on.is_some() => ActionState::Final,
        _ => ActionState::InForce,
    }
}

/// What is not known stays on the list, with its expiry, and its undo leads back.
async fn listed_with_its_way_back(
    ready: &mut Ready,
    finished: &Finished,
    record: Option<&ActionRecord>,
) -> Option<String> {
    let Some(record) = record.filter(|record| record.state == ActionState::Unclear) else {
        return Some(format!("{:?}, and not on the list: {record:?}", finished.outcome));
    };
    if ready.planned.plan.lifetime().is_some() && record.expires_at.is_none() {
        return Some("on the list without its expiry".to_owned());
    }
    if matches!(ready.action(), Action::FlushCache(_)) {
        return None;
    }
    ready.world.range.with(|range| range.faults().clear());
    let planned = ready.world.plan_undo(&finished.action_id).await;
    let halting: Vec<String> = planned.plan.halting().map(|guard| guard.id.clone()).collect();
    if !halting.is_empty() {
        return Some(format!("its way back is stopped by {halting:?}"));
    }
    let back = ready.world.apply(planned).await;
    let there = ready.now();
    (there != ready.origin).then(|| format!("its way back ends {:?}: {:?}; {there:?}", back.outcome, back.lines))
}

/// Every cell of some actions and their undos; prints and gives the counts.
async fn matrix(what: &str, actions: &[Action], once: &[u16], always: &[u16]) -> Counts {
    let statuses = once.iter().map(|status| (*status, false)).chain(always.iter().map(|status| (*status, true)));
    let answers: Vec<Answered> = statuses
        .flat_map(|(status, again)| BODIES.map(|body| (status, again, body)))
        .flat_map(|(status, again, body)| [false, true].map(|performed| Answered { status, body, performed, again }))
        .collect();
    let mut counts = Counts::default();
    for action in actions {
        let nothing_stays = match action {
            Action::FlushCache(_) => true,
            Action::KillSwitch(one) => one.prove_on.is_some(),
            _ => false,
        };
        for undoing in [false, true] {
            if undoing && nothing_stays {
                continue;
            }
            let mut ready = Ready::new(action, undoing).await;
            for write in ready.writes.clone() {
                for &answer in &answers {
                    let unheard_of = answer.performed && answer.is_refusal(write.service);
                    let flushes = matches!(action, Action::FlushCache(_));
                    if unheard_of {
                        counts.refusals_left_out += 1;
                    } else if flushes && !answer.performed && answer.is_acceptance() {
                        counts.taken_at_its_word += 1;
                    } else if counts.tries() {
                        cell(&mut ready, &write, answer, &mut counts).await;
                        assert!(counts.wrong.len() < 20, "{}", counts.wrong.join("\n"));
                    }
                }
            }
        }
    }
    counts.printed(what);
    counts
}

/// Every action that changes one resource.
pub(crate) fn of_one_resource() -> [Action; 7] {
    let mut block = block(&["203.0.113.7/32"]);
    block.terms.reason = Some("a test".into());
    [
        Action::BlockIp(block),
        throttle(Some("GET /search"), 20, 40),
        throttle(None, 100, 100),
        close(Closure::WebAcl),
        close(Closure::ThrottleZero),
        respond_http::throttle(Some("POST /pets/{id}"), 20, 40),
        let_in(&["198.51.100.64/27"]),
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_a_block_a_throttle_or_a_closure_what_is_said_is_so() {
    let counts = Box::pin(matrix("one resource", &of_one_resource(), &STATUSES, &PERSISTENT)).await;
    assert!(counts.all > 1_000, "{counts}");
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_a_flush_or_a_preparation_what_is_said_is_so() {
    let actions = [flush(false), flush(true), prepare("night")];
    let counts = Box::pin(matrix("flushes, and what is made whole", &actions, &KINDS, &PERSISTENT)).await;
    assert!(counts.all > 300, "{counts}");
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_a_kill_switch_what_is_said_is_so() {
    let actions = [
        Action::KillSwitch(kill_switch::switch(None)),
        Action::KillSwitch(kill_switch::unproven()),
        Action::KillSwitch(kill_switch::switch(Some("shop/dev"))),
    ];
    let counts = Box::pin(matrix("kill switch", &actions, &KINDS, &[])).await;
    assert!(counts.all > 200, "{counts}");
}
