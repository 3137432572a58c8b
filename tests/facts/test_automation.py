"""CI configurations of each provider: what starts them, what their jobs run, and what stays unknown."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest

from mlready.facts.automation import claims, read
from mlready.facts.rows import Automation, Job, Step


def automation(path: str, text: str) -> Automation:
    facts = read(path, dedent(text).lstrip("\n").encode())
    assert facts.problem == ""
    assert facts.automation is not None
    return facts.automation


def job(of: Automation, name: str) -> Job:
    return next(job for job in of.jobs if job.name == name)


def runs(of: Job) -> list[str]:
    return [step.run for step in of.steps if step.run]


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        (".github/workflows/ci.yml", True),
        ("sub/.github/workflows/ci.yaml", True),
        (".github/dependabot.yml", False),
        (".github/actions/setup/action.yml", True),
        (".gitlab-ci.yml", True),
        (".gitlab/ci/train.yml", True),
        ("azure-pipelines.yml", True),
        (".pipelines/train.yml", True),
        ("ci/azure-pipelines-release.yaml", True),
        (".circleci/config.yml", True),
        (".travis.yml", True),
        ("Jenkinsfile", True),
        ("ci/Jenkinsfile.train", True),
        ("bitbucket-pipelines.yml", True),
        ("cloudbuild.yaml", True),
        (".drone.yml", True),
        ("setup/docker-image-pipeline.yml", True),
        ("config/train.yaml", False),
        ("src/jenkinsfile.py", False),
    ],
)
def test_a_ci_file_is_told_by_its_path(path: str, claimed: bool) -> None:
    assert claims(path) is claimed


# ------------------------------------------------------------------------------------------------------------- GitHub

WORKFLOW = """
    name: ci
    on:
      push:
        branches: [main]
      pull_request:
      schedule:
        - cron: "0 4 * * 1"
      workflow_dispatch:
    permissions:
      contents: read
    env:
      MLFLOW_URI: http://mlflow
      API_TOKEN: abcdef123456
    jobs:
      test:
        runs-on: ubuntu-latest
        strategy:
          matrix:
            python-version: [3.10, "3.11"]
        steps:
          - uses: actions/checkout@v4
          - uses: actions/setup-python@0123456789012345678901234567890123456789
            with:
              python-version: 3.10
          - name: Test
            if: always()
            working-directory: app
            continue-on-error: true
            run: |
              pip install -e .
              pytest -q
            env:
              SEED: 1
      train:
        needs: test
        if: github.event_name == 'schedule'
        environment: production
        container: ghcr.io/acme/train:1.2
        permissions: write-all
        steps:
          - run: python train.py
      deploy:
        needs: [test, train]
        uses: acme/shared/.github/workflows/deploy.yml@v1
