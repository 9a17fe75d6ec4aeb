//! The policy before and after, for callers of every kind: who keeps access, who loses it, and whether anybody gains it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use crate::model::limits::DeployedMethod;
use crate::model::policy::{Access, ApiScope, Authorization, Call, Credential, Policy, access};

/// What becomes of one kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Let in before and after.
    Keeps,
    /// Let in before, kept out after.
    Loses,
    /// Kept out before, let in after.
    Gains,
    /// Kept out before and after.
    StaysOut,
    /// Not known, before or after.
    Unknown,
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Self::Keeps => "keep access",
            Self::Loses => "lose access",
            Self::Gains => "GAIN access",
            Self::StaysOut => "stay out",
            Self::Unknown => "not known",
        }
    }
}

/// Methods, by what becomes of those listed and of all others, by authorization and credentials.
type Rows = BTreeMap<(Authorization, usize), BTreeMap<(Fate, Fate), Vec<String>>>;

/// A policy before and after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) before: Option<&'a Policy>,
    pub(super) after: &'a Policy,
    pub(super) scope: ApiScope<'a>,
    pub(super) stage: &'a str,
    pub(super) methods: &'a [DeployedMethod],
    pub(super) at: DateTime<Utc>,
}

impl Comparison<'_> {
    /// What becomes of a caller of one method.
    pub(super) fn fate(&self, method: &DeployedMethod, from: IpAddr, credential: Credential) -> Fate {
        let arn = self.scope.arn(&format!("{}/{}", self.stage, called(method)));
        let call = Call { arn: &arn, source_ip: from, user_agent: None, referer: None, principal: None, at: self.at };
        let authorization = Authorization::named(&method.authorization);
        let told = |policy| access(policy, &call, authorization, credential);
        match (told(self.before), told(Some(self.after))) {
            (Access::Granted, Access::Granted) => Fate::Keeps,
            (Access::Granted, Access::Refused) => Fate::Loses,
            (Access::Refused, Access::Granted) => Fate::Gains,
            (Access::Refused | Access::Unknown(_), Access::Refused) => Fate::StaysOut,
            _ => Fate::Unknown,
        }
    }

    /// Whether a caller from `from` with credentials that allow it would get in to some method afterwards, having got in before.
    pub(super) fn keeps_somewhere(&self, from: IpAddr) -> bool {
        self.methods.iter().any(|method| {
            let best = *Authorization::named(&method.authorization).credentials().get(1).unwrap_or(&Credential::Absent);
            self.fate(method, from, best) == Fate::Keeps
        })
    }

    /// Everything that a caller of the addresses could gain, a line each.
    pub(super) fn gains(&self, addresses: &[IpAddr]) -> Vec<String> {
        let mut lines = Vec::new();
        for method in self.methods {
            for credential in Authorization::named(&method.authorization).credentials() {
                let gaining = addresses.iter().find(|from| self.fate(method, **from, *credential) == Fate::Gains);
                if let Some(from) = gaining {
                    let asks = Authorization::named(&method.authorization).words();
                    lines.push(format!(
                        "{} ({asks}): a caller {} at {from} would get in",
                        method.name,
                        credential.words()
                    ));
                }
            }
        }
        lines
    }

    /// The table: by authorization and credentials, what becomes of those listed and of the others. A line each.
    pub(super) fn table(&self, listed: &[IpAddr], other: Option<IpAddr>) -> Vec<String> {
        let mut rows: Rows = BTreeMap::new();
        for method in self.methods {
            let authorization = Authorization::named(&method.authorization);
            for (place, credential) in authorization.credentials().iter().enumerate() {
                let fates = |of: &[IpAddr]| of.iter().map(|from| self.fate(method, *from, *credential)).max();
                let inside = fates(listed).unwrap_or(Fate::StaysOut);
                let outside = fates(other.as_slice()).unwrap_or(Fate::StaysOut);
                let row = rows.entry((authorization, place)).or_default();
                row.entry((inside, outside)).or_default().push(method.name.to_string());
            }
        }
        let mut lines = Vec::new();
        for ((authorization, place), fates) in rows {
            let credential = authorization.credentials()[place];
            for ((inside, outside), methods) in fates {
                let which = match methods.as_slice() {
                    [one] => one.clone(),
                    all => format!("{} methods", all.len()),
                };
                let who = if authorization == Authorization::None {
                    String::new()
                } else {
                    format!(", callers {}", credential.words())
                };
                lines.push(format!(
                    "{which} ({}{who}): those listed {}, all others {}",
                    authorization.words(),
                    inside.words(),
                    outside.words()
                ));
            }
        }
        lines
    }
}

