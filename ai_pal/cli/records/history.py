"""`ai-pal history`: the conversations that are kept on this machine."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ai_pal.cli.records import history_table
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral, neutral_line
from ai_pal.cli.terminal.private_file import owner_only
from ai_pal.cli.terminal.whole_numbers import whole
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.config import paths
from ai_pal.counted import counted
from ai_pal.errors import Code, fail, fail_to_write

if TYPE_CHECKING:
    from ai_pal.conversations.records import Kept
    from ai_pal.conversations.shelf import Shelf

EXAMPLES = """examples:
  ai-pal history                    the list, as `ai-pal history list` gives it
  ai-pal history search "train to Lyon" book*
  ai-pal history tag 12 travel france     give it tags; `untag` takes them off
  ai-pal history list --tag travel
  ai-pal history show 12
  ai-pal history export 12 --output talk.md
  ai-pal history export --all --format json | jq '.[].title'
  ai-pal history delete 12 13
  ai-pal history delete --all --yes     without a question, as a script needs it

Conversations are kept in ~/.ai-pal/ai-pal.db, readable by you only; `history = false` in the settings or
`ai-pal chat --no-history` keeps none. What is deleted is gone from the file too. Go on with one:
ai-pal chat --continue 12. In JSON, times are seconds since 1970 (UTC).

"""

TAG_EXAMPLES = """examples:
  ai-pal history tag 12 travel            12 is its number in `ai-pal history list`
  ai-pal history tag 12 travel "new york" several; one with a blank goes into quotes
  ai-pal history untag 12 travel          takes it off again
  ai-pal history list --tag travel        which have it
