from __future__ import annotations

import torch

from decay_atlas.training.data.streams import AUGMENT, ORDER, BatchRandom, generator, stream


def test_a_stream_depends_on_seed_purpose_and_place_alone() -> None:
    places = [(0, ORDER), (1, ORDER), (0, AUGMENT), (0, ORDER, 0), (0, ORDER, 1), (0, ORDER, 0, 0)]
    assert len({stream(*place) for place in places}) == len(places)
    torch.rand(7)  # whatever the process drew before
    assert [stream(*place) for place in places] == [stream(*place) for place in places]
    assert torch.equal(torch.rand(5, generator=generator(0, ORDER)), torch.rand(5, generator=generator(0, ORDER)))


def test_the_parts_of_a_batch_draw_what_the_whole_draws() -> None:
    def draws(rows: torch.Tensor | None) -> list[torch.Tensor]:
        draw = BatchRandom(generator(0, AUGMENT), 10, rows)
        return [draw.uniform(-1, 1, 2), draw.integers(5, 3)]

    whole = draws(None)
    for rows in (torch.arange(0, 10, 3), torch.tensor([7])):
        for numbers, part in zip(whole, draws(rows), strict=True):
            assert torch.equal(numbers[:, rows], part)


def test_numbers_keep_within_their_bounds() -> None:
    draw = BatchRandom(generator(0, AUGMENT), 1000)
    assert set(draw.integers(3)[0].tolist()) == {0, 1, 2}
    numbers = draw.uniform(2, 3)
    assert numbers.shape == (1, 1000)
    assert 2 <= numbers.min() < 2.1 < 2.9 < numbers.max() < 3
