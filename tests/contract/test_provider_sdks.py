"""An installation without the clouds' SDKs."""

from pathlib import Path

import pytest

from ai_pal.errors import Code, install_extra
from ai_pal.protocol.provider import Api
from tests.contract.providers import scripted
from tests.egress_driver import egress_process
from tests.servers import faults
from tests.servers.faults import FaultProxy


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_a_missing_sdk_is_named_with_the_command_that_brings_it(tmp_path: Path, api: Api) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{api!r}] = None\n")
    with egress_process({}, PYTHONPATH=str(tmp_path)) as egress, FaultProxy("ollama") as proxy:
        failure = egress.ask(scripted(api, "http://127.0.0.1:1").complete()).failed.failure
        assert (failure.code, failure.retryable) == (Code.SDK_MISSING, False)
        assert api in failure.message
        assert failure.hint == f"{install_extra('clouds')}, then: ai-pal stop"
        proxy.fault = faults.empty
        answer = egress.ask(scripted("ollama", proxy.url).complete())
        assert answer.failed.failure.code == Code.EMPTY_ANSWER, "Ollama needs none of them"
