"""Run as a program: `ai-pal` with one more model in the catalog, `tiny` from the test's index."""

import sys

from ai_pal.catalog import CATALOG, KnownModel
from ai_pal.cli import run
from tests.process.package_index import artifact

if __name__ == "__main__":
    CATALOG["tiny"] = KnownModel("tiny", "llamacpp", "a test", artifacts=(artifact(),))
    sys.exit(run(sys.argv[1:]))
