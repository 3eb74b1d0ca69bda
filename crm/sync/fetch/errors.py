"""What can go wrong while reading a source, beside what the guarded client refuses."""

from __future__ import annotations

from office.http import NextStep, OutboundError


class SourceRefused(OutboundError):
    """The source answered, and its answer says no."""


class SourceBroken(OutboundError):
    """The source contradicts itself (repeated page, sequence going back): reading on would lose rows."""

    next_step = NextStep.GIVE_UP


class StartOver(OutboundError):
    """A killed attempt cannot be gone on with: the source may have moved since. Clear what is staged, read from the start."""

    next_step = NextStep.RETRY


class Rebaseline(OutboundError):
    """The source does not know our position in its changes any more: only a whole listing helps."""

    next_step = NextStep.RETRY
