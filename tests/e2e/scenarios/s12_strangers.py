"""A stranger's token, one for another namespace, another audience, forged session and control tokens: refused and counted."""

import base64
import json

from stand.process import wait_until
from stand.sessions import Refused, request


def refused(what: str, call) -> Refused:
    try:
        call()
    except Refused as e:
        assert e.status in (401, 403, 404), f"{what}: {e}"
        return e
    raise AssertionError(f"{what} was let in")


def forged_jwt(audience: str) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    header = part(json.dumps({"alg": "EdDSA", "kid": "berth", "typ": "JWT"}).encode())
    claims = part(json.dumps({"aud": audience, "sub": "operator/x", "exp": 4102444800, "iat": 1}).encode())
    return f"{header}.{claims}.{part(bytes(64))}"


def run(world):
    pool = world.pool("strange", workers=1)
    pool.wait_ready(1)
    session = pool.open()
    gateway = world.gateways()[0]
    sessions = f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/sessions"
    worker = session.worker["address"]

    before = turned_away(world)
    stranger = world.caller(pool.namespace, "stranger", role=None)
    neighbour = world.namespace("next")
    abroad = world.caller(neighbour, "abroad")
    other_audience = world.token(pool.namespace, "caller", audience="https://kubernetes.default.svc")
    for what, token in {"no token": None, "nonsense": "x", "somebody without the role": stranger.token,
                        "somebody of another namespace": abroad.token, "a token for another audience": other_audience,
                        "a forged token": forged_jwt("berth")}.items():
        refused(what, lambda t=token: request(gateway, "POST", sessions, t, {}))
        refused(f"{what}, listing", lambda t=token: request(gateway, "GET", sessions, t))
    wait_until("refusals are counted", lambda: turned_away(world) - before >= 10, 10)

    own = f"/v1/sessions/{session.id}"
    for what, token in {"no token": None, "another session's token": "0" * 64, "the caller's token": pool.caller.token,
                        "a forged control token": forged_jwt(session.worker["uid"])}.items():
        refused(f"the session with {what}", lambda t=token: request(worker, "POST", own + "/heartbeat", t))
        refused(f"retire with {what}", lambda t=token: request(worker, "POST", "/v1/retire", t, {}))
        refused(f"cordon with {what}", lambda t=token: request(worker, "POST", "/v1/cordon", t, {"epoch": 1}))
        refused(f"create at the worker with {what}", lambda t=token: request(worker, "POST", "/v1/sessions", t, {}))
    assert session.run("echo", "untouched").strip() == "untouched"
    session.complete()
    world.api.delete(f"/api/v1/namespaces/{neighbour}")
    pool.remove()


def turned_away(world) -> float:
    return sum(world.metrics_of(p).sum("berth_gateway_access_checks_total", outcome=o)
               for p in world.system_pods("berth-gateway") for o in ("unauthenticated", "denied"))
