"""Text classification for people who use Keras.

Everything public is here and is loaded on first use: importing this package
loads neither Keras nor a backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "AnswerOptions": "predictions.prediction",
    "ArgumentError": "errors",
    "Calibration": "predictions.calibration",
    "CheckReport": "data.checks.findings",
    "Comparison": "evaluation.comparison",
    "CrossValidation": "evaluation.cross_validation",
    "DatasetStatistics": "data.statistics",
    "Disagreement": "evaluation.comparison",
    "DistillationConfig": "distillation.distiller",
    "DownloadPolicy": "data.downloads.downloads",
    "Example": "data.text_dataset",
    "Finding": "data.checks.findings",
    "FineTuning": "training.templates",
    "InvalidDataError": "errors",
    "InvalidRow": "data.rows.invalid_rows",
    "InvalidRows": "data.rows.invalid_rows",
    "JudgedText": "evaluation.report.examples",
    "KerasTextclsError": "errors",
    "LabelMatrix": "evaluation.metrics.matrices",
    "LabelSet": "labels",
    "LearningCurve": "evaluation.cross_validation",
    "Lora": "training.templates",
    "MaskedBinaryCrossentropy": "optimization.masked",
    "MaskedMetric": "optimization.masked",
    "McNemar": "evaluation.metrics.significance",
    "Metric": "evaluation.metrics.metrics",
    "MissingDependencyError": "errors",
    "PairedDifference": "evaluation.metrics.significance",
    "Prediction": "predictions.prediction",
    "PresetCatalogue": "catalogue",
    "PresetError": "errors",
    "PresetInfo": "catalogue",
    "PromptTemplate": "text_to_text.prompt_template",
    "Report": "evaluation.report.report",
    "ReportInfo": "evaluation.report.report_info",
    "ResultTable": "utils.result_table",
    "Run": "training.runs",
    "RunError": "errors",
    "SuspectedLabelError": "evaluation.metrics.label_errors",
    "Template": "training.templates",
    "TextClassifier": "classifiers.text_classifier",
    "TextClassifierPreprocessor": "tokenization.preprocessor",
    "TextDataset": "data.text_dataset",
    "TextToText": "text_to_text.text_to_text",
    "TextToTextClassifier": "text_to_text.text_to_text_classifier",
    "TextToTextLora": "training.templates",
    "TransferLearning": "training.templates",
    "TunedThresholds": "evaluation.metrics.thresholds",
    "UnknownLabelError": "errors",
    "VectorScaling": "predictions.calibration",
    "classifier_from_preset": "text_to_text.text_to_text_classifier",
    "compare": "evaluation.comparison",
    "cross_validate": "evaluation.cross_validation",
    "distill": "distillation.distillation",
    "evaluate": "evaluation.evaluate",
    "learning_curve": "evaluation.cross_validation",
    "presets": "catalogue",
    "read": "data.reading",
    "runs": "training.runs",
    "template": "training.templates",
    "templates": "training.templates",
    "train": "training.train",
}

__all__ = [
    "AnswerOptions",
    "ArgumentError",
    "Calibration",
    "CheckReport",
    "Comparison",
    "CrossValidation",
    "DatasetStatistics",
    "Disagreement",
    "DistillationConfig",
    "DownloadPolicy",
    "Example",
    "Finding",
    "FineTuning",
    "InvalidDataError",
    "InvalidRow",
    "InvalidRows",
    "JudgedText",
    "KerasTextclsError",
    "LabelMatrix",
    "LabelSet",
    "LearningCurve",
    "Lora",
    "MaskedBinaryCrossentropy",
    "MaskedMetric",
    "McNemar",
    "Metric",
    "MissingDependencyError",
    "PairedDifference",
    "Prediction",
    "PresetCatalogue",
    "PresetError",
    "PresetInfo",
    "PromptTemplate",
    "Report",
    "ReportInfo",
    "ResultTable",
    "Run",
    "RunError",
    "SuspectedLabelError",
    "Template",
    "TextClassifier",
    "TextClassifierPreprocessor",
    "TextDataset",
    "TextToText",
    "TextToTextClassifier",
    "TextToTextLora",
    "TransferLearning",
    "TunedThresholds",
    "UnknownLabelError",
    "VectorScaling",
    "classifier_from_preset",
    "compare",
    "cross_validate",
    "distill",
    "evaluate",
    "learning_curve",
    "presets",
    "read",
    "runs",
    "template",
    "templates",
    "train",
]

if TYPE_CHECKING:
    from keras_textcls.catalogue import PresetCatalogue, PresetInfo, presets
    from keras_textcls.classifiers.text_classifier import TextClassifier
    from keras_textcls.data.checks.findings import CheckReport, Finding
    from keras_textcls.data.downloads.downloads import DownloadPolicy
    from keras_textcls.data.reading import read
    from keras_textcls.data.rows.invalid_rows import InvalidRow, InvalidRows
    from keras_textcls.data.statistics import DatasetStatistics
    from keras_textcls.data.text_dataset import Example, TextDataset
    from keras_textcls.distillation.distillation import distill
    from keras_textcls.distillation.distiller import DistillationConfig
    from keras_textcls.errors import (
        ArgumentError,
        InvalidDataError,
        KerasTextclsError,
        MissingDependencyError,
        PresetError,
        RunError,
        UnknownLabelError,
    )
    from keras_textcls.evaluation.comparison import Comparison, Disagreement, compare
    from keras_textcls.evaluation.cross_validation import (
        CrossValidation,
        LearningCurve,
        cross_validate,
        learning_curve,
    )
    from keras_textcls.evaluation.evaluate import evaluate
    from keras_textcls.evaluation.metrics.label_errors import SuspectedLabelError
    from keras_textcls.evaluation.metrics.matrices import LabelMatrix
    from keras_textcls.evaluation.metrics.metrics import Metric
    from keras_textcls.evaluation.metrics.significance import McNemar, PairedDifference
    from keras_textcls.evaluation.metrics.thresholds import TunedThresholds
    from keras_textcls.evaluation.report.examples import JudgedText
    from keras_textcls.evaluation.report.report import Report
    from keras_textcls.evaluation.report.report_info import ReportInfo
    from keras_textcls.labels import LabelSet
    from keras_textcls.optimization.masked import MaskedBinaryCrossentropy, MaskedMetric
    from keras_textcls.predictions.calibration import Calibration, VectorScaling
    from keras_textcls.predictions.prediction import AnswerOptions, Prediction
    from keras_textcls.text_to_text.prompt_template import PromptTemplate
    from keras_textcls.text_to_text.text_to_text import TextToText
    from keras_textcls.text_to_text.text_to_text_classifier import (
        TextToTextClassifier,
        classifier_from_preset,
    )
    from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor
    from keras_textcls.training.runs import Run, runs
    from keras_textcls.training.templates import (
        FineTuning,
        Lora,
        Template,
        TextToTextLora,
        TransferLearning,
        template,
        templates,
    )
    from keras_textcls.training.train import train
    from keras_textcls.utils.result_table import ResultTable


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
