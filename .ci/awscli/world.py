"""A range on loopback, the two programs that look at it, and what every check needs of them."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

PORTCULLIS = os.path.abspath(shutil.which(os.environ.get("PORTCULLIS", "portcullis")) or "portcullis")
AWS = shutil.which(os.environ.get("AWS", "aws")) or "aws"
PATIENCE = 60
VISIBLE = "SampledRequestsEnabled=true,CloudWatchMetricsEnabled=true,MetricName="
SUITES = []


def suite(function):
    SUITES.append(function)
    return function


class Failed(Exception):
    pass


def check(holds, what, *evidence):
    if not holds:
        raise Failed("\n".join([what, *(str(line) for line in evidence)]))


def equal(have, want, what):
    check(have == want, f"{what}: {have!r} instead of {want!r}")


class Ended:
    """A program that has ended."""

    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise Failed(f"{self}\nis not JSON") from None

    def __str__(self):
        return f"$ {' '.join(self.words)}\nexit {self.code}\n{self.out}{self.err}"


class World:
    """A range on a port of its own, with a folder of its own for what the console keeps."""

    def __init__(self, *options, speed=60, scenario="sqli-flood"):
        self.ids = {}
        self.home = tempfile.mkdtemp(prefix="portcullis-awscli-")
        self.env = {
            "HOME": self.home,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "XDG_STATE_HOME": os.path.join(self.home, "state"),
            "XDG_CONFIG_HOME": os.path.join(self.home, "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        words = [PORTCULLIS, "range", "serve", scenario, "--listen", "127.0.0.1:0", "--speed", str(speed), *options]
        self.server = subprocess.Popen(
            words, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        # "Serving on" follows the last `export`, so what precedes it is whole.
        self.said = self.server.stderr.readline()
        check("serving on" in self.said, "the range did not start", self.said)
        for line in self.lines_so_far():
            name, value = re.fullmatch(r"export (\w+)=(.*)", line).groups()
            self.env[name] = value
        self.url = self.env["AWS_ENDPOINT_URL"]
        check(not self.url.endswith(":0"), "the address printed has the port listened on", self.url)
        check(self.url in self.said, "what is printed and what is said agree", self.url, self.said)

    def lines_so_far(self):
        os.set_blocking(self.server.stdout.fileno(), False)
        return self.server.stdout.read().splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()
        self.server.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, words, env=None):
        env = self.env if env is None else env
        done = subprocess.run(
            words, env=env, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
        return Ended(words, done.returncode, done.stdout, done.stderr)

    def try_aws(self, *words):
        return self.run([AWS, "--output", "json", *words])

    def aws(self, *words):
        """An AWS CLI command that succeeds: its JSON."""
        done = self.try_aws(*words)
        check(done.code == 0, "the AWS CLI failed", done)
        return done.json() if done.out.strip() else {}

    def refused(self, error, *words):
        """An AWS CLI command that is refused with `error`."""
        done = self.try_aws(*words)
        check(done.code != 0 and f"({error})" in done.err, f"{error} was expected", done)
        return done.err

    def console(self, *words, env=None):
        return self.run([PORTCULLIS, *words], env)

    def exits(self, code, *words):
        done = self.console(*words)
        check(done.code == code, f"exit code {code} was expected", done)
        return done

    def said_json(self, code, noun, *words):
        """A console command with `-o json`, its exit code and schema checked."""
        value = self.exits(code, *words, "-o", "json").json()
        equal(value.get("schema"), f"portcullis.{noun}/1", "schema")
        return value

    def now(self):
        """Account time, as every answer of the range tells it."""
        # STS has no quota to use up.
        asked = urllib.request.Request(self.url, data=b"Action=GetCallerIdentity&Version=2011-06-15")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return datetime.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=timezone.utc)

    def until(self, what, is_so):
        """Asks until it is so; the range's time passes meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = is_so()
            if found:
                return found
            check(time.monotonic() < deadline, f"{what} did not come within {PATIENCE} s")
            time.sleep(0.05)

    def ip_set(self, name):
        """Id, lock token and addresses of an IP set, as the AWS CLI sees it."""
        if name not in self.ids:
            rows = self.aws("wafv2", "list-ip-sets", "--scope", "REGIONAL")["IPSets"]
            self.ids.update((row["Name"], row["Id"]) for row in rows)
        return self.aws("wafv2", "get-ip-set", "--scope", "REGIONAL", "--name", name, "--id", self.ids[name])

    def addresses(self, name="shop-blocklist"):
        return self.ip_set(name)["IPSet"]["Addresses"]

    def write_addresses(self, name, addresses):
        """What another writer does."""
        was = self.ip_set(name)
        return self.aws(
            "wafv2", "update-ip-set", "--scope", "REGIONAL", "--name", name, "--id", was["IPSet"]["Id"],
            "--lock-token", was["LockToken"], "--description", was["IPSet"]["Description"], "--addresses", *addresses,
        )  # fmt: skip

    def plan(self, *words):
        """The phrase of a plan to block."""
        return self.phrase("block-ip", *words)

    def phrase(self, *words):
        """The phrase of a plan with changes."""
        return self.said_json(2, "plan", "plan", *words)["plan"]["confirm"]

    def applied(self, *words):
        """Plans an action, confirms it, does it: its id."""
        return self.said_json(0, "action", "apply", *words, "--confirm", self.phrase(*words))["action"]["id"]

    def undone(self, action):
        asked = self.console("undo", action)
        equal(asked.code, 5, f"off a terminal an undo asks for its phrase; {asked}")
        self.exits(0, "undo", action, "--confirm", re.search(r"shop/prod [0-9a-f]{4}$", asked.out, re.M).group(0))

    def api(self):
        return self.aws("apigateway", "get-rest-apis")["items"][0]["id"]

    def stage(self, api):
        """The stage as the AWS CLI sees it, without when it was last changed."""
        stage = self.aws("apigateway", "get-stage", "--rest-api-id", api, "--stage-name", "prod")
        stage.pop("lastUpdatedDate", None)
        return stage

    def in_force(self):
        return self.said_json(0, "actions", "actions")["actions"]


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def request(world, api, method, path, address):
    """The status of a real request to the shop, as a client behind `address`."""
    url = f"{world.url}/restapis/{api}/prod/_user_request_{path}"
    asked = urllib.request.Request(url, method=method, headers={"X-Forwarded-For": address})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
