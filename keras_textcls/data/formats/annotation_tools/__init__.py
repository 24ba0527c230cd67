"""Exports of annotation tools, and files of the libraries that they are made for."""
