"""Made by `python bench/voices.py --fit`, never edited: the space in which voices are compared, and the strangers that a
likeness is measured against: means of two readers each, instruments, and performers made up by formula; no person's print.

Learned from LibriSpeech (V. Panayotov et al., CC BY 4.0) and from the recorded notes that `antiphon bundle info` names.
"""

import base64

import numpy as np

THRESHOLD = 0

CENTRE = np.frombuffer(base64.b85decode(
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
), "<f2").astype(np.float32).reshape(48)

AXES = np.frombuffer(base64.b85decode(
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
), "<f2").astype(np.float32).reshape(48, 1)

BETWEEN = np.frombuffer(base64.b85decode(
    "000"
), "<f2").astype(np.float32).reshape(1)

STRANGERS = np.frombuffer(base64.b85decode(
    "000000000000000000000000000000000000000000000000000000000000000000000000000"
), "<f2").astype(np.float32).reshape(30, 1)
