"""Badday's switchboard for Python products: a provider for the OpenFeature SDK that never waits and never raises.

from badday_openfeature import BaddayProvider
from openfeature import api

api.set_provider(BaddayProvider("https://badday.example.com", token=os.environ["BADDAY_READ_TOKEN"]))
provider = api.get_client().get_string_value("route.chat", "openai")

Nothing here imports the bot.
"""

from badday_openfeature.provider import BaddayProvider

__all__ = ["BaddayProvider"]
