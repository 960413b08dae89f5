"""How often each thing was lost in each phase, and the slowest time after which somebody heard of it."""

from collections.abc import Iterable


class Tally:
    """A table with a row for each thing that is lost, and a column for each phase: these are its cells."""

    def __init__(self, cells: Iterable[tuple[str, str]] = ()) -> None:
        self._counts = dict.fromkeys(cells, 0)
        self._slowest: dict[tuple[str, str], float] = {}

    def count(self, row: str, column: str) -> None:
        """It was lost once more."""
        self._counts[row, column] += 1

    def heard(self, row: str, column: str, seconds: float) -> None:
        """Of that loss, after so long."""
        self._slowest[row, column] = max(seconds, self._slowest.get((row, column), 0.0))

    def add(self, other: "Tally") -> None:
        """What another one has counted."""
        for cell, count in other._counts.items():
            self._counts[cell] = self._counts.get(cell, 0) + count
        for (row, column), seconds in other._slowest.items():
            self.heard(row, column, seconds)

    def lines(self) -> list[str]:
        """For people: nothing where there is no table."""
        rows = list(dict.fromkeys(row for row, _ in self._counts))
        columns = list(dict.fromkeys(column for _, column in self._counts))
        table = [["", *columns], *([row, *(self._cell(row, column) for column in columns)] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        told = [
            "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in table
        ]
        return [line.rstrip() for line in told] if rows else []

    def fields(self) -> dict[str, dict[str, tuple[int, float | None]]]:
        """For scripts."""
        told: dict[str, dict[str, tuple[int, float | None]]] = {}
        for (row, column), count in self._counts.items():
            told.setdefault(row, {})[column] = count, self._slowest.get((row, column))
        return told

    def _cell(self, row: str, column: str) -> str:
        seconds = self._slowest.get((row, column))
        return str(self._counts[row, column]) + ("" if seconds is None else f", {seconds:.3f} s")
