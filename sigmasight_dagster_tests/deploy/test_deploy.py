"""deploy/: what can be said of it without a container engine. Its files parse and agree with each other."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner

from sigmasight_dagster.auth.tokens import signing_secret
from sigmasight_dagster.cli import cli
from sigmasight_dagster.executors import choice
from sigmasight_dagster.executors.queues import queues
from sigmasight_dagster.instance.storage import BulkEventLogStorage
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "sigmasight:local"}
HELM = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())
CHART = DEPLOY / "helm" / "api"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
VARIABLE = re.compile(r"\$\{\w+:(?:-(\w+)|\?[^}]*)\}")
(DEPLOYMENT,) = HELM["dagster-user-deployments"]["deployments"]


def known_variables() -> set[str]:
    names = {f"SIGMASIGHT_{name.upper()}" for name in Settings.model_fields}
    names |= {"FORWARDED_ALLOW_IPS"}  # uvicorn's
    return (names - {"SIGMASIGHT_DAGSTER_POSTGRES_URL"}) | {"DAGSTER_POSTGRES_URL"}


def chart() -> list[dict[str, Any]]:
    """The manifests of the API's chart, with its values put in."""
    text = (CHART / "templates" / "api.yaml").read_text()
    put_in = re.sub(r"\{\{ \.Values\.(\w+) \}\}", lambda found: VALUES[found[1]], text)
    assert "{{" not in put_in, "more than values: Helm alone could read it"
    return list(yaml.safe_load_all(put_in))


def containers() -> dict[str, dict[str, Any]]:
    found = [made["spec"]["template"]["spec"] for made in chart() if made["kind"] == "Deployment"]
    return {pod["containers"][0]["name"]: pod["containers"][0] for pod in found}


def commands() -> Iterator[list[str]]:
    for service in OURS.values():
        yield service["command"]
        if "healthcheck" in service:
            yield service["healthcheck"]["test"][1:]
    yield from (container["command"] for container in containers().values())
    yield ["dagster", "api", "grpc", *DEPLOYMENT["dagsterApiGrpcArgs"], "-p", str(DEPLOYMENT["port"])]


