"""What we ship for operators fits together, and runs as far as it can be run here."""

from __future__ import annotations

import asyncio
import configparser
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.conf import settings

from chat.runner import Runner
from config.exposition import Books, Exposition
from openrouter.testing import ScriptedClient
from tests import processes
from tests.browser.front import DEBIAN
from tests.processes import ROOT, Running

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
DRAIN_S = 30.0  # as shipped


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser["Service"]


# --- nginx ---


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=chat.example.org"
        f" -keyout {tmp_path}/privkey.pem -out {tmp_path}/fullchain.pem"
    )
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    return tmp_path


def accepted(folder: Path, site: str) -> subprocess.CompletedProcess[str]:
    """Have nginx read a site of ours, with paths and hosts that this machine has."""
    proxy = str(DEPLOY / "nginx" / "proxy.conf")
    site = site.replace("/etc/nginx/switchboard-proxy.conf", proxy)
    site = site.replace("/etc/letsencrypt/live/chat.example.org", str(folder))
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}"
    )
    return subprocess.run(
        [DEBIAN, "-t", "-c", str(configuration)], capture_output=True, text=True, check=False
    )


@pytest.mark.nginx
def test_nginx_takes_the_site_with_tls(certificate: Path) -> None:
    read = accepted(certificate, (DEPLOY / "nginx" / "switchboard.conf").read_text())
    assert read.returncode == 0, read.stderr
    assert "warn" not in read.stderr


@pytest.mark.nginx
def test_nginx_takes_the_site_of_compose(tmp_path: Path) -> None:
    site = (DEPLOY / "nginx" / "compose.conf").read_text()
    read = accepted(tmp_path, re.sub(r"server web\d:", "server 127.0.0.1:", site))
    assert read.returncode == 0, read.stderr


def test_the_proxy_lets_through_what_the_application_takes() -> None:
    proxy = (DEPLOY / "nginx" / "proxy.conf").read_text()
    megabytes, of_a_file = re.findall(r"client_max_body_size (\d+)m;", proxy)
    percent_encoded = 3 * 4 * settings.MAX_PROMPT_CHARS  # four bytes a letter, three for a byte
    assert int(megabytes) * 1_048_576 > percent_encoded
    assert int(megabytes) > settings.MAX_ATTACHMENT_MB
    assert int(of_a_file) > settings.MAX_IMPORT_MB


# --- systemd ---


def test_every_unit_runs_in_one_folder_as_one_user_who_is_not_root() -> None:
    for path in UNITS.glob("*.service"):
        service = unit(path.name)
        assert service["User"] == "switchboard"
        assert service["WorkingDirectory"] == "/srv/switchboard"


def test_a_timer_has_its_service() -> None:
    timers = list(UNITS.glob("*.timer"))
    assert timers
    assert all(timer.with_suffix(".service").exists() for timer in timers)


def test_systemd_waits_longer_than_a_drain_takes() -> None:
    service = unit("switchboard@.service")
    assert service["KillSignal"] == "SIGTERM"
    assert float(service["TimeoutStopSec"]) > DRAIN_S
    assert settings.DRAIN_S == DRAIN_S


@pytest.fixture(scope="module")
def from_the_unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The command of the unit as it is written, but for the interpreter's path."""
    folder = tmp_path_factory.mktemp("unit")
    env = processes.environment(folder)
    processes.manage(env, "migrate", "--verbosity", "0")
    port = processes.free_port()
    line = unit("switchboard@.service")["ExecStart"].replace("%i", str(port))
    command = [sys.executable, *shlex.split(line)[1:]]
    with processes.listening(command, env, port, folder / "log") as running:
        yield running


def test_the_command_of_the_unit_serves(from_the_unit: Running) -> None:
    answer = httpx.get(f"{from_the_unit.url}/readyz", timeout=30)
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_the_container_starts_the_same_server_as_the_unit() -> None:
    line = unit("switchboard@.service")["ExecStart"]
    of_unit = set(shlex.split(line)[1:]) - {"127.0.0.1", "%i"}
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    [command] = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)
    of_container = set(re.findall(r'"([^"]*)"', command)) - {"python", "0.0.0.0", "8000"}
    assert of_container == of_unit


# --- compose ---


def test_both_web_processes_are_alike_and_have_time_to_drain(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["web1"] == services["web2"]
    drain_s = float(services["web1"]["environment"]["DRAIN_S"])
    assert float(services["web1"]["stop_grace_period"].removesuffix("s")) > drain_s


def test_nginx_asks_the_services_that_there_are(compose: dict[str, Any]) -> None:
    site = (DEPLOY / "nginx" / "compose.conf").read_text()
    named = re.findall(r"server (\w+):8000", site)
    assert named == [name for name in compose["services"] if name.startswith("web")]


def test_what_compose_mounts_and_builds_is_there(compose: dict[str, Any]) -> None:
    mounted = [one.split(":")[0] for one in compose["services"]["nginx"]["volumes"]]
    assert all((DEPLOY / path).is_file() for path in mounted)
    build = compose["services"]["web1"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_every_variable_of_compose_is_one_of_ours(compose: dict[str, Any]) -> None:
    known = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert compose["services"]["web1"]["environment"].keys() <= known


def test_one_service_changes_tables_and_the_others_wait_for_it(compose: dict[str, Any]) -> None:
    services = compose["services"]
    migrating = [name for name, one in services.items() if "migrate" in str(one.get("command"))]
    assert migrating == ["prepare"]
    assert services["web1"]["depends_on"]["prepare"]["condition"].endswith("successfully")


# --- Watching it ---


@pytest.fixture
def metric_names(settings: Any, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = ScriptedClient()
    monkeypatch.setattr(client, "connections", 0, raising=False)
    monkeypatch.setattr(client, "waiting", 0, raising=False)
    runner = Runner()
    monkeypatch.setattr(Runner, "client", client)
    pool = {"pool_size": 1, "pool_available": 1, "requests_waiting": 0}

    async def draw() -> str:
        return Exposition(runner).draw(Books(0, 0, 0, pool)).decode()

    text = asyncio.run(draw())
    return set(re.findall(r"^(\w+)(?:\{| )", text, re.MULTILINE))


@pytest.mark.parametrize("path", ["deploy/alerts.yml", "docs/operations.md"])
def test_every_metric_that_is_named_exists(path: str, metric_names: set[str]) -> None:
    named = set(re.findall(r"\b(?:switchboard|process)_[a-z_]+[a-z]\b", (ROOT / path).read_text()))
    assert named
    assert named <= metric_names | {name.removesuffix("_bucket") for name in metric_names}


def test_every_alert_is_explained(metric_names: set[str]) -> None:
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    explained = (ROOT / "docs" / "operations.md").read_text()
    assert [rule["alert"] for rule in rules if rule["alert"] not in explained] == []


def test_the_restart_script_is_sound_and_wants_ports() -> None:
    script = DEPLOY / "rolling-restart"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    used = subprocess.run([script], check=False, capture_output=True, text=True)
    assert used.returncode == 2
    assert "usage" in used.stderr
