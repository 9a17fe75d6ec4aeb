//! From what a responder wrote to the one stage that is meant, or a clear refusal.

use thiserror::Error;

use crate::aws::{Aws, AwsError, Lane};
use crate::model::stage::{Api, ApiKind, Place, StageDetail, StageId, StageSelector, is_called};

/// Why no single stage was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// No API of that name or id.
    #[error("no REST API is called “{api}” in {region}{near}. `portcullis snapshot` lists what there is")]
    NoApi {
        /// What was written.
        api: String,
        /// Where it was looked for.
        region: String,
        /// ` (did you mean …?)` or nothing.
        near: String,
    },
    /// It is an HTTP API, on which next to nothing can be done.
    #[error(
        "“{}” is an HTTP API: it has no web ACL, no cache and no resource policy (documented). `throttle` is what works on it", .api.name
    )]
    HttpApi {
        /// Which.
        api: Box<Api>,
    },
    /// The API has no such stage.
    #[error("API {api} has no stage “{stage}”; it has {has}")]
    NoStage {
        /// The API.
        api: String,
        /// What was written.
        stage: String,
        /// The stages it has.
        has: String,
    },
    /// The name fits several APIs.
    #[error("“{api}” names {} APIs: {}. Write the id instead, for example {}/{stage}", ids.len(), ids.join(", "), ids[0])]
    Ambiguous {
        /// What was written.
        api: String,
        /// The stage written.
        stage: String,
        /// The ids it fits; never empty.
        ids: Vec<String>,
    },
    /// The selector names another region than the connection's.
    #[error("the stage is in {asked}, this connection is to {connected}; pass --region {asked}")]
    OtherRegion {
        /// The region written.
        asked: String,
        /// The region connected to.
        connected: String,
    },
    /// The selector names another profile than the connection's.
    #[error("the stage is of profile {asked}, this connection is not; pass --profile {asked}")]
    OtherProfile {
        /// The profile written.
        asked: String,
    },
    /// It could not be read.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// The stage that `selector` names, read just now.
pub async fn stage(aws: &Aws, selector: &StageSelector, lane: Lane) -> Result<StageDetail, ResolveError> {
    let place = aws.place();
    let written = selector.apis_in(&place);
    let apis = aws.rest_apis(lane).await?;
    let named = meant_apis(&apis, &written);
    if named.is_empty() {
        // Where HTTP APIs cannot be listed, it is said that there is no REST API.
        let http = aws.http_apis(lane).await.unwrap_or_default();
        match meant_apis(&http, &written).as_slice() {
            [] => {}
            [api] => return Err(ResolveError::HttpApi { api: Box::new((*api).clone()) }),
            several => return Err(ambiguous(selector, several)),
        }
        elsewhere(selector, &place)?;
        let near = near(&selector.api, apis.iter().map(|api| api.name.as_str()));
        return Err(ResolveError::NoApi { api: selector.api.clone(), region: aws.region().to_owned(), near });
    }
    let [api] = named.as_slice() else {
        return Err(ambiguous(selector, &named));
    };
    meant(aws.stages(api, lane).await?, selector)
}

/// Refuses what names another region or profile than the connection's.
fn elsewhere(selector: &StageSelector, place: &Place) -> Result<(), ResolveError> {
    let other =
        |named: &Option<String>, here: &Option<String>| named.clone().filter(|named| Some(named) != here.as_ref());
    if let Some(asked) = other(&selector.region, &place.region) {
        return Err(ResolveError::OtherRegion { asked, connected: place.region.clone().unwrap_or_default() });
    }
    match other(&selector.profile, &place.profile) {
        Some(asked) => Err(ResolveError::OtherProfile { asked }),
        None => Ok(()),
    }
}

/// The APIs that what was written names. Each way to read it names the API of that id, else those of exactly that name,
/// else those that are printed like that; no way to read it comes before another.
#[must_use]
pub fn meant_apis<'a>(apis: &'a [Api], written: &[String]) -> Vec<&'a Api> {
    let ways: [fn(&Api, &str) -> bool; 3] =
        [|api, one| api.id == one, |api, one| api.name == one, |api, one| is_called(&api.id, &api.name, one)];
    let mut found: Vec<&Api> = Vec::new();
    for one in written {
        let by = |way: fn(&Api, &str) -> bool| apis.iter().filter(|api| way(api, one)).collect::<Vec<_>>();
        for api in ways.into_iter().map(by).find(|named| !named.is_empty()).unwrap_or_default() {
            if !found.iter().any(|known| known.id == api.id) {
                found.push(api);
            }
        }
    }
    found
}

/// The same, of a REST API or an HTTP API.
///
/// # Errors
/// As [`stage`], but for [`ResolveError::HttpApi`].
pub async fn stage_of_any(
    aws: &Aws,
    selector: &StageSelector,
    lane: Lane,
) -> Result<(StageDetail, ApiKind), ResolveError> {
    let api = match stage(aws, selector, lane).await {
        Ok(found) => return Ok((found, ApiKind::Rest)),
        Err(ResolveError::HttpApi { api }) => api,
        Err(error) => return Err(error),
    };
    let found = aws.http_stages(&api, lane).await?;
    Ok((meant(found, selector)?, ApiKind::Http))
}

/// The stage of an API's that is meant.
fn meant(stages: Vec<StageDetail>, selector: &StageSelector) -> Result<StageDetail, ResolveError> {
    let has: Vec<String> = stages.iter().map(|s| s.id.stage.clone()).collect();
    let wanted = stages.into_iter().find(|s| s.id.stage == selector.stage);
    wanted.ok_or_else(|| ResolveError::NoStage {
        api: selector.api.clone(),
        stage: selector.stage.clone(),
        has: if has.is_empty() { "none".to_owned() } else { has.join(", ") },
    })
}

fn ambiguous(selector: &StageSelector, apis: &[&Api]) -> ResolveError {
    let ids = apis.iter().map(|api| api.id.clone()).collect();
    ResolveError::Ambiguous { api: selector.api.clone(), stage: selector.stage.clone(), ids }
}

/// Refuses where an HTTP API has the name by which `found` was named: for what can be done on either. Where they cannot
/// be listed there are none, as far as is known.
pub(super) async fn only_rest(
    aws: &Aws,
    selector: &StageSelector,
    found: &StageId,
    lane: Lane,
) -> Result<(), ResolveError> {
    let written = selector.apis_in(&aws.place());
    if written.contains(&found.api_id) {
        return Ok(());
    }
    let http = aws.http_apis(lane).await.unwrap_or_default();
    match meant_apis(&http, &written).first() {
        None => Ok(()),
        Some(api) => Err(ResolveError::Ambiguous {
            api: selector.api.clone(),
            stage: selector.stage.clone(),
            ids: vec![found.api_id.clone(), api.id.clone()],
        }),
    }
}

/// ` (did you mean X?)` for the closest name within a third of its length, or nothing.
fn near<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> String {
    let best = names.map(|name| (strsim::levenshtein(written, name), name)).min();
    match best {
        Some((distance, name)) if distance <= written.chars().count().div_ceil(3) => {
            format!(" (did you mean {}?)", crate::model::text::shortened(name, 60))
        }
        _ => String::new(),
    }
}
