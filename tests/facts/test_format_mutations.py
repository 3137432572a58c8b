"""Files of every format, cut, doubled and sprinkled with marks: readers answer with rows or a reason, never with an error."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlready.facts import automation, containers, infra, pipelines
from mlready.facts.rows import FileFacts

SAMPLES = {
    ".github/workflows/ci.yml": """
on: {push: {branches: [main]}, schedule: [{cron: "0 4 * * *"}]}
permissions: read-all
defaults: {run: {working-directory: app}}
jobs:
  test: &test
    strategy: {matrix: {python: [3.10, "3.11"], include: [{os: linux}]}}
    steps:
      - uses: actions/setup-python@v5
        with: {python-version: 3.10}
      - name: Test
        run: |
          pytest -q
        env: {TOKEN: "${{ secrets.X }}"}
  more: {<<: *test, needs: test}
""",
    ".gitlab-ci.yml": """
include: [{local: /a.yml}, {project: x/y, file: [b.yml]}]
default: {image: python:3.11, before_script: [make]}
.base: {script: [ls], rules: [{if: $CI_PIPELINE_SOURCE == "schedule", when: always}]}
test: {extends: [.base], script: [!reference [.base, script], pytest], parallel: {matrix: [{A: [1, 2]}]}}
""",
    "azure-pipelines.yml": """
trigger: {branches: {include: [main]}}
schedules: [{cron: "0 0 * * *"}]
variables: [{group: g}, {name: a, value: 3.10}]
stages:
  - stage: A
    jobs:
      - job: B
        steps: [{script: ls}, {task: X@1, inputs: {inlineScript: a}}, {template: t.yml}]
      - deployment: C
        strategy: {runOnce: {deploy: {steps: [{bash: ls}]}}}
""",
    ".circleci/config.yml": """
orbs: {p: x/y@1}
commands: {setup: {steps: [{run: a}]}}
jobs: {a: {docker: [{image: x}], steps: [checkout, setup, {run: {command: b}}, {when: {steps: [{run: c}]}}]}}
workflows: {w: {triggers: [{schedule: {cron: "1 * * * *"}}], jobs: [a, {p/b: {requires: [a]}}]}}
""",
    ".travis.yml": "python: [3.10]\nenv: {global: [A=1]}\nscript: [pytest]\ndeploy: {provider: pypi}\njobs: {include: [{stage: x}]}\n",
    "bitbucket-pipelines.yml": "pipelines: {default: [{parallel: [{step: {script: [a, {pipe: b}]}}]}], custom: {t: [{step: {script: [c]}}]}}\n",
    "Jenkinsfile": "pipeline {\n triggers { cron('H 4 * * *') }\n stages { stage('A') { steps { sh '''\n a\n''' // x\n } } }\n}\n",
    "Dockerfile": 'ARG V=3.11\nFROM python:${V} AS a\nRUN <<EOF\nls\nEOF\nENV A=1 B="x\\\n y"\nFROM a\nUSER $A\nCMD ["a"]\n',
    "compose.yaml": "services: {a: {build: {context: .}, environment: [A=1], healthcheck: {test: [CMD, x]}, depends_on: {b: {}}}}\n",
    "dvc.yaml": "vars: [{a: 1}]\nstages: {t: {foreach: [1, {b: 2}], do: {cmd: x, deps: [y], outs: [z: {cache: false}], params: [lr]}}}\n",
    "dvc.lock": "stages: {t: {cmd: x, deps: [{path: a, md5: b}], params: {p.yaml: {lr: 1}}, outs: [{path: c, md5: d, size: 1}]}}\n",
    "data.csv.dvc": "outs: [{md5: a, size: 1, path: b}]\n",
    ".dvc/config": "[core]\n    remote = a\n['remote \"a\"']\n    url = s3://x\n",
    "MLproject": "name: x\nconda_env: a.yaml\nentry_points: {main: {parameters: {a: float}, command: x}}\n",
    "Snakefile": 'rule a:\n    input: "x", y="z"\n    output:\n        "b"\n    shell:\n        """\n        c\n        """\n',
    "crontab": "0 4 * * * make\n@daily x\n",
    "wf.yaml": "apiVersion: argoproj.io/v1\nkind: CronWorkflow\nspec: {schedule: x, workflowSpec: {templates: [{container: {args: [a]}}]}}\n",
    "kfp.yaml": "pipelineInfo: {name: a}\ndeploymentSpec: {executors: {}}\nroot: {dag: {tasks: {t: {componentRef: {name: c}}}}}\n",
    "main.tf": 'resource "a" "b" {\n  x = "${f("y")}"\n  z { q = [1, { r = 2 }] }\n  h = <<EOF\n}\nEOF\n}\n# c\n/* d */\n',
    "k8s.yaml": "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{image: a, livenessProbe: {}}]}}}\n",
    "c/templates/x.yaml": "apiVersion: v1\nkind: Job\nspec:\n  replicas: {{ .Values.x }}\n",
    "stack.json": '{"AWSTemplateFormatVersion": "x", "Resources": {"A": {"Type": "AWS::X", "Properties": {"Schedule": "rate(1)"}}}}',
    "databricks.yml": "bundle: {name: a}\nresources: {jobs: {b: {tasks: [{task_key: c, notebook_task: {notebook_path: d}}]}}}\n",
    "rules.yml": "groups: [{name: a, rules: [{alert: b, expr: c, labels: {severity: d}}]}]\n",
    "dash.json": '{"title": "a", "schemaVersion": 1, "panels": [{"targets": [{"expr": "b"}], "panels": [{}]}]}',
    "serverless.yml": "service: a\nfunctions: {b: {handler: c, events: [{schedule: rate(1 day)}]}}\n",
    "config.pbtxt": 'name: "a"\nbackend: "b"\ninstance_group [ { } ]\n',
}
MARKS = [
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "'''",
    '"""',
    "\n",
    "\t",
    ":",
    "- ",
    "&a ",
    "*a",
    "<<",
    "<<EOF\n",
    "\\\n",
    "${",
    "{{",
    "#",
    "|\n",
    "\0",
    "\ud7ff",
    "é",
    "\x85",
    "!x ",
]
MODULES = (automation, containers, pipelines, infra)

cuts = st.tuples(
    st.integers(0, 2_000),
    st.integers(0, 200),
    st.sampled_from(["cut", "double", "mark", "end"]),
    st.sampled_from(MARKS),
)


def mutated(text: str, changes: list[tuple[int, int, str, str]]) -> str:
    for where, length, how, mark in changes:
        at = where % (len(text) + 1)
        piece = text[at : at + length]
        text = (
            text[:at]
            + {"cut": "", "double": piece * 2, "mark": mark + piece, "end": ""}[how]
            + (text[at + length :] if how != "end" else "")
        )
    return text


def rows(path: str, data: bytes) -> list[FileFacts]:
    return [module.read(path, data) for module in MODULES if module.claims(path)]


@pytest.mark.parametrize("path", SAMPLES)
def test_every_sample_is_read(path: str) -> None:
    found = rows(path, SAMPLES[path].encode())
    assert all(facts.problem == "" for facts in found)
    assert any(facts != FileFacts() for facts in found)


@pytest.mark.parametrize("path", SAMPLES)
@settings(max_examples=60, deadline=timedelta(seconds=2))
@given(changes=st.lists(cuts, min_size=1, max_size=6))
def test_mutated_files_give_rows_that_can_be_kept(path: str, changes: list[tuple[int, int, str, str]]) -> None:
    data = mutated(SAMPLES[path], changes).encode()
    found = rows(path, data)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=list[FileFacts]) == found
    assert rows(path, data) == found
