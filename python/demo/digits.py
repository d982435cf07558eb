# SPDX-License-Identifier: Apache-2.0
"""What is tuned: a small network on handwritten digits, trained for real."""

import numpy as np
from ray import tune
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

CLASSES = np.arange(10)


class Digits(tune.Trainable):
    """One epoch a step; reports about 20 numbers, as a nested map."""

    def setup(self, config):
        images, labels = load_digits(return_X_y=True)
        split = train_test_split(images / 16.0, labels, test_size=0.25, random_state=0)
        self.train_x, self.test_x, self.train_y, self.test_y = split
        self.model = MLPClassifier(
            hidden_layer_sizes=(config["width"],), batch_size=config["batch"], random_state=0
        )
        self.reset_config(config)

    def reset_config(self, new_config):
        self.model.learning_rate_init = new_config["lr"]
        self.model.alpha = new_config["weight_decay"]
        optimizer = getattr(self.model, "_optimizer", None)
        if optimizer is not None:
            optimizer.learning_rate_init = new_config["lr"]
        return True

    def step(self):
        self.model.partial_fit(self.train_x, self.train_y, classes=CLASSES)
        guesses = self.model.predict(self.test_x)
        recalls = recall_score(self.test_y, guesses, average=None, zero_division=0.0)
        return {
            "loss": log_loss(self.test_y, self.model.predict_proba(self.test_x), labels=CLASSES),
            "accuracy": np.float64(np.mean(guesses == self.test_y)),
            "train": {"loss": self.model.loss_, "samples": np.int64(self.model.t_)},
            "weights": {"norm": np.float32(np.linalg.norm(self.model.coefs_[0]))},
            "recall": {str(digit): value for digit, value in enumerate(recalls)},
        }

    def save_checkpoint(self, checkpoint_dir):
        return {"model": self.model}

    def load_checkpoint(self, checkpoint):
        self.model = checkpoint["model"]
