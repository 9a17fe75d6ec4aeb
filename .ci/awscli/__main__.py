"""The AWS CLI and the console against `portcullis range serve`, on loopback.

A client that nobody here wrote has to agree with the range, and the two have to agree about what the console did.

    python3 .ci/awscli                       all checks
    python3 .ci/awscli ip_sets done_when     only these
    python3 .ci/awscli --list                their names, and what each looks at

`PORTCULLIS` names the console's binary, `AWS` the AWS CLI's; both default to what is on the path.
"""

import importlib
import subprocess
import sys
import time

from world import SUITES, Failed

# Each registers its checks as it is imported; they run in this order.
for module in ("aws_side", "blocking", "throttling", "closing", "stepwise", "outcome"):
    importlib.import_module(module)


def about(function):
    return f"{function.__name__}: {function.__doc__.splitlines()[0]}"


def main():
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        print("\n".join(about(function) for function in SUITES))
        return
    unknown = set(wanted) - {function.__name__ for function in SUITES}
    if unknown:
        sys.exit(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(f.__name__ for f in SUITES)}")
    failed = []
    for function in [f for f in SUITES if not wanted or f.__name__ in wanted]:
        began = time.monotonic()
        try:
            function()
            print(f"ok       {about(function)} ({time.monotonic() - began:.0f} s)", flush=True)
        except (Failed, subprocess.TimeoutExpired) as error:
            failed.append(function.__name__)
            print(f"FAILED   {function.__name__} ({time.monotonic() - began:.0f} s): {error}", flush=True)
    print(f"{len(wanted or SUITES) - len(failed)} suites passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
