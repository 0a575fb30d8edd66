#!/usr/bin/env python3
"""Deploys template.yaml into an emulated AWS account as a user does, with `sam deploy`, and says where it is.

    deploy.py --template T --bootstrap B --work DIR [--parameter Name=value …]

The account is the one that AWS_ENDPOINT_URL names (ministack). The template is deployed as it stands but for DIFFERENCES,
the one list of what the emulator lacks. What SAM does with a bundle stays: the folder that CodeUri names holds the release
`bootstrap`, is packaged once, and is uploaded. The last line printed is JSON: {endpoint, table, resources, queues, functions, schedules, heard}.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

import boto3

STACK = "herald"
BUCKET = "herald-bundle"

# What the emulator does not do, each with its reason. Nothing else may differ.
DIFFERENCES = {
    # "AWS::CloudWatch::Alarm Properties.Metrics (metric math) is not supported". The template gate lints the alarm.
    "without_resources": ["SyncSuccessAlarm"],
    # Its policies know no kms:EncryptionContext, so that every call of the key would be refused. What the context protects is tested at
    # the vault, and the condition's form is the one that AWS documents.
    "without_conditions": [r"(?m)^ +Condition:\n +'Null': \{ 'kms:EncryptionContext:.*\n +ForAllValues:StringEquals: \{ 'kms:EncryptionContextKeys'.*\n"],
    # The OpenAPI body that SAM makes for an HTTP API is not imported, so the API has no routes: complete_routes makes them from that body.
    "routes_from_body": True,
    # A layer is unpacked beside the function and not at /opt, so that a PDF report finds no fonts there and is answered 503.
    "layers_beside": True,
    # A number that comes from a parameter stays text, on which the poller of queues stumbles: whole_numbers writes it again.
    "numbers_from_parameters": True,
}


def without(template, names):
    """The template's text without the resources of these names."""
    for name in names:
        template, found = re.subn(rf"(?ms)^  {name}:\n.*?(?=^  \S|^\S)", "", template)
        if found != 1:
            sys.exit(f"deploy: {name} is no longer in the template; take it from DIFFERENCES")
    return template


def unconditional(template, patterns):
    """The template's text without the conditions that these patterns find."""
    for pattern in patterns:
        template, found = re.subn(pattern, "", template)
        if found == 0:
            sys.exit(f"deploy: nothing in the template is like {pattern}; take it from DIFFERENCES")
    return template


def sam_deploy(stage, parameters):
    sam = os.path.join(os.path.dirname(sys.executable), "sam")
    run = subprocess.run(
        [sam, "deploy", "--template-file", "template.yaml", "--stack-name", STACK, "--s3-bucket", BUCKET,
         "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
         "--parameter-overrides", *parameters],
        cwd=stage, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        failed = [line for line in run.stdout.splitlines() if "FAILED" in line]
        sys.exit("deploy: sam deploy failed\n" + "\n".join(failed) + run.stderr[-2000:])


def complete_routes(physical, made):
    """Makes the API's routes from the body that SAM has put into the translated template."""
    gateway, functions = boto3.client("apigatewayv2"), boto3.client("lambda")
    api = physical["HttpApi"]
    integrations = {}
    for path, methods in made["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = re.search(r"functions/\$\{(\w+)\.Arn\}", uri).group(1)
            if function not in integrations:
                arn = functions.get_function(FunctionName=physical[function])["Configuration"]["FunctionArn"]
                integrations[function] = gateway.create_integration(
                    ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0")["IntegrationId"]
            gateway.create_route(ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{integrations[function]}")
    # Names below localhost do not resolve everywhere; the emulator serves the same API under a path.
    return f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api}/$default"


def whole_numbers():
    functions = boto3.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        most = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": most})


def listen(bus):
    """A queue that hears everything that is put on the bus; not a part of the bundle."""
    queue = boto3.client("sqs").create_queue(QueueName=f"{STACK}-heard")["QueueUrl"]
    arn = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    boto3.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events = boto3.client("events")
    events.put_rule(Name=f"{STACK}-heard", EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule=f"{STACK}-heard", EventBusName=bus, Targets=[{"Id": "heard", "Arn": arn}])
    return queue


def main():
    asked = argparse.ArgumentParser()
    for name in ("template", "bootstrap", "work"):
        asked.add_argument(f"--{name}", required=True)
    asked.add_argument("--parameter", action="append", default=[])
    asked = asked.parse_args()
    stage = os.path.join(asked.work, "stage")
    os.makedirs(os.path.join(stage, "functions"))
    shutil.copy(asked.bootstrap, os.path.join(stage, "functions", "bootstrap"))
    layer = os.path.join("infra", "fonts", "layer")
    shutil.copytree(os.path.join(os.path.dirname(asked.template), layer), os.path.join(stage, layer))
    with open(asked.template, encoding="utf-8") as file:
        template = without(file.read(), DIFFERENCES["without_resources"])
    template = unconditional(template, DIFFERENCES["without_conditions"])
    with open(os.path.join(stage, "template.yaml"), "w", encoding="utf-8") as file:
        file.write(template)

    boto3.client("s3").create_bucket(Bucket=BUCKET)
    sam_deploy(stage, asked.parameter)
    cloud = boto3.client("cloudformation")
    made = cloud.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    pages = cloud.get_paginator("list_stack_resources").paginate(StackName=STACK)
    summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
    physical = {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}
    endpoint = complete_routes(physical, made)
    whole_numbers()
    heard = listen(physical["EventBus"])
    of_type = lambda kind: {s["LogicalResourceId"]: s["PhysicalResourceId"] for s in summaries if s["ResourceType"] == kind}
    print(json.dumps({
        "endpoint": endpoint, "table": physical["Table"], "resources": len(summaries),
        "queues": of_type("AWS::SQS::Queue"), "functions": of_type("AWS::Lambda::Function"),
        "schedules": of_type("AWS::Scheduler::Schedule"), "heard": heard,
    }))


if __name__ == "__main__":
    main()
