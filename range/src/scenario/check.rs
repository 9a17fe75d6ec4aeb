//! What TOML and types cannot say: names that must refer to something, values out of range.

mod conduct;

use std::collections::HashSet;
use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;

use super::{
    AccessLogSpec, ApiSpec, IpSetSpec, MethodSpec, Population, RuleSpec, SCHEMA, Scenario, ScenarioError, StageRef,
    StageSpec, WebAclSpec, WorldSpec,
};
use crate::logs::format;
use crate::state::AuthorizerKind;

type Checked = Result<(), ScenarioError>;

/// Checks a scenario that has been read.
pub(super) fn check(text: &str, scenario: &Scenario) -> Checked {
    let check = Check { text, world: &scenario.world };
    if scenario.schema.get_ref() != SCHEMA {
        let message = format!("unknown schema `{}`", scenario.schema.get_ref());
        return Err(check.error(&scenario.schema.span(), message).hint(format!("this version reads `{SCHEMA}`")));
    }
    super::ranges::check(text)?;
    check.world()
}

struct Check<'a> {
    text: &'a str,
    world: &'a WorldSpec,
}

impl Check<'_> {
    fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ScenarioError {
        ScenarioError::at(self.text, span, message)
    }

    fn world(&self) -> Checked {
        let world = self.world;
        let account = world.account.get_ref();
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            let error = self.error(&world.account.span(), format!("`{account}` is not an account id"));
            return Err(error.hint("write twelve digits, for example `111122223333`"));
        }
        self.unique("backend", world.backends.iter().map(|backend| &backend.name))?;
        self.unique("IP set", world.ip_sets.iter().map(|set| &set.name))?;
        self.unique("rule group", world.rule_groups.iter().map(|group| &group.name))?;
        self.unique("web ACL", world.web_acls.iter().map(|acl| &acl.name))?;
        self.unique("population", world.populations.iter().map(|population| &population.name))?;
        world.ip_sets.iter().try_for_each(|set| self.ip_set(set))?;
        for group in &world.rule_groups {
            group.rules.iter().try_for_each(|rule| self.rule(rule, true))?;
        }
        world.web_acls.iter().try_for_each(|acl| self.web_acl(acl))?;
        for backend in &world.backends {
            if !(backend.capacity.is_finite() && backend.capacity > 0.0) {
                let error = self.error(&backend.name.span(), "a backend's `capacity` must be above 0");
                return Err(error.hint("requests a second that it answers: write for example `capacity = 100`"));
            }
            self.share(&backend.name.span(), "collapse", backend.collapse)?;
        }
        world.apis.iter().try_for_each(|api| self.api(api))?;
        self.plans()?;
        world.populations.iter().try_for_each(|population| self.population(population))
    }

    fn unique<'n>(&self, what: &str, names: impl Iterator<Item = &'n Spanned<String>>) -> Checked {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name.get_ref()) {
                let error = self.error(&name.span(), format!("a second {what} named `{}`", name.get_ref()));
                return Err(error.hint("give one of them another name"));
            }
        }
        Ok(())
    }

    fn refers(&self, what: &str, name: &Spanned<String>, known: &[&str]) -> Checked {
        if known.contains(&name.get_ref().as_str()) {
            return Ok(());
        }
        Err(self
            .error(&name.span(), format!("no {what} named `{}`", name.get_ref()))
            .nearest(name.get_ref(), known.iter().copied()))
    }

    fn share(&self, span: &Range<usize>, field: &str, value: f64) -> Checked {
        if (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        Err(self
            .error(span, format!("`{field}` is a share: 0 to 1, not {value}"))
            .hint("write for example 0.25 for a quarter"))
    }

    fn ip_set(&self, set: &IpSetSpec) -> Checked {
        let wants_v6 = match set.version.get_ref().as_str() {
            "IPV4" => false,
            "IPV6" => true,
            other => {
                let error = self.error(&set.version.span(), format!("unknown IP version `{other}`"));
                return Err(error.hint("write `IPV4` or `IPV6`"));
            }
        };
        for address in &set.addresses {
            let net: &IpNet = address.get_ref();
            if matches!(net, IpNet::V6(_)) != wants_v6 {
                let error =
                    self.error(&address.span(), format!("{net} does not fit a set of {}", set.version.get_ref()));
                let other = if wants_v6 { "IPV4" } else { "IPV6" };
                return Err(error.hint(format!("move it to a set with `version = \"{other}\"`")));
            }
            self.prefix(net, &address.span())?;
            if net.prefix_len() == 0 {
                let halves = if wants_v6 { "`::/1` and `8000::/1`" } else { "`0.0.0.0/1` and `128.0.0.0/1`" };
                let error = self.error(&address.span(), "AWS refuses /0 in an IP set");
                return Err(error.hint(format!("everybody is {halves}")));
            }
        }
        Ok(())
    }

    /// One form of every prefix: without host bits, which AWS refuses, and IPv4 as IPv4.
    fn prefix(&self, net: &IpNet, span: &Range<usize>) -> Checked {
        if net.trunc() != *net {
            let error = self.error(span, format!("{net} has host bits, which AWS refuses"));
            return Err(error.hint(format!("write `{}`", net.trunc())));
        }
        let mapped = match net {
            IpNet::V6(net) if net.prefix_len() >= 96 => {
                net.addr().to_ipv4_mapped().map(|v4| (v4, net.prefix_len() - 96))
            }
            _ => None,
        };
        let Some((v4, bits)) = mapped else { return Ok(()) };
        Err(self
            .error(span, format!("{net} is IPv4-mapped: AWS sees such callers as IPv4"))
            .hint(format!("write `{v4}/{bits}`")))
    }

    fn web_acl(&self, acl: &WebAclSpec) -> Checked {
        use super::RuleActionSpec::{Allow, Block};
        if !matches!(acl.default_action, Allow | Block) {
            let error = self.error(&acl.name.span(), "a web ACL's default action lets in or turns away");
            return Err(error.hint("write `default_action = \"allow\"` or `\"block\"`"));
        }
        self.unique("rule", acl.rules.iter().map(|rule| &rule.name))?;
        acl.rules.iter().try_for_each(|rule| self.rule(rule, false))
    }

    fn rule(&self, rule: &RuleSpec, inside_group: bool) -> Checked {
        let span = rule.name.span();
        let matchers = [
            rule.ip_set.is_some(),
            rule.not_ip_set.is_some(),
            rule.rate.is_some(),
            rule.managed.is_some(),
            rule.rule_group.is_some(),
            rule.countries.is_some(),
            rule.statement.is_some(),
        ];
        if matchers.iter().filter(|given| **given).count() != 1 {
            let error = self.error(&span, format!("rule `{}` must match exactly one thing", rule.name.get_ref()));
            return Err(error.hint("one of ip_set, not_ip_set, rate, managed, rule_group, countries, statement"));
        }
        if let Some(raw) = &rule.statement
            && let Err(refused) = crate::service::wafv2::evaluable(raw)
        {
            let name = rule.name.get_ref();
            let error = self.error(&span, format!("the statement of rule `{name}` is refused: {}", refused.message));
            return Err(error.hint("docs/drills.md, \"What a rule may ask of a request\", lists what is evaluated"));
        }
        let is_group = rule.managed.is_some() || rule.rule_group.is_some();
        if is_group && inside_group {
            let error = self.error(&span, "rule groups do not nest");
            return Err(error.hint("name the inner group in a rule of the web ACL"));
        }
        if is_group && rule.action.is_some() {
            return Err(self
                .error(&span, "a group has no `action`")
                .hint("write `override = \"none\"` or `\"count\"`"));
        }
        if !is_group && (rule.override_action.is_some() || !rule.count_rules.is_empty()) {
            return Err(self.error(&span, "`override` and `count_rules` belong to groups").hint("write `action`"));
        }
        if !is_group && rule.action.is_none() {
            let error = self.error(&span, format!("rule `{}` has no `action`", rule.name.get_ref()));
            return Err(error.hint("write `action = \"block\"`, `\"count\"` or `\"allow\"`"));
        }
        let sets: Vec<&str> = self.world.ip_sets.iter().map(|set| set.name.get_ref().as_str()).collect();
        for name in rule.ip_set.iter().chain(&rule.not_ip_set) {
            self.refers("IP set", name, &sets)?;
        }
        let groups: Vec<&str> = self.world.rule_groups.iter().map(|group| group.name.get_ref().as_str()).collect();
        rule.rule_group.iter().try_for_each(|name| self.refers("rule group", name, &groups))?;
        if let Some(rate) = &rule.rate
            && (!matches!(rate.window.seconds, 60 | 120 | 300 | 600) || rate.limit < 10)
        {
            let error = self.error(&span, "a rate rule's limit is 10 or more, its window 1m, 2m, 5m or 10m");
            return Err(error.hint("write for example `rate = { limit = 100, window = \"5m\" }`"));
        }
        Ok(())
    }

    fn api(&self, api: &ApiSpec) -> Checked {
        if !matches!(api.endpoint.get_ref().as_str(), "REGIONAL" | "EDGE" | "PRIVATE") {
            let error = self.error(&api.endpoint.span(), format!("unknown endpoint type `{}`", api.endpoint.get_ref()));
            return Err(error.hint("write `REGIONAL`, `EDGE` or `PRIVATE`"));
        }
        match api.protocol.get_ref().as_str() {
            "REST" => {}
            "HTTP" => self.http_api(api)?,
            other => {
                let error = self.error(&api.protocol.span(), format!("unknown protocol `{other}`"));
                return Err(error.hint("write `REST` or `HTTP`"));
            }
        }
        if let Some(policy) = &api.policy
            && let Err(error) = serde_json::from_str::<serde_json::Value>(policy.get_ref())
        {
            let error = self.error(&policy.span(), format!("`policy` is not JSON: {error}"));
            return Err(error.hint("write it as IAM takes it, between ''' so that its quotation marks need no escape"));
        }
        let backends: Vec<&str> = self.world.backends.iter().map(|backend| backend.name.get_ref().as_str()).collect();
        api.backend.iter().try_for_each(|name| self.refers("backend", name, &backends))?;
        self.unique("authorizer", api.authorizers.iter().map(|authorizer| &authorizer.name))?;
        for authorizer in &api.authorizers {
            if AuthorizerKind::named(&authorizer.kind).is_none() {
                let error = self.error(&authorizer.name.span(), format!("unknown authorizer `{}`", authorizer.kind));
                return Err(error.hint("write `TOKEN`, `REQUEST` or `COGNITO_USER_POOLS`"));
            }
        }
        for method in &api.methods {
            let span = method.path.span();
            self.authorization(api, method)?;
            method.backend.iter().try_for_each(|name| self.refers("backend", name, &backends))?;
            if !method.path.get_ref().starts_with('/') {
                let path = method.path.get_ref();
                let error = self.error(&span, format!("`{path}` is not a path: it starts with `/`"));
                return Err(error.hint(format!("write `/{path}`")));
            }
            let latency = method.latency_ms;
            if !(latency.p50 > 0.0 && latency.p99 >= latency.p50 && latency.p99.is_finite()) {
                let error = self.error(&span, "`latency_ms` needs 0 < p50 <= p99");
                return Err(error.hint("write for example `latency_ms = { p50 = 20, p99 = 200 }`"));
            }
        }
        self.unique("stage", api.stages.iter().map(|stage| &stage.name))?;
        api.stages.iter().try_for_each(|stage| self.stage(stage))
    }

    /// What HTTP APIs do not have (documented).
    fn http_api(&self, api: &ApiSpec) -> Checked {
        let has = |what: &str| {
            let error = self.error(&api.name.span(), format!("an HTTP API has no {what}"));
            Err(error.hint("take it out, or write `protocol = \"REST\"`"))
        };
        if api.policy.is_some() {
            return has("resource policy");
        }
        if api.stages.iter().any(|stage| stage.web_acl.is_some()) {
            return has("web ACL");
        }
        if api.stages.iter().any(|stage| stage.cache.is_some()) {
            return has("cache");
        }
        if api.methods.iter().any(|method| method.api_key_required) {
            return has("API keys");
        }
        if api.authorizers.is_empty() && api.methods.iter().all(|method| method.authorizer.is_none()) {
            return Ok(());
        }
        has("named authorizers here")
    }

    fn authorization(&self, api: &ApiSpec, method: &MethodSpec) -> Checked {
        let span = method.path.span();
        let pool = match method.authorization.as_str() {
            "CUSTOM" => false,
            "COGNITO_USER_POOLS" => true,
            "JWT" if api.protocol.get_ref() == "HTTP" => return Ok(()),
            "NONE" | "AWS_IAM" if method.authorizer.is_none() => return Ok(()),
            "NONE" | "AWS_IAM" => {
                let error = self.error(&span, format!("`{}` has no authorizer to name", method.authorization));
                return Err(error.hint("take `authorizer` out, or write `authorization = \"CUSTOM\"`"));
            }
            other => {
                let error = self.error(&span, format!("unknown authorization `{other}`"));
                return Err(error.hint("write `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`"));
            }
        };
        let Some(name) = &method.authorizer else { return Ok(()) };
        let fitting = api.authorizers.iter().filter(|known| (known.kind == "COGNITO_USER_POOLS") == pool);
        let fitting: Vec<&str> = fitting.map(|known| known.name.get_ref().as_str()).collect();
        self.refers("fitting authorizer", name, &fitting)
    }

    fn stage(&self, stage: &StageSpec) -> Checked {
        let acls: Vec<&str> = self.world.web_acls.iter().map(|acl| acl.name.get_ref().as_str()).collect();
        stage.web_acl.iter().try_for_each(|name| self.refers("web ACL", name, &acls))?;
        let backends: Vec<&str> = self.world.backends.iter().map(|backend| backend.name.get_ref().as_str()).collect();
        stage.backend.iter().try_for_each(|name| self.refers("backend", name, &backends))?;
        stage.access_log.iter().try_for_each(|log| self.access_log(log))
    }

    fn access_log(&self, log: &AccessLogSpec) -> Checked {
        let group = log.group.get_ref();
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-/.#".contains(letter);
        if group.is_empty() || group.len() > 512 || !group.chars().all(fits) {
            let error = self.error(&log.group.span(), format!("`{group}` is not a name of a log group"));
            return Err(error.hint("letters, digits and _ - / . #"));
        }
        if format::refusal(log.written_out()).is_some() {
            let words =
                "an access log's `format` is one line with `$context.requestId` or `$context.extendedRequestId`";
            return Err(self.error(&log.format.span(), words).hint("write `json`, `clf` or such a line"));
        }
        Ok(())
    }

    fn plans(&self) -> Checked {
        self.unique("API key", self.world.api_keys.iter().map(|key| &key.name))?;
        self.unique("usage plan", self.world.usage_plans.iter().map(|plan| &plan.name))?;
        for plan in &self.world.usage_plans {
            plan.keys.iter().try_for_each(|name| self.api_key(name))?;
            plan.stages.iter().try_for_each(|stage| self.stage_ref(&stage.stage))?;
        }
        Ok(())
    }

    fn api_key(&self, name: &Spanned<String>) -> Checked {
        let keys: Vec<&str> = self.world.api_keys.iter().map(|key| key.name.get_ref().as_str()).collect();
        self.refers("API key", name, &keys)
    }

    fn stage_ref(&self, stage: &Spanned<StageRef>) -> Checked {
        let stages: Vec<String> = self
            .world
            .apis
            .iter()
            .flat_map(|api| api.stages.iter().map(|stage| format!("{}/{}", api.name.get_ref(), stage.name.get_ref())))
            .collect();
        let wanted = format!("{}/{}", stage.get_ref().api, stage.get_ref().stage);
        if stages.contains(&wanted) {
            return Ok(());
        }
        let error = self.error(&stage.span(), format!("no stage `{wanted}`"));
        Err(error.nearest(&wanted, stages.iter().map(String::as_str)))
    }

    fn population(&self, population: &Population) -> Checked {
        let span = population.name.span();
        self.stage_ref(&population.stage)?;
        population.api_key.iter().try_for_each(|name| self.api_key(name))?;
        if !(population.rate.is_finite() && population.rate >= 0.0 && population.cost > 0.0 && population.noise >= 0.0)
        {
            let error = self.error(&span, "`rate` and `noise` must not be negative, `cost` must be above 0");
            return Err(error.hint("write for example `rate = 10`, `noise = 0.1`, `cost = 1`"));
        }
        self.share(&span, "client_errors + server_errors", population.client_errors + population.server_errors)?;
        self.requests(population)?;
        self.sources(population)?;
        self.conduct(population)?;
        for habit in &population.habits {
            self.share(&habit.share.span(), "share", *habit.share.get_ref())?;
        }
        let habits: f64 = population.habits.iter().map(|habit| *habit.share.get_ref()).sum();
        self.share(&span, "share of all habits", habits)
    }

    fn requests(&self, population: &Population) -> Checked {
        if population.requests.is_empty() || population.sources.is_empty() {
            let error = self.error(&population.name.span(), "a population needs `requests` and `sources`");
            return Err(error.hint(
                "write `requests = [{ route = \"GET /products\" }]` and `sources = [{ prefix = \"192.0.2.0/24\", count = 20 }]`",
            ));
        }
        let api = self.world.apis.iter().find(|api| *api.name.get_ref() == population.stage.get_ref().api);
        let known: Vec<String> = api
            .iter()
            .flat_map(|api| api.methods.iter().map(|method| format!("{} {}", method.method, method.path.get_ref())))
            .collect();
        for request in &population.requests {
            let route = request.route.get_ref();
            let wanted = format!("{} {}", route.method, route.path);
            if !known.contains(&wanted) {
                let error = self.error(&request.route.span(), format!("the API has no method `{wanted}`"));
                return Err(error.nearest(&wanted, known.iter().map(String::as_str)));
            }
            if !(request.share.is_finite() && request.share > 0.0) {
                let error = self.error(&request.route.span(), "a request's `share` must be above 0");
                return Err(error.hint("write for example `share = 1`, or take the request out"));
            }
        }
        Ok(())
    }

    fn sources(&self, population: &Population) -> Checked {
        for source in &population.sources {
            let (net, span) = (source.prefix.get_ref(), source.prefix.span());
            self.prefix(net, &span)?;
            if let Some(outside) = source.addresses.iter().find(|address| !net.contains(*address)) {
                let error = self.error(&span, format!("{outside} is not in {net}"));
                return Err(error.hint("take it out, or give it a source of its own"));
            }
            let host_bits = u32::from(net.max_prefix_len() - net.prefix_len());
            let room = 1_usize.checked_shl(host_bits).unwrap_or(usize::MAX);
            // Half of the prefix must stay free, so that drawing distinct addresses, and moving, stays cheap.
            let wanted = source.count.saturating_mul(2).saturating_add(source.addresses.len());
            if source.count > 0 && wanted > room.max(2) {
                let error = self
                    .error(&span, format!("{net} is too small for {} addresses and as many to move to", source.count));
                let most = (room.max(2) / 2).saturating_sub(source.addresses.len().div_ceil(2));
                return Err(error.hint(format!("write `count = {most}` or less, or a wider prefix")));
            }
            if source.count == 0 && source.addresses.is_empty() {
                let error = self.error(&span, format!("no addresses in {net}"));
                return Err(error.hint("write `count = 20`, or `addresses` with a list of them"));
            }
        }
        Ok(())
    }
}
