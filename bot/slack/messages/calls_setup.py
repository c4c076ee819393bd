"""The answer to `/badday calls` while no call has ever arrived: how to send some."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.slack.blocks import Context, Header, Message, Mrkdwn, Preformatted, Section, markup

GUIDE = "docs/how-to/send-calls"


@dataclass(frozen=True, slots=True)
class CallsSetupView:
    systems: Sequence[str]
    address: str
    """Where Badday listens, as products reach it."""


def render(view: CallsSetupView) -> Message:
    system = view.systems[0] if view.systems else "support-bot"
    lines = (
        f"OTEL_EXPORTER_OTLP_ENDPOINT={view.address}\n"
        "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN\n"
        f"OTEL_SERVICE_NAME={system}"
    )
    return Message(
        Mrkdwn("No model call has arrived yet."),
        [
            Header("No model call has arrived yet"),
            Section(
                Mrkdwn(
                    "Any product with an OpenTelemetry instrumentation of its model calls, or LiteLLM, can send them. "
                    "Its environment needs:"
                )
            ),
            Preformatted(lines),
            Section(
                markup(
                    "The token is made by `badday token create --system {system}`. `badday doctor` says what arrives "
                    "and what is missing, `badday trail import` reads logs that you have.",
                    system=system,
                )
            ),
            Context((markup("What each framework needs: {guide} in the repository", guide=GUIDE),)),
        ],
    )
