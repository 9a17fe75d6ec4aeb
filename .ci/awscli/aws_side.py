"""The range as the AWS CLI sees it: what it can make, read and change there, and what is refused."""

import json
from datetime import timedelta

from world import VISIBLE, World, check, equal, iso, suite


@suite
def ip_sets():
    """wafv2: IP sets, and what WAF refuses."""
    with World() as world:
        create = ["wafv2", "create-ip-set", "--scope", "REGIONAL", "--ip-address-version"]
        made = world.aws(*create, "IPV4", "--name", "mine", "--description", "made here", "--addresses",
                         "198.51.100.0/24", "192.0.2.1/32")["Summary"]  # fmt: skip
        world.aws(*create, "IPV6", "--name", "mine-v6", "--addresses", "2001:db8::/32")
        world.refused("WAFDuplicateItemException", *create, "IPV4", "--name", "mine", "--addresses", "192.0.2.1/32")
        names = [row["Name"] for row in world.aws("wafv2", "list-ip-sets", "--scope", "REGIONAL")["IPSets"]]
        equal(sorted(names), ["mine", "mine-v6", "shop-blocklist", "shop-blocklist-v6"], "the IP sets")
        page = world.aws("wafv2", "list-ip-sets", "--scope", "REGIONAL", "--limit", "1")
        check(len(page["IPSets"]) == 1 and page["NextMarker"], "a list has pages", page)
        mine = ["--scope", "REGIONAL", "--name", "mine", "--id", made["Id"]]
        read = world.aws("wafv2", "get-ip-set", *mine)
        equal(sorted(read["IPSet"]["Addresses"]), ["192.0.2.1/32", "198.51.100.0/24"], "the addresses")
        equal(read["IPSet"]["Description"], "made here", "the description")
        update = ["wafv2", "update-ip-set", *mine, "--lock-token"]
        after = world.aws(*update, read["LockToken"], "--addresses", "192.0.2.2/32")
        check(after["NextLockToken"] != read["LockToken"], "an update gives a new lock token", after)
        world.refused("WAFOptimisticLockException", *update, read["LockToken"], "--addresses", "192.0.2.3/32")
        replaced = world.aws("wafv2", "get-ip-set", *mine)
        equal(replaced["IPSet"]["Addresses"], ["192.0.2.2/32"], "an update replaces, and a refused one does nothing")
        for wrong in ["0.0.0.0/0", "192.0.2.9", "195.178.188.66/29", "2001:db8::/32", "nonsense"]:
            world.refused("WAFInvalidParameterException", *update, after["NextLockToken"], "--addresses", wrong)
        unknown = "00000000-0000-4000-8000-000000000000"
        world.refused("WAFNonexistentItemException", "wafv2", "get-ip-set", "--scope", "REGIONAL", "--name", "none",
                      "--id", unknown)  # fmt: skip
        tags = world.aws("wafv2", "list-tags-for-resource", "--resource-arn", made["ARN"])
        equal(tags["TagInfoForResource"].get("TagList", []), [], "the tags of a set that has none")
        listed = next(row for row in world.aws("wafv2", "list-ip-sets", "--scope", "REGIONAL")["IPSets"]
                      if row["Name"] == "shop-blocklist")  # fmt: skip
        tags = world.aws("wafv2", "list-tags-for-resource", "--resource-arn", listed["ARN"])
        equal(tags["TagInfoForResource"].get("TagList", []), [], "the tags of a scenario's set")
        world.refused("WAFOptimisticLockException", "wafv2", "delete-ip-set", *mine, "--lock-token", read["LockToken"])
        world.aws("wafv2", "delete-ip-set", *mine, "--lock-token", after["NextLockToken"])
        world.refused("WAFNonexistentItemException", "wafv2", "get-ip-set", *mine)
        used = world.ip_set("shop-blocklist")
        world.refused("WAFAssociatedItemException", "wafv2", "delete-ip-set", "--scope", "REGIONAL", "--name",
                      "shop-blocklist", "--id", used["IPSet"]["Id"], "--lock-token", used["LockToken"])  # fmt: skip


