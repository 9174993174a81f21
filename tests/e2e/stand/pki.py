"""Certificates and kubeconfigs of one test cluster; they live as long as it does."""

import subprocess
from pathlib import Path

SERVER = "https://127.0.0.1:6443"


def _openssl(*args: str) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def _make_key(path: Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))


class Authority:
    """A certificate authority and what it has issued, in a folder of its own."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.ca = folder / "ca.crt"
        _make_key(folder / "ca.key")
        _openssl("req", "-x509", "-new", "-key", f"{folder}/ca.key", "-out", str(self.ca), "-days", "2", "-subj", f"/CN={name}")

    def certificate(self, name: str, subject: str, alternatives: str = "", days: int = 2) -> tuple[Path, Path]:
        """A certificate for servers and clients; returns (certificate, key)."""
        key, request, extra, out = (self.folder / f"{name}.{e}" for e in ("key", "csr", "ext", "crt"))
        _make_key(key)
        _openssl("req", "-new", "-key", str(key), "-out", str(request), "-subj", subject)
        extra.write_text("extendedKeyUsage=serverAuth,clientAuth\n"
                         + (f"subjectAltName={alternatives}\n" if alternatives else ""))
        _openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", f"{self.folder}/ca.key",
                 "-CAcreateserial", "-days", str(days), "-out", str(out), "-extfile", str(extra))
        return out, key


class Pki(Authority):
    """That of the cluster itself."""

    def __init__(self, folder: Path):
        super().__init__(folder, "berth-e2e")
        self.account_key = folder / "accounts.key"
        self.account_public = folder / "accounts.pub"
        _make_key(self.account_key)
        _openssl("ec", "-in", str(self.account_key), "-pubout", "-out", str(self.account_public))

    def kubeconfig(self, name: str, subject: str, alternatives: str = "") -> Path:
        certificate, key = self.certificate(name, subject, alternatives)
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(f"""apiVersion: v1
kind: Config
clusters: [{{name: e2e, cluster: {{server: "{SERVER}", certificate-authority: "{self.ca}"}}}}]
users: [{{name: {name}, user: {{client-certificate: "{certificate}", client-key: "{key}"}}}}]
contexts: [{{name: e2e, context: {{cluster: e2e, user: {name}}}}}]
current-context: e2e
""")
        return path
