"""Write docs/pictures/: the report page and the plots of a small real example.

    python docs/pictures.py

The example is that of examples/customer_messages.py: 202 messages to train on, 50 held
out. The report page is photographed by Chromium, in light and in dark colours, at twice
the pixels that are shown; the plots are drawn as SVG. Needs the extras `plots` and
`test`, and chromium with chromedriver.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PICTURES = ROOT / "docs" / "pictures"
MESSAGES = ROOT / "examples" / "data" / "customer_messages.csv"
LARGEST = 300_000  # bytes
COLOURS = 96  # of a PNG: enough for text and bars
WIDTH, HEIGHT = 1200, 895


def main() -> None:
    """Train, evaluate, compare, and write every picture."""
    from keras_textcls import compare, evaluate, learning_curve, read, train

    parts = read(MESSAGES).split(train=0.8, validation=0, test=0.2, seed=0)
    with tempfile.TemporaryDirectory() as scratch:
        run = train(parts.train, output=scratch, name="customer_messages", verbose=0)
        small = train(
            parts.train, "static_embedding_en_uncased", output=scratch, name="small", verbose=0
        )
        report = evaluate(run, parts.test)
        page = report.to_html(Path(scratch) / "report.html")
        photograph(page, {"report": scroll_to_top, "report_matrix": open_a_cell})
        comparison = compare([report, evaluate(small, parts.test)])
        draw(
            {
                "confusion": report.plot.confusion,
                "roc": report.plot.roc,
                "precision_recall": report.plot.pr,
                "calibration": report.plot.calibration,
                "threshold": lambda: report.plot.threshold("delivery"),
                "labels": report.plot.labels,
                "compared": comparison.plot.roc,
                "learning_curve": learning_curve(parts.train).plot,
            }
        )
    for picture in sorted(PICTURES.iterdir()):
        print(f"{picture.stat().st_size:8,} bytes  {picture.name}")
        if picture.stat().st_size > LARGEST:
            sys.exit(f"{picture.name} has more than {LARGEST:,} bytes")


def draw(plots: dict[str, Callable[[], Any]]) -> None:
    """Draw each plot into an SVG file, the same at every run."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "keras-textcls", "figure.autolayout": True})
    from matplotlib import pyplot

    for name, plot in plots.items():
        axes = plot()
        axes.figure.savefig(PICTURES / f"{name}.svg", metadata={"Date": None})
        pyplot.close(axes.figure)


def photograph(page: Path, views: dict[str, Callable[[Any], None]]) -> None:
    """Write `NAME_light.png` and `NAME_dark.png` of each view of a page."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for colours in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": colours}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            for name, view in views.items():
                driver.get(page.as_uri())
                view(driver)
                save(driver.get_screenshot_as_png(), PICTURES / f"{name}_{colours}.png")
    finally:
        driver.quit()


def scroll_to_top(driver: Any) -> None:
    """The page as it opens."""
    driver.execute_script("window.scrollTo(0, 0)")


def open_a_cell(driver: Any) -> None:
    """The texts of the largest wrong cell of the confusion matrix."""
    driver.execute_script("""
        document.querySelector("#confusion").scrollIntoView();
        const cells = [...document.querySelectorAll("#matrix tbody tr")].flatMap((row, actual) =>
          [...row.querySelectorAll("td")].filter((_, predicted) => predicted !== actual));
        const count = (cell) => Number.parseInt(cell.textContent) || 0;
        cells.reduce((most, cell) => count(cell) > count(most) ? cell : most).click();
    """)


def save(png: bytes, path: Path) -> None:
    """Write a picture with few colours, a third of the size of the original."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


if __name__ == "__main__":
    main()
