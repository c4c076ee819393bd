"""What is taken out of texts, what stays, and that JSON stays JSON."""

import json
import string
import time
import timeit
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn as reference

from bot.catalog.models import RedactPattern
from bot.catalog.patterns import PatternError, checked
from bot.trail.redaction.redactor import Redactor
from bot.trail.redaction.sensitive import luhn

REDACTOR = Redactor()
A36 = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
HEX40 = "0123456789abcdef0123456789abcdef01234567"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nx+/7Qk9=\n-----END RSA PRIVATE KEY-----"

TOKENS = [
    f"sk-{A36}",
    f"sk-proj-{A36}_-x",
    f"sk-ant-api03-{A36}-{A36}AA",
    "sk-proj-onlylettersherebutnamed",
    f"sk-or-v1-{HEX40}",
    f"gsk_{A36}",
    f"xai-{A36}",
    f"pplx-{A36}",
    f"nvapi-{A36}",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    f"ghp_{A36}",
    f"gho_{A36}",
    f"github_pat_11ABCDEFG_{A36}",
    "xoxb-123456789012-abcdefghijkl",
    "xoxp-123456789012-abcdefghijkl",
    "xoxa-2-abcdefghijkl",
    "xoxr-123456789-abcdef",
    "xoxs-123456789-abcdef",
    "xapp-1-A0123-456-abcdef",
    f"AIzaSy{A36}",
    f"hf_{A36}",
    "glpat-AbCdEfGhIjKlMnOp1234",
    f"npm_{A36}",
    f"pypi-AgEIcHlwaS5vcmc{A36}",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "rk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    f"SG.{A36[:22]}.{A36}",
    f"hvs.{A36}",
    f"dapi{HEX40[:32]}",
    f"lsv2_pt_{HEX40}_abcdef0123",
]

