"""`ai-pal config edit`: the config file in the user's editor, taken when it is right."""

from pathlib import Path

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.file_editor import End, edited
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config.edit import read_text, write_text
from ai_pal.config.load import check_text
from ai_pal.config.whole_file import alone
from ai_pal.errors import Code, fail

_NEW = """# Settings of AI-PAL. All of them, with what they mean: ai-pal config show --describe
#
# keep_alive = "10m"
#
# [models.NAME]
# path = "~/models/NAME.gguf"
"""

_SAYS = {
    End.TAKEN: "{file} is changed",
    End.SAME: "{file} is as it was",
    End.DROPPED: "the changes are dropped: {file} is as it was",
}


def edit_config(file: Path) -> int:
    """Raises `AiPalError` (`bad_request`, `config_invalid`, `file_unreadable`)."""
    try:
        before = read_text(file)

        def take(text: str) -> None:
            with alone(file.parent):
                if read_text(file) != before:
                    fail(Code.BAD_REQUEST, f"{file} was changed by somebody else meanwhile", "edit it again")
                write_text(file, text)

        ended = edited(before or _NEW, file.name, lambda text: check_text(file, text), take)
    except OSError as error:
        fail(Code.FILE_UNREADABLE, f"{file} cannot be read or written: {error.strerror}", "check its folder")
    print(neutral_line(_SAYS[ended].format(file=file)))
    return failures.FAILED if ended is End.DROPPED else failures.OK