"""


def test_github_triggers_crons_and_limits() -> None:
    found = automation(".github/workflows/ci.yml", WORKFLOW)
    assert found.provider == "github"
    assert found.triggers == ("push", "pull-request", "schedule", "manual")
    assert found.crons == ("0 4 * * 1",)
    assert found.branches == (("push", "main"),)
    assert (found.permissions, found.scopes) == ("explicit", (("contents", "read"),))


def test_github_secret_values_are_masked() -> None:
    assert automation(".github/workflows/ci.yml", WORKFLOW).env == (
        ("MLFLOW_URI", "http://mlflow"),
        ("API_TOKEN", "***"),
    )


def test_github_step_has_text_line_and_conditions() -> None:
    step = job(automation(".github/workflows/ci.yml", WORKFLOW), "test").steps[2]
    assert step == Step(
        line=25,
        run="pip install -e .\npytest -q",
        name="Test",
        env=(("SEED", "1"),),
        run_line=30,
        condition="always()",
        directory="app",
        tolerated=True,
    )


def test_github_unquoted_version_that_loses_its_zero_is_marked() -> None:
    test = job(automation(".github/workflows/ci.yml", WORKFLOW), "test")
    assert test.steps[1].inputs == (("python-version", "3.10"), ("python-version:unquoted-float", "3.10"))
    assert test.matrix == (
        ("python-version", "3.10"),
        ("python-version:unquoted-float", "3.10"),
        ("python-version", "3.11"),
    )


def test_github_job_condition_environment_image_and_needs() -> None:
    train = job(automation(".github/workflows/ci.yml", WORKFLOW), "train")
    assert (train.triggers, train.environment, train.image, train.needs) == (
        ("schedule",),
        "production",
        "ghcr.io/acme/train:1.2",
        ("test",),
    )
    assert train.permissions == (("*", "write"),)


def test_github_reusable_workflow_is_unknown_and_named() -> None:
    found = automation(".github/workflows/ci.yml", WORKFLOW)
    assert job(found, "deploy").calls == "acme/shared/.github/workflows/deploy.yml@v1"
    assert found.includes == ("acme/shared/.github/workflows/deploy.yml@v1",)


@pytest.mark.parametrize(
    ("on", "triggers"),
    [
        ("on: push", ("push",)),
        ("on: [push, pull_request]", ("push", "pull-request")),
        ("'on': {pull_request_target: {}}", ("pull-request",)),
        ("on: {push: {tags: ['v*']}}", ("tag",)),
        ("on: {push: {tags: ['v*'], branches: [main]}}", ("push", "tag")),
        ("on: {push: {tags-ignore: ['x']}}", ("tag",)),
        ("on: {release: {types: [published]}}", ("release",)),
        ("on: {workflow_call: {inputs: {x: {type: string}}}}", ("workflow-call",)),
        ("on: {workflow_run: {workflows: [ci]}}", ("workflow-run",)),
        ("on: {repository_dispatch: {types: [new-data]}}", ("webhook",)),
    ],
)
def test_github_events(on: str, triggers: tuple[str, ...]) -> None:
    found = automation(".github/workflows/x.yml", f"{on}\njobs: {{a: {{steps: [{{run: ls}}]}}}}\n")
    assert found.triggers == triggers


def test_github_default_folder_reaches_the_steps() -> None:
    found = automation(
        ".github/workflows/x.yml",
        """
        on: push
        defaults: {run: {working-directory: all}}
        jobs:
          a: {steps: [{run: ls}, {run: ls, working-directory: own}]}
          b: {defaults: {run: {working-directory: job}}, steps: [{run: ls}]}
        """,
    )
    assert [step.directory for of in found.jobs for step in of.steps] == ["all", "own", "job"]


@pytest.mark.parametrize(
    ("step", "run"),
    [
        ("{uses: nick-fields/retry@v3, with: {command: pytest}}", "pytest"),
        ("{uses: vmactions/freebsd-vm@v1, with: {run: make test}}", "make test"),
        ("{uses: appleboy/ssh-action@v1, with: {script: ./deploy.sh}}", "./deploy.sh"),
        ("{uses: actions/github-script@v7, with: {script: core.info(1)}}", ""),
    ],
)
def test_github_commands_that_an_action_runs(step: str, run: str) -> None:
    found = automation(".github/workflows/x.yml", f"on: push\njobs: {{a: {{steps: [{step}]}}}}\n")
    assert found.jobs[0].steps[0].run == run


def test_github_composite_action() -> None:
    found = automation(
        ".github/actions/setup/action.yml",
        """
        name: setup
        runs:
          using: composite
          steps:
            - run: uv sync --locked
              shell: bash
        """,
    )
    assert found.triggers == ("workflow-call",)
    assert runs(found.jobs[0]) == ["uv sync --locked"]


def test_workflow_without_jobs_is_a_problem() -> None:
    assert "`jobs` is missing" in read(".github/workflows/x.yml", b"name: x\n").problem


def test_yaml_anchors_are_followed() -> None:
    found = automation(
        ".github/workflows/x.yml",
        """
        on: push
        jobs:
          a:
            steps: &steps
              - run: pytest
          b:
            steps: *steps
        """,
    )
    assert runs(job(found, "b")) == ["pytest"]


# ------------------------------------------------------------------------------------------------------------- GitLab

GITLAB = """
    include:
      - local: /ci/deploy.yml
      - project: acme/ci
        file: [/python.yml]
      - template: Security/SAST.gitlab-ci.yml
    default:
      image: python:3.11
      before_script:
        - pip install -e .
    variables:
      SEED: "1"
    .base:
      tags: [gpu]
      variables: {A: "1"}
      script:
        - echo base
    .setup:
      script:
        - make setup
    test:
      extends: .base
      script:
        - !reference [.setup, script]
        - pytest
      rules:
        - if: $CI_PIPELINE_SOURCE == "merge_request_event"
        - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
    train:
      extends: [.base]
      variables: {B: "2"}
      image: {name: "train:1"}
      allow_failure: true
      only: [schedules]
    release:
      script: [make release]
      only: [tags]
      when: manual
      environment: {name: production}
    shared:
      extends: .from-elsewhere
    child:
      trigger:
        include: ci/child.yml
