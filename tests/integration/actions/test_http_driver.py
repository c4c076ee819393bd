"""The HTTP driver by its presets, against fakes that answer in the systems' own shapes."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.actions.contract import ActionError, ConsentNeededError
from bot.actions.drivers.http import describe, preset, presets
from bot.actions.registry import packaged
from bot.catalog.models import Cap, DriverSetup, Feature, Held
from bot.http.server import HttpServer
from tests.integration.actions.conftest import SECRETS, Stage


@dataclass
class Fake:
    """One flag and one key, as each system shows them; `refusal` answers every change with it."""

    on: bool = True
    limit: float | None = None
    reset: str | None = "daily"
    cents: int | None = None
    """The provider's limit."""
    blocked: bool = False
    port: int = 0
    refusal: tuple[int, str] | None = None
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        body = json.loads(raw) if raw else None
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.asked.append((request.method, path, dict(request.headers), body))
        if request.method != "GET" and self.refusal is not None:
            return Response(self.refusal[1], status_code=self.refusal[0])
        if request.method != "GET":
            return self._change(request, body)
        if path.endswith("/spend_limit") and self.cents is None:
            return JSONResponse({"error": {"message": "No spend limit"}}, status_code=404)
        return JSONResponse(self._shown(path))

    def _shown(self, path: str) -> Any:
        if path.startswith("/api/admin/"):
            environments = [{"name": "development", "enabled": False}, {"name": "production", "enabled": self.on}]
            return {"name": "autoreply-kill", "type": "kill-switch", "environments": environments}
        if path.startswith("/api/v2/flags/"):
            return {"key": "autoreply-kill", "environments": {"production": {"on": self.on, "archived": False}}}
        if path.startswith("/api/v1/features/"):
            return {"feature": {"id": "autoreply-kill", "environments": {"production": {"enabled": self.on}}}}
        if path.startswith("/api/v1/flags/"):
            return [
                {"feature": {"name": "other"}, "enabled": not self.on},
                {"feature": {"name": "autoreply-kill"}, "enabled": self.on},
            ]
        if path.endswith("/spend_limit"):
            return {"threshold_amount": self.cents, "currency": "USD", "interval": "month"}
        if path.startswith("/v1/organizations/spend_limits"):
            other = {"id": "sl_1", "scope": {"type": "workspace", "workspace_id": "other"}, "amount": "1"}
            own = {"id": "sl_2", "scope": {"type": "workspace", "workspace_id": "wrk"}, "amount": str(self.cents)}
            return {"data": [other, own] if self.cents is not None else [other]}
        if path.startswith("/v1/organizations/api_keys/"):
            return {"id": "k3y", "status": "inactive" if self.blocked else "active"}
        if path.startswith("/key/info"):
            return {"key": "k3y", "info": {"blocked": self.blocked or None}}
        return {"data": {"hash": "k3y", "limit": self.limit, "limit_reset": self.reset, "disabled": self.blocked}}

    def _change(self, request: Request, body: Any) -> Response:
        path = request.url.path
        if path.endswith(("/on", "/off")):
            self.on = path.endswith("/on")
            return Response()
        if "instructions" in (body or {}):
            self.on = body["instructions"] == [{"kind": "turnFlagOn"}]
        elif path.endswith("/toggle"):
            self.on = body["environments"]["production"]
        elif path.endswith("/update-flag-v1/"):
            self.on = body["enabled"]
            return Response(status_code=204)
        elif path.endswith("/spend_limit"):
            self.cents = None if request.method == "DELETE" else body["threshold_amount"]
        elif path.endswith("/spend_limits"):
            self.cents = int(body["amount"])
        elif path.startswith("/key/"):
            self.blocked = path == "/key/block"
        elif "status" in body:
            self.blocked = body["status"] == "inactive"
        elif "disabled" in body:
            self.blocked = body["disabled"]
        else:
            self.limit = body["limit"]
        return JSONResponse({"ok": True})


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fake]:
    monkeypatch.setitem(SECRETS, "FLAGS_TOKEN", "flags-secret")
    fake = Fake()
    every = Route("/{path:path}", fake.answer, methods=["GET", "POST", "PATCH", "DELETE"])
    async with HttpServer(Starlette(routes=[every]), host="127.0.0.1", port=0) as server:
        fake.port = server.port
        yield fake


