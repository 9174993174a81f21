"""The leader's pod is force-deleted every few seconds under 2,000 sessions of churn, and under a long rollout."""

from scenarios import s04_leader_killed


def run(world):
    s04_leader_killed.run(world, sessions=2000)
