"""Pipelines: DVC, MLproject, Snakemake, Kubeflow and the smaller ones."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mlready.facts.pipelines import claims, read
from mlready.facts.rows import FileFacts, PipelineStage, Remote, Tracked


def facts(path: str, text: str) -> FileFacts:
    found = read(path, dedent(text).lstrip("\n").encode())
    assert found.problem == ""
    return found


def stages(path: str, text: str) -> dict[str, PipelineStage]:
    return {stage.name: stage for stage in facts(path, text).stages}


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("dvc.yaml", True),
        ("a/dvc.lock", True),
        ("data/raw.csv.dvc", True),
        (".dvc/config", True),
        ("MLproject", True),
        ("workflow/Snakefile", True),
        ("rules/train.smk", True),
        ("crontab", True),
        ("deploy/retrain.cron", True),
        ("src/dvc.py", False),
        (".dvcignore", False),
    ],
)
def test_pipeline_files_are_told_by_their_path(path: str, claimed: bool) -> None:
    assert claims(path) is claimed


def test_dvc_stage_with_paths_from_the_root() -> None:
    found = stages(
        "ml/dvc.yaml",
        """
        stages:
          train:
            cmd: python train.py
            wdir: work
            deps: [train.py, ../data/raw.csv, s3://bucket/x]
            params: [lr, other.yaml: [seed, train.n], {whole.yaml: }]
            outs:
              - model.pkl
              - big.bin: {cache: false}
            metrics:
              - metrics.json: {cache: false}
        """,
    )
    assert found["train"] == PipelineStage(
        tool="dvc",
        name="train",
        command="python train.py",
        line=2,
        deps=("ml/work/train.py", "ml/data/raw.csv", "s3://bucket/x"),
        outs=("ml/work/model.pkl", "ml/work/big.bin", "ml/work/metrics.json"),
        params=(
            "ml/work/params.yaml:lr",
            "ml/work/other.yaml:seed",
            "ml/work/other.yaml:train.n",
            "ml/work/whole.yaml:",
        ),
        metrics=("ml/work/metrics.json",),
        uncached=("ml/work/big.bin", "ml/work/metrics.json"),
    )


def test_dvc_templates() -> None:
    found = stages(
        "dvc.yaml",
        """
        vars:
          - folder: data
            sizes: {a: 1}
          - params.yaml
        stages:
          fetch:
            foreach: [x, y]
            do:
              cmd: fetch ${item} ${folder} ${sizes.a} ${unknown.key}
              outs: ["${folder}/${item}.csv"]
          clean:
            foreach:
              us: {n: 1}
            do: {cmd: "clean ${key} ${item.n}"}
          train:
            matrix: {model: [cnn, xgb], seed: [1]}
            cmd: train ${item.model} ${item.seed}
          rest:
            foreach: ${models}
            do: {cmd: "rest ${item}"}
        """,
    )
    assert {name: stage.command for name, stage in found.items()} == {
        "fetch@x": "fetch x data 1 ${unknown.key}",
        "fetch@y": "fetch y data 1 ${unknown.key}",
        "clean@us": "clean us 1",
        "train@cnn-1": "train cnn 1",
        "train@xgb-1": "train xgb 1",
        "rest@*": "rest ${item}",
    }
    assert found["fetch@x"].outs == ("data/x.csv",)


def test_dvc_artifacts_and_shared_metrics() -> None:
    found = facts("dvc.yaml", "metrics: [m.json]\nartifacts: {model: {path: m.pkl, type: model}}\n")
    assert [(row.kind, row.name, row.details) for row in found.resources] == [
        ("artifact", "model", (("path", "m.pkl"), ("type", "model"))),
        ("metrics", "m.json", ()),
    ]


def test_dvc_lock_and_pointer() -> None:
    found = facts(
        "ml/dvc.lock",
        """
        schema: '2.0'
        stages:
          train:
            cmd: python train.py
            deps: [{path: train.py, md5: aa, size: 3}]
            params: {params.yaml: {lr: 0.1}}
            outs: [{path: model.pkl, hash: md5, md5: bb, size: 10}]
        """,
    )
    assert found.tracked == (Tracked("ml/model.pkl", "bb", 10, "train"),)
    assert found.stages[0].tool == "dvc.lock"
    assert found.stages[0].params == ("ml/params.yaml:lr",)
    pointer = facts("data/raw.csv.dvc", "outs:\n- md5: cc.dir\n  size: 5\n  path: raw.csv\n  hash: md5\n")
    assert pointer.tracked == (Tracked("data/raw.csv", "cc.dir", 5, ""),)


def test_dvc_remotes_without_passwords() -> None:
    found = facts(
        ".dvc/config",
        """
        [core]
            remote = store
        ['remote "store"']
            url = s3://bucket/dvc
        ['remote "old"']
            url = https://me:secretword@host/x
        """,
    )
    assert found.remotes == (Remote("store", "s3://bucket/dvc", True), Remote("old", "https://me:***@host/x", False))


def test_mlproject() -> None:
    found = facts(
        "MLproject",
        "name: x\nconda_env: conda.yaml\nentry_points:\n  main:\n    parameters: {lr: float}\n    command: python t.py\n",
    )
    assert found.stages == (PipelineStage("mlproject", "main", "python t.py", 4, params=("lr",)),)
    assert found.resources[0].details == (("conda_env", "conda.yaml"),)


def test_snakefile() -> None:
    found = stages(
        "Snakefile",
        '''
        configfile: "config.yaml"
        rule all:
            input: "report.html"

        rule train:
            input:
                data="data.csv",
                code='train.py',
            output: "model.pkl"
            shell:
                """
                python train.py {input.data}
                """

        checkpoint split:
            output: directory("parts")
            script: "scripts/split.py"
        ''',
    )
    assert found["train"] == PipelineStage(
        "snakemake", "train", "python train.py {input.data}", 5, deps=("data.csv", "train.py"), outs=("model.pkl",)
    )
    assert found["split"].command == "scripts/split.py"


def test_snakefile_on_one_line_and_with_dos_line_ends() -> None:
    found = stages("Snakefile", 'rule all: input: "x"\r\nrule a:\r\n\toutput: "y"\r\n\tshell: "make"\r\n')
    assert found["all"].deps == ("x",)
    assert (found["a"].outs, found["a"].command) == (("y",), "make")


def test_kubeflow_and_azureml_and_ploomber_are_told_by_content() -> None:
    kubeflow = stages(
        "compiled.yaml",
        """
        pipelineInfo: {name: p}
        components: {comp-train: {executorLabel: exec-train}}
        deploymentSpec:
          executors:
            exec-train: {container: {image: python, command: [python, train.py]}}
        root: {dag: {tasks: {train: {componentRef: {name: comp-train}, dependentTasks: [load]}}}}
        """,
    )
    assert (kubeflow["train"].command, kubeflow["train"].deps) == ("python train.py", ("load",))
    azureml = facts(
        "jobs/x.yml",
        """
        $schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
        type: pipeline
        jobs:
          train: {command: python train.py}
        """,
    )
    assert (azureml.stages[0].name, azureml.resources[0].kind) == ("train", "pipelineJob")
    monitor = facts(
        "monitoring.yml",
        """
        $schema: http://azureml/sdk-2-0/Schedule.json
        trigger: {frequency: day}
        create_monitor: {monitoring_signals: {inputs: {type: data_drift, alert_enabled: true}}}
        """,
    )
    assert [(row.kind, row.name) for row in monitor.resources][1:] == [("monitor data_drift", "inputs")]
    assert dict(monitor.resources[0].details) == {"schedule": "day", "$schema": "http://azureml/sdk-2-0/Schedule.json"}
    ploomber = stages(
        "pipeline.yaml", "tasks:\n  - source: fit.py\n    name: fit\n    product: {nb: fit.ipynb, model: m.pkl}\n"
    )
    assert ploomber["fit"].outs == ("fit.ipynb", "m.pkl")
    assert facts("config.yaml", "a: 1\n") == FileFacts()


def test_prefect_schedules() -> None:
    found = facts(
        "prefect.yaml",
        "deployments:\n- name: nightly\n  entrypoint: flow.py:train\n  schedules: [{cron: '0 1 * * *'}]\n",
    )
    assert found.stages[0].command == "flow.py:train"
    assert found.resources[0].details == (("schedule", "0 1 * * *"),)


def test_crontab() -> None:
    found = facts("crontab", "# x\nSHELL=/bin/sh\n0 4 * * 1 cd /app && python train.py\n@daily make report\n")
    assert [(row.line, row.details) for row in found.resources] == [
        (3, (("schedule", "0 4 * * 1"), ("command", "cd /app && python train.py"))),
        (4, (("schedule", "@daily"), ("command", "make report"))),
    ]


def test_cog_bento_valohai_and_kedro() -> None:
    cog = facts("cog.yaml", "build: {python_version: 3.10, gpu: true}\npredict: predict.py:Predictor\n").resources[0]
    assert ("predict", "predict.py:Predictor") in cog.details
    assert ("python_version:unquoted-float", "3.10") in cog.details
    assert facts("bentofile.yaml", "service: service:svc\n").resources[0].name == "service:svc"
    assert facts("valohai.yaml", "- step: {name: t, command: [a, b]}\n").stages[0].command == "a\nb"
    kedro = facts(
        "conf/base/catalog.yml", "cars: {type: pandas.CSVDataset, filepath: x.csv, versioned: true}\n"
    ).resources[0]
    assert ("versioned", "true") in kedro.details


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"x",
        b"- 1",
        b"stages: [1]",
        b"stages: {a: 1, b: {foreach: 1}}",
        b"outs: x",
        b"[a",
        b"tasks: source: product:",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "dvc.yaml",
        "dvc.lock",
        "a.dvc",
        ".dvc/config",
        "MLproject",
        "Snakefile",
        "crontab",
        "cog.yaml",
        "x.yaml",
        "valohai.yaml",
    ],
)
def test_broken_input_never_raises(path: str, data: bytes) -> None:
    read(path, data)
