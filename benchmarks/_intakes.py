"""The two that alerts are posted to: Badday, and Debian's prometheus-alertmanager where it can be had."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from benchmarks._slack_sink import SlackSink
from tests.acceptance.desk import free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "badday-benchmarks"
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
"""Where Debian's build looks for its own template, wherever it is unpacked itself."""
CATALOG = """\
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
systems: {support-bot: {owner: maria, channel: support-bot}}
"""
ALERTMANAGER = """\
global: {{slack_api_url: "{url}/hook"}}
route: {{receiver: slack, group_by: [{group_by}], group_wait: {wait}, group_interval: 5s, repeat_interval: 4h}}
receivers:
- name: slack
  slack_configs:
  - channel: x
    send_resolved: true
    text: "{{{{ range .Alerts }}}}{{{{ .Labels.alertname }}}} {{{{ end }}}}"
"""


class NotThereError(Exception):
    """Alertmanager cannot be had here; the text says why."""


@dataclass
class Intake:
    """A running process that takes alerts at `url`."""

    name: str
    url: str
    process: asyncio.subprocess.Process
    database: Path | None = None

    def cost(self) -> tuple[float, float]:
        """CPU seconds so far, and megabytes of memory."""
        process = psutil.Process(self.process.pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss / 1e6


def alertmanager_binary() -> Path:
    """Debian's package, fetched once and unpacked into a cache folder; raises NotThereError."""
    installed = shutil.which("prometheus-alertmanager")
    if installed is not None:
        return Path(installed)
    binary = CACHE / "usr/bin/prometheus-alertmanager"
    if not binary.exists():
        _fetch()
    if not (TEMPLATES / "default.tmpl").exists():
        try:
            shutil.copytree(CACHE / "usr/share/prometheus/alertmanager", TEMPLATES, dirs_exist_ok=True)
        except OSError as error:
            raise NotThereError(f"its template cannot be put into {TEMPLATES}: {error}") from error
    return binary


def _fetch() -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise NotThereError("this is no Debian: apt-get and dpkg are needed to fetch it")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run(
            ["apt-get", "download", "prometheus-alertmanager"], cwd=folder, capture_output=True, text=True, check=False
        )
        package = next(Path(folder).glob("*.deb"), None)
        if package is None:
            raise NotThereError(f"apt-get download prometheus-alertmanager: {got.stderr.strip()[:200]}")
        subprocess.run(["dpkg", "-x", str(package), str(CACHE)], check=True)


@asynccontextmanager
async def alertmanager(sink: SlackSink, *, group_by: str = "'...'", wait: str = "0s") -> AsyncIterator[Intake]:
    """A fresh Alertmanager, without a cluster."""
    binary = alertmanager_binary()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yml"
        config.write_text(ALERTMANAGER.format(url=sink.url, group_by=group_by, wait=wait), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            binary,
            f"--config.file={config}",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        )
        async with _running(Intake("Alertmanager", f"http://127.0.0.1:{port}", process), "/-/ready") as intake:
            yield intake


@asynccontextmanager
async def badday(sink: SlackSink) -> AsyncIterator[Intake]:
    """A fresh bot with all roles, on SQLite."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "badday.yaml").write_text(CATALOG, encoding="utf-8")
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "BADDAY_CONFIG": f"{folder}/badday.yaml",
            "DATABASE_URL": os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{folder}/badday.db",
            "BADDAY_HTTP": f"127.0.0.1:{port}",
            "BADDAY_SLACK_PACE": "off",
            "SLACK_API_URL": f"{sink.url}/api/",
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "SLACK_SIGNING_SECRET": "bench",
        }
        command = Path(sys.executable).with_name("badday")
        with (Path(folder) / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(command, "run", env=settings, stdout=log, stderr=log)
        intake = Intake("Badday", f"http://127.0.0.1:{port}", process, Path(folder) / "badday.db")
        async with _running(intake, "/health/ready"):
            await asyncio.sleep(1)  # Slack is asked who is who meanwhile
            yield intake


@asynccontextmanager
async def _running(intake: Intake, ready: str) -> AsyncIterator[Intake]:
    try:
        async with aiohttp.ClientSession() as client:
            for _ in range(200):
                try:
                    async with client.get(intake.url + ready) as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
            else:
                raise NotThereError(f"{intake.name} did not get ready")
        yield intake
    finally:
        if intake.process.returncode is None:
            intake.process.terminate()
        await asyncio.wait_for(intake.process.wait(), 15)
