"""LiteLLM's proxy obeys the switchboard, without a database of its own: one line in its `config.yaml`.

litellm_settings:
  callbacks: badday_openfeature.litellm_hook.switchboard

Environment: `BADDAY_URL`, the bot's base URL; `BADDAY_READ_TOKEN`, a token of the system with the scope `read`;
`BADDAY_CACHE`, the file of the last values (by default in the user's cache folder). What is obeyed stands in
`badday_openfeature.gateway`. Whatever state Badday is in, calls go on by the last values.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger
from openfeature.evaluation_context import EvaluationContext

from badday_openfeature.gateway import Call, Gate, Refusal
from badday_openfeature.provider import BaddayProvider

log = logging.getLogger("badday_openfeature")


class SwitchboardHook(CustomLogger):  # type: ignore[misc]  # LiteLLM is installed where the proxy runs
    """Rules on each call before the proxy makes it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Send the call to another model group, or refuse it. Anything that goes wrong in here leaves it as it is."""
        try:
            ruling = self._gate.decide(_call(data))
        except Exception:
            log.exception("the switchboard could not rule on a call, it goes on unchanged")
            return data
        if isinstance(ruling, Refusal):
            # Clients of OpenAI and Anthropic would else try again at once.
            raise HTTPException(ruling.status, {"error": ruling.reason}, {"x-should-retry": "false"})
        if ruling != data.get("model"):
            data["model"] = ruling
        return data


def _call(data: Mapping[str, Any]) -> Call:
    asked = dict(_metadata(data))
    user = data.get("user") or asked.get("user_id")
    feature = asked.get("feature")
    return Call(
        str(data.get("model") or ""),
        _groups(),
        feature if isinstance(feature, str) else "",
        user if isinstance(user, str) else "",
    )


def _metadata(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the caller sent as `metadata`; the proxy puts its own beside it, under either name."""
    for name in ("litellm_metadata", "metadata"):
        told = data.get(name)
        if isinstance(told, Mapping):
            yield from told.items()
            sent = told.get("requester_metadata")
            if isinstance(sent, Mapping):
                yield from sent.items()


def _groups() -> dict[str, list[str]]:
    """The proxy's model groups with the models behind them."""
    from litellm.proxy import proxy_server

    found: dict[str, list[str]] = {}
    router = proxy_server.llm_router
    for deployment in router.model_list if router is not None else ():
        model = str(deployment.get("litellm_params", {}).get("model", ""))
        found.setdefault(str(deployment.get("model_name", "")), []).append(model)
    return found


@cache
def _switchboard() -> SwitchboardHook:
    url = os.environ.get("BADDAY_URL")
    if not url:
        raise RuntimeError("set BADDAY_URL to the base URL of Badday, for instance http://127.0.0.1:8765")
    provider = BaddayProvider(url, token=os.environ.get("BADDAY_READ_TOKEN"), cache=os.environ.get("BADDAY_CACHE"))
    provider.initialize(EvaluationContext())
    return SwitchboardHook(Gate(provider))


def __getattr__(name: str) -> SwitchboardHook:
    """`switchboard` begins to follow when the proxy asks for it, not when this is imported."""
    if name == "switchboard":
        return _switchboard()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
