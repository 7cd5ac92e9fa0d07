import uuid

from vigility.core.events.event_ids import uuid7


def test_the_example_of_the_standard():
    # RFC 9562, A.6: 2022-02-22T14:22:22.00-05:00, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
    drawn = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    made = uuid7(0x017F22E279B0 * 1000, lambda count: drawn[-count:])
    assert made == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_differ_and_sort_by_time():
    now = 1_772_366_400_000_000
    early, late = (uuid7(now + n * 1000) for n in (0, 1))
    assert early < late
    assert len({uuid7(now) for _ in range(1000)}) == 1000
    assert uuid.UUID(early).version == 7
    assert uuid.UUID(early).variant == uuid.RFC_4122


def test_a_time_before_the_epoch_is_the_epoch():
    assert uuid7(-1).startswith("00000000-0000-7")
