"""When the bot may listen."""

import pytest
from pydantic import SecretStr

from bot.http.auth import require_safe_bind
from bot.settings import Settings, SettingsError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_no_token_is_needed_on_this_machine(host: str) -> None:
    require_safe_bind(Settings(http_host=host))


def test_an_address_that_others_reach_needs_a_token() -> None:
    with pytest.raises(SettingsError, match=r"BADDAY_API_TOKEN: not set, while BADDAY_HTTP=0\.0\.0\.0:8765"):
        require_safe_bind(Settings(http_host="0.0.0.0"))
    require_safe_bind(Settings(http_host="0.0.0.0", api_token=SecretStr("secret")))
