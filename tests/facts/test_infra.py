"""Infrastructure: Terraform, Kubernetes, Helm, clouds, bundles, monitoring."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from mlready.facts.infra import claims, read
from mlready.facts.rows import FileFacts, Resource


def facts(path: str, text: str) -> FileFacts:
    found = read(path, dedent(text).lstrip("\n").encode())
    assert found.problem == ""
    return found


def only(path: str, text: str) -> Resource:
    (resource,) = facts(path, text).resources
    return resource


def named(path: str, text: str) -> dict[str, Resource]:
    return {row.name: row for row in facts(path, text).resources}


def test_claims() -> None:
    for path in (
        "main.tf",
        "infra/main.bicep",
        "k8s/x.yaml",
        "Chart.yaml",
        "models/a/config.pbtxt",
        "cdk.json",
        "dash.json",
    ):
        assert claims(path)
    for path in ("main.py", "README.md", "config.toml"):
        assert not claims(path)


# ---------------------------------------------------------------------------------------------------------- Terraform


def test_terraform_blocks() -> None:
    found = facts(
        "main.tf",
        """
        # comment { with brackets
        terraform {
          required_version = "~> 1.7"
          backend "s3" {
            bucket = "state"
          }
        }
        variable "db_password" { default = "hunter2hunter2" }
        resource "aws_s3_bucket" "data" {
          bucket = "data-${lookup(var.names, "a")}"
          versioning { enabled = true }
          tags = {
            team = "ml"
          }
          count = var.n > 1 ? 2 : 0
          policy = <<EOF
        { "x": "}" }
        EOF
        }
        data "aws_ami" "x" {}
        module "train" { source = "./train" }
        resource "aws_cloudwatch_event_rule" "nightly" { schedule_expression = "cron(0 4 * * ? *)" }
        """,
    )
    rows = {(row.kind, row.name): row for row in found.resources}
    assert list(rows) == [
        ("terraform", ""),
        ("variable", "db_password"),
        ("aws_s3_bucket", "data"),
        ("data.aws_ami", "x"),
        ("module", "train"),
        ("aws_cloudwatch_event_rule", "nightly"),
    ]
    assert rows["terraform", ""].details == (
        ("required_version", "~> 1.7"),
        ("backend.s3", ""),
        ("backend.s3.bucket", "state"),
    )
    assert rows["variable", "db_password"].details == (("default", "***"),)
    bucket = dict(rows["aws_s3_bucket", "data"].details)
    assert bucket["bucket"] == '"data-${lookup(var.names, "a")}"'
    assert (bucket["versioning.enabled"], bucket["tags"], bucket["count"]) == (
        "true",
        '{ team = "ml" }',
        "var.n > 1 ? 2 : 0",
    )
    assert [row.line for row in found.resources] == [2, 8, 9, 20, 21, 22]
    assert rows["aws_cloudwatch_event_rule", "nightly"].details == (("schedule_expression", "cron(0 4 * * ? *)"),)


def test_terraform_reads_on_after_an_error() -> None:
    found = facts("main.tf", 'resource "a" "b" {\n  x = "open\n  y = 1\n}\nmodule "m" {\n')
    assert [(row.kind, row.name) for row in found.resources] == [("a", "b"), ("module", "m")]


def test_bicep() -> None:
    found = facts(
        "main.bicep", "param x string\n\nresource ws 'Microsoft.MachineLearningServices/workspaces@2023-04-01' = {\n}\n"
    )
    assert [(row.kind, row.name, row.line) for row in found.resources] == [
        ("Microsoft.MachineLearningServices/workspaces@2023-04-01", "ws", 3)
    ]


# --------------------------------------------------------------------------------------------------------- Kubernetes


def test_deployment_and_autoscaler() -> None:
    found = facts(
        "k8s/all.yaml",
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: ml}
        spec:
          replicas: 3
          strategy: {type: RollingUpdate}
          template:
            spec:
              containers:
                - name: api
                  image: acme/api:1.2.3
                  command: [uvicorn, app:app]
                  readinessProbe: {httpGet: {path: /health, port: 80}}
                  securityContext: {runAsNonRoot: true}
                  env: [{name: TOKEN, value: abcdef12345}]
        ---
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: api}
        spec: {minReplicas: 2, maxReplicas: 10}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: s}
        stringData: {password: hunter2hunter2}
        """,
    )
    deployment, scaler, secret = found.resources
    assert (deployment.tool, deployment.kind, deployment.name, deployment.line) == (
        "kubernetes",
        "Deployment",
        "api",
        1,
    )
    for pair in (
        ("namespace", "ml"),
        ("replicas", "3"),
        ("strategy", "RollingUpdate"),
        ("image", "acme/api:1.2.3"),
        ("command", "uvicorn app:app"),
        ("readinessProbe", "yes"),
        ("securityContext.runAsNonRoot", "true"),
    ):
        assert pair in deployment.details
    assert "livenessProbe" not in dict(deployment.details)
    assert (scaler.line, dict(scaler.details)["minReplicas"], dict(scaler.details)["maxReplicas"]) == (17, "2", "10")
    assert "hunter2" not in str(found)
    assert "abcdef12345" not in str(found)
    assert secret.details == (("apiVersion", "v1"),)


