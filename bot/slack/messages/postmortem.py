"""The line above the files of a postmortem in its incident's thread."""

from dataclasses import dataclass

from bot.slack.blocks import Mrkdwn, markup


@dataclass(frozen=True, slots=True)
class PostmortemView:
    number: int
    asked_by: str
    ended: bool
    url: str


def comment(view: PostmortemView) -> Mrkdwn:
    so_far = "" if view.ended else " so far: it is still open"
    text = "Postmortem of incident {n}{so_far}, asked for by {who}: a page to open in a browser, and Markdown. {page}"
    page = markup("Also at {url} for holders of the admin token.", url=view.url) if view.url else Mrkdwn("")
    return Mrkdwn(markup(text, n=view.number, so_far=so_far, who=view.asked_by, page=page).source.rstrip())
