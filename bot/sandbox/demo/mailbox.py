"""The mails that the demo's people got, as the panel lists them and as a mail program would show them."""

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.sandbox.mail import Mail, MailSink

SHOWN = 6
"""How many mails the panel lists."""
HEADERS = {
    # The mail's own styles stand in its elements; it may load nothing and run nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
STYLE = """
:root{color-scheme:light dark;--ink:#24221e;--soft:#6f695e;--paper:#fffdfa;--ground:#eeebe5;--line:#e6e1d8}
@media (prefers-color-scheme:dark){:root{--ink:#e9e7e1;--soft:#999890;--paper:#191d1c;--ground:#111413;--line:#2b3130}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:2rem auto;background:var(--paper);border:1px solid var(--line);border-radius:10px;
overflow:hidden}
header{padding:1.25rem 1.5rem;border-bottom:1px solid var(--line)}
h1{font-size:1.25rem;line-height:1.3;margin:0 0 .5rem;overflow-wrap:anywhere}
header p{margin:0;color:var(--soft);overflow-wrap:anywhere}b{color:var(--ink);font-weight:600}
iframe{display:block;box-sizing:border-box;width:100%;height:34rem;border:0;padding:.5rem 1rem;
background:#fff;color-scheme:light}
@media (max-width:44rem){main{margin:0;border:0;border-radius:0}}
"""


class Mailbox:
    """Everybody's mails in one place, numbered from 1 in the order in which they came."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    def picture(self) -> list[dict[str, Any]]:
        """The newest mails first, as the panel lists them."""
        numbered = list(enumerate(self._sink.mails, 1))
        return [
            {
                "number": number,
                "to": _header(mail, "To"),
                "subject": _header(mail, "Subject"),
                "at": mail.message["Date"].datetime.isoformat(),
            }
            for number, mail in reversed(numbered[-SHOWN:])
        ]

    async def show(self, request: Request) -> Response:
        """One mail; whoever asks for one that never came gets 404."""
        number: int = request.path_params["number"]
        if not 1 <= number <= len(self._sink.mails):
            return HTMLResponse("<p>There is no such mail.</p>", 404, headers=HEADERS)
        return HTMLResponse(_page(self._sink.mails[number - 1]), headers=HEADERS)


def _page(mail: Mail) -> str:
    lines = "".join(f"<p><b>{name}</b> {html.escape(_header(mail, name))}</p>" for name in ("From", "To", "Date"))
    subject = html.escape(_header(mail, "Subject"))
    # Without it a link would open inside the frame, which the page behind it refuses.
    body = mail.text("html").replace("<body", '<base target="_top"><body', 1)
    sandbox = "allow-top-navigation-by-user-activation"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{subject}</title><style>{STYLE}</style></head><body><main><header><h1>{subject}</h1>{lines}</header>"
        f'<iframe title="The mail" sandbox="{sandbox}" srcdoc="{html.escape(body)}"></iframe></main></body></html>'
    )


def _header(mail: Mail, name: str) -> str:
    return str(mail.message[name] or "")
