"""What must not be stored, as rules: an RE2 pattern, the mark that stands for what it finds, and a check of the find.

A pattern's first group that took part is what is redacted; without groups, the whole match. Patterns look at UTF-8
bytes of plain text, of JSON and of JSON inside JSON: `ESCAPE` stands before what begins right after `\\n` or `\\u00e9`,
`QUOTE` is a quote at any depth, and values end at quotes and backslashes so that JSON stays JSON.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[bytes, int, int], tuple[tuple[int, int] | None, int]]
"""(text, start, end) of a find -> what of it is redacted (None: nothing), and where to look on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of sensitive text; of overlapping finds the earlier rule names the mark of both together."""

    mark: str
    pattern: str
    check: Check | None = None
    yields: bool = False
    """Whether an overlap with an earlier rule's find drops this one, instead of widening that."""
    number: str | None = None
    """For numbers: what to look for at a run of digits (`DIGITS`), instead of reading all of the text once more.

    Has no groups, for RE2 finds groups slowly in short texts; `number_in` tells the number in what it finds."""


ESCAPE = r"\\+(?:u[0-9a-fA-F]{4}|[bfnrt])"
QUOTE = r"""(?:\\*["'`]|\\+u002[27])"""
SPACE = r"(?:[ \x{a0}]|\\+u00a0)"

# --- secrets -----------------------------------------------------------------------------------------------------

_TOKENS = (
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, Langfuse (sk-lf-) …
    r"(?:csk|gsk|xai|pplx|nvapi|tvly|fw|pa|jina|r8|key)[-_][A-Za-z0-9_-]{20,}",
    r"sk_[0-9a-f]{40,}",  # ElevenLabs
    r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{8,}",
    r"xapp-[0-9]-[A-Za-z0-9-]{8,}",
    r"AIza[A-Za-z0-9_-]{30,}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"GOCSPX-[A-Za-z0-9_-]{20,}",
    r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
    r"gl(?:pat|ptt|dt|rt|cbt|oas|soat|agent|ft|imt|ffct)-[A-Za-z0-9_.-]{16,}",
    r"npm_[A-Za-z0-9]{20,}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"whsec_[A-Za-z0-9+/=]{16,}",
    r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}",  # JWT
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
    r"(?:SK|AC)[0-9a-f]{32}",  # Twilio
    r"[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}",  # Telegram
    r"(?:lin_api|lin_oauth|ntn|pcsk|sbp|figd|rubygems|dckr_pat|pscale_tkn|pscale_pw|lsv2_pt|lsv2_sk|sntrys|sntryu"
    r"|glsa|glc|tgp_v1|dop_v1|doo_v1|dor_v1|shpat|shpca|shppa|shpss|phc|phx)_[A-Za-z0-9_.=-]{20,}",
    r"secret_[A-Za-z0-9]{40,}",  # Notion, of old
    r"(?:hvs|hvb|dp\.pt|sl)\.[A-Za-z0-9_-]{20,}",
    r"dapi[0-9a-f]{32}",
    r"(?:NRAK|PMAK|ATATT3)[A-Za-z0-9_=-]{20,}",
    r"sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{40,}",
)
_LOOKS_LIKE_WORDS = re.compile(rb"[a-z]+(?:[-_][a-z]+)*[-_]?|[A-Z]+(?:[-_][A-Z]+)*[-_]?")
_NAMED_KEYS = re.compile(rb"sk-(?:proj|ant|or|svcacct|admin|lf|live|None)-")

