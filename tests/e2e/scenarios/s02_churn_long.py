"""2,000 short sessions of random length through constant scale-up and scale-down."""

from scenarios import s02_churn


def run(world):
    s02_churn.run(world, count=2000, seconds=1500)