@suite
def web_acls():
    """wafv2: rule groups, web ACLs and what they stand before."""
    with World() as world:
        blocklist = world.ip_set("shop-blocklist")["IPSet"]["ARN"]
        rule = {
            "Name": "listed", "Priority": 0, "Statement": {"IPSetReferenceStatement": {"ARN": blocklist}},
            "Action": {"Block": {}},
            "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "listed"},
        }  # fmt: skip
        rules = json.dumps([rule])
        group = world.aws("wafv2", "create-rule-group", "--scope", "REGIONAL", "--name", "ours", "--capacity", "10",
                          "--visibility-config", VISIBLE + "ours", "--rules", rules)["Summary"]  # fmt: skip
        ours = ["--scope", "REGIONAL", "--name", "ours", "--id", group["Id"]]
        read = world.aws("wafv2", "get-rule-group", *ours)
        equal(read["RuleGroup"]["Rules"], [rule], "the rules of the group")
        update = ["wafv2", "update-rule-group", *ours, "--visibility-config", VISIBLE + "ours", "--rules", "[]", "--lock-token"]
        after = world.aws(*update, read["LockToken"])
        world.refused("WAFOptimisticLockException", *update, read["LockToken"])
        equal(world.aws("wafv2", "get-rule-group", *ours)["RuleGroup"].get("Rules", []), [], "the rules after an update")
        rows = world.aws("wafv2", "list-rule-groups", "--scope", "REGIONAL")["RuleGroups"]
        check("ours" in [row["Name"] for row in rows], "the group is listed", rows)

        created = world.aws("wafv2", "create-web-acl", "--scope", "REGIONAL", "--name", "mine", "--default-action", "Allow={}",
                            "--visibility-config", VISIBLE + "mine", "--rules", rules)["Summary"]  # fmt: skip
        mine = ["--scope", "REGIONAL", "--name", "mine", "--id", created["Id"]]
        read = world.aws("wafv2", "get-web-acl", *mine)
        equal(read["WebACL"]["Rules"], [rule], "the rules of the web ACL")
        update = ["wafv2", "update-web-acl", *mine, "--default-action", "Block={}", "--visibility-config", VISIBLE + "mine",
                  "--rules", rules, "--lock-token"]  # fmt: skip
        world.aws(*update, read["LockToken"])
        world.refused("WAFOptimisticLockException", *update, read["LockToken"])
        equal(world.aws("wafv2", "get-web-acl", *mine)["WebACL"]["DefaultAction"], {"Block": {}}, "the default action")
        rows = world.aws("wafv2", "list-web-acls", "--scope", "REGIONAL")["WebACLs"]
        equal(sorted(row["Name"] for row in rows), ["mine", "shop-acl"], "the web ACLs")

        api = world.aws("apigateway", "get-rest-apis")["items"][0]["id"]
        dev = f"arn:aws:apigateway:{world.env['AWS_REGION']}::/restapis/{api}/stages/dev"
        equal(world.aws("wafv2", "get-web-acl-for-resource", "--resource-arn", dev), {}, "the web ACL of a stage without one")
        world.aws("wafv2", "associate-web-acl", "--web-acl-arn", created["ARN"], "--resource-arn", dev)
        equal(world.aws("wafv2", "get-web-acl-for-resource", "--resource-arn", dev)["WebACL"]["Name"], "mine", "dev's web ACL")
        stage = world.aws("apigateway", "get-stage", "--rest-api-id", api, "--stage-name", "dev")
        equal(stage.get("webAclArn"), created["ARN"], "the stage's own word about it")
        behind = ["wafv2", "list-resources-for-web-acl", "--web-acl-arn", created["ARN"], "--resource-type"]
        equal(world.aws(*behind, "API_GATEWAY")["ResourceArns"], [dev], "what is behind it")
        equal(world.aws(*behind, "APPLICATION_LOAD_BALANCER")["ResourceArns"], [], "load balancers behind it")
        token = world.aws("wafv2", "get-web-acl", *mine)["LockToken"]
        world.refused("WAFAssociatedItemException", "wafv2", "delete-web-acl", *mine, "--lock-token", token)
        world.aws("wafv2", "disassociate-web-acl", "--resource-arn", dev)
        equal(world.aws("wafv2", "get-web-acl-for-resource", "--resource-arn", dev), {}, "dev's web ACL afterwards")
        world.aws("wafv2", "delete-web-acl", *mine, "--lock-token", token)
        world.refused("WAFNonexistentItemException", "wafv2", "get-web-acl", *mine)
        world.aws("wafv2", "delete-rule-group", *ours, "--lock-token", after["NextLockToken"])
        world.refused("WAFNonexistentItemException", "wafv2", "get-rule-group", *ours)


