"""The export list: what `keras_textcls` exports, and where it stands. Read at import, too."""

from .catalogue import PresetCatalogue, PresetInfo, presets
from .classifiers.text_classifier import TextClassifier
from .data.checks.findings import CheckReport, Finding
from .data.downloads.downloads import DownloadPolicy
from .data.labelled_table import Example
from .data.reading import read
from .data.rows.invalid_rows import InvalidRow, InvalidRows
from .data.statistics import DatasetStatistics
from .data.text_dataset import TextDataset
from .distillation.distillation import distill
from .distillation.distiller import DistillationConfig
from .errors import (
    ArgumentError,
    InvalidDataError,
    KerasTextclsError,
    MissingDependencyError,
    PresetError,
    ProcessError,
    RunError,
    UnknownLabelError,
)
from .evaluation.comparison import Comparison, Disagreement, compare
from .evaluation.cross_validation import (
    CrossValidation,
    LearningCurve,
    cross_validate,
    learning_curve,
)
from .evaluation.evaluate import evaluate
from .evaluation.metrics.label_errors import SuspectedLabelError
from .evaluation.metrics.matrices import LabelMatrix
from .evaluation.metrics.metrics import Metric
from .evaluation.metrics.significance import McNemar, PairedDifference
from .evaluation.metrics.thresholds import TunedThresholds
from .evaluation.report.examples import JudgedText
from .evaluation.report.report import Report
from .evaluation.report.report_info import ReportInfo
from .labels import LabelSet
from .optimization.masked import MaskedBinaryCrossentropy, MaskedMetric
from .predictions.calibration import Calibration, VectorScaling
from .predictions.prediction import AnswerOptions, Prediction
from .sklearn_compat.text_estimator import SklearnTextClassifier
from .text_to_text.prompt_template import PromptTemplate
from .text_to_text.text_to_text import TextToText
from .text_to_text.text_to_text_classifier import (
    TextToTextClassifier,
    classifier_from_preset,
)
from .tokenization.preprocessor import TextClassifierPreprocessor
from .training.runs import Run, runs
from .training.templates import (
    FineTuning,
    Lora,
    Template,
    TextToTextLora,
    TransferLearning,
    template,
    templates,
)
from .training.train import train
from .utils.result_table import ResultTable

__version__: str

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
    "ProcessError",
    "PromptTemplate",
    "Report",
    "ReportInfo",
    "ResultTable",
    "Run",
    "RunError",
    "SklearnTextClassifier",
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
