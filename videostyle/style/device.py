"""Where tensors live."""

from __future__ import annotations

import torch

from videostyle.errors import SettingError


def choose_device(name: str) -> torch.device:
    """The device that `--device` names; auto is the first GPU if there is one.

    Raises:
        SettingError: There is no such device on this machine.

    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError("device", name, "auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise SettingError("device", name, "auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingError("device", name, f"one of the {torch.cuda.device_count()} CUDA devices here, or cpu")
    return device
