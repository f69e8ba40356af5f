"""Texts that hold one kind of personal data, and texts with numbers that are none; all of it made up."""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable

from govkit.checks._identifiers import IBANS

LETTERS, DIGITS = string.ascii_letters, string.digits
WORDS = (
    "the",
    "order",
    "was",
    "sent",
    "to",
    "our",
    "office",
    "and",
    "we",
    "shall",
    "answer",
    "before",
    "noon",
    "in",
    "May",
)
LONG = "for a long time we have been waiting for your kind answer about the late delivery"

Make = Callable[[random.Random], str]


def chance(seed: int | str) -> random.Random:
    """The same texts for the same seed."""
    return random.Random(seed)  # noqa: S311 - nothing that is made here is kept secret


def number(rng: random.Random, size: int) -> str:
    return "".join(rng.choices(DIGITS, k=size))


def _letters(rng: random.Random, size: int, of: str = LETTERS + DIGITS) -> str:
    return "".join(rng.choices(of, k=size))


def luhn_digit(body: str) -> str:
    """The digit that follows, by the table of ISO/IEC 7812-1."""
    table = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(table[int(digit)] if at % 2 == 0 else int(digit) for at, digit in enumerate(reversed(body)))
    return str(-total % 10)


def card(rng: random.Random) -> str:
    prefix, size = rng.choice([("4", 16), ("5" + rng.choice("12345"), 16), ("2221", 16), ("37", 15), ("6011", 16),
                               ("3528", 16), ("62", 16), ("36", 14), ("4", 13), ("62", 19)])  # fmt: skip
    digits = prefix + number(rng, size - len(prefix) - 1)
    digits += luhn_digit(digits)
    gap = rng.choice(["", " ", "-"])
    if size == 15:
        return gap.join((digits[:4], digits[4:10], digits[10:]))
    return gap.join(digits[at : at + 4] for at in range(0, size, 4)) if size == 16 else digits


def iban(rng: random.Random) -> str:
    size = rng.choice(list(IBANS))
    land = rng.choice(IBANS[size].split("|"))
    body = _letters(rng, size - 4, DIGITS if rng.random() < 0.7 else string.ascii_uppercase + DIGITS)
    check = 98 - int("".join(str(int(letter, 36)) for letter in body + land + "00")) % 97
    text = f"{land}{check:02d}{body}"
    return text if rng.random() < 0.5 else " ".join(text[at : at + 4] for at in range(0, size, 4))


def email(rng: random.Random) -> str:
    name = rng.choice(["anna.b", "j_smith", "x+news", "kim-77", "a"]) + number(rng, rng.randint(0, 3))
    return f"{name}@{rng.choice(['mail.', '', 'a-b.'])}{rng.choice(['example', 'firma', 'uni'])}." + rng.choice(
        ["com", "de", "co.uk", "museum", "fr"]
    )


def phone(rng: random.Random) -> str:
    area, exchange, line = f"{rng.randint(201, 989)}", f"{rng.randint(2, 9)}{number(rng, 2)}", number(rng, 4)
    two = [number(rng, 2) for _ in range(4)]
    return rng.choice([
        f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"{area}.{exchange}.{line}",
        f"+1 {area} {exchange} {line}", f"+1-{area}-{exchange}-{line}", f"+1{area}{exchange}{line}",
        f"+33 6 {' '.join(two)}", f"06 {' '.join(two)}", f"01.{'.'.join(two)}", f"+44 20 7{number(rng, 3)} {line}",
        f"020 7{number(rng, 3)} {line}", f"07700 9{number(rng, 5)}", f"+49 171 {number(rng, 7)}",
        f"0171/{number(rng, 7)}", f"030 {number(rng, 7)}", f"+34 6{number(rng, 2)} {number(rng, 3)} {number(rng, 3)}",
        f"+39 3{number(rng, 2)} {number(rng, 7)}", f"+91 9{number(rng, 4)} {number(rng, 5)}",
        f"0049 30 {number(rng, 7)}", f"phone: 0{rng.randint(1, 9)}{number(rng, 8)}", f"call me on 07{number(rng, 9)}",
        f"tel. {area} {exchange} {line}", f"07{number(rng, 9)}", f"(11) 9{number(rng, 4)}-{line}",
    ])  # fmt: skip