KEPT_ASIDE = [
    ("Authorization: Bearer abcdefghijkl", "abcdefghijkl"),
    ('{"Authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
    ("curl -H 'authorization: token 0123456789abcdef'", "0123456789abcdef"),
    ("api_key=abcd1234efgh", "abcd1234efgh"),
    ("OPENAI_API_KEY: 'abcd-1234-efgh-5678'", "abcd-1234-efgh-5678"),
    ('{"apiKey":"abcd1234efgh"}', "abcd1234efgh"),
    ("password: hunter2", "hunter2"),
    ("DB_PASSWORD=hunter2;", "hunter2"),
    ('{\\"password\\": \\"correct horse\\"}', "correct horse"),
    ("my password is Tr0ub4dor!", "Tr0ub4dor!"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_SESSION_TOKEN=FwoGZXIvYXdzEBYaDN1234567890", "FwoGZXIvYXdzEBYaDN1234567890"),
    ("postgres://app:p@ss.w0rd@db.example.com:5432/app", "app:p@ss.w0rd"),
    ("https:\\/\\/user:secretword@example.com\\/", "user:secretword"),
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX1234", "/T00000000/B00000000/XXXXXXXXXXXX1234"),
    (PEM, "MIIEowIBAAKCAQEA7bq"),
    (json.dumps(PEM), "x+/7Qk9="),
    (PEM.split("-----END")[0], "x+/7Qk9="),
]

EMAILS = [
    "jane.roe@example.com",
    "a+b@mail.example.co.uk",
    "josé@example.es",
    "jane%40example.com",
    "jane\\u0040example.com",
]

CARDS = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111111111111111",
    "5555 5555 5555 4444",
    "2223003122003222",
    "3782 822463 10005",
    "6011000990139424",
    "3530111333300000",
    "30569309025904",
    "4222222222222",
    "6212345678901234569",
]

PHONES = [
    "+1 415 555 0132",
    "+1 (415) 555-0132",
    "+14155550132",
    "+34 600 123 456",
    "+44 20 7946 0958",
    "+49 (0)30 1234567",
    "\\u002B34 600 123 456",
    "0034 600 123 456",
    "(415) 555-0132",
    "415-555-0132",
    "415.555.0132",
    "1-415-555-0132",
    "020 7946 0958",
    "07700 900123",
    "01 23 45 67 89",
    "06.12.34.56.78",
    "030 12345678",
    "0151/23456789",
    "600 123 456",
    "612 34 56 78",
    "91 123 45 67",
    "98765 43210",
    "03-1234-5678",
    "(11) 91234-5678",
]

HARMLESS = [
    "order 1234567890 was paid",
    "Order 415-555-0132 is late",
    "invoice no. 0123 456 789",
    "on 2026-01-12 at 10:00",
    "2026-01-12T10:00:00.123456Z",
    "12.01.2026 14 guests",
    "from 01/02/2026 to 03/02/2026",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "uuid 12345678-1234-1234-1234-123456789012",
    "version 1.22.333.4444, build 20261125",
    "sha 4155550132abcdef4155550132abcdef41555501",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "at 1760000157 and 1760000157123 and 1760000157123456789",
    "host 192.168.100.200:8080",
    "1 234 567 890 dollars, 900 000 000 people",
    "pi is 3.14159265358979323846",
    "use sk-learn-compatible-estimator here",
    "the risk-assessment-2024-plan-details",
    "icon@2x.png and pkg@1.2.3 and @app.get",
    "git clone git@github.com:acme/app.git",
    "password: {{ password }} or ${DB_PASSWORD} or ********",
    "password must be reset; password: required",
    'api_key=os.environ["KEY"], token: str, secret = getpass()',
    'total_tokens: 12345678, "token": 128000000',
    "Authorization: Bearer <token>",
    "a bearer certificates holder",
    "see https://example.com:8080/path?q=1",
    "[email] and [phone] and password: [secret]",
    "4111 1111 1111 1112",
    "Boston, MA 02110-1301, USA",
    "boto(aws_secret_access_key=self.aws_secret_access_key, x=client_secret_create_params.Session)",
    "chatcmpl-BxYzAbCdEfGhIjKlMnOp, call_abc123, req_0123456789abcdef",
]


def redacted(text: str) -> str:
    found, count = REDACTOR.redact(text)
    assert (count > 0) == (found != text)
    assert REDACTOR.redact(found) == (found, 0)
    return found


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "around", ["{}", "key {}, please", '"{}"', "({})", "x={}\n", '\\"{}\\"', "\\n{}\\n", "\\u00e9{}", "\\\\{}"]
)
def test_a_secret_of_a_known_shape_is_taken_out(token: str, around: str) -> None:
    found = redacted(around.format(token))
    assert "[secret]" in found
    assert token[4:] not in found


@pytest.mark.parametrize(("text", "secret"), KEPT_ASIDE)
def test_a_secret_after_its_name_is_taken_out_and_the_name_stays(text: str, secret: str) -> None:
    found = redacted(text)
    assert secret not in found
    assert "[secret]" in found
    assert text.startswith(found[:4]) or found.startswith(("[secret]", '"[secret]'))


@pytest.mark.parametrize("email", EMAILS)
@pytest.mark.parametrize("around", ["{}", "mail {}.", "<{}>", '"{}"', "\\n{}\\n", "mailto:{}?x"])
def test_an_email_address_is_taken_out(email: str, around: str) -> None:
    assert redacted(around.format(email)) == around.format("[email]")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "around", ["{}", "card {}, thanks", "card {}.", "2 {} 12/27", '"{}"', "\\n{}\\n", "({})", "on 12 {} 2027"]
)
def test_a_payment_card_is_taken_out(card: str, around: str) -> None:
    assert redacted(around.format(card)) == around.format("[card]")


@pytest.mark.parametrize("phone", PHONES)
@pytest.mark.parametrize("around", ["{}", "call {} now", "phone: {}.", '"{}"', "\\n{}\\n", "tel {}, or mail"])
def test_a_telephone_number_is_taken_out(phone: str, around: str) -> None:
    assert redacted(around.format(phone)) == around.format("[phone]")


def test_after_a_word_for_telephone_bare_digits_are_a_number() -> None:
    assert redacted("phone number is 4155550132") == "phone number is [phone]"
    assert redacted('{"mobile": "600123456"}') == '{"mobile": "[phone]"}'
    assert redacted('{\\"phone_number\\": \\"4155550132\\"}') == '{\\"phone_number\\": \\"[phone]\\"}'


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert REDACTOR.redact(text) == (text, 0)


