"""A stranger's token, one for another namespace, another audience, an expired one, forged session and control tokens: refused
and counted. Who owns a session, and who was turned away, stands in listing, logs and audit lines."""

import base64
import json
import time

from stand import jwt
from stand.process import wait_until
from stand.sessions import Refused, request
from stand.world import SYSTEM, uid


def run(world):
    pool = world.pool("strange", workers=1)
    pod = pool.wait_ready(1)[0]
    session = pool.open()
    assert session.run("sh", "-c", "echo untouched > note; cat note").strip() == "untouched"
    at_the_gateway(world, pool)
    at_a_session(world, pool, pod, session)
    at_the_controls(world, pool, pod, session)
    who_is_who(world, pool, pod, session)
    assert session.lost is None and session.run("cat", "note").strip() == "untouched"
    session.complete()
    pool.remove()


def at_the_gateway(world, pool):
    gateway = world.gateways()[0]
    sessions = f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/sessions"
    stranger = world.caller(pool.namespace, "stranger", role=None)
    neighbour = world.namespace("next")
    abroad = world.caller(neighbour, "abroad")
    # What each is told also shows that it was refused for the right reason.
    wrong = {
        "no token": (None, 401, "--audience"),
        "nonsense": ("x", 401, "does not accept"),
        "somebody without the role": (stranger.token, 403, "sessionpools/sessions"),
        "somebody of another namespace": (abroad.token, 403, "sessionpools/sessions"),
        "a token for another audience": (world.token(pool.namespace, "caller", "https://kubernetes.default.svc"), 401,
                                         "https://kubernetes.default.svc"),
        "an expired token": (expired_token(world, pool), 401, "expired"),
        "a forged token": (jwt.forged("", account_claims(pool, time.time() + 600), alg="ES256"), 401, "does not accept"),
        "a control token": (control_token(world, "operator", "berth-gateway"), 401, "does not accept"),
    }
    before = turned_away(world)
    for what, (token, status, words) in wrong.items():
        refused(what, lambda t=token: request(gateway, "POST", sessions, t, {}), status, words)
        refused(f"{what}, listing", lambda t=token: request(gateway, "GET", sessions, t), status)
    refused("demand by a caller", lambda: request(gateway, "GET", "/v1/demand", pool.caller.token), 401)
    wait_until("all are counted, but for those without a token", lambda: turned_away(world) - before >= 2 * (len(wrong) - 1), 10)
    world.api.delete(f"/api/v1/namespaces/{neighbour}")


def at_a_session(world, pool, pod, session):
    """Straight at its worker, and through the gateway."""
    before = tokens_refused(world, pod, "TokenMismatch")
    worker, gateway = session.worker["address"], world.gateways()[0]
    through = f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/workers/{session.worker['name']}/sessions/{session.id}"
    other = pool.open()
    wrong = {"an invented token": "0" * 64, "another session's token": other._secret, "the caller's token": pool.caller.token}
    for what, token in wrong.items():
        for address, path in ((worker, f"/v1/sessions/{session.id}"), (gateway, through)):
            for method, rest in (("POST", "/heartbeat"), ("GET", ""), ("GET", "/files/note"), ("DELETE", "")):
                refused(f"{method} {path}{rest} with {what}", lambda: request(address, method, path + rest, token), 403)
    refused("without a token", lambda: request(worker, "GET", f"/v1/sessions/{session.id}", None), 401)
    other.complete()
    counted = tokens_refused(world, pod, "TokenMismatch") - before
    assert counted == 2 * 4 * len(wrong), counted


