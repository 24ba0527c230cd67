"""The page of a report, in a browser: its numbers are those of Python at every threshold."""

import json
import math
import re
import shutil

import numpy as np
import pytest

from keras_textcls.evaluation.report.report import Report

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

COLUMNS = "support predicted tp fn fp tn precision recall f1 roc_auc average_precision".split()
HOSTILE = (
    '</script><img src=x onerror="window.hacked=1"><!--<script>',
    "a\u2028b\"'`${window.hacked=1}",
    "<b>x</b>&amp;\x00\u202erev",
)


def _program(*names):
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="module")
def browser():
    """One Chromium for all tests, which looks nothing up and downloads nothing."""
    chromium = _program("chromium", "chromium-browser", "google-chrome")
    driver = _program("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver on PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1280,900"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(driver)
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of a report; at the end, nothing was requested and nothing failed."""

    def open_page(report):
        path = report.to_html(tmp_path / "report.html")
        browser.get_log("performance")
        browser.get(path.as_uri())
        ready = "return document.documentElement.dataset.ready === 'true'"
        WebDriverWait(browser, 20).until(lambda b: b.execute_script(ready))
        return browser

    yield open_page
    assert browser.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in urls) <= 1


def _single(rows=120, classes=4, seed=0, **kwargs):
    """Scores of two digits, so that many stand exactly on a threshold of the slider."""
    rng = np.random.default_rng(seed)
    values = rng.multinomial(100, np.full(classes, 1 / classes), rows) / 100
    values = np.where(rng.random((rows, 1)) < 0.6, values, rng.dirichlet([0.4] * classes, rows))
    names = [f"label {i}" for i in range(classes)]
    actual = [names[i] for i in np.where(rng.random(rows) < 0.6, values.argmax(1), 0)]
    texts = kwargs.pop("texts", [f"text number {i}" for i in range(rows)])
    return Report.from_predictions(actual, values, names, texts=texts, **kwargs)


def _multi(rows=120, classes=4, seed=0, unknown=0.1, **kwargs):
    rng = np.random.default_rng(seed)
    actual = (rng.random((rows, classes)) < 0.3).astype(int)
    values = np.clip(0.3 * actual + 0.7 * rng.random((rows, classes)), 0, 1).astype(np.float32)
    values = np.where(rng.random((rows, classes)) < 0.5, values.round(2), values)
    actual[rng.random((rows, classes)) < unknown] = -1
    texts = [f"text number {i}" for i in range(rows)]
    names = [f"label {i}" for i in range(classes)]
    return Report.from_predictions(actual, values, names, texts=texts, **kwargs)


def _with_extra_labels(multi_label):
    rng = np.random.default_rng(3)
    values = rng.dirichlet([0.5] * 3, 60)
    names = rng.choice(["a", "b", "c", "new"], 60).tolist()
    actual = [[name] if i % 5 else [] for i, name in enumerate(names)] if multi_label else names
    return Report.from_predictions(actual, values, ["a", "b", "c"], multi_label=multi_label)


def _slide(browser, value):
    """Set the slider, and wait until the page has drawn."""
    browser.execute_async_script(
        "const [value, done] = arguments; const s = document.getElementById('threshold');"
        "s.value = value; s.dispatchEvent(new Event('input'));"
        "requestAnimationFrame(() => requestAnimationFrame(done));",
        str(value),
    )


def _drawn(browser):
    browser.execute_async_script(
        "requestAnimationFrame(() => requestAnimationFrame(arguments[0]));"
    )


def _per_label(browser):
    """The table of labels as the page shows it: a dict from label to numbers."""
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#per-label tbody tr')].map((row) =>"
        "[...row.cells].map((cell) => [cell.textContent, cell.dataset.value, cell.title]));"
    )
    return {row[0][0]: row[1:] for row in rows}


def _check_table(browser, report):
    shown = _per_label(browser)
    assert len(shown) == len(report.per_label())
    for row in report.per_label():
        cells = shown[row["label"]]
        for key, (text, value, title) in zip(COLUMNS, cells, strict=True):
            number = row[key]
            if math.isnan(number):
                assert (text, value) == ("–", "nan"), (row["label"], key)
                assert title.startswith("undefined")
            elif row["label"] == "(all labels)":
                assert float(value) == pytest.approx(number, rel=1e-12), key
            else:
                assert float(value) == number, (row["label"], key)
                assert text == (f"{number:,}" if isinstance(number, int) else f"{number:.3f}")


def _matrix(browser):
    return browser.execute_script(
        "const table = document.getElementById('matrix');"
        "return [[...table.tHead.rows[0].cells].slice(1).map((c) => c.textContent),"
        "[...table.tBodies[0].rows].map((r) => r.cells[0].textContent),"
        "[...table.tBodies[0].rows].map((r) => [...r.cells].slice(1).map((c) => c.dataset.value))];"
    )


def _check_matrix(browser, report, kind="count", tolerance=0.0):
    wanted = report.confusion_matrix(kind)
    columns, rows, values = _matrix(browser)
    assert (tuple(rows), tuple(columns)) == (wanted.rows, wanted.columns)
    np.testing.assert_allclose(np.array(values, float), wanted.values, rtol=0, atol=tolerance)


REPORTS = {
    "single": _single,
    "single, thresholds": lambda: _single(thresholds=[0.3, 0.55, 0.4, 0.333]),
    "two labels": lambda: _single(classes=2, seed=1),
    "multi": lambda: _multi(unknown=0.0),
    "multi, unknown, thresholds": lambda: _multi(thresholds={"label 1": 0.123}),
    "extra labels": lambda: _with_extra_labels(False),
    "multi, extra labels": lambda: _with_extra_labels(True),
    "one text": lambda: _single(rows=1),
    "one text, multi": lambda: _multi(rows=1, unknown=0.0),
}


@pytest.mark.parametrize("name", REPORTS)
def test_numbers_are_those_of_python(show, name):
    report = REPORTS[name]()
    browser = show(report)
    _check_table(browser, report)
    _check_matrix(browser, report)
    for value in (0, 0.07, 0.29, 0.5, 0.58, 1):
        _slide(browser, value)
        moved = report.at_threshold(value)
        _check_table(browser, moved)
        _check_matrix(browser, moved)
        for card in browser.find_elements("css selector", "#cards .value"):
            wanted = moved.values[card.get_attribute("data-metric")]
            said = card.get_attribute("data-value")
            assert said == "nan" if math.isnan(wanted) else float(said) == pytest.approx(wanted)
    browser.find_element("id", "reset").click()
    _drawn(browser)
    _check_table(browser, report)
    _check_matrix(browser, report)


@pytest.mark.parametrize("make", [_single, _multi])
def test_kinds_of_the_matrix(show, make):
    report = make()
    browser = show(report)
    for kind, tolerance in (("share", 0.0), ("mean_probability", 1e-5), ("count", 0.0)):
        browser.execute_script(
            "const k = document.getElementById('kind'); k.value = arguments[0];"
            "k.dispatchEvent(new Event('change'));",
            kind,
        )
        _check_matrix(browser, report, kind, tolerance)


def test_slider_moves_by_keys_and_says_what_it_does(show):
    report = _single()
    browser = show(report)
    slider = browser.find_element("id", "threshold")
    status = browser.find_element("id", "status")
    assert "most probable label" in status.text
    slider.send_keys(Keys.ARROW_RIGHT * 37)
    _drawn(browser)
    moved = report.at_threshold(0.37)
    _check_table(browser, moved)
    assert browser.find_element("id", "threshold-value").text == "0.37"
    unanswered = int((moved.y_pred == -1).sum())
    assert f"{unanswered} without an answer" in status.text
    assert f"Accuracy {moved['accuracy']:.3f}" in status.text
    slider.send_keys(Keys.END)
    _drawn(browser)
    _check_table(browser, report.at_threshold(1.0))


def _listed(browser, where):
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' > li')].map((li) =>"
        "[Number(li.dataset.row), (li.querySelector('.words') || {}).textContent,"
        "[...li.querySelectorAll('.chances li')].map((c) =>"
        "[c.querySelector('bdi').textContent, Number(c.querySelector('.number').textContent)])]);",
        where,
    )


def _check_texts(shown, wanted, limit=20):
    assert [(row, text) for row, text, _ in shown] == [(t.row, t.text) for t in wanted[:limit]]
    for (_, _, chances), judged in zip(shown, wanted, strict=False):
        assert chances
        for label, value in chances:
            assert value == pytest.approx(judged.probabilities[label], abs=5.1e-4)
        first = list(judged.probabilities.values())[: len(chances)]
        np.testing.assert_allclose([value for _, value in chances], first, atol=5.1e-4)


@pytest.mark.parametrize("make", [_single, _multi])
@pytest.mark.parametrize("threshold", [None, 0.46])
def test_cells_open_their_texts(show, make, threshold):
    report = make()
    browser = show(report)
    if threshold is not None:
        _slide(browser, threshold)
        report = report.at_threshold(threshold)
    matrix = report.confusion_matrix()
    for i, j in np.ndindex(len(matrix.rows), len(matrix.columns)):
        cell = f"#matrix tbody tr:nth-child({i + 1}) td:nth-child({j + 2})"
        browser.execute_script("document.querySelector(arguments[0]).click()", cell)
        wanted = report.examples(matrix.rows[i], matrix.columns[j], limit=None)
        _check_texts(_listed(browser, "#dialog-list"), wanted)
        assert len(wanted) == matrix.values[i, j]
        browser.find_element("id", "close").click()


def test_a_cell_opens_by_keys_alone_and_gets_the_focus_back(show):
    report = _single()
    browser = show(report)
    browser.find_element("id", "kind").send_keys(Keys.TAB)
    cell = browser.switch_to.active_element
    assert cell.tag_name == "td"
    cell.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    cell = browser.switch_to.active_element
    cell.send_keys(Keys.ENTER)
    dialog = browser.find_element("id", "dialog")
    assert dialog.is_displayed()
    _check_texts(_listed(browser, "#dialog-list"), report.examples("label 0", "label 1"))
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert browser.switch_to.active_element == cell


def test_more_texts_of_a_cell_are_shown_when_asked_for(show):
    report = _single(rows=200)
    browser = show(report)
    wanted = report.examples("label 0", "label 0", limit=None)
    browser.find_element("css selector", "#matrix tbody td").click()
    assert len(wanted) > 40
    browser.find_element("id", "more-texts").click()
    _check_texts(_listed(browser, "#dialog-list"), wanted, 40)


@pytest.mark.parametrize("make", [_single, _multi])
def test_worst_errors(show, make):
    report = make()
    browser = show(report)
    drawn = lambda b: b.find_elements("css selector", "#error-list > li")  # noqa: E731
    WebDriverWait(browser, 5).until(drawn)
    browser.find_element("id", "more-errors").click()
    _check_texts(_listed(browser, "#error-list"), report.errors())


def test_columns_sort_with_undefined_numbers_last(show):
    report = Report.from_predictions(
        ["a", "b", "b", "c"], np.eye(4)[[0, 1, 2, 1]], ["a", "b", "c", "d"]
    )
    browser = show(report)
    order = lambda: [*_per_label(browser)]  # noqa: E731
    head = browser.find_element("css selector", "#per-label button[data-key=recall]")
    head.send_keys(Keys.ENTER)
    cell = head.find_element("xpath", "..")
    assert cell.get_attribute("aria-sort") == "descending"
    assert order() == ["a", "b", "c", "d", "(all labels)"]
    head.click()
    assert cell.get_attribute("aria-sort") == "ascending"
    assert order() == ["c", "b", "a", "d", "(all labels)"]
    browser.find_element("css selector", "#per-label button[data-key=label]").click()
    assert order() == ["a", "b", "c", "d", "(all labels)"]


def test_labels_are_found(show):
    browser = show(_single(classes=12))
    browser.find_element("id", "search").send_keys("LABEL 1")
    _drawn(browser)
    assert {*_per_label(browser)} == {"label 1", "label 10", "label 11", "(all labels)"}
    assert _matrix(browser)[1] == ["label 1", "label 10", "label 11"]


@pytest.mark.parametrize("multi_label", [False, True])
def test_hostile_text_is_shown_and_does_nothing(show, multi_label):
    actual = [[name] for name in HOSTILE] if multi_label else list(HOSTILE)
    report = Report.from_predictions(
        actual, np.eye(3), HOSTILE, multi_label=multi_label, texts=list(HOSTILE),
        name=HOSTILE[0] + "\ud83d", metadata={"id": list(HOSTILE)},
    )  # fmt: skip
    browser = show(report)
    shown = {re.sub("[\x00\u202e]", "\ufffd", name) for name in HOSTILE}
    assert {*_per_label(browser)} == shown | {"(all labels)"}
    browser.find_element("css selector", "#matrix tbody td").click()
    assert _listed(browser, "#dialog-list")[0][1] == HOSTILE[0]
    assert browser.execute_script("return window.hacked") is None
    assert browser.find_elements("css selector", "img, b:not(.verdict b)") == []
    assert HOSTILE[0] in browser.title


def test_the_policy_stops_other_scripts(show):
    browser = show(_single())
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
        "document.body.append(s);"
    )
    assert browser.execute_script("return window.hacked") is None
    refused = browser.get_log("browser")
    assert "Content Security Policy" in refused[0]["message"]


def test_every_control_is_named_and_reached_by_tab(show):
    browser = show(_multi(classes=12))
    assert browser.execute_script("return document.documentElement.lang") == "en"
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('button, select, input')].filter((e) =>"
        "!e.textContent.trim() && !e.ariaLabel && !(e.labels && e.labels.length)).length"
    )
    assert nameless == 0
    wanted = browser.execute_script(
        "return [...document.querySelectorAll('main button, main select, main input, summary')]"
        ".filter((e) => e.checkVisibility() && !e.disabled).length"
    )
    browser.execute_script("document.querySelector('#nav a').focus()")
    reached = set()
    for _ in range(150):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        at = browser.switch_to.active_element
        if at.tag_name in ("button", "select", "input", "summary"):
            reached.add(at.id)
        if at.tag_name == "body" or len(reached) > wanted:
            break
    assert len(reached) >= wanted


@pytest.mark.parametrize("multi_label", [False, pytest.param(True, marks=pytest.mark.long)])
def test_size_of_a_page_of_long_texts(multi_label, tmp_path):
    rng = np.random.default_rng(0)
    rows, classes = 10_000, 77
    pool = "".join(rng.choice(list("abcdefghij <é"), 20_000))
    texts = [pool[i : i + 1300] for i in rng.integers(0, 18_000, rows)]
    if multi_label:
        actual = (rng.random((rows, classes)) < 0.03).astype(int)
        values = rng.random((rows, classes), np.float32)
    else:
        actual, values = rng.integers(0, classes, rows), rng.dirichlet(np.ones(classes), rows)
    report = Report.from_predictions(
        actual, values, [f"label {i}" for i in range(classes)], texts=texts
    )
    report.__dict__["resamples"] = _NoIntervals()
    page = report.to_html(tmp_path / "page.html")
    assert 1_000_000 < page.stat().st_size < 5_000_000


class _NoIntervals:
    """The bootstrap takes long, and its size in the page does not depend on the texts."""

    def interval(self, name, value):
        return value, value


def test_a_sample_is_stated_and_the_counts_stay_exact(show, monkeypatch):
    from keras_textcls.evaluation.html import page_texts

    monkeypatch.setattr(page_texts, "_MOST_TEXTS", 50)
    report = _single(rows=400)
    browser = show(report)
    _slide(browser, 0.4)
    moved = report.at_threshold(0.4)
    _check_matrix(browser, moved)
    browser.find_element("css selector", "#matrix tbody td").click()
    said = browser.find_element("id", "dialog-help").text
    number = moved.confusion_matrix()["label 0", "label 0"]
    assert f"of {number} texts" in said
    assert "of 400 texts, a random sample" in said
    all_of_cell = [text.row for text in moved.examples("label 0", "label 0", limit=None)]
    rows = [row for row, *_ in _listed(browser, "#dialog-list")]
    assert rows and set(rows) <= set(all_of_cell)
    assert rows == [row for row in all_of_cell if row in rows]


def test_a_report_without_texts(show):
    browser = show(_single(texts=None))
    browser.find_element("css selector", "#matrix tbody td").click()
    assert "holds no texts" in browser.find_element("id", "dialog-help").text
    assert browser.find_elements("css selector", "#dialog-list .chances")


def test_a_page_replaces_the_old_one(tmp_path):
    path = tmp_path / "folder" / "page.html"
    path.parent.mkdir()
    path.write_text("old")
    assert _single(rows=5).to_html(path) == path
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]