def test_a_find_inside_another_becomes_one_mark() -> None:
    assert redacted("password: 4111 1111 1111 1111") == "password: [secret]"
    assert redacted("postgres://jane:pw12@example.com/x") == "postgres://[secret]@example.com/x"
    assert redacted("token=sk-abcdefgh-4111111111111111-ijkl") == "token=[secret]"
    assert redacted("+34 600 123 456 4111 1111 1111 1111").endswith("[card]")


def test_a_number_that_is_a_card_becomes_a_text_so_that_json_stays_json() -> None:
    text = '{"card": 4111111111111111, "phone": 4155550132, "n": 17, "mail": "a@example.com"}'
    assert json.loads(redacted(text)) == {"card": "[card]", "phone": "[phone]", "n": 17, "mail": "[email]"}


def test_parsed_json_is_redacted_in_place() -> None:
    value = {
        "user": {"mail": "a@example.com", "age": 17},
        "password": "hunter2",
        "tags": ["x", "+34 600 123 456"],
        "card": 4111111111111111,
    }
    found, count = REDACTOR.redact_json(value)
    assert found == {
        "user": {"mail": "[email]", "age": 17},
        "password": "[secret]",
        "tags": ["x", "[phone]"],
        "card": "[card]",
    }
    assert count == 4
    harmless = {"a": [1, None, True]}
    assert REDACTOR.redact_json(harmless) == (harmless, 0)
    odd = {"raw": b"mail a@example.com", "huge": 1 << 70, "f": 0.5}
    assert REDACTOR.redact_json(odd) == ({"raw": "mail [email]", "huge": 1 << 70, "f": 0.5}, 1)


def test_a_systems_own_patterns_come_on_top() -> None:
    own = Redactor((RedactPattern("order-id", r"ORD-\d{6}"), RedactPattern("patient", r"(?i)patient \w+ \w+")))
    assert Redactor((RedactPattern("id", r"(A|B)-(\d+)"),)).redact("see A-12.") == ("see [id].", 1)
    number = Redactor((RedactPattern("case", r"case \d+"),))
    assert number.redact("case 4111111111111111, password: case 1234") == ("[case], password: [secret]", 2)
    assert own.redact("ORD-123456 of Patient Jane Roe, a@example.com") == ("[order-id] of [patient], [email]", 3)


@pytest.mark.parametrize("greedy", [".+", "[a-z]+", r"\[.*\]", '"[^"]*"', "a|own"])
@given(text=st.text(alphabet='ab[]"\\\n{}: secret', max_size=60))
@settings(max_examples=30)
def test_no_pattern_redacts_its_own_marks(greedy: str, text: str) -> None:
    own = Redactor((RedactPattern("own", greedy),))
    found, _ = own.redact(text)
    assert own.redact(found) == (found, 0)


@pytest.mark.parametrize("pattern", ["a*", "", "(x|)", "^", "$", "a?b*", r"\b"])
def test_a_pattern_that_matches_nothing_at_all_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="matches nothing at all"):
        checked(pattern)


@pytest.mark.parametrize("pattern", ["(", "[a", "a{5000}", r"(?<=a)b", r"\1"])
def test_a_pattern_that_re2_cannot_use_is_refused_with_its_reason(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"cannot be used: ."):
        checked(pattern)


secret_bodies = st.text(alphabet=string.ascii_letters + string.digits, min_size=36, max_size=60).map(
    lambda body: body + "7x"
)
secrets = st.builds(
    lambda prefix, body: prefix + body,
    st.sampled_from(
        ["sk-", "sk-proj-", "sk-ant-api03-", "ghp_", "github_pat_", "hf_", "npm_", "AIza", "glpat-", "gsk_", "xoxb-1-"]
    ),
    secret_bodies,
)
surroundings = st.text(max_size=40).filter(lambda text: not text or not (text[0].isalnum() or text[-1].isalnum()))


