//! What carrying out needs beyond the diff where a snapshot is made: the policies whole, the probes, what to call the
//! snapshots. Plain data: knows neither how it comes about nor how it is carried out.

use crate::model::policy::Policy;
use crate::model::probe::Probe;
use crate::model::stage::StageId;

/// How to make a snapshot with a policy, and what to do with it.
#[derive(Debug, Clone)]
pub(in crate::respond) struct Recipe {
    /// The stage to close.
    pub stage: StageId,
    /// Its ARN.
    pub stage_arn: String,
    /// The deployment it points at.
    pub base: String,
    /// The API's ARN.
    pub api_arn: String,
    /// The draft's own policy, as it is put back; empty where there is none.
    pub draft: String,
    /// The policy that closes.
    pub closed: Policy,
    /// How the descriptions of the deployments begin.
    pub mark: String,
    /// The proof; without it the stage itself is pointed at the snapshot.
    pub proof: Option<ProofRecipe>,
}

/// How to prove it.
#[derive(Debug, Clone)]
pub(in crate::respond) struct ProofRecipe {
    /// The stage to prove on.
    pub on: StageId,
    /// Its ARN.
    pub arn: String,
    /// The deployment it points at.
    pub base: String,
    /// How to ask it.
    pub probe: Probe,
    /// A policy that leaves the responder out.
    pub candidate: Policy,
}
