"""Checks of factor 12 that look at CI: what it runs, delivers and risks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Automation, Job
from mlready.findings import Location, Site, Verdict, hazard, met, met_best, missing, not_applicable, unknown
from mlready.project.project import Project, ProjectFile, Use

# ------------------------------------------------------------------------------------------------------ DEP005, DEP006

_ON_EVERY_CHANGE = ("travis", "circleci", "gitlab", "jenkins", "bitbucket")


_WHERE_READ: dict[str, str] = {
    "github": r"^\.github/workflows/",
    "gitlab": r"^\.gitlab-ci\.ya?ml$|gitlab",
    "travis": r"^\.travis\.ya?ml$",
    "circleci": r"^\.circleci/",
}
"""Where a provider reads its configuration; a copy deeper in the tree runs nothing."""
_IDLE = re.compile(r"^\s*(echo|printf|:|true|#|cd|ls|pwd|sleep|date|set)\b")


def ci_present(project: Project) -> Verdict:
    """DEP005: CI does something on push."""
    sites, broken = [], ""
    called = {
        job.calls.removeprefix("./") for _, automation in project.automations for job in automation.jobs if job.calls
    }
    for file, automation in project.automations:
        if file.path in called:
            continue  # What another workflow calls is judged with it.
        if not re.search(_WHERE_READ.get(automation.provider, ""), file.path):
            continue
        if automation.problem:
            broken = broken or f"{file.path}: {automation.problem}"
        elif automation.includes or any(_works(job) for job in automation.jobs):
            sites.append(_ci_site(file, automation))
    sites += [Site(1.0, f"{use.call.name} runs on push", use.where, key="cdk") for use in _pipelines_of_cdk(project)]
    if sites:
        return met_best(sites, 3)
    if broken:
        return missing(f"the CI configuration cannot be read ({broken})")
    return missing("there is no CI configuration that does anything")


def _pipelines_of_cdk(project: Project) -> Iterator[Use]:
    """Pipelines of AWS that the infrastructure code defines: they build and deploy what is pushed."""
    return project.uses("deploy", system="aws-cdk", notebooks=False)


def _works(job: Job) -> bool:
    """Whether a job does more than to check out and to say something."""
    if job.calls:
        return True
    for step in job.steps:
        if step.uses and not re.search(r"^actions/checkout|^checkout$", step.uses):
            return True
        if any(line.strip() and not _IDLE.match(line) for line in step.run.splitlines()):
            return True
    return False


def _ci_site(file: ProjectFile, automation: Automation) -> Site:
    triggers = set(automation.triggers)
    on_change = {"push", "pull-request", "tag"} & triggers or automation.provider in _ON_EVERY_CHANGE
    credit = 1.0 if on_change else 0.5 if triggers - {"manual", "workflow-call"} else 0.0
    when = ", ".join(automation.triggers) or "every change"
    said = f"{file.path} runs on {when}" if credit else f"{file.path} only runs when somebody starts it"
    return Site(credit, said, file.at(0), key=file.path)


_DELIVERS = re.compile(
    r"docker(-compose| compose)? push|docker buildx? .*--push|buildah push|podman push|crane push|twine upload|"
    r"(uv|poetry|flit|hatch|pdm) publish|kubectl (apply|set|rollout)|helm (upgrade|install)|terraform apply|tofu apply|"
    r"pulumi up|cdk deploy|sam deploy|serverless deploy|gcloud (run|functions|app) deploy|gcloud builds submit|"
    r"az (webapp|containerapp|acr|ml (online-|batch-)?(deployment|endpoint|model|job|environment))|aws (ecs|lambda|s3 (cp|sync)|cloudformation|sagemaker)|fly(ctl)? deploy|heroku|"
    r"railway up|bentoml (push|deploy)|databricks bundle deploy|mlflow deployments|prefect deploy|dvc push|"
    r"huggingface-cli upload|hf upload|semantic-release|ansible-playbook|kustomize",
    re.IGNORECASE,
)
_DELIVERING_ACTIONS = re.compile(
    r"docker/build-push-action|gh-action-pypi-publish|deploy|amazon-ecs|azure/(webapps|k8s|functions|aks)|heroku|"
    r"action-gh-release|kaniko|upload-release|huggingface|railway|Docker@|AzureWebApp|KubernetesManifest",
    re.IGNORECASE,
)
_REGISTER_STEP = "sagemaker.workflow.step_collections.RegisterModel"
_DEPLOYS = re.compile(r"deploy|endpoint", re.IGNORECASE)
_DELIVERING_NAME = re.compile(r"^\W*(deploy|publish|release|push)\b", re.IGNORECASE)
"""Names of steps; what they run is a script of the project or a tool of its own."""
_NO_DELIVERY = re.compile(r"docs|pages|git push|coverage|badge|report|changelog", re.IGNORECASE)
_DOCS = re.compile(r"deploy-pages|mkdocs|gh-deploy|peaceiris|docs")


def delivery_automated(project: Project) -> Verdict:
    """DEP006: CI builds and publishes or deploys the image, package or model."""
    for command in project.commands:
        action = " " not in command.text.strip() and _DELIVERING_ACTIONS.search(command.text)
        if command.origin == "ci" and (action or _DELIVERS.search(command.text)) and not _DOCS.search(command.text):
            return met(Site(1.0, f"CI delivers: {command.text[:60]}", command.where, key="delivery"))
    for file, automation in project.automations:
        for step in (step for job in automation.jobs for step in job.steps):
            if step.run and _DELIVERING_NAME.search(step.name) and not _NO_DELIVERY.search(f"{step.name} {step.run}"):
                return met(Site(1.0, f"CI delivers: {step.name[:60]}", file.at(step.line), key="delivery"))
    for use in _pipelines_of_cdk(project):
        return met(Site(1.0, f"{use.call.name} delivers what is pushed", use.where, key="cdk"))
    for command in project.commands:
        if command.origin in ("task", "pipeline") and _DELIVERS.search(command.text):
            said = f"a script delivers, and no CI runs it: {command.text[:60]}"
            return met(Site(0.5, said, command.where, key="script"))
    for use in project.uses("deploy", reached="any", notebooks=False):
        if _DEPLOYS.search(use.call.name):
            return met(Site(0.5, f"{use.call.name} deploys, and no CI runs it", use.where, key=use.call.name))
    for use in project.calls(_REGISTER_STEP):
        said = f"a step of the pipeline publishes the model ({use.call.name}), and no CI runs it"
        return met(Site(0.5, said, use.where, key=use.call.name))
    opaque = next((f.path for f, a in project.automations if a.includes or any(job.calls for job in a.jobs)), "")
    if opaque:
        return unknown(f"{opaque} calls jobs that stand outside of this repository")
    return missing("nothing publishes or deploys the image, the package or the model")


# ------------------------------------------------------------------------------------------------------ DEP012, DEP016

_TOLERABLE = frozenset(("unpinned-uses", "artipacked", "excessive-permissions"))


def workflows_sound(project: Project) -> Verdict:
    """DEP012: actions are pinned, permissions are small, no untrusted text is run: what zizmor finds. Unit: the workflow."""
    workflows = [f for f, a in project.automations if a.provider == "github"]
    if not workflows:
        return not_applicable("there are no GitHub workflows")
    findings = project.external.get("zizmor")
    if findings is None or isinstance(findings, str):
        return unknown(findings or "zizmor did not run")
    by_file: dict[str, list[tuple[str, str, int]]] = {}
    for finding in findings:
        if finding.level not in ("informational", "unknown"):
            by_file.setdefault(finding.path, []).append((finding.code, finding.message, finding.line))
    broken = [_workflow_site(path, found) for path, found in sorted(by_file.items())]
    return hazard(broken, units=len(workflows))


def _workflow_site(path: str, found: list[tuple[str, str, int]]) -> Site:
    code, message, line = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    credit = 0.5 if all(other in _TOLERABLE for other, _, _ in found) else 0.0
    return Site(credit, f"{message} ({code}){more}", Location(path, line), key=code)
