"""Checks of datasets for problems of training and evaluation."""
