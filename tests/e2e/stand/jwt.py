"""Tokens that are signed like the real ones and wrong all the same: expired, made out to somebody else, of the wrong scope."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

_ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410: what stands before the 32 bytes of the key.


def forged(kid: str, claims: dict, alg: str = "EdDSA", signature: bytes = bytes(64)) -> str:
    """Everything right but the signature."""
    return f"{_signed_part(alg, kid, claims)}.{_base64(signature)}"


def with_control_key(jwk: dict, claims: dict) -> str:
    """Signed with a private JWK, as Berth's operator and gateways hold one."""
    key = _ED25519_PKCS8 + base64.urlsafe_b64decode(jwk["d"] + "=")
    text = _signed_part("EdDSA", jwk["kid"], claims)
    return f"{text}.{_base64(_sign(text, key, 'DER', '-rawin'))}"


def of_service_account(key: Path, claims: dict) -> str:
    """Signed with the cluster's own key for service accounts, a P-256 in PEM."""
    text = _signed_part("ES256", "", claims)
    return f"{text}.{_base64(_raw_ecdsa(_sign(text, key.read_bytes(), 'PEM', '-rawin', '-digest', 'sha256')))}"


def _signed_part(alg: str, kid: str, claims: dict) -> str:
    header = {"alg": alg, "typ": "JWT", **({"kid": kid} if kid else {})}
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _sign(text: str, key: bytes, form: str, *how: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key").write_bytes(key)
        Path(folder, "text").write_text(text)
        done = subprocess.run(["openssl", "pkeyutl", "-sign", *how, "-inkey", f"{folder}/key", "-keyform", form,
                               "-in", f"{folder}/text"], check=True, capture_output=True)
        return done.stdout


def _raw_ecdsa(der: bytes) -> bytes:
    """A JWT has the two numbers of 32 bytes, openssl writes them as a DER sequence (under 128 bytes long)."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