def option(command: list[str], name: str) -> list[str]:
    return [value for flag, value in pairwise(command) if flag == name]


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_commands_exist_and_accept_their_options(command: list[str]) -> None:
    if command[0] == "sigmasight":
        result = CliRunner().invoke(cli, [*command[1:], "--help"])
        assert result.exit_code == 0, result.output
        return
    program = Path(sys.executable).parent / command[0]
    assert program.exists()
    found = subprocess.run([program, *command[1:], "--help"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_services_are_complete() -> None:
    assert {"postgres", "rabbitmq", "code-location", "webserver", "webserver-read-only", "daemon"} <= set(
        SERVICES
    )
    assert "--read-only" in SERVICES["webserver-read-only"]["command"]
    assert "--read-only" not in SERVICES["webserver"]["command"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["webserver"]["ports"])
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists(), source


def test_tls_alone_is_reached_from_outside_and_leads_to_the_api_and_the_agents_server() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text()
    led = dict(re.findall(r"handle (\S+) \{\s+reverse_proxy (\S+)", caddy))
    assert set(led) == {"/api/*", "/mcp"}
    for address in led.values():
        name, _, port = address.partition(":")
        assert option(OURS[name]["command"], "--port") == [port]
        assert "ports" not in OURS[name]
    assert SERVICES["proxy"]["ports"] == ["80:80", "443:443"]
    assert (
        {"SIGMASIGHT_HOSTNAME"}
        == set(re.findall(r"\{\$(\w+)", caddy))
        == set(SERVICES["proxy"]["environment"])
    )


def test_the_chart_of_the_api_agrees_with_compose() -> None:
    kinds = [made["kind"] for made in chart()]
    assert sorted(kinds) == ["Deployment", "Deployment", "Ingress", "Service", "Service"]
    for name, container in containers().items():
        assert container["command"] == OURS[name]["command"]
        assert {one["name"] for one in container["env"]} <= known_variables()
        ports = [one["containerPort"] for one in container["ports"]]
        assert option(container["command"], "--port") == [str(port) for port in ports]
        (mount,) = container["volumeMounts"]
        assert {"name": "SIGMASIGHT_SECRETS_DIR", "value": mount["mountPath"]} in container["env"]
    services = {made["metadata"]["name"]: made["spec"] for made in chart() if made["kind"] == "Service"}
    (ingress,) = [made["spec"] for made in chart() if made["kind"] == "Ingress"]
    (rule,) = ingress["rules"]
    assert ingress["tls"] == [{"hosts": [rule["host"]], "secretName": VALUES["certificate"]}]
    for path in rule["http"]["paths"]:
        backend = path["backend"]["service"]
        assert services[backend["name"]]["ports"][0]["port"] == backend["port"]["number"]
    assert {path["path"] for path in rule["http"]["paths"]} == {"/api", "/mcp"}


def test_secrets_are_files_that_settings_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert Path(secret["file"]).name == name
        assert name.upper() in known_variables()
        (tmp_path / name).write_text("a secret of forty characters, in a file.\n")
        assert secret["file"].removeprefix("./") not in {
            str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*")
        }
    for name in ("api", "mcp"):
        assert set(OURS[name]["secrets"]) == set(COMPOSE["secrets"])
        assert OURS[name]["environment"]["SIGMASIGHT_SECRETS_DIR"] == "/run/secrets"
    monkeypatch.setenv("SIGMASIGHT_SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("SIGMASIGHT_API_SECRET", raising=False)
    assert signing_secret(Settings(_env_file=None)) == b"a secret of forty characters, in a file."


def test_every_queue_has_a_worker() -> None:
    served = {name for service in OURS.values() for name in option(service["command"], "--queue")}
    assert served == set(queues(Settings(_env_file=None)))


def test_variables_are_settings_and_secrets_are_not_written_down() -> None:
    for name, service in OURS.items():
        assert set(service["environment"]) <= known_variables(), name
    assert set(DEPLOYMENT["env"]) <= known_variables()
    text = (DEPLOY / "compose.yaml").read_text()
    assert re.findall(r"(?i)password: (?!\$\{\w+:\?)", text) == []
    assert re.findall(r"://\w+:(?!\$\{\w+:\?)", text) == []
    helm = (DEPLOY / "helm" / "values.yaml").read_text()
    assert "://" not in helm
    assert DEPLOYMENT["envSecrets"]


def test_settings_of_compose_and_helm_choose_their_executors(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment, executor in ((OURS["daemon"]["environment"], "celery"), (DEPLOYMENT["env"], "k8s")):
        with monkeypatch.context() as patch:
            for name, text in environment.items():
                patch.setenv(name, VARIABLE.sub(lambda found: found[1] or "x", text))
            settings = Settings(_env_file=None)
            assert settings.executor == executor
            assert choice.build(settings).name == executor


def test_addresses_and_ports_agree() -> None:
    (location,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    assert server["host"] in OURS
    assert option(OURS[server["host"]]["command"], "-p") == [str(server["port"])]
    assert option(OURS[server["host"]]["healthcheck"]["test"], "-p") == [str(server["port"])]
    for name in ("webserver", "webserver-read-only"):
        inside = OURS[name]["ports"][0].rpartition(":")[2]
        assert option(OURS[name]["command"], "-p") == [inside]
    environment = OURS["daemon"]["environment"]
    assert "@postgres:5432/sigmasight" in environment["SIGMASIGHT_DATABASE_URL"]
    assert "@postgres:5432/dagster" in environment["DAGSTER_POSTGRES_URL"]
    assert "@rabbitmq:5672//" in environment["SIGMASIGHT_CELERY_BROKER_URL"]
    assert DEPLOYMENT["port"] == server["port"]


def test_the_image_has_what_the_services_need() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+)$", dockerfile, re.MULTILINE):
        for name in source.split()[:-1]:
            assert (REPOSITORY / name).exists(), name
            assert f"!{name}" in (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert "[api,celery,k8s,mcp]" in dockerfile


def test_no_webserver_goes_without_its_guard() -> None:
    """The chart types `dagster-webserver` itself: what the image has by that name is ours."""
    guarded = ["python", "-m", "sigmasight_dagster.instance.webserver"]
    for name in ("webserver", "webserver-read-only"):
        assert SERVICES[name]["command"][:3] == guarded
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^COPY --chmod=755 deploy/bin (/opt/guarded)\nENV PATH=\1:", dockerfile, re.MULTILINE)
    assert f'exec {" ".join(guarded)} "$@"' in (DEPLOY / "bin" / "dagster-webserver").read_text()


@pytest.fixture
def instance(
    fresh_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", fresh_database())
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def test_dagster_yaml_is_an_instance(instance: dg.DagsterInstance) -> None:
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert isinstance(instance.event_log_storage, BulkEventLogStorage)
    assert type(instance.run_launcher).__name__ == config["run_launcher"]["class"]
    runs = instance.get_concurrency_config().run_queue_config
    assert runs is not None
    assert runs.max_concurrent_runs == config["concurrency"]["runs"]["max_concurrent_runs"]
    pools = config["concurrency"]["pools"]
    assert instance.get_concurrency_config().pool_config.default_pool_limit == pools["default_limit"]
    assert instance.get_runs() == []


def test_helm_has_both_webservers_and_the_same_limits() -> None:
    assert HELM["dagsterWebserver"]["enableReadOnly"] is True
    webserver, port = HELM["dagsterWebserver"], HELM["dagsterWebserver"]["service"]["port"]
    assert webserver["image"] == DEPLOYMENT["image"]
    assert {one["name"] for one in webserver["env"]} == {"SIGMASIGHT_UI_HOSTS"} <= known_variables()
    asked = webserver["readinessProbe"]["httpGet"]
    assert (asked["port"], asked["httpHeaders"]) == (port, [{"name": "Host", "value": "localhost"}])
    assert HELM["ingress"] == {"enabled": False}
    assert HELM["runLauncher"]["type"] == "K8sRunLauncher"
    assert HELM["postgresql"]["enabled"] is False
    ours = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["concurrency"]
    limits = HELM["concurrency"]
    assert limits["runs"]["maxConcurrentRuns"] == ours["runs"]["max_concurrent_runs"]
    assert limits["pools"]["defaultLimit"] == ours["pools"]["default_limit"]
    assert limits["pools"]["granularity"] == ours["pools"]["granularity"]
