"""TLS with certificates made here by the program openssl; the real programs are in tests/integration/system/tls_test.cc."""

import http.server
import pathlib
import ssl
import subprocess
import tempfile
import threading
import unittest

import berth
from berth import _http

WORKERS = "workers.default.berth"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="berth-python-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        for name in ("first", "second"):  # Each signs itself and is its own authority.
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", str(cls.root / f"{name}.key"), "-out", str(cls.root / f"{name}.crt"),
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{WORKERS},DNS:gateway.example")

    def setUp(self):
        self.ca = self.root / "ca.crt"
        self.trust_only("first")
        self.addCleanup(self.ca.unlink)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # Refused handshakes are what is tested.

        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show("first")
        server = Server(("127.0.0.1", 0), Handler)
        server.socket = self.context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def show(self, name):
        self.context.load_cert_chain(self.root / f"{name}.crt", self.root / f"{name}.key")

    def trust_only(self, name):
        fresh = self.ca.with_suffix(".new")  # Another file by the same name, as kubelets do it.
        fresh.write_bytes((self.root / f"{name}.crt").read_bytes())
        fresh.replace(self.ca)

    def get(self, origin):
        return origin.request("GET", "/", headers={}, timeout=5).status

    def refused(self, origin):
        with self.assertRaises(_http.NoAnswer) as caught:
            self.get(origin)
        self.assertFalse(caught.exception.maybe_done)
        return str(caught.exception)

    def origin(self, trust, name=WORKERS):
        origin = _http.Origin(self.url, "address", trust, name)
        self.addCleanup(origin.close)
        return origin

    def test_the_name_asked_for_is_checked_and_not_the_address(self):
        trust = _http.Trust(str(self.ca))
        self.assertEqual(self.get(self.origin(trust)), 200)
        self.assertEqual(self.get(self.origin(trust, "gateway.example")), 200)
        self.assertIn("workers.other.berth", self.refused(self.origin(trust, "workers.other.berth")))
        self.assertIn("127.0.0.1", self.refused(self.origin(trust, None)))
        self.assertFalse(self.origin(trust, "workers.other.berth").reachable(5))

    def test_a_changed_bundle_counts_for_new_connections_and_a_broken_one_changes_nothing(self):
        trust = _http.Trust(str(self.ca))
        kept = self.origin(trust)
        self.assertEqual(self.get(kept), 200)
        self.show("second")
        self.assertIn("certificate verify failed", self.refused(self.origin(trust)))
        self.trust_only("second")
        self.assertEqual(self.get(self.origin(trust)), 200)
        self.assertEqual(self.get(kept), 200)
        self.ca.write_text("junk")
        self.assertEqual(self.get(self.origin(trust)), 200)
        self.ca.rename(self.ca.with_suffix(".gone"))
        self.assertEqual(self.get(self.origin(trust)), 200)
        self.trust_only("first")

    def test_a_bundle_that_cannot_be_read_is_named(self):
        for path in (self.root / "absent", self.root / "first.key"):
            with self.assertRaises(berth.InvalidArgument) as caught:
                berth.Client(self.url, token="t", ca_file=path)
            self.assertEqual(caught.exception.field, "ca_file")

    def test_the_systems_authorities_count_without_a_bundle(self):
        self.assertIn("certificate verify failed", self.refused(self.origin(_http.Trust())))


if __name__ == "__main__":
    unittest.main()
