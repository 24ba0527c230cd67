"""Answers in label names, their calibration and thresholds: numpy only."""
