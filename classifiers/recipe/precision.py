"""Mixed precision: most of the arithmetic in 16 bits, the weights in 32."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

_LONGEST_GRADIENT = 5.0


class Precision:
    """How one training computes (Micikevicius et al., "Mixed Precision Training", ICLR 2018).

    On CUDA: bfloat16 where the device has it, otherwise float16 with the loss scaled so that small gradients
    do not vanish. On a CPU: bfloat16 where it has instructions for it (AVX-512 BF16, AMX), and not at all
    elsewhere, where it would be several times slower. ``dtype`` is None where nothing is mixed.

    Args:
        device: of the training.
        mixed: False computes everything in float32.
    """

    def __init__(self, device: torch.device, *, mixed: bool) -> None:
        self.device = device
        self.dtype = _half_type(device) if mixed else None
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def forward(self) -> AbstractContextManager[object]:
        """Where the forward pass and the loss are computed."""
        return torch.autocast(self.device.type, self.dtype) if self.dtype is not None else nullcontext()

    def step(
        self, loss: Tensor, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter]
    ) -> bool:
        """Backward and one step of the optimizer, the gradient no longer than 5 (Pascanu et al., ICML 2013).

        Returns:
            False if the step was left out, because a scaled gradient overflowed.
        """
        optimizer.zero_grad()
        torch.autograd.backward(self._scaler.scale(loss))
        self._scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(parameters, _LONGEST_GRADIENT)
        scale = self._scaler.get_scale()
        self._scaler.step(optimizer)
        self._scaler.update()
        return self._scaler.get_scale() >= scale


def _half_type(device: torch.device) -> torch.dtype | None:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    capabilities = torch.cpu.get_capabilities()
    quick = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if device.type == "cpu" and quick else None
