//! What else stands behind a web ACL, and so is hit by a change of its IP sets.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;

use crate::aws::read::ResourceKind;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::plan::GuardResult;
use crate::model::text::shortened;
use crate::model::words::counted;
use crate::respond::guard::{Guard, WithEvidence};

/// What stands behind a web ACL, by kind, or why it could not be listed.
pub(in crate::respond::action) type Behind = Vec<(ResourceKind, Result<Vec<String>, AwsError>)>;

/// What is behind a web ACL, of the kinds that are most often there.
pub(in crate::respond::action) async fn behind(aws: &Aws, arn: &str) -> Behind {
    let kinds = [ResourceKind::API_GATEWAY, ResourceKind::LOAD_BALANCER];
    let read = join_all(kinds.iter().map(|kind| aws.resources_behind(arn, *kind, Lane::Plan))).await;
    kinds.into_iter().zip(read).collect()
}

/// What is behind a web ACL, of the rarer kinds, as far as AWS answered in time.
#[derive(Debug, Default)]
pub(in crate::respond::action) struct Rarer(Mutex<Behind>);

impl Rarer {
    /// Asks; never ends, since nobody waits for it.
    pub(in crate::respond::action) async fn ask(&self, aws: &Aws, arn: &str) -> Infallible {
        let ask = async |kind: ResourceKind| {
            let read = aws.resources_behind(arn, kind, Lane::Poll).await;
            // Nobody was asked then, as far as the plan goes.
            if matches!(&read, Err(AwsError { problem: Problem::Throttled(_), .. })) {
                return;
            }
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((kind, read));
        };
        join_all(ResourceKind::others().map(ask)).await;
        std::future::pending().await
    }

    /// What was answered.
    pub(in crate::respond::action) fn answers(self) -> Behind {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_rare(kind: ResourceKind) -> bool {
    ResourceKind::others().any(|rare| rare == kind)
}

/// Warns of what was seen behind the web ACL called `acl` besides the stage `own` (label, ARN), and of kinds that could
/// not be asked for. Which kinds there was no time to ask for is said and no warning: they are the same on every plan,
/// and whoever reads a warning every time reads none. `hits` says what the same change does to the others.
pub(in crate::respond::action) fn blast_radius(
    guard: &Guard,
    acl: &str,
    own: (&str, &str),
    behind: &Behind,
    hits: &str,
) -> GuardResult {
    let (label, own) = own;
    let (mut others, mut unread) = (Vec::new(), Vec::new());
    let mut asked = BTreeSet::new();
    for (kind, read) in behind {
        asked.insert(kind.label());
        match read {
            Ok(arns) => others.extend(arns.iter().filter(|arn| *arn != own).map(|arn| shortened(arn, 160))),
            // An emulator or a region without the kind cannot have resources of it.
            Err(error)
                if is_rare(*kind) && matches!(error.problem, Problem::Invalid(_) | Problem::UnknownOperation(_)) => {}
            Err(error) => unread.push((kind, format!("{}: {}", kind.label(), error.problem))),
        }
    }
    let rarer: Vec<&str> = ResourceKind::others().map(ResourceKind::label).filter(|l| !asked.contains(l)).collect();
    let not_asked = (!rarer.is_empty())
        .then(|| format!("not queried, since AWS allows one such call a second: {}", rarer.join(", ")));
    if unread.iter().any(|(kind, _)| !is_rare(**kind)) {
        let lines = unread.into_iter().map(|(_, line)| line).collect();
        return guard.unknown(format!("what is behind {acl} could not be listed")).because(lines);
    }
    let only = format!("{label} is the only API Gateway stage or load balancer behind {acl}");
    let result = match (others.len(), unread.len()) {
        (0, 0) if not_asked.is_none() => guard.pass(format!("{only}, and no other kind of resource is")),
        (0, 0) => guard.pass(format!("{only}; not every rarer kind of resource was queried")),
        (0, n) => guard.warn(format!("{only}; {} of resource could not be listed", counted(n, "rarer kind"))),
        (n, _) => guard.warn(format!("{} besides this stage behind {acl}: {hits}", counted(n, "resource"))),
    };
    let unread = unread.into_iter().map(|(_, line)| line);
    result.because(others.into_iter().chain(unread).chain(not_asked).collect())
}
