"""The SessionPool resource: every wrong spec is refused with the field named, good ones come back as they were sent."""

import copy

from crd.cases import GOOD, REFUSED, TAKEN
from stand.api import POOLS, ApiError
from stand.images import REPOSITORY

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