def through(stage: Stage, fake: Fake, name: str, **settings: str) -> Stage:
    """The stage's feature and cap, held by this system."""
    setup = DriverSetup("outside", name, f"http://127.0.0.1:{fake.port}", "FLAGS_TOKEN", settings)
    system = replace(
        stage.context.system,
        features={"autoreply": Feature("autoreply", via="outside", remote="autoreply-kill")},
        caps={"daily": Cap("daily", via="outside", remote="k3y")},
        keys={"batch": Held("outside", "k3y")},
    )
    known = stage.context.catalog
    providers = {**known.providers, "northwind": replace(known.providers["northwind"], limit=Held("outside", "wrk"))}
    catalog = replace(known, systems={system.name: system}, providers=providers, drivers={"outside": setup})
    return Stage(replace(stage.context, catalog=catalog, system=system), stage.http)


FLAGS = {
    "unleash": ("POST", "/api/admin/projects/default/features/autoreply-kill/environments/production/off", None),
    "launchdarkly": (
        "PATCH",
        "/api/v2/flags/default/autoreply-kill",
        {
            "environmentKey": "production",
            "comment": "Badday incident 1, asked by maria",
            "instructions": [{"kind": "turnFlagOff"}],
        },
    ),
    "growthbook": (
        "POST",
        "/api/v2/features/autoreply-kill/toggle",
        {"environments": {"production": False}, "reason": "Badday incident 1, asked by maria"},
    ),
    "flagsmith": (
        "POST",
        "/api/experiments/environments/env-key/update-flag-v1/",
        {"feature": {"name": "autoreply-kill"}, "enabled": False},
    ),
}
SETTINGS = {"flagsmith": {"environment": "env-key"}}


@pytest.mark.parametrize("name", FLAGS)
async def test_a_feature_is_pulled_there_and_brought_back(stage: Stage, fake: Fake, name: str) -> None:
    stage = through(stage, fake, name, **SETTINGS.get(name, {}))
    said, reading = await stage.run("feature.off", feature="autoreply")
    assert (said, reading["value"], fake.on) == ("Switch feature autoreply off", False, False)
    (change,) = [(method, path, body) for method, path, _, body in fake.asked if method != "GET"]
    assert change == FLAGS[name]
    assert all("flags-secret" in headers["authorization"] for _, _, headers, _ in fake.asked)
    assert all("flags-secret" not in f"{path}{body}" for _, path, _, body in fake.asked)
    await stage.undo("feature.off", {"value": True}, feature="autoreply")
    assert fake.on


async def test_a_key_is_limited_there_and_the_limit_taken_away(stage: Stage, fake: Fake) -> None:
    stage = through(stage, fake, "openrouter")
    said, _ = await stage.run("spend.cap", cap="daily", amount="30")
    assert (said, fake.limit) == ("Limit cap daily at $30.00 a day", 30.0)
    assert fake.asked[-2][3] == {"limit": 30.0, "limit_reset": "daily"}
    fake.limit = 12.5
    assert (await stage.run("spend.cap", cap="daily", amount="12.50"))[0].startswith("Keep")
    await stage.undo("spend.cap", {"value": None}, cap="daily", amount="30")
    assert fake.limit is None


