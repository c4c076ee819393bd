"""OTLP request bodies, protobuf or JSON, to spans and log records.

https://opentelemetry.io/docs/specs/otlp/. One bad span is counted and left out, it never spoils its neighbours: an
exporter that is told 400 drops the whole batch for good.
"""

from bot.trail.receiving.otlp.parts import UndecodableError
from bot.trail.spans import Decoded

__all__ = ["UndecodableError", "decode_logs", "decode_traces"]


def decode_traces(body: bytes, json: bool) -> Decoded:
    """The spans of an `ExportTraceServiceRequest`; raises UndecodableError where the body as a whole is none."""
    # Both libraries are only needed once something comes.
    if json:
        from bot.trail.receiving.otlp import jsonform

        return jsonform.traces(body)
    from bot.trail.receiving.otlp import protobuf

    return protobuf.traces(body)


def decode_logs(body: bytes, json: bool) -> Decoded:
    """The log records of an `ExportLogsServiceRequest`; raises UndecodableError where the body as a whole is none."""
    if json:
        from bot.trail.receiving.otlp import jsonform

        return jsonform.logs(body)
    from bot.trail.receiving.otlp import protobuf

    return protobuf.logs(body)
