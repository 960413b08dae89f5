"""Run as a program: `ai-pal` with one more model in the catalog, `tiny` from the test's index."""

import sys

from ai_pal.catalog import CATALOG, KnownModel, Variant
from ai_pal.cli import run
from tests.process.package_index import artifact

if __name__ == "__main__":
    CATALOG["tiny"] = KnownModel("tiny", "a test", (Variant("q8", "llamacpp", artifact()),))
    sys.exit(run(sys.argv[1:]))