def test_cron_job() -> None:
    row = only(
        "k8s/train.yaml",
        """
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: retrain}
        spec:
          schedule: "0 4 * * *"
          jobTemplate: {spec: {template: {spec: {containers: [{image: train:1, args: [python, train.py]}]}}}}
        """,
    )
    assert {("schedule", "0 4 * * *"), ("command", "python train.py"), ("image", "train:1")} <= set(row.details)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (
            "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: m}\n"
            "spec: {predictor: {minReplicas: 1, canaryTrafficPercent: 10, sklearn: {storageUri: gs://x}}}\n",
            {("storageUri", "gs://x"), ("framework", "sklearn"), ("canaryTrafficPercent", "10"), ("minReplicas", "1")},
        ),
        (
            "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: m}\n"
            "spec: {predictors: [{replicas: 2, traffic: 20, graph: {implementation: SKLEARN_SERVER, modelUri: gs://y}}]}\n",
            {("modelUri", "gs://y"), ("replicas", "2"), ("traffic", "20")},
        ),
        (
            "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {name: m}\nspec:\n  serveConfigV2: |\n    applications:\n"
            "      - import_path: app:deploy\n",
            {("import_path", "app:deploy")},
        ),
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: m}\nspec: {strategy: {canary: {steps: []}}}\n",
            {("strategy", "canary")},
        ),
    ],
)
def test_model_serving_objects(text: str, pairs: set[tuple[str, str]]) -> None:
    assert pairs <= set(only("x.yaml", text).details)


def test_argo_workflow_stages_with_quoted_expressions() -> None:
    found = facts(
        "wf.yaml",
        """
        apiVersion: argoproj.io/v1alpha1
        kind: CronWorkflow
        metadata: {generateName: train-}
        spec:
          schedule: "0 1 * * *"
          workflowSpec:
            templates:
              - name: fit
                container: {image: x, command: [python], args: ["train.py", "{{inputs.parameters.lr}}"]}
        """,
    )
    assert ("schedule", "0 1 * * *") in found.resources[0].details
    assert [(stage.tool, stage.name, stage.command) for stage in found.stages] == [
        ("argo", "fit", "python train.py {{inputs.parameters.lr}}")
    ]


