//! Authorizers of a draft.

use serde_json::{Value, json};

use super::{Outcome, api_of, bad_request, limit, not_found, page_of, put};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{integer, page, text};
use crate::state::{Account, Authorizer, AuthorizerKind};

/// How long an answer is kept unless asked otherwise, and at most, in seconds (documented).
const TTL: (i64, i64) = (300, 3_600);

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let (api, name) = (api_of(account, input)?, text(input, "name").unwrap_or("").to_owned());
    if name.trim().is_empty() {
        return Err(bad_request("Authorizer name cannot be blank"));
    }
    if api.draft.authorizers.values().any(|known| known.name == name) {
        return Err(bad_request("Authorizer name must be unique. Authorizer with this name already exists"));
    }
    let api = api.id.clone();
    let kind = text(input, "type").and_then(AuthorizerKind::named);
    let kind = kind.ok_or_else(|| {
        bad_request("Invalid authorizer type specified. Valid options are COGNITO_USER_POOLS, REQUEST, TOKEN")
    })?;
    let member = |name| text(input, name).map(str::to_owned);
    let ttl = integer(input, "authorizerResultTtlInSeconds").unwrap_or(TTL.0);
    if !(0..=TTL.1).contains(&ttl) {
        return Err(bad_request("Authorizer result TTL must be between 0 and 3600 seconds"));
    }
    let arns = input.get("providerARNs").and_then(Value::as_array).into_iter().flatten();
    let authorizer = Authorizer {
        id: account.ids.short(6),
        name,
        kind,
        uri: member("authorizerUri"),
        provider_arns: arns.filter_map(Value::as_str).map(str::to_owned).collect(),
        identity_source: member("identitySource"),
        result_ttl_seconds: ttl,
        credentials: member("authorizerCredentials"),
        validation_expression: member("identityValidationExpression"),
    };
    check(&authorizer)?;
    let body = document(&authorizer);
    if let Some(api) = account.gateway.apis.get_mut(&api) {
        api.draft.authorizers.insert(authorizer.id.clone(), authorizer);
    }
    Ok(Answer::created(body))
}

/// Lambda authorizers need a function, Cognito's a pool; a token needs a place to be in, a request does while answers
/// are kept (documented: service model).
fn check(authorizer: &Authorizer) -> Result<(), AwsError> {
    let cognito = authorizer.kind == AuthorizerKind::CognitoUserPools;
    if cognito && authorizer.provider_arns.is_empty() {
        return Err(bad_request("COGNITO_USER_POOLS authorizers require at least one provider ARN"));
    }
    if !cognito && authorizer.uri.is_none() {
        return Err(bad_request(format!("{} authorizers require an authorizer URI", authorizer.kind.name())));
    }
    let needed = authorizer.kind != AuthorizerKind::Request || authorizer.result_ttl_seconds > 0;
    if needed && authorizer.identity_source.as_deref().unwrap_or("").is_empty() {
        return Err(bad_request(format!("{} authorizers require an identity source", authorizer.kind.name())));
    }
    Ok(())
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let known = api_of(account, input)?.draft.authorizers.values();
    let (items, next) = page(known, |authorizer| &authorizer.id, text(input, "position"), limit(input)?);
    Ok(page_of(items.into_iter().map(document).collect(), next))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let known = &api_of(account, input)?.draft.authorizers;
    let authorizer = known.get(text(input, "authorizerId").unwrap_or(""));
    Ok(Answer::ok(document(authorizer.ok_or_else(|| not_found("Invalid Authorizer identifier specified"))?)))
}

/// `authType`, which says the kind once more (CLI examples).
pub(super) const fn auth_type(kind: AuthorizerKind) -> &'static str {
    match kind {
        AuthorizerKind::Token | AuthorizerKind::Request => "custom",
        AuthorizerKind::CognitoUserPools => "cognito_user_pools",
    }
}

fn document(authorizer: &Authorizer) -> Value {
    let mut body = json!({
        "id": authorizer.id,
        "name": authorizer.name,
        "type": authorizer.kind.name(),
        "authType": auth_type(authorizer.kind),
    });
    if !authorizer.provider_arns.is_empty() {
        body["providerARNs"] = authorizer.provider_arns.clone().into();
    }
    put(&mut body, "authorizerUri", authorizer.uri.clone());
    put(&mut body, "authorizerCredentials", authorizer.credentials.clone());
    put(&mut body, "identitySource", authorizer.identity_source.clone());
    put(&mut body, "identityValidationExpression", authorizer.validation_expression.clone());
    if authorizer.kind != AuthorizerKind::CognitoUserPools {
        body["authorizerResultTtlInSeconds"] = authorizer.result_ttl_seconds.into();
    }
    body
}