@suite
def gateway():
    """apigateway: an API from nothing to a stage, and its settings."""
    with World() as world:
        api = world.aws("apigateway", "create-rest-api", "--name", "made-here", "--description", "a test")["id"]
        this = ["--rest-api-id", api]
        equal(world.aws("apigateway", "get-rest-api", *this)["name"], "made-here", "the API's name")
        names = [item["name"] for item in world.aws("apigateway", "get-rest-apis")["items"]]
        equal(sorted(names), ["made-here", "shop"], "the APIs")
        root = world.aws("apigateway", "get-resources", *this)["items"][0]
        equal(root["path"], "/", "the root")
        pets = world.aws("apigateway", "create-resource", *this, "--parent-id", root["id"], "--path-part", "pets")
        equal(pets["path"], "/pets", "the resource")
        at = [*this, "--resource-id", pets["id"], "--http-method", "GET"]
        world.aws("apigateway", "put-method", *at, "--authorization-type", "NONE")
        equal(world.aws("apigateway", "get-method", *at)["authorizationType"], "NONE", "the method")
        world.aws("apigateway", "put-integration", *at, "--type", "MOCK", "--request-templates",
                  '{"application/json":"{\\"statusCode\\": 200}"}')  # fmt: skip
        deployment = world.aws("apigateway", "create-deployment", *this, "--description", "first")["id"]
        equal(world.aws("apigateway", "get-deployment", *this, "--deployment-id", deployment)["description"], "first",
              "the deployment")  # fmt: skip
        world.aws("apigateway", "create-stage", *this, "--stage-name", "blue", "--deployment-id", deployment)
        stage = world.aws("apigateway", "get-stage", *this, "--stage-name", "blue")
        equal((stage["deploymentId"], stage.get("methodSettings", {})), (deployment, {}), "a fresh stage")
        equal([row["stageName"] for row in world.aws("apigateway", "get-stages", *this)["item"]], ["blue"], "the stages")
        world.aws("apigateway", "update-stage", *this, "--stage-name", "blue", "--patch-operations",
                  "op=replace,path=/*/*/throttling/rateLimit,value=10")  # fmt: skip
        entry = world.aws("apigateway", "get-stage", *this, "--stage-name", "blue")["methodSettings"]["*/*"]
        equal((entry["throttlingRateLimit"], entry["throttlingBurstLimit"]), (10, 5000), "one field materialises the entry")
        equal(len(world.aws("apigateway", "get-deployments", *this)["items"]), 1, "the deployments")
        world.refused("NotFoundException", "apigateway", "get-stage", *this, "--stage-name", "green")
        world.refused("NotFoundException", "apigateway", "get-rest-api", "--rest-api-id", "nothere000")
        # The console sees what another client made.
        labels = [row["stage"] for row in world.said_json(0, "snapshot", "snapshot")["stages"]]
        check("made-here/blue" in labels, "the console's board has the new stage", labels)