/// `GET/pets/x` for `GET /pets/{id}`: a call as it might come.
fn called(method: &DeployedMethod) -> String {
    let verb = if method.name.verb == "ANY" { "GET" } else { method.name.verb.as_str() };
    let parts = method.name.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    format!("{verb}{}", parts.collect::<Vec<_>>().join("/"))
}

/// The first address of each network, which stands for all of it.
pub(super) fn firsts(nets: &[IpNet]) -> Vec<IpAddr> {
    nets.iter().map(IpNet::addr).collect()
}

/// An address that no network holds.
pub(super) fn outside(nets: &[IpNet]) -> Option<IpAddr> {
    let some = ["203.0.113.250", "198.51.100.250", "192.0.2.250", "100.64.0.1", "2001:db8:ffff::1"];
    some.into_iter()
        .filter_map(|text| text.parse().ok())
        .find(|address: &IpAddr| !nets.iter().any(|net| net.contains(address)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::method::MethodName;

    const SCOPE: ApiScope<'static> = ApiScope { partition: "aws", region: "r", account: "1", api_id: "a" };

    fn method(path: &str, authorization: &str) -> DeployedMethod {
        let name = MethodName { verb: "GET".into(), path: path.into() };
        DeployedMethod { name, authorization: authorization.into(), api_key_required: false }
    }

    #[test]
    fn a_pattern_that_reaches_a_guarded_method_is_a_gain() {
        let methods = [method("/pets/{id}", "NONE"), method("/pets/admin", "CUSTOM")];
        let listed: Vec<IpNet> = vec!["192.0.2.0/28".parse().unwrap()];
        let after = Policy::closed(None, &SCOPE, &listed, &methods);
        let comparison = |methods| Comparison {
            before: None,
            after: &after,
            scope: SCOPE,
            stage: "prod",
            methods,
            at: DateTime::UNIX_EPOCH,
        };
        let gains = comparison(&methods[..]).gains(&firsts(&listed));
        assert_eq!(
            gains,
            [
                "GET /pets/admin (Lambda authorizer): a caller whose credentials say nothing of it at 192.0.2.0 would get in"
            ]
        );
        assert!(comparison(&methods[..1]).gains(&firsts(&listed)).is_empty());
    }

    #[test]
    fn the_table_says_who_keeps_and_who_loses() {
        let methods = [method("/a", "NONE"), method("/b", "NONE"), method("/c", "AWS_IAM")];
        let listed: Vec<IpNet> = vec!["192.0.2.0/28".parse().unwrap()];
        let after = Policy::closed(None, &SCOPE, &listed, &methods);
        let comparison = Comparison {
            before: None,
            after: &after,
            scope: SCOPE,
            stage: "prod",
            methods: &methods,
            at: DateTime::UNIX_EPOCH,
        };
        let lines = comparison.table(&firsts(&listed), outside(&listed));
        assert_eq!(lines[0], "2 methods (no authorization): those listed keep access, all others lose access");
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("GAIN")));
        assert!(comparison.keeps_somewhere("192.0.2.1".parse().unwrap()));
        assert!(!comparison.keeps_somewhere("198.51.100.1".parse().unwrap()));
    }
}
