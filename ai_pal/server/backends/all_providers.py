"""All providers as one backend: machines of the user's have a process of their own."""

from ai_pal.server.backends.providers import Providers
from ai_pal.server.jobs import Handle, Job, Sink


class AllProviders:
    """Implements `jobs.Backend`."""

    keeps_time = True

    def __init__(self, providers: Providers, machines: Providers) -> None:
        self._providers, self._machines = providers, machines

    def start(self, job: Job, sink: Sink) -> Handle:
        machine = job.provider is not None and job.provider.api == "machine"
        return (self._machines if machine else self._providers).start(job, sink)
