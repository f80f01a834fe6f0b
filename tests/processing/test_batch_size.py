"""How many tasks are taken at a time."""

from integrationbus.server.processing.batch_size import BatchSize


def grown(batches: int, *, logged: int = 0) -> BatchSize:
    """A size after so many full and quick batches."""
    size = BatchSize()
    for _ in range(batches):
        size.learn(size.size, 0.01, logged=logged)
    return size


def test_quick_batches_grow_up_to_a_limit() -> None:
    assert [grown(batches).size for batches in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert grown(50).size == grown(60).size == 500


def test_a_batch_that_was_not_full_says_nothing() -> None:
    size = grown(5)
    size.learn(3, 0.01, logged=0)
    assert size.size == 32


def test_a_slow_batch_is_halved_and_never_empty() -> None:
    size = grown(5)
    size.learn(32, 2.0, logged=0)
    assert size.size == 16
    for _ in range(9):
        size.learn(size.size, 2.0, logged=0)
    assert size.size == 1


def test_whoever_logs_a_little_does_not_wait_for_large_batches() -> None:
    size = grown(50)
    size.learn(500, 0.01, logged=3)
    assert size.size == 50
    size.learn(50, 0.01, logged=3)
    assert size.size == 50
    size.learn(50, 0.01, logged=0)
    assert size.size == 100, "nobody logs any more"


def test_where_as_much_is_logged_as_is_processed_batches_stay_large() -> None:
    size = grown(50)
    size.learn(500, 0.01, logged=500)
    assert size.size == 500