_WORD_FOR_IT = r"(?i:passw(?:or)?d|passwort|passphrase|passcode|contraseña|mot de passe|senha|pwd)"
_KEY = (
    r"(?i:(?:api|access|secret|private|account|shared|encryption|signing|master|subscription|service)"
    r"[_ -]?(?:access[_ -]?)?key(?:[_ -]?id)?|secret|token|credentials?|[?&]sig)"
)
_IS = r"\s{0,4}(?:=>|:=|=|:)\s{0,4}"
_STOP_WORDS = frozenset(
    b"must should shall is are was be reset required wrong the your my our this that null none true false forgotten "
    b"changed incorrect invalid string str number integer boolean text optional any undefined redacted hidden masked "
    b"secret password example field type minimum maximum at least empty missing expired please enter click hint "
    b"bytes object list dict with from and not".split()
)
_CODE = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]*\(|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|[{<%]|\$[{(A-Za-z_]|\[\w+\]$")
_MASKED = re.compile(rb"(?:[*xX._#-]|\xe2\x80\xa2)+")
_AFTER = b".,;:!?)]}>`"
_SCHEMES = frozenset({b"bearer", b"basic", b"token", b"digest", b"apikey", b"negotiate"})


def _token(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    """Names such as `sk-learn-compatible-estimator` have the form of a key, too."""
    found = text[start:end]
    is_key = _NAMED_KEYS.match(found) is not None or not _LOOKS_LIKE_WORDS.fullmatch(found)
    return ((start, end) if is_key else None), end


def _password(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    value = text[start:end].rstrip(_AFTER)
    end = start + len(value)
    if len(value) < 4 or value.lower() in _STOP_WORDS or _CODE.match(value) or _MASKED.fullmatch(value):
        return None, end or start + 1
    spoken = text[max(0, start - 6) : start].lower().split()[-1:] in ([b"is"], [b"is:"])
    if spoken and value.isalpha():
        return None, end
    return (start, end), end


def _key_value(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    value = text[start:end].rstrip(_AFTER)
    end = start + len(value)
    a_word = value.isdigit() or not any(byte in b"0123456789" for byte in value)
    if len(value) < 8 or a_word or _CODE.match(value) or _MASKED.fullmatch(value):
        return None, end or start + 1
    return (start, end), end


def _authorization(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    value = text[start:end]
    before = text[max(0, start - 48) : start].lower()
    told = b"authorization" in before and any(before.rstrip().endswith(scheme) for scheme in _SCHEMES)
    if value.lower() in _SCHEMES or not (told or any(byte in b"0123456789" for byte in value)):
        return None, end
    return (start, end), end


# --- payment cards -----------------------------------------------------------------------------------------------

_GROUP = re.compile(rb"\\+u00a0|([0-9]+)")
_BRANDS = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    rb"|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    rb"|3[47]\d{13}"  # American Express
    rb"|(?:6011|65\d\d|64[4-9]\d)\d{12,15}"  # Discover
    rb"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners
    rb"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    rb"|62\d{14,17}|(?:50|5[6-9]|6[0-9])\d{11,17}"  # UnionPay, Maestro
)


# stdnum.luhn finds the same (tests compare them) in nine times the time.
_DOUBLED = bytes(sum(divmod(2 * (byte - 48), 10)) if 48 <= byte <= 57 else 0 for byte in range(256))


def luhn(digits: bytes) -> bool:
    """Whether the last digit is the check digit of the others."""
    straight, doubled = digits[-1::-2], digits[-2::-2]
    return (sum(straight) - 48 * len(straight) + sum(doubled.translate(_DOUBLED))) % 10 == 0


def is_card(digits: bytes) -> bool:
    """Whether 13 to 19 digits are a number that a card can have."""
    return _BRANDS.fullmatch(digits) is not None and luhn(digits)


def _card(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    """A card may be followed by other numbers (`4111 1111 1111 1111 12/27`) or follow one (`2 4111 …`)."""
    groups = [found.span(1) for found in _GROUP.finditer(text, start, end) if found[1]]
    digits, card_end = b"", 0
    for group_start, group_end in groups:
        digits += text[group_start:group_end]
        if 13 <= len(digits) <= 19 and is_card(digits):
            card_end = group_end
    if card_end:
        return (start, card_end), card_end
    return None, groups[0][1] if groups else end


# --- e-mail ------------------------------------------------------------------------------------------------------

_LETTER = r"A-Za-z0-9\p{Latin}\p{Greek}\p{Cyrillic}"
_FILES = (b".png", b".jpg", b".jpeg", b".gif", b".svg", b".webp", b".css", b".js", b".json", b".html", b".ts")


def _email(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    """`icon@2x.png` is a file and `git@github.com:` a way to clone."""
    found = text[start:end].lower()
    if found.endswith(_FILES) or (found.startswith(b"git@") and text[end : end + 1] in (b":", b"/")):
        return None, end
    return (start, end), end


# --- numbers ------------------------------------------------------------------------------------------------------

DIGITS = r"[0-9](?:(?:[ .\-/()\x{a0}]|\\+u00a0){0,3}[0-9]){6,}"
"""A run of seven digits or more: nothing shorter is a card or a telephone number, and none of them leaves a run."""
FEWEST_DIGITS = 7
BEFORE_DIGITS, AFTER_DIGITS = 8, 2
"""How many bytes around a run its rules look at."""

_NUMBER = re.compile(
    rb"(?:\\+(?:u(?!002[bB])[0-9a-fA-F]{4}|[bfnrt]))?[^0-9+(\\]?((?:\\+u002[bB]|\+)?\(?[0-9].*[0-9])", re.DOTALL
)


def number_in(text: bytes, start: int, end: int) -> tuple[int, int]:
    """A find without what stands around the number: from its first digit, plus or bracket to its last digit."""
    found = _NUMBER.search(text, start, end)
    if found is None:
        return start, end
    start, end = found.span(1)
    if text[start] == 0x28 and b")" not in text[start:end]:
        start += 1
    return start, end


# --- telephone ---------------------------------------------------------------------------------------------------

_SEP = r"(?:[ .\-\x{a0}]|\\+u00a0)"
_PHONES = (
    r"(?:\+|\\+u002[bB])\(?[1-9](?:(?:[ .\-/()\x{a0}]|\\+u00a0){0,3}[0-9]){7,14}",
    rf"00[ ]?[1-9][0-9]{{0,2}}{_SEP}\(?[0-9](?:[ .\-/()]{{0,3}}[0-9]){{5,11}}",
    rf"(?:\+?1{_SEP}?)?\([2-9][0-9]{{2}}\){_SEP}?[2-9][0-9]{{2}}{_SEP}[0-9]{{4}}",
    rf"(?:1{_SEP})?[2-9][0-9]{{2}}{_SEP}[2-9][0-9]{{2}}{_SEP}[0-9]{{4}}",
    r"\(0?[1-9][0-9]{0,3}\)[ ]?[0-9]{3,5}(?:[ \-]?[0-9]{2,5}){1,2}",
    rf"0[1-9][0-9]{{0,3}}(?:{_SEP}[0-9]{{2,8}}){{1,5}}",
    r"0[1-9][0-9]{1,3} ?/ ?[0-9]{5,8}",
    r"[6-9][0-9]{2}[ \-][0-9]{3}[ \-][0-9]{3}",
    rf"[6-9][0-9]{{2}}(?:{_SEP}[0-9]{{2}}){{3}}",
    r"9[0-9] [0-9]{3} [0-9]{2} [0-9]{2}",
    r"[6-9][0-9]{4}[ \-][0-9]{5}",
)
_TELEPHONE = (
    r"(?i:phone|\btel(?:[eé]fono|efon|ephone)?\b|\btel\.|mobile|m[oó]vil|\bcell\b|whatsapp|\bfax\b|\bhandy\b|rufnummer)"
)
_BETWEEN = r"(?:[^0-9\\{}\[\]+]|\\+[\"'nrt]|\\+u[0-9a-fA-F]{4}){0,20}?"
_DATE = re.compile(
    rb"\+?(?:(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d)"
    rb"(?:[ -]?[0-2]\d)?(?![0-9])"
)
_ZIP = re.compile(rb"\d{5}-\d{4}")
_NOT_DIGITS = re.compile(rb"\\+u00a0|\\+u002[bB]|[^0-9]+")
_TOLD = re.compile(
    rb"(?i)(?:phone|\btel(?:efono|\xc3\xa9fono|efon|ephone)?|mobile|m(?:o|\xc3\xb3)vil|\bcell|whatsapp|\bfax|\bhandy|rufnummer)"
    rb"[^0-9{}\[\]]*(?:\\+u[0-9a-f]{4}[^0-9{}\[\]]*)?$"
)
_TELEPHONE_WORD = re.compile(rb"(?i)phone|\btel|mobil|m\xc3\xb3vil|movil|\bcell\b|whatsapp|fax|call|ring|dial|text|sms")
_OTHER_NUMBER = re.compile(
    rb"(?i)(?:order|invoice|ticket|case|ref|reference|sku|isbn|issn|tracking|serial|part|model|version|build|account|acct"
    rb"|iban|zip|vat|id|pedido|rechnung|bestellung)[\w .:#=\"-]{0,12}$"
)


def is_date(text: bytes, start: int, end: int) -> bool:
    """Whether a run of digits is a date (with an hour, perhaps)."""
    return end - start <= 13 and _DATE.fullmatch(text, start, end) is not None


def _phone(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    """Dates, order numbers and round figures have the form of a telephone number, too."""
    found = text[start:end]
    digits = found.translate(None, b" +-.()/\xc2\xa0")
    if not digits.isdigit():
        digits = _NOT_DIGITS.sub(b"", found)
    if not 8 <= len(digits) <= 15 or _DATE.match(found) or _ZIP.fullmatch(found):
        return None, end
    if found[0] in b"+\\":
        return (start, end), end
    before = text[max(0, start - 28) : start]
    other = _OTHER_NUMBER.search(before) and not _TELEPHONE_WORD.search(before)
    if other or len(digits) < 9 or digits.endswith(b"000000"):
        return None, end
    return (start, end), end


def _told_phone(text: bytes, start: int, end: int) -> tuple[tuple[int, int] | None, int]:
    """After a word such as `phone`, any 7 to 15 digits are one."""
    told = not is_date(text, start, end) and _TOLD.search(text[max(0, start - 32) : start])
    return ((start, end) if told else None), end


# --- the rules ---------------------------------------------------------------------------------------------------

_BASE64 = r"[A-Za-z0-9+/=]"
_BREAK = r"(?:[\r\n]|\\+[nr])[ \t]*"
_PEM_NAME = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_BEFORE_TOKEN = rf"(?:^|[^A-Za-z0-9]|{ESCAPE})"
_BEFORE_NUMBER = rf"(?:^|[^\w.+]|{ESCAPE})"
_BEFORE_PHONE = rf"(?:^|[^\w.+\-/@#$€£%*~]|{ESCAPE})"
_AFTER_PHONE = r"(?:$|[^\w.\-/:,%@]|[.\-/:,](?:$|[^\w]))"

SECRETS = (
    Rule(
        "secret",
        rf"(-----BEGIN {_PEM_NAME}(?:{_BASE64}|{_BREAK}|[:,] ?|-[A-Za-z0-9]| {_BASE64}{{40,}})*"
        rf"(?: ?{_BASE64}{{0,80}} ?-----END {_PEM_NAME})?)",
    ),
    Rule("secret", rf"{_BEFORE_TOKEN}({'|'.join(_TOKENS)})", _token),
    Rule(
        "secret",
        r"(?:hooks\.slack\.com(?:\\*/(?:services|workflows|triggers))"
        r"|(?:discord|discordapp)\.com\\*/api\\*/webhooks)((?:\\*/[A-Za-z0-9_+-]+)+)",
    ),
    Rule("secret", r"[A-Za-z0-9]:(?:\\*/){2}([^\s/\"'\\<>@:\[\]]*:[^\s\"'\\<>/]+)@"),
    Rule(
        "secret",
        r"(?i:authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:(?:bearer|basic|token|apikey|digest|negotiate)\s+)?"
        r"|\bbearer\s+)([A-Za-z0-9._~+/=:-]{6,})",
        _authorization,
    ),
    Rule(
        "secret",
        rf"{_WORD_FOR_IT}(?:{QUOTE}?{_IS}|\s+is:?\s+)(?:\\*[\"']([^\"'\\\r\n]{{4,200}})[\"'\\]|{QUOTE}?([^\s\"'\\<>]{{4,}}))",
        _password,
    ),
    Rule("secret", rf"{_KEY}{QUOTE}?{_IS}{QUOTE}?([^\s\"'\\,;&<>(){{}}\[\]|`]{{8,}})", _key_value),
)
_CARD = r"[2-6](?:(?:[ .\-\x{a0}]|\\+u00a0)?[0-9]){12,18}(?:$|[^0-9A-Za-z_])"
_TOLD_PHONE = r"(?:\+|00)?\(?[0-9](?:[ .\-()/]{0,2}[0-9]){6,14}(?:$|[^0-9A-Za-z_])"
_PHONE = rf"{_BEFORE_PHONE}(?:{'|'.join(_PHONES)}){_AFTER_PHONE}"

PEOPLE = (
    Rule("card", _BEFORE_NUMBER + _CARD, _card, number=_BEFORE_NUMBER + _CARD),
    Rule(
        "email",
        rf"(?:{ESCAPE})?([{_LETTER}._%+-]+(?:@|%40|\\+u0040)[{_LETTER}-]+(?:\.[{_LETTER}-]+)*\.[{_LETTER}]{{2,}})",
        _email,
        yields=True,
    ),
    Rule("phone", _PHONE, _phone, number=_PHONE),
    Rule("phone", _TELEPHONE + _BETWEEN + _TOLD_PHONE, _told_phone, number=rf"(?:^|[^\w.]|{ESCAPE})" + _TOLD_PHONE),
)