LIMITS = {
    "openai": ("/v1/organization/projects/wrk/spend_limit",
               {"threshold_amount": 150050, "currency": "USD", "interval": "month"}),
    "anthropic": ("/v1/organizations/spend_limits",
                  {"scope": {"type": "workspace", "workspace_id": "wrk"}, "amount": "150050", "period": "monthly"}),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
async def test_a_provider_is_limited(stage: Stage, fake: Fake, name: str) -> None:
    stage = through(stage, fake, name)
    said, reading = await stage.run("provider.limit", provider="northwind", amount="1500.50")
    assert said == "Limit spend at northwind at $1500.50 a month"
    assert reading["value"] == {"amount": "1500.50", "currency": "USD", "period": "month"}
    (change,) = [(path, body) for method, path, _, body in fake.asked if method != "GET"]
    assert change == LIMITS[name]
    assert fake.cents == 150050
    was = {"value": {"amount": "20.00", "currency": "USD", "period": "month"}}
    assert await stage.undo("provider.limit", was, provider="northwind", amount="1500.50") == (
        "Limit spend at northwind from $1500.50 a month to $20.00 a month"
    )
    assert fake.cents == 2000


async def test_a_limit_is_taken_away_where_that_is_possible(stage: Stage, fake: Fake) -> None:
    fake.cents = 100
    await through(stage, fake, "openai").run("provider.limit", provider="northwind", amount="off")
    assert fake.cents is None
    fake.cents = 100
    with pytest.raises(ActionError, match="cannot take a limit of anthropic away"):
        await through(stage, fake, "anthropic").run("provider.limit", provider="northwind", amount="off")


@pytest.mark.parametrize("name", ["anthropic", "litellm", "openrouter"])
async def test_a_key_is_blocked_and_opened_again(stage: Stage, fake: Fake, name: str) -> None:
    stage = through(stage, fake, name)
    assert (await stage.run("key.block", key="batch"))[0] == "Block key batch"
    assert fake.blocked
    assert (await stage.run("key.block", key="batch"))[0] == "Keep key batch blocked, where it already is"
    assert await stage.undo("key.block", {"value": False}, key="batch") == "Unblock key batch"
    assert not fake.blocked


async def test_when_a_limit_is_felt_is_told(stage: Stage, fake: Fake) -> None:
    stage = through(stage, fake, "anthropic")
    action = packaged()["provider.limit"]
    wanted = action.With.model_validate({"provider": "northwind", "amount": "5"})
    assert action.takes_effect(stage.context.catalog, stage.context.system, wanted) == "up to an hour"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("provider.limit", {"provider": "polar", "amount": "5"}, "support-bot has no provider 'polar'"),
        ("provider.limit", {"provider": "cirrus", "amount": "5"}, "does not say where cirrus is limited"),
        ("provider.limit", {"provider": "northwind", "amount": "5.001"}, "the limit cannot be '5.001'"),
        ("provider.limit", {"provider": "northwind", "amount": "NaN"}, "the limit cannot be 'NaN'"),
        ("key.block", {"key": "none"}, "support-bot has no key 'none'; it has: batch"),
    ],
)
async def test_what_cannot_be_held_is_said(
    stage: Stage, fake: Fake, name: str, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(ActionError, match=message):
        await through(stage, fake, "openai").run(name, **arguments)


async def test_a_limit_of_another_period_is_left_alone(stage: Stage, fake: Fake) -> None:
    fake.limit, fake.reset = 500.0, "monthly"
    with pytest.raises(ActionError, match="has the limit 'of another period', which is no amount"):
        await through(stage, fake, "openrouter").run("spend.cap", cap="daily", amount="30")
    assert fake.limit == 500.0


@pytest.mark.parametrize("name", ["anthropic", "litellm", "openrouter"])
async def test_an_answer_that_does_not_tell_is_no_blocked_key(
    stage: Stage, fake: Fake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "_shown", lambda path: {})
    with pytest.raises(ActionError, match="does not say whether key batch is blocked"):
        await through(stage, fake, name).run("key.block", key="batch")


async def test_approval_that_is_needed_there_is_no_failure(stage: Stage, fake: Fake) -> None:
    fake.refusal = (403, '{"code": "forbidden", "message": "This environment requires approval"}')
    with pytest.raises(ConsentNeededError, match="somebody must approve it there"):
        await through(stage, fake, "launchdarkly").run("feature.off", feature="autoreply")


@pytest.mark.parametrize(("status", "permanent"), [(403, True), (404, True), (429, False), (500, False)])
async def test_other_refusals_are_told(stage: Stage, fake: Fake, status: int, permanent: bool) -> None:
    fake.refusal = (status, "no")
    with pytest.raises(ActionError, match=f"unleash, feature autoreply: answered {status}: no") as caught:
        await through(stage, fake, "unleash").run("feature.off", feature="autoreply")
    assert (caught.value.permanent, type(caught.value)) == (permanent, ActionError)


async def test_an_environment_that_is_not_there_is_said(stage: Stage, fake: Fake) -> None:
    with pytest.raises(ActionError, match="unleash does not say whether feature autoreply is on"):
        await through(stage, fake, "unleash", environment="moon").run("feature.off", feature="autoreply")


async def test_a_system_that_is_down_is_said(stage: Stage, fake: Fake) -> None:
    fake.port = 1
    with pytest.raises(ActionError, match="did not answer: ConnectError"):
        await through(stage, fake, "unleash").run("feature.off", feature="autoreply")


def test_every_preset_can_be_read() -> None:
    assert presets() == [
        *("anthropic", "flagsmith", "growthbook", "launchdarkly", "litellm", "openai", "openrouter", "unleash"),
    ]
    for name in presets():
        found = preset(name)
        assert found.name == name
        assert found.feature or found.cap or found.limit or found.key


@pytest.mark.parametrize("text", ["", "driver: 2", "[", "driver: 1\nname: x\nfeature: {read: {path: nowhere}}"])
def test_a_wrong_description_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"driver|Description|flow node"):
        describe(text)
