//! What rows of an access log say of who is answered. Arithmetic on rows; makes no calls.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::aws::read::{LogRows, MOST_ROWS};
use crate::model::address;
use crate::model::condition::{Followers, WorstMethod};
use crate::model::source::most_of_a_customer;
use crate::model::text::shortened;
use crate::watch::callers::{kind_name, plain, requests};

/// The part of the lines that may leave out who sent them, or how they were answered.
const UNREAD: f64 = 0.02;

/// Why callers cannot be told.
const UNTOLD: &str = "too many of its lines do not say who called and how that was answered";

/// Fewer requests than this of a method tell nothing of it.
const FEW: f64 = 60.0;

/// Of a method that hardly ever answers well nothing can be told by its answers.
const LEAST_USUAL: f64 = 0.2;

/// The part of the callers of before that sent no more in all those minutes than a source of the attack sends in one.
const USUALLY: f64 = 0.99;

/// Seconds of a minute.
const MINUTE: f64 = 60.0;

/// Characters kept of a method's name.
const NAME: usize = 100;

/// What a query names its fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Names {
    pub(super) address: String,
    pub(super) status: String,
    /// Method and resource, where the format tells both.
    pub(super) kind: Option<[String; 2]>,
}

/// Requests of some callers, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::watch) struct Tally {
    pub(in crate::watch) callers: f64,
    pub(in crate::watch) requests: f64,
    /// Answered without an error.
    pub(in crate::watch) ok: f64,
    /// Answered with 403 or 429.
    pub(in crate::watch) turned_away: f64,
}

impl Tally {
    fn add(&mut self, one: &Self) {
        self.callers += 1.0;
        self.requests += one.requests;
        self.ok += one.ok;
        self.turned_away += one.turned_away;
    }

    /// The part that was answered without an error.
    pub(in crate::watch) fn ok_share(&self) -> f64 {
        part(self.ok, self.requests)
    }
}

/// Requests by address, by how they ended.
pub(super) type ByAddress = HashMap<IpAddr, Tally>;

/// By address, out of rows that count requests by address and status.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn by_address(rows: &LogRows, names: &Names) -> Result<ByAddress, String> {
    are_whole(rows)?;
    let (mut callers, mut unread, mut all): (ByAddress, _, _) = (HashMap::new(), 0.0, 0.0);
    for row in &rows.rows {
        let Some(lines) = requests(row) else { continue };
        all += lines;
        let (Some(address), Some(status)) = (caller(row, names), status(row, &names.status)) else {
            unread += lines;
            continue;
        };
        let caller = callers.entry(address).or_default();
        caller.requests += lines;
        caller.ok += if status < 400 { lines } else { 0.0 };
        caller.turned_away += if matches!(status, 403 | 429) { lines } else { 0.0 };
    }
    if unread > UNREAD * all { Err(UNTOLD.to_owned()) } else { Ok(callers) }
}

/// The same out of rows that count requests by address, and those that count what of them was answered without an
/// error.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn by_address_apart(all: &LogRows, answered: &LogRows, names: &Names) -> Result<ByAddress, String> {
    are_whole(all)?;
    are_whole(answered)?;
    let (mut callers, mut unread, mut lines): (ByAddress, _, _) = (HashMap::new(), 0.0, 0.0);
    for (row, requests) in all.rows.iter().filter_map(|row| Some((row, requests(row)?))) {
        lines += requests;
        match caller(row, names) {
            Some(address) => callers.entry(address).or_default().requests += requests,
            None => unread += requests,
        }
    }
    for (row, requests) in answered.rows.iter().filter_map(|row| Some((row, requests(row)?))) {
        if let Some(known) = caller(row, names).and_then(|address| callers.get_mut(&address)) {
            known.ok += requests;
        }
    }
    if unread > UNREAD * lines { Err(UNTOLD.to_owned()) } else { Ok(callers) }
}

/// Whether there are no more rows than an answer holds.
fn are_whole(rows: &LogRows) -> Result<(), String> {
    if rows.rows.len() >= MOST_ROWS {
        return Err(format!("more callers than can be compared ({MOST_ROWS})"));
    }
    Ok(())
}

/// Who called.
fn caller(row: &HashMap<String, String>, names: &Names) -> Option<IpAddr> {
    let address = row.get(plain(&names.address)).and_then(|text| address::address(text).ok());
    address.map(|address| address.to_canonical())
}

fn status(row: &HashMap<String, String>, name: &str) -> Option<u16> {
    row.get(plain(name))?.trim().trim_end_matches(".0").parse().ok()
}

fn part(some: f64, all: f64) -> f64 {
    if all > 0.0 { some / all } else { 0.0 }
}

/// Requests by method and resource: all, and those answered without an error.
pub(super) type ByMethod = HashMap<String, (f64, f64)>;

/// The same of callers of before alone, out of rows that say who called as well.
pub(super) fn by_method_of(rows: &LogRows, names: &Names, before: &Before) -> ByMethod {
    let is_theirs =
        |row: &&HashMap<String, String>| caller(row, names).is_some_and(|of| before.callers.contains_key(&of));
    let rows_of = rows.rows.iter().filter(is_theirs).cloned().collect();
    by_method(&LogRows { rows: rows_of, ..*rows }, names)
}

