"""`ai-pal rerank QUERY [TEXT...]`: order texts by how well they answer a query."""

import argparse
import sys
from typing import Any

from ai_pal.cli.prompts.given_prompt import checked_argument
from ai_pal.cli.prompts.given_texts import GivenText, add_texts, given_texts
from ai_pal.cli.prompts.using import add_using, in_batches, tell_who, using
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.whole_numbers import whole
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal rerank -m BAAI/bge-reranker-v2-m3 "Who did it?" "Leo did." "It is old."
  ai-pal rerank "Who painted it?" -f notes.txt --lines --top 3
  grep -i leo *.txt | ai-pal rerank --json "Who?" | jq -r '.results[0].text'

Without -m the setting `model` answers if it was made for this, else the one
reranking model that is here. The best text comes first, each with its score: the higher, the better. Standard
input has a text in each line.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    completes(parser.add_argument("query", metavar="QUERY", help="what is to be answered"), "text")
    add_texts(parser)
    add_using(parser, "a model that judges texts by a query")
    parser.add_argument("--top", type=whole(1), metavar="N", help="only the N best")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    query = checked_argument(args.query)
    if not query.strip():
        fail(Code.EMPTY_PROMPT, "the query is empty", 'ai-pal rerank "Who painted it?" TEXT...')
    texts, how = given_texts(args), using(args)
    found = in_batches(
        [one.text for one in texts], "judging", lambda client, batch: client.rerank(query, batch, **how)
    )
    scores = [score for ranking in found for score in ranking.scores]
    best = sorted(range(len(texts)), key=lambda place: -scores[place])[: args.top]
    results = [_result(place, scores[place], texts[place]) for place in best]
    used = sum(ranking.usage.prompt_tokens for ranking in found)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"model": found[0].model, "prompt_tokens": used, "results": results})
    else:
        _print(results, [texts[place] for place in best])
    tell_who(found[0].model, used)
    return failures.OK


def _result(place: int, score: float, text: GivenText) -> dict[str, Any]:
    return {"index": place, "score": score, "source": text.source, "text": text.text}


def _print(results: list[dict[str, Any]], texts: list[GivenText]) -> None:
    rows = [(f"{one['score']:.4f}", text.line) for one, text in zip(results, texts, strict=True)]
    if not sys.stdout.isatty():
        for score, line in rows:
            print(f"{score}\t{line}")
        return
    from ai_pal.cli.terminal.table import table, terminal_width

    print(
        table(
            ("SCORE", "TEXT"), [(score, neutral_line(line)) for score, line in rows], width=terminal_width()
        )
    )
