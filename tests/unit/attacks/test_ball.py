"""Nothing an attack does may leave the ball."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from govkit.attacks import Ball

SHAPES = {"linf": (3, 2, 4, 4), "l2": (3, 7), "token_l2": (3, 5, 6)}


@settings(max_examples=60, deadline=None)
@given(
    norm=st.sampled_from(["linf", "l2", "token_l2"]),
    radius=st.sampled_from([0.0, 1e-3, 8 / 255, 0.5, 3.0]),
    seed=st.integers(0, 10_000),
    size=st.sampled_from([1e-30, 1e-3, 1.0, 1e6]),
    bounded=st.booleans(),
)
def test_projected_points_stay_inside(norm, radius, seed, size, bounded):
    generator = torch.Generator().manual_seed(seed)
    center = torch.rand(SHAPES[norm], generator=generator)
    ball = Ball(norm, radius, 0.0 if bounded else None, 1.0 if bounded else None)
    far = center + torch.randn(SHAPES[norm], generator=generator) * size
    point = ball.project(far, center)
    assert ball.excess(point, center) <= 1e-4
    if radius == 0:
        assert torch.equal(point, center)


@pytest.mark.parametrize("norm", ["linf", "l2", "token_l2"])
@pytest.mark.parametrize("surface", [True, False])
def test_noise_and_steps_stay_inside_and_reach_the_surface(norm, surface):
    ball = Ball(norm, 0.3)
    center = torch.zeros(SHAPES[norm])
    noise = ball.noise(center, [1, 2, 3], surface=surface)
    assert ball.excess(noise, center) <= 1e-5
    step = ball.direction(torch.randn(SHAPES[norm], generator=torch.Generator().manual_seed(0)) * 1e-30)
    assert ball.excess(step, center) <= 1e-5
    length = step.abs().max() if norm == "linf" else step.norm(dim=-1).max()
    assert float(length) == pytest.approx(0.3, rel=1e-5)


def test_a_zero_gradient_gives_no_direction():
    for norm, shape in SHAPES.items():
        assert torch.equal(Ball(norm, 1.0).direction(torch.zeros(shape)), torch.zeros(shape))


def test_noise_belongs_to_the_row_and_not_to_its_place():
    ball, x = Ball("linf", 1.0), torch.zeros(4, 5)
    first = ball.noise(x, [7, 8, 9, 10])
    assert torch.equal(ball.noise(x, [10, 9, 8, 7]), first.flip(0))
    assert torch.equal(ball.noise(x[:1], [9]), first[2:3])


def test_the_grid_is_kept_without_leaving_the_ball():
    generator = torch.Generator().manual_seed(3)
    center = torch.randint(0, 256, (5, 3, 4, 4), generator=generator) / 255
    ball = Ball("linf", 8 / 255, 0.0, 1.0, grid=1 / 255)
    point = ball.settle(center + torch.randn(center.shape, generator=generator), center)
    assert ball.excess(point, center) <= 1e-4
    assert torch.allclose((point * 255).round() / 255, point, atol=1e-6)
    inside = (center > 8 / 255) & (center < 1 - 8 / 255)
    assert float((point - center).abs()[inside].max()) == pytest.approx(8 / 255, abs=1e-6)


def test_the_audit_sees_what_left_the_ball():
    center = torch.full((2, 3), 0.5)
    ball = Ball("linf", 0.1, 0.0, 1.0)
    assert ball.excess(center + 0.11, center) == pytest.approx(0.1, abs=1e-4)
    assert Ball("linf", 9.0, 0.0, 1.0).excess(center + 1, center) == pytest.approx(0.5)
    assert ball.excess(center * float("nan"), center) == float("inf")


def test_a_radius_may_differ_by_column():
    ball = Ball("linf", torch.tensor([[0.0, 1.0, 2.0]]))
    moved = ball.project(torch.full((2, 3), 9.0), torch.zeros(2, 3))
    assert moved.tolist() == [[0.0, 1.0, 2.0]] * 2


def test_rounding_beside_a_large_number_does_not_leave_the_ball():
    center = torch.tensor([[20000.3, 0.1], [20000.7, 0.2]])
    ball = Ball("linf", torch.tensor([[0.1, 0.1]]))
    point = ball.settle(center + torch.tensor([[9.0, -9.0]]), center)
    assert ball.excess(point, center) == 0
    assert ball.excess(point + torch.tensor([[0.03, 0.0]]), center) > 0.1
    assert ball.excess(point + torch.tensor([[0.0, -0.001]]), center) > 0.005
