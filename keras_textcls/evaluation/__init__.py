"""Evaluation of models: metrics, reports, comparisons, plots and HTML pages.

A `Report` is made of plain arrays, and its modules import no Keras, so that the output of
any model can be evaluated. The modules, lowest first: `scores` (the input), `counts`,
`per_text`, `ranking`, `reliability`, `metrics` and `resampling` (metrics and their
intervals), `matrices`, `curves`, `thresholds`, `examples` and `label_errors` (details),
`report_numbers`, `display`, `plots`, `page` and `report_files` (reports, their output and
files), and on top `report`, `comparison`, `evaluate` and `cross_validation`.
"""