def es_dni(rng: random.Random) -> str:
    lead = rng.choice(["", "", "X", "Y", "Z"])
    digits = number(rng, 7 if lead else 8)
    value = int({"": "", "X": "0", "Y": "1", "Z": "2"}[lead] + digits)
    return f"{lead}{digits}{rng.choice(['', '-'])}{'TRWAGMYFPDXBNJZSQVHLCKE'[value % 23]}"


def fr_nir(rng: random.Random) -> str:
    body = f"{rng.choice('12')}{number(rng, 2)}{rng.randint(1, 12):02d}{rng.randint(1, 95):02d}{number(rng, 6)}"
    text = f"{body}{97 - int(body) % 97:02d}"
    spaced = " ".join((text[0], text[1:3], text[3:5], text[5:7], text[7:10], text[10:13], text[13:]))
    return rng.choice([text, spaced])


def br_cpf(rng: random.Random) -> str:
    digits = [int(digit) for digit in number(rng, 9)]
    for size in (9, 10):
        rest = sum(digit * weight for digit, weight in zip(digits, range(size + 1, 1, -1), strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    text = "".join(map(str, digits))
    return rng.choice([f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}", f"CPF {text}", f"cpf: {text}"])


def pl_pesel(rng: random.Random) -> str:
    year, month = rng.choice([(rng.randint(30, 99), rng.randint(1, 12)), (rng.randint(0, 9), rng.randint(21, 32))])
    body = f"{year:02d}{month:02d}{rng.randint(1, 28):02d}{number(rng, 4)}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
    return f"{body}{-total % 10}"


def nl_bsn(rng: random.Random) -> str:
    while True:
        digits = str(rng.randint(100_000_000, 999_999_999))
        if (sum(int(digit) * (9 - at) for at, digit in enumerate(digits[:8])) - int(digits[8])) % 11 == 0:
            return rng.choice(["BSN ", "bsn: ", "BSN-nummer "]) + digits


def de_tax(rng: random.Random) -> str:
    while True:
        nine = rng.sample(DIGITS, 9)
        body = [*nine, rng.choice(nine)]
        rng.shuffle(body)
        if body[0] != "0":
            break
    product = 10
    for digit in body:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    text = "".join(body) + str((11 - product) % 10)
    return rng.choice([text, f"{text[:2]} {text[2:5]} {text[5:8]} {text[8:]}"])


def it_codice(rng: random.Random) -> str:
    """The control character by the printed tables of the Agenzia delle Entrate."""
    consonants = "BCDFGLMNPRSTVZ"
    body = f"{_letters(rng, 6, consonants)}{number(rng, 2)}{rng.choice('ABCDEHLMPRST')}{rng.randint(1, 28):02d}"
    body += f"{rng.choice('ABCDEFGHIL')}{number(rng, 3)}"
    odd = {"0": 1, "1": 0, "2": 5, "3": 7, "4": 9, "5": 13, "6": 15, "7": 17, "8": 19, "9": 21, "A": 1, "B": 0, "C": 5,
           "D": 7, "E": 9, "F": 13, "G": 15, "H": 17, "I": 19, "J": 21, "K": 2, "L": 4, "M": 18, "N": 20, "O": 11,
           "P": 3, "Q": 6, "R": 8, "S": 12, "T": 14, "U": 16, "V": 10, "W": 22, "X": 25, "Y": 24, "Z": 23}  # fmt: skip
    even = (int(each) if each.isdigit() else ord(each) - ord("A") for each in body[1::2])
    total = sum(odd[each] for each in body[::2]) + sum(even)
    return body + string.ascii_uppercase[total % 26]


def us_ssn(rng: random.Random) -> str:
    area = rng.choice([value for value in range(1, 900) if value != 666])
    text = f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"
    return rng.choice([text, "SSN " + text.replace("-", ""), "ssn: " + text])


def ip(rng: random.Random) -> str:
    return f"{rng.choice([23, 52, 81, 93, 151, 185, 203])}.{rng.randint(114, 255)}.{rng.randint(10, 255)}." + str(
        rng.randint(1, 254)
    )


def token(rng: random.Random) -> str:
    return rng.choice([
        "AKIA" + _letters(rng, 16, string.ascii_uppercase + DIGITS), "ghp_" + _letters(rng, 36),
        "github_pat_" + _letters(rng, 22) + "_" + _letters(rng, 59), "sk_live_" + _letters(rng, 24),
        f"xoxb-{number(rng, 12)}-{number(rng, 12)}-{_letters(rng, 24)}", "AIza" + _letters(rng, 35, LETTERS + "-_"),
        "glpat-" + _letters(rng, 20), "hf_" + _letters(rng, 34, LETTERS), "sk-proj-" + _letters(rng, 48),
    ])  # fmt: skip


def jwt(rng: random.Random) -> str:
    parts = (b'{"alg":"HS256"}', b'{"sub":"%d"}' % rng.randrange(10**9), rng.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def private_key(rng: random.Random) -> str:
    kind = rng.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{_letters(rng, 64)}\n-----END {kind}PRIVATE KEY-----"


def named_secret(rng: random.Random) -> str:
    name = rng.choice(["api_key", "API-KEY", "token", "client_secret", "access key", "auth_token", "key"])
    value = rng.choice([_letters(rng, rng.randint(24, 48)), rng.randbytes(16).hex(), rng.randbytes(32).hex(),
                        base64.b64encode(rng.randbytes(30)).decode()])  # fmt: skip
    return f"{name}={value}" if name == "key" else rng.choice([f"{name}={value}", f'"{name}": "{value}"'])


def password(rng: random.Random) -> str:
    value = rng.choice(["Summer", "tiger", "Xk", "hunTer"]) + number(rng, 4) + rng.choice("!#?*") + _letters(rng, 3)
    return rng.choice(["password=", "Password: ", "pwd = ", "passwd: "]) + value + ("A" if value.islower() else "")


POSITIVE: dict[str, Make] = {
    make.__name__: make
    for make in (email, phone, card, iban, es_dni, fr_nir, br_cpf, pl_pesel, nl_bsn, de_tax, it_codice, us_ssn, ip,
                 token, jwt, private_key, named_secret, password)
}  # fmt: skip
"""Kind -> maker of one."""


def isbn(rng: random.Random) -> str:
    body = "978" + number(rng, 9)
    check = -sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body)) % 10
    return rng.choice([f"{body}{check}", f"978-{body[3]}-{body[4:7]}-{body[7:12]}-{check}", f"0-{number(rng, 3)}-"
                       f"{number(rng, 5)}-{number(rng, 1)}"])  # fmt: skip


def stamp(rng: random.Random) -> str:
    year, month, day = rng.randint(1990, 2030), rng.randint(1, 12), rng.randint(1, 28)
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return rng.choice([
        f"{year}-{month:02d}-{day:02d}T{clock}+02:00", f"{year}-{month:02d}-{day:02d} {clock}.{number(rng, 6)}",
        f"{day:02d}.{month:02d}.{year} {clock}", f"{month:02d}/{day:02d}/{year} {hour:02d}:{minute:02d}",
        f"{year}{month:02d}{day:02d}T{hour:02d}{minute:02d}{second:02d}Z", f"1{number(rng, 9)}", f"1{number(rng, 12)}",
        f"1{number(rng, 18)}", f"call at {year}-{month:02d}-{day:02d} {clock} +0200",
    ])  # fmt: skip


def code(rng: random.Random) -> str:
    """Orders, parcels, articles, versions and digests."""
    few = rng.randint(1, 30), rng.randint(0, 60), rng.randint(0, 99)
    return rng.choice([
        f"order {number(rng, 16)}", f"ORD-{rng.randint(2000, 2030)}-{number(rng, 6)}", f"invoice {number(rng, 8)}",
        f"1Z{_letters(rng, 6, string.ascii_uppercase + DIGITS)}{number(rng, 10)}", f"ticket #{number(rng, 7)}",
        f"v{few[0]}.{few[1]}.{few[2]}", f"{few[0]}.{few[1]}.{few[2]}.{number(rng, 1)}", f"{few[0]}.{few[1]}.0-rc1",
        f"Chrome/{rng.randint(90, 130)}.0.{rng.randint(4000, 6999)}.{few[2]}", f"article {number(rng, 9)}",
        str(uuid.UUID(int=rng.getrandbits(128))), rng.randbytes(16).hex(), rng.randbytes(20).hex(),
        rng.randbytes(32).hex(), f"sha256:{rng.randbytes(32).hex()}", rng.randbytes(4).hex(),
        f"10.{few[0]}.{few[1]}.{few[2]}", f"192.168.{few[1]}.{few[2]}", f"order {number(rng, 11)}",
        f"order 000{number(rng, 8)}",
    ])  # fmt: skip


def arithmetic(rng: random.Random) -> str:
    a, b = rng.randint(100, 10**6), rng.randint(100, 10**6)
    return rng.choice([
        f"{a} + {b} = {a + b}", f"{a} * {b} = {a * b}", f"{a}-{b}-{rng.randint(1, 99)}", f"0.{number(rng, 16)}",
        f"{a:,} dollars", f"{rng.random() * 1e9:.6f}", f"{a}/{b}", f"1e+{number(rng, 2)}", f"-{a}.{number(rng, 12)}",
        f"{number(rng, 2)} {number(rng, 3)} {number(rng, 4)}", f"3.14159{number(rng, 12)}", f"+5.{number(rng, 9)}",
        f"[{', '.join(number(rng, 2) for _ in range(8))}]", f"{number(rng, 3)},{number(rng, 3)},{number(rng, 3)}",
        f"{rng.uniform(-90, 90):.6f}, {rng.uniform(-180, 180):.6f}", f"{a} x {b}", f"2 ** {rng.randint(10, 99)}",
    ])  # fmt: skip


def named(rng: random.Random) -> str:
    """What stands near the words of secrets and addresses and is none."""
    return rng.choice([
        "token = get_token(request)", "sort_key=created_at", f"password: {rng.choice(['required', 'none'])}",
        "api_key=YOUR_API_KEY_GOES_HERE", "password=${DB_PASSWORD}", "key: value", f"max_tokens={number(rng, 4)}",
        "@app.route('/login')", "npm i @scope/package", f"logo@{rng.randint(2, 3)}x.png", "git@github.com:owner/name",
        f"react@18.{number(rng, 1)}.2", "meet @ 5.30 pm", "the secret of success is patience", f"user_{number(rng, 5)}",
        "tokens: the quick brown fox", f"secret santa on {rng.randint(1, 28)} December",
        "password must be 8-64 characters", "02110-1301", "password: Optional[str] = None", "1.3.101.112",
        "AKIA is a prefix, ghp_ another", "-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----",
        f"I phone you at {rng.randint(1, 12)} pm", f"hotel {number(rng, 10)}",
        f"token {number(rng, 5)} of {number(rng, 6)}",
    ])  # fmt: skip


HARD: tuple[Make, ...] = (isbn, stamp, code, arithmetic, named)
"""Makers of numbers and words that are no personal data."""


def sentence(rng: random.Random, held: str) -> str:
    """The thing alone, at an end, or in the middle of a sentence."""
    before, after = (" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(2))
    return rng.choice([held, f"{before} {held}", f"{held}, {after}", f"{before} {held}. {after}", f"({held})"])


def negatives(rng: random.Random, n: int) -> list[str]:
    """``n`` texts, as many of each sort of hard ones, and one in ten plain."""
    makers = (*HARD, *HARD, lambda _rng: LONG)
    return [sentence(rng, makers[at % len(makers)](rng)) for at in range(n)]