@suite
def metrics():
    """cloudwatch in the protocol that this CLI speaks, sampled requests, sts."""
    with World() as world:
        who = world.aws("sts", "get-caller-identity")
        equal(who["Account"], "111122223333", "the account")
        listed = world.aws("cloudwatch", "list-metrics", "--namespace", "AWS/ApiGateway")["Metrics"]
        names = {metric["MetricName"] for metric in listed}
        check({"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"} <= names, "the metrics of API Gateway", names)
        recent = world.aws("cloudwatch", "list-metrics", "--namespace", "AWS/WAFV2", "--recently-active", "PT3H")["Metrics"]
        check(any({"Name": "WebACL", "Value": "shop-acl"} in metric["Dimensions"] for metric in recent), "WAF's series", recent)
        shop = [{"Name": "ApiName", "Value": "shop"}, {"Name": "Stage", "Value": "prod"}]

        def query(name, id, stat, namespace="AWS/ApiGateway", dimensions=shop):
            metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
            return {"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}

        acl = [{"Name": "WebACL", "Value": "shop-acl"}, {"Name": "Rule", "Value": "ALL"},
               {"Name": "Region", "Value": world.env["AWS_REGION"]}]  # fmt: skip
        queries = [
            query("Count", "requests", "SampleCount"),
            query("4XXError", "errors", "Sum"),
            query("Latency", "slow", "p99"),
            query("AllowedRequests", "allowed", "Sum", "AWS/WAFV2", acl),
            {"Id": "share", "Expression": "errors / requests"},
        ]

        def data():
            now = world.now()
            answer = world.aws("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(queries), "--start-time",
                               iso(now - timedelta(minutes=10)), "--end-time", iso(now))  # fmt: skip
            return {row["Id"]: row for row in answer["MetricDataResults"]}

        rows = data()
        equal({row["StatusCode"] for row in rows.values()}, {"Complete"}, "the status of every series")
        check(5 <= len(rows["requests"]["Values"]) <= 10, "a value a minute", rows["requests"])
        check(all(3_000 < value for value in rows["requests"]["Values"]), "the shop's customers", rows["requests"])
        whole = dict(zip(rows["requests"]["Timestamps"], rows["requests"]["Values"]))
        for at, share in zip(rows["share"]["Timestamps"], rows["share"]["Values"]):
            errors = dict(zip(rows["errors"]["Timestamps"], rows["errors"]["Values"]))[at]
            check(abs(share - errors / whole[at]) < 1e-9, "the maths agrees with its parts", at, share)
        for at, allowed in zip(rows["allowed"]["Timestamps"], rows["allowed"]["Values"]):
            check(at not in whole or abs(allowed - whole[at]) <= whole[at] * 0.2, "WAF and the stage agree", at, allowed, whole)
        world.until("the flood", lambda: max(data()["requests"]["Values"]) > 30_000)

        arn = world.aws("wafv2", "list-web-acls", "--scope", "REGIONAL")["WebACLs"][0]["ARN"]

        def samples(items):
            now = world.now()
            window = f"StartTime={iso(now - timedelta(minutes=1))},EndTime={iso(now)}"
            return ["wafv2", "get-sampled-requests", "--web-acl-arn", arn, "--rule-metric-name", "shop-acl-metric",
                    "--scope", "REGIONAL", "--time-window", window, "--max-items", str(items)]  # fmt: skip

        sampled = world.aws(*samples(100))
        check(0 < len(sampled["SampledRequests"]) <= 100, "some samples", sampled)
        check(sampled["PopulationSize"] <= 5_000, "of the first 5,000 requests", sampled["PopulationSize"])
        first = sampled["SampledRequests"][0]
        check({"Request", "Weight", "Timestamp", "Action"} <= set(first), "a sample's members", first)
        # The CLI checks the range of --max-items against its own model only for the lower end; the range checks both.
        refused = world.try_aws(*samples(501))
        check(refused.code != 0, "more than 500 samples are refused", refused)
        unknown = world.try_aws("cloudwatch", "describe-alarms")
        check(unknown.code != 0, "an operation that the range does not have is refused", unknown)
