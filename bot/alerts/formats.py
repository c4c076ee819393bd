"""The four formats that alerts come in, each a pure function from a body to what it says.

    client_api(body, scope, now)            Alertmanager's API v2: what Prometheus and amtool send
    alertmanager_webhook(body, scope, now)  Alertmanager's webhook receiver, version 4
    grafana(body, scope, now)               a webhook contact point of Grafana's unified alerting
    generic(body, scope, now)               our own, for scripts

A body that is not of the format raises PayloadError and nothing of it counts. An alert that is of the format but cannot
be taken (no such system) is a Fault beside those that can, as Alertmanager does it: one rule without a system must not
silence the others that Prometheus sends along with it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field, TypeAdapter

from bot.alerts.fields import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    Annotations,
    Body,
    Labels,
    Text,
    Time,
    named,
    read,
    said_by_labels,
    web_address,
)
from bot.alerts.said import (
    Fault,
    FaultError,
    Reading,
    Said,
    Scope,
    Source,
    fingerprint_of_key,
    known_severity,
    severity_of,
    severity_words,
)

Format = Callable[[bytes, Scope, datetime], Reading]


class _Postable(Body):
    """https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `postableAlert`"""

    labels: Labels
    annotations: Annotations = Field(default_factory=dict)
    starts_at: Time = Field(default=None, alias="startsAt")
    ends_at: Time = Field(default=None, alias="endsAt")
    generator_url: Text | None = Field(default=None, alias="generatorURL")


class _Told(_Postable):
    """An alert of a webhook: its sender says how it stands."""

    status: Literal["firing", "resolved"]
    panel_url: Text | None = Field(default=None, alias="panelURL")
    dashboard_url: Text | None = Field(default=None, alias="dashboardURL")
    value_string: Text | None = Field(default=None, alias="valueString")


class _Webhook(Body):
    """https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, and Grafana's, which has more fields"""

    alerts: list[_Told]


class _Generic(Body):
    system: Text | None = None
    cause: Text
    severity: Text | None = None
    title: Text | None = None
    text: Text | None = None
    status: Literal["firing", "resolved"]
    dedupe_key: Text | None = None
    url: Text | None = None


_POSTABLES = TypeAdapter(list[_Postable])
_WEBHOOK = TypeAdapter(_Webhook)
_GENERIC = TypeAdapter(_Generic)


def client_api(body: bytes, scope: Scope, now: datetime) -> Reading:
    """What counts is `endsAt`: past, it is over; to come, it is over then unless it is sent again; absent, it fires."""

    def one(alert: _Postable, where: str) -> Said:
        if alert.starts_at is not None and alert.ends_at is not None and alert.ends_at < alert.starts_at:
            raise FaultError(f"{where}.endsAt", "it lies before startsAt")
        return said_by_labels(
            alert.labels,
            alert.annotations,
            source=Source.ALERTMANAGER,
            scope=scope,
            where=where,
            firing=alert.ends_at is None or alert.ends_at > now,
            starts_at=alert.starts_at,
            ends_at=alert.ends_at,
            url=alert.generator_url,
        )

    return _each(read(_POSTABLES, body), one, "")


def alertmanager_webhook(body: bytes, scope: Scope, now: datetime) -> Reading:
    """What counts is `status`: Alertmanager repeats itself after hours, so an end to come is not waited for."""
    return _webhook(body, scope, now, Source.ALERTMANAGER)


def grafana(body: bytes, scope: Scope, now: datetime) -> Reading:
    """As Alertmanager's; the link leads to the panel or the dashboard where Grafana knows one."""
    return _webhook(body, scope, now, Source.GRAFANA)


def generic(body: bytes, scope: Scope, _now: datetime) -> Reading:
    """One alert; `dedupe_key` tells those of one cause apart, and without it the cause does."""
    said = read(_GENERIC, body)
    try:
        return Reading(alerts=[_generic(said, scope)])
    except FaultError as error:
        return Reading(faults=[error.fault])


def _generic(said: _Generic, scope: Scope) -> Said:
    cause = said.cause.strip()
    named(cause, "cause")
    system = scope.system(said.system, "system", required=True)
    if said.severity and known_severity(said.severity) is None:
        raise FaultError("severity", f"{said.severity[:50]!r} is none; write one of: {severity_words()}")
    return Said(
        system=system,
        fingerprint=fingerprint_of_key(cause, said.dedupe_key or ""),
        source=Source.GENERIC,
        cause=cause,
        severity=severity_of(said.severity),
        title=((said.title or "").strip() or cause)[:LONGEST_TITLE],
        text=(said.text or "").strip()[:LONGEST_TEXT],
        url=web_address(said.url),
        firing=said.status == "firing",
    )


def _webhook(body: bytes, scope: Scope, now: datetime, source: Source) -> Reading:
    def one(alert: _Told, where: str) -> Said:
        firing = alert.status == "firing"
        return said_by_labels(
            alert.labels,
            alert.annotations,
            source=source,
            scope=scope,
            where=where,
            firing=firing,
            starts_at=alert.starts_at,
            ends_at=None if firing else alert.ends_at or now,
            url=alert.panel_url or alert.dashboard_url or alert.generator_url,
            text=alert.value_string or "",
        )

    return _each(read(_WEBHOOK, body).alerts, one, "alerts")


def _each(alerts: Iterable[_Told] | Iterable[_Postable], one: Callable[..., Said], where: str) -> Reading:
    said: list[Said] = []
    faults: list[Fault] = []
    for number, alert in enumerate(alerts):
        try:
            said.append(one(alert, f"{where}[{number}]"))
        except FaultError as error:
            faults.append(error.fault)
    return Reading(said, faults)