@given(surroundings, secrets, surroundings)
def test_no_secret_is_left_whole(before: str, secret: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    for document in (text, json.dumps([{"content": text}]), json.dumps(json.dumps({"a": text}), ensure_ascii=False)):
        found, count = REDACTOR.redact(document)
        assert count
        assert secret not in found
        assert secret[-20:] not in found


fragments = st.sampled_from(
    [
        *TOKENS,
        *CARDS,
        *PHONES,
        *EMAILS,
        *(text for text, _ in KEPT_ASIDE),
        *HARMLESS,
        " ",
        "\n",
        '"',
        "\\",
        "[secret]",
        ",",
        "é",
        "x",
        "7",
    ]
)


@given(st.lists(fragments | st.text(max_size=5), max_size=8).map("".join))
@settings(max_examples=400)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once, _ = REDACTOR.redact(text)
    assert REDACTOR.redact(once) == (once, 0)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 53), 1 << 53)
    | fragments
    | st.text(max_size=20)
    | st.just(4111111111111111),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(fragments | st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(values.filter(lambda value: isinstance(value, (dict, list))), st.booleans())
@settings(max_examples=300)
def test_json_stays_json(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    found, _ = REDACTOR.redact(text)
    json.loads(found)
    nested = json.dumps({"arguments": text}, ensure_ascii=ascii_only)
    json.loads(REDACTOR.redact(nested)[0])


HOSTILE = [
    "@",
    "a@",
    "1 ",
    "4111 ",
    "-----BEGIN PRIVATE KEY-----\n",
    "password:",
    "\\",
    "sk-",
    "//a:",
    "eyJ.",
    "phone ",
    "[secret]",
    "a@b.",
]


@pytest.mark.parametrize(
    "part", [*HOSTILE, "4111 1111 1111 1111 ", "+1", "0", "a", "\\n", "+34 600 123 456,", "x.y@z.de "]
)
def test_hostile_text_takes_time_in_proportion_to_its_length(part: str) -> None:
    def seconds(length: int) -> float:
        text = part * (length // len(part))
        return min(timeit.repeat(lambda: REDACTOR.redact(text), number=1, repeat=3))

    short, long = seconds(30_000), seconds(300_000)
    assert long < 35 * short + 0.01
    assert long < 3


@given(st.binary(max_size=60))
def test_any_bytes_decoded_are_redacted_without_error(raw: bytes) -> None:
    REDACTOR.redact(raw.decode("utf-8", "surrogateescape"))
    REDACTOR.redact(raw.decode("latin-1"))


def test_half_of_a_surrogate_pair_is_replaced_for_no_database_takes_it() -> None:
    assert REDACTOR.redact("a\ud83d b") == ("a? b", 0)
    assert REDACTOR.redact("a\ud83d b@example.com") == ("a? [email]", 1)


@given(st.text(alphabet=string.digits, min_size=13, max_size=19))
def test_our_check_digit_agrees_with_the_library(digits: str) -> None:
    assert luhn(digits.encode()) == reference.is_valid(digits)


def test_redaction_is_quick() -> None:
    """The bounds are generous for busy machines; the figures are printed."""
    words = (
        "the refund window of your order is thirty days and we will mail you once it is done by our team: version 2.3 "
    )
    plain = '[{"role": "user", "content": "' + (words * 15)[:1580] + '"}]'
    about = "My name is Jane Roe, mail jane.roe@example.com, phone +1 415 555 0132, card 4111 1111 1111 1111, key "
    telling = plain[:100] + about + TOKENS[1] + plain[len(about) + 100 + len(TOKENS[1]) :]

    def microseconds(text: str) -> float:
        return min(timeit.repeat(lambda: REDACTOR.redact(text), number=400, repeat=7)) / 400 * 1e6

    started = time.perf_counter()
    nothing, four = microseconds(plain), microseconds(telling)
    print(f"{len(plain)} characters: nothing to redact {nothing:.1f} us, four finds {four:.1f} us")
    assert REDACTOR.redact(telling)[1] == 4
    assert time.perf_counter() - started < 30
    assert nothing < 40
    assert four < 200
