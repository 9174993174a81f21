"""The SessionPool resource: every wrong spec is refused with the field named, good ones come back as they were sent; what only
the operator can see becomes a condition and an event."""

import copy

from crd.cases import GOOD, REFUSED, TAKEN
from stand.api import POOLS, ApiError
from stand.images import REPOSITORY
from stand.process import wait_until

CREATE = POOLS.format("default") + "?dryRun=All&fieldValidation=Strict"


def changed(path: str, value) -> dict:
    pool = copy.deepcopy(GOOD)
    *outer, last = path.split(".")
    place = pool
    for key in outer:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return pool


def contains(have, want) -> bool:
    if isinstance(want, dict):
        return isinstance(have, dict) and all(k in have and contains(have[k], v) for k, v in want.items())
    if isinstance(want, list):
        return isinstance(have, list) and len(have) == len(want) and all(map(contains, have, want))
    return have == want


def refusal(world, pool: dict) -> str:
    try:
        world.api.call("POST", CREATE, pool)
    except ApiError as e:
        assert e.status in (400, 422), e
        return e.body["message"]
    return "it was taken"


def run(world):
    wrong = []
    for path, value, field, words in REFUSED:
        said = refusal(world, changed(path, value))
        if field not in said or words not in said:
            wrong.append(f"{path}={str(value)[:60]}: wanted {field!r} and {words!r}, got: {said}")
    assert not wrong, "\n".join(wrong)

    for spec in TAKEN:
        answer = world.api.call("POST", CREATE, {**GOOD, "spec": spec})
        assert contains(answer["spec"], spec), (spec, answer["spec"])

    example = REPOSITORY / "examples/file-processing/pool-kubernetes.yaml"
    world.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(example))

    explained(world)
    seen_by_the_operator(world)


def seen_by_the_operator(world):
    """Without one worker, for nobody has asked for a session yet: people are told when they apply it."""
    schedule = {"name": "day", "duration": "10h", "minWorkers": 1}
    for pool in (
            told(world, "zone", "InvalidSpec", "spec.scaling.schedules[0].timeZone",
                 scaling={"schedules": [{**schedule, "cron": "0 8 * * 1-5", "timeZone": "Europe/Berln"}]}),
            told(world, "never", "InvalidSpec", "never comes", scaling={"schedules": [{**schedule, "cron": "0 8 30 2 *"}]}),
            told(world, "typo", "PodRefused", 'unknown field "spec.nodeSelektor"', template={"spec": {"nodeSelektor": {"a": "b"}}}),
            told(world, "wrong", "PodRefused", "quantities must match", worker={"resources": {"requests": {"cpu": "many"}}})):
        pool.remove()

    pool = told(world, "level", "PodRefused", 'violates PodSecurity "restricted', template={"spec": {"hostNetwork": True}})
    pool.change({"template": None})
    wait_until("the pool has recovered", lambda: pool.condition("Degraded").get("status") == "False", 30, 0.2, pool.describe)
    assert pool.condition("Ready")["status"] == "True", pool.describe()
    wait_until("an event says so too", lambda: "Recovered" in pool.reasons(), 10, 0.2, pool.describe)
    pool.open().complete()
    pool.remove()


def told(world, prefix: str, reason: str, words: str, **spec):
    pool = world.pool(prefix, **spec)
    wait_until(f"the condition says {reason}", lambda: pool.condition("Degraded").get("reason") == reason, 30, 0.2, pool.describe)
    assert words in pool.condition("Degraded")["message"], pool.describe()
    assert pool.condition("Ready")["status"] == "False", pool.describe()
    assert reason in world.kubectl("get", "spool", pool.name, "-n", pool.namespace)
    wait_until("a warning says it too", lambda: any(
        e["reason"] == reason and e["type"] == "Warning" and words in e["note"] for e in pool.events()), 10, 0.2, pool.describe)
    return pool


def explained(world):
    """`kubectl explain` knows every field: its name in the tree, and a description when asked for it."""
    schema = world.api.get("/openapi/v3/apis/berth.dev/v1alpha1")["components"]["schemas"]["dev.berth.v1alpha1.SessionPool"]
    for part in ("spec", "status"):
        fields = list(declared(f"spool.{part}", schema["properties"][part]))
        assert len(fields) > 20, fields
        silent = [path for path, field in fields if not field.get("description")]
        assert not silent, f"without a description: {silent}"
        tree = {line.split("\t")[0].strip()
                for line in world.kubectl("explain", f"spool.{part}", "--recursive").splitlines()}
        missing = [path for path, _ in fields if path.rsplit(".", 1)[1] not in tree]
        assert not missing, f"kubectl explain --recursive does not show {missing}"
    for field in ("spool", "spool.spec", "spool.spec.scaling.freeSlots", "spool.spec.drain.policy",
                  "spool.spec.worker.activities.http", "spool.status.slots.used"):
        said = world.kubectl("explain", field)
        assert "DESCRIPTION" in said and "<empty>" not in said, said


def declared(path: str, schema: dict):
    """Every field below `path` and its schema; lists and maps count as what they hold."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        inner = field
        while inner.get("items") or isinstance(inner.get("additionalProperties"), dict):
            inner = inner.get("items") or inner["additionalProperties"]
        yield from declared(f"{path}.{name}", inner)
