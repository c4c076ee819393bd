"""Health for everybody, metrics for this machine and for holders of the token."""

from collections.abc import Callable

import httpx
from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.http import health
from bot.http.problems import EXCEPTION_HANDLERS
from bot.settings import Settings
from bot.store.database import Database


def client(
    db: Database,
    *,
    token: str | None = "secret",
    address: str = "127.0.0.1",
    started: Callable[[], bool] = lambda: True,
) -> httpx.AsyncClient:
    registry = CollectorRegistry()
    Counter("badday_polls", "Polls", registry=registry)
    settings = Settings(api_token=SecretStr(token) if token else None)
    app = Starlette(
        routes=health.routes(settings, db, started, registry=registry), exception_handlers=EXCEPTION_HANDLERS
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 5000)), base_url="http://bot.test")


async def test_health_is_open_to_everybody(db: Database) -> None:
    async with client(db, address="192.0.2.7") as http:
        assert (await http.get("/health/live")).json() == {"status": "alive"}
        assert (await http.get("/health/ready")).json() == {"status": "ready"}


async def test_it_is_not_ready_before_it_has_started(db: Database) -> None:
    async with client(db, started=lambda: False) as http:
        answer = await http.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Badday is starting or stopping"


async def test_it_is_not_ready_without_its_database() -> None:
    absent = Database("postgresql://127.0.0.1:1/none")
    async with client(absent) as http:
        answer = await http.get("/health/ready")
    await absent.close()
    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.json()["detail"]


async def test_metrics_are_open_on_this_machine_only(db: Database) -> None:
    async with client(db) as http:
        assert "badday_polls_total 0.0" in (await http.get("/metrics")).text
        assert (await http.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})).status_code == 401
    async with client(db, address="192.0.2.7") as http:
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/metrics", headers={"Authorization": "Bearer secret"})).status_code == 200


async def test_an_unknown_path_and_a_wrong_method_are_problem_documents(db: Database) -> None:
    async with client(db) as http:
        unknown, wrong = await http.get("/nothing"), await http.post("/health/live")
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "GET /nothing: Not Found"
    assert wrong.status_code == 405
    assert wrong.headers["content-type"] == "application/problem+json"
