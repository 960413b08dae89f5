"""What pip's end means: its own words are said."""

from ai_pal.errors import Code
from ai_pal.sources.pip_words import meaning

REFUSED = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'
ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)
ERROR: No matching distribution found for x==1

"""


def test_the_last_of_its_words_is_the_message_and_more_of_them_the_evidence() -> None:
    failure = meaning("x==1", 1, REFUSED, {})
    assert failure.code == Code.DOWNLOAD_FAILED
    assert failure.message == "pip could not download x==1: No matching distribution found for x==1"
    assert "NewConnectionError" in failure.detail
    assert failure.retryable


def test_a_pip_that_ended_without_a_word_is_told_by_how_it_ended() -> None:
    said = "pip could not download x: "
    assert meaning("x", -9, "", {}).message == said + "signal 9 ended it, and it said nothing"
    assert meaning("x", 2, " \n", {}).message == said + "it ended with code 2, and it said nothing"


def test_a_full_disk_and_a_missing_pip_have_codes_of_their_own() -> None:
    full = meaning("x", 1, "ERROR: [Errno 28] No space left on device\n", {})
    assert (full.code, "Errno 28" in full.detail) == (Code.DISK_FULL, True)
    assert meaning("x", 1, "/usr/bin/python3: No module named pip", {}).code == Code.PIP_MISSING
