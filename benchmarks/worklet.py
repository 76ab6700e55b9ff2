"""The playable instrument in headless Chromium: what sixteen keys cost, and how long a key takes to sound.

    python -m benchmarks.worklet
    python -m benchmarks.worklet --save

A voice of 100 harmonics and 385 noise bands at 48 kHz, held by its loop. The cost is the time that the browser takes to
render ten seconds through the AudioWorklet, as a share of those ten seconds (an OfflineAudioContext, so nothing waits),
and what the worklet reports of itself in a running AudioContext. The latency is from the keydown event
until the page hears from the worklet that the first block that is not silent was rendered (the way of that message
included), and what the context says its buffers and the output add.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

import torch

from benchmarks.common import arguments, save
from ddsp_match.core.controls import Controls
from ddsp_match.core.timebase import Timebase
from ddsp_match.exports.web.voice import voice
from tests.exports.web.page import write_page
from tests.report.driver import Browser, missing

RATE, SECONDS, PARTIALS, BANDS = 48000, 2.0, 100, 385
PLAYED_S = 10.0
PRESSES = 20
LOWEST = 36

_OFFLINE = """
const [messages, seconds, rate] = given;
const context = new OfflineAudioContext(2, seconds * rate, rate);
await context.audioWorklet.addModule('data:text/javascript;charset=utf-8,' + encodeURIComponent(workletSource));
const node = new AudioWorkletNode(context, 'ddsp-match-synth',
  {numberOfInputs: 0, outputChannelCount: [2], processorOptions: {messages}});
node.connect(context.destination);
const before = performance.now();
const buffer = await context.startRendering();
const took = (performance.now() - before) / 1000;
return {took, peak: Math.max(...buffer.getChannelData(0).subarray(-4800).map(Math.abs))};
"""
_START = """
window.instrument = new Instrument({workletSource});
window.loads = []; window.down = []; window.delays = [];
instrument.onload = (load) => loads.push(load);
instrument.onsounding = () => { if (down.length) delays.push(performance.now() - down.shift()); };
document.addEventListener('keydown', (event) => down.push(event.timeStamp), true);
await instrument.start();
await instrument.load(given[0]);
instrument.attachComputerKeyboard(document);
const {context} = instrument;
return {base: context.baseLatency, output: context.outputLatency, rate: context.sampleRate};
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    why = missing()
    if why:
        raise SystemExit(f"found: {why}; needed: Chromium and chromedriver; try: apt-get install chromium-driver")
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        browser.open(write_page(Path(folder) / "page.html"))
        figures = {"offline": [cost(browser, keys, channels) for keys, channels in ((1, 1), (16, 1), (16, 2))]}
        figures |= live(browser)
    print(f"{'keys':>5} {'channels':>9} {'of real time':>13}")
    for row in figures["offline"]:
        print(f"{row['keys']:5} {row['channels']:9} {100 * row['share']:12.1f}%")
    print(json.dumps({name: value for name, value in figures.items() if name != "offline"}, indent=1))
    if options.save:
        save("worklet", figures)


def made(channels: int) -> dict:
    timebase = Timebase.at(RATE)
    n = timebase.sample_at(SECONDS)
    frames = timebase.frames(n)
    k = torch.arange(1, PARTIALS + 1)
    shares = (1 / k / (1 / k).sum()).view(1, -1, 1).expand(channels, -1, frames).contiguous()
    generator = torch.Generator().manual_seed(1)
    phases = torch.rand(shares.shape, generator=generator).cumsum(2) * 0.1
    noise = 0.001 * torch.rand(channels, BANDS, frames, generator=generator)
    f0 = torch.full((channels, frames), 220.0)
    controls = Controls(f0, torch.full((channels, frames), 0.1), shares, noise, phases)
    return voice(controls, timebase, n, 1, name="benchmark", loop=(50, 150))


def cost(browser: Browser, keys: int, channels: int) -> dict:
    """Return the quickest of several rounds: disturbances only make a round longer."""
    # Within a fifth of the root, so that (nearly) all partials of every key sound.
    on = [{"type": "on", "midi": 50 + i * 0.5, "velocity": 0.7} for i in range(keys)]
    messages = [{"type": "voice", "voice": made(channels)}, {"type": "knob", "name": "brightness", "value": 1}, *on]
    rounds = [browser.run(_OFFLINE, messages, PLAYED_S, RATE) for _ in range(3)]
    assert all(one["peak"] > 0 for one in rounds)
    return {"keys": keys, "channels": channels, "share": min(one["took"] for one in rounds) / PLAYED_S}


def live(browser: Browser) -> dict:
    context = browser.run(_START, made(1))
    browser.run(f"for (let i = 0; i < 16; i++) instrument.on({LOWEST} + i, 0.7);")
    browser.run("await new Promise((done) => setTimeout(done, 5000));")
    shares = [one["share"] for one in browser.run("return loads;")[2:] if one["voices"] == 16]
    browser.run("instrument.panic(); down.length = 0; delays.length = 0; await new Promise((d) => setTimeout(d, 300));")
    for press in range(PRESSES):
        browser.keys("asdfghjk"[press % 8])
        browser.run("await new Promise((d) => setTimeout(d, 120));")
    delays = browser.run("return delays;")
    return {
        "context_rate": context["rate"],
        "live_share_of_16": statistics.median(shares) if shares else None,
        "presses": len(delays),
        "key_to_rendered_ms": round(statistics.median(delays), 2),
        "key_to_rendered_worst_ms": round(max(delays), 2),
        "base_latency_ms": round(1000 * context["base"], 2),
        "output_latency_ms": round(1000 * context["output"], 2),
    }


if __name__ == "__main__":
    main()
