"""Who is told: the first route of the policy that fits."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ragpulse.schemas.policy import Route
from ragpulse.streams.alerting.cause import Cause


def route_of(cause: Cause, routes: Iterable[Route]) -> Route | None:
    """Return the first route whose conditions all hold; None where nobody is told."""
    return next((route for route in routes if _holds(route, cause)), None)


def _holds(route: Route, cause: Cause) -> bool:
    if route.severities and cause.severity not in route.severities:
        return False
    if route.types and cause.type not in route.types:
        return False
    # ragpulse's alerts about itself name no service and no tenant: only a pattern for all of them fits.
    return fnmatchcase(cause.service or "", route.service) and fnmatchcase(cause.tenant or "", route.tenant)
