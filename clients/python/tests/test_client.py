"""Against a scripted server: what the real programs do seldom. No clocks are waited for but the
client's own pauses of a tenth of a second."""

import http.server
import json
import threading
import unittest
from typing import Any, Callable, Dict, List, Tuple

import berth

Reply = Tuple[int, Any]
WORKER = {"name": "w-0", "uid": "u", "incarnation": "i"}


class Script(http.server.ThreadingHTTPServer):
    """Answers by `handle(method, path, body)`; a reply of None cuts the connection."""

    daemon_threads = True

    def __init__(self, handle: Callable[[str, str, Any], Any]) -> None:
        script = self
        self.seen: List[Tuple[str, str, Any]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.loads(raw) if raw else None
                script.seen.append((self.command, self.path, body))
                reply = handle(self.command, self.path, body)
                if reply is None:
                    self.close_connection = True
                    return
                out = json.dumps(reply[1]).encode()
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def count(self, method: str, ending: str) -> int:
        return sum(1 for m, p, _ in self.seen if m == method and p.split("?")[0].endswith(ending))


class ClientTest(unittest.TestCase):
    def serve(self, handle: Callable[[str, str, Any], Any]) -> Script:
        script = Script(handle)
        self.addCleanup(script.server_close)
        self.addCleanup(script.shutdown)
        return script

    def client(self, *scripts: Script, **options: Any) -> berth.Client:
        client = berth.Client(",".join(f"http://{s.address}" for s in scripts), token="t",
                              direct=False, **options)
        self.addCleanup(client.close)
        return client

    @staticmethod
    def created(body: Dict[str, Any], heartbeat: str = "20s") -> Reply:
        return 201, {"id": body["id"], "worker": {**WORKER, "address": "127.0.0.1:1"},
                     "recreateToken": "r", "heartbeatTimeout": heartbeat}

    def test_asks_again_with_the_same_id_and_hash_while_it_waits_and_after_a_lost_answer(self):
        replies = [(503, {"code": "StillWaiting", "message": "", "id": "x"}), None, "created"]

        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                reply = replies.pop(0)
                return self.created(body) if reply == "created" else reply
            return 200, {"state": "Ended"}

        script = self.serve(handle)
        with self.client(script).session("p") as session:
            asked = [b for m, p, b in script.seen if p.endswith("/sessions")]
            # The one call whose connection was cut may have been repeated at once.
            self.assertGreaterEqual(len(asked), 3)
            self.assertEqual(len({(b["id"], b["tokenHash"]) for b in asked}), 1)
            self.assertNotIn(session.handle.token, json.dumps(asked))

    def test_the_next_gateway_takes_over_from_a_dead_one(self):
        dead = self.serve(lambda *_: None)
        alive = self.serve(lambda m, p, b: self.created(b) if p.endswith("/sessions") else (200, {}))
        with self.client(dead, alive).session("p"):
            self.assertEqual(alive.count("POST", "/sessions"), 1)

    def test_no_gateway_at_all_is_unavailable_and_says_where_it_looked(self):
        dead = self.serve(lambda *_: None)
        with self.assertRaisesRegex(berth.Unavailable, dead.address):
            self.client(dead).session("p", creation_timeout=0.3)

    def test_a_session_whose_worker_is_silent_is_lost_after_one_heartbeat_timeout(self):
        def handle(method: str, path: str, body: Any) -> Any:
            return self.created(body, "300ms") if path.endswith("/sessions") else None

        script = self.serve(handle)
        session = self.client(script).session("p")
        activity = session.start("work")
        with self.assertRaises(berth.Cancelled):
            activity.result(timeout=10)
        self.assertIs(session.state, berth.SessionState.FAILED)
        with self.assertRaisesRegex(berth.SessionFailed, "w-0 did not answer for 0.3 s"):
            session.run("work")
        session.complete()

    def test_the_reason_of_an_end_reaches_the_caller(self):
        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            return 410, {"code": "SessionEnded", "message": "over", "endReason": "ExecutionTimeout"}

        session = self.client(self.serve(handle)).session("p")
        with self.assertRaises(berth.SessionFailed) as caught:
            session.run("work")
        self.assertEqual(caught.exception.end_reason, "ExecutionTimeout")

    def test_an_activity_is_started_under_one_id_until_it_is_answered(self):
        starts: List[str] = []

        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            if path.endswith("/activities"):
                starts.append(body["activityId"])
                return None if len(starts) < 4 else (202, {"state": "Running", "version": 0})
            if "/activities/" in path:
                return 200, {"state": "Succeeded", "version": 1, "result": 7}
            return 200, {"state": "Open"}

        with self.client(self.serve(handle)).session("p") as session:
            self.assertEqual(session.run("work").result, 7)
        self.assertGreaterEqual(len(starts), 4)
        self.assertEqual(len(set(starts)), 1)

    def test_a_retryable_failure_is_tried_again_under_a_new_id_as_often_as_asked(self):
        ids: List[str] = []

        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            if path.endswith("/activities"):
                ids.append(body["activityId"])
                failure = {"type": "Busy", "message": "later", "retryable": True}
                return 202, {"state": "Failed", "version": 0, "failure": failure}
            return 200, {"state": "Open"}

        with self.client(self.serve(handle)).session("p") as session:
            with self.assertRaises(berth.ActivityFailed) as caught:
                session.run("work", max_attempts=2)
        self.assertEqual(caught.exception.type, "Busy")
        self.assertEqual(len(set(ids)), 2)

    def test_an_exception_in_a_callback_cancels_the_activity_and_is_the_cause(self):
        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            if method == "DELETE":
                return 202, {"state": "Cancelling"}
            return 202, {"state": "Running", "version": 1, "progress": 1}

        def bad(_: Any) -> None:
            raise RuntimeError("mine")

        script = self.serve(handle)
        with self.client(script).session("p") as session:
            with self.assertRaises(berth.InternalError) as caught:
                session.run("work", on_progress=bad)
        self.assertIsInstance(caught.exception.__cause__, RuntimeError)
        self.assertTrue(any(m == "DELETE" and "/activities/" in p for m, p, _ in script.seen))

    def test_closing_the_client_completes_what_is_open(self):
        script = self.serve(
            lambda m, p, b: self.created(b) if p.endswith("/sessions") else (200, {"state": "Ended"}))
        client = self.client(script)
        client.session("p", id="mine")
        client.close()
        self.assertEqual(script.count("DELETE", "/sessions/mine"), 1)
        with self.assertRaises(berth.InvalidArgument):
            client.session("p")

    def test_a_hold_that_is_refused_ends_the_session_all_the_same(self):
        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            if "keepFor" in path:
                return 400, {"code": "InvalidArgument", "message": "at most 1h", "field": "keepFor"}
            return None if script.count("DELETE", "") < 4 else (200, {"state": "Ended"})

        script = self.serve(handle)
        session = self.client(script).session("p", id="mine")
        with self.assertRaisesRegex(berth.InvalidArgument, "at most 1h"):
            session.complete(keep_for=7200)
        self.assertGreaterEqual(script.count("DELETE", "/mine"), 4, "until the worker heard of it")

    def test_a_cut_download_is_taken_again_and_never_half_there(self):
        tries: List[int] = []

        def handle(method: str, path: str, body: Any) -> Any:
            if path.endswith("/sessions"):
                return self.created(body)
            if "/files/" in path:
                tries.append(1)
                return None if len(tries) < 3 else (200, "content")
            return 200, {"state": "Ended"}

        with self.client(self.serve(handle)).session("p") as session:
            self.assertEqual(session.get_bytes("f"), b'"content"')

    def test_bad_arguments_are_named(self):
        client = self.client(self.serve(lambda *_: (500, {})))
        for wrong, call in {
            "gateway": lambda: berth.Client("ftp://x"),
            "creation_timeout": lambda: client.session("p", creation_timeout=0),
            "heartbeatTimeout": lambda: client.session("p", heartbeat_timeout="soon"),
            "id": lambda: client.session("p", id="Not OK"),
        }.items():
            with self.subTest(wrong), self.assertRaises(berth.InvalidArgument) as caught:
                call()
            self.assertEqual(caught.exception.field, wrong)


if __name__ == "__main__":
    unittest.main()
