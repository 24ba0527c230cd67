"""A run that is killed, wherever, ends at the weights of the unbroken one, bit for bit."""

import h5py
import keras
import numpy as np
import pytest
import training_process as process

from keras_textcls.training.runs import runs


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("resume") / "preset"
    process.write_preset(directory)
    return directory


def _start(processes, preset, output, template, parameters, event=-1):
    """Train in a process; return how many file operations it took, or `None` if it was killed."""
    child = processes.call(process.run_training, preset, output, template, parameters, event)
    if child.returncode == 0:
        status, count = child.stdout.split()
        assert status == "trained"
        return int(count)
    assert child.returncode == -9, child.stderr[-2000:]
    return None


def _weights(preset):
    found = {}
    for name in ("model.weights.h5", "task.weights.h5"):
        with h5py.File(preset / name) as file:
            file.visititems(
                lambda path, item, name=name: (
                    found.update({(name, path): np.asarray(item)})
                    if isinstance(item, h5py.Dataset) and "optimizer" not in path
                    else None
                )
            )
    return found


FINE_TUNING = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "validation_share": 0.2}


# Compiling anew at each start takes its time elsewhere.
KILLS = 20 if keras.config.backend() == "torch" else 8


@pytest.mark.parametrize(
    ("template", "parameters", "kills"),
    [
        ("fine_tuning", FINE_TUNING, 1),
        pytest.param("fine_tuning", FINE_TUNING, KILLS, marks=pytest.mark.long),
        ("transfer_learning", {}, 1),
        pytest.param("transfer_learning", {}, 3, marks=pytest.mark.long),
    ],
)
def test_kills_change_nothing(processes, preset, tmp_path, template, parameters, kills):
    events = _start(processes, preset, tmp_path / "unbroken", template, parameters)
    (unbroken,) = runs(tmp_path / "unbroken")
    expected = _weights(unbroken.preset)
    rng, killed, number = np.random.default_rng(0), 0, 0
    while killed < kills:
        output, number = tmp_path / f"broken{number}", number + 1
        for _ in range(5):
            event = int(rng.integers(1, events + 1))
            if _start(processes, preset, output, template, parameters, event) is not None:
                break
            killed += 1
        else:
            _start(processes, preset, output, template, parameters)
        (run,) = [run for run in runs(output) if run.status == "trained"]
        assert run.history == unbroken.history
        found = _weights(run.preset)
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            np.testing.assert_array_equal(found[key], values, err_msg=str(key))
