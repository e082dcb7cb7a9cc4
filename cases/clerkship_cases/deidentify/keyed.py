"""New names for old ones: each follows from a secret, and leads back only through it.

The same secret gives the same result in every run, so a follow-up examination that is de-identified a year
later still belongs to the same patient, with the interval between the two unchanged.
"""

import hashlib
import hmac
from datetime import date, timedelta

from clerkship_cases.errors import CaseError

#: Dates move back by at least a year and at most ten: less would leave the year of the examination.
_SHIFT_MIN_DAYS = 366
_SHIFT_SPAN_DAYS = 9 * 365


class Keyring:
    """Derives pseudonyms, UIDs and date shifts from one secret.

    Parameters
    ----------
    secret : bytes
        At least 16 bytes, kept apart from the output or thrown away.

    Raises
    ------
    CaseError
        If the secret is shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise CaseError(
                f"the secret has {len(secret)} bytes; give at least 16, for instance secrets.token_bytes(32)."
            )
        self._secret = secret
        self._uids: dict[str, str] = {}

    @property
    def uids(self) -> dict[str, str]:
        """Every UID that was replaced so far: old -> new."""
        return dict(self._uids)

    def absorb(self, uids: dict[str, str]) -> None:
        """Note UIDs that another process replaced with the same secret."""
        self._uids.update(uids)

    def _digest(self, purpose: str, value: str) -> bytes:
        message = f"{purpose}\0{value}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).digest()

    def uid(self, old: str) -> str:
        """Give the UID that stands for an old one (PS3.5 B.2: 2.25 and a number of 128 bits)."""
        new = self._uids.get(old)
        if new is None:
            number = int.from_bytes(self._digest("uid", old)[:16], "big")
            # The bits that make it a UUID of version 8 (RFC 9562: an application's own scheme).
            number = (number & ~(0xF << 76)) | (8 << 76)
            number = (number & ~(0x3 << 62)) | (2 << 62)
            new = self._uids[old] = f"2.25.{number}"
        return new

    def pseudonym(self, patient: str) -> str:
        """Give the name and number that a patient gets: "CASE-" and ten letters and digits."""
        alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without I, O, 0 and 1, which look alike
        return "CASE-" + "".join(
            alphabet[byte % 32] for byte in self._digest("patient", patient)[:10]
        )

    def shift_days(self, patient: str) -> int:
        """Give the number of days, negative, by which a patient's dates move."""
        number = int.from_bytes(self._digest("dates", patient)[:8], "big")
        return -(_SHIFT_MIN_DAYS + number % _SHIFT_SPAN_DAYS)


def shifted_date(value: str, days: int) -> str | None:
    """Move a DICOM date (YYYYMMDD, or the old YYYY.MM.DD); None when it is no full date."""
    digits = value.strip().replace(".", "")
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        moved = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}" if moved.year >= 1000 else None


def shifted_datetime(value: str, days: int) -> str | None:
    """Move a DICOM date and time; the offset from UTC is dropped, since it tells where."""
    text = value.strip()
    moved = shifted_date(text[:8], days)
    if moved is None:
        return None
    for sign in "+-":
        text = text.split(sign, maxsplit=1)[0]
    time = kept_time(text[8:]) if len(text) > 8 else ""
    return None if time is None else moved + time


def kept_time(value: str) -> str | None:
    """Give a DICOM time of day unchanged when it is one (HHMMSS.FFFFFF, shorter, or with colons)."""
    text = value.strip()
    whole, _, fraction = text.replace(":", "").partition(".")
    if len(whole) not in (2, 4, 6) or not (whole.isascii() and whole.isdigit()):
        return None
    if fraction and not (fraction.isascii() and fraction.isdigit() and len(fraction) <= 6):
        return None
    hour, minute, second = whole[:2], whole[2:4] or "00", whole[4:] or "00"
    return text if hour <= "23" and minute <= "59" and second <= "60" else None
