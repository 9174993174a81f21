"""What Berth's service accounts write to the API server, counted in its audit log."""

from collections import Counter

from stand import audit


class ApiWrites:
    """From its making to `end()`."""

    def __init__(self, stand):
        self._log, self.begin = stand.cluster.audit_log, audit.now()
        self.leases, self.others = 0, Counter()

    def end(self) -> "ApiWrites":
        for what, count in audit.writes(self._log, self.begin, audit.now()).items():
            if what.endswith(" leases"):
                self.leases += count
            else:
                self.others[what] += count
        if self.others:
            print(f"  writes: {dict(self.others)}", flush=True)
        return self
