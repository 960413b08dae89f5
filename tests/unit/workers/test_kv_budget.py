"""How requests share one model's window."""

from workers.kv_budget import STEP, KvBudget, OwnWindows


def test_one_request_is_admitted_whatever_it_needs() -> None:
    assert KvBudget(100).admit(1, 1000)


def test_requests_that_fit_together_run_together() -> None:
    budget = KvBudget(100)
    assert budget.admit(1, 50)
    assert budget.admit(2, 50)


def test_one_that_does_not_fit_waits_until_another_leaves() -> None:
    budget = KvBudget(100)
    budget.admit(1, 60)
    assert not budget.admit(2, 50)
    budget.leave(1)
    assert budget.admit(2, 50)


def test_a_small_one_does_not_overtake_the_one_that_waits() -> None:
    budget = KvBudget(100)
    budget.admit(1, 60)
    budget.admit(2, 50)
    assert not budget.admit(3, 1)
    budget.leave(2)
    assert budget.admit(3, 1)


def test_an_answer_outgrows_its_promise_while_there_is_room() -> None:
    budget = KvBudget(100 + STEP)
    budget.admit(1, 50)
    budget.admit(2, 50)
    assert budget.grow(1, 49)
    assert budget.grow(1, 50)
    assert not budget.grow(2, 50)


def test_the_last_cells_are_given_away_too() -> None:
    budget = KvBudget(100 + STEP // 2)
    budget.admit(1, 50)
    budget.admit(2, 50)
    assert all(budget.grow(1, used) for used in range(50, 50 + STEP // 2))
    assert not budget.grow(1, 50 + STEP // 2)
    assert not budget.grow(2, 50)


def test_an_answer_alone_grows_without_end() -> None:
    budget = KvBudget(100)
    budget.admit(1, 100)
    assert all(budget.grow(1, used) for used in range(500))


def test_what_is_promised_is_known_until_it_is_given_back() -> None:
    budget = KvBudget(100)
    budget.admit(1, 50)
    budget.admit(2, 60)
    assert (budget.promised(1), budget.promised(2)) == (50, 0)
    budget.grow(1, 50)
    assert budget.promised(1) == 50 + STEP


def test_with_windows_of_their_own_nobody_waits_and_each_ends_at_its_own() -> None:
    budget = OwnWindows(100)
    assert all(budget.admit(key, 1000) for key in (1, 2))
    assert budget.grow(1, 99)
    assert not budget.grow(1, 100)
    assert budget.grow(2, 99)
