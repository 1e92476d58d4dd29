"""A model's file that several engines map is in memory once."""

from lyricist.memory import counted_once, peak_memory_bytes

MIB = 1 << 20
STATUS = f"VmHWM:\t 1302528 kB\nRssAnon:\t  718848 kB\nRssFile:\t  {450 * 1024} kB\n"


def test_a_file_that_is_mapped_three_times_counts_once() -> None:
    assert counted_once(1272 * MIB, STATUS, 150 * MIB) == (1272 - 300) * MIB


def test_a_file_of_which_a_part_is_in_memory_counts_as_the_system_says() -> None:
    assert counted_once(1272 * MIB, STATUS, 800 * MIB) == 1272 * MIB
    assert counted_once(1272 * MIB, "", 150 * MIB) == 1272 * MIB


def test_this_process_uses_memory() -> None:
    assert 10 * MIB < peak_memory_bytes(0) < 100_000 * MIB