def test_helm_chart_and_template() -> None:
    chart = only("chart/Chart.yaml", "apiVersion: v2\nname: api\nversion: 1.0.0\n")
    assert (chart.kind, chart.name) == ("chart", "api")
    row = only(
        "chart/templates/deployment.yaml",
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {{ .Values.name }}
        spec:
          replicas: {{ .Values.replicas }}
          {{- if .Values.x }}
          containers:
            - image: "{{ .Values.image }}"
              livenessProbe:
                httpGet: {path: /}
          {{- end }}
        """,
    )
    assert (row.tool, row.kind, row.line) == ("helm", "Deployment", 2)
    assert row.details == (
        ("template", "unknown"),
        ("replicas", "{{ .Values.replicas }}"),
        ("image", '"{{ .Values.image }}"'),
        ("livenessProbe", "yes"),
    )


def test_kustomization() -> None:
    row = only("k8s/kustomization.yaml", "resources: [deploy.yaml]\nimages: [{name: api, newTag: '1.2'}]\n")
    assert row.details == (("resources", "deploy.yaml"), ("image", "api:1.2"))


# ------------------------------------------------------------------------------------------------------------- clouds


def test_cloudformation_and_sam() -> None:
    found = named(
        "template.yaml",
        """
        AWSTemplateFormatVersion: '2010-09-09'
        Resources:
          Train:
            Type: AWS::Serverless::Function
            Properties:
              Handler: app.train
              Role: !GetAtt R.Arn
              Events: {Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}
        """,
    )
    row = found["Train"]
    assert (row.kind, row.line, row.details[0]) == ("AWS::Serverless::Function", 3, ("schedule", "rate(1 day)"))
    assert ("Handler", "app.train") in row.details
    in_json = json.dumps(
        {"AWSTemplateFormatVersion": "x", "Resources": {"B": {"Type": "AWS::S3::Bucket"}}}, indent="\t"
    )
    assert only("stack.json", in_json).kind == "AWS::S3::Bucket"


def test_databricks_bundle() -> None:
    found = facts(
        "databricks.yml",
        """
        bundle: {name: churn}
        include: [resources/*.yml]
        resources:
          jobs:
            train:
              schedule: {quartz_cron_expression: "0 0 4 * * ?", timezone_id: UTC}
              tasks:
                - task_key: fit
                  notebook_task: {notebook_path: ../notebooks/train.ipynb}
                - task_key: check
                  depends_on: [{task_key: fit}]
                  spark_python_task: {python_file: ../src/check.py}
        """,
    )
    bundle, job = found.resources
    assert bundle.details == (("include", "resources/*.yml"),)
    assert job.details[:2] == (("schedule", "0 0 4 * * ?"), ("notebook", "../notebooks/train.ipynb"))
    assert [(stage.name, stage.command, stage.deps) for stage in found.stages] == [
        ("train.fit", "../notebooks/train.ipynb", ()),
        ("train.check", "../src/check.py", ("fit",)),
    ]


def test_serverless_pulumi_and_cdk() -> None:
    found = named(
        "serverless.yml",
        "service: s\nprovider: {name: aws}\nfunctions:\n  f: {handler: a.b, events: [{schedule: rate(1 day)}]}\n",
    )
    assert found["f"].details == (("handler", "a.b"), ("schedule", "rate(1 day)"))
    assert only("Pulumi.yaml", "name: p\nruntime: python\n").details == (("runtime", "python"),)
    assert only("cdk.json", '{"app": "python app.py"}').name == "python app.py"


def test_model_servers() -> None:
    triton = only("m/config.pbtxt", 'name: "fraud"\nbackend: "onnxruntime"\nmax_batch_size: 8\ndynamic_batching { }\n')
    assert (triton.name, dict(triton.details)["backend"], dict(triton.details)["dynamic_batching"]) == (
        "fraud",
        "onnxruntime",
        "yes",
    )
    ray = only("serve.yaml", "applications:\n- name: a\n  import_path: app:deploy\n")
    assert ("import_path", "app:deploy") in ray.details
    assert only("model-settings.json", '{"name": "m", "implementation": "x.Y"}').details == (("implementation", "x.Y"),)


# --------------------------------------------------------------------------------------------------------- monitoring


def test_prometheus_alerts_and_scrapes() -> None:
    rule = only(
        "rules.yml",
        """
        groups:
          - name: drift
            rules:
              - alert: Drift
                expr: drift_score > 0.3
                for: 1h
                labels: {severity: page}
        """,
    )
    assert (rule.tool, rule.kind, rule.name, rule.line) == ("prometheus", "alert", "Drift", 4)
    assert rule.details == (("expr", "drift_score > 0.3"), ("for", "1h"), ("severity", "page"))
    scrape = only("prometheus.yml", "scrape_configs:\n- job_name: api\n  static_configs: [{targets: ['api:80']}]\n")
    assert scrape.details == (("path", "/metrics"), ("target", "api:80"))


def test_prometheus_rule_objects_and_alertmanager() -> None:
    found = facts(
        "x.yaml",
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\n"
        "spec: {groups: [{name: g, rules: [{alert: Slow, expr: x > 1}]}]}\n",
    )
    assert [row.kind for row in found.resources] == ["PrometheusRule", "alert"]
    manager = only(
        "alertmanager.yml", "route: {receiver: x}\nreceivers: [{name: x, slack_configs: [{api_url: 'https://s/1'}]}]\n"
    )
    assert manager.details == (("via", "slack_configs"),)


def test_grafana_dashboard() -> None:
    board = {"title": "Model", "schemaVersion": 30, "panels": [{"type": "graph", "targets": [{"expr": "rate(x[1m])"}]}]}
    assert only("dash.json", json.dumps(board)).details == (("panels", "1"), ("query", "rate(x[1m])"))


# ---------------------------------------------------------------------------------------------------------- bad input


def test_other_yaml_and_json_is_left_alone() -> None:
    assert facts("config.yaml", "a: 1\n") == FileFacts()
    assert facts("package.json", '{"name": "x"}') == FileFacts()


def test_broken_manifest_has_a_reason() -> None:
    assert "not valid" in read("cdk.json", b"{").problem
    assert "not valid YAML" in read("k8s/x.yaml", b"apiVersion: v1\nkind: [\n").problem


BROKEN = [
    b"",
    b"\0",
    b"apiVersion: [1]\nkind: {a: b}\nspec: x",
    b"apiVersion: v1\nkind: List\nitems: [1, {kind: x}]",
    b"resources: [1]\ntasks: x\nbundle: 1",
    b'{"panels": 1, "schemaVersion": 2}',
    b'{"panels": [1, {"panels": {}}], "schemaVersion": 2}',
    b'resource "a" {{{{{{',
    b"a = <<EOF\n" * 50_000,
    b'x = "${' * 20_000,
    b"groups: rules: alert:",
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", BROKEN)
@pytest.mark.parametrize(
    "path", ["main.tf", "x.yaml", "x.json", "Chart.yaml", "serverless.yml", "config.pbtxt", "databricks.yml", "x.bicep"]
)
def test_broken_input_never_raises(path: str, data: bytes) -> None:
    read(path, data)