def at_the_controls(world, pool, pod, session):
    """What only operator and gateways may call, with tokens that are nearly right."""
    operator, me, worker = key_of(world, "operator"), uid(pod), session.worker["address"]
    now = int(time.time())
    good = {"sub": "operator/x", "aud": me, "scope": "operate", "iat": now, "exp": now + 60}
    wrong = {
        "no token": (None, "Unauthenticated"),
        "a session's token": (session._secret, "InvalidToken"),
        "a caller's token": (pool.caller.token, "InvalidToken"),
        "a key of nobody": (jwt.forged("nobody", good), "UnknownKey"),
        "a forged signature": (jwt.forged(operator["kid"], good), "InvalidToken"),
        "no signature": (jwt.forged(operator["kid"], good, alg="none", signature=b"x"), "InvalidToken"),
        "a token for another pod": (jwt.with_control_key(operator, {**good, "aud": me[::-1]}), "WrongAudience"),
        "a token of an hour ago": (jwt.with_control_key(operator, {**good, "iat": now - 3600, "exp": now - 3000}), "TokenExpired"),
        "the gateway's key": (control_token(world, "gateway", me), "WrongScope"),
    }
    for what, (token, reason) in wrong.items():
        before = tokens_refused(world, pod, reason)
        for path, body in (("/v1/retire", {}), ("/v1/cordon", {"epoch": 1 << 40}), ("/v1/drain", {"epoch": 1 << 40, "seconds": 1})):
            refused(f"{path} with {what}", lambda: request(worker, "POST", path, token, body), None, reason)
        assert tokens_refused(world, pod, reason) - before == 3, f"{what}: not counted as {reason}"
    refused("a create with a caller's token", lambda: request(worker, "POST", "/v1/sessions", pool.caller.token, {}), 401)
    assert world.metrics_of(pod).sum("berth_worker_cordoned") == 0
    # The same way with everything right, or the refusals above would prove nothing.
    request(worker, "GET", "/v1/sessions", jwt.with_control_key(operator, good))


def who_is_who(world, pool, pod, session):
    owner = f"system:serviceaccount:{pool.namespace}:caller"
    listed = {s["id"]: s["owner"] for s in pool.caller.list(pool.name)}
    assert listed[session.id] == owner, listed
    told = log_lines(world, pool.namespace, pod)
    assert any(line.get("session") == session.id and line.get("owner") == owner for line in told), told[-5:]
    audit = [line for p in world.system_pods("berth-gateway") for line in log_lines(world, SYSTEM, p) if line.get("audit")]
    made = [line for line in audit if line["msg"] == "create" and line.get("session") == session.id]
    assert [(line["owner"], line["outcome"], line["pool"], line["worker"]) for line in made] \
        == [(owner, "ok", pool.name, session.worker["name"])], made
    stranger = f"system:serviceaccount:{pool.namespace}:stranger"
    turned = {line["outcome"] for line in audit if line.get("owner") == stranger}
    assert turned == {"AccessDenied"}, turned
    # Nothing that opens a session stands in a log.
    assert session._secret not in json.dumps(audit + told) and pool.caller.token not in json.dumps(audit + told)


def log_lines(world, namespace: str, pod: dict) -> list[dict]:
    text = world.kubectl("logs", pod["metadata"]["name"], "-n", namespace, "--tail=-1")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def refused(what: str, call, status: int | None, words: str = "") -> None:
    try:
        call()
    except Refused as e:
        assert e.status == status if status else e.status in (401, 403), f"{what}: {e}"
        assert words in f"{e}", f"{what}: {e}"
        return
    raise AssertionError(f"{what} was let in")


def account_claims(pool, expires: float) -> dict:
    account = f"system:serviceaccount:{pool.namespace}:caller"
    return {"iss": "https://kubernetes.default.svc", "sub": account, "aud": ["berth"], "iat": int(expires) - 600,
            "nbf": int(expires) - 600, "exp": int(expires)}


def expired_token(world, pool) -> str:
    return jwt.of_service_account(world.cluster.pki.account_key, account_claims(pool, time.time() - 60))


def key_of(world, whose: str) -> dict:
    """A private control key, as only who may read Secrets of berth-system has it."""
    secret = world.api.get(f"/api/v1/namespaces/{SYSTEM}/secrets/berth-{whose}-key")
    return json.loads(base64.b64decode(secret["data"]["key.json"]))


def control_token(world, whose: str, audience: str) -> str:
    now = int(time.time())
    return jwt.with_control_key(key_of(world, whose), {
        "sub": f"{whose}/x", "aud": audience, "scope": {"operator": "operate", "gateway": "create"}[whose],
        "iat": now, "exp": now + 60})


def turned_away(world) -> float:
    return sum(world.metrics_of(p).sum("berth_gateway_access_checks_total", outcome=o)
               for p in world.system_pods("berth-gateway") for o in ("unauthenticated", "denied"))


def tokens_refused(world, pod: dict, reason: str) -> float:
    return world.metrics_of(pod).sum("berth_worker_tokens_refused_total", reason=reason)
