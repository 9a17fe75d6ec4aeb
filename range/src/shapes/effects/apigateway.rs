//! API Gateway's REST APIs.

use super::{KEPT, Row, Values, all, none};

const CANARY: &str = "kept and answered; no traffic goes to a canary";
const QUOTA: &str = "kept and answered; quotas of usage plans are not counted";
const INTEGRATION: &str = "kept, answered and exported; what stands behind a method is the scenario's";
const PRIVATE: &str = "the range has no endpoints of networks";
const STAGE_KEYS: &str = "keys are tied to stages by usage plans";

/// What the range does with the members of each shape.
pub(super) const ROWS: &[Row] = &[
    all("GetAccountRequest", ""),
    // APIs
    Row {
        without: &[(
            "description version binaryMediaTypes minimumCompressionSize apiKeySource tags securityPolicy",
            KEPT,
        )],
        refused: &[
            ("cloneFrom", "the range makes empty APIs only"),
            ("endpointAccessMode", "the range checks no server names"),
        ],
        ..all("CreateRestApiRequest", "name endpointConfiguration policy disableExecuteApiEndpoint")
    },
    Row {
        without: &[("ipAddressType", KEPT)],
        refused: &[("vpcEndpointIds", PRIVATE)],
        ..all("EndpointConfiguration", "types")
    },
    all("GetRestApiRequest", "restApiId"),
    all("GetRestApisRequest", "position limit"),
    all("UpdateRestApiRequest", "restApiId patchOperations"),
    all("DeleteRestApiRequest", "restApiId"),
    all("PatchOperation", "op path value from"),
    // Resources, methods, integrations
    all("GetResourcesRequest", "restApiId position limit embed"),
    all("GetResourceRequest", "restApiId resourceId embed"),
    all("CreateResourceRequest", "restApiId parentId pathPart"),
    Row {
        without: &[(
            "operationName requestParameters requestModels requestValidatorId authorizationScopes",
            "kept and answered; requests are not validated and tokens have no scopes",
        )],
        ..all("PutMethodRequest", "restApiId resourceId httpMethod authorizationType authorizerId apiKeyRequired")
    },
    all("GetMethodRequest", "restApiId resourceId httpMethod"),
    Row {
        without: &[(
            "connectionType connectionId credentials requestParameters requestTemplates passthroughBehavior \
             contentHandling timeoutInMillis tlsConfig cacheNamespace cacheKeyParameters",
            INTEGRATION,
        )],
        refused: &[("responseTransferMode integrationTarget", "the range would not answer it back")],
        ..all("PutIntegrationRequest", "restApiId resourceId httpMethod type integrationHttpMethod uri")
    },
    none("TlsConfig", &[("insecureSkipVerification", INTEGRATION)]),
    // Authorizers
    Row {
        without: &[(
            "authorizerCredentials identityValidationExpression",
            "kept, answered and exported; a request's own word says what its token is worth",
        )],
        refused: &[
            ("authType", "the range answers the one that goes with the type"),
            ("jwtConfiguration", "the range has no authorizers of type JWT"),
        ],
        ..all(
            "CreateAuthorizerRequest",
            "restApiId name type providerARNs authorizerUri identitySource authorizerResultTtlInSeconds",
        )
    },
    all("GetAuthorizersRequest", "restApiId position limit"),
    all("GetAuthorizerRequest", "restApiId authorizerId"),
    // Deployments and stages
    Row {
        without: &[("stageDescription description variables tracingEnabled", KEPT)],
        ..all("CreateDeploymentRequest", "restApiId stageName cacheClusterEnabled cacheClusterSize canarySettings")
    },
    none("DeploymentCanarySettings", &[("percentTraffic stageVariableOverrides useStageCache", CANARY)]),
    all("GetDeploymentsRequest", "restApiId position limit"),
    all("GetDeploymentRequest", "restApiId deploymentId embed"),
    all("DeleteDeploymentRequest", "restApiId deploymentId"),
    Row {
        without: &[("description variables documentationVersion tracingEnabled tags", KEPT)],
        ..all(
            "CreateStageRequest",
            "restApiId stageName deploymentId cacheClusterEnabled cacheClusterSize canarySettings",
        )
    },
    Row {
        without: &[("percentTraffic stageVariableOverrides useStageCache", CANARY)],
        ..all("CanarySettings", "deploymentId")
    },
    all("GetStagesRequest", "restApiId deploymentId"),
    all("GetStageRequest", "restApiId stageName"),
    all("UpdateStageRequest", "restApiId stageName patchOperations"),
    all("DeleteStageRequest", "restApiId stageName"),
    all("FlushStageCacheRequest", "restApiId stageName"),
    all("FlushStageAuthorizersCacheRequest", "restApiId stageName"),
    all("GetExportRequest", "restApiId stageName exportType parameters accepts"),
    Row { refused: &[("postman", "the range exports for no other tool")], ..all("GetExportRequest?", "extensions") },
    // Usage plans and keys
    Row {
        without: &[("description tags", KEPT), ("quota", QUOTA)],
        ..all("CreateUsagePlanRequest", "name apiStages throttle")
    },
    all("ApiStage", "apiId stage throttle"),
    all("ThrottleSettings", "burstLimit rateLimit"),
    none("QuotaSettings", &[("limit offset period", QUOTA)]),
    all("GetUsagePlansRequest", "position keyId limit"),
    all("GetUsagePlanRequest", "usagePlanId"),
    all("UpdateUsagePlanRequest", "usagePlanId patchOperations"),
    all("CreateUsagePlanKeyRequest", "usagePlanId keyId keyType"),
    Row {
        refused: &[("name", "keys of a plan are listed whole")],
        ..all("GetUsagePlanKeysRequest", "usagePlanId position limit")
    },
    Row {
        without: &[("description", KEPT)],
        refused: &[
            ("stageKeys", STAGE_KEYS),
            ("generateDistinctId", "every key of the range has an id of its own"),
            ("customerId tags", "the range would not answer it back"),
        ],
        ..all("CreateApiKeyRequest", "name enabled value")
    },
    Row {
        refused: &[("customerId", "keys of the range have no customer")],
        ..all("GetApiKeysRequest", "position limit name includeValues")
    },
    all("GetApiKeyRequest", "apiKey includeValue"),
    all("UpdateApiKeyRequest", "apiKey patchOperations"),
    // Tags
    Row { refused: &[("position limit", "tags come on one page")], ..all("GetTagsRequest", "resourceArn") },
    all("TagResourceRequest", "resourceArn tags"),
];

/// Values that are refused.
pub(super) const VALUES: &[Values] = &[
    Values { shape: "AuthorizerType", refused: "JWT", reason: "the range has no authorizers of type JWT" },
    Values { shape: "Op", refused: "move test", reason: "no resource of API Gateway documents this operation" },
];
