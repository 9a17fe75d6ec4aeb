//! Who we are.

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::identity::{AccountRegion, Identity};

impl Aws {
    /// The caller (`GetCallerIdentity`), read once a connection; also binds the write gate to this account, region and
    /// world.
    ///
    /// # Errors
    /// Also once answers come from another world: it is nobody's account there.
    pub async fn identity(&self, lane: Lane) -> Result<Identity, AwsError> {
        if let Some(identity) = self.0.identity.get() {
            let other = self.0.heard.other_than(&identity.at.world);
            let refused = |refusal| AwsError::new("GetCallerIdentity", "the account", Problem::Gate(refusal));
            return other.map_or_else(|| Ok(identity.clone()), |refusal| Err(refused(refusal)));
        }
        let identity = self.identity_now(lane).await?;
        let _ = self.0.bound.set(identity.at.clone());
        Ok(self.0.identity.get_or_init(|| identity).clone())
    }

    /// What is asked for by [`Aws::identity`], in words.
    #[must_use]
    pub fn identity_subject(&self) -> String {
        self.0.profile.as_ref().map_or("the account".to_owned(), |name| format!("the account of profile {name}"))
    }

    /// The caller as STS names it now: the credentials may have been renewed by somebody who signed in elsewhere.
    pub(in crate::aws) async fn identity_now(&self, lane: Lane) -> Result<Identity, AwsError> {
        let subject = self.identity_subject();
        let call = || self.0.sts.get_caller_identity().send();
        let answer = self.ask((Quota::Identity, lane), ("GetCallerIdentity", &subject), call).await?;
        let missing = |what: &str| {
            AwsError::new("GetCallerIdentity", &subject, Problem::Unreadable(format!("no {what} in the answer")))
        };
        let account = answer.account().ok_or_else(|| missing("account"))?.to_owned();
        let at = AccountRegion { account, region: self.0.region.clone(), world: self.0.heard.world(&self.0.place) };
        Ok(Identity {
            at,
            arn: answer.arn().ok_or_else(|| missing("ARN"))?.to_owned(),
            profile: self.0.profile.clone(),
            endpoint: self.0.endpoint.clone(),
        })
    }
}
