"""The workspace's state: people, conversations, files and views, and how they are found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox import ids
from bot.sandbox.clock import Clock
from bot.sandbox.installed_app import InstalledApp

Json = dict[str, Any]
SLACKBOT = "USLACKBOT"
MICROSECONDS = 1_000_000

PEOPLE = (
    ("maria", "Maria Ortiz", "Europe/Madrid", "9f69e7"),
    ("sam", "Sam Reed", "America/New_York", "2f7d6d"),
    ("ana", "Ana Kovač", "Europe/Zagreb", "c0574f"),
    ("lee", "Lee Tanaka", "Asia/Tokyo", "3b6fb6"),
    ("noor", "Noor Haddad", "Europe/Berlin", "b07a1c"),
)


@dataclass
class User:
    id: str
    name: str
    real_name: str
    email: str
    timezone: str
    color: str
    is_bot: bool = False
    presence: str = "active"
    dnd_until: float | None = None  # seconds since the epoch; None is no do-not-disturb


@dataclass
class Note:
    """A topic or a purpose."""

    value: str = ""
    creator: str = ""
    last_set: int = 0


@dataclass
class Channel:
    """A channel or a direct message; `kind` is channel, private or im."""

    id: str
    name: str
    kind: str
    creator: str
    created: int
    members: list[str]
    topic: Note = field(default_factory=Note)
    purpose: Note = field(default_factory=Note)
    is_archived: bool = False
    is_general: bool = False
    messages: dict[str, Json] = field(default_factory=dict)  # by ts, oldest first, replies among them
    replies: dict[str, list[str]] = field(default_factory=dict)  # ts of a root -> ts of its replies
    ephemerals: dict[str, tuple[str, Json]] = field(default_factory=dict)  # ts -> (user, message)
    pins: dict[str, Json] = field(default_factory=dict)
    bookmarks: dict[str, Json] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)  # user -> ts read up to

    @property
    def is_dm(self) -> bool:
        return self.kind == "im"

    def roots(self) -> Iterator[Json]:
        """What stands in the channel itself, newest first: roots and broadcast replies."""
        for message in reversed(self.messages.values()):
            if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast":
                yield message


@dataclass
class StoredFile:
    """A file that is being uploaded or has been."""

    id: str
    name: str
    title: str
    size: int
    created: int
    user: str
    content: bytes | None = None
    alt_text: str = ""
    shares: dict[str, list[str]] = field(default_factory=dict)  # channel -> ts of messages
    complete: bool = False


class Workspace:
    """Everything that the workspace remembers."""

    def __init__(self, app: InstalledApp, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.team_id = ids.new_id("T")
        self.name = "Local workspace"
        self.domain = "local-workspace"
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, StoredFile] = {}
        self.usergroups: dict[str, Json] = {}
        self.scheduled: dict[str, Json] = {}
        self.canvases: dict[str, Json] = {}
        self._direct: dict[frozenset[str], str] = {}
        self._by_name: dict[str, str] = {}
        self._last = 0
        self._furnish()

    def next_ts(self) -> str:
        """A message timestamp of now, later than every one before."""
        self._last = max(self._last + 1, int(self.clock.timestamp() * MICROSECONDS))
        return f"{self._last // MICROSECONDS}.{self._last % MICROSECONDS:06d}"

    def seconds(self) -> int:
        return int(self.clock.timestamp())

    def add_user(self, name: str, real_name: str, timezone: str = "Etc/UTC", color: str = "6b7280") -> User:
        """A new person, `name@example.com`. Raises ZoneInfoNotFoundError for an unknown time zone."""
        ZoneInfo(timezone)
        user = User(ids.new_id("U"), name, real_name, f"{name}@example.com", timezone, color)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, creator: str, members: list[str], *, private: bool = False) -> Channel:
        kind = "private" if private else "channel"
        channel = Channel(ids.new_id("C"), name, kind, creator, self.seconds(), list(members))
        self.channels[channel.id] = channel
        self._by_name[name] = channel.id
        return channel

    def rename(self, channel: Channel, name: str) -> None:
        del self._by_name[channel.name]
        channel.name = name
        self._by_name[name] = channel.id

    def channel_named(self, name: str) -> Channel | None:
        found = self._by_name.get(name.removeprefix("#"))
        return self.channels[found] if found else None

    def direct(self, one: str, other: str) -> Channel:
        """The direct message of two users; made when it is first asked for."""
        pair = frozenset({one, other})
        known = self._direct.get(pair)
        if known is not None:
            return self.channels[known]
        channel = Channel(ids.new_id("D"), "directmessage", "im", one, self.seconds(), [one, other])
        self.channels[channel.id] = channel
        self._direct[pair] = channel.id
        return channel

    def user_named(self, who: str) -> User | None:
        """A user by id, e-mail or handle."""
        if who in self.users:
            return self.users[who]
        handle = who.removeprefix("@").casefold()
        return next((user for user in self.users.values() if handle in (user.name, user.email.casefold())), None)

    def visible_to(self, user: str) -> list[Channel]:
        """Public channels, and the private ones and direct messages of this user."""
        return [c for c in self.channels.values() if c.kind == "channel" or user in c.members]

    def _furnish(self) -> None:
        app = self.app
        bot = User(app.user_id, app.handle, app.name, "", "Etc/UTC", "1f6f5c", is_bot=True)
        slackbot = User(SLACKBOT, "slackbot", "Workspace", "", "Etc/UTC", "757575")
        self.users = {bot.id: bot, slackbot.id: slackbot}
        people = [self.add_user(name, real_name, zone, color).id for name, real_name, zone, color in PEOPLE]
        general = self.add_channel("general", people[0], [*people, bot.id])
        general.is_general = True
        general.purpose.value = "For everybody"
        desk = self.add_channel("support-bot", people[0], [*people, bot.id])
        desk.topic.value = "The support bot in production"
        self.add_channel("random", people[1], people)
        for person in people:
            self.direct(person, bot.id)
