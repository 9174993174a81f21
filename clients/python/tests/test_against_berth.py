"""Against the real programs: `berth dev` from the folder BERTH_BIN, with a pool that runs commands."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import berth

POOL = """
apiVersion: berth.dev/v1alpha1
kind: SessionPool
metadata: {name: shell}
spec:
  worker:
    exec: true
    activities:
    - {name: echo, command: [cat]}
    - {name: fails, command: [sh, -c, 'printf oops >&2; exit 3']}
    - {name: counts, command: [sh, -c, 'echo 1 >&3; echo 2 >&3; echo 3']}
    - {name: sleeps, command: [sh, -c, 'echo "\\"on\\"" >&3; exec sleep 1000']}
  sessions: {maxPerWorker: 2}
  scaling: {maxWorkers: 1, freeSlots: 0}
"""


class AgainstBerth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="berth-python-")
        cls.addClassCleanup(cls.dir.cleanup)
        root = pathlib.Path(cls.dir.name)
        (root / "pool.yaml").write_text(POOL)
        os.environ["XDG_STATE_HOME"] = str(root)
        cls.dev = subprocess.Popen(
            [os.path.join(os.environ["BERTH_BIN"], "berth"), "dev", "-f", str(root / "pool.yaml"),
             "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.stop)
        for line in cls.dev.stdout:
            if line.startswith("See the metrics"):
                break
        else:
            raise RuntimeError("berth dev did not start")
        cls.client = berth.Client()

    @classmethod
    def stop(cls):
        cls.dev.send_signal(signal.SIGINT)
        cls.dev.communicate(timeout=60)

    def setUp(self):
        self.session = self.client.session("shell")
        self.addCleanup(self.session.complete)

    def start_and_wait_until_it_runs(self):
        lines = os.pipe()
        activity = self.session.start("sleeps", on_progress=lambda _: os.write(lines[1], b"x"))
        self.assertEqual(os.read(lines[0], 1), b"x")
        os.close(lines[0])
        return activity

    def test_steps_share_one_directory(self):
        self.session.put_bytes("in/a.txt", b"hello")
        self.session.exec(["sh", "-c", "tr a-z A-Z < in/a.txt > out.txt"])
        self.assertEqual(self.session.get_bytes("out.txt"), b"HELLO")
        self.assertEqual([e.name for e in self.session.list_files()], ["in", "out.txt"])

    def test_a_name_that_is_no_text_is_listed_and_read(self):
        self.session.exec(["sh", "-c", "printf x > \"$(printf 'bad\\377')\""])
        names = [e.name for e in self.session.list_files()]
        self.assertEqual(names, [os.fsdecode(b"bad\xff")])
        self.assertEqual(self.session.get_bytes(names[0]), b"x")

    def test_what_is_no_regular_file_is_neither_sent_nor_replaced(self):
        self.session.put_bytes("a", b"a")
        with self.assertRaisesRegex(berth.InvalidArgument, "regular file"):
            self.session.put_file("b", "/dev/null")
        with self.assertRaisesRegex(berth.InvalidArgument, "regular file"):
            self.session.get_file("a", "/dev/null")
        link = pathlib.Path(self.dir.name) / "link"
        link.symlink_to("real")
        link.write_text("old")
        self.session.get_file("a", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(link.read_text(), "a")

    def test_large_files_go_both_ways_unchanged(self):
        local = pathlib.Path(self.dir.name) / "big"
        local.write_bytes(os.urandom(3 << 20))
        self.assertEqual(self.session.put_file("big", local), 3 << 20)
        back = local.with_suffix(".back")
        self.session.get_file("big", back)
        self.assertEqual(back.read_bytes(), local.read_bytes())

    def test_a_missing_file_leaves_the_local_one_alone(self):
        local = pathlib.Path(self.dir.name) / "mine"
        local.write_text("mine")
        with self.assertRaises(berth.SessionFileNotFound):
            self.session.get_file("nothing", local)
        self.assertEqual(local.read_text(), "mine")
        self.assertFalse([p for p in local.parent.iterdir() if p.name.startswith(".berth-")])

    def test_json_goes_in_and_out(self):
        value = {"a": [1, 2.5, None, True], "b": "ö\u2028"}
        self.assertEqual(self.session.run("echo", value).result, value)

    def test_progress_arrives_in_order_without_repeats(self):
        seen = []
        self.assertEqual(self.session.run("counts", on_progress=seen.append).result, 3)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual(seen[-1], 2)

    def test_a_failure_leaves_the_session_open(self):
        with self.assertRaises(berth.ActivityFailed) as caught:
            self.session.run("fails")
        self.assertEqual(caught.exception.exit_status, 3)
        self.assertEqual(caught.exception.stderr_tail, "oops")
        self.assertEqual(self.session.run("echo", 1).result, 1)

    def test_an_exit_status_is_an_error_only_if_asked(self):
        with self.assertRaises(berth.ActivityFailed):
            self.session.exec(["false"])
        self.assertEqual(self.session.exec(["false"], check=False).exit_status, 1)

    def test_cancel_ends_an_activity_and_says_so(self):
        activity = self.start_and_wait_until_it_runs()
        activity.cancel()
        with self.assertRaises(berth.Cancelled):
            activity.result(timeout=30)
        self.assertEqual(self.session.run("echo", 1).result, 1)

    def test_completing_cancels_what_runs_and_nothing_runs_after_it(self):
        activity = self.start_and_wait_until_it_runs()
        self.session.complete()
        with self.assertRaises(berth.Cancelled):
            activity.result(timeout=30)
        with self.assertRaises(berth.NoSession):
            self.session.run("echo", 1)

    def test_a_full_pool_is_a_creation_timeout(self):
        with self.client.session("shell"):
            with self.assertRaises(berth.CreationTimeout):
                self.client.session("shell", creation_timeout=0.2)

    def test_recreate_gets_the_same_worker(self):
        self.session.complete(keep_for=30)
        with self.client.recreate("shell", self.session.recreate_token) as again:
            self.assertEqual(again.worker, self.session.worker)

    def test_an_attached_session_can_be_used_and_is_not_completed(self):
        with self.client.attach(self.session.handle) as other:
            self.assertEqual(other.run("echo", 1).result, 1)
        self.assertEqual(self.session.info()["state"], "Open")

    def test_everything_works_through_the_gateway_too(self):
        with berth.Client(direct=False) as client, client.session("shell") as session:
            session.put_bytes("f", b"x" * 100_000)
            self.assertEqual(len(session.get_bytes("f")), 100_000)
            self.assertEqual(session.exec(["wc", "-c"], stdin="abc").output.strip(), b"3")

    def test_listings_show_the_session_and_its_pool(self):
        self.assertIn(self.session.id, [s["id"] for s in self.client.sessions("shell")])
        self.assertEqual([p["name"] for p in self.client.pools()], ["shell"])

    def test_unknown_things_are_named(self):
        with self.assertRaisesRegex(berth.PoolNotFound, "default/nope"):
            self.client.session("nope")
        with self.assertRaisesRegex(berth.InvalidArgument, "no activity 'nope'"):
            self.session.run("nope")
        with berth.Client(self.client._gateways[0].url, token="forged") as forger:
            with self.assertRaises(berth.Unauthenticated):
                forger.session("shell")


if __name__ == "__main__":
    unittest.main()