/// By method, out of rows that count requests by method, resource and status. Nothing where there are more than rows.
pub(super) fn by_method(rows: &LogRows, names: &Names) -> ByMethod {
    let mut methods = ByMethod::new();
    let Some([method, resource]) = &names.kind else { return methods };
    if rows.rows.len() >= MOST_ROWS {
        return methods;
    }
    for row in &rows.rows {
        let value = |name: &String| row.get(plain(name)).cloned();
        let (Some(lines), Some(status)) = (requests(row), status(row, &names.status)) else { continue };
        let (Some(method), Some(resource)) = (value(method), value(resource)) else { continue };
        let known = methods.entry(kind_name(&[method, resource])).or_default();
        // Whom WAF turns away is whom it was to turn away: how the method fares is told by the others.
        known.0 += if status == 403 { 0.0 } else { lines };
        known.1 += if status < 400 { lines } else { 0.0 };
    }
    methods
}

/// Who called before the attack, and how they were answered.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::watch) struct Before {
    /// Requests a minute of each that was answered at all: who knocked in vain was no customer.
    callers: HashMap<IpAddr, f64>,
    /// Their requests a minute.
    pub(in crate::watch) per_minute: f64,
    /// The part of them that was answered without an error.
    pub(in crate::watch) ok_share: f64,
    /// The part of them that was turned away with 403 or 429.
    pub(in crate::watch) turned_away: f64,
    /// Requests a minute that make a source one of the attack's.
    busy: f64,
    methods: ByMethod,
}

impl Before {
    /// Out of so many minutes; `None` where nobody called.
    pub(super) fn of(callers: &ByAddress, methods: ByMethod, minutes: f64) -> Option<Self> {
        let mut all = Tally::default();
        let answered = || callers.iter().filter(|(_, one)| one.ok > 0.0);
        for (_, one) in answered() {
            all.add(one);
        }
        let mut sums: Vec<f64> = answered().map(|(_, one)| one.requests).collect();
        sums.sort_unstable_by(f64::total_cmp);
        let last = sums.len().checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let most = sums.get((last as f64 * USUALLY).round() as usize).copied().unwrap_or(0.0);
        Some(Self {
            callers: answered().map(|(address, one)| (*address, one.requests / minutes)).collect(),
            per_minute: all.requests / minutes,
            ok_share: all.ok_share(),
            turned_away: part(all.turned_away, all.requests),
            busy: most_a_minute(all.requests / minutes / sums.len() as f64).max(most),
            methods,
        })
    }

    /// Callers of before and everybody else, of so many minutes.
    pub(super) fn tell_apart(&self, callers: &ByAddress, minutes: f64) -> (Tally, Tally) {
        let (mut known, mut others) = (Tally::default(), Tally::default());
        for (address, one) in callers {
            if self.knows(address, one.requests / minutes) { &mut known } else { &mut others }.add(one);
        }
        (known, others)
    }

    /// Whether an address that sends so many requests a minute is a caller of before that goes on as one.
    fn knows(&self, address: &IpAddr, per_minute: f64) -> bool {
        self.callers.get(address).is_some_and(|before| per_minute <= most_a_minute(*before))
    }
}

/// The most requests a minute of a customer who sent so many a minute before.
fn most_a_minute(before: f64) -> f64 {
    most_of_a_customer(before / MINUTE) * MINUTE
}

/// What the access log says of some minutes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::watch) struct Pool {
    pub(in crate::watch) minutes: f64,
    /// Callers of before.
    pub(in crate::watch) known: Tally,
    /// Everybody else.
    pub(in crate::watch) others: Tally,
    pub(in crate::watch) worst: Option<WorstMethod>,
    pub(in crate::watch) followers: Option<Followers>,
}

impl Pool {
    /// Out of `callers` and `methods` of so many minutes, beside those of before, and whoever was there before the
    /// newest block.
    pub(super) fn of(
        callers: &ByAddress,
        (methods, of_callers): (&ByMethod, bool),
        minutes: f64,
        before: &Before,
        blocked: Option<&HashSet<IpAddr>>,
    ) -> Self {
        let (known, others) = before.tell_apart(callers, minutes);
        let followers = blocked.map(|blocked| {
            let is_one = |(address, one): &(&IpAddr, &Tally)| {
                let past = one.requests - one.turned_away;
                !before.callers.contains_key(*address)
                    && !blocked.contains(*address)
                    && past >= one.requests / 2.0
                    && one.requests >= before.busy * minutes
            };
            let found: Vec<f64> = callers.iter().filter(is_one).map(|(_, one)| one.requests).collect();
            let sources = u64::try_from(found.len()).unwrap_or(u64::MAX);
            Followers { sources, per_second: found.iter().sum::<f64>() / (60.0 * minutes) }
        });
        Self { minutes, known, others, worst: worst((methods, of_callers), &before.methods), followers }
    }

    /// The part of all requests that others than the callers of before sent.
    pub(in crate::watch) fn others_share(&self) -> f64 {
        part(self.others.requests, self.known.requests + self.others.requests)
    }

    /// The part of all requests that others sent and had answered without an error.
    pub(in crate::watch) fn others_answered(&self) -> f64 {
        part(self.others.ok, self.known.requests + self.others.requests)
    }
}

/// The method that fares worst beside before.
fn worst((now, of_callers): (&ByMethod, bool), before: &ByMethod) -> Option<WorstMethod> {
    let told = now.iter().filter(|(_, (requests, _))| *requests >= FEW).filter_map(|(method, (requests, ok))| {
        let (requests_before, ok_before) = before.get(method).filter(|(requests, _)| *requests >= FEW)?;
        let (answered, usually) = (part(*ok, *requests), part(*ok_before, *requests_before));
        (usually >= LEAST_USUAL).then(|| WorstMethod { method: shortened(method, NAME), answered, usually, of_callers })
    });
    told.min_by(|a, b| (a.answered / a.usually).total_cmp(&(b.answered / b.usually)).then(a.method.cmp(&b.method)))
}
