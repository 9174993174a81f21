"""An activity that fails is tried again as its retry policy says, tells why, and leaves its session open."""

from sides.world import World


def run(world: World) -> None:
    result = world.workflow("Fails").result()
    outer, cause = result["failure"][:2]
    assert (outer["kind"], outer["activity"]) == ("ActivityError", "fail"), result
    assert (cause["kind"], cause["type"]) == ("ApplicationError", "ExitStatus"), result
    assert "no such luck" in cause["details"]["stderr"], result
    assert result["exit"] == 4, result
    assert result["tries"] == "2", result
    assert [e["kind"] for e in result["unknown"][:2]] == ["ActivityError", "ApplicationError"], result
    assert "no-such-activity" in result["unknown"][1]["message"], result
    assert result["state"] == 0, "the session must still be open"
