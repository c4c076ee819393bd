"""A simulated provider's status page in the shape of Atlassian Statuspage v2, computed from its health (a
page says what its people posted, a little later than it happened)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.demo.health import Change, Health

CHAT_COMPONENT = "Chat Completions API"
API_GROUP = "API"
IDENTIFIED_AFTER = timedelta(seconds=4)
"""How long after its first post the provider writes that it found the cause."""


@dataclass(frozen=True)
class Posted:
    """What the page says while a provider is in one health."""

    component: str
    indicator: str
    description: str
    update: str
    body: str


POSTED: Mapping[Health, Posted] = {
    Health.HEALTHY: Posted(
        component="operational",
        indicator="none",
        description="All Systems Operational",
        update="resolved",
        body="This incident has been resolved.",
    ),
    Health.FAILING: Posted(
        component="major_outage",
        indicator="critical",
        description="Major Service Outage",
        update="investigating",
        body="Most requests to the Chat Completions API fail. We are investigating.",
    ),
    Health.SLOW: Posted(
        component="partial_outage",
        indicator="major",
        description="Partial System Outage",
        update="investigating",
        body="Chat Completions take much longer than usual, and many time out. We are investigating.",
    ),
    Health.RECOVERING: Posted(
        component="degraded_performance",
        indicator="minor",
        description="Partially Degraded Service",
        update="monitoring",
        body="A fix is in place and requests succeed again. We are watching the results.",
    ),
}

INCIDENT_NAMES: Mapping[Health, str] = {
    Health.FAILING: "Chat Completions API is down",
    Health.SLOW: "Slow answers from the Chat Completions API",
}
IMPACT_RANK = ("none", "minor", "major", "critical")


@dataclass(frozen=True)
class Update:
    """One message under an incident of the page."""

    at: datetime
    status: str
    body: str
    old: str
    new: str


@dataclass(frozen=True)
class Incident:
    """One incident of the page, its updates oldest first."""

    name: str
    impact: str
    updates: tuple[Update, ...]

    @property
    def resolved(self) -> bool:
        """Whether its last word is that it is over."""
        return self.updates[-1].status == "resolved"

    def first(self, status: str) -> datetime | None:
        """When it first had this status."""
        return next((update.at for update in self.updates if update.status == status), None)


@dataclass(frozen=True)
class StatusPage:
    """Whose page it is, where it stands, and how late its people post."""

    key: str
    name: str
    url: str
    opened: datetime
    lag: timedelta

    def summary(self, history: Sequence[Change], now: datetime) -> dict[str, Any]:
        """The document at `/api/v2/summary.json`: unresolved incidents only."""
        incidents = self.incidents(history, now)
        posted = POSTED[_posted_health(history, now - self.lag)]
        changed = max((incident.updates[-1].at for incident in incidents), default=self.opened)
        return {
            "page": self._page(changed),
            "components": self._components(posted.component, changed),
            "incidents": [
                self._incident(number, incident, posted.component)
                for number, incident in reversed(list(enumerate(incidents)))
                if not incident.resolved
            ],
            "scheduled_maintenances": [],
            "status": {"indicator": posted.indicator, "description": posted.description},
        }

    def archive(self, history: Sequence[Change], now: datetime) -> dict[str, Any]:
        """The document at `/api/v2/incidents.json`: the newest 50, resolved ones too."""
        incidents = self.incidents(history, now)
        posted = POSTED[_posted_health(history, now - self.lag)]
        changed = max((incident.updates[-1].at for incident in incidents), default=self.opened)
        newest_first = list(enumerate(incidents))[::-1][:50]
        return {
            "page": self._page(changed),
            "incidents": [self._incident(number, incident, posted.component) for number, incident in newest_first],
        }

    def incidents(self, history: Sequence[Change], now: datetime) -> list[Incident]:
        """What the page has told by now, oldest incident first."""
        posts = [Change(change.at + self.lag, change.health) for change in history[1:]]
        return _replay([post for post in posts if post.at <= now], now)

    def _page(self, changed: datetime) -> dict[str, Any]:
        return {
            "id": self._id("page"),
            "name": self.name,
            "url": self.url,
            "time_zone": "Etc/UTC",
            "updated_at": _time(changed),
        }

    def _components(self, chat: str, changed: datetime) -> list[dict[str, Any]]:
        group = self._component(API_GROUP, chat, changed, position=1, group=True)
        children = [
            self._component(CHAT_COMPONENT, chat, changed, position=1, parent=API_GROUP),
            self._component("Embeddings API", "operational", self.opened, position=2, parent=API_GROUP),
        ]
        group["components"] = [child["id"] for child in children]
        return [group, *children, self._component("Console", "operational", self.opened, position=2)]

    def _component(
        self,
        name: str,
        status: str,
        changed: datetime,
        *,
        position: int,
        group: bool = False,
        parent: str | None = None,
    ) -> dict[str, Any]:
        return {
            "id": self._id("component", name),
            "name": name,
            "status": status,
            "created_at": _time(self.opened),
            "updated_at": _time(changed),
            "position": position,
            "description": None,
            "showcase": not group,
            "start_date": None,
            "group_id": self._id("component", parent) if parent else None,
            "page_id": self._id("page"),
            "group": group,
            "only_show_if_degraded": False,
        }

    def _incident(self, number: int, incident: Incident, chat: str) -> dict[str, Any]:
        incident_id = self._id("incident", str(number))
        first, last = incident.updates[0], incident.updates[-1]
        monitoring, resolved = incident.first("monitoring"), incident.first("resolved")
        return {
            "id": incident_id,
            "name": incident.name,
            "status": last.status,
            "created_at": _time(first.at),
            "updated_at": _time(last.at),
            "monitoring_at": _time(monitoring) if monitoring else None,
            "resolved_at": _time(resolved) if resolved else None,
            "impact": incident.impact,
            "shortlink": f"{self.url}/incidents/{incident_id}",
            "started_at": _time(first.at),
            "page_id": self._id("page"),
            "incident_updates": [
                self._update(incident_id, position, update)
                for position, update in reversed(list(enumerate(incident.updates)))
            ],
            "components": [self._component(CHAT_COMPONENT, chat, last.at, position=1, parent=API_GROUP)],
            "reminder_intervals": None,
        }

    def _update(self, incident_id: str, position: int, update: Update) -> dict[str, Any]:
        return {
            "id": self._id("update", incident_id, str(position)),
            "status": update.status,
            "body": update.body,
            "incident_id": incident_id,
            "created_at": _time(update.at),
            "updated_at": _time(update.at),
            "display_at": _time(update.at),
            "affected_components": [
                {
                    "code": self._id("component", CHAT_COMPONENT),
                    "name": f"{API_GROUP} - {CHAT_COMPONENT}",
                    "old_status": update.old,
                    "new_status": update.new,
                }
            ],
            "deliver_notifications": True,
            "custom_tweet": None,
            "tweet_id": None,
        }

    def _id(self, *parts: str) -> str:
        """Twelve lower-case characters, as real pages have, and the same at every poll."""
        return hashlib.sha256("/".join((self.key, *parts)).encode()).hexdigest()[:12]


def _replay(posts: Sequence[Change], now: datetime) -> list[Incident]:
    incidents: list[Incident] = []
    shown = Health.HEALTHY
    for number, post in enumerate(posts):
        until = posts[number + 1].at if number + 1 < len(posts) else now
        updates = tuple(_updates(post, shown, until))
        if incidents and not incidents[-1].resolved:
            incidents[-1] = _continued(incidents[-1], post, updates)
        else:
            incidents.append(Incident(INCIDENT_NAMES[post.health], POSTED[post.health].indicator, updates))
        shown = post.health
    return incidents


def _updates(post: Change, shown: Health, until: datetime) -> Iterable[Update]:
    posted = POSTED[post.health]
    yield Update(post.at, posted.update, posted.body, POSTED[shown].component, posted.component)
    identified = post.at + IDENTIFIED_AFTER
    if post.health in INCIDENT_NAMES and identified <= until:
        body = "The cause is found: a faulty network change. We are rolling it back."
        yield Update(identified, "identified", body, posted.component, posted.component)


def _continued(incident: Incident, post: Change, updates: tuple[Update, ...]) -> Incident:
    worst = max(incident.impact, POSTED[post.health].indicator, key=IMPACT_RANK.index)
    return Incident(INCIDENT_NAMES.get(post.health, incident.name), worst, (*incident.updates, *updates))


def _posted_health(history: Sequence[Change], seen_until: datetime) -> Health:
    return next((change.health for change in reversed(history) if change.at <= seen_until), Health.HEALTHY)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
