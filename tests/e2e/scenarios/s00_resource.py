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

    explained = world.kubectl("explain", "spool.spec", "--recursive")
    assert "<no description>" not in explained and "heartbeatTimeout" in explained, explained
    for field in ("spool.spec.scaling.freeSlots", "spool.spec.drain.policy", "spool.status.slots.used"):
        assert "DESCRIPTION" in world.kubectl("explain", field)
