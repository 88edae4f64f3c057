"""Where the time of an iteration goes."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Phases:
    """Seconds per iteration, mean over ranks; together they are the iteration."""

    compute: float
    wait: float
    communication: float

    @property
    def exchange(self) -> float:
        return self.wait + self.communication

    @property
    def share(self) -> float:
        """Of an iteration, that is not computing."""
        return self.exchange / (self.compute + self.exchange)


PHASES = [field.name for field in dataclasses.fields(Phases)]


def phases_of(row: dict) -> Phases:
    """Those of a run's row."""
    return Phases(*(row[f"{phase}_seconds_per_iteration_mean"] for phase in PHASES))
