"""What is wrong, as one id: the same in every process, on every replay and after every restart."""

from ragpulse.schemas.identity import derived_id


def fingerprint(type: str, tenant: str | None, service: str | None, objective: str) -> str:  # noqa: A002 -- contract's word
    """Return the id of a cause of trouble: 32 hex digits.

    The window is left out on purpose: several windows that breach one objective are one trouble and one alert.
    ``objective`` is the subject where nothing is promised, as in alerts of ragpulse about itself.
    """
    return derived_id(type, tenant, service, objective)
