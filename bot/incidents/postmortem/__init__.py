"""The postmortem of an incident: what is known of it as plain data, and as a document to read, print and send."""

from bot.incidents.postmortem.documents import Document as Document
from bot.incidents.postmortem.documents import html as html
from bot.incidents.postmortem.documents import markdown as markdown
from bot.incidents.postmortem.facts import Facts as Facts
from bot.incidents.postmortem.facts import collect as collect