"""

AsWritten = argparse.RawDescriptionHelpFormatter

_LISTED = 30

Row = TypeVar("Row")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list", limit=_LISTED, json=False, tag="")
    show_all = actions.add_parser("list", help="list the conversations, last spoken in first")
    show_all.add_argument(
        "--limit", type=whole(), default=_LISTED, metavar="N", help=f"at most N ({_LISTED}); 0 for all"
    )
    search = actions.add_parser("search", help="find messages that hold all of these words")
    words = search.add_argument(
        "words", nargs="+", metavar="WORD", help='a word, a beginning*, or "a phrase"'
    )
    completes(words, "text")
    search.add_argument("--limit", type=whole(), default=20, metavar="N", help="at most N (20); 0 for all")
    for listing in (show_all, search):
        completes(
            listing.add_argument("--tag", default="", metavar="TAG", help="only those with this tag"), "tags"
        )
    for name, what in (("tag", "give a conversation and its branches tags"), ("untag", "take tags off")):
        tagging = actions.add_parser(name, help=what, epilog=TAG_EXAMPLES, formatter_class=AsWritten)
        number = tagging.add_argument("id", type=whole(), metavar="ID", help="its number")
        completes(number, "conversations")
        completes(tagging.add_argument("tags", nargs="+", metavar="TAG", help="one or several"), "tags")
    show = actions.add_parser("show", help="show one conversation")
    number = show.add_argument(
        "id", nargs="?", type=whole(), metavar="ID", help="its number; the last one if left out"
    )
    completes(number, "conversations")
    for action in (show_all, search, show):
        action.add_argument("--json", action="store_true", help="print JSON")
    export = actions.add_parser("export", help="write conversations as Markdown or JSON")
    number = export.add_argument(
        "id", nargs="?", type=whole(), metavar="ID", help="its number; the last one if left out"
    )
    completes(number, "conversations")
    export.add_argument("--all", action="store_true", help="all conversations")
    export.add_argument(
        "--format",
        choices=("markdown", "json"),
        default="markdown",
        help="as text to read (markdown), or as data",
    )
    out = export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="a new file; stdout if left out"
    )
    completes(out, "file")
    delete = actions.add_parser("delete", help="delete conversations without a trace")
    numbers = delete.add_argument("ids", nargs="*", type=whole(), metavar="ID", help="their numbers")
    completes(numbers, "conversations")
    delete.add_argument("--all", action="store_true", help="all conversations, and what was typed in them")
    add_yes(delete)
    actions.add_parser("wipe", help="overwrite what earlier deletions may have left in the file")


def run(args: argparse.Namespace) -> int:
    from ai_pal.conversations.shelf import Shelf

    with closing(Shelf(paths.store_file())) as store:
        return _ACTIONS[args.action](store, args)


def _list(store: "Shelf", args: argparse.Namespace) -> int:
    tag = _tag_of(args.tag)
    heads, more = _cut(store.heads(_and_one(args.limit), tag), args.limit)
    if args.json:
        _print_json(heads)
    elif heads:
        print(history_table.table_of(heads))
        _tell(more, "list")
    elif tag:
        known = ", ".join(store.tags()) or "none yet"
        print(neutral_line(f"no conversation has the tag {tag}; tags: {known}"), file=sys.stderr)
        return failures.FAILED
    else:
        print("no conversation is kept yet")
    return failures.OK


def _tag_of(text: str) -> str:
    from ai_pal.conversations.tags import tag_of

    return tag_of(text) if text else ""


def _tag(store: "Shelf", args: argparse.Namespace) -> int:
    tags = store.tag(args.id, args.tags)
    print(neutral_line(f"{args.id}: {', '.join(tags) or 'no tags'}"))
    return failures.OK


def _untag(store: "Shelf", args: argparse.Namespace) -> int:
    """Take off those that it has; a tag that it does not have is told."""
    from ai_pal.conversations.tags import tags_of

    absent = [tag for tag in tags_of(args.tags) if tag not in store.head(args.id).tags]
    tags = store.tag(args.id, drop=args.tags)
    shown = ", ".join(tags) or "no tags"
    if absent:
        print(neutral_line(f"{args.id} has no tag {', '.join(absent)}; it has {shown}"), file=sys.stderr)
        return failures.FAILED
    print(neutral_line(f"{args.id}: {shown}"))
    return failures.OK


def _search(store: "Shelf", args: argparse.Namespace) -> int:
    query = " ".join(f'"{word}"' if " " in word else word for word in args.words)
    found, more = _cut(store.search(query, _and_one(args.limit), _tag_of(args.tag)), args.limit)
    if args.json:
        _print_json([history_table.plain(one) for one in found])
    else:
        for one in found:
            print(history_table.hit(one))
        _tell(more, "search")
        if not found:
            print(neutral_line(f"no message holds: {query}"), file=sys.stderr)
    return failures.OK if found else failures.FAILED


def _show(store: "Shelf", args: argparse.Namespace) -> int:
    kept = store.show(_chosen(store, args.id))
    if args.json:
        _print_json(kept)
    else:
        print(
            neutral_line(f"{kept.head.id}: {kept.head.title} · {history_table.when(kept.head.updated)}"),
            end="\n\n",
        )
        print(neutral(_markdown(kept)), end="")
    return failures.OK


def _export(store: "Shelf", args: argparse.Namespace) -> int:
    if args.all and args.id is not None:
        fail(Code.BAD_REQUEST, "give a number or --all, not both", "see: ai-pal history export --help")
    ids = [head.id for head in store.heads()] if args.all else [_chosen(store, args.id)]
    kept = [store.show(number) for number in ids]
    if args.format == "json":
        import msgspec

        data = msgspec.json.format(msgspec.json.encode(kept if args.all else kept[0])) + b"\n"
    else:
        data = "\n\n".join(f"# {one.head.title}\n\n{_markdown(one)}" for one in kept).encode()
    if args.output is None:
        sys.stdout.buffer.write(data)
        return failures.OK
    try:
        with open(args.output, "xb", opener=owner_only) as out:
            out.write(data)
    except FileExistsError:
        fail(Code.BAD_REQUEST, f"{args.output} exists", "remove it, or choose another name")
    except OSError as error:
        fail_to_write(args.output, error, "choose another place for --output")
    return failures.OK


def _delete(store: "Shelf", args: argparse.Namespace) -> int:
    if args.all == bool(args.ids):
        fail(Code.BAD_REQUEST, "give the numbers of conversations, or --all", "see: ai-pal history list")
    from ai_pal.conversations.typed import keep_typed

    ids = sorted(set(args.ids))
    heads = [store.head(number) for number in ids]
    if args.all:
        what = f"all of {counted(len(store.heads()), 'conversation')}, and what was typed there"
    else:
        what = " and ".join(f"{head.id} ({head.title})" for head in heads)
    if not agreed(f"delete {what}", yes=args.yes):
        return failures.FAILED
    if args.all:
        count = store.delete_all()
        paths.history_file().unlink(missing_ok=True)
    else:
        store.delete(ids)
        keep_typed(paths.history_file(), store.prompts())
        count = len(ids)
    print(f"{counted(count, 'conversation')} deleted")
    return failures.OK


def _wipe(store: "Shelf", args: argparse.Namespace) -> int:
    from ai_pal.conversations.typed import keep_typed

    store.wipe()
    keep_typed(paths.history_file(), store.prompts())
    return failures.OK


_ACTIONS: dict[str, Callable[["Shelf", argparse.Namespace], int]] = {
    "list": _list,
    "search": _search,
    "tag": _tag,
    "untag": _untag,
    "show": _show,
    "export": _export,
    "delete": _delete,
    "wipe": _wipe,
}


def _and_one(limit: int) -> int:
    """What is asked of the store: one row too many tells that there are more."""
    return limit + 1 if limit else -1


def _cut(rows: "list[Row]", limit: int) -> "tuple[list[Row], bool]":
    """The first `limit` rows (0 for all), and whether there are more."""
    return (rows[:limit], len(rows) > limit) if limit else (rows, False)


def _tell(more: bool, action: str) -> None:
    if more:
        text = f"there are more: ai-pal history {action} --limit 0 shows all"
        print(wrapped(text, sys.stderr), file=sys.stderr)


def _chosen(store: "Shelf", number: int | None) -> int:
    found = number if number is not None else store.latest()
    if found is None:
        fail(Code.CONVERSATION_NOT_FOUND, "no conversation is kept yet", "begin one: ai-pal chat")
    return found


def _markdown(kept: "Kept") -> str:
    from ai_pal.conversations.kept import conversation_of

    return conversation_of(kept).markdown()


def _print_json(value: object) -> None:
    import msgspec

    # Not by json_output: here an id means something.
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
