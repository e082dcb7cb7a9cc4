"""The way back: old and new identifiers, encrypted with a passphrase, apart from the images.

The file is JSON with the salt and the encrypted content. The key is made from the passphrase by scrypt
(RFC 7914); the content is sealed with AES-256 in Galois/Counter Mode (NIST SP 800-38D), so that a wrong
passphrase and a changed file are both noticed.
"""

import base64
import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clerkship_cases.errors import CaseError

_FORMAT = "clerkship deidentification mapping 1"
#: Cost of guessing one passphrase: 64 MiB and a fraction of a second (RFC 7914 2; OWASP's advice for scrypt).
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**16, 8, 1
#: Our own lower limit; several words are better than one with signs in it.
_SHORTEST_PASSPHRASE = 12


@dataclass(slots=True)
class Mapping:
    """An open mapping.

    Attributes
    ----------
    path : Path
        Where it is kept.
    secret : bytes
        What everything new follows from.
    patients : dict
        Patient (the attribute and its value) -> pseudonym and days by which dates moved.
    uids : dict
        Old UID -> new UID.
    """

    path: Path
    secret: bytes
    passphrase: str = field(repr=False)
    patients: dict[str, dict[str, Any]] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)

    def add(self, patient: str, pseudonym: str, shift_days: int) -> None:
        """Note a patient."""
        self.patients[patient] = {"pseudonym": pseudonym, "shift_days": shift_days}

    def save(self, uids: dict[str, str]) -> None:
        """Write the mapping, all or nothing, readable by its owner only.

        Raises
        ------
        CaseError
            If it can't be written.
        """
        self.uids.update(uids)
        content = {
            "secret": base64.b64encode(self.secret).decode(),
            "patients": self.patients,
            "uids": self.uids,
        }
        sealed = _sealed(json.dumps(content).encode(), self.passphrase)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "w") as file:
                    json.dump(sealed, file, indent=1)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as problem:
            raise CaseError(
                f"{self.path}: the mapping can't be written ({problem.strerror or problem}). The "
                f"de-identified files are complete, but the way back to the patients is not kept."
            ) from problem


def open_mapping(
    path: Path, passphrase: str | None, out: Path, secret: bytes | None = None
) -> Mapping:
    """Open an existing mapping to continue it, or begin a new one.

    Parameters
    ----------
    path : Path
        Where the mapping is or will be.
    passphrase : str or None
        Opens and seals it.
    out : Path
        The output folder, in which a mapping must not lie.
    secret : bytes, optional
        For a new mapping; random if not given.

    Raises
    ------
    CaseError
        If it would lie among the output, the passphrase is missing, short or wrong, or an existing mapping
        has another secret.
    """
    if path.resolve().is_relative_to(out.resolve()):
        raise CaseError(
            f"{path}: the mapping would lie among the de-identified files; keep it in another folder, "
            f"which is not handed on."
        )
    if not passphrase or len(passphrase) < _SHORTEST_PASSPHRASE:
        raise CaseError(
            f"{path}: a mapping is kept encrypted or not at all. Give a passphrase of at least "
            f"{_SHORTEST_PASSPHRASE} characters, for instance four words."
        )
    if not path.exists():
        return Mapping(path, secret or secrets.token_bytes(32), passphrase)
    mapping = read_mapping(path, passphrase)
    if secret is not None and secret != mapping.secret:
        raise CaseError(
            f"{path}: this mapping was made with another secret. Leave the secret out to continue it, "
            f"or keep a new mapping elsewhere."
        )
    return mapping


def read_mapping(path: Path, passphrase: str) -> Mapping:
    """Open a mapping.

    Raises
    ------
    CaseError
        If it can't be read, was changed, or the passphrase is not the right one.
    """
    try:
        sealed = json.loads(Path(path).read_text(encoding="utf-8"))
        parts = {name: base64.b64decode(sealed[name]) for name in ("salt", "nonce", "content")}
    except OSError as problem:
        raise CaseError(f"{path} can't be read ({problem.strerror}).") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise CaseError(f"{path} is no mapping of a de-identification.") from problem
    if sealed.get("format") != _FORMAT:
        raise CaseError(f"{path} is a mapping of another version; expected {_FORMAT!r}.")
    content = json.loads(_opened(parts, passphrase, Path(path)))
    return Mapping(
        Path(path),
        base64.b64decode(content["secret"]),
        passphrase,
        content["patients"],
        content["uids"],
    )


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return kdf.derive(passphrase.encode())


def _sealed(content: bytes, passphrase: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    closed = AESGCM(_key(passphrase, salt)).encrypt(nonce, content, _FORMAT.encode())
    parts = {"salt": salt, "nonce": nonce, "content": closed}
    return {"format": _FORMAT} | {k: base64.b64encode(v).decode() for k, v in parts.items()}


def _opened(parts: dict[str, bytes], passphrase: str, path: Path) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_key(passphrase, parts["salt"])).decrypt(
            parts["nonce"], parts["content"], _FORMAT.encode()
        )
    except InvalidTag as problem:
        raise CaseError(
            f"{path}: the passphrase is not the right one, or the file was changed."
        ) from problem
