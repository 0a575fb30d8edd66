#!/usr/bin/env python3
"""The template gate: what `sam validate --lint` lets through is caught here.

    scripts/check-template.py template.yaml

1. `sam validate` on the SAM template.
2. The SAM translator, then cfn-lint on what it puts out (a dangling reference inside a policy
   template, a concurrency of 1 or an unknown runtime pass every lint of the SAM file itself).
3. Rules of our own: a bounded number of resources, schedule expressions, queues, actions.

Exceptions from cfn-lint stand in the template (Metadata: cfn-lint: config: ignore_checks).
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(os.path.dirname(HERE), ".tools", "venv")
MAX_RESOURCES = 400
REGION = "us-east-1"

RATE = re.compile(r"^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$")
CRON = re.compile(r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$")
AT = re.compile(r"^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$")


def sam_validate(path):
    """Problems that SAM's own validation reports."""
    env = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    run = subprocess.run(
        [os.path.join(VENV, "bin", "sam"), "validate", "--region", REGION, "--template-file", path],
        env=env, capture_output=True, text=True, check=False,
    )
    if run.returncode == 0:
        return []
    said = "\n".join(line for line in (run.stderr + run.stdout).splitlines() if line.strip())
    return [f"sam validate: {said}"]


def translate(path):
    """The CloudFormation template that SAM makes of it, or the reasons why it makes none."""
    import boto3
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # Local paths become S3 objects when the bundle is uploaded; the translator takes only those.
    local = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for resource in template.get("Resources", {}).values():
        if resource.get("Type") in local:
            resource.setdefault("Properties", {})[local[resource["Type"]]] = "s3://bucket/key"
    try:
        made = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION)).translate(template, {})
    except InvalidDocumentException as problem:
        return None, [f"SAM translator: {cause.message}" for cause in problem.causes]
    return made, []


def lint(made):
    """cfn-lint's errors and warnings on the translated template."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(made, file, indent=1)
    try:
        run = subprocess.run(
            [os.path.join(VENV, "bin", "cfn-lint"), "--regions", REGION, "--format", "json", "--", file.name],
            capture_output=True, text=True, check=False,
        )
    finally:
        os.unlink(file.name)
    try:
        matches = json.loads(run.stdout or "[]")
    except ValueError:
        return [f"cfn-lint: {run.stdout}{run.stderr}"]
    problems = []
    for match in matches:
        if match["Level"] == "Informational":
            continue
        where = "/".join(str(step) for step in match["Location"].get("Path") or [])
        problems.append(f"cfn-lint {match['Rule']['Id']} at {where}: {match['Message']}")
    return problems


def target(value):
    """The logical id behind a Ref or a GetAtt, or None."""
    if isinstance(value, dict) and "Ref" in value:
        return value["Ref"]
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        got = value["Fn::GetAtt"]
        return got.split(".")[0] if isinstance(got, str) else got[0]
    return None


def parameter(made, value):
    """A value, or the default of the parameter that it refers to."""
    if isinstance(value, dict) and set(value) == {"Ref"}:
        return made.get("Parameters", {}).get(value["Ref"], {}).get("Default", value)
    return value


def wide_actions(node):
    """Every action with a star at its end, anywhere below a policy document."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            actions = node.get("Action", [])
            for action in actions if isinstance(actions, list) else [actions]:
                if isinstance(action, str) and action.endswith("*"):
                    yield action
        for child in node.values():
            yield from wide_actions(child)
    elif isinstance(node, list):
        for child in node:
            yield from wide_actions(child)


def own_rules(made):
    """What no linter knows about this bundle."""
    resources = made.get("Resources", {})
    problems = []
    if len(resources) > MAX_RESOURCES:
        problems.append(f"{len(resources)} resources after the translation; the limit here is {MAX_RESOURCES}")
    dead_letter = {
        target((queue.get("Properties", {}).get("RedrivePolicy") or {}).get("deadLetterTargetArn"))
        for queue in resources.values() if queue["Type"] == "AWS::SQS::Queue"
    }
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
            expression = parameter(made, properties.get("ScheduleExpression"))
            if isinstance(expression, str) and not (RATE.match(expression) or CRON.match(expression) or AT.match(expression)):
                problems.append(f"{name}: `{expression}` is not a schedule expression")
        if resource["Type"] == "AWS::SQS::Queue" and name not in dead_letter and "RedrivePolicy" not in properties:
            problems.append(f"{name}: a queue needs a RedrivePolicy to a dead-letter queue")
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            queue = resources.get(target(properties.get("EventSourceArn")), {})
            function = resources.get(target(properties.get("FunctionName")), {}).get("Properties", {})
            visibility = parameter(made, queue.get("Properties", {}).get("VisibilityTimeout", 30))
            timeout = parameter(made, function.get("Timeout", 3))
            if queue.get("Type") == "AWS::SQS::Queue" and all(isinstance(n, (int, str)) for n in (visibility, timeout)):
                if int(visibility) < 6 * int(timeout):
                    problems.append(f"{name}: a VisibilityTimeout of {visibility} s is under six times the function's {timeout} s")
        # A key's own policy hands the whole key to the account, whose roles then narrow it.
        for action in wide_actions(properties) if resource["Type"] != "AWS::KMS::Key" else ():
            problems.append(f"{name}: the action `{action}` is wider than any function needs")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    if not os.path.exists(path):
        sys.exit(f"check-template: there is no {path}")
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        if os.environ.get("CI") == "true":
            sys.exit("check-template: .tools/venv is missing: run scripts/install-test-tools.sh")
        print("SKIPPED: the template gate (no .tools/venv: run scripts/install-test-tools.sh)")
        return
    if os.path.abspath(sys.prefix) != os.path.abspath(VENV):
        os.execv(python, [python, *sys.argv])

    problems = sam_validate(path)
    made, refused = translate(path)
    problems += refused
    if made is not None:
        problems += lint(made) + own_rules(made)
    for problem in problems:
        print(f"check-template: {problem}")
    if problems:
        sys.exit(1)
    print(f"check-template: {path} is sound, {len(made['Resources'])} resources of {MAX_RESOURCES}")


if __name__ == "__main__":
    main()