"""


def test_gitlab_jobs_inherit_and_extend() -> None:
    found = automation(".gitlab-ci.yml", GITLAB)
    assert [job.name for job in found.jobs] == ["test", "train", "release", "shared", "child"]
    test = job(found, "test")
    assert runs(test) == ["pip install -e .", "make setup", "pytest"]
    assert [step.line for step in test.steps] == [9, 19, 24]
    assert test.image == "python:3.11"
    train = job(found, "train")
    assert (train.image, train.env, train.tolerated) == ("train:1", (("B", "2"), ("A", "1")), True)


def test_gitlab_triggers_of_jobs_and_pipeline() -> None:
    found = automation(".gitlab-ci.yml", GITLAB)
    assert job(found, "test").triggers == ("pull-request", "push")
    assert job(found, "train").triggers == ("schedule",)
    assert job(found, "release").triggers == ("manual",)
    assert job(found, "release").environment == "production"
    assert set(found.triggers) == {"push", "pull-request", "schedule", "manual"}


def test_gitlab_what_lies_elsewhere_is_named() -> None:
    found = automation(".gitlab-ci.yml", GITLAB)
    assert job(found, "shared").calls == ".from-elsewhere"
    assert job(found, "child").calls == "ci/child.yml"
    assert found.includes[:3] == ("ci/deploy.yml", "acme/ci:python.yml", "template:Security/SAST.gitlab-ci.yml")


def test_gitlab_workflow_rules_limit_the_pipeline() -> None:
    found = automation(
        ".gitlab-ci.yml",
        """
        workflow:
          rules:
            - if: $CI_PIPELINE_SOURCE == "schedule"
        nightly:
          script: python train.py
        """,
    )
    assert found.triggers == ("schedule",)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            ".gitlab-ci.yml",
            ".a: {extends: [.a, .a, .a, .a]}\n" + "".join(f"j{i}: {{extends: .a, script: x}}\n" for i in range(300)),
        ),
        (
            ".gitlab-ci.yml",
            "".join(f".a{i}: {{extends: [{f'.a{i + 1},' * 9}]}}\n" for i in range(20))
            + "j: {extends: .a0, script: x}\n",
        ),
        (
            ".gitlab-ci.yml",
            f".a: {{script: [{'!reference [.a, script],' * 9}]}}\nj: {{script: [!reference [.a, script]]}}\n",
        ),
        (".circleci/config.yml", f"commands: {{a: {{steps: [{'a,' * 30}]}}}}\njobs: {{j: {{steps: [a]}}}}\n"),
    ],
)
def test_references_that_multiply_are_bounded(path: str, text: str) -> None:
    started = time.perf_counter()
    read(path, text.encode())
    assert time.perf_counter() - started < 2


def test_gitlab_extends_in_a_circle_ends() -> None:
    found = automation(".gitlab-ci.yml", ".a: {extends: .b}\n.b: {extends: .a}\njob: {extends: .a, script: [ls]}\n")
    assert runs(job(found, "job")) == ["ls"]


# -------------------------------------------------------------------------------------------------------------- Azure

AZURE = """
    trigger:
      branches:
        include: [main]
    pr: [main]
    schedules:
      - cron: "0 0 * * *"
        branches: {include: [main]}
    variables:
      - group: secrets
      - name: PY
        value: 3.10
    stages:
      - stage: Build
        jobs:
          - job: Test
            container: python:3.11
            steps:
              - task: UsePythonVersion@0
                inputs:
                  versionSpec: 3.10
              - script: |
                  pytest
                displayName: Test
                continueOnError: true
              - ${{ if eq(parameters.x, true) }}:
                  - bash: make lint
              - template: steps/publish.yml@shared
              - task: AzureCLI@2
                inputs:
                  inlineScript: az ml job create -f job.yml
      - stage: Deploy
        dependsOn: Build
        jobs:
          - deployment: Prod
            environment: prod
            strategy:
              runOnce:
                deploy:
                  steps:
                    - script: az ml online-deployment update
      - template: stages/monitor.yml
