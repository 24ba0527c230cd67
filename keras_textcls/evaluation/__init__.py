"""What a model is worth: metrics, reports, comparisons, pictures and pages.

Numbers first: `Report` is made of plain arrays, and nothing under it imports
Keras, so that the output of any model can be judged. Modules, lowest first:
`scores` (what is judged), `counts`, `per_text`, `ranking`, `reliability`,
`metrics` and `resampling` (numbers and their intervals), `matrices`, `curves`,
`thresholds`, `examples` and `label_errors` (what lies behind them),
`report_numbers`, `display`, `plots`, `page` and `report_files` (what is made of
them), and on top `report`, `comparison`, `evaluate` and `cross_validation`.
"""
