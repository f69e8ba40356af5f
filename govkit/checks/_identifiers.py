"""Personal data and secrets in a text: what they look like, and the arithmetic that tells them from other numbers.

Sources: ISO/IEC 7812-1 (payment cards, Luhn) and the ranges that the card networks publish; ISO 13616 (IBAN, mod 97);
ISO 7064 (mod 11,10); ITU-T E.164 and the North American Numbering Plan (phones); the rules of the issuers of national
ids; the documented prefixes of access tokens. Every pattern is bounded or ends where its run of characters ends, so
that the time is proportional to the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from math import log2

# Hints: seven digits with little between them, and what stands at or before a secret.
DIGITS = r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6}"
NAMED = (
    r"(?i)akia|asia|gh[pousr]_|github_pat_|glpat-|xox|eyj|_live_|aiza|sk-|hf_"
    r"|key|token|secret|credential|authoriz|pass|pwd"
)
IBANS = {
    15: "NO", 16: "BE", 18: "DK|FI|FK|FO|GL|NL|SD", 19: "MK|SI", 20: "AT|BA|EE|KZ|LT|LU|MN|XK",
    21: "CH|HR|LI|LV", 22: "BG|BH|CR|DE|GB|GE|IE|ME|RS|VA", 23: "AE|GI|IL|IQ|OM|SO|TL",
    24: "AD|CZ|ES|MD|PK|RO|SA|SE|SK|TN|VG", 25: "LY|PT|ST", 26: "IS|TR",
    27: "BI|DJ|FR|GR|IT|MC|MR|SM", 28: "AL|AZ|BY|CY|DO|GT|HN|HU|LB|NI|PL|SV", 29: "BR|EG|PS|QA|UA", 30: "JO|KW|MU|YE",
    31: "MT|SC", 32: "LC", 33: "RU",
}  # fmt: skip
"""Length of an IBAN -> countries, of the registry of ISO 13616."""

# Neither a piece of a longer number, nor the places behind a decimal point.
_START, _END = r"(?<![0-9A-Za-z])(?<![0-9]-)(?<![^A-Za-z)]\.)", r"(?![0-9A-Za-z])(?![.-][0-9])"
_GAP = "[ \u00a0\u202f-]"
_ODD_GAP = "[ \u00a0\u202f]?[-./_·\u2010-\u2014][ \u00a0\u202f]?|[ \u00a0\u202f]{2,3}"
_SPACES = re.compile(r"[^0-9A-Za-z]+")
_DATE = re.compile(r"(?:19|20)[0-9]{2}([-/.])[01]?[0-9]\1[0-3]?[0-9]|[0-3]?[0-9]([-/.])[0-3]?[0-9]\2(?:19|20)[0-9]{2}")
_LETTERS = {letter: str(value) for value, letter in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
# Agenzia delle Entrate: values of the characters at odd places of a codice fiscale.
_ODD = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
                10, 22, 25, 24, 23), strict=True))  # fmt: skip
_ODD |= {digit: _ODD[letter] for digit, letter in zip("0123456789", "ABCDEFGHIJ", strict=True)}
_MAESTRO = (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)


@dataclass(frozen=True)
class Kind:
    """One kind of personal data.

    Attributes:
        name: What it is.
        metric: The metric that counts its rows.
        hint: What any text that holds one matches, in the syntax of RE2; the cheap question that is asked first.
        pattern: What one looks like; its group ``id``, if it has one, is what ``valid`` is asked about.
        valid: Whether letters and digits, in capitals and without anything between them, are one. Of a pattern that
            leaves nothing to ask it is None.
        raw: Ask ``valid`` about the text as it stands.
    """

    name: str
    metric: str
    hint: str
    pattern: re.Pattern[str]
    valid: Callable[[str], bool] | None = None
    raw: bool = False

    def within(self, text: str) -> bool:
        """Whether the text holds one. What was found is not kept."""
        for match in self.pattern.finditer(text):
            found = match["id"] if "id" in self.pattern.groupindex else match[0]
            if self.valid is None or self.valid(found if self.raw else _SPACES.sub("", found).upper()):
                return True
        return False


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _card(digits: str) -> bool:
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    long = 16 <= size <= 19
    known = (
        (digits[0] == "4" and size in (13, 16, 19))
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))
        or ((size, two) in ((15, 34), (15, 37), (14, 36), (14, 38), (14, 39)) or (size == 14 and 3000 <= four <= 3059))
        or (long and (four == 6011 or 6440 <= four <= 6599 or two == 62 or 3528 <= four <= 3589))
        or four in _MAESTRO
    )
    return known and luhn(digits)


def _iban(text: str) -> bool:
    return int("".join(_LETTERS[letter] for letter in text[4:] + text[:4])) % 97 == 1


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _es_dni(text: str) -> bool:
    number = int(text[:-1].translate(str.maketrans("XYZ", "012")))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == text[-1]


def _fr_nir(text: str) -> bool:
    number = int(text[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(text[13:])


def _it_codice(text: str) -> bool:
    even = (int(letter) if letter.isdigit() else ord(letter) - 65 for letter in text[1:15:2])
    return chr((sum(_ODD[letter] for letter in text[:15:2]) + sum(even)) % 26 + 65) == text[15]


def _br_cpf(digits: str) -> bool:
    first = _weighted(digits, tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = _weighted(digits, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[-2:] == f"{first}{second}"


def _pl_pesel(digits: str) -> bool:
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    # The month of those born in this century has 20 added. Nobody born before 1920 is looked for.
    born = (1 <= month <= 12 and year >= 20) or (21 <= month <= 32 and year <= 40)
    return born and 1 <= day <= 31 and (10 - _weighted(digits[:10], (1, 3, 7, 9) * 3) % 10) % 10 == int(digits[10])


def _nl_bsn(digits: str) -> bool:
    return int(digits) > 0 and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _de_tax(digits: str) -> bool:
    """One digit of the first ten stands there two or three times, the others once at most; ISO 7064 mod 11,10."""
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    rest = 10
    for digit in digits[:10]:
        rest = ((int(digit) + rest) % 10 or 10) * 2 % 11
    return counts[-1] in (2, 3) and counts[:-1] == [1] * (len(counts) - 1) and (11 - rest) % 10 == int(digits[10])


def _us_ssn(digits: str) -> bool:
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def _phone(text: str) -> bool:
    """Digits in groups as phones are written, no dates; of North America an area and an exchange that can be."""
    groups = _SPACES.sub(" ", text).split()
    digits = "".join(groups)
    american = re.fullmatch(r"1?[2-9][0-9]{2}[2-9][0-9]{6}", digits) is not None
    if _DATE.search(text) or sum(len(group) == 1 for group in groups) > 2 or re.match(r"\+[2-689][^0-9]", text):
        return False
    if text.startswith("+1") or (text.isdigit() and text[0] == "1"):
        return american
    return (8 if text[0] == "+" else 9) <= len(digits.removeprefix("00")) <= 15


def _public(text: str) -> bool:
    """A public IPv4 address; one of fewer than eight digits is left out, for it may be the number of a version."""
    try:
        return len(text) >= 11 and ip_address(text).is_global
    except ValueError:
        return False


def _secret(value: str) -> bool:
    """Letters mixed with digits, and too irregular for words: 3.1 bits a character (Shannon) in a piece of 12.

    Forty characters of base64 are one piece, slashes included: so Amazon writes its secret keys.
    """
    if re.fullmatch("[0-9A-Za-z+/]{40}", value) and all(re.search(kind, value) for kind in ("[0-9]", "[a-z]", "[A-Z]")):
        return True
    for piece in re.split(r"[-_.:/]", value):
        bits = -sum(share * log2(share) for share in (piece.count(letter) / len(piece) for letter in set(piece)))
        if len(piece) >= 12 and bits >= 3.1 and re.search("[0-9]", piece) and re.search("[A-Za-z]", piece):
            return True
    return False


def _password(value: str) -> bool:
    """Digits, and two of the other three classes of characters."""
    others = sum(re.search(kind, value) is not None for kind in ("[a-z]", "[A-Z]", "[^A-Za-z0-9]"))
    return others >= 2 and re.search("[0-9]", value) is not None


def _written(body: str, *, after: str = "", end: str = _END) -> re.Pattern[str]:
    """A pattern that stands alone; ``after`` words that say what it is, where it is not clear from itself."""
    between = r"(?:(?:is|at|no|nr|number|nummer|me|us|on|my)[^0-9A-Za-z+(]{1,4}){0,2}"
    said = rf"(?:{after})[a-z_]{{0,12}}[^0-9A-Za-z+(]{{0,6}}{between}"
    return re.compile(rf"{said if after else ''}{_START}(?P<id>{body}){end}", re.IGNORECASE | re.ASCII)


def _kinds() -> Iterator[Kind]:
    yield Kind("email", "email_rows", "@", re.compile(
        r"(?<=[\w.+%-])(?<!\bgit)@(?:[\w-]{1,63}\.){1,8}"
        r"(?!(?:png|jpe?g|gif|svg|webp|js|css|html?|py|json|txt|tgz|zip)\b)[A-Za-z]{2,24}"
        r"(?![0-9A-Za-z]|[-_][0-9A-Za-z])"))  # fmt: skip
    groups = rf"[2-6](?:[0-9]{{11,18}}|[0-9]{{3}}(?:{_GAP}[0-9]{{4}}){{3}}(?:{_GAP}?[0-9]{{1,3}})?)"
    # Any other separator stands the same between all groups, or, as when somebody spells it, between all digits.
    odd = rf"[2-6][0-9]{{3}}(?P<gap>{_ODD_GAP})[0-9]{{4}}(?:(?P=gap)[0-9]{{4}}){{2}}(?:(?P=gap)?[0-9]{{1,3}})?"
    amex = rf"3[0-9]{{3}}(?:{_GAP}[0-9]{{6}}{_GAP}|(?P<by>{_ODD_GAP})[0-9]{{6}}(?P=by))[0-9]{{4,5}}"
    spelled = "(?<![0-9][ .-])[2-6](?P<one>[ .-])[0-9](?:(?P=one)[0-9]){11,17}(?!(?P=one)[0-9])"
    yield Kind("card", "card_rows", DIGITS, _written(f"{groups}|{odd}|{amex}|{spelled}"), _card)
    image = r"(?=[^/]{0,20}\.(?:png|jpe?g|gif|bmp|tiff?|webp)\b)"
    named = rf"(?i)(?<![0-9A-Za-z])[a-z]{{3,20}}(?P<id>[2-6][0-9]{{12,18}})(?![0-9]){image}"
    yield Kind("card", "card_rows", DIGITS, re.compile(named), _card)
    ibans = "|".join(rf"(?:{lands})[0-9]{{2}}(?:{_GAP}?[0-9A-Z]){{{size - 4}}}" for size, lands in IBANS.items())
    yield Kind("iban", "iban_rows", r"(?i)[a-z]{2}[0-9]{2}", _written(ibans), _iban)
    yield from _phones()
    yield from _national()
    yield Kind("us_ssn", "ssn_rows", DIGITS, _written("[0-9]{3}-[0-9]{2}-[0-9]{4}"), _us_ssn)
    yield Kind("us_ssn", "ssn_rows", DIGITS, _written("[0-9]{9}", after="ssn|social.?security"), _us_ssn)
    # What begins like 1.3. is an object identifier.
    begins = r"(?i)(?<![0-9A-Za-z.])(?<!version )(?!1\.[23]\.|2\.5\.)"
    ip = begins + r"(?P<id>(?:[0-9]{1,3}\.){3}[0-9]{1,3})(?![0-9A-Za-z])(?!\.[0-9])"
    yield Kind("ip", "ip_rows", r"[0-9]\.[0-9]", re.compile(ip), _public, raw=True)
    yield from _secrets()


def _phones() -> Iterator[Kind]:
    sep = "[ \u00a0\u202f().\u2011/-]"
    world = rf"(?:\+|00(?=[1-9][0-9]{{0,2}}[ ]))[1-9](?:{sep}{{0,3}}[0-9]){{7,14}}"
    area = r"(?:(?:\+|00)?1[ .-])?(?:\([2-9][0-9]{2}\)[ -]?[2-9][0-9]{2}[ .-]|[2-9][0-9]{2}[.-][2-9][0-9]{2}[.-])"
    # Five digits and four are a postal code of the United States; pairs that go on are a list.
    trunk = r"(?![0-9]{5}-[0-9]{4}(?![0-9]))(?:\(0[1-9][0-9]{1,4}\)[ /-]{0,2}|0[1-9][0-9]{1,4}[ /-]{1,2})[0-9]{3,9}"
    france = r"(?<![0-9] )0[1-9](?P<by>[ .-])[0-9]{2}(?:(?P=by)[0-9]{2}){3}(?!(?P=by)[0-9])"
    britain = "0[1237-9][0-9]{9}"
    brazil = r"\([1-9]{2}\) ?9?[0-9]{4}-[0-9]{4}"
    end = r"(?![0-9A-WYZ])(?!x(?![0-9]))(?![.-][0-9])"
    nations = f"{area}[0-9]{{4}}|{france}|{britain}|{trunk}(?:[ -][0-9]{{2,6}}){{0,3}}|{brazil}"
    body = f"(?<!\\+){world}|{nations}"
    yield Kind("phone", "phone_rows", DIGITS, _written(body, end=end), _phone, raw=True)
    words = r"(?<![a-z])tel|phone|mobile|(?<![a-z])(?:cell|call|ring|text me|dial)|whatsapp|telefon|tél|móvil|handy|fax"
    yield Kind("phone", "phone_rows", DIGITS, _written(rf"\(?[0-9](?:{sep}{{0,2}}[0-9]){{8,13}}", after=words), _phone,
               raw=True)  # fmt: skip


def _national() -> Iterator[Kind]:
    odd = "[0-9LMNPQRSTUV]"
    nir = ("[12]", "[0-9]{2}", "(?:0[1-9]|1[0-2]|[2-9][0-9])", "(?:[0-9]{2}|2[AB])", "[0-9]{3}", "[0-9]{3}", "[0-9]{2}")
    for name, body, valid in (
        ("es_dni", "(?:[0-9]{8}|[XYZ]-?[0-9]{7})[- ]?[A-Z]", _es_dni),
        ("fr_nir", f"{_GAP}?".join(nir), _fr_nir),
        ("br_cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _br_cpf),
        ("pl_pesel", "[0-9]{11}", _pl_pesel),
        ("de_tax", f"[1-9](?:[0-9]{{10}}|[0-9]{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}})", _de_tax),
    ):
        yield Kind(name, "national_id_rows", DIGITS, _written(body), valid)
    yield Kind("br_cpf", "national_id_rows", DIGITS, _written("[0-9]{11}", after="cpf"), _br_cpf)
    bsn = _written("[0-9]{9}|[0-9]{4}[. ][0-9]{2}[. ][0-9]{3}", after="bsn|sofi|burgerservice")
    yield Kind("nl_bsn", "national_id_rows", DIGITS, bsn, _nl_bsn)
    codice = f"[A-Z]{{6}}{odd}{{2}}[ABCDEHLMPRST]{odd}{{2}}[A-Z]{odd}{{3}}[A-Z]"
    yield Kind("it_codice", "national_id_rows", "(?i)[a-z]{6}[0-9l-v]{2}[a-t]", _written(codice), _it_codice)


def _secrets() -> Iterator[Kind]:
    known = (
        "(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])", "gh[pousr]_[0-9A-Za-z]{36}", "github_pat_[0-9A-Za-z_]{22}",
        "glpat-[0-9A-Za-z_-]{20}", "xox[abeoprs]-[0-9A-Za-z-]{10}", "[sr]k_live_[0-9A-Za-z]{16}",
        "AIza[0-9A-Za-z_-]{35}", "hf_[0-9A-Za-z]{30}", "sk-(?:proj-|ant-)?[0-9A-Za-z_-]{0,16}[0-9A-Za-z]{20}",
    )  # fmt: skip
    yield Kind("token", "secret_rows", NAMED, re.compile(f"(?<![0-9A-Za-z])(?:{'|'.join(known)})"))
    jwt = r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{8,}\.[\w-]{16}"
    yield Kind("jwt", "secret_rows", NAMED, re.compile(jwt))
    block = "-----BEGIN [A-Z ]{0,32}PRIVATE KEY"
    yield Kind("private_key", "secret_rows", "PRIVATE KEY", re.compile(block))
    is_ = r"""["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}["']?"""
    key = r"(?:api|access|secret|private|auth|signing|account|encryption)[ _-]?key|\bkey(?==)"
    words = f"{key}|token|secret|credential|authorization"
    named = rf"(?i)(?:{words})s?{is_}(?:bearer\s)?(?P<id>[0-9A-Za-z+/=_.:-]{{16,256}}+)(?!\()"
    yield Kind("named_secret", "secret_rows", NAMED, re.compile(named), _secret, raw=True)
    password = rf"(?i)(?:password|passwd|passwort|pwd|passphrase){is_}(?!https?:)(?P<id>[^\s\"'<>${{}}()%,;]{{8,64}})"
    yield Kind("password", "secret_rows", NAMED, re.compile(password), _password, raw=True)


KINDS = tuple(_kinds())
"""Every kind; one that is written in two ways stands here twice."""
