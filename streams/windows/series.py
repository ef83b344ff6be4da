"""Series: what a window is kept for. A service is what a promise is made about."""

from typing import NamedTuple

from ragpulse.schemas.window_partial import Cell


class Service(NamedTuple):
    """One service of one tenant."""

    tenant: str
    service: str


class Judged(NamedTuple):
    """What a promise is judged on: one operation of a service."""

    service: Service
    operation: str


class Series(NamedTuple):
    """One row of windows. ``variant`` is "" where events have none."""

    tenant: str
    service: str
    operation: str
    variant: str

    @property
    def owner(self) -> Service:
        """Return the service it belongs to."""
        return Service(self.tenant, self.service)


def series_of(cell: Cell) -> Series:
    """Return the series that a cell is a part of."""
    return Series(cell.tenant, cell.service, cell.operation, cell.variant)
