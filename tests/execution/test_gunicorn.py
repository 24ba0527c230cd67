"""Workers that gunicorn forks, with and without a model in their parent."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
from conftest import make_classifier

# Some 20 s on two idle cores, most of it for importing TensorFlow.
HANGS_AFTER = 240
FORKED_ANSWER = keras.config.backend() == "torch"

_APP = """
import json, os
from keras_textcls import TextClassifier

model = None
if os.environ["PRELOAD"] == "1":
    model = TextClassifier.from_preset(os.environ["PRESET"])
    model.classify(["a cat"])

def app(environ, start_response):
    global model
    model = model or TextClassifier.from_preset(os.environ["PRESET"])
    try:
        body = json.dumps(model.predict(["the fox"], verbose=0).tolist())
    except RuntimeError as error:
        body = str(error)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
"""


@pytest.mark.long
@pytest.mark.parametrize("preload", ["0", "1"])
def test_workers_of_gunicorn(preload, tmp_path):
    pytest.importorskip("gunicorn", reason="forks its workers")
    model = make_classifier()
    model.save_to_preset(tmp_path / "preset")
    (tmp_path / "served.py").write_text(_APP)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "served:app", "--preload", "--workers=2"]
    command += ["--bind=127.0.0.1:0", "--timeout=60", "--log-level=info"]
    environment = dict(os.environ, PRELOAD=preload, PRESET=str(tmp_path / "preset"))
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    with log.open("w") as errors:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=errors, text=True)
    try:
        address = _address(log, server)
        with urllib.request.urlopen(address, timeout=HANGS_AFTER) as response:
            body = response.read().decode()
    finally:
        server.terminate()
        try:
            server.wait(HANGS_AFTER)
        except subprocess.TimeoutExpired:
            server.kill()
            raise
    if preload == "1" and not FORKED_ANSWER:
        assert "without `--preload`" in body
    else:
        expected = model.predict(["the fox"], verbose=0)
        np.testing.assert_allclose(json.loads(body), expected, atol=1e-5)


def _address(log, server):
    """Wait for gunicorn to say where it listens."""
    ends = time.monotonic() + HANGS_AFTER
    while time.monotonic() < ends and server.poll() is None:
        match = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", log.read_text())
        if match:
            return match[1]
        time.sleep(0.1)
    pytest.fail(log.read_text())
