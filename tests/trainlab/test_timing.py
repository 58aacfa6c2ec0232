"""Update times: what is measured has the right form, what is stored travels with the package."""

from dataclasses import replace

import numpy as np
import torch

from trainlab import timing


def test_measured_here():
    state = torch.get_rng_state()
    mine = timing.update_times(sizes=(1, 1000), budget=0.05)
    assert torch.equal(torch.get_rng_state(), state)
    assert mine.sizes == (1, 1000)
    assert all(seconds > 0 for seconds in mine.seconds)  # which is larger is for a quiet machine to say
    assert mine.chip
    assert mine.torch == torch.__version__


def test_the_clock_is_asked_before_and_after_each_update():
    ticks = iter(range(1_000_000))
    counted = timing.update_times(sizes=(1, 2), budget=0.0, clock=lambda: float(next(ticks)))
    assert counted.seconds == (1.0, 1.0)


def test_an_epoch_is_an_update_times_its_number():
    times = replace(timing.stored(), sizes=(1, 10, 60_000), seconds=(0.001, 0.002, 0.3))
    np.testing.assert_allclose(times.epochs, [60, 12, 0.3])


def test_stored_numbers_are_whole():
    times = timing.stored()
    assert times.sizes == timing.SIZES
    assert len(times.seconds) == len(times.sizes)
    assert times.threads == 1
    assert all(np.diff(times.seconds) > 0)
