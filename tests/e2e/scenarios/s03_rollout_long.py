"""The same rollouts, with 2,000 sessions around them."""

from scenarios import s03_rollout


def run(world):
    s03_rollout.run(world, at_least=2000, callers=14)  # Six have not done 2,000 within ten minutes.
