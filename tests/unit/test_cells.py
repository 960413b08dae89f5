"""How requests share one model's window."""

from workers.cells import STEP, Cells


def test_one_request_is_admitted_whatever_it_needs() -> None:
    assert Cells(100).admit(1, 1000)


def test_requests_that_fit_together_run_together() -> None:
    cells = Cells(100)
    assert cells.admit(1, 50)
    assert cells.admit(2, 50)


def test_one_that_does_not_fit_waits_until_another_leaves() -> None:
    cells = Cells(100)
    cells.admit(1, 60)
    assert not cells.admit(2, 50)
    cells.leave(1)
    assert cells.admit(2, 50)


def test_a_small_one_does_not_overtake_the_one_that_waits() -> None:
    cells = Cells(100)
    cells.admit(1, 60)
    cells.admit(2, 50)
    assert not cells.admit(3, 1)
    cells.leave(2)
    assert cells.admit(3, 1)


def test_an_answer_outgrows_its_promise_while_there_is_room() -> None:
    cells = Cells(100 + STEP)
    cells.admit(1, 50)
    cells.admit(2, 50)
    assert cells.grow(1, 49)
    assert cells.grow(1, 50)
    assert not cells.grow(2, 50)


def test_an_answer_alone_grows_without_end() -> None:
    cells = Cells(100)
    cells.admit(1, 100)
    assert all(cells.grow(1, used) for used in range(500))


def test_what_is_promised_is_known_until_it_is_given_back() -> None:
    cells = Cells(100)
    cells.admit(1, 50)
    cells.admit(2, 60)
    assert (cells.promised(1), cells.promised(2)) == (50, 0)
    cells.grow(1, 50)
    assert cells.promised(1) == 50 + STEP
