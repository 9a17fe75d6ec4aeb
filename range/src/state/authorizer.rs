//! Authorizers of REST APIs: who decides about a caller, as the control plane keeps it. Nobody is authorized here.

/// What an authorizer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizerKind {
    /// A Lambda function that is handed one header.
    Token,
    /// A Lambda function that is handed the request.
    Request,
    /// A Cognito user pool.
    CognitoUserPools,
}

impl AuthorizerKind {
    /// AWS's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "TOKEN",
            Self::Request => "REQUEST",
            Self::CognitoUserPools => "COGNITO_USER_POOLS",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Token, Self::Request, Self::CognitoUserPools].into_iter().find(|kind| kind.name() == name)
    }
}

/// An authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// Six lower-case letters and digits.
    pub id: String,
    /// The name; unique within its API.
    pub name: String,
    /// What it is.
    pub kind: AuthorizerKind,
    /// The Lambda function, as API Gateway names it.
    pub uri: Option<String>,
    /// User pools.
    pub provider_arns: Vec<String>,
    /// Where the token is: `method.request.header.Authorization`.
    pub identity_source: Option<String>,
    /// Seconds for which an answer is kept. 300 unless asked otherwise (documented).
    pub result_ttl_seconds: i64,
    /// The role with which the function is called.
    pub credentials: Option<String>,
    /// A pattern that a token must fit.
    pub validation_expression: Option<String>,
}

impl Authorizer {
    /// The header that the token is in, where it is in one.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.identity_source
            .as_deref()?
            .split(',')
            .find_map(|source| source.trim().strip_prefix("method.request.header."))
    }
}
