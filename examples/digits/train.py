"""`python -m examples.digits.train FOLDER`: trains the network in seconds, for LiteRT to run."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras import Input, Sequential, config, utils
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from examples.digits.drawings import draw

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    utils.set_random_seed(7)
    cells = np.stack([draw(n % 10, np.random.default_rng(n)) for n in range(8000)])
    looks = [Conv2D(16, 3, activation="relu"), Conv2D(32, 3, activation="relu"), MaxPooling2D()]
    decides = [Flatten(), Dropout(0.3), Dense(10, "softmax")]
    network = Sequential([Input((16, 16, 1), name="drawing"), *looks, *decides])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(cells, np.arange(8000) % 10, 64, epochs=6, validation_split=0.1, verbose=2)
    config.disable_interactive_logging()
    graph = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(graph)
    about = {"name": "digits", "digest": f"sha256:{hashlib.sha256(graph).hexdigest()}"}
    (folder / "bundle.json").write_text(json.dumps(about))  # the last: all is there
