//! API Gateway's HTTP APIs.

use super::{KEPT, Row, all, none};

const DROPPED: &str = "the range would not answer it back";
const INTEGRATION: &str = "kept and answered; what stands behind a route is the scenario's";
const SOCKETS: &str = "it is for WebSocket APIs, of which the range has none";

/// What the range does with the members of each shape.
pub(super) const ROWS: &[Row] = &[
    all("GetApisRequest", "maxResults nextToken"),
    all("GetApiRequest", "apiId"),
    Row {
        without: &[("description", KEPT)],
        refused: &[
            ("apiKeySelectionExpression disableSchemaValidation routeSelectionExpression", SOCKETS),
            ("corsConfiguration disableExecuteApiEndpoint ipAddressType tags version", DROPPED),
            ("credentialsArn routeKey target", "routes and integrations are made by calls of their own"),
        ],
        ..all("CreateApiRequest", "name protocolType")
    },
    all("GetRoutesRequest", "apiId maxResults nextToken"),
    Row {
        refused: &[
            ("apiKeyRequired modelSelectionExpression operationName requestModels requestParameters", SOCKETS),
            ("routeResponseSelectionExpression", SOCKETS),
            ("authorizationScopes authorizerId", DROPPED),
        ],
        ..all("CreateRouteRequest", "apiId routeKey authorizationType target")
    },
    all("GetIntegrationsRequest", "apiId maxResults nextToken"),
    Row {
        without: &[(
            "connectionId connectionType contentHandlingStrategy credentialsArn description integrationMethod \
             integrationSubtype integrationUri passthroughBehavior payloadFormatVersion requestParameters \
             requestTemplates responseParameters templateSelectionExpression timeoutInMillis tlsConfig",
            INTEGRATION,
        )],
        ..all("CreateIntegrationRequest", "apiId integrationType")
    },
    none("TlsConfigInput", &[("serverNameToVerify", INTEGRATION)]),
    all("GetStagesRequest", "apiId maxResults nextToken"),
    all("GetStageRequest", "apiId stageName"),
    Row {
        without: &[("description stageVariables", KEPT)],
        refused: &[("clientCertificateId", SOCKETS), ("deploymentId tags", DROPPED)],
        ..all("CreateStageRequest", "apiId stageName accessLogSettings autoDeploy defaultRouteSettings routeSettings")
    },
    Row {
        without: &[("description stageVariables", KEPT)],
        refused: &[("clientCertificateId", SOCKETS), ("deploymentId", DROPPED)],
        ..all("UpdateStageRequest", "apiId stageName accessLogSettings autoDeploy defaultRouteSettings routeSettings")
    },
    all("AccessLogSettings", "destinationArn format"),
    Row {
        without: &[("detailedMetricsEnabled", "kept and answered; there are no metrics by route")],
        refused: &[("dataTraceEnabled loggingLevel", SOCKETS)],
        ..all("RouteSettings", "throttlingBurstLimit throttlingRateLimit")
    },
    all("DeleteRouteSettingsRequest", "apiId stageName routeKey"),
];
