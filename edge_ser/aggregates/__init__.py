"""Counts of decisions by hour for operators, with differential privacy; see docs/privacy.md for what that promises."""

from edge_ser.aggregates.budget import Budget
from edge_ser.aggregates.counts import HourlyCounts
from edge_ser.aggregates.noise import Noise

__all__ = ["Budget", "HourlyCounts", "Noise"]
