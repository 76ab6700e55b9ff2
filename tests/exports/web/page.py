"""A page with the synthesizer's scripts in it, and the means to render through its AudioWorklet."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import torch

from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.exports.web import PAGE_SCRIPTS, script, worklet_source

RATE = 16000
TIMEBASE = Timebase.at(RATE)

_OFFLINE = """
window.packed = (samples) => {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
};
// Messages with `at` (seconds) come when it is their time.
window.offline = async (messages, seconds, rate) => {
  const context = new OfflineAudioContext(2, Math.round(seconds * rate), rate);
  const address = 'data:text/javascript;charset=utf-8,' + encodeURIComponent(window.workletSource);
  await context.audioWorklet.addModule(address);
  const node = new AudioWorkletNode(context, 'ddsp-match-synth',
    {numberOfInputs: 0, outputChannelCount: [2], processorOptions: {messages}});
  const said = [];
  node.port.onmessage = ({data}) => said.push(data);
  node.connect(context.destination);
  const buffer = await context.startRendering();
  await new Promise((done) => setTimeout(done, 50));
  return {said, samples: [0, 1].map((c) => packed(buffer.getChannelData(c)))};
};
"""


def write_page(path: Path, body: str = "") -> Path:
    """A page with everything inlined, as a page from the disk has it."""
    source = json.dumps(worklet_source()).replace("<", "\\u003c")
    scripts = "\n".join(f"<script>{script(name)}</script>" for name in PAGE_SCRIPTS)
    path.write_text(
        f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<style>:root {{ color-scheme: light dark }}{script('keyboard.css')}</style><body>{body}{scripts}"
        f"<script>window.workletSource = {source}; {_OFFLINE}</script>",
        encoding="utf-8",
    )
    return path


def rendered(browser, messages: list[dict], seconds: float, rate: int) -> tuple[np.ndarray, list[dict]]:
    """What the worklet plays, (2, samples), and what it says."""
    out = browser.run("return offline(...given);", messages, seconds, rate)
    samples = np.stack([np.frombuffer(base64.b64decode(one), "<f4") for one in out["samples"]])
    return samples.astype(np.float64), out["said"]


def harmonics(
    f0_hz: float | torch.Tensor = 220.0,
    amplitudes: tuple[float, ...] = (0.2, 0.1, 0.05),
    seconds: float = 1.0,
    channels: int = 1,
    divisions: int = 1,
    timebase: Timebase = TIMEBASE,
    bands: int = 9,
) -> tuple[Controls, int]:
    """Steady harmonics without noise, and how many samples they take."""
    n = timebase.sample_at(seconds)
    frames = timebase.frames(n)
    f0 = torch.as_tensor(f0_hz, dtype=torch.float32).expand(channels, frames).contiguous()
    partials = torch.zeros(channels, len(amplitudes) * divisions, frames)
    partials[:, divisions - 1 :: divisions] = torch.tensor(amplitudes).view(1, -1, 1)
    total = partials.sum(1)
    shares = partials / total.unsqueeze(1)
    return Controls(f0, total, shares, torch.zeros(channels, bands, frames), None, divisions), n


def steps(samples: np.ndarray) -> np.ndarray:
    """The second difference: what a click shows in."""
    return np.abs(np.diff(samples, 2))
