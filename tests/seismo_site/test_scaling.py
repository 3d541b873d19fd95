"""How many clusters: hand-made loads second by second."""

from __future__ import annotations

from seismo_site.scaling import HostLoad, QueueLoad, Scaler

GIB = 2**30
FREE = HostLoad(cpu=0.2, memory_left=8 * GIB)


def loads(high: QueueLoad | None = None, low: QueueLoad | None = None) -> dict[str, QueueLoad]:
    return {"high": high or idle(), "low": low or idle()}


def idle(clusters: int = 1) -> QueueLoad:
    return QueueLoad(waiting=0, age=0.0, running=0, workers=clusters, clusters=clusters)


def pressed(clusters: int = 1) -> QueueLoad:
    return QueueLoad(waiting=9, age=30.0, running=clusters, workers=clusters, clusters=clusters)


def test_each_queue_has_a_cluster_first_and_the_fewest_in_all_next() -> None:
    scaler = Scaler(least=3, most=6)
    assert scaler.decide(0, loads(idle(0), idle(0)), FREE) == {"high": 1, "low": 1}
    assert scaler.decide(1, loads(idle(1), idle(0)), FREE) == {"low": 1}
    assert scaler.decide(2, loads(), FREE) == {"high": 1}
    assert scaler.decide(3, loads(idle(2)), FREE) == {}


def test_a_pressed_queue_grows_after_two_seconds_and_up_to_the_most() -> None:
    scaler = Scaler(least=2, most=4)
    made = [scaler.decide(second, loads(low=pressed()), FREE) for second in range(4)]
    assert made == [{}, {}, {"low": 1}, {}]
    assert [scaler.decide(second, loads(low=pressed(3)), FREE) for second in range(4, 9)] == [{}] * 5


def test_a_pressed_queue_waits_for_the_workers_of_its_last_cluster() -> None:
    """On a busy host a cluster takes ten seconds to start: five were started where one was needed."""
    scaler, clusters, grown = Scaler(least=2, most=10), 1, []
    for second in range(60):
        workers = 1 if second < 12 else 2  # the second cluster takes tasks, the third never does
        load = QueueLoad(waiting=9, age=30.0, running=workers, workers=workers, clusters=clusters)
        if scaler.decide(second, loads(low=load), FREE):
            clusters += 1
            grown.append(second)
    assert grown == [2, 12, 42]


def test_a_queue_that_is_busy_on_and_off_does_not_flutter() -> None:
    scaler = Scaler(least=2, most=4)
    for second in range(0, 200, 2):
        assert scaler.decide(second, loads(low=pressed(2)), FREE) == {}
        assert scaler.decide(second + 1, loads(low=idle(2)), FREE) == {}


def test_an_idle_queue_shrinks_one_a_minute_and_keeps_one() -> None:
    scaler = Scaler(least=2, most=6)
    low, ended = 3, []
    for second in range(300):
        changes = scaler.decide(second, loads(low=idle(low)), FREE)
        if changes:
            ended.append((second, changes))
            low -= 1
    assert ended == [(60, {"low": -1}), (120, {"low": -1})]


def test_a_busy_host_gets_no_more() -> None:
    for host in (HostLoad(0.95, 8 * GIB), HostLoad(0.2, GIB // 4)):
        scaler = Scaler(least=2, most=6)
        assert [scaler.decide(second, loads(low=pressed()), host) for second in range(9)] == [{}] * 9


def test_memory_that_runs_out_ends_a_surplus_cluster_of_low() -> None:
    scaler = Scaler(least=2, most=6)
    assert scaler.decide(0, loads(pressed(2), pressed(2)), HostLoad(0.5, GIB // 8)) == {"low": -1}
    assert scaler.decide(1, loads(pressed(1), pressed(1)), HostLoad(0.5, GIB // 8)) == {}


def test_high_takes_the_place_of_low_at_the_most() -> None:
    scaler = Scaler(least=2, most=3)
    made = [scaler.decide(second, loads(pressed(1), pressed(2)), FREE) for second in range(3)]
    assert made == [{}, {}, {"low": -1}]
    assert scaler.decide(3, loads(pressed(1), pressed(1)), FREE) == {"high": 1}