"""


def test_azure_pipeline() -> None:
    found = automation("azure-pipelines.yml", AZURE)
    assert found.triggers == ("push", "pull-request", "schedule")
    assert found.crons == ("0 0 * * *",)
    test = job(found, "Test")
    assert runs(test) == ["pytest", "make lint", "az ml job create -f job.yml"]
    assert test.steps[1].tolerated
    assert test.steps[1].run_line == 22
    assert ("versionSpec:unquoted-float", "3.10") in test.steps[0].inputs
    assert test.image == "python:3.11"
    assert ("PY", "3.10") in found.env
    prod = job(found, "Prod")
    assert (runs(prod), prod.environment, prod.needs) == (["az ml online-deployment update"], "prod", ("Build",))


def test_azure_templates_are_unknown_and_named() -> None:
    found = automation("azure-pipelines.yml", AZURE)
    assert job(found, "Test").calls == "steps/publish.yml@shared"
    assert found.includes == ("steps/publish.yml@shared", "stages/monitor.yml")


def test_local_files_that_jobs_are_made_of_are_paths_from_the_root() -> None:
    azure = automation(".pipelines/ci/a.yml", "trigger: [x]\nsteps: [{template: ../t.yml}, {template: /b.yml@self}]\n")
    assert azure.includes == (".pipelines/t.yml", "b.yml")
    github = automation(".github/workflows/x.yml", "on: push\njobs: {a: {uses: ./.github/workflows/y.yml}}\n")
    assert github.includes == (".github/workflows/y.yml",)


@pytest.mark.parametrize(
    ("path", "text", "triggers"),
    [
        ("azure-pipelines.yml", "steps: [{script: ls}]", ("push",)),
        ("azure-pipelines.yml", "trigger: none\nsteps: [{script: ls}]", ("manual",)),
        ("azure-pipelines.yml", "trigger: none\npr: none\nschedules: [{cron: '1 2 * * *'}]\nsteps: []", ("schedule",)),
        (".pipelines/ci.yml", "trigger: [main]\nsteps: [{bash: ls}]", ("push",)),
        (".pipelines/templates/steps.yml", "steps: [{bash: ls}]", ("workflow-call",)),
        ("pipelines/steps.yml", "parameters: {x: 1}\nsteps: [{bash: ls}]", ("workflow-call",)),
    ],
)
def test_azure_triggers(path: str, text: str, triggers: tuple[str, ...]) -> None:
    assert automation(path, text).triggers == triggers


def test_other_yaml_in_a_pipelines_folder_is_left_alone() -> None:
    facts = read("pipelines/training.yaml", b"steps:\n  - name: train\n    model: x\n")
    assert facts.automation is None
    assert facts.problem == ""


# --------------------------------------------------------------------------------------------- CircleCI, Travis, others


def test_circleci_commands_executors_orbs_and_schedules() -> None:
    found = automation(
        ".circleci/config.yml",
        """
        version: 2.1
        orbs:
          python: circleci/python@2.1
        executors:
          py: {docker: [{image: cimg/python:3.11}]}
        commands:
          setup:
            steps:
              - run: pip install -e .
        jobs:
          test:
            executor: py
            steps:
              - checkout
              - setup
              - when:
                  condition: true
                  steps:
                    - run: {name: Test, command: pytest}
          train:
            docker: [{image: train:1}]
            working_directory: ~/project/packages/model
            steps:
              - run: python train.py
        workflows:
          main:
            jobs:
              - test
              - python/test: {requires: [test]}
          nightly:
            triggers:
              - schedule: {cron: "0 1 * * *", filters: {branches: {only: main}}}
            jobs: [train]
        """,
    )
    assert found.triggers == ("push", "schedule")
    assert found.crons == ("0 1 * * *",)
    test, train, orb = job(found, "test"), job(found, "train"), job(found, "python/test")
    assert (runs(test), test.image) == (["pip install -e .", "pytest"], "cimg/python:3.11")
    assert (train.triggers, train.image) == (("schedule",), "train:1")
    assert (orb.calls, orb.needs) == ("python/test", ("test",))
    assert [step.directory for step in train.steps] == ["packages/model"]


def test_travis() -> None:
    found = automation(
        ".travis.yml",
        """
        language: python
        python:
          - 3.10
          - "3.11"
        install: pip install .
        script:
          - pytest
        deploy:
          provider: pypi
        """,
    )
    assert found.triggers == ("push", "pull-request")
    assert runs(found.jobs[0]) == ["pip install .", "pytest"]
    assert ("python:unquoted-float", "3.10") in found.jobs[0].matrix
    assert found.jobs[0].steps[-1].uses == "deploy:pypi"


def test_bitbucket() -> None:
    found = automation(
        "bitbucket-pipelines.yml",
        """
        image: python:3.11
        pipelines:
          default:
            - parallel:
                - step: {name: Test, script: [pytest]}
          custom:
            train:
              - step: {name: Train, deployment: prod, script: [python train.py, {pipe: acme/x:1}]}
        """,
    )
    assert found.triggers == ("push", "manual")
    assert runs(job(found, "Test")) == ["pytest"]
    assert job(found, "Test").image == "python:3.11"
    assert job(found, "Train").steps[1].uses == "acme/x:1"
    assert job(found, "Train").triggers == ("manual",)


@pytest.mark.parametrize(
    ("path", "text", "commands"),
    [
        ("cloudbuild.yaml", "steps:\n- name: gcr.io/x/docker\n  args: [build, -t, x, .]\n", ["build -t x ."]),
        ("buildspec.yml", "version: 0.2\nphases:\n  build:\n    commands:\n      - pytest\n", ["pytest"]),
        (".drone.yml", "kind: pipeline\nsteps:\n- name: a\n  image: python\n  commands: [pytest]\n", ["pytest"]),
        (".woodpecker.yml", "steps:\n  test:\n    image: python\n    commands:\n      - pytest\n", ["pytest"]),
        ("appveyor.yml", "install:\n  - ps: ./x.ps1\ntest_script:\n  - pytest\n", ["./x.ps1", "pytest"]),
        (".buildkite/pipeline.yml", "steps:\n  - command: pytest\n    label: t\n", ["pytest"]),
        (
            ".semaphore/semaphore.yml",
            "blocks:\n- task:\n    jobs:\n    - name: a\n      commands: [pytest]\n",
            ["pytest"],
        ),
        (".cirrus.yml", "test_task:\n  container: {image: python}\n  test_script: pytest\n", ["pytest"]),
    ],
)
def test_other_providers(path: str, text: str, commands: list[str]) -> None:
    found = automation(path, text)
    assert found.provider == "other"
    assert [run for job in found.jobs for run in runs(job)] == commands


# ------------------------------------------------------------------------------------------------------------ Jenkins


def test_declarative_jenkinsfile() -> None:
    found = automation(
        "Jenkinsfile",
        """
        @Library('shared@1.0') _
        // sh 'not this'
        pipeline {
          agent { docker { image 'python:3.11' } }
          triggers { cron('H 4 * * *') }
          environment { MLFLOW = 'http://x' ; KEY = credentials('key') }
          stages {
            stage('Test') {
              steps {
                sh 'pytest'
                /* sh 'nor this' */
                sh(script: "make lint", returnStdout: true)
              }
            }
            stage("Train") {
              steps {
                sh '''
                  python train.py // no comment
                  python eval.py
                '''
              }
            }
          }
        }
        """,
    )
    assert found.triggers == ("push", "schedule")
    assert found.crons == ("H 4 * * *",)
    assert found.includes == ("shared@1.0",)
    assert found.env == (("MLFLOW", "http://x"), ("KEY", "credentials(key)"))
    assert runs(job(found, "Test")) == ["pytest", "make lint"]
    assert job(found, "Test").image == "python:3.11"
    train = job(found, "Train").steps[0]
    assert train.run == "python train.py // no comment\npython eval.py"
    assert (train.line, train.run_line) == (17, 18)


def test_scripted_jenkinsfile() -> None:
    found = automation(
        "ci/Jenkinsfile",
        """
        properties([pipelineTriggers([cron('@daily'), pollSCM('H/5 * * * *')])])
        node('gpu') {
          stage 'Build'
          docker.image('python:3.12').inside {
            sh "pytest -k ${env.X}"
          }
        }
        """,
    )
    assert found.triggers == ("push", "schedule")
    assert found.crons == ("@daily",)
    assert runs(job(found, "Build")) == ["pytest -k ${env.X}"]


def test_jenkinsfile_that_only_calls_a_shared_library_is_unknown() -> None:
    found = automation("Jenkinsfile", "@Library('x') _\nstandardBuild {\n  script = 'go build'\n}\n")
    assert [job.calls for job in found.jobs] == ["shared library"]


def test_jenkins_strings_lose_their_escapes() -> None:
    found = automation("Jenkinsfile", 'node {\n  sh "echo \\"a b\\" \\$X"\n}\n')
    assert runs(found.jobs[0]) == ['echo "a b" $X']


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01",
        b"just text",
        b"- a\n- b\n",
        b"a: [",
        b"\xff\xfe\x00\x00",
        b"[" * 100_000,
        b"on: *x",
        b"jobs: {a: 1, b: [1]}",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/x.yml",
        ".gitlab-ci.yml",
        "azure-pipelines.yml",
        ".circleci/config.yml",
        ".travis.yml",
        "Jenkinsfile",
    ],
)
def test_broken_input_never_raises(path: str, data: bytes) -> None:
    read(path, data)


def test_broken_yaml_has_a_reason() -> None:
    assert "not valid YAML" in read(".github/workflows/x.yml", b"jobs: [\n").problem


def test_a_yaml_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "more than" in read(".gitlab-ci.yml", "\n".join(lines).encode()).problem
