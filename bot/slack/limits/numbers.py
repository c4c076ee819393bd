"""The numbers: how long, how many, how large."""

from collections.abc import Mapping
from enum import StrEnum


class Surface(StrEnum):
    """Where blocks are shown; it decides which block types are allowed."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


MAX_BLOCKS: Mapping[Surface, int] = {Surface.MESSAGE: 50, Surface.MODAL: 100, Surface.HOME: 100}
ID = 255  # block_id, action_id, callback_id, external_id
SECTION_TEXT = 3000
SECTION_FIELDS = 10
SECTION_FIELD = 2000
HEADER = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
URL = 3000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
CHOICES = 10  # radio buttons and checkboxes
OVERFLOW_OPTIONS = 5
PLACEHOLDER = 150
LABEL = 2000
INPUT_VALUE = 3000
ALT_TEXT = 2000
MARKDOWN = 12_000
TABLE_ROWS = 100
TABLE_COLUMNS = 20
DATA_TABLE_ROWS = 201
DATA_TABLE_CHARACTERS = 20_000
CHART_TITLE = 50
CHART_LABEL = 20
CHARTS_PER_MESSAGE = 2
ALERT_TEXT = 200
FILES_PER_INPUT = 10
VIEW_TITLE = 24
PRIVATE_METADATA = 3000
VIEW_BYTES = 250_000
VIEW_STACK = 3
MESSAGE_TEXT = 40_000
MESSAGE_RENDERED_TEXT = 13_202  # measured against live Slack: metabase PR 79908
MESSAGE_ATTACHMENTS = 100
METADATA_BYTES = 4096  # Slack's cap is unpublished; 4 KB is what we keep to
TOPIC = 250
CHANNEL_NAME = 80
